//! Accounts: who holds money, in which currency, and how far it may fall.

use payment::{Amount, Currency};

use super::error::BankError;
use crate::storage::DbConnection;

/// What the names of vouchers' accounts begin with.
const VOUCHER_PREFIX: &str = "voucher:";

/// An account's name, such as `cardholder:visa-0050` or `merchant:blue-door`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, sqlx::Type, serde::Serialize)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct AccountId(String);

impl AccountId {
    /// The account of a merchant.
    pub fn of_merchant(merchant_id: &payment::MerchantId) -> Self {
        Self(format!("merchant:{merchant_id}"))
    }

    /// The account of a cardholder, by a name the bank gives.
    pub fn of_cardholder(name: &str) -> Self {
        Self(format!("cardholder:{name}"))
    }

    /// The account of a voucher's money.
    pub fn of_voucher(number: &payment::VoucherNumber) -> Self {
        Self(format!("{VOUCHER_PREFIX}{number}"))
    }

    /// Whether it is a voucher's: only a sale pays in there.
    pub fn is_of_voucher(&self) -> bool {
        self.0.starts_with(VOUCHER_PREFIX)
    }

    /// The clearing account of an ordinary client's acquirer, one for each currency.
    pub fn of_acquirer(acquirer: &AcquirerId, currency: Currency) -> Self {
        Self(format!("acquirer:{acquirer}:{currency}"))
    }

    /// The account that a person names: as it is written in the books, or a cardholder's by its own name.
    pub fn named(name: &str) -> Self {
        if name.contains(':') { Self(name.to_owned()) } else { Self::of_cardholder(name) }
    }

    /// Where the bank's fees of a currency go.
    pub fn fees(currency: Currency) -> Self {
        Self(format!("fees:{currency}"))
    }

    /// Where payouts of a currency go.
    pub fn payouts(currency: Currency) -> Self {
        Self(format!("payouts:{currency}"))
    }

    /// Where opening balances of a currency come from.
    pub fn opening(currency: Currency) -> Self {
        Self(format!("opening:{currency}"))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for AccountId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who brings messages to the bank: an acquiring institution's code of 1 to 11 digits (ISO 8583 DE 32), without
/// the zeros before it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, sqlx::Type, serde::Serialize)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct AcquirerId(String);

/// The most digits of an acquirer's code (ISO 8583 DE 32).
const ACQUIRER_DIGITS_MAX: usize = 11;

impl AcquirerId {
    /// The acquirer that DE 32 names; none when it is not 1 to 11 digits.
    pub fn parse(code: &str) -> Option<Self> {
        let is_code = (1..=ACQUIRER_DIGITS_MAX).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit());
        let digits = code.trim_start_matches('0');
        is_code.then(|| Self(if digits.is_empty() { "0" } else { digits }.to_owned()))
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for AcquirerId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an account is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// A payer's money, on account or on a voucher: nothing is spent that would let what is available fall below zero.
    Cardholder,
    /// What a merchant was paid; a reversal after a payout may take it below zero.
    Merchant,
    /// What is owed to the acquirer of an ordinary client for what its merchants sold.
    Acquirer,
    /// What the bank earned.
    Fees,
    /// What left the bank to merchants and acquirers.
    Payouts,
    /// The other side of opening balances and deposits.
    Opening,
}

impl AccountKind {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cardholder => "cardholder",
            Self::Merchant => "merchant",
            Self::Acquirer => "acquirer",
            Self::Fees => "fees",
            Self::Payouts => "payouts",
            Self::Opening => "opening",
        }
    }

    /// The kind a stored name means.
    pub(super) fn parse(text: &str) -> Result<Self, BankError> {
        [Self::Cardholder, Self::Merchant, Self::Acquirer, Self::Fees, Self::Payouts, Self::Opening]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(BankError::Stored("account.kind"))
    }

    /// The lowest that may stay available, in minor units.
    const fn floor_minor(self) -> Option<i64> {
        match self {
            Self::Cardholder => Some(0),
            Self::Merchant | Self::Acquirer | Self::Fees | Self::Payouts | Self::Opening => None,
        }
    }
}

/// Opens an account unless it is open already; whether it is new.
pub async fn open(
    db_tx: &mut DbConnection,
    account_id: &AccountId,
    kind: AccountKind,
    currency: Currency,
    now_ms: i64,
) -> Result<bool, BankError> {
    let opened = sqlx::query(
        "INSERT INTO account (account_id, kind, currency, created_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (account_id) DO NOTHING",
    )
    .bind(account_id)
    .bind(kind.as_str())
    .bind(currency.code())
    .bind(now_ms)
    .execute(&mut *db_tx)
    .await?;
    if opened.rows_affected() == 0 {
        return match currency_of(db_tx, account_id).await? {
            Some(found) if found == currency => Ok(false),
            _ => Err(BankError::AccountCurrency),
        };
    }
    sqlx::query(
        "INSERT INTO balance (account_id, posted_minor, pending_out_minor, pending_in_minor, floor_minor, entries)
         VALUES ($1, 0, 0, 0, $2, 0)",
    )
    .bind(account_id)
    .bind(kind.floor_minor())
    .execute(db_tx)
    .await?;
    Ok(true)
}

/// What an account is for, if there is such an account.
pub async fn kind_of(db_tx: &mut DbConnection, account_id: &AccountId) -> Result<Option<AccountKind>, BankError> {
    let kind: Option<String> = sqlx::query_scalar("SELECT kind FROM account WHERE account_id = $1")
        .bind(account_id)
        .fetch_optional(db_tx)
        .await?;
    kind.map(|kind| AccountKind::parse(&kind)).transpose()
}

/// The currency of an account, if there is such an account.
pub async fn currency_of(db_tx: &mut DbConnection, account_id: &AccountId) -> Result<Option<Currency>, BankError> {
    let code: Option<String> = sqlx::query_scalar("SELECT currency FROM account WHERE account_id = $1")
        .bind(account_id)
        .fetch_optional(db_tx)
        .await?;
    code.map(|code| code.parse().map_err(|_| BankError::Stored("account.currency"))).transpose()
}

/// What an account may spend now: posted, less what is held.
pub async fn available(db_tx: &mut DbConnection, account_id: &AccountId) -> Result<Option<Amount>, BankError> {
    let row: Option<(i64, String)> = sqlx::query_as(
        "SELECT balance.posted_minor - balance.pending_out_minor, account.currency
         FROM balance JOIN account ON account.account_id = balance.account_id WHERE balance.account_id = $1",
    )
    .bind(account_id)
    .fetch_optional(db_tx)
    .await?;
    let Some((minor, code)) = row else { return Ok(None) };
    let currency = code.parse().map_err(|_| BankError::Stored("account.currency"))?;
    Ok(Some(Amount::new(minor, currency)))
}

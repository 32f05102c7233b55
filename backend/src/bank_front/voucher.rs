//! Prepaid vouchers: taken in batches from the merchants who made them, sold to accounts, spent by code.
//!
//! A voucher's money is in an account of its own from the moment it is sold, so that the ledger's own rules keep it: what
//! is not there is not spent, of many tries at the last of it one wins, and a refund or a reversal goes back onto it. The
//! account it was bought from is remembered, and gets back what is left when its holder ends it.
//!
//! Every verb here is one step of the writer. Codes are compared as verifiers that the HSM made before; the only ones in
//! clear are those that a verb hands over, once.
//!
//! **Invariant:** while a voucher is locked no code is compared, so a lock ends guessing.
//!
//! **Invariant:** codes leave the bank once: the step that hands them over forgets them.
//!
//! **Invariant:** for a large amount no code is compared unless a card of the account that bought the voucher is proven,
//! with its PIN.

use std::collections::BTreeSet;

use payment::{Amount, Currency, FixedPart, MerchantId, VoucherNumber};

use super::account::{self, AccountId, AccountKind};
use super::error::BankError;
use super::hsm::{CodeVerifier, Hsm, VoucherCodes};
use super::ledger::{self, Movement, TransferId};
use crate::storage::DbConnection;
use vouchers::{BackupCode, BatchHeader, NewVoucher, VoucherCode};

mod care;
mod end_of_day;
mod lifecycle;
pub mod message;
pub mod signer;
mod spending;
mod view;

pub use care::{Answered, change_code, check_code, end, forgot_code, prove_identity, replace_backup, unlock};
pub use end_of_day::{return_rest, to_return};
pub use lifecycle::{Standing, TRIES_MAX, VoucherEvent, VoucherState};
pub use spending::{Shown, Spending, TypedCode, spend};
pub use view::{HistoryLine, VoucherView, history, of_batch};

/// What the ledger calls a sale and a return.
const PURPOSE_SOLD: &str = "voucher sold";
const PURPOSE_RETURNED: &str = "voucher returned";

/// A voucher of a batch, with everything that is stored of it.
pub struct TakenVoucher {
    number: VoucherNumber,
    amount_minor: i64,
    code: CodeVerifier,
    backup: CodeVerifier,
    sealed_codes: String,
}

impl TakenVoucher {
    /// What the bank stores of a voucher that its merchant made.
    ///
    /// # Errors
    /// When the bank has no keys for vouchers.
    pub fn of(hsm: &Hsm, voucher: &NewVoucher) -> Result<Self, BankError> {
        Ok(Self {
            code: hsm.voucher_verifier(&voucher.number, &voucher.code)?,
            backup: hsm.voucher_verifier(&voucher.number, &voucher.backup)?,
            sealed_codes: hsm.keep_voucher_codes(&voucher.number, &voucher.code, &voucher.backup)?,
            number: voucher.number.clone(),
            amount_minor: voucher.amount_minor,
        })
    }
}

/// Takes a batch, all of it or nothing; whether it is new. The same batch again changes nothing.
///
/// # Errors
/// [`BankError::Conflict`] when another batch has its fixed part.
pub async fn import(
    db_tx: &mut DbConnection,
    header: &BatchHeader,
    vouchers: &[TakenVoucher],
    now_ms: i64,
) -> Result<bool, BankError> {
    let taken = sqlx::query(
        "INSERT INTO voucher_batch (fixed_part, merchant_id, currency, large_from_minor, imported_ms)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (fixed_part) DO NOTHING",
    )
    .bind(header.fixed_part.as_str())
    .bind(header.merchant_id.as_str())
    .bind(header.currency.code())
    .bind(header.large_from_minor)
    .bind(now_ms)
    .execute(&mut *db_tx)
    .await?;
    if taken.rows_affected() == 0 {
        let known: Vec<String> = sqlx::query_scalar("SELECT number FROM voucher WHERE fixed_part = $1")
            .bind(header.fixed_part.as_str())
            .fetch_all(&mut *db_tx)
            .await?;
        let known: BTreeSet<&str> = known.iter().map(String::as_str).collect();
        let same = known.len() == vouchers.len() && vouchers.iter().all(|new| known.contains(new.number.as_str()));
        return if same { Ok(false) } else { Err(BankError::Conflict("a batch of vouchers with this fixed part")) };
    }
    for voucher in vouchers {
        sqlx::query(
            "INSERT INTO voucher (number, fixed_part, amount_minor, state, code_verifier, backup_verifier,
             code_tries_left, backup_tries_left, sealed_codes) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(voucher.number.as_str())
        .bind(header.fixed_part.as_str())
        .bind(voucher.amount_minor)
        .bind(Standing::OFFERED.state.as_str())
        .bind(voucher.code.to_text())
        .bind(voucher.backup.to_text())
        .bind(i64::from(Standing::OFFERED.code_tries_left))
        .bind(i64::from(Standing::OFFERED.backup_tries_left))
        .bind(&voucher.sealed_codes)
        .execute(&mut *db_tx)
        .await?;
    }
    Ok(true)
}

/// Sells the next voucher of a batch with this amount to an account: its price moves from there into the voucher's own
/// account. Which one it is.
///
/// # Errors
/// [`BankError::NoVoucher`] when none is left; [`BankError::NoAccount`], [`BankError::AccountCurrency`] or
/// [`BankError::Overdrawn`] when the account cannot pay.
pub async fn sell(
    db_tx: &mut DbConnection,
    fixed: &FixedPart,
    amount_minor: i64,
    from: &AccountId,
    now_ms: i64,
) -> Result<VoucherNumber, BankError> {
    if account::kind_of(db_tx, from).await? != Some(AccountKind::Cardholder) || AccountId::is_of_voucher(from) {
        return Err(BankError::NoAccount(from.to_string()));
    }
    let next: Option<String> = sqlx::query_scalar(
        "SELECT number FROM voucher WHERE fixed_part = $1 AND amount_minor = $2 AND state = 'offered'
         ORDER BY number LIMIT 1",
    )
    .bind(fixed.as_str())
    .bind(amount_minor)
    .fetch_optional(&mut *db_tx)
    .await?;
    let number = parse_number(&next.ok_or(BankError::NoVoucher)?)?;
    let voucher = Stored::find(db_tx, &number).await?.ok_or(BankError::NoVoucher)?;
    let own = AccountId::of_voucher(&number);
    account::open(db_tx, &own, AccountKind::Cardholder, voucher.currency, now_ms).await?;
    let movement = Movement {
        debit: from.clone(),
        credit: own.clone(),
        amount: Amount::new(amount_minor, voucher.currency),
        purpose: PURPOSE_SOLD.to_owned(),
        acquirer: None,
    };
    ledger::settle(db_tx, &movement, now_ms).await?;
    sqlx::query("UPDATE voucher SET account_id = $2, bought_from = $3, state = $4 WHERE number = $1 AND state = $5")
        .bind(number.as_str())
        .bind(&own)
        .bind(from)
        .bind(voucher.standing.apply(VoucherEvent::Sold)?.state.as_str())
        .bind(voucher.standing.state.as_str())
        .execute(&mut *db_tx)
        .await?;
    note(db_tx, &number, VoucherEvent::Sold, now_ms).await?;
    Ok(number)
}

/// Hands over the codes of a voucher that was sold, and forgets them.
///
/// # Errors
/// [`BankError::VoucherState`] when they were handed over before: then only [`forgot_code`] and [`replace_backup`]
/// give others.
pub async fn hand_over(
    db_tx: &mut DbConnection,
    hsm: &Hsm,
    number: &VoucherNumber,
    now_ms: i64,
) -> Result<VoucherCodes, BankError> {
    let voucher = Stored::find(db_tx, number).await?.ok_or(BankError::NoVoucher)?;
    let standing = voucher.standing.apply(VoucherEvent::HandedOver)?;
    let sealed: Option<String> = sqlx::query_scalar("SELECT sealed_codes FROM voucher WHERE number = $1")
        .bind(number.as_str())
        .fetch_one(&mut *db_tx)
        .await?;
    let codes = hsm.kept_voucher_codes(number, &sealed.ok_or(BankError::Stored("voucher.sealed_codes"))?)?;
    let forgotten = sqlx::query("UPDATE voucher SET sealed_codes = NULL, state = $2 WHERE number = $1 AND state = $3")
        .bind(number.as_str())
        .bind(standing.state.as_str())
        .bind(voucher.standing.state.as_str())
        .execute(&mut *db_tx)
        .await?;
    if forgotten.rows_affected() != 1 {
        return Err(BankError::Conflict("a voucher"));
    }
    note(db_tx, number, VoucherEvent::HandedOver, now_ms).await?;
    Ok(codes)
}

/// A voucher as stored, without what only its sale needs.
struct Stored {
    number: VoucherNumber,
    standing: Standing,
    code: CodeVerifier,
    backup: CodeVerifier,
    account_id: Option<AccountId>,
    bought_from: Option<AccountId>,
    merchant_id: MerchantId,
    currency: Currency,
}

#[derive(sqlx::FromRow)]
struct DbRow {
    state: String,
    code_verifier: String,
    backup_verifier: String,
    code_tries_left: i64,
    backup_tries_left: i64,
    account_id: Option<AccountId>,
    bought_from: Option<AccountId>,
    merchant_id: String,
    currency: String,
}

impl Stored {
    async fn find(connection: &mut DbConnection, number: &VoucherNumber) -> Result<Option<Self>, BankError> {
        let row: Option<DbRow> = sqlx::query_as(
            "SELECT state, code_verifier, backup_verifier, code_tries_left, backup_tries_left, account_id,
             bought_from, merchant_id, currency FROM voucher
             JOIN voucher_batch ON voucher_batch.fixed_part = voucher.fixed_part WHERE number = $1",
        )
        .bind(number.as_str())
        .fetch_optional(connection)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let tries = |left: i64| u8::try_from(left).map_err(|_| BankError::Stored("voucher.code_tries_left"));
        Ok(Some(Self {
            number: number.clone(),
            standing: Standing {
                state: VoucherState::parse(&row.state)?,
                code_tries_left: tries(row.code_tries_left)?,
                backup_tries_left: tries(row.backup_tries_left)?,
            },
            code: CodeVerifier::parse(&row.code_verifier)?,
            backup: CodeVerifier::parse(&row.backup_verifier)?,
            account_id: row.account_id,
            bought_from: row.bought_from,
            merchant_id: row.merchant_id.parse().map_err(|_| BankError::Stored("voucher_batch.merchant_id"))?,
            currency: row.currency.parse().map_err(|_| BankError::Stored("voucher_batch.currency"))?,
        }))
    }

    /// The voucher's own account, which it has once it is sold.
    fn own_account(&self) -> Result<&AccountId, BankError> {
        self.account_id.as_ref().ok_or(BankError::Stored("voucher.account_id"))
    }

    /// What is on it.
    async fn balance(&self, connection: &mut DbConnection) -> Result<Amount, BankError> {
        let own = self.own_account()?;
        account::available(connection, own).await?.ok_or_else(|| BankError::NoAccount(own.to_string()))
    }

    /// Stores what an event made of it, and the event.
    async fn note(&mut self, db_tx: &mut DbConnection, event: VoucherEvent, now_ms: i64) -> Result<(), BankError> {
        let next = self.standing.apply(event)?;
        let changed = sqlx::query(
            "UPDATE voucher SET state = $2, code_tries_left = $3, backup_tries_left = $4
             WHERE number = $1 AND state = $5",
        )
        .bind(self.number.as_str())
        .bind(next.state.as_str())
        .bind(i64::from(next.code_tries_left))
        .bind(i64::from(next.backup_tries_left))
        .bind(self.standing.state.as_str())
        .execute(&mut *db_tx)
        .await?;
        if changed.rows_affected() != 1 {
            return Err(BankError::Conflict("a voucher"));
        }
        self.standing = next;
        note(db_tx, &self.number, event, now_ms).await
    }
}

async fn note(
    db_tx: &mut DbConnection,
    number: &VoucherNumber,
    event: VoucherEvent,
    now_ms: i64,
) -> Result<(), BankError> {
    sqlx::query(
        "INSERT INTO voucher_event (number, ordinal, event, at_ms)
         SELECT $1, COALESCE(MAX(ordinal), 0) + 1, $2, $3 FROM voucher_event WHERE number = $1",
    )
    .bind(number.as_str())
    .bind(event.as_str())
    .bind(now_ms)
    .execute(db_tx)
    .await?;
    Ok(())
}

fn parse_number(text: &str) -> Result<VoucherNumber, BankError> {
    text.parse().map_err(|_| BankError::Stored("voucher.number"))
}

#[cfg(test)]
mod tests;

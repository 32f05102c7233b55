//! The operator's ledger: what stands on bills against what is owed to merchants, in postings that cancel out.
//!
//! An account above zero is owed to the operator or is what it took in; one below is what it owes or earned. A posting has
//! two or three entries, so for every currency
//!
//! **Invariant:** all entries sum to zero, and so do those of each posting.
//!
//! **Invariant:** what an account holds is the sum of its entries, which are numbered without a gap.

use payment::{Amount, ConfirmationNumber, Currency, MerchantId};

use super::error::CarrierError;
use crate::storage::DbConnection;

/// An account of the books.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct Account(String);

impl Account {
    /// What a subscriber owes.
    pub fn of_subscriber(subscriber_id: &str) -> Self {
        Self(format!("subscriber:{subscriber_id}"))
    }

    /// What a merchant is owed.
    pub fn of_merchant(merchant: &MerchantId) -> Self {
        Self(format!("merchant:{merchant}"))
    }

    /// The operator's shares.
    pub fn shares() -> Self {
        Self("shares".to_owned())
    }

    /// What was paid out to merchants, or handed to a bank for them.
    pub fn payouts() -> Self {
        Self("payouts".to_owned())
    }

    /// What subscribers paid.
    pub fn collections() -> Self {
        Self("collections".to_owned())
    }

    /// The account's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What moves money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something is put on a bill.
    Purchase,
    /// A purchase is undone.
    Reversal,
    /// Something of a purchase is given back.
    Refund,
    /// A subscriber pays.
    BillPayment,
    /// A merchant is paid.
    Settlement,
}

impl Kind {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Purchase => "purchase",
            Self::Reversal => "reversal",
            Self::Refund => "refund",
            Self::BillPayment => "bill_payment",
            Self::Settlement => "settlement",
        }
    }
}

/// A posting to be made.
pub struct NewPosting<'a> {
    /// What it is.
    pub kind: Kind,
    /// In which currency.
    pub currency: Currency,
    /// Who brought it over the line.
    pub acquirer: Option<&'a str>,
    /// What a bill's line says.
    pub narrative: &'a str,
    /// What it can be looked up by.
    pub confirmation: Option<&'a ConfirmationNumber>,
    /// What it adds to which account, in minor units; sums to zero.
    pub entries: &'a [(Account, i64)],
}

impl NewPosting<'_> {
    /// Writes it, in one step with whatever decided it.
    ///
    /// # Errors
    /// [`CarrierError::Range`] when the entries do not cancel out, or a sum leaves the range.
    pub async fn insert(&self, db_tx: &mut DbConnection, now_ms: i64) -> Result<(), CarrierError> {
        let sum = self.entries.iter().try_fold(0_i64, |sum, (_, minor)| sum.checked_add(*minor));
        if sum != Some(0) || self.entries.len() < 2 {
            return Err(CarrierError::Range);
        }
        let posting_id: i64 =
            sqlx::query_scalar("SELECT COALESCE(MAX(posting_id), 0) + 1 FROM posting").fetch_one(&mut *db_tx).await?;
        sqlx::query(
            "INSERT INTO posting (posting_id, kind, currency, acquirer, narrative, confirmation_number, posted_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(posting_id)
        .bind(self.kind.as_str())
        .bind(self.currency.code())
        .bind(self.acquirer)
        .bind(self.narrative)
        .bind(self.confirmation.map(ConfirmationNumber::as_str))
        .bind(now_ms)
        .execute(&mut *db_tx)
        .await?;
        for (account, minor) in self.entries.iter().filter(|(_, minor)| *minor != 0) {
            add(db_tx, account, self.currency, *minor, posting_id).await?;
        }
        Ok(())
    }
}

async fn add(
    db_tx: &mut DbConnection,
    account: &Account,
    currency: Currency,
    minor: i64,
    posting_id: i64,
) -> Result<(), CarrierError> {
    let posted = balance(db_tx, account, currency).await?;
    posted.checked_add(minor).ok_or(CarrierError::Range)?;
    let sequence: i64 = sqlx::query_scalar(
        "INSERT INTO account (account, currency, posted_minor, entries) VALUES ($1, $2, $3, 1)
         ON CONFLICT (account, currency) DO UPDATE SET posted_minor = account.posted_minor + excluded.posted_minor,
         entries = account.entries + 1 RETURNING entries",
    )
    .bind(account)
    .bind(currency.code())
    .bind(minor)
    .fetch_one(&mut *db_tx)
    .await?;
    sqlx::query(
        "INSERT INTO entry (account, account_sequence, posting_id, currency, amount_minor) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(account)
    .bind(sequence)
    .bind(posting_id)
    .bind(currency.code())
    .bind(minor)
    .execute(db_tx)
    .await?;
    Ok(())
}

/// What an account holds, in minor units; zero when it has no entry.
///
/// # Errors
/// When the database fails.
pub async fn balance(
    connection: &mut DbConnection,
    account: &Account,
    currency: Currency,
) -> Result<i64, CarrierError> {
    let found: Option<i64> =
        sqlx::query_scalar("SELECT posted_minor FROM account WHERE account = $1 AND currency = $2")
            .bind(account)
            .bind(currency.code())
            .fetch_optional(connection)
            .await?;
    Ok(found.unwrap_or(0))
}

/// What can still go on a subscriber's bill, in minor units.
///
/// # Errors
/// [`CarrierError::Range`] when it leaves the range.
pub async fn credit_left(
    connection: &mut DbConnection,
    subscriber_id: &str,
    limit: Amount,
) -> Result<i64, CarrierError> {
    let owed = balance(connection, &Account::of_subscriber(subscriber_id), limit.currency()).await?;
    limit.minor().checked_sub(owed).ok_or(CarrierError::Range)
}

/// One account of the ledger, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct AccountView {
    /// Its name.
    pub account: String,
    /// In which currency.
    pub currency: String,
    /// What its entries add up to, in minor units.
    pub posted_minor: i64,
    /// How many there are.
    pub entries: i64,
}

/// Every account, and every rule of the books that is broken: there should be none.
///
/// # Errors
/// When the database fails.
pub async fn audit(connection: &mut DbConnection) -> Result<(Vec<AccountView>, Vec<String>), CarrierError> {
    let accounts: Vec<AccountView> =
        sqlx::query_as("SELECT account, currency, posted_minor, entries FROM account ORDER BY account, currency")
            .fetch_all(&mut *connection)
            .await?;
    let mut faults = Vec::new();
    for (rule, query) in RULES {
        let broken: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut *connection).await?;
        faults.extend(broken.into_iter().map(|which| format!("{rule}: {which}")));
    }
    Ok((accounts, faults))
}

/// What must hold, and what breaks it.
const RULES: [(&str, &str); 5] = [
    (
        "a currency sums to zero",
        "SELECT currency FROM entry GROUP BY currency HAVING SUM(amount_minor) <> 0",
    ),
    (
        "a posting cancels out",
        "SELECT CAST(posting_id AS TEXT) FROM entry GROUP BY posting_id HAVING SUM(amount_minor) <> 0",
    ),
    (
        "an account is the sum of its entries, numbered without a gap",
        "SELECT account.account FROM account LEFT JOIN entry ON entry.account = account.account
         AND entry.currency = account.currency
         GROUP BY account.account, account.currency, account.posted_minor, account.entries
         HAVING COALESCE(SUM(entry.amount_minor), 0) <> account.posted_minor OR COUNT(entry.posting_id) <> account.entries
         OR COALESCE(MAX(entry.account_sequence), 0) <> account.entries",
    ),
    (
        "no more is given back than was paid",
        "SELECT purchase.reference FROM purchase JOIN refund ON refund.purchase = purchase.reference AND refund.is_made = 1
         GROUP BY purchase.reference, purchase.amount_minor HAVING SUM(refund.amount_minor) > purchase.amount_minor",
    ),
    (
        "what was approved can be proved",
        "SELECT reference FROM purchase WHERE state IN ('approved', 'reversed')
         AND NOT EXISTS (SELECT 1 FROM evidence WHERE evidence.reference = purchase.reference)",
    ),
];

//! The double-entry ledger: holds, posts, voids and undoings, each a new row and never a change.
//!
//! ```text
//! hold ── post ── undo
//!   └──── void
//! ```
//!
//! A movement takes an amount from a debit account to a credit account. Each row of `transfer` is a
//! step of one movement and names the step it follows; the database refuses a second follower. Each
//! step has two entries that cancel out, so for every currency
//!
//! **Invariant:** posted entries sum to zero, and what is pending out equals what is pending in.
//!
//! **Invariant:** a balance is the sum of its account's entries.

use payment::{Amount, Currency};
use sqlx::SqliteConnection;

use super::account::AccountId;
use super::error::BankError;

/// The id of one step of a movement, a UUIDv7.
#[derive(Debug, Clone, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct TransferId(String);

impl TransferId {
    fn generate(now_ms: i64) -> Self {
        let mut random = [0; 10];
        getrandom::fill(&mut random).expect("the operating system has randomness");
        let now_ms = u64::try_from(now_ms).unwrap_or_default();
        Self(uuid::Builder::from_unix_timestamp_millis(now_ms, &random).into_uuid().to_string())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Money to be moved from one account to another.
#[derive(Debug, Clone)]
pub struct Movement {
    /// Who pays.
    pub debit: AccountId,
    /// Who is paid.
    pub credit: AccountId,
    /// How much.
    pub amount: Amount,
    /// What for: an attempt's id, or a word such as `opening`.
    pub purpose: String,
}

/// A step in the life of a movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Pending,
    Posted,
    Voided,
    Undone,
}

impl Phase {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Posted => "posted",
            Self::Voided => "voided",
            Self::Undone => "undone",
        }
    }

    /// What the step adds to the debit side and to the credit side.
    const fn effects(self, minor: i64) -> (Effect, Effect) {
        let none = Effect { posted: 0, pending_out: 0, pending_in: 0 };
        match self {
            Self::Pending => (Effect { pending_out: minor, ..none }, Effect { pending_in: minor, ..none }),
            Self::Posted => (
                Effect { posted: -minor, pending_out: -minor, ..none },
                Effect { posted: minor, pending_in: -minor, ..none },
            ),
            Self::Voided => (Effect { pending_out: -minor, ..none }, Effect { pending_in: -minor, ..none }),
            Self::Undone => (Effect { posted: minor, ..none }, Effect { posted: -minor, ..none }),
        }
    }
}

/// What one entry adds to its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Effect {
    posted: i64,
    pending_out: i64,
    pending_in: i64,
}

impl Effect {
    fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            posted: self.posted.checked_add(other.posted)?,
            pending_out: self.pending_out.checked_add(other.pending_out)?,
            pending_in: self.pending_in.checked_add(other.pending_in)?,
        })
    }
}

/// Reserves the amount at the debit account.
pub async fn hold(db_tx: &mut SqliteConnection, movement: &Movement, now_ms: i64) -> Result<TransferId, BankError> {
    let id = TransferId::generate(now_ms);
    check(movement)?;
    record(db_tx, movement, &[(&id, Phase::Pending, None)], now_ms).await?;
    Ok(id)
}

/// Moves what was held.
pub async fn post(db_tx: &mut SqliteConnection, held: &TransferId, now_ms: i64) -> Result<TransferId, BankError> {
    follow(db_tx, held, Phase::Pending, Phase::Posted, now_ms).await
}

/// Gives back what was held.
pub async fn void(db_tx: &mut SqliteConnection, held: &TransferId, now_ms: i64) -> Result<TransferId, BankError> {
    follow(db_tx, held, Phase::Pending, Phase::Voided, now_ms).await
}

/// Moves what was posted back again, in full.
pub async fn undo(db_tx: &mut SqliteConnection, posted: &TransferId, now_ms: i64) -> Result<TransferId, BankError> {
    follow(db_tx, posted, Phase::Posted, Phase::Undone, now_ms).await
}

/// Holds and posts in one go, as a single-message debit (0200) does; the id is that of the post.
pub async fn settle(db_tx: &mut SqliteConnection, movement: &Movement, now_ms: i64) -> Result<TransferId, BankError> {
    check(movement)?;
    let (held, posted) = (TransferId::generate(now_ms), TransferId::generate(now_ms));
    let steps = [(&held, Phase::Pending, None), (&posted, Phase::Posted, Some(&held))];
    record(db_tx, movement, &steps, now_ms).await?;
    Ok(posted)
}

fn check(movement: &Movement) -> Result<(), BankError> {
    if movement.amount.minor() <= 0 {
        return Err(BankError::NotPositive);
    }
    if movement.debit == movement.credit {
        return Err(BankError::TransferPhase);
    }
    Ok(())
}

/// A transfer as stored: its phase and its movement's parts.
type StoredTransfer = (String, AccountId, AccountId, i64, String, String);

async fn follow(
    db_tx: &mut SqliteConnection,
    earlier: &TransferId,
    from: Phase,
    to: Phase,
    now_ms: i64,
) -> Result<TransferId, BankError> {
    let stored: Option<StoredTransfer> = sqlx::query_as(
        "SELECT phase, debit_account, credit_account, amount_minor, currency, purpose FROM transfer
         WHERE transfer_id = $1
         AND NOT EXISTS (SELECT 1 FROM transfer AS later WHERE later.follows = transfer.transfer_id)",
    )
    .bind(earlier)
    .fetch_optional(&mut *db_tx)
    .await?;
    let (phase, debit, credit, minor, currency, purpose) = stored.ok_or(BankError::TransferPhase)?;
    if phase != from.as_str() {
        return Err(BankError::TransferPhase);
    }
    let currency: Currency = currency.parse().map_err(|_| BankError::Stored("transfer.currency"))?;
    let movement = Movement { debit, credit, amount: Amount::new(minor, currency), purpose };
    let id = TransferId::generate(now_ms);
    record(db_tx, &movement, &[(&id, to, Some(earlier))], now_ms).await?;
    Ok(id)
}

/// A step to be written: its id, its phase, and what it follows.
type Step<'a> = (&'a TransferId, Phase, Option<&'a TransferId>);

/// Writes steps of one movement: their rows, then both accounts.
async fn record(
    db_tx: &mut SqliteConnection,
    movement: &Movement,
    steps: &[Step<'_>],
    now_ms: i64,
) -> Result<(), BankError> {
    let currency = movement.amount.currency();
    for (id, phase, follows) in steps {
        sqlx::query(
            "INSERT INTO transfer (transfer_id, phase, follows, debit_account, credit_account, amount_minor,
             currency, purpose, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(id)
        .bind(phase.as_str())
        .bind(follows)
        .bind(&movement.debit)
        .bind(&movement.credit)
        .bind(movement.amount.minor())
        .bind(currency.code())
        .bind(&movement.purpose)
        .bind(now_ms)
        .execute(&mut *db_tx)
        .await?;
    }
    let minor = movement.amount.minor();
    let debits: Vec<_> = steps.iter().map(|(id, phase, _)| (*id, phase.effects(minor).0)).collect();
    let credits: Vec<_> = steps.iter().map(|(id, phase, _)| (*id, phase.effects(minor).1)).collect();
    apply(db_tx, &movement.debit, currency, &debits).await?;
    apply(db_tx, &movement.credit, currency, &credits).await
}

/// Adds entries to one account and to its balance.
async fn apply(
    db_tx: &mut SqliteConnection,
    account_id: &AccountId,
    currency: Currency,
    effects: &[(&TransferId, Effect)],
) -> Result<(), BankError> {
    let none = Effect { posted: 0, pending_out: 0, pending_in: 0 };
    let total = effects.iter().try_fold(none, |sum, (_, effect)| sum.plus(*effect)).ok_or(BankError::Range)?;
    let count = i64::try_from(effects.len()).map_err(|_| BankError::Range)?;
    let balance: Option<(i64, i64, i64, Option<i64>)> = sqlx::query_as(
        "UPDATE balance SET posted_minor = posted_minor + $2, pending_out_minor = pending_out_minor + $3,
         pending_in_minor = pending_in_minor + $4, entries = entries + $5
         WHERE account_id = $1
         AND EXISTS (SELECT 1 FROM account WHERE account.account_id = balance.account_id AND currency = $6)
         RETURNING posted_minor, pending_out_minor, entries, floor_minor",
    )
    .bind(account_id)
    .bind(total.posted)
    .bind(total.pending_out)
    .bind(total.pending_in)
    .bind(count)
    .bind(currency.code())
    .fetch_optional(&mut *db_tx)
    .await?;
    let Some((posted, pending_out, entries, floor)) = balance else {
        return Err(BankError::NoAccount(account_id.to_string()));
    };
    let takes_away = total.posted < 0 || total.pending_out > 0;
    if takes_away && floor.is_some_and(|floor| posted - pending_out < floor) {
        return Err(BankError::Overdrawn);
    }
    for (index, (id, effect)) in (0_i64..).zip(effects) {
        sqlx::query(
            "INSERT INTO entry (account_id, account_sequence, transfer_id, posted_minor, pending_out_minor,
             pending_in_minor) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(account_id)
        .bind(entries - count + index + 1)
        .bind(id)
        .bind(effect.posted)
        .bind(effect.pending_out)
        .bind(effect.pending_in)
        .execute(&mut *db_tx)
        .await?;
    }
    Ok(())
}

/// What the whole ledger adds up to, from its entries.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LedgerView {
    /// Posted entries by currency; every one is zero.
    pub sums: std::collections::BTreeMap<String, i64>,
    /// Every account, by name.
    pub accounts: Vec<AccountView>,
    /// Steps recorded so far.
    pub transfers: i64,
}

/// One account in a [`LedgerView`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct AccountView {
    /// Its name.
    pub account: String,
    /// Its currency.
    pub currency: String,
    /// What has moved.
    pub posted_minor: i64,
    /// What is held: in, less out.
    pub pending_minor: i64,
}

impl LedgerView {
    /// Reads the ledger. Everything is summed from entries, so it also shows a balance gone wrong.
    ///
    /// # Errors
    /// When the database fails, or a balance does not equal its entries.
    pub async fn read(connection: &mut SqliteConnection) -> Result<Self, BankError> {
        let accounts: Vec<AccountView> = sqlx::query_as(
            "SELECT account.account_id AS account, account.currency AS currency,
             CAST(COALESCE(SUM(entry.posted_minor), 0) AS BIGINT) AS posted_minor,
             CAST(COALESCE(SUM(entry.pending_in_minor - entry.pending_out_minor), 0) AS BIGINT) AS pending_minor
             FROM account LEFT JOIN entry ON entry.account_id = account.account_id
             GROUP BY account.account_id, account.currency ORDER BY account.account_id",
        )
        .fetch_all(&mut *connection)
        .await?;
        let differing: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM balance WHERE (posted_minor, pending_out_minor, pending_in_minor) <> (
             SELECT COALESCE(SUM(entry.posted_minor), 0), COALESCE(SUM(entry.pending_out_minor), 0),
             COALESCE(SUM(entry.pending_in_minor), 0) FROM entry WHERE entry.account_id = balance.account_id)",
        )
        .fetch_one(&mut *connection)
        .await?;
        if differing != 0 {
            return Err(BankError::Conflict("a balance"));
        }
        let transfers = sqlx::query_scalar("SELECT COUNT(*) FROM transfer").fetch_one(connection).await?;
        let mut sums = std::collections::BTreeMap::new();
        for account in &accounts {
            let sum: &mut i64 = sums.entry(account.currency.clone()).or_default();
            *sum = sum.checked_add(account.posted_minor).ok_or(BankError::Range)?;
        }
        Ok(Self { sums, accounts, transfers })
    }
}

#[cfg(test)]
mod tests;

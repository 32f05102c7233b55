//! The double-entry ledger: holds, posts and what ends them, each a new row and never a change.
//!
//! ```text
//! hold ─┬─ post, all or a part ─┬─ undo
//!       ├─ void                 └─ refund, refund, … ── undo
//!       └─ expire
//! settle: a post without a hold
//! ```
//!
//! A movement takes an amount from a debit account to a credit account. Each row of `transfer` is a
//! step of one movement and names the step it follows; the database refuses a second follower. A
//! refund is a movement of its own, back from the credit account, that names the post it gives back
//! of. Each step has two entries that cancel out, so for every currency
//!
//! **Invariant:** posted entries sum to zero, and what is pending out equals what is pending in.
//!
//! **Invariant:** a balance is the sum of its account's entries, which are numbered without a gap.
//!
//! **Invariant:** what was given back of a post is never more than the post.
//!
//! **Invariant:** nothing is spent that is not available. Only undoing what should not have been, which
//! cannot be refused, may take a cardholder's account below zero: then nothing is spent until it is back.

use payment::{Amount, Currency};

use super::account::{AccountId, AcquirerId};
use super::error::BankError;
use crate::storage::DbConnection;

mod audit;
mod entry;
mod hold;
mod refund;

pub use audit::{AccountView, Fault, LedgerView, audit};
pub(super) use audit::{Rule, broken};
pub use hold::{HoldState, expire_overdue, hold_state};
pub use refund::{refund, refundable};

/// The id of one step of a movement, a UUIDv7.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, sqlx::Type)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// Who pays.
    pub debit: AccountId,
    /// Who is paid.
    pub credit: AccountId,
    /// How much.
    pub amount: Amount,
    /// What for: an attempt's id, or a word such as `opening`.
    pub purpose: String,
    /// Who brought it to the bank (ISO 8583 DE 32); none for what the bank does by itself.
    pub acquirer: Option<AcquirerId>,
}

/// A step in the life of a movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Held.
    Pending,
    /// Moved.
    Posted,
    /// Given back before it moved.
    Voided,
    /// Given back because its time was over.
    Expired,
    /// Moved back.
    Undone,
}

impl Phase {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Posted => "posted",
            Self::Voided => "voided",
            Self::Expired => "expired",
            Self::Undone => "undone",
        }
    }

    fn parse(text: &str) -> Result<Self, BankError> {
        [Self::Pending, Self::Posted, Self::Voided, Self::Expired, Self::Undone]
            .into_iter()
            .find(|phase| phase.as_str() == text)
            .ok_or(BankError::Stored("transfer.phase"))
    }
}

/// What a step does to a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OfHold {
    /// Nothing: there is none.
    None,
    /// Makes one that ends by itself at this time, in milliseconds since the Unix epoch.
    Opens { expires_ms: i64 },
    /// Ends one of this size, in minor units.
    Ends { held_minor: i64 },
}

/// Where a refund, or its undoing, stands among the refunds of one post.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OfRefund {
    post: TransferId,
    ordinal: i64,
    /// What of the post can still be given back afterwards, in minor units.
    left_minor: i64,
}

/// A step to be written.
struct NewStep<'a> {
    phase: Phase,
    follows: Option<&'a TransferId>,
    of_hold: OfHold,
    of_refund: Option<OfRefund>,
}

/// Reserves the amount at the debit account until `expires_ms`, in milliseconds since the Unix epoch.
///
/// # Errors
/// When the amount is not above zero, not available, or in another currency than an account.
pub async fn hold(
    db_tx: &mut DbConnection,
    movement: &Movement,
    expires_ms: i64,
    now_ms: i64,
) -> Result<TransferId, BankError> {
    let step = NewStep { phase: Phase::Pending, follows: None, of_hold: OfHold::Opens { expires_ms }, of_refund: None };
    let id = record(db_tx, movement, &step, now_ms).await?;
    hold::open(db_tx, &id, expires_ms).await?;
    Ok(id)
}

/// Moves what was held.
///
/// # Errors
/// [`BankError::TransferPhase`] when it is no open hold, [`BankError::HoldOverdue`] when its time is over.
pub async fn post(db_tx: &mut DbConnection, held: &TransferId, now_ms: i64) -> Result<TransferId, BankError> {
    let step = hold::take(db_tx, held, now_ms).await?;
    end_hold(db_tx, step, Phase::Posted, now_ms).await
}

/// Moves a part of what was held and gives back the rest.
///
/// # Errors
/// As [`post`]; and [`BankError::AboveOriginal`] when less was held.
pub async fn post_part(
    db_tx: &mut DbConnection,
    held: &TransferId,
    part: Amount,
    now_ms: i64,
) -> Result<TransferId, BankError> {
    let step = hold::take(db_tx, held, now_ms).await?;
    if part.currency() != step.movement.amount.currency() {
        return Err(BankError::AccountCurrency);
    }
    if part.minor() > step.movement.amount.minor() {
        return Err(BankError::AboveOriginal);
    }
    let held_minor = step.movement.amount.minor();
    let movement = Movement { amount: part, ..step.movement };
    let new = NewStep {
        phase: Phase::Posted,
        follows: Some(&step.id),
        of_hold: OfHold::Ends { held_minor },
        of_refund: None,
    };
    record(db_tx, &movement, &new, now_ms).await
}

/// Gives back what was held, also when its time is over and nothing has noticed yet.
///
/// # Errors
/// [`BankError::TransferPhase`] when it is no open hold.
pub async fn void(db_tx: &mut DbConnection, held: &TransferId, now_ms: i64) -> Result<TransferId, BankError> {
    let step = hold::take_at_any_time(db_tx, held).await?;
    end_hold(db_tx, step, Phase::Voided, now_ms).await
}

/// Gives back what was held because its time is over.
///
/// # Errors
/// [`BankError::TransferPhase`] when it is no open hold, or its time is not over.
pub async fn expire(db_tx: &mut DbConnection, held: &TransferId, now_ms: i64) -> Result<TransferId, BankError> {
    let step = hold::take_overdue(db_tx, held, now_ms).await?;
    end_hold(db_tx, step, Phase::Expired, now_ms).await
}

async fn end_hold(
    db_tx: &mut DbConnection,
    held: StoredStep,
    phase: Phase,
    now_ms: i64,
) -> Result<TransferId, BankError> {
    let of_hold = OfHold::Ends { held_minor: held.movement.amount.minor() };
    let new = NewStep { phase, follows: Some(&held.id), of_hold, of_refund: None };
    record(db_tx, &held.movement, &new, now_ms).await
}

/// Moves what was posted, or refunded, back again, in full, also from an account that has spent it: what
/// should not have been cannot stay because somebody was quick.
///
/// # Errors
/// [`BankError::TransferPhase`] when it is no post or was undone, [`BankError::Refunded`] when some of it was given
/// back already.
pub async fn undo(db_tx: &mut DbConnection, posted: &TransferId, now_ms: i64) -> Result<TransferId, BankError> {
    let step = StoredStep::unfollowed(db_tx, posted).await?;
    if step.phase != Phase::Posted {
        return Err(BankError::TransferPhase);
    }
    let of_refund = refund::after_undoing(db_tx, &step).await?;
    let new = NewStep { phase: Phase::Undone, follows: Some(&step.id), of_hold: OfHold::None, of_refund };
    record(db_tx, &step.movement, &new, now_ms).await
}

/// Moves an amount at once, as a single-message debit (0200) does.
///
/// # Errors
/// As [`hold`].
pub async fn settle(db_tx: &mut DbConnection, movement: &Movement, now_ms: i64) -> Result<TransferId, BankError> {
    let step = NewStep { phase: Phase::Posted, follows: None, of_hold: OfHold::None, of_refund: None };
    record(db_tx, movement, &step, now_ms).await
}

/// A step as stored, with nothing that followed it.
#[derive(Debug)]
struct StoredStep {
    id: TransferId,
    phase: Phase,
    movement: Movement,
    expires_ms: Option<i64>,
    refund_of: Option<TransferId>,
}

#[derive(sqlx::FromRow)]
struct DbRow {
    phase: String,
    debit_account: AccountId,
    credit_account: AccountId,
    amount_minor: i64,
    currency: String,
    purpose: String,
    acquirer: Option<AcquirerId>,
    expires_ms: Option<i64>,
    refund_of: Option<TransferId>,
}

impl StoredStep {
    /// The step with this id, which nothing has followed.
    async fn unfollowed(db_tx: &mut DbConnection, id: &TransferId) -> Result<Self, BankError> {
        let row: Option<DbRow> = sqlx::query_as(
            "SELECT phase, debit_account, credit_account, amount_minor, currency, purpose, acquirer, expires_ms,
             refund_of FROM transfer WHERE transfer_id = $1
             AND NOT EXISTS (SELECT 1 FROM transfer AS later WHERE later.follows = transfer.transfer_id)",
        )
        .bind(id)
        .fetch_optional(db_tx)
        .await?;
        let row = row.ok_or(BankError::TransferPhase)?;
        let currency: Currency = row.currency.parse().map_err(|_| BankError::Stored("transfer.currency"))?;
        let movement = Movement {
            debit: row.debit_account,
            credit: row.credit_account,
            amount: Amount::new(row.amount_minor, currency),
            purpose: row.purpose,
            acquirer: row.acquirer,
        };
        let phase = Phase::parse(&row.phase)?;
        Ok(Self { id: id.clone(), phase, movement, expires_ms: row.expires_ms, refund_of: row.refund_of })
    }
}

/// Writes one step: its row, both balances, and both entries.
async fn record(
    db_tx: &mut DbConnection,
    movement: &Movement,
    step: &NewStep<'_>,
    now_ms: i64,
) -> Result<TransferId, BankError> {
    let minor = movement.amount.minor();
    if minor <= 0 {
        return Err(BankError::NotPositive);
    }
    if movement.debit == movement.credit {
        return Err(BankError::TransferPhase);
    }
    // The accounts first: whether they are there, in this currency and with enough is told better than by a constraint.
    let sides = entry::apply(db_tx, movement, step.phase, step.of_hold).await?;
    let (expires_ms, released_minor) = match step.of_hold {
        OfHold::None => (None, 0),
        OfHold::Opens { expires_ms } => (Some(expires_ms), 0),
        OfHold::Ends { held_minor } => (None, held_minor),
    };
    let id = TransferId::generate(now_ms);
    sqlx::query(
        "INSERT INTO transfer (transfer_id, phase, follows, debit_account, credit_account, amount_minor,
         released_minor, currency, purpose, acquirer, expires_ms, refund_of, refund_ordinal, refund_left_minor,
         created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(&id)
    .bind(step.phase.as_str())
    .bind(step.follows)
    .bind(&movement.debit)
    .bind(&movement.credit)
    .bind(minor)
    .bind(released_minor)
    .bind(movement.amount.currency().code())
    .bind(&movement.purpose)
    .bind(&movement.acquirer)
    .bind(expires_ms)
    .bind(step.of_refund.as_ref().map(|refund| &refund.post))
    .bind(step.of_refund.as_ref().map(|refund| refund.ordinal))
    .bind(step.of_refund.as_ref().map(|refund| refund.left_minor))
    .bind(now_ms)
    .execute(&mut *db_tx)
    .await?;
    sides.insert(db_tx, &id).await?;
    Ok(id)
}

#[cfg(test)]
mod tests;

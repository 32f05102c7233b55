//! Refunds: money back from the credit side of a post, in parts if need be, and never more than the post.
//!
//! The refunds of one post are numbered in one chain together with their undoings. Each row says what
//! is left to be given back after it, and the database takes neither a number twice nor less than nothing.

use payment::Amount;

use super::{Movement, NewStep, OfHold, OfRefund, Phase, StoredStep, TransferId, record};
use crate::bank_front::error::BankError;
use crate::storage::DbConnection;

/// Gives back an amount of what was posted, from the account that was paid to the one that paid.
///
/// # Errors
/// [`BankError::TransferPhase`] when it is no post, is itself a refund, or was undone;
/// [`BankError::AboveOriginal`] when less is left to be given back; [`BankError::Overdrawn`] when the
/// account that was paid is a cardholder's and does not hold enough.
pub async fn refund(
    db_tx: &mut DbConnection,
    posted: &TransferId,
    amount: Amount,
    purpose: &str,
    now_ms: i64,
) -> Result<TransferId, BankError> {
    let post = refundable_post(db_tx, posted).await?;
    if amount.currency() != post.movement.amount.currency() {
        return Err(BankError::AccountCurrency);
    }
    let chain = Chain::of(db_tx, &post).await?;
    if amount.minor() > chain.left_minor {
        return Err(BankError::AboveOriginal);
    }
    let of_refund = OfRefund {
        post: posted.clone(),
        ordinal: chain.length + 1,
        left_minor: chain.left_minor.checked_sub(amount.minor()).ok_or(BankError::Range)?,
    };
    let back = Movement {
        debit: post.movement.credit,
        credit: post.movement.debit,
        amount,
        purpose: purpose.to_owned(),
        acquirer: post.movement.acquirer,
    };
    let step = NewStep { phase: Phase::Posted, follows: None, of_hold: OfHold::None, of_refund: Some(of_refund) };
    record(db_tx, &back, &step, now_ms).await
}

/// What of a post can still be given back.
///
/// # Errors
/// [`BankError::TransferPhase`] when it is no post, is itself a refund, or was undone.
pub async fn refundable(connection: &mut DbConnection, posted: &TransferId) -> Result<Amount, BankError> {
    let post = refundable_post(connection, posted).await?;
    let chain = Chain::of(connection, &post).await?;
    Ok(Amount::new(chain.left_minor, post.movement.amount.currency()))
}

async fn refundable_post(connection: &mut DbConnection, posted: &TransferId) -> Result<StoredStep, BankError> {
    let post = StoredStep::unfollowed(connection, posted).await?;
    if post.phase == Phase::Posted && post.refund_of.is_none() { Ok(post) } else { Err(BankError::TransferPhase) }
}

/// What undoing a posted step means for the refunds: a refund's undoing gives its amount back to the
/// chain, and a post of which something is given back cannot be undone.
pub(super) async fn after_undoing(db_tx: &mut DbConnection, step: &StoredStep) -> Result<Option<OfRefund>, BankError> {
    let Some(post) = &step.refund_of else {
        let chain = Chain::of(db_tx, step).await?;
        let untouched = chain.left_minor == step.movement.amount.minor();
        return if untouched { Ok(None) } else { Err(BankError::Refunded) };
    };
    let (length, left_minor) = last(db_tx, post).await?.ok_or(BankError::Stored("transfer.refund_of"))?;
    Ok(Some(OfRefund {
        post: post.clone(),
        ordinal: length + 1,
        left_minor: left_minor.checked_add(step.movement.amount.minor()).ok_or(BankError::Range)?,
    }))
}

/// The refunds of one post so far.
struct Chain {
    length: i64,
    left_minor: i64,
}

impl Chain {
    async fn of(connection: &mut DbConnection, post: &StoredStep) -> Result<Self, BankError> {
        let (length, left_minor) = last(connection, &post.id).await?.unwrap_or((0, post.movement.amount.minor()));
        Ok(Self { length, left_minor })
    }
}

async fn last(connection: &mut DbConnection, post: &TransferId) -> Result<Option<(i64, i64)>, BankError> {
    Ok(sqlx::query_as(
        "SELECT refund_ordinal, refund_left_minor FROM transfer WHERE refund_of = $1
         ORDER BY refund_ordinal DESC LIMIT 1",
    )
    .bind(post)
    .fetch_optional(connection)
    .await?)
}

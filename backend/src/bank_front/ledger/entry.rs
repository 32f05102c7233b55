//! Entries: what a step does to each of its two accounts, in the order of the account.

use payment::Currency;

use super::{Movement, OfHold, Phase, TransferId};
use crate::bank_front::account::{self, AccountId};
use crate::bank_front::error::BankError;
use crate::storage::DbConnection;

/// What one entry adds to its account, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Effect {
    posted: i64,
    pending_out: i64,
    pending_in: i64,
}

/// What a step adds to the debit side and to the credit side.
fn effects(minor: i64, phase: Phase, of_hold: OfHold) -> (Effect, Effect) {
    let pending = match of_hold {
        OfHold::None => 0,
        OfHold::Opens { .. } => minor,
        OfHold::Ends { held_minor } => -held_minor,
    };
    let moved = match phase {
        Phase::Pending | Phase::Voided | Phase::Expired => 0,
        Phase::Posted => minor,
        Phase::Undone => -minor,
    };
    (
        Effect { posted: -moved, pending_out: pending, pending_in: 0 },
        Effect { posted: moved, pending_out: 0, pending_in: pending },
    )
}

/// The two entries of a step, numbered in their accounts and not yet written.
pub(super) struct Sides {
    debit: Entry,
    credit: Entry,
}

struct Entry {
    account_id: AccountId,
    sequence: i64,
    effect: Effect,
}

/// Adds a step to the balances of both its accounts.
///
/// # Errors
/// When an account is missing or in another currency, or the debit account does not hold enough.
pub(super) async fn apply(
    db_tx: &mut DbConnection,
    movement: &Movement,
    phase: Phase,
    of_hold: OfHold,
) -> Result<Sides, BankError> {
    let (debit, credit) = effects(movement.amount.minor(), phase, of_hold);
    let currency = movement.amount.currency();
    // Whoever spends must have it. Ending a hold spends nothing anew, and undoing is never refused.
    let needs_cover = match (phase, of_hold) {
        (Phase::Pending, _) | (Phase::Posted, OfHold::None | OfHold::Opens { .. }) => Cover::Needed,
        (Phase::Posted, OfHold::Ends { .. }) | (Phase::Voided | Phase::Expired | Phase::Undone, _) => Cover::NotNeeded,
    };
    Ok(Sides {
        debit: add(db_tx, &movement.debit, currency, debit, needs_cover).await?,
        credit: add(db_tx, &movement.credit, currency, credit, Cover::NotNeeded).await?,
    })
}

/// Whether an account must hold enough for an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cover {
    Needed,
    NotNeeded,
}

async fn add(
    db_tx: &mut DbConnection,
    account_id: &AccountId,
    currency: Currency,
    effect: Effect,
    cover: Cover,
) -> Result<Entry, BankError> {
    let row: Option<(i64, i64, i64, Option<i64>)> = sqlx::query_as(
        "UPDATE balance SET posted_minor = posted_minor + $2, pending_out_minor = pending_out_minor + $3,
         pending_in_minor = pending_in_minor + $4, entries = entries + 1
         WHERE account_id = $1
         AND EXISTS (SELECT 1 FROM account WHERE account.account_id = balance.account_id AND currency = $5)
         RETURNING posted_minor, pending_out_minor, entries, floor_minor",
    )
    .bind(account_id)
    .bind(effect.posted)
    .bind(effect.pending_out)
    .bind(effect.pending_in)
    .bind(currency.code())
    .fetch_optional(&mut *db_tx)
    .await?;
    let Some((posted, pending_out, sequence, floor)) = row else {
        let exists = account::currency_of(db_tx, account_id).await?.is_some();
        return Err(if exists { BankError::AccountCurrency } else { BankError::NoAccount(account_id.to_string()) });
    };
    let available = posted.checked_sub(pending_out).ok_or(BankError::Range)?;
    if cover == Cover::Needed && floor.is_some_and(|floor| available < floor) {
        return Err(BankError::Overdrawn);
    }
    Ok(Entry { account_id: account_id.clone(), sequence, effect })
}

impl Sides {
    /// Writes both entries.
    pub(super) async fn insert(&self, db_tx: &mut DbConnection, id: &TransferId) -> Result<(), BankError> {
        sqlx::query(
            "INSERT INTO entry (account_id, account_sequence, transfer_id, posted_minor, pending_out_minor,
             pending_in_minor) VALUES ($1, $2, $3, $4, $5, $6), ($7, $8, $3, $9, $10, $11)",
        )
        .bind(&self.debit.account_id)
        .bind(self.debit.sequence)
        .bind(id)
        .bind(self.debit.effect.posted)
        .bind(self.debit.effect.pending_out)
        .bind(self.debit.effect.pending_in)
        .bind(&self.credit.account_id)
        .bind(self.credit.sequence)
        .bind(self.credit.effect.posted)
        .bind(self.credit.effect.pending_out)
        .bind(self.credit.effect.pending_in)
        .execute(db_tx)
        .await?;
        Ok(())
    }
}

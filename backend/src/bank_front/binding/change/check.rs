//! Whether a change may be proposed: as things are, and as often.

use payment::Currency;

use super::{ChangeRefused, Deed};
use crate::bank_front::account::AccountId;
use crate::bank_front::binding::Payer;
use crate::bank_front::binding::payer::currency_of_all;
use crate::bank_front::binding::terminal::TERMINALS_MAX;
use crate::bank_front::customer::Customer;
use crate::bank_front::error::BankError;
use crate::storage::DbConnection;

/// The most changes of one customer within an hour.
const CHANGES_PER_HOUR_MAX: i64 = 10;
/// The most changes of one customer within a day whose codes were guessed at until they were spoilt.
pub(super) const SPOILT_PER_DAY_MAX: i64 = 3;
/// The most terminals that are registered at once.
const REGISTERED_AT_ONCE_MAX: usize = 3;
/// The highest limit that a channel sets, in minor units; the counter sets higher ones.
pub(super) const LIMIT_MINOR_MAX: i64 = 1_000_000_000;
pub(super) const HOUR_MS: i64 = 60 * 60 * 1_000;
pub(super) const DAY_MS: i64 = 24 * HOUR_MS;

/// Whether a change can be made as things are; the currency of the payer's accounts.
pub(super) async fn check(
    db_tx: &mut DbConnection,
    customer: &Customer,
    payer: Option<&Payer>,
    deed: &Deed,
) -> Result<Result<Currency, ChangeRefused>, BankError> {
    if let Deed::Open { accounts, terminals, payment_limit_minor, day_limit_minor, .. } = deed {
        if payer.is_some() {
            return Ok(Err(ChangeRefused::AlreadyBound));
        }
        if !are_limits(*payment_limit_minor, *day_limit_minor) {
            return Ok(Err(ChangeRefused::LimitsUnfit));
        }
        let are_distinct = (1..terminals.len()).all(|at| !terminals[..at].contains(&terminals[at]));
        if !(1..=REGISTERED_AT_ONCE_MAX).contains(&terminals.len()) || !are_distinct {
            return Ok(Err(ChangeRefused::Malformed("terminals")));
        }
        return currency_held(db_tx, customer, accounts).await;
    }
    let Some(payer) = payer else { return Ok(Err(ChangeRefused::NotBound)) };
    let currency = payer.payment_limit.currency();
    let refusal = match deed {
        Deed::AddAccount(account) => match currency_held(db_tx, customer, std::slice::from_ref(account)).await? {
            Err(refused) => Some(refused),
            Ok(other) if other != currency => Some(ChangeRefused::AccountCurrency),
            Ok(_) if payer.accounts(db_tx).await?.contains(account) => Some(ChangeRefused::AccountKnown),
            Ok(_) => None,
        },
        Deed::AddTerminal(address) => {
            let terminals = payer.terminals(db_tx).await?;
            let is_known = terminals.iter().any(|terminal| terminal.address.as_ref() == Some(address));
            if terminals.len() >= TERMINALS_MAX {
                Some(ChangeRefused::TooManyTerminals)
            } else {
                is_known.then_some(ChangeRefused::TerminalKnown)
            }
        }
        Deed::RemoveTerminal(place) => match payer.terminals(db_tx).await?.as_slice() {
            terminals if !terminals.iter().any(|terminal| terminal.place == *place) => {
                Some(ChangeRefused::TerminalUnknown)
            }
            [_] => Some(ChangeRefused::LastTerminal),
            _ => None,
        },
        Deed::Limits { payment_minor, day_minor } => {
            (!are_limits(*payment_minor, *day_minor)).then_some(ChangeRefused::LimitsUnfit)
        }
        Deed::Password(_) | Deed::Unlock | Deed::End | Deed::Open { .. } => None,
    };
    Ok(refusal.map_or(Ok(currency), Err))
}

fn are_limits(payment_minor: i64, day_minor: i64) -> bool {
    (1..=LIMIT_MINOR_MAX).contains(&payment_minor) && (payment_minor..=LIMIT_MINOR_MAX).contains(&day_minor)
}

/// The one currency of these accounts, if the customer holds them all. What is somebody else's and what does not exist are
/// told alike.
async fn currency_held(
    db_tx: &mut DbConnection,
    customer: &Customer,
    accounts: &[AccountId],
) -> Result<Result<Currency, ChangeRefused>, BankError> {
    let held = customer.accounts(db_tx).await?;
    if accounts.is_empty() || !accounts.iter().all(|account| held.contains(account)) {
        return Ok(Err(ChangeRefused::AccountUnknown));
    }
    match currency_of_all(db_tx, accounts).await {
        Ok(currency) => Ok(Ok(currency)),
        Err(BankError::AccountCurrency) => Ok(Err(ChangeRefused::AccountCurrency)),
        Err(error) => Err(error),
    }
}

/// Whether this customer may propose one more change now.
pub(super) async fn check_pace(
    db_tx: &mut DbConnection,
    customer: &str,
    now_ms: i64,
) -> Result<Result<(), ChangeRefused>, BankError> {
    let recent: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM payer_change WHERE customer = $1 AND proposed_ms > $2")
        .bind(customer)
        .bind(now_ms - HOUR_MS)
        .fetch_one(&mut *db_tx)
        .await?;
    let spoilt: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM payer_change WHERE customer = $1 AND state = 'spoilt' AND proposed_ms > $2",
    )
    .bind(customer)
    .bind(now_ms - DAY_MS)
    .fetch_one(db_tx)
    .await?;
    Ok(if spoilt >= SPOILT_PER_DAY_MAX {
        Err(ChangeRefused::TooManyTries)
    } else if recent >= CHANGES_PER_HOUR_MAX {
        Err(ChangeRefused::TooManyChanges)
    } else {
        Ok(())
    })
}

//! The end of the day: what is left on ended vouchers goes back to the accounts they were bought from.

use payment::VoucherNumber;

use super::{Movement, PURPOSE_RETURNED, Stored, TransferId, VoucherEvent, VoucherState, parse_number};
use crate::bank_front::error::BankError;
use crate::bank_front::ledger;
use crate::storage::DbConnection;

/// The vouchers that were ended, or got a refund after it, and still hold something; and those ended empty.
///
/// # Errors
/// When the database fails.
pub async fn to_return(connection: &mut DbConnection) -> Result<Vec<VoucherNumber>, BankError> {
    let numbers: Vec<String> = sqlx::query_scalar(
        "SELECT number FROM voucher JOIN balance ON balance.account_id = voucher.account_id
         WHERE state = 'ending' OR (state = 'ended' AND posted_minor - pending_out_minor > 0) ORDER BY number",
    )
    .fetch_all(connection)
    .await?;
    numbers.iter().map(|number| parse_number(number)).collect()
}

/// Returns what is on an ended voucher, in one step with the note of it; the movement, when there was anything. One that is
/// not ended is left as it is.
///
/// # Errors
/// When the database fails.
pub async fn return_rest(
    db_tx: &mut DbConnection,
    number: &VoucherNumber,
    now_ms: i64,
) -> Result<Option<TransferId>, BankError> {
    let mut voucher = Stored::find(db_tx, number).await?.ok_or(BankError::NoVoucher)?;
    if !matches!(voucher.standing.state, VoucherState::Ending | VoucherState::Ended) {
        return Ok(None);
    }
    let rest = voucher.balance(db_tx).await?;
    let moved = if rest.minor() > 0 {
        let movement = Movement {
            debit: voucher.own_account()?.clone(),
            credit: voucher.bought_from.clone().ok_or(BankError::Stored("voucher.bought_from"))?,
            amount: rest,
            purpose: PURPOSE_RETURNED.to_owned(),
            acquirer: None,
        };
        Some(ledger::settle(db_tx, &movement, now_ms).await?)
    } else {
        None
    };
    if moved.is_some() || voucher.standing.state == VoucherState::Ending {
        voucher.note(db_tx, VoucherEvent::Returned, now_ms).await?;
    }
    Ok(moved)
}

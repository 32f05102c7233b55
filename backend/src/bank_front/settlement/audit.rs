//! Settlement looked at from outside: whether batches, lines and accounts say the same.

use crate::bank_front::error::BankError;
use crate::bank_front::ledger::{Fault, Rule, broken};
use crate::storage::DbConnection;

const RULES: [Rule; 4] = [
    (
        "a batch is the sum of its lines",
        "SELECT CAST(batch.batch_number AS TEXT) FROM settlement_batch AS batch
         LEFT JOIN settlement_line AS line ON line.batch_number = batch.batch_number
         GROUP BY batch.batch_number, batch.gross_minor, batch.refunded_minor, batch.sales_reversed_minor,
         batch.refunds_reversed_minor, batch.fee_minor, batch.sales, batch.refunds, batch.sale_reversals,
         batch.refund_reversals
         HAVING batch.gross_minor <> SUM(CASE WHEN line.kind = 'sale' THEN line.amount_minor ELSE 0 END)
         OR batch.refunded_minor <> SUM(CASE WHEN line.kind = 'refund' THEN line.amount_minor ELSE 0 END)
         OR batch.sales_reversed_minor <> SUM(CASE WHEN line.kind = 'sale_reversal' THEN line.amount_minor ELSE 0 END)
         OR batch.refunds_reversed_minor
         <> SUM(CASE WHEN line.kind = 'refund_reversal' THEN line.amount_minor ELSE 0 END)
         OR batch.fee_minor <> COALESCE(SUM(line.fee_minor), 0)
         OR batch.sales + batch.refunds + batch.sale_reversals + batch.refund_reversals <> COUNT(line.line_number)",
    ),
    (
        "each batch begins with what the one before carried on",
        "SELECT CAST(batch.batch_number AS TEXT) FROM settlement_batch AS batch
         WHERE batch.brought_minor <> COALESCE((SELECT before.carried_minor FROM settlement_batch AS before
         WHERE before.account_id = batch.account_id AND before.batch_number < batch.batch_number
         ORDER BY before.batch_number DESC LIMIT 1), 0)",
    ),
    (
        "fees and payouts moved as their batch says",
        "SELECT CAST(batch.batch_number AS TEXT) FROM settlement_batch AS batch
         LEFT JOIN transfer AS fee ON fee.transfer_id = batch.fee_transfer
         LEFT JOIN transfer AS payout ON payout.transfer_id = batch.payout_transfer
         WHERE batch.fee_minor <> COALESCE(
         CASE WHEN fee.debit_account = batch.account_id THEN fee.amount_minor ELSE -fee.amount_minor END, 0)
         OR batch.paid_out_minor <> COALESCE(payout.amount_minor, 0)",
    ),
    (
        "an account holds what was carried on and what is not settled",
        "SELECT balance.account_id FROM balance JOIN account ON account.account_id = balance.account_id
         WHERE account.kind IN ('merchant', 'acquirer') AND balance.posted_minor <>
         COALESCE((SELECT batch.carried_minor FROM settlement_batch AS batch
         WHERE batch.account_id = account.account_id ORDER BY batch.batch_number DESC LIMIT 1), 0)
         + COALESCE((SELECT SUM(entry.posted_minor) FROM entry
         JOIN transfer ON transfer.transfer_id = entry.transfer_id
         WHERE entry.account_id = account.account_id
         AND NOT EXISTS (SELECT 1 FROM settlement_line AS line WHERE line.transfer_id = entry.transfer_id)
         AND NOT EXISTS (SELECT 1 FROM settlement_batch AS own
         WHERE own.fee_transfer = entry.transfer_id OR own.payout_transfer = entry.transfer_id)), 0)",
    ),
];

/// Checks every rule of settlement; what is broken.
///
/// # Errors
/// When the database fails.
pub async fn audit(connection: &mut DbConnection) -> Result<Vec<Fault>, BankError> {
    let mut faults = Vec::new();
    for rule in RULES {
        faults.extend(broken(connection, rule).await?);
    }
    Ok(faults)
}

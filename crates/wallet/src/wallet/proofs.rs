//! Receipts: listed, shown and verified, each time from the beginning.

use payment::AttemptId;
use protocol::ipc::{ReceiptSummary, ReceiptView};
use protocol::{ErrorCode, Problem};

use super::Wallet;
use crate::error::WalletError;
use crate::receipt::VerifiedReceipt;

#[allow(clippy::unused_async, reason = "every command is called alike, whether or not it waits")]
impl Wallet {
    /// Receipts, newest first.
    pub async fn receipts(&self) -> std::result::Result<Vec<ReceiptSummary>, Problem> {
        let roots = self.core.keys.roots();
        let mut summaries = Vec::new();
        for row in self.core.store.receipts().await? {
            match VerifiedReceipt::from_json(&row.receipt, roots) {
                Ok(receipt) => summaries.push(receipt.summary()),
                Err(error) => tracing::warn!(attempt = %row.attempt_id, %error, "a kept receipt does not verify"),
            }
        }
        Ok(summaries)
    }

    /// One receipt, verified afresh.
    pub async fn show_receipt(&self, attempt_id: AttemptId) -> std::result::Result<ReceiptView, Problem> {
        let row = self.core.store.receipt(attempt_id).await?.ok_or(WalletError::Code(ErrorCode::NotFound))?;
        Ok(VerifiedReceipt::from_json(&row.receipt, self.core.keys.roots())?.view())
    }

    /// Verifies a receipt's JSON from anywhere, without a network.
    pub async fn verify_receipt(&self, receipt: String) -> std::result::Result<ReceiptView, Problem> {
        Ok(VerifiedReceipt::from_json(&receipt, self.core.keys.roots())?.view())
    }
}

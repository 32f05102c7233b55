//! Receipts of this wallet: shown, and verified each time from the beginning.

use payment::AttemptId;
use protocol::ipc::ReceiptView;
use protocol::{ErrorCode, Problem};

use super::Wallet;
use crate::error::{Result, WalletError};
use crate::receipt::VerifiedReceipt;

impl Wallet {
    /// One receipt, verified afresh.
    pub async fn show_receipt(&self, attempt_id: AttemptId) -> std::result::Result<ReceiptView, Problem> {
        let receipt = self.kept_receipt(attempt_id).await?;
        let refunded_minor = self.core.store.refunded_of(attempt_id).await?;
        Ok(ReceiptView { refunded_minor, ..receipt.view() })
    }

    /// A receipt of this wallet, verified afresh.
    pub(crate) async fn kept_receipt(&self, attempt_id: AttemptId) -> Result<VerifiedReceipt> {
        let receipt = self.core.store.receipt(attempt_id).await?.ok_or(WalletError::Code(ErrorCode::NotFound))?;
        VerifiedReceipt::from_json(&receipt, self.core.keys.roots())
    }
}

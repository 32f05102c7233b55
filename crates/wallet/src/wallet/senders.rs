//! Who may ask this person for money: accepting, blocking and reporting a merchant.
//!
//! A request that came by itself from a merchant that was never accepted waits in quarantine: it can be looked at and not
//! paid. What one device decides the payment server remembers for the person's other devices.

use payment::{MerchantId, RequestId};
use protocol::ipc::RequestView;
use protocol::ipc::payer::SenderName;
use protocol::wallet_api::ReportReason;
use protocol::{ErrorCode, Problem};

use super::Wallet;
use crate::error::{Result, WalletError};

impl Wallet {
    /// Accepts a request's merchant: this request can be paid, and the next ones come straight.
    pub async fn accept_sender(&self, request_id: RequestId) -> std::result::Result<RequestView, Problem> {
        let order = self.verified(request_id).await?;
        self.core.server.accept_sender(request_id).await?;
        self.core.store.accept_merchant(&order.order().merchant_id, self.core.server.now_ms()).await?;
        self.core.changes.inbox_changed();
        self.show(request_id).await
    }

    /// Never shows requests of this merchant again.
    pub async fn block_merchant(&self, request_id: RequestId) -> std::result::Result<Vec<RequestView>, Problem> {
        let order = self.verified(request_id).await?;
        self.block(&order.order().merchant_id).await?;
        self.inbox().await
    }

    /// The block counts at once; without the server it is told later.
    pub(super) async fn block(&self, merchant_id: &MerchantId) -> Result<()> {
        let core = &self.core;
        core.store.block_merchant(merchant_id, core.server.now_ms()).await?;
        core.changes.inbox_changed();
        if core.server.block(merchant_id).await.is_ok() {
            core.store.set_block_told(merchant_id, core.server.now_ms()).await?;
        }
        Ok(())
    }

    /// Merchants that this wallet knows by name.
    pub async fn senders(&self) -> std::result::Result<Vec<SenderName>, Problem> {
        let known = self.core.store.known_merchants().await?;
        Ok(self.named(known).await?)
    }

    /// Merchants that are blocked.
    pub async fn blocked(&self) -> std::result::Result<Vec<SenderName>, Problem> {
        let blocked = self.core.store.blocked_merchants().await?.into_iter().map(|(id, _)| id).collect();
        Ok(self.named(blocked).await?)
    }

    /// Takes a block back.
    pub async fn unblock(&self, merchant_id: MerchantId) -> std::result::Result<Vec<SenderName>, Problem> {
        self.core.server.unblock(&merchant_id).await?;
        self.core.store.unblock_merchant(&merchant_id).await?;
        self.core.changes.inbox_changed();
        self.blocked().await
    }

    /// Reports a request as fraud, and blocks its merchant.
    pub async fn report_request(
        &self,
        request_id: RequestId,
        reason: ReportReason,
        note: Option<String>,
    ) -> std::result::Result<Vec<RequestView>, Problem> {
        let order = self.verified(request_id).await?;
        self.core.server.report(request_id, reason, note).await?;
        self.block(&order.order().merchant_id).await?;
        self.inbox().await
    }

    pub(super) async fn named(&self, merchants: Vec<MerchantId>) -> Result<Vec<SenderName>> {
        if merchants.is_empty() {
            return Ok(Vec::new());
        }
        let keys = self.core.keys.keys(&self.core.server).await?;
        let named = |merchant_id: MerchantId| {
            let profile = keys.keyset.merchant(merchant_id.as_str());
            let name = profile.map_or_else(|| merchant_id.to_string(), |profile| profile.display_name.clone());
            SenderName { merchant_id, name }
        };
        Ok(merchants.into_iter().map(named).collect())
    }

    /// The verified name of a merchant.
    pub(super) async fn name_of(&self, merchant_id: MerchantId) -> Result<String> {
        Ok(self.named(vec![merchant_id]).await?.remove(0).name)
    }

    /// Refuses to pay what came by itself from a stranger.
    pub(super) async fn require_accepted(&self, request_id: RequestId) -> Result<()> {
        if self.row(request_id).await?.new_sender {
            Err(WalletError::Code(ErrorCode::SenderNotAccepted))
        } else {
            Ok(())
        }
    }

    /// Takes over what the person decided on other devices, and tells what this one could not tell before.
    pub(crate) async fn sync_senders(&self) -> Result<()> {
        let core = &self.core;
        let now_ms = core.server.now_ms();
        let here = core.store.blocked_merchants().await?;
        for (merchant_id, _) in here.iter().filter(|(_, told)| !told) {
            core.server.block(merchant_id).await?;
            core.store.set_block_told(merchant_id, now_ms).await?;
        }
        let there: Vec<MerchantId> =
            core.server.blocked().await?.into_iter().map(|sender| sender.merchant_id).collect();
        for merchant_id in &there {
            core.store.block_merchant(merchant_id, now_ms).await?;
            core.store.set_block_told(merchant_id, now_ms).await?;
        }
        for (merchant_id, _) in here.iter().filter(|(merchant_id, told)| *told && !there.contains(merchant_id)) {
            core.store.unblock_merchant(merchant_id).await?;
        }
        for sender in core.server.accepted_senders().await? {
            if !there.contains(&sender.merchant_id) {
                core.store.accept_merchant(&sender.merchant_id, now_ms).await?;
            }
        }
        Ok(())
    }
}

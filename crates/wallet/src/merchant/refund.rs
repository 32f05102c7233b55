//! Giving money back: the refund order is signed, written down, and then sent under its own id.
//!
//! Asking again for the same amount and reason while an answer is lost goes on with that refund, so that nobody gives
//! back twice by pressing twice.

use envelope::jws;
use payment::refund::{RefundDraft, RefundOrder};
use payment::{Amount, RefundId, RequestId};
use protocol::ErrorCode;
use protocol::ipc::merchant::SaleView;
use protocol::merchant_api::{CreateRefund, RefundView};

use super::Till;
use super::api::not_there;
use super::sell::ON_ITS_WAY_MS_MAX;
use crate::error::{Result, WalletError};
use crate::wallet::Wallet;

/// How many unanswered refunds are looked at.
const UNANSWERED_MAX: i64 = 100;

impl Wallet {
    /// Gives money back, all or part.
    pub async fn sale_refund(
        &self,
        request_id: RequestId,
        amount: Amount,
        reason: String,
    ) -> std::result::Result<SaleView, protocol::Problem> {
        let till = self.till()?;
        let _turn = till.selling.lock().await;
        self.refund(&till, request_id, amount, reason.trim()).await?;
        self.core.changes.sales_changed();
        Ok(self.sale_of(&till, request_id).await?)
    }

    async fn refund(&self, till: &Till, request_id: RequestId, amount: Amount, reason: &str) -> Result<()> {
        let store = &self.core.store;
        let is_same = |order: &RefundOrder| {
            order.request_id == request_id && order.amount == amount && order.reason.as_deref().unwrap_or("") == reason
        };
        let unanswered = store.unanswered_refunds(UNANSWERED_MAX).await?;
        if let Some((refund_id, _, body)) =
            unanswered.into_iter().find(|(_, _, body)| order_in(body).as_ref().is_some_and(is_same))
        {
            return self.send_refund(till, &refund_id, request_id, &body).await;
        }
        let order = self.new_refund(till, request_id, amount, reason)?;
        let refund_id = order.refund_id.to_string();
        let body = CreateRefund { refund: jws::sign(&till.signing, jws::TYP_REFUND, &order.canonical()) };
        let body = serde_json::to_string(&body).expect("wire types are always JSON");
        store.insert_refund(&refund_id, request_id, &body, order.created_ms).await?;
        match self.send_refund(till, &refund_id, request_id, &body).await {
            Err(WalletError::NotReached) => {
                store.remove_refund(&refund_id).await?;
                Err(WalletError::NotReached)
            }
            answer => answer,
        }
    }

    fn new_refund(&self, till: &Till, request_id: RequestId, amount: Amount, reason: &str) -> Result<RefundOrder> {
        let created_ms = self.core.server.now_ms();
        let mut random = [0; 10];
        getrandom::fill(&mut random).expect("the operating system's random generator answers");
        RefundOrder::new(RefundDraft {
            refund_id: RefundId::from_parts(created_ms, &random),
            request_id,
            merchant_id: till.facts.merchant_id.clone(),
            amount,
            created_ms,
            reason: (!reason.is_empty()).then(|| reason.to_owned()),
        })
        .map_err(|error| WalletError::Detailed(ErrorCode::InvalidInput, error.to_string()))
    }

    /// Sends a refund that is written down; answered or refused, it is forgotten: the server's list has it.
    async fn send_refund(&self, till: &Till, refund_id: &str, request_id: RequestId, body: &str) -> Result<()> {
        let path = format!("/v1/payment-requests/{request_id}/refunds");
        match till.api.post::<RefundView>(&path, refund_id, body.as_bytes()).await {
            Ok(_) => self.core.store.remove_refund(refund_id).await,
            Err(WalletError::Server(problem)) if !problem.retryable => {
                self.core.store.remove_refund(refund_id).await?;
                Err(WalletError::Server(problem))
            }
            Err(error) => Err(error),
        }
    }

    /// Asks what became of every unanswered refund: at a start, and when the server is back. Nothing is sent again here.
    pub(super) async fn look_up_unanswered_refunds(&self, till: &Till) -> Result<()> {
        let _turn = till.selling.lock().await;
        for (refund_id, request_id, body) in self.core.store.unanswered_refunds(UNANSWERED_MAX).await? {
            let found: Result<RefundView> = till.api.get(&format!("/v1/refunds/{refund_id}"), &[]).await;
            match found {
                Err(error) if !not_there(&error) => return Err(error),
                Err(_) if order_in(&body).is_some_and(|order| self.may_be_on_its_way(&order)) => continue,
                Err(_) => tracing::info!(refund = refund_id, request = %request_id, "a refund was never taken"),
                Ok(_) => {}
            }
            self.core.store.remove_refund(&refund_id).await?;
            self.core.changes.sales_changed();
        }
        Ok(())
    }

    fn may_be_on_its_way(&self, order: &RefundOrder) -> bool {
        self.core.server.now_ms() < order.created_ms + ON_ITS_WAY_MS_MAX
    }
}

fn order_in(body: &str) -> Option<RefundOrder> {
    let CreateRefund { refund } = serde_json::from_str(body).ok()?;
    RefundOrder::from_canonical(&jws::peek_payload_unverified(&refund).ok()?).ok()
}

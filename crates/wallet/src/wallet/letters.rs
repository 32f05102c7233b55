//! Requests: how they come in, what is shown of them, and what the payer does with them apart from paying.

use std::sync::Arc;

use envelope::keyset::BankCertificate;
use payment::RequestId;
use protocol::ipc::{RequestPhase, RequestView};
use protocol::wallet_api::{RequestStatusView, SealedRequest};
use protocol::{ErrorCode, Problem};

use super::Wallet;
use crate::clock::signed;
use crate::error::{Result, WalletError};
use crate::inbox::{self, Goal, Link, VerifiedOrder, require_same_request};
use crate::keyset::Keys;
use crate::merchant_code;
use crate::store::{Arrival, AttemptRow, RequestRow};

impl Wallet {
    /// Every request that still asks something of the payer, pending first, then the latest ended ones.
    pub async fn inbox(&self) -> std::result::Result<Vec<RequestView>, Problem> {
        // Asked by what surrounds the window too, which may have waited long for a reason to ask.
        self.unlocked()?;
        let rows = self.core.store.requests().await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let keys = self.core.keys.keys(&self.core.server).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in &rows {
            match self.view_with(row, &keys).await {
                Ok(view) => views.push(view),
                Err(WalletError::Merchant(why)) => {
                    tracing::warn!(request = %row.request_id, why, "a kept request no longer verifies and is not shown");
                }
                Err(error) => return Err(error.into()),
            }
        }
        // Of those that wait, the one that ends first stands first.
        views
            .sort_by_key(|view| (rank(view.phase), if view.phase == RequestPhase::Open { view.expires_ms } else { 0 }));
        Ok(views)
    }

    /// One request.
    pub async fn show(&self, request_id: RequestId) -> std::result::Result<RequestView, Problem> {
        let view = self.view_of(request_id).await?;
        self.core.changes.shown(request_id);
        self.tell_seen(request_id).await;
        Ok(view)
    }

    /// Opens an `https` or `tapseal:` link, or the text of a merchant-presented code. Shows a request; never acts.
    pub async fn open_link(&self, link: String) -> std::result::Result<RequestView, Problem> {
        let core = &self.core;
        let code = merchant_code::read(&link)?;
        let link = Link::parse(&code.as_ref().map_or(link, merchant_code::link), core.trust.server_host())?;
        let sealed = match link.goal {
            Goal::Request => core.server.link(&link.token).await?,
            Goal::Counter => core.server.counter(&link.token).await?,
        };
        let order_jws = inbox::open_with_link(&sealed, &link.key)?;
        if let Some(code) = &code {
            merchant_code::require_agreement(code, self.verify(&order_jws).await?.order())?;
        }
        let request_id = self.accept(&sealed, &order_jws, Arrival::Asked).await?;
        self.refresh_state(request_id).await;
        self.tell_seen(request_id).await;
        Ok(self.view_of(request_id).await?)
    }

    /// Refuses a request for good.
    pub async fn reject(&self, request_id: RequestId) -> std::result::Result<RequestView, Problem> {
        self.row(request_id).await?;
        let status = self.core.server.reject(request_id).await?;
        self.keep_state(&status).await?;
        Ok(self.view_of(request_id).await?)
    }

    /// Moves a request to the end of the inbox for now.
    pub async fn postpone(&self, request_id: RequestId) -> std::result::Result<RequestView, Problem> {
        self.put_off(request_id, None).await
    }

    /// Takes in a letter from this device's inbox; one that does not open or verify is passed over for good.
    pub(crate) async fn accept_from_inbox(&self, sealed: &SealedRequest) -> Result<()> {
        let accepted = match inbox::open_for_device(sealed, &self.core.device) {
            Ok(order_jws) => self.accept(sealed, &order_jws, Arrival::ByItself).await.map(|_| ()),
            Err(error) => Err(error),
        };
        match accepted {
            Err(
                error @ (WalletError::Merchant(_)
                | WalletError::Code(ErrorCode::LinkInvalid)
                | WalletError::Detailed(..)),
            ) => {
                tracing::warn!(request = %sealed.request_id, %error, "a request was not taken in");
                Ok(())
            }
            other => other,
        }
    }

    /// Verifies an order that came in a letter.
    async fn verify(&self, order_jws: &str) -> Result<VerifiedOrder> {
        let core = &self.core;
        let keys = core.keys.keys(&core.server).await?;
        match VerifiedOrder::verify(order_jws, &keys.keyset) {
            // The merchant may be newer than our keyset.
            Err(WalletError::Merchant(_)) => {
                VerifiedOrder::verify(order_jws, &core.keys.refresh(&core.server).await?.keyset)
            }
            verified => verified,
        }
    }

    /// Verifies an order and keeps it.
    async fn accept(&self, sealed: &SealedRequest, order_jws: &str, arrival: Arrival) -> Result<RequestId> {
        let core = &self.core;
        let verified = self.verify(order_jws).await?;
        require_same_request(&verified, sealed.request_id)?;
        let order = verified.order();
        if core.store.is_blocked(&order.merchant_id).await? {
            return Err(WalletError::Detailed(ErrorCode::MerchantUnverified, "this merchant is blocked".to_owned()));
        }
        let now_ms = core.server.now_ms();
        let arrival = match arrival {
            Arrival::ByItself if self.is_by_number(order.request_id).await? => Arrival::Asked,
            arrival => arrival,
        };
        let (id, merchant) = (order.request_id, &order.merchant_id);
        if core.store.insert_request(id, merchant, verified.jws(), arrival, now_ms).await? {
            core.changes.inbox_changed();
        } else if self.row(order.request_id).await?.order_jws != verified.jws() {
            return Err(WalletError::Merchant("another order came under a known request"));
        } else if arrival == Arrival::Asked {
            core.store.set_asked(id).await?;
        }
        Ok(order.request_id)
    }

    /// Remembers a request's state, and what was given back of it, as the server told it.
    pub(crate) async fn keep_state(&self, status: &RequestStatusView) -> Result<()> {
        let RequestStatusView { request_id, state, refunded_minor, refunded_ms, .. } = *status;
        let store = &self.core.store;
        let is_moved = store.set_request_state(request_id, state, self.core.server.now_ms()).await?;
        let is_refunded = store.set_refunded(request_id, refunded_minor, refunded_ms).await?;
        if is_refunded || is_moved {
            self.core.changes.inbox_changed();
        }
        if is_refunded {
            self.core.changes.history_changed();
        }
        Ok(())
    }

    /// Asks the server where a request stands; without an answer the last one stays.
    pub(crate) async fn refresh_state(&self, request_id: RequestId) {
        let asked = self.core.server.request_status(request_id).await;
        let kept = match asked {
            Ok(status) => self.keep_state(&status).await,
            Err(error) => Err(error),
        };
        if let Err(error) = kept {
            tracing::info!(request = %request_id, %error, "the request's state could not be refreshed");
        }
    }

    /// Tells the merchant, through the server, that the request was seen; at most once, and never in the way.
    async fn tell_seen(&self, request_id: RequestId) {
        let core = &self.core;
        let untold = matches!(core.store.request(request_id).await, Ok(Some(row)) if row.seen_ms.is_none());
        if untold && core.server.seen(request_id).await.is_ok() {
            let _ = core.store.set_seen(request_id, core.server.now_ms()).await;
        }
    }

    pub(crate) async fn row(&self, request_id: RequestId) -> Result<RequestRow> {
        self.core.store.request(request_id).await?.ok_or(WalletError::Code(ErrorCode::NotFound))
    }

    /// The request's order, verified under the keys in force.
    pub(crate) async fn verified(&self, request_id: RequestId) -> Result<VerifiedOrder> {
        let row = self.row(request_id).await?;
        let keys = self.core.keys.keys(&self.core.server).await?;
        VerifiedOrder::verify(&row.order_jws, &keys.keyset)
    }

    pub(super) async fn view_of(&self, request_id: RequestId) -> Result<RequestView> {
        let row = self.row(request_id).await?;
        let keys = self.core.keys.keys(&self.core.server).await?;
        self.view_with(&row, &keys).await
    }

    async fn view_with(&self, row: &RequestRow, keys: &Arc<Keys>) -> Result<RequestView> {
        let verified = VerifiedOrder::verify(&row.order_jws, &keys.keyset)?;
        let attempt = self.core.store.last_attempt(row.request_id).await?;
        let receipt = self.core.store.receipt_of_request(row.request_id).await?;
        let mut view = inbox::view(&verified, row, attempt.as_ref(), receipt, self.core.server.now_ms());
        if view.phase == RequestPhase::Unknown {
            view.asked = attempt.and_then(|attempt| self.asked_of(&attempt));
        }
        Ok(view)
    }

    /// Who decides about an attempt of this wallet, by name.
    fn asked_of(&self, attempt: &AttemptRow) -> Option<String> {
        let roots = &self.core.keys.roots().banks;
        let bank = BankCertificate::verify_at(&attempt.bank_certificate, roots, signed(attempt.created_ms));
        bank.ok().map(|bank| bank.bank_name)
    }
}

/// What stands first in the inbox; the sort is stable within.
fn rank(phase: RequestPhase) -> u8 {
    match phase {
        RequestPhase::Paying | RequestPhase::Unknown => 0,
        RequestPhase::Open => 1,
        RequestPhase::Postponed => 2,
        RequestPhase::Paid
        | RequestPhase::Rejected
        | RequestPhase::Cancelled
        | RequestPhase::Expired
        | RequestPhase::Closed => 3,
    }
}

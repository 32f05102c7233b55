//! Merchant and payer as clients that outlive their server: a call without an answer is repeated, never guessed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use protocol::wallet_api::KeysetView;
use serde_json::Value;
use tokio::sync::Notify;

use crate::hand::{Answer, Hand, Letter, SealTo, SignedRefund, Till};
use crate::system::Ask;

/// The pause before a call is repeated.
const REPEAT_PAUSE: Duration = Duration::from_millis(60);

/// What goes on in a run: how many calls were answered, and whether it nears its end.
#[derive(Default)]
pub struct Progress {
    answered: AtomicU64,
    news: Notify,
    closing: AtomicBool,
}

impl Progress {
    /// Calls answered so far.
    pub fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// Counts an answer.
    pub fn count(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.news.notify_waiters();
    }

    /// Waits for `calls` more answers, or until none has come for `patience`.
    pub async fn wait_for(&self, calls: u64, patience: Duration) {
        let until = self.answered() + calls;
        while self.answered() < until {
            let news = self.news.notified();
            if tokio::time::timeout(patience, news).await.is_err() {
                return;
            }
        }
    }

    /// No new requests from now on.
    pub fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    /// Whether no new requests are to be made.
    pub fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }
}

/// A till and a hand, with their patience.
pub struct Clients {
    /// The merchant's.
    pub till: Till,
    /// The payer's.
    pub hand: Hand,
    /// What goes on.
    pub progress: Arc<Progress>,
}

impl Clients {
    /// Asks for money; the letter once the server has said that it stored the request, none when it refused, because
    /// a short order expired while nobody was there.
    pub async fn ask(&self, ask: &Ask) -> Option<Letter> {
        let letter = self.till.sign(ask);
        loop {
            let answer = self.till.create(&letter).await.filter(is_final_word);
            // 409 says that the same call is being handled: its answer is waited for.
            if let Some(answer) = answer.filter(|answer| answer.status != 409) {
                self.progress.count();
                return (answer.status == 201).then_some(letter);
            }
            tokio::time::sleep(REPEAT_PAUSE).await;
        }
    }

    /// What the merchant sees of a request.
    pub async fn shown(&self, letter: &Letter) -> Value {
        self.merchant("GET", &format!("/v1/payment-requests/{}", letter.order.request_id)).await.body
    }

    /// Withdraws a request; the HTTP status.
    pub async fn cancel(&self, letter: &Letter) -> u16 {
        self.merchant("POST", &format!("/v1/payment-requests/{}/cancel", letter.order.request_id)).await.status
    }

    /// Gives money back; the HTTP status.
    pub async fn refund(&self, refund: &SignedRefund) -> u16 {
        loop {
            if let Some(answer) = self.till.refund(refund).await.filter(is_final_word) {
                self.progress.count();
                return answer.status;
            }
            tokio::time::sleep(REPEAT_PAUSE).await;
        }
    }

    /// What the merchant sees of a refund.
    pub async fn shown_refund(&self, refund: &SignedRefund) -> Answer {
        self.merchant("GET", &format!("/v1/refunds/{}", refund.order.refund_id)).await
    }

    async fn merchant(&self, method: &str, path: &str) -> Answer {
        loop {
            if let Some(answer) = self.till.call(method, path).await.filter(is_final_word) {
                self.progress.count();
                return answer;
            }
            tokio::time::sleep(REPEAT_PAUSE).await;
        }
    }

    /// Calls the payer's side until it is answered by a server that knows what it says.
    pub async fn payer(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        loop {
            if let Some(answer) = self.hand.try_send(method, path, body.to_vec()).await.filter(is_final_word) {
                self.progress.count();
                return answer;
            }
            tokio::time::sleep(REPEAT_PAUSE).await;
        }
    }

    /// The keys to seal to now.
    pub async fn seal_to(&self) -> SealTo {
        let view = |answer: Answer| serde_json::from_value::<KeysetView>(answer.body).ok();
        loop {
            let answer = self.payer("GET", "/v1/keyset", &[]).await;
            // Just started, the server may not have heard from the bank.
            if let Some(to) = view(answer).and_then(|view| self.hand.seal_to_keys(&view)) {
                return to;
            }
            tokio::time::sleep(REPEAT_PAUSE).await;
        }
    }
}

/// Whether an answer is worth keeping: 503 and the like say that the server could not do its work now.
fn is_final_word(answer: &Answer) -> bool {
    answer.status < 500
}

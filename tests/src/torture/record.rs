//! What clients were told. Whatever they were told as final must be true for ever.

use payment::{AttemptId, RefundId};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::hand::{Attempt, Letter, SignedRefund};

/// Everything that was asked, sent and told.
#[derive(Default)]
pub struct Record {
    requests: Mutex<Vec<RequestRecord>>,
}

/// One request.
#[derive(Clone)]
pub struct RequestRecord {
    /// Who pays it.
    pub payer: usize,
    /// The order.
    pub letter: Letter,
    /// Every attempt that was sent, whether or not it arrived.
    pub attempts: Vec<AttemptRecord>,
    /// What the merchant gave back, or wanted to.
    pub refunds: Vec<RefundRecord>,
    /// Whether the merchant was told that it is cancelled.
    pub cancellation: Cancellation,
}

/// One refund.
#[derive(Clone)]
pub struct RefundRecord {
    /// What was signed.
    pub refund: SignedRefund,
    /// Whether the server has said that it took it.
    pub stored: Stored,
}

/// One attempt.
#[derive(Clone)]
pub struct AttemptRecord {
    /// What was sealed.
    pub attempt: Attempt,
    /// The final states it was said to have; more than one is a lie.
    pub told: Vec<String>,
    /// Whether the server has ever answered about it.
    pub stored: Stored,
}

/// Whether the server has said that it has an attempt, or a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Not that the payer knows.
    Unheard,
    /// It has answered with its state.
    Acknowledged,
}

/// Whether the server has said that a request is cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancellation {
    /// No.
    None,
    /// Yes, and so it must be.
    Acknowledged,
}

/// Where a request stands in the record.
#[derive(Clone, Copy)]
pub struct Place(usize);

impl Record {
    /// Writes down a request that the server has stored.
    pub async fn request(&self, payer: usize, letter: &Letter) -> Place {
        let mut requests = self.requests.lock().await;
        requests.push(RequestRecord {
            payer,
            letter: letter.clone(),
            attempts: Vec::new(),
            refunds: Vec::new(),
            cancellation: Cancellation::None,
        });
        Place(requests.len() - 1)
    }

    /// Writes down an attempt before it is sent.
    pub async fn attempt(&self, place: Place, attempt: &Attempt) {
        let record = AttemptRecord { attempt: attempt.clone(), told: Vec::new(), stored: Stored::Unheard };
        self.requests.lock().await[place.0].attempts.push(record);
    }

    /// Writes down what was said of an attempt.
    pub async fn told(&self, place: Place, id: AttemptId, view: &Value) {
        let Some(state) = view["state"].as_str() else { return };
        let mut requests = self.requests.lock().await;
        let found = requests[place.0].attempts.iter_mut().find(|record| record.attempt.id == id);
        let record = found.expect("an attempt is written down before it is sent");
        record.stored = Stored::Acknowledged;
        if is_final(state) && !record.told.iter().any(|told| told == state) {
            record.told.push(state.to_owned());
        }
    }

    /// Writes down that the merchant was told of the end of a request.
    pub async fn cancelled(&self, place: Place) {
        self.requests.lock().await[place.0].cancellation = Cancellation::Acknowledged;
    }

    /// Writes down a refund before it is asked for.
    pub async fn refund(&self, place: Place, refund: &SignedRefund) {
        let record = RefundRecord { refund: refund.clone(), stored: Stored::Unheard };
        self.requests.lock().await[place.0].refunds.push(record);
    }

    /// Writes down that the server took it.
    pub async fn refund_taken(&self, place: Place, id: RefundId) {
        let mut requests = self.requests.lock().await;
        let found = requests[place.0].refunds.iter_mut().find(|record| record.refund.order.refund_id == id);
        found.expect("a refund is written down before it is asked for").stored = Stored::Acknowledged;
    }

    /// Everything so far.
    pub async fn requests(&self) -> Vec<RequestRecord> {
        self.requests.lock().await.clone()
    }
}

/// Whether an attempt's state is an end.
pub fn is_final(state: &str) -> bool {
    matches!(state, "approved" | "declined" | "reversed")
}

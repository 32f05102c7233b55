//! The payment domain, pure: amounts, ids, orders, lifecycles, outcomes and receipts.
//!
//! **Invariant:** no clock, no randomness and no I/O. Times are arguments in milliseconds since the
//! Unix epoch, random bytes are arguments, and the crate builds for `wasm32-unknown-unknown`.

pub mod amount;
pub mod attempt;
pub mod card_number;
pub mod confirmation_number;
pub mod decline;
pub mod hash;
pub mod id;
pub mod identity_code;
pub mod match_words;
pub mod method;
pub mod order;
pub mod outcome;
pub mod phone_number;
pub mod purchase_proof;
pub mod receipt;
pub mod refund;
pub mod request;
pub mod review;
pub mod voucher;

pub use amount::{AMOUNT_MINOR_MAX, Amount, AmountError, Currency};
pub use attempt::{AttemptEvent, AttemptState, ReviewStep};
pub use card_number::hides_card_number;
pub use confirmation_number::ConfirmationNumber;
pub use decline::DeclineCode;
pub use hash::{AttemptHash, OrderHash, RefundHash, WalletNonce};
pub use id::{AttemptId, DeviceId, MerchantId, RefundId, RequestId};
pub use identity_code::IdentityCode;
pub use match_words::MatchWords;
pub use method::{Method, MethodError, Methods};
pub use order::{ITEMS_MAX, NAME_CHARS_MAX, Order, OrderError, OrderItem};
pub use outcome::{BankResult, Outcome};
pub use phone_number::{LineKind, PhoneNumber};
pub use purchase_proof::PurchaseProof;
pub use receipt::Receipt;
pub use refund::{RefundError, RefundEvent, RefundOrder, RefundOutcome, RefundResult, RefundState};
pub use request::{RequestEvent, RequestState};
pub use voucher::{FixedPart, VoucherNumber, VoucherNumberError};

/// What a stored lifecycle state asks of whoever restarts: the recovery query is "all `Active`".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Our own machinery must act next; recovery re-drives it at start.
    Active,
    /// A person, a device or another party must act next.
    Awaiting,
    /// Nothing can change any more.
    Final,
}

/// An event that the lifecycle does not allow in its present state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event} is not allowed in state {state}")]
pub struct InvalidTransition {
    /// The name of the state that refused.
    pub state: &'static str,
    /// The name of the refused event.
    pub event: &'static str,
}

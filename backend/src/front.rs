//! What every front has, whether a bank stands behind it or a telephone operator: the merchants it took on, and how the
//! payment server's messages are read and answered.
//!
//! Nothing here decides, keeps or moves anything.

pub mod answer;
pub mod merchant;
pub mod reference;
pub mod sealed_request;
pub mod signed_refund;

pub use reference::Reference;
pub use sealed_request::SealedRequest;
pub use signed_refund::SignedRefund;

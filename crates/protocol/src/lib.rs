//! Wire types: the payment server's API, the window's IPC views, and the one vocabulary of error codes.
//!
//! **Invariant:** no type here can hold a PAN or a PIN.

pub mod error;
pub mod ipc;
pub mod merchant_api;
pub mod mpm;
pub mod sealed;
pub mod vault_api;
pub mod wallet_api;

pub use error::{ErrorCode, MemberError, MoneyMoved, Problem};
pub use sealed::SealedText;

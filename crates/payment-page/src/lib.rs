//! The payment page's module: what a browser does for a payer who has no wallet.
//!
//! It opens the letter with the key behind the `#`, checks it, seals what the payer types, and checks what the bank says,
//! with the same seals as a wallet. The page's script only fetches and shows. What a page that a server serves can
//! promise, and what not, stands in `docs/adr/0041-payment-page.md`.
//!
//! **Invariant:** no clock and no network here: the page hands in both. Passwords and codes are sealed and wiped, and are
//! never part of an answer.

mod bridge;
mod code;
mod fault;
mod outcome;
mod visit;

pub use fault::Fault;
pub use outcome::End;
pub use visit::{Shown, Visit};

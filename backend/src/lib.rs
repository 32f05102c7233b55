//! The servers of Tapseal: payment server, bank front and vault, and the tools around them.
//!
//! **Invariant:** `payment_server`, `bank_front` and `vault` never import each other: they meet on the wire.

pub mod bank_front;
pub mod carrier_front;
pub mod clock;
pub mod front;
pub mod gateway;
mod guard;
pub mod keys;
pub mod mac;
pub mod merchant_tool;
pub mod password;
pub mod payment_server;
mod peer_certificate;
pub mod private_file;
pub mod reconciliation;
pub mod storage;
pub mod tls;
pub mod totp;
pub mod vault;
mod web_page;

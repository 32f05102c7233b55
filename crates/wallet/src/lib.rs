//! Everything the wallet does, without a window: requests, cards, PIN, the double seal, receipts.
//!
//! [`Wallet`] has one method per command of [`protocol::ipc`]; [`bridge::dispatch`] is the same by name. Whoever
//! shows a window, types in a terminal or tests drives the same wallet.
//!
//! **Invariants:** card data and PIN live only between reading and sealing, in memory that is wiped; a request that
//! did not verify is never shown; an attempt is written down before it is sent and ends only on evidence.

mod backup;
pub mod bridge;
mod ca_keys;
mod card;
mod carrier;
mod changes;
mod checkout;
pub mod cli;
mod clock;
pub mod config;
mod csv;
mod desk;
mod device;
mod document;
pub mod error;
mod history;
mod inbox;
mod keyset;
pub mod keystore;
mod lock;
mod merchant;
mod merchant_code;
mod methods;
mod pin_pad;
mod qr;
mod reader_test;
pub mod readers;
pub mod receipt;
mod scan;
mod server;
mod store;
mod trust;
mod upkeep;
mod vault;
mod wallet;

pub use backup::{EXTENSION as BACKUP_EXTENSION, file_name as backup_file_name};
pub use checkout::Trace;
pub use clock::{Clock, Moment};
pub use config::{KeyStoreKind, Upkeep, WalletConfig};
pub use error::WalletError;
pub use history::export::{list_name, receipt_name};
pub use merchant::vouchers::voucher_file_name;
pub use trust::Trust;
pub use wallet::Wallet;
pub use wallet::alias::ALIAS_EXPORT_NAME;

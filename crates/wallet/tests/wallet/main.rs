//! The wallet against a server that lies, forgets and changes its keys, and cards that go away. What the real server
//! and bank do is tested on the whole system.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod backup;
mod card_removed;
mod hand;
mod history;
mod key_stores;
mod keys;
mod lock;
#[cfg(all(feature = "libnfc", target_os = "linux"))]
mod nfc;
#[cfg(all(feature = "libnfc", target_os = "linux"))]
mod nfc_field;
#[cfg(target_os = "linux")]
mod pcsc;
mod reader_test;
mod receipts;
mod recovery;
mod replay;
mod several_banks;
mod shelf;
mod stage;
mod stream;
#[cfg(target_os = "linux")]
mod stripes;
mod troubled_cards;
mod ways_to_pay;

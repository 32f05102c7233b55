//! Taking payments: what the merchant's screens know and do.

pub mod cart;
pub mod deeds;
pub mod face;
pub mod herald;
pub mod keypad;
pub mod keys;
pub mod money_text;
pub mod period;
pub mod place;
pub mod till;
pub mod vouchers;

//! The telephone menu: whoever has a telephone and nothing else buys vouchers, hears what is on one, changes its code.
//!
//! ```text
//! caller ── keys ──► voice gateway ── call, turn, digits ──► hook ── menu ──► desk ── one step of the writer
//! caller ◄── voice ── voice gateway ◄── what to speak, how many digits ◄────┘
//! ```
//!
//! The voice gateway is somebody else's: it turns text into speech and keys into digits. [`menu`] is the whole conversation,
//! without clock, randomness or database; [`desk`] does what it asks for; [`speech`] has the words; [`hook`] serves the
//! gateway over mutual TLS, under an authority that is only for it.
//!
//! **Invariant:** codes are spoken in the call that bought or changed them, and forgotten with it.
//!
//! **Invariant:** unknown identity codes, wrong PINs and locked ones are answered alike, after the same work.

mod desk;
mod hook;
mod menu;
mod speech;

pub use hook::{VoiceOptions, serve};

#[cfg(test)]
mod tests;

//! Binding: which person pays by code from which accounts, and on which terminals codes reach them.
//!
//! A person is known here by what the bank calls it, and everywhere else by an identity code drawn at random. It has
//! several accounts and several terminals, a payment password that is not its card's PIN, and limits it sets itself.
//! What the payment server must know (that the code pays by this bank, and which terminals there are, masked) is
//! an event in the step that changed it; what the person must know goes to its terminals. Who changed what is in the
//! [`journal`]; what a customer changes by a channel is a [`change`], which waits for codes.
//!
//! ```text
//! active ──wrong tries──► locked ──unlocked at the bank──► active
//!    └──────ended──────► ended ◄──────ended──────┘
//! ```

mod change;
mod event;
mod journal;
mod notice;
mod payer;
mod telephone;
mod terminal;

pub(super) use change::note_texts;
pub(super) use change::text;
pub use change::{Change, ChangeRefused, ChangeState, Deed, Proof, Proposal, Purpose};
pub use event::PayerEvents;
pub use journal::{COUNTER, JournalEntry};
pub use notice::Notice;
pub(super) use notice::Said;
pub(super) use payer::PayerChange;
pub use payer::{NewPayer, PAYER_TRIES_MAX, Payer, PayerState};
pub(super) use telephone::TelephonePin;
pub use telephone::{TELEPHONE_PIN_DIGITS, telephone_pin};
pub(super) use terminal::device_address;
pub use terminal::{Address, Terminal, TerminalKind, TerminalState};

#[cfg(test)]
mod tests;

//! Channels: the bank's own systems that customers come by besides the counter, and what customers change there.
//!
//! ```text
//! online banking ── mutual TLS ──┐
//! cash machine ──── mutual TLS ──┼─► api ─► desk ─► one step of the writer
//! the bank's page ── session ────┘  (online)
//! ```
//!
//! A channel has authenticated its customer, and says for whom it speaks; what it may say is bounded here. Its certificate is
//! [`admission`]'s affair. A terminal's channel speaks for nobody by itself: it opens a [`visit`] with a card and PIN that were
//! right on the port for cards a moment ago. Whatever a customer changes is a [`Change`](super::binding::Change), which waits for codes.
//!
//! **Invariant:** a channel reads and changes nothing of a customer it does not speak for, and no account that is not on file as
//! that customer's.
//!
//! **Invariant:** the channels' authority opens no other port, and no other certificate opens theirs.

pub mod admission;
mod api;
pub mod description;
pub(super) mod desk;
mod port;
pub(super) mod refusal;
mod visit;
pub(super) mod wish;

pub use port::{ChannelOptions, ChannelPort, serve};
pub(super) use visit::CardCheck;

/// Who speaks, and for whom.
#[derive(Debug, Clone)]
pub(super) struct Acting {
    /// The channel's name, as the journal has it.
    pub(super) channel: String,
    /// What the bank calls the customer.
    pub(super) customer: String,
}

#[cfg(test)]
mod tests;

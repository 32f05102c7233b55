//! The bank's page: customers sign in with what the bank gave them, become payers by code, and look after it.
//!
//! The counter opens an access for a customer on file ([`access`]): it prints an access number, and an activation code goes to
//! the telephone on file. With both the customer chooses a sign-in password. Each sign-in takes the password and then a code
//! that comes to that telephone; each change takes codes of its own ([`Change`](super::binding::Change)), so a session that was
//! stolen shows and changes nothing for good. [`session`] keeps who is signed in, in memory; [`calls`] is what the page's script asks;
//! [`parts`] are the page itself.
//!
//! **Invariant:** unknown numbers, wrong passwords and locked accesses are answered alike, after the same hashing.
//!
//! **Invariant:** a call that does not come from the page itself does nothing, whatever cookie comes with it.

mod access;
mod calls;
mod parts;
mod port;
mod session;

pub use access::Access;
pub(super) use access::send_due;
pub use port::{OnlineOptions, OnlinePort, serve};

/// The page's name as a channel, in the journal.
pub const PAGE: &str = "page";

#[cfg(test)]
mod tests;

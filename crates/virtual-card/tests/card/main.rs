//! The software card against the reader's session, the issuer's side, and the readers it can lie in.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has to fail")]

mod arbitrary;
mod authentication;
mod completion;
mod independent;
mod misbehaviour;
#[cfg(unix)]
mod pn532;
mod quirks;
mod session;
mod support;
mod vpcd;

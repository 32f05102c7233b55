//! The line a message came on: which port, and whether its client has signed on.

use std::sync::atomic::{AtomicBool, Ordering};

/// One connection, as its messages are judged by.
pub enum Line {
    /// Mutual TLS: the certificate says who it is, and card data comes in capsules.
    Sealed,
    /// The plain port.
    Plain(PlainLine),
}

impl Line {
    /// A new connection to the plain port.
    pub const fn plain() -> Self {
        Self::Plain(PlainLine { signed_on: AtomicBool::new(false) })
    }
}

/// A connection to the plain port.
pub struct PlainLine {
    signed_on: AtomicBool,
}

impl PlainLine {
    /// Whether anything but network management is heard.
    pub(super) fn is_signed_on(&self) -> bool {
        self.signed_on.load(Ordering::Acquire)
    }

    /// From now on everything is heard.
    pub(super) fn sign_on(&self) {
        self.signed_on.store(true, Ordering::Release);
    }

    /// From now on nothing but network management is.
    pub(super) fn sign_off(&self) {
        self.signed_on.store(false, Ordering::Release);
    }
}

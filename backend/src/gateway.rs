//! Gateways that messages to people are handed to: a short message centre, a mail server. Payment server, bank and operator
//! each have their own; what they say with them is theirs.

pub mod file;
pub mod receipt;
pub mod smpp;
pub mod smtp;

/// Why a try failed: a stable code.
pub type Reason = &'static str;

/// How one try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The channel took it. A centre that tells later how it went knows it by names of its own.
    Taken {
        /// Which gateway.
        gateway: String,
        /// The centre's names for its parts.
        message_ids: Vec<String>,
    },
    /// It is not taken for this address, and never will be by this gateway.
    Refused(Reason),
    /// This gateway does not work; nothing was sent.
    Elsewhere(Reason),
    /// Nothing was sent; the same gateway may take it later.
    Later(Reason),
    /// It may have been sent.
    Unsure(Reason),
    /// Nobody needs it any more.
    Moot(Reason),
}

impl Verdict {
    /// Taken by a gateway that has no names of its own.
    pub fn taken(gateway: &str) -> Self {
        Self::Taken { gateway: gateway.to_owned(), message_ids: Vec::new() }
    }
}

/// A gateway that is set up wrongly. It names no user and no password.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct GatewayError(String);

impl GatewayError {
    /// What is wrong.
    pub fn new(fault: impl std::fmt::Display) -> Self {
        Self(fault.to_string())
    }
}

/// A user or password of an address.
///
/// # Errors
/// [`GatewayError`] when it is not UTF-8.
pub fn decoded(text: &str) -> Result<String, GatewayError> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| GatewayError::new("a user or password is not UTF-8"))
}

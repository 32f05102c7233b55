//! Why the page cannot go on.

use envelope::SealError;

/// What went wrong. None of these moved money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The link's key does not open the letter, or the letter is none.
    #[error("link_invalid")]
    Link,
    /// The keyset or every bank certificate is not signed by the roots, or not valid now.
    #[error("keyset_invalid")]
    Keys,
    /// The order is not signed by a merchant of the keyset, under its own name.
    #[error("merchant_unverified")]
    Order,
    /// The order's time is over.
    #[error("request_expired")]
    Expired,
    /// Neither order nor merchant allow this way to pay.
    #[error("method_not_allowed")]
    Method,
    /// No bank of this id is certified.
    #[error("bank_unreachable")]
    Bank,
    /// What was typed has a wrong digit, or too many or few of them.
    #[error("mistyped")]
    Mistyped,
    /// A step that has nothing before it.
    #[error("checkout_not_ready")]
    NotReady,
}

impl From<SealError> for Fault {
    /// What is sealed here was checked before, but for what a person typed.
    fn from(_: SealError) -> Self {
        Self::Mistyped
    }
}

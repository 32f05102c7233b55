//! What can go wrong while a card is read.

use crate::apdu::StatusWord;

/// Why a card could not be used. No variant carries card data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CardError {
    /// The card holds no payment application this reader knows.
    #[error("the card has no payment application that can be used here")]
    NoApplication,
    /// The card, or its only application, is blocked (SW 6A81, 6283, 6285).
    #[error("the card is blocked")]
    Blocked,
    /// Every application of the card refused the conditions of the payment (SW 6985, Book 3 section 6.5.8).
    #[error("the card refused the payment before it was asked to authorise it")]
    Refused,
    /// A phone or watch wants its owner to unlock it first (SW 6986, Book A).
    #[error("the device asks its owner to confirm on its own screen, then to be held again")]
    SeePhone,
    /// The card wants to be inserted: over the air it does not take this payment (SW 6984, Book C-3).
    #[error("the card asks to be inserted instead")]
    InsertInstead,
    /// The card answered with an AAC: it declines without asking its bank.
    #[error("the card declined the payment by itself")]
    DeclinedOffline,
    /// An answer that the standard does not allow.
    #[error("the card's answer could not be understood ({at})")]
    Malformed {
        /// The data object or step that was wrong.
        at: &'static str,
    },
    /// A data object that the standard requires is absent.
    #[error("the card did not give a required value ({item})")]
    Missing {
        /// The absent data object.
        item: &'static str,
    },
    /// A status word that ends the session.
    #[error("the card answered {sw} to {at}")]
    UnexpectedStatus {
        /// The step that was answered.
        at: &'static str,
        /// The status word.
        sw: StatusWord,
    },
    /// A card or application that needs something this reader does not do.
    #[error("the card needs something this reader does not do ({reason})")]
    Unsupported {
        /// What it needs.
        reason: &'static str,
    },
    /// The card's signature over its own cryptogram is not good, and the cryptogram is nowhere else (Book 2 section
    /// 6.6.2): the card, or something between it and the reader, is not what it says.
    #[error("the card could not prove that its answer is its own")]
    Forged,
    /// A contactless card that only emulates its magnetic stripe: refused, since its data can be replayed.
    #[error("the card only offers its magnetic stripe over the air, which is not safe; insert it instead")]
    MagStripeOnly,
    /// The session went past [`crate::session::EXCHANGES_MAX`].
    #[error("the card needed too many exchanges")]
    TooManyExchanges,
    /// The chosen index is not in the list that was offered.
    #[error("there is no application with that number")]
    NoSuchChoice,
}

impl CardError {
    /// A stable code for interfaces and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoApplication => "card.no_application",
            Self::Blocked => "card.blocked",
            Self::Refused => "card.refused",
            Self::SeePhone => "card.see_phone",
            Self::InsertInstead => "card.insert_instead",
            Self::DeclinedOffline => "card.declined_offline",
            Self::Malformed { .. } => "card.malformed",
            Self::Missing { .. } => "card.incomplete",
            Self::UnexpectedStatus { .. } => "card.unexpected_status",
            Self::Unsupported { .. } => "card.unsupported",
            Self::Forged => "card.forged",
            Self::MagStripeOnly => "card.mag_stripe_only",
            Self::TooManyExchanges => "card.too_many_exchanges",
            Self::NoSuchChoice => "card.no_such_choice",
        }
    }
}

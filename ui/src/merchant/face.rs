//! What a till shows of a request's state: one face for each thing a shop does next.

use payment::RequestState;

use crate::i18n::Text;

/// What the payer is doing, or how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaleFace {
    /// Ready to be scanned; nobody is known to have it.
    Asking,
    /// Under way to the payer.
    Sent,
    /// The payer's wallet opened it.
    Seen,
    /// A card was read, and its bank is asked.
    Paying,
    /// The bank approved.
    Paid,
    /// The bank has not answered. Nobody must be charged again.
    Unknown,
    /// The parties disagree, and the operator decides. Nobody must be charged again.
    Review,
    /// The payer refused.
    Rejected,
    /// The payer's bank declined for good.
    Declined,
    /// It was undone, and its time is over.
    Reversed,
    /// No channel reached the payer.
    Unreached,
    /// Its time ran out.
    Expired,
    /// The merchant withdrew it.
    Cancelled,
}

impl SaleFace {
    /// The face of a state.
    pub const fn of(state: &RequestState) -> Self {
        match state {
            RequestState::Created => Self::Asking,
            RequestState::Delivering | RequestState::Delivered => Self::Sent,
            RequestState::Seen => Self::Seen,
            RequestState::InFlight { .. } => Self::Paying,
            RequestState::Paid { .. } => Self::Paid,
            RequestState::OutcomeUnknown { .. } => Self::Unknown,
            RequestState::NeedsManualReview { .. } => Self::Review,
            RequestState::Rejected => Self::Rejected,
            RequestState::Failed { .. } => Self::Declined,
            RequestState::Reversed { .. } => Self::Reversed,
            RequestState::Undeliverable => Self::Unreached,
            RequestState::Expired => Self::Expired,
            RequestState::Cancelled => Self::Cancelled,
        }
    }

    /// The stable word for tests and styles.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asking => "asking",
            Self::Sent => "sent",
            Self::Seen => "seen",
            Self::Paying => "paying",
            Self::Paid => "paid",
            Self::Unknown => "unknown",
            Self::Review => "review",
            Self::Rejected => "rejected",
            Self::Declined => "declined",
            Self::Reversed => "reversed",
            Self::Unreached => "unreached",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// Its word.
    pub const fn text(self) -> Text {
        match self {
            Self::Asking => Text::FaceAsking,
            Self::Sent => Text::FaceSent,
            Self::Seen => Text::FaceSeen,
            Self::Paying => Text::FacePaying,
            Self::Paid => Text::FacePaid,
            Self::Unknown => Text::FaceUnknown,
            Self::Review => Text::FaceReview,
            Self::Rejected => Text::FaceRejected,
            Self::Declined => Text::FaceDeclined,
            Self::Reversed => Text::FaceReversed,
            Self::Unreached => Text::FaceUnreached,
            Self::Expired => Text::FaceExpired,
            Self::Cancelled => Text::FaceCancelled,
        }
    }

    /// Whether it can still be withdrawn and paid.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Asking | Self::Sent | Self::Seen)
    }

    /// Whether the payer's QR is what matters: until the bank has decided.
    pub const fn is_waiting(self) -> bool {
        self.is_open() || matches!(self, Self::Paying)
    }

    /// Whether money may or may not have moved.
    pub const fn is_in_doubt(self) -> bool {
        matches!(self, Self::Unknown | Self::Review)
    }

    /// How many of the four steps (asked, sent, opened, paying) are done.
    pub const fn steps(self) -> u8 {
        match self {
            Self::Asking => 1,
            Self::Sent => 2,
            Self::Seen => 3,
            _ => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [SaleFace; 13] = [
        SaleFace::Asking,
        SaleFace::Sent,
        SaleFace::Seen,
        SaleFace::Paying,
        SaleFace::Paid,
        SaleFace::Unknown,
        SaleFace::Review,
        SaleFace::Rejected,
        SaleFace::Declined,
        SaleFace::Reversed,
        SaleFace::Unreached,
        SaleFace::Expired,
        SaleFace::Cancelled,
    ];

    #[test]
    fn what_is_in_doubt_is_neither_open_nor_waited_for_with_a_code() {
        for face in ALL.into_iter().filter(|face| face.is_in_doubt()) {
            assert!(!face.is_open() && !face.is_waiting(), "{face:?}: a code there would be paid twice");
        }
    }

    #[test]
    fn a_payment_under_way_cannot_be_withdrawn() {
        assert!(SaleFace::Paying.is_waiting() && !SaleFace::Paying.is_open());
    }

    #[test]
    fn a_face_is_open_exactly_when_its_request_can_be_paid() {
        for name in RequestState::NAMES {
            let attempt_id = "0190a7e0-0000-7000-8000-000000000001".parse().unwrap();
            let state =
                RequestState::from_parts(name, None).or_else(|| RequestState::from_parts(name, Some(attempt_id)));
            let state = state.unwrap();
            assert_eq!(SaleFace::of(&state).is_open(), state.is_open(), "{name}");
        }
    }

    #[test]
    fn no_two_faces_share_a_word() {
        for face in ALL {
            assert_eq!(ALL.iter().filter(|other| other.text() == face.text()).count(), 1, "{face:?}");
            assert_eq!(ALL.iter().filter(|other| other.name() == face.name()).count(), 1, "{face:?}");
        }
    }
}

//! One try to pay a request, from the sealed capsule to the bank's evidence.
//!
//! ```text
//! sealed → received → forwarded → approved | declined | no_answer
//! no_answer → inquiring → approved | declined | not_found → reversing → reversed | needs_manual_review
//! reversed | declined → (the bank approves after all) → reversing
//! needs_manual_review → (a person decides) → inquiring | reversing | approved | declined | reversed
//! ```
//!
//! **Invariant:** `reversed` is reached only by an acknowledged reversal, or by a person with written evidence, and
//! `approved` or `declined` only by the bank's signed outcome; no timer ends an attempt.
//!
//! **Invariant:** an approval is the end. What was told to be undone or refused can become undone once more, when the
//! bank moves money against its own word; it never becomes paid.

use serde::{Deserialize, Serialize};

use crate::decline::DeclineCode;
use crate::{InvalidTransition, Standing};

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum AttemptState {
    /// Sealed on the device and stored there; perhaps not sent.
    Sealed,
    /// The payment server opened the outer layer and matched the order.
    Received,
    /// Stored with STAN and RRN, about to be sent or sent to the bank.
    Forwarded,
    /// The bank approved.
    Approved,
    /// The bank declined.
    Declined {
        /// Why.
        code: DeclineCode,
    },
    /// No answer within the time allowed.
    NoAnswer,
    /// The bank is being asked what became of it.
    Inquiring,
    /// The bank never saw it.
    NotFound,
    /// A reversal is being repeated until the bank acknowledges it.
    Reversing,
    /// The bank acknowledged the reversal: no money moved.
    Reversed,
    /// The parties disagree; a person must decide.
    NeedsManualReview,
}

/// What can happen to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptEvent {
    /// The server opened the outer layer and matched the order.
    Received,
    /// STAN and RRN are stored; the message may be sent.
    Forwarded,
    /// The bank's signed approval arrived, and amount, currency and order are the ones asked for.
    Approved,
    /// The bank's signed refusal arrived.
    Declined(DeclineCode),
    /// The time for an answer has passed, or the server restarted while waiting.
    AnswerOverdue,
    /// An inquiry is stored and about to be sent.
    InquiryStarted,
    /// The bank answered that it never saw the attempt.
    NotFound,
    /// A reversal is stored and about to be sent.
    ReversalStarted,
    /// The bank acknowledged the reversal.
    ReversalAcknowledged,
    /// The bank's word contradicts the order or itself.
    Contradiction,
    /// The bank's signed approval arrived after the attempt was to be undone, was undone or was declined.
    LateApproval,
    /// A person decided what follows on `needs_manual_review`.
    Reviewed(ReviewStep),
}

/// What a person may decide about an attempt that needs it. Which of these are legal follows from what is known of the
/// attempt as well; see [`crate::review`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewStep {
    /// Ask the bank again; what it says is settled as usual.
    Inquire,
    /// Have the bank undo it, until that is acknowledged.
    Reverse,
    /// Take the bank's signed approval for true.
    AcceptApproval,
    /// Take the bank's signed refusal for true.
    AcceptDecline(DeclineCode),
    /// Close it: no money moved, or it is back.
    CloseAsNotPaid,
}

impl AttemptState {
    /// The state's stable name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::Received => "received",
            Self::Forwarded => "forwarded",
            Self::Approved => "approved",
            Self::Declined { .. } => "declined",
            Self::NoAnswer => "no_answer",
            Self::Inquiring => "inquiring",
            Self::NotFound => "not_found",
            Self::Reversing => "reversing",
            Self::Reversed => "reversed",
            Self::NeedsManualReview => "needs_manual_review",
        }
    }

    /// The decline code, in state `declined`.
    pub const fn decline_code(&self) -> Option<DeclineCode> {
        match self {
            Self::Declined { code } => Some(*code),
            Self::Sealed
            | Self::Received
            | Self::Forwarded
            | Self::Approved
            | Self::NoAnswer
            | Self::Inquiring
            | Self::NotFound
            | Self::Reversing
            | Self::Reversed
            | Self::NeedsManualReview => None,
        }
    }

    /// The state with this name and code, as a database row holds them.
    pub fn from_parts(name: &str, code: Option<DeclineCode>) -> Option<Self> {
        let state = match (name, code) {
            ("sealed", None) => Self::Sealed,
            ("received", None) => Self::Received,
            ("forwarded", None) => Self::Forwarded,
            ("approved", None) => Self::Approved,
            ("declined", Some(code)) => Self::Declined { code },
            ("no_answer", None) => Self::NoAnswer,
            ("inquiring", None) => Self::Inquiring,
            ("not_found", None) => Self::NotFound,
            ("reversing", None) => Self::Reversing,
            ("reversed", None) => Self::Reversed,
            ("needs_manual_review", None) => Self::NeedsManualReview,
            _ => return None,
        };
        Some(state)
    }

    /// What the state asks of whoever restarts.
    pub const fn standing(&self) -> Standing {
        match self {
            Self::Received | Self::Forwarded | Self::NoAnswer | Self::Inquiring | Self::NotFound | Self::Reversing => {
                Standing::Active
            }
            Self::Sealed | Self::NeedsManualReview => Standing::Awaiting,
            Self::Approved | Self::Declined { .. } | Self::Reversed => Standing::Final,
        }
    }

    /// The state after `event`, or why the event cannot happen here.
    pub fn apply(self, event: AttemptEvent) -> Result<Self, InvalidTransition> {
        use AttemptEvent as E;
        match (self, event) {
            (Self::Sealed, E::Received) => Ok(Self::Received),
            (Self::Received, E::Forwarded) => Ok(Self::Forwarded),
            (Self::Forwarded | Self::NoAnswer | Self::Inquiring, E::Approved) => Ok(Self::Approved),
            (Self::Forwarded | Self::NoAnswer | Self::Inquiring, E::Declined(code)) => Ok(Self::Declined { code }),
            (Self::Forwarded, E::AnswerOverdue) => Ok(Self::NoAnswer),
            (Self::NoAnswer | Self::Inquiring, E::InquiryStarted) => Ok(Self::Inquiring),
            (Self::Inquiring, E::NotFound) => Ok(Self::NotFound),
            (Self::NoAnswer | Self::Inquiring | Self::NotFound | Self::Reversing, E::ReversalStarted) => {
                Ok(Self::Reversing)
            }
            (Self::Reversing, E::ReversalAcknowledged) => Ok(Self::Reversed),
            (Self::Forwarded | Self::NoAnswer | Self::Inquiring | Self::Reversing, E::Contradiction) => {
                Ok(Self::NeedsManualReview)
            }
            (Self::NotFound | Self::Reversing | Self::Reversed | Self::Declined { .. }, E::LateApproval) => {
                Ok(Self::Reversing)
            }
            (Self::NeedsManualReview, E::Reviewed(step)) => Ok(step.leads_to()),
            _ => Err(InvalidTransition { state: self.name(), event: event.name() }),
        }
    }
}

impl ReviewStep {
    const fn leads_to(self) -> AttemptState {
        match self {
            Self::Inquire => AttemptState::Inquiring,
            Self::Reverse => AttemptState::Reversing,
            Self::AcceptApproval => AttemptState::Approved,
            Self::AcceptDecline(code) => AttemptState::Declined { code },
            Self::CloseAsNotPaid => AttemptState::Reversed,
        }
    }
}

impl AttemptEvent {
    /// The event's stable name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Forwarded => "forwarded",
            Self::Approved => "approved",
            Self::Declined(_) => "declined",
            Self::AnswerOverdue => "answer_overdue",
            Self::InquiryStarted => "inquiry_started",
            Self::NotFound => "not_found",
            Self::ReversalStarted => "reversal_started",
            Self::ReversalAcknowledged => "reversal_acknowledged",
            Self::Contradiction => "contradiction",
            Self::LateApproval => "late_approval",
            Self::Reviewed(ReviewStep::Inquire) => "reviewed_inquire",
            Self::Reviewed(ReviewStep::Reverse) => "reviewed_reverse",
            Self::Reviewed(ReviewStep::AcceptApproval) => "reviewed_accept_approval",
            Self::Reviewed(ReviewStep::AcceptDecline(_)) => "reviewed_accept_decline",
            Self::Reviewed(ReviewStep::CloseAsNotPaid) => "reviewed_close_as_not_paid",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    fn states() -> [AttemptState; 11] {
        use AttemptState as S;
        [
            S::Sealed,
            S::Received,
            S::Forwarded,
            S::Approved,
            S::Declined { code: DeclineCode::WrongPin },
            S::NoAnswer,
            S::Inquiring,
            S::NotFound,
            S::Reversing,
            S::Reversed,
            S::NeedsManualReview,
        ]
    }

    fn events() -> [AttemptEvent; 16] {
        use AttemptEvent as E;
        [
            E::Received,
            E::Forwarded,
            E::Approved,
            E::Declined(DeclineCode::WrongPin),
            E::AnswerOverdue,
            E::InquiryStarted,
            E::NotFound,
            E::ReversalStarted,
            E::ReversalAcknowledged,
            E::Contradiction,
            E::LateApproval,
            E::Reviewed(ReviewStep::Inquire),
            E::Reviewed(ReviewStep::Reverse),
            E::Reviewed(ReviewStep::AcceptApproval),
            E::Reviewed(ReviewStep::AcceptDecline(DeclineCode::Limit)),
            E::Reviewed(ReviewStep::CloseAsNotPaid),
        ]
    }

    #[test]
    fn transition_table() {
        let mut table = String::new();
        for state in states() {
            writeln!(table, "{} ({:?})", state.name(), state.standing()).unwrap();
            for event in events() {
                if let Ok(next) = state.apply(event) {
                    writeln!(table, "  {} -> {}", event.name(), next.name()).unwrap();
                }
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn final_states_are_final_and_time_never_ends_an_attempt() {
        for state in states() {
            if state.standing() == Standing::Final {
                // Only the bank itself can undo its own end, and only towards undoing the money.
                let moved: Vec<_> =
                    events().into_iter().filter_map(|event| Some((event, state.apply(event).ok()?))).collect();
                let revived = [(AttemptEvent::LateApproval, AttemptState::Reversing)];
                assert_eq!(moved, if state == AttemptState::Approved { vec![] } else { revived.to_vec() });
            }
            if let Ok(next) = state.apply(AttemptEvent::AnswerOverdue) {
                assert_eq!(next.standing(), Standing::Active);
            }
        }
    }

    #[test]
    fn rows_round_trip() {
        for state in states() {
            assert_eq!(AttemptState::from_parts(state.name(), state.decline_code()), Some(state));
        }
        assert_eq!(AttemptState::from_parts("declined", None), None);
    }
}

//! One try to pay a request, from the sealed capsule to the bank's evidence.
//!
//! ```text
//! sealed → received → forwarded → approved | declined | no_answer
//! no_answer → inquiring → approved | declined | not_found → reversing → reversed | needs_manual_review
//! ```
//!
//! **Invariant:** `reversed` is reached only by an acknowledged reversal and `approved` or `declined`
//! only by the bank's signed outcome; no timer ends an attempt.

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
            _ => Err(InvalidTransition { state: self.name(), event: event.name() }),
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

    fn events() -> [AttemptEvent; 10] {
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
                assert!(events().into_iter().all(|event| state.apply(event).is_err()));
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

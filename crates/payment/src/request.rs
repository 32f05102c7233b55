//! A payment request's life, from the merchant's order to its end.
//!
//! ```text
//! created → delivering → delivered → seen → in_flight → paid
//! open to pay: created, delivering, delivered, seen
//! before in_flight: rejected (payer) · cancelled (merchant) · expired · undeliverable (before seen, when the last message
//! that was sent bounced or the last channel gave up)
//! in_flight → seen (declined, may try again) · failed · outcome_unknown → paid | seen | reversed | needs_manual_review
//! needs_manual_review → (a person decides) → outcome_unknown | paid | seen | failed | reversed
//! open to pay → (an attempt that was undone is approved after all) → outcome_unknown
//! ```
//!
//! An attempt in flight is never stopped by expiry or cancellation: those events are refused until
//! the bank's evidence is in. A reversed attempt reopens the request while it can still be paid.

use serde::{Deserialize, Serialize};

use crate::id::AttemptId;
use crate::{InvalidTransition, Standing};

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum RequestState {
    /// Stored; nothing to deliver, or delivery not begun. Open to pay.
    Created,
    /// At least one delivery is under way. Open to pay.
    Delivering,
    /// At least one channel took it. Open to pay.
    Delivered,
    /// The payer's wallet opened it. Open to pay.
    Seen,
    /// An attempt is between the wallet and the bank.
    InFlight {
        /// The one attempt.
        attempt_id: AttemptId,
    },
    /// The bank approved.
    Paid {
        /// The attempt that paid.
        attempt_id: AttemptId,
    },
    /// The payer refused.
    Rejected,
    /// The merchant withdrew it.
    Cancelled,
    /// Its time ran out.
    Expired,
    /// Every channel failed.
    Undeliverable,
    /// The bank declined for good.
    Failed {
        /// The attempt that was declined.
        attempt_id: AttemptId,
    },
    /// The bank has not answered; an inquiry or a reversal is under way.
    OutcomeUnknown {
        /// The attempt in doubt.
        attempt_id: AttemptId,
    },
    /// The attempt was undone and the request can no longer be paid.
    Reversed {
        /// The attempt that was undone.
        attempt_id: AttemptId,
    },
    /// The parties disagree; a person must decide.
    NeedsManualReview {
        /// The attempt in doubt.
        attempt_id: AttemptId,
    },
}

/// What can happen to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestEvent {
    /// A delivery job was queued.
    DeliveryStarted,
    /// A channel took the message.
    DeliverySucceeded,
    /// Every channel failed for good.
    DeliveryFailed,
    /// The payer's wallet opened it.
    Seen,
    /// The payer refused.
    Rejected,
    /// The merchant withdrew it.
    Cancelled,
    /// Its time ran out.
    Expired,
    /// An attempt is stored and about to be sent to the bank.
    AttemptForwarded(AttemptId),
    /// The bank approved the attempt.
    AttemptApproved,
    /// The bank declined; the payer may try again.
    AttemptDeclined,
    /// The bank declined and another try cannot help.
    AttemptRefused,
    /// The bank did not answer in time.
    AttemptUnanswered,
    /// The attempt was undone, and the request may still be paid.
    AttemptReversed,
    /// The attempt was undone, and the request's time has run out.
    AttemptReversedTooLate,
    /// The parties disagree.
    ReviewNeeded,
    /// A person decided to ask the bank again, or to have the attempt undone.
    ReviewReopened,
    /// The bank approved an attempt after it was undone or declined. It is being undone (again); until then nobody may
    /// pay once more.
    AttemptApprovedLate(AttemptId),
}

impl RequestState {
    /// The name of every state.
    pub const NAMES: [&str; 14] = [
        "created",
        "delivering",
        "delivered",
        "seen",
        "in_flight",
        "paid",
        "rejected",
        "cancelled",
        "expired",
        "undeliverable",
        "failed",
        "outcome_unknown",
        "reversed",
        "needs_manual_review",
    ];

    /// The state's stable name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Delivering => "delivering",
            Self::Delivered => "delivered",
            Self::Seen => "seen",
            Self::InFlight { .. } => "in_flight",
            Self::Paid { .. } => "paid",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Undeliverable => "undeliverable",
            Self::Failed { .. } => "failed",
            Self::OutcomeUnknown { .. } => "outcome_unknown",
            Self::Reversed { .. } => "reversed",
            Self::NeedsManualReview { .. } => "needs_manual_review",
        }
    }

    /// The attempt the state speaks of.
    pub const fn attempt_id(&self) -> Option<AttemptId> {
        match *self {
            Self::InFlight { attempt_id }
            | Self::Paid { attempt_id }
            | Self::Failed { attempt_id }
            | Self::OutcomeUnknown { attempt_id }
            | Self::Reversed { attempt_id }
            | Self::NeedsManualReview { attempt_id } => Some(attempt_id),
            Self::Created
            | Self::Delivering
            | Self::Delivered
            | Self::Seen
            | Self::Rejected
            | Self::Cancelled
            | Self::Expired
            | Self::Undeliverable => None,
        }
    }

    /// The state with this name and attempt, as a database row holds them.
    pub fn from_parts(name: &str, attempt_id: Option<AttemptId>) -> Option<Self> {
        let state = match (name, attempt_id) {
            ("created", None) => Self::Created,
            ("delivering", None) => Self::Delivering,
            ("delivered", None) => Self::Delivered,
            ("seen", None) => Self::Seen,
            ("rejected", None) => Self::Rejected,
            ("cancelled", None) => Self::Cancelled,
            ("expired", None) => Self::Expired,
            ("undeliverable", None) => Self::Undeliverable,
            ("in_flight", Some(attempt_id)) => Self::InFlight { attempt_id },
            ("paid", Some(attempt_id)) => Self::Paid { attempt_id },
            ("failed", Some(attempt_id)) => Self::Failed { attempt_id },
            ("outcome_unknown", Some(attempt_id)) => Self::OutcomeUnknown { attempt_id },
            ("reversed", Some(attempt_id)) => Self::Reversed { attempt_id },
            ("needs_manual_review", Some(attempt_id)) => Self::NeedsManualReview { attempt_id },
            _ => return None,
        };
        Some(state)
    }

    /// Whether an attempt may start.
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Created | Self::Delivering | Self::Delivered | Self::Seen)
    }

    /// What the state asks of whoever restarts.
    pub const fn standing(&self) -> Standing {
        match self {
            Self::InFlight { .. } | Self::OutcomeUnknown { .. } | Self::Delivering => Standing::Active,
            Self::Created | Self::Delivered | Self::Seen | Self::NeedsManualReview { .. } => Standing::Awaiting,
            Self::Paid { .. }
            | Self::Rejected
            | Self::Cancelled
            | Self::Expired
            | Self::Undeliverable
            | Self::Failed { .. }
            | Self::Reversed { .. } => Standing::Final,
        }
    }

    /// The state after `event`, or why the event cannot happen here.
    pub fn apply(self, event: RequestEvent) -> Result<Self, InvalidTransition> {
        use RequestEvent as E;
        let refused = InvalidTransition { state: self.name(), event: event.name() };
        match (self, event) {
            (Self::Created | Self::Delivering, E::DeliveryStarted) => Ok(Self::Delivering),
            (Self::Delivering | Self::Delivered, E::DeliverySucceeded) => Ok(Self::Delivered),
            (Self::Seen, E::DeliverySucceeded | E::DeliveryFailed | E::Seen) => Ok(Self::Seen),
            (Self::Delivering | Self::Delivered, E::DeliveryFailed) => Ok(Self::Undeliverable),
            (Self::Created | Self::Delivering | Self::Delivered, E::Seen) => Ok(Self::Seen),
            (open, E::Rejected) if open.is_open() => Ok(Self::Rejected),
            (open, E::Cancelled) if open.is_open() => Ok(Self::Cancelled),
            (open, E::Expired) if open.is_open() => Ok(Self::Expired),
            (open, E::AttemptForwarded(attempt_id)) if open.is_open() => Ok(Self::InFlight { attempt_id }),
            (open, E::AttemptApprovedLate(attempt_id)) if open.is_open() => Ok(Self::OutcomeUnknown { attempt_id }),
            (
                Self::InFlight { attempt_id }
                | Self::OutcomeUnknown { attempt_id }
                | Self::NeedsManualReview { attempt_id },
                event,
            ) => Self::settle(self, attempt_id, event).ok_or(refused),
            _ => Err(refused),
        }
    }

    fn settle(self, attempt_id: AttemptId, event: RequestEvent) -> Option<Self> {
        match event {
            RequestEvent::AttemptApproved => Some(Self::Paid { attempt_id }),
            RequestEvent::AttemptDeclined => Some(Self::Seen),
            RequestEvent::AttemptRefused => Some(Self::Failed { attempt_id }),
            RequestEvent::AttemptUnanswered if !matches!(self, Self::NeedsManualReview { .. }) => {
                Some(Self::OutcomeUnknown { attempt_id })
            }
            RequestEvent::AttemptReversed if !matches!(self, Self::InFlight { .. }) => Some(Self::Seen),
            RequestEvent::AttemptReversedTooLate if !matches!(self, Self::InFlight { .. }) => {
                Some(Self::Reversed { attempt_id })
            }
            RequestEvent::ReviewNeeded => Some(Self::NeedsManualReview { attempt_id }),
            RequestEvent::ReviewReopened if matches!(self, Self::NeedsManualReview { .. }) => {
                Some(Self::OutcomeUnknown { attempt_id })
            }
            RequestEvent::AttemptUnanswered
            | RequestEvent::ReviewReopened
            | RequestEvent::AttemptApprovedLate(_)
            | RequestEvent::AttemptReversed
            | RequestEvent::AttemptReversedTooLate
            | RequestEvent::DeliveryStarted
            | RequestEvent::DeliverySucceeded
            | RequestEvent::DeliveryFailed
            | RequestEvent::Seen
            | RequestEvent::Rejected
            | RequestEvent::Cancelled
            | RequestEvent::Expired
            | RequestEvent::AttemptForwarded(_) => None,
        }
    }
}

impl RequestEvent {
    /// The event's stable name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::DeliveryStarted => "delivery_started",
            Self::DeliverySucceeded => "delivery_succeeded",
            Self::DeliveryFailed => "delivery_failed",
            Self::Seen => "seen",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::AttemptForwarded(_) => "attempt_forwarded",
            Self::AttemptApproved => "attempt_approved",
            Self::AttemptDeclined => "attempt_declined",
            Self::AttemptRefused => "attempt_refused",
            Self::AttemptUnanswered => "attempt_unanswered",
            Self::AttemptReversed => "attempt_reversed",
            Self::AttemptReversedTooLate => "attempt_reversed_too_late",
            Self::ReviewNeeded => "review_needed",
            Self::ReviewReopened => "review_reopened",
            Self::AttemptApprovedLate(_) => "attempt_approved_late",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    const ATTEMPT: AttemptId = AttemptId::from_bytes([9; 16]);

    fn states() -> [RequestState; 14] {
        use RequestState as S;
        let attempt_id = ATTEMPT;
        [
            S::Created,
            S::Delivering,
            S::Delivered,
            S::Seen,
            S::InFlight { attempt_id },
            S::Paid { attempt_id },
            S::Rejected,
            S::Cancelled,
            S::Expired,
            S::Undeliverable,
            S::Failed { attempt_id },
            S::OutcomeUnknown { attempt_id },
            S::Reversed { attempt_id },
            S::NeedsManualReview { attempt_id },
        ]
    }

    fn events() -> [RequestEvent; 17] {
        use RequestEvent as E;
        [
            E::DeliveryStarted,
            E::DeliverySucceeded,
            E::DeliveryFailed,
            E::Seen,
            E::Rejected,
            E::Cancelled,
            E::Expired,
            E::AttemptForwarded(ATTEMPT),
            E::AttemptApproved,
            E::AttemptDeclined,
            E::AttemptRefused,
            E::AttemptUnanswered,
            E::AttemptReversed,
            E::AttemptReversedTooLate,
            E::ReviewNeeded,
            E::ReviewReopened,
            E::AttemptApprovedLate(ATTEMPT),
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
    fn final_states_are_final() {
        for state in states().into_iter().filter(|state| state.standing() == Standing::Final) {
            assert!(events().into_iter().all(|event| state.apply(event).is_err()), "{}", state.name());
        }
    }

    #[test]
    fn nothing_but_evidence_ends_an_attempt_in_flight() {
        let in_flight = RequestState::InFlight { attempt_id: ATTEMPT };
        for event in [RequestEvent::Expired, RequestEvent::Cancelled, RequestEvent::Rejected, RequestEvent::Seen] {
            assert!(in_flight.apply(event).is_err());
        }
    }

    #[test]
    fn rows_round_trip() {
        for state in states() {
            assert_eq!(RequestState::from_parts(state.name(), state.attempt_id()), Some(state));
            assert!(RequestState::NAMES.contains(&state.name()));
        }
        assert_eq!(RequestState::from_parts("paid", None), None);
        assert_eq!(RequestState::from_parts("seen", Some(ATTEMPT)), None);
    }
}

//! The phases of a request: what can be done in them, and their words.

use protocol::ipc::RequestPhase;

use crate::i18n::Text;

/// What a person can do with a request in a phase.
pub trait PhaseView {
    /// Whether it asks for a payment now.
    fn is_payable(&self) -> bool;
    /// Whether it still asks something of the payer, or of their patience.
    fn is_pending(&self) -> bool;
    /// Its word.
    fn text(&self) -> Text;
}

impl PhaseView for RequestPhase {
    fn is_payable(&self) -> bool {
        match self {
            Self::Open | Self::Postponed => true,
            Self::Paying
            | Self::Unknown
            | Self::Paid
            | Self::Rejected
            | Self::Cancelled
            | Self::Expired
            | Self::Closed => false,
        }
    }

    fn is_pending(&self) -> bool {
        self.is_payable() || matches!(self, Self::Paying | Self::Unknown)
    }

    fn text(&self) -> Text {
        match self {
            Self::Open => Text::PhaseOpen,
            Self::Postponed => Text::PhasePostponed,
            Self::Paying => Text::PhasePaying,
            Self::Unknown => Text::PhaseUnknown,
            Self::Paid => Text::PhasePaid,
            Self::Rejected => Text::PhaseRejected,
            Self::Cancelled => Text::PhaseCancelled,
            Self::Expired => Text::PhaseExpired,
            Self::Closed => Text::PhaseClosed,
        }
    }
}

/// The stable word for tests and styles.
pub const fn phase_name(phase: RequestPhase) -> &'static str {
    match phase {
        RequestPhase::Open => "open",
        RequestPhase::Postponed => "postponed",
        RequestPhase::Paying => "paying",
        RequestPhase::Unknown => "unknown",
        RequestPhase::Paid => "paid",
        RequestPhase::Rejected => "rejected",
        RequestPhase::Cancelled => "cancelled",
        RequestPhase::Expired => "expired",
        RequestPhase::Closed => "closed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_paid_waits_and_what_is_unknown_waits_too() {
        assert!(RequestPhase::Open.is_payable() && RequestPhase::Postponed.is_payable());
        assert!(RequestPhase::Unknown.is_pending() && !RequestPhase::Unknown.is_payable(), "no second payment");
        assert!(RequestPhase::Paying.is_pending() && !RequestPhase::Paying.is_payable(), "no second payment");
        assert!(!RequestPhase::Paid.is_pending() && !RequestPhase::Expired.is_pending());
    }
}

//! A voucher's life: one enum, and one pure `apply`.
//!
//! ```text
//! offered ── sold ── active ⇄ locked ── bank locked
//!                      │  ▲              │
//!                      │  └──────────────┘ at the counter, with identity
//!                      └─ ending ── ended
//! ```
//!
//! A voucher with nothing on it is not in a state of its own: it is *spent* for as long as its account is empty, and a
//! refund or a reversal makes it good again without anybody having to remember it.

use payment::InvalidTransition;

use crate::bank_front::error::BankError;

/// Wrong codes, one after the other, that lock a voucher; and wrong backup codes that lock it at the bank.
pub const TRIES_MAX: u8 = 3;

/// Where a voucher stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoucherState {
    /// Of a batch that the bank has, and not sold.
    Offered,
    /// Paid for; its codes are still to be handed over.
    Sold,
    /// It can be spent by whoever has the code.
    Active,
    /// Too many wrong codes: the backup code opens it again.
    Locked,
    /// Too many wrong backup codes: only the bank's counter opens it again, for somebody whose identity it checked.
    BankLocked,
    /// Its holder ended it; what is on it goes back at the end of the day.
    Ending,
    /// Over. What a refund brings later goes back at the end of that day.
    Ended,
}

impl VoucherState {
    /// Every state.
    pub const ALL: [Self; 7] =
        [Self::Offered, Self::Sold, Self::Active, Self::Locked, Self::BankLocked, Self::Ending, Self::Ended];

    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Sold => "sold",
            Self::Active => "active",
            Self::Locked => "locked",
            Self::BankLocked => "bank_locked",
            Self::Ending => "ending",
            Self::Ended => "ended",
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self, BankError> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(BankError::Stored("voucher.state"))
    }
}

/// What happens to a voucher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoucherEvent {
    /// Its price was moved from an account.
    Sold,
    /// Its codes were handed over, once.
    HandedOver,
    /// The right code was given, to spend or to ask.
    CodeRight,
    /// A wrong code was given.
    CodeWrong,
    /// It got another code, for the old one.
    CodeChanged,
    /// The right backup code was given.
    BackupRight,
    /// A wrong backup code was given.
    BackupWrong,
    /// It got another backup code, for the holder of the account it was bought from.
    BackupReplaced,
    /// The bank's counter checked who its holder is, and gave it other codes.
    IdentityProven,
    /// Its holder ended it.
    EndAsked,
    /// What was on it went back to the account it was bought from.
    Returned,
}

impl VoucherEvent {
    /// Every event.
    pub const ALL: [Self; 11] = [
        Self::Sold,
        Self::HandedOver,
        Self::CodeRight,
        Self::CodeWrong,
        Self::CodeChanged,
        Self::BackupRight,
        Self::BackupWrong,
        Self::BackupReplaced,
        Self::IdentityProven,
        Self::EndAsked,
        Self::Returned,
    ];

    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sold => "sold",
            Self::HandedOver => "handed_over",
            Self::CodeRight => "code_right",
            Self::CodeWrong => "code_wrong",
            Self::CodeChanged => "code_changed",
            Self::BackupRight => "backup_right",
            Self::BackupWrong => "backup_wrong",
            Self::BackupReplaced => "backup_replaced",
            Self::IdentityProven => "identity_proven",
            Self::EndAsked => "end_asked",
            Self::Returned => "returned",
        }
    }
}

/// A voucher's state and the tries that are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The state.
    pub state: VoucherState,
    /// Wrong codes until it is locked.
    pub code_tries_left: u8,
    /// Wrong backup codes until it is locked at the bank.
    pub backup_tries_left: u8,
}

impl Standing {
    /// That of a voucher of a new batch.
    pub const OFFERED: Self =
        Self { state: VoucherState::Offered, code_tries_left: TRIES_MAX, backup_tries_left: TRIES_MAX };

    const ACTIVE: Self = Self { state: VoucherState::Active, ..Self::OFFERED };

    /// What an event makes of it.
    ///
    /// # Errors
    /// When the event cannot happen to a voucher that stands so.
    pub fn apply(self, event: VoucherEvent) -> Result<Self, InvalidTransition> {
        use VoucherEvent as E;
        use VoucherState as S;
        let to = |state| Self { state, ..self };
        let next = match (self.state, event) {
            (S::Offered, E::Sold) => to(S::Sold),
            (S::Sold, E::HandedOver) => to(S::Active),
            (S::Active, E::CodeRight) => Self { code_tries_left: TRIES_MAX, ..self },
            (S::Active, E::CodeWrong) => {
                let code_tries_left = self.code_tries_left.saturating_sub(1);
                let state = if code_tries_left == 0 { S::Locked } else { S::Active };
                Self { state, code_tries_left, ..self }
            }
            (S::Active, E::CodeChanged) | (S::Active | S::Locked, E::BackupRight) => Self::ACTIVE,
            (S::Active | S::Locked, E::BackupWrong) => {
                let backup_tries_left = self.backup_tries_left.saturating_sub(1);
                let state = if backup_tries_left == 0 { S::BankLocked } else { self.state };
                Self { state, backup_tries_left, ..self }
            }
            (S::Active | S::Locked, E::BackupReplaced) => Self { backup_tries_left: TRIES_MAX, ..self },
            (S::Active | S::Locked | S::BankLocked, E::IdentityProven) => Self::ACTIVE,
            (S::Active, E::EndAsked) => to(S::Ending),
            (S::Ending | S::Ended, E::Returned) => to(S::Ended),
            (
                S::Offered | S::Sold | S::Active | S::Locked | S::BankLocked | S::Ending | S::Ended,
                E::Sold
                | E::HandedOver
                | E::CodeRight
                | E::CodeWrong
                | E::CodeChanged
                | E::BackupRight
                | E::BackupWrong
                | E::BackupReplaced
                | E::IdentityProven
                | E::EndAsked
                | E::Returned,
            ) => return Err(InvalidTransition { state: self.state.as_str(), event: event.as_str() }),
        };
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(events: &[VoucherEvent]) -> Standing {
        let start = [VoucherEvent::Sold, VoucherEvent::HandedOver];
        let events = start.iter().chain(events);
        events.fold(Standing::OFFERED, |standing, event| standing.apply(*event).unwrap())
    }

    #[test]
    fn three_wrong_codes_lock_and_a_right_one_forgives_two() {
        use VoucherEvent::{BackupRight, CodeRight, CodeWrong};
        assert_eq!(after(&[CodeWrong, CodeWrong]).state, VoucherState::Active);
        assert_eq!(after(&[CodeWrong, CodeWrong, CodeRight, CodeWrong, CodeWrong]).state, VoucherState::Active);
        let locked = after(&[CodeWrong, CodeWrong, CodeWrong]);
        assert_eq!(locked.state, VoucherState::Locked);
        // While it is locked no code is looked at, right or wrong.
        assert!(locked.apply(CodeRight).is_err() && locked.apply(CodeWrong).is_err());
        assert_eq!(locked.apply(BackupRight).unwrap(), Standing::ACTIVE);
    }

    #[test]
    fn three_wrong_backup_codes_leave_only_the_counter() {
        use VoucherEvent::{BackupReplaced, BackupRight, BackupWrong, IdentityProven};
        let locked = after(&[BackupWrong, BackupWrong, BackupWrong]);
        assert_eq!(locked.state, VoucherState::BankLocked);
        for event in VoucherEvent::ALL.into_iter().filter(|event| *event != IdentityProven) {
            assert!(locked.apply(event).is_err(), "{event:?}");
        }
        assert_eq!(locked.apply(IdentityProven).unwrap(), Standing::ACTIVE);
        let replaced = after(&[BackupWrong, BackupWrong, BackupReplaced, BackupWrong, BackupWrong]);
        assert_eq!(replaced.state, VoucherState::Active);
        assert_eq!(replaced.apply(BackupRight).unwrap(), Standing::ACTIVE);
    }

    #[test]
    fn what_was_ended_stays_so_and_only_returns_money() {
        let ending = after(&[VoucherEvent::EndAsked]);
        for event in VoucherEvent::ALL.into_iter().filter(|event| *event != VoucherEvent::Returned) {
            assert!(ending.apply(event).is_err(), "{event:?}");
        }
        let ended = ending.apply(VoucherEvent::Returned).unwrap();
        assert_eq!(ended.state, VoucherState::Ended);
        assert_eq!(ended.apply(VoucherEvent::Returned).unwrap(), ended);
    }

    #[test]
    fn names_are_read_again() {
        for state in VoucherState::ALL {
            assert_eq!(VoucherState::parse(state.as_str()).unwrap(), state);
        }
        assert!(VoucherState::parse("spent").is_err());
    }
}

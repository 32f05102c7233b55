//! The life of one code.

use payment::InvalidTransition;

use crate::bank_front::error::BankError;

/// How an order of a code stands. Final ones never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeState {
    /// A registered terminal has to confirm one that was named on the spot.
    Confirming,
    /// The code that pays is on its way, or made by a device.
    Sent,
    /// It was typed rightly. Final.
    Used,
    /// It was typed wrongly too often. Final.
    Spoilt,
    /// The payer ordered another. Final.
    Replaced,
}

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bank_front) enum CodeChange {
    /// The right code came.
    Right,
    /// A wrong one came.
    Wrong,
    /// Another code was ordered.
    Reordered,
}

impl CodeChange {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Reordered => "reordered",
        }
    }
}

impl CodeState {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirming => "confirming",
            Self::Sent => "sent",
            Self::Used => "used",
            Self::Spoilt => "spoilt",
            Self::Replaced => "replaced",
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self, BankError> {
        [Self::Confirming, Self::Sent, Self::Used, Self::Spoilt, Self::Replaced]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(BankError::Stored("code_order.state"))
    }

    /// State and tries left after a change.
    pub(in crate::bank_front) fn apply(
        self,
        tries_left: u8,
        change: CodeChange,
    ) -> Result<(Self, u8), InvalidTransition> {
        match (self, change) {
            (Self::Confirming, CodeChange::Right) => Ok((Self::Sent, super::CODE_TRIES_MAX)),
            (Self::Sent, CodeChange::Right) => Ok((Self::Used, tries_left)),
            (Self::Confirming | Self::Sent, CodeChange::Wrong) => {
                let left = tries_left.saturating_sub(1);
                Ok((if left == 0 { Self::Spoilt } else { self }, left))
            }
            (Self::Confirming | Self::Sent, CodeChange::Reordered) => Ok((Self::Replaced, tries_left)),
            (Self::Used | Self::Spoilt | Self::Replaced, _) => {
                Err(InvalidTransition { state: self.as_str(), event: change.as_str() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_final_never_changes_and_tries_run_out() {
        for state in [CodeState::Used, CodeState::Spoilt, CodeState::Replaced] {
            for change in [CodeChange::Right, CodeChange::Wrong, CodeChange::Reordered] {
                assert!(state.apply(3, change).is_err(), "{state:?} {change:?}");
            }
        }
        for state in [CodeState::Confirming, CodeState::Sent] {
            assert_eq!(state.apply(2, CodeChange::Wrong).unwrap(), (state, 1));
            assert_eq!(state.apply(1, CodeChange::Wrong).unwrap(), (CodeState::Spoilt, 0));
            assert_eq!(state.apply(2, CodeChange::Reordered).unwrap().0, CodeState::Replaced);
        }
        assert_eq!(CodeState::Confirming.apply(1, CodeChange::Right).unwrap(), (CodeState::Sent, 3));
        assert_eq!(CodeState::Sent.apply(1, CodeChange::Right).unwrap().0, CodeState::Used);
    }
}

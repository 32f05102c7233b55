//! Whether a subscriber may pay, as a state and one pure step.
//!
//! ```text
//! active ─── wrong PINs ──► locked ── counter ──► active
//!   │  ▲
//!   │  └── lifted ── barred ◄── barred by the operator (from locked too)
//!   └───────────────────────────────────────────► ended (from every state)
//! ```

use payment::InvalidTransition;

use crate::carrier_front::error::CarrierError;

/// How often a PIN may be wrong, at paying and at enrolling.
pub const TRIES: u8 = 5;

/// Where a subscriber stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriberState {
    /// It may pay.
    Active,
    /// Too many wrong PINs: the counter unlocks it.
    Locked,
    /// The operator puts nothing on its bill.
    Barred,
    /// It has no line any more.
    Ended,
}

impl SubscriberState {
    const ALL: [Self; 4] = [Self::Active, Self::Locked, Self::Barred, Self::Ended];

    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Locked => "locked",
            Self::Barred => "barred",
            Self::Ended => "ended",
        }
    }

    pub(super) fn parse(text: &str) -> Result<Self, CarrierError> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(CarrierError::Stored("subscriber.state"))
    }
}

/// What happens to a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriberEvent {
    /// Name and PIN were right.
    PinRight,
    /// They were not.
    PinWrong,
    /// They were not, at enrolling a wallet.
    EnrolmentWrong,
    /// A wallet was enrolled.
    EnrolmentRight,
    /// The counter checked who it is.
    Unlocked,
    /// The operator bars it.
    Barred,
    /// The operator lifts that.
    Lifted,
    /// The line ends.
    Ended,
}

impl SubscriberEvent {
    const fn name(self) -> &'static str {
        match self {
            Self::PinRight => "pin_right",
            Self::PinWrong => "pin_wrong",
            Self::EnrolmentWrong => "enrolment_wrong",
            Self::EnrolmentRight => "enrolment_right",
            Self::Unlocked => "unlocked",
            Self::Barred => "barred",
            Self::Lifted => "lifted",
            Self::Ended => "ended",
        }
    }
}

/// The state and the tries that are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The state.
    pub state: SubscriberState,
    /// Tries at the PIN for paying.
    pub pin_tries_left: u8,
    /// Tries at the PIN for enrolling a wallet.
    pub enrolment_tries_left: u8,
}

impl Standing {
    /// That of a new subscriber.
    #[must_use]
    pub const fn of_new() -> Self {
        Self { state: SubscriberState::Active, pin_tries_left: TRIES, enrolment_tries_left: TRIES }
    }

    /// What comes of an event.
    ///
    /// # Errors
    /// [`InvalidTransition`] when the state does not allow it.
    pub fn apply(self, event: SubscriberEvent) -> Result<Self, InvalidTransition> {
        use SubscriberEvent as Event;
        use SubscriberState as State;
        let refused = InvalidTransition { state: self.state.as_str(), event: event.name() };
        Ok(match (self.state, event) {
            (State::Active, Event::PinRight) => Self { pin_tries_left: TRIES, ..self },
            (State::Active, Event::PinWrong) => {
                let pin_tries_left = self.pin_tries_left.saturating_sub(1);
                let state = if pin_tries_left == 0 { State::Locked } else { State::Active };
                Self { state, pin_tries_left, ..self }
            }
            (State::Active, Event::EnrolmentWrong) => {
                Self { enrolment_tries_left: self.enrolment_tries_left.saturating_sub(1), ..self }
            }
            (State::Active, Event::EnrolmentRight) => Self { enrolment_tries_left: TRIES, ..self },
            (State::Active | State::Locked, Event::Unlocked) => Self::of_new(),
            (State::Active | State::Locked, Event::Barred) => Self { state: State::Barred, ..self },
            (State::Barred, Event::Lifted) => Self::of_new(),
            (State::Active | State::Locked | State::Barred, Event::Ended) => Self { state: State::Ended, ..self },
            (State::Active | State::Locked, Event::Lifted)
            | (
                State::Locked | State::Barred,
                Event::PinRight | Event::PinWrong | Event::EnrolmentWrong | Event::EnrolmentRight,
            )
            | (State::Barred, Event::Unlocked | Event::Barred)
            | (State::Ended, _) => return Err(refused),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(events: &[SubscriberEvent]) -> Result<Standing, InvalidTransition> {
        events.iter().try_fold(Standing::of_new(), |standing, event| standing.apply(*event))
    }

    #[test]
    fn wrong_pins_lock_and_a_right_one_gives_the_tries_back() {
        use SubscriberEvent::{EnrolmentWrong, PinRight, PinWrong, Unlocked};
        let locked = after(&[PinWrong; TRIES as usize]).unwrap();
        assert_eq!(locked.state, SubscriberState::Locked);
        assert!(locked.apply(PinRight).is_err() && locked.apply(PinWrong).is_err());
        assert_eq!(locked.apply(Unlocked), Ok(Standing::of_new()));
        let wrong = [PinWrong; TRIES as usize - 1];
        assert_eq!(after(&[&wrong[..], &[PinRight]].concat()), Ok(Standing::of_new()));
        // Strangers who try to enrol lock nobody who pays.
        let tried = after(&[EnrolmentWrong; 3 * TRIES as usize]).unwrap();
        assert_eq!(
            (tried.state, tried.pin_tries_left, tried.enrolment_tries_left),
            (SubscriberState::Active, TRIES, 0)
        );
    }

    #[test]
    fn an_ended_subscriber_stays_ended() {
        let ended = after(&[SubscriberEvent::Barred, SubscriberEvent::Ended]).unwrap();
        for event in
            [SubscriberEvent::Lifted, SubscriberEvent::Unlocked, SubscriberEvent::PinRight, SubscriberEvent::Ended]
        {
            assert!(ended.apply(event).is_err(), "{event:?}");
        }
    }
}

//! How a result is heard and felt, once, unless the person wants neither.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::error::MoneyMoved;
use protocol::ipc::shell::{Haptic, Touch};
use protocol::ipc::{CheckoutStage, Feedback};

use crate::ipc::invoke;
use crate::place::Screen;
use crate::sound;
use crate::state::App;

/// What a result says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feeling {
    /// Paid.
    Paid,
    /// Not paid.
    NotPaid,
    /// Nobody knows yet.
    NotKnown,
}

impl Feeling {
    /// What a stage of a checkout says; nothing before its result.
    const fn of(stage: &CheckoutStage) -> Option<Self> {
        match stage {
            CheckoutStage::Paid { .. } => Some(Self::Paid),
            CheckoutStage::Unknown { .. } | CheckoutStage::Refused { money_moved: MoneyMoved::Unknown, .. } => {
                Some(Self::NotKnown)
            }
            CheckoutStage::Refused { .. } => Some(Self::NotPaid),
            CheckoutStage::WaitingForCard
            | CheckoutStage::Reading { .. }
            | CheckoutStage::Choose { .. }
            | CheckoutStage::Pin { .. }
            | CheckoutStage::Sealing
            | CheckoutStage::Sending
            | CheckoutStage::AskingBank => None,
        }
    }
}

/// Makes sounds possible; to be called while a button is pressed.
pub fn prepare() {
    sound::prepare();
}

/// Gives a result to hear and to feel.
pub fn give(app: App, feeling: Feeling) {
    let is_off = app
        .status
        .with_untracked(|status| status.as_ref().is_none_or(|status| status.settings.feedback == Feedback::Off));
    if is_off {
        return;
    }
    let touch = match feeling {
        Feeling::Paid => {
            sound::paid();
            Touch::Done
        }
        Feeling::NotPaid => {
            sound::not_paid();
            Touch::Refused
        }
        Feeling::NotKnown => {
            sound::not_known();
            Touch::Waiting
        }
    };
    // What cannot be felt here is not missed: the screen shows the same.
    spawn_local(async move { drop(invoke(Haptic { touch }).await) });
}

/// Follows the checkout. What is looked at again, or was over when the window opened, is not given again.
pub fn follow(app: App) {
    // What the checkout says: none without one, and none within while it goes on.
    Effect::new(move |before: Option<Option<Option<Feeling>>>| {
        let now = app.checkout.with(|checkout| checkout.as_ref().map(|it| Feeling::of(&it.progress)));
        if let (Some(Some(before)), Some(Some(feeling))) = (before, now)
            && before != Some(feeling)
            && app.screen.get_untracked() == Screen::Checkout
        {
            give(app, feeling);
        }
        now
    });
}

#[cfg(test)]
mod tests {
    use protocol::error::ErrorCode;

    use super::*;

    fn refused(money_moved: MoneyMoved) -> CheckoutStage {
        CheckoutStage::Refused {
            code: ErrorCode::NeedsManualReview,
            money_moved,
            pin_tries_left: None,
            may_retry: false,
        }
    }

    #[test]
    fn doubt_sounds_like_neither_end() {
        assert_eq!(Feeling::of(&CheckoutStage::Unknown { deadline_ms: 1 }), Some(Feeling::NotKnown));
        assert_eq!(Feeling::of(&refused(MoneyMoved::Unknown)), Some(Feeling::NotKnown));
        assert_eq!(Feeling::of(&refused(MoneyMoved::No)), Some(Feeling::NotPaid));
        assert_eq!(Feeling::of(&CheckoutStage::AskingBank), None);
    }
}

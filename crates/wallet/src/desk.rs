//! Where what a person typed waits between the steps of what they do, for a while.
//!
//! One thing lies on a desk. It is taken off for each step and put back after it, so that two steps never run at once, and
//! what was forgotten meanwhile, by the lock or the clock, does not come back.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::wallet::{Core, Wallet};

/// Holds one thing, which is wiped when it is forgotten.
pub(crate) struct Desk<T>(Mutex<Kept<T>>);

struct Kept<T> {
    /// Counts what was begun and what was forgotten.
    number: u64,
    thing: Option<T>,
}

/// A thing's place while a step of it runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn(u64);

impl<T> Default for Desk<T> {
    fn default() -> Self {
        Self(Mutex::new(Kept { number: 0, thing: None }))
    }
}

impl<T> Desk<T> {
    /// Puts a new thing in the place of the one before.
    pub(crate) fn begin(&self, thing: T) -> Turn {
        let mut kept = self.lock();
        kept.number += 1;
        kept.thing = Some(thing);
        Turn(kept.number)
    }

    /// The thing, for one step; nobody else has it until it is put back.
    pub(crate) fn take(&self) -> Option<(Turn, T)> {
        let mut kept = self.lock();
        let thing = kept.thing.take()?;
        Some((Turn(kept.number), thing))
    }

    /// Puts a thing back, unless it was forgotten meanwhile. Whether it was put back.
    pub(crate) fn put(&self, turn: Turn, thing: T) -> bool {
        let mut kept = self.lock();
        let is_known = kept.number == turn.0;
        if is_known {
            kept.thing = Some(thing);
        }
        is_known
    }

    /// Looks at the thing, or changes it where it lies; none when it is not there.
    pub(crate) fn with<R>(&self, look: impl FnOnce(Turn, &mut T) -> R) -> Option<R> {
        let mut kept = self.lock();
        let turn = Turn(kept.number);
        kept.thing.as_mut().map(|thing| look(turn, thing))
    }

    /// Wipes the thing, also one that is in the middle of a step, as soon as the step ends.
    pub(crate) fn forget(&self) {
        let mut kept = self.lock();
        kept.number += 1;
        kept.thing = None;
    }

    /// The same for the thing that was begun with this turn, if it is still there.
    pub(crate) fn forget_if(&self, turn: Turn) {
        if self.is_at(turn) {
            self.forget();
        }
    }

    /// Whether what was begun with this turn is still there.
    pub(crate) fn is_at(&self, turn: Turn) -> bool {
        self.lock().number == turn.0
    }

    fn lock(&self) -> MutexGuard<'_, Kept<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wallet {
    /// Puts a thing on a desk, for so long at most, and not while the wallet is locked.
    ///
    /// # Errors
    /// When it is.
    pub(crate) fn lay_down<T: Send + 'static>(
        &self,
        desk: fn(&Core) -> &Desk<T>,
        thing: T,
        life: Duration,
    ) -> std::result::Result<(), protocol::Problem> {
        let turn = desk(&self.core).begin(thing);
        // Whoever closes the lock forgets what is on the desks after it said so: one of the two sees the other.
        if let Err(problem) = self.unlocked() {
            desk(&self.core).forget();
            return Err(problem);
        }
        let (core, closing) = (std::sync::Arc::downgrade(&self.core), self.core.closing.clone());
        drop(tokio::spawn(async move {
            let _ = tokio::time::timeout(life, closing.cancelled()).await;
            if let Some(core) = core.upgrade() {
                desk(&core).forget_if(turn);
            }
        }));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_forgotten_in_the_middle_of_a_step_does_not_come_back() {
        let desk = Desk::default();
        desk.begin("typed");
        let (turn, taken) = desk.take().unwrap();
        assert!(desk.take().is_none(), "two steps at once");
        desk.forget();
        assert!(!desk.put(turn, taken));
        assert!(desk.with(|_, _| ()).is_none());
    }

    #[test]
    fn an_old_clock_does_not_end_what_was_begun_later() {
        let desk = Desk::default();
        let old = desk.begin("first");
        let new = desk.begin("second");
        desk.forget_if(old);
        assert_eq!(desk.with(|_, thing| *thing), Some("second"));
        desk.forget_if(new);
        assert!(desk.take().is_none());
    }
}

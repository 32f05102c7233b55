//! Whose turn it is at a source: one look or card at a time, and a turn that got stuck can be taken away.

use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// One source's turns.
#[derive(Default)]
pub(super) struct Lease {
    turn: Mutex<Turn>,
    freed: Condvar,
}

#[derive(Default)]
struct Turn {
    /// The number of the last turn that began.
    last: u64,
    taken: bool,
}

impl Lease {
    /// Begins a turn, waiting at most `wait` for the one before; gives its number.
    pub(super) fn take(&self, wait: Duration) -> Option<u64> {
        let deadline = Instant::now() + wait;
        let mut turn = self.turn.lock().expect("no panic while it is held");
        while turn.taken {
            let left = deadline.checked_duration_since(Instant::now())?;
            turn = self.freed.wait_timeout(turn, left).expect("no panic while it is held").0;
        }
        turn.taken = true;
        turn.last += 1;
        Some(turn.last)
    }

    /// Ends the turn with this number, if it is still the one that runs.
    pub(super) fn end(&self, number: u64) {
        let mut turn = self.turn.lock().expect("no panic while it is held");
        if turn.last == number {
            turn.taken = false;
            self.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_that_was_taken_away_ends_nobody_elses() {
        let lease = Lease::default();
        let stuck = lease.take(Duration::ZERO).unwrap();
        assert_eq!(lease.take(Duration::ZERO), None);
        lease.end(stuck);
        let next = lease.take(Duration::ZERO).unwrap();
        lease.end(stuck);
        assert_eq!(lease.take(Duration::ZERO), None);
        lease.end(next);
        assert!(lease.take(Duration::ZERO).is_some());
    }
}

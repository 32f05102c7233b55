//! Whether the person is still there: how long nothing was touched, and whether the machine slept meanwhile.

use std::time::Duration;

use protocol::ipc::LockAfter;

use crate::clock::Moment;

/// A look that comes later than this was not held up by work: the machine slept, or somebody turned its clock.
const SLEEP_MIN: Duration = Duration::from_secs(30);

/// When the person was last there, and when that was last looked at.
#[derive(Clone, Copy, Debug)]
pub struct Presence {
    used: Moment,
    looked: Moment,
}

impl Presence {
    /// They are there now.
    pub fn new(now: Moment) -> Self {
        Self { used: now, looked: now }
    }

    /// They did something.
    pub fn used(&mut self, now: Moment) {
        self.used = now;
    }

    /// Whether it is time to lock. To be asked every second or so.
    pub fn is_over(&mut self, now: Moment, lock_after: LockAfter) -> bool {
        let slept = now.since(self.looked) >= SLEEP_MIN;
        self.looked = now;
        slept || limit(lock_after).is_some_and(|limit| now.since(self.used) >= limit)
    }
}

/// How long nothing may be touched; none when only something else locks.
fn limit(lock_after: LockAfter) -> Option<Duration> {
    match lock_after {
        // Whoever stays in the window without touching it has left all the same.
        LockAfter::Leaving | LockAfter::FiveMinutes => Some(Duration::from_mins(5)),
        LockAfter::Minute => Some(Duration::from_mins(1)),
        LockAfter::QuarterHour => Some(Duration::from_mins(15)),
        LockAfter::Hour => Some(Duration::from_hours(1)),
        LockAfter::Restart => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment { steady_ms: 5_000, wall_ms: 1_000_000 };

    fn at(seconds: u64) -> Moment {
        Moment { steady_ms: START.steady_ms + 1_000 * seconds, wall_ms: START.wall_ms + 1_000 * seconds }
    }

    /// The second at which it is over, when it is looked at every second and used at `used`.
    fn over_at(lock_after: LockAfter, used: &[u64]) -> Option<u64> {
        let mut presence = Presence::new(START);
        (1..4_000).find(|second| {
            if used.contains(second) {
                presence.used(at(*second));
            }
            presence.is_over(at(*second), lock_after)
        })
    }

    #[test]
    fn each_choice_has_its_time_and_every_touch_begins_it_anew() {
        assert_eq!(over_at(LockAfter::Minute, &[]), Some(60));
        assert_eq!(over_at(LockAfter::Minute, &[30, 80]), Some(140));
        assert_eq!(over_at(LockAfter::FiveMinutes, &[]), Some(300));
        assert_eq!(over_at(LockAfter::Leaving, &[]), Some(300));
        assert_eq!(over_at(LockAfter::QuarterHour, &[]), Some(900));
        assert_eq!(over_at(LockAfter::Hour, &[]), Some(3_600));
        assert_eq!(over_at(LockAfter::Restart, &[]), None);
    }

    #[test]
    fn a_machine_that_slept_locks_whatever_was_chosen() {
        let mut presence = Presence::new(START);
        assert!(!presence.is_over(at(1), LockAfter::Restart));
        // Asleep: the steady clock stands still, the other goes on.
        let woken = Moment { steady_ms: at(2).steady_ms, wall_ms: at(40).wall_ms };
        assert!(presence.is_over(woken, LockAfter::Restart));
        let mut presence = Presence::new(START);
        assert!(presence.is_over(at(40), LockAfter::Restart), "a program that was stopped");
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nothing_open() {
        let mut presence = Presence::new(START);
        let mut over = None;
        for second in 1..100 {
            let now = Moment { steady_ms: at(second).steady_ms, wall_ms: 0 };
            if over.is_none() && presence.is_over(now, LockAfter::Minute) {
                over = Some(second);
            }
        }
        assert_eq!(over, Some(60));
    }
}

//! When a request that is put off comes back: the moments that are offered, all of them before it expires.

use crate::i18n::Text;

/// One minute, in milliseconds.
const MINUTE_MS: u64 = 60_000;
/// One hour, in milliseconds.
const HOUR_MS: u64 = 60 * MINUTE_MS;
/// How long before the expiry a request has to be back, so that it can still be paid.
const ROOM_MS: u64 = 2 * MINUTE_MS;

/// A moment to come back at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The stable word for tests.
    pub name: &'static str,
    /// How people call it; the time of day stands beside it.
    pub text: Text,
    /// When it is, ms since the Unix epoch.
    pub at_ms: u64,
}

/// The device's calendar, as far as it matters here; ms since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// Six in the evening today.
    pub evening_ms: u64,
    /// Nine in the morning tomorrow.
    pub morning_ms: u64,
}

/// The moments between now and the expiry.
pub fn moments(now_ms: u64, expires_ms: u64, calendar: Calendar) -> Vec<Moment> {
    let all = [
        Moment { name: "minutes", text: Text::LaterMinutes, at_ms: now_ms + 10 * MINUTE_MS },
        Moment { name: "hour", text: Text::LaterHour, at_ms: now_ms + HOUR_MS },
        Moment { name: "evening", text: Text::LaterEvening, at_ms: calendar.evening_ms },
        Moment { name: "tomorrow", text: Text::LaterTomorrow, at_ms: calendar.morning_ms },
    ];
    let mut last_ms = now_ms;
    let mut fitting = Vec::new();
    for moment in all {
        // Two names for nearly the same time are one too many.
        if moment.at_ms >= last_ms + MINUTE_MS && is_in_time(moment.at_ms, now_ms, expires_ms) {
            last_ms = moment.at_ms + HOUR_MS / 2;
            fitting.push(moment);
        }
    }
    fitting
}

/// Whether a request that comes back then can still be paid.
pub const fn is_in_time(at_ms: u64, now_ms: u64, expires_ms: u64) -> bool {
    at_ms > now_ms && at_ms.saturating_add(ROOM_MS) <= expires_ms
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noon of some day, and the calendar of it.
    const NOON_MS: u64 = 1_000 * 24 * HOUR_MS + 12 * HOUR_MS;
    const CALENDAR: Calendar = Calendar { evening_ms: NOON_MS + 6 * HOUR_MS, morning_ms: NOON_MS + 21 * HOUR_MS };

    fn names(now_ms: u64, left_ms: u64) -> Vec<&'static str> {
        moments(now_ms, now_ms + left_ms, CALENDAR).iter().map(|moment| moment.name).collect()
    }

    #[test]
    fn nothing_is_offered_that_comes_too_late() {
        assert_eq!(names(NOON_MS, 5 * MINUTE_MS), [""; 0]);
        assert_eq!(names(NOON_MS, 11 * MINUTE_MS), [""; 0], "there is no time left to pay");
        assert_eq!(names(NOON_MS, 15 * MINUTE_MS), ["minutes"]);
        assert_eq!(names(NOON_MS, 7 * HOUR_MS), ["minutes", "hour", "evening"]);
        assert_eq!(names(NOON_MS, 72 * HOUR_MS), ["minutes", "hour", "evening", "tomorrow"]);
    }

    #[test]
    fn an_evening_that_is_over_or_as_good_as_here_is_left_out() {
        assert_eq!(names(NOON_MS + 7 * HOUR_MS, 72 * HOUR_MS), ["minutes", "hour", "tomorrow"]);
        assert_eq!(names(NOON_MS + 5 * HOUR_MS, 72 * HOUR_MS), ["minutes", "hour", "tomorrow"]);
    }
}

//! Days and months of the books, in UTC.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::error::CarrierError;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A day, counted from 1970-01-01, as ISO 8583 writes it without a year (`MMDD`).
pub fn mmdd(day_utc: i64) -> String {
    let date = day_utc.checked_mul(DAY_MS).and_then(date);
    date.map(|date| format!("{:02}{:02}", date.month(), date.day())).unwrap_or_default()
}

/// A moment as statements write it: `2026-11-26 13:05`.
pub fn minute(time_ms: i64) -> String {
    let time = Timestamp::from_millisecond(time_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%d %H:%M").to_string()
}

fn date(time_ms: i64) -> Option<Date> {
    Some(Timestamp::from_millisecond(time_ms).ok()?.to_zoned(TimeZone::UTC).date())
}

/// A month that a bill is for, such as `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    first: Date,
}

impl Month {
    /// When it ends: the first millisecond of the next.
    ///
    /// # Errors
    /// [`CarrierError::Range`] beyond the calendar's end.
    pub fn ends_ms(self) -> Result<i64, CarrierError> {
        let next = self.first.last_of_month().tomorrow().map_err(|_| CarrierError::Range)?;
        Ok(next.to_zoned(TimeZone::UTC).map_err(|_| CarrierError::Range)?.timestamp().as_millisecond())
    }
}

impl FromStr for Month {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let first = format!("{text}-01").parse::<Date>().ok().filter(|_| text.len() == 7);
        first.map(|first| Self { first }).ok_or_else(|| format!("{text:?} is no month: YYYY-MM"))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_ends_where_the_next_begins() {
        let month: Month = "2026-12".parse().unwrap();
        assert_eq!((month.to_string().as_str(), month.ends_ms().unwrap()), ("2026-12", 1_798_761_600_000));
        for wrong in ["2026-13", "2026-1", "2026-11-01", "", "2026"] {
            assert!(wrong.parse::<Month>().is_err(), "{wrong}");
        }
    }
}

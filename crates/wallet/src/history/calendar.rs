//! Months and times of day where this device is.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::clock::signed;

/// The months of a year.
const MONTHS: i64 = 12;

/// A month as the history counts it: months since year 0.
pub fn month_number(time_ms: u64, zone: &TimeZone) -> i64 {
    let date = zoned(time_ms, zone).date();
    i64::from(date.year()) * MONTHS + i64::from(date.month()) - 1
}

/// Year and month of such a number.
pub fn year_and_month(number: i64) -> (u16, u8) {
    let year = u16::try_from(number.div_euclid(MONTHS)).unwrap_or(0);
    (year, u8::try_from(number.rem_euclid(MONTHS) + 1).unwrap_or(1))
}

/// A time in a format of `strftime`.
pub fn written(time_ms: u64, zone: &TimeZone, format: &str) -> String {
    zoned(time_ms, zone).strftime(format).to_string()
}

/// What this device's zone is called, so that a journey is noticed.
pub fn zone_name(zone: &TimeZone) -> String {
    zone.iana_name().unwrap_or("unnamed").to_owned()
}

fn zoned(time_ms: u64, zone: &TimeZone) -> jiff::Zoned {
    Timestamp::from_millisecond(signed(time_ms)).unwrap_or_default().to_zoned(zone.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_at_midnight_of_its_zone() {
        // 2026-11-30 23:30 in London is already December in Shanghai.
        let time_ms = 1_796_081_400_000;
        let zone = |name: &str| TimeZone::get(name).unwrap();
        assert_eq!(year_and_month(month_number(time_ms, &zone("Europe/London"))), (2026, 11));
        assert_eq!(year_and_month(month_number(time_ms, &zone("Asia/Shanghai"))), (2026, 12));
        assert_eq!(year_and_month(2026 * 12), (2026, 1));
    }
}

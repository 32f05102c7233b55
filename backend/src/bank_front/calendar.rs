//! Dates as cards and ISO 8583 write them, in UTC.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Which UTC day it is, counted from 1970-01-01.
pub fn day_utc(now_ms: i64) -> i64 {
    now_ms.div_euclid(DAY_MS)
}

/// A UTC day as ISO 8583 writes it without a year (`MMDD`).
pub fn mmdd(day_utc: i64) -> String {
    let date = day_utc.checked_mul(DAY_MS).and_then(date);
    date.map(|date| format!("{:02}{:02}", date.month(), date.day())).unwrap_or_default()
}

/// The month it is, as the four digits of a card's expiry (`YYMM`).
pub fn month_yymm(now_ms: i64) -> Option<[u8; 4]> {
    let date = date(now_ms)?;
    let (year, month) = (date.year().rem_euclid(100), date.month());
    let digit = |value: i16| u8::try_from(value).map(|value| b'0' + value).ok();
    let month = i16::from(month);
    Some([digit(year / 10)?, digit(year % 10)?, digit(month / 10)?, digit(month % 10)?])
}

/// How many days a date of a card (EMV tag 9A, packed `YYMMDD`) is away from now, if it is a date.
pub fn days_apart(yymmdd: [u8; 3], now_ms: i64) -> Option<i64> {
    let unpacked = |byte: u8| {
        let (high, low) = (byte >> 4, byte & 0x0f);
        (high < 10 && low < 10).then(|| i8::try_from(high * 10 + low).ok()).flatten()
    };
    let [year, month, day] = yymmdd.map(unpacked);
    // EMV book 4, annex A: years of two digits are of this century.
    let date = Date::new(2000 + i16::from(year?), month?, day?).ok()?;
    let days = date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond().div_euclid(DAY_MS);
    Some((days - day_utc(now_ms)).abs())
}

fn date(now_ms: i64) -> Option<Date> {
    Some(Timestamp::from_millisecond(now_ms).ok()?.to_zoned(TimeZone::UTC).date())
}

#[cfg(test)]
mod tests {
    use super::*;

    // 2026-11-22 23:59:59.999 UTC.
    const LATE_MS: i64 = 1_795_391_999_999;

    #[test]
    fn the_last_moment_of_a_day_is_still_that_day() {
        assert_eq!(days_apart([0x26, 0x11, 0x22], LATE_MS), Some(0));
        assert_eq!(days_apart([0x26, 0x11, 0x23], LATE_MS), Some(1));
        assert_eq!(days_apart([0x26, 0x11, 0x23], LATE_MS + 1), Some(0));
        assert_eq!(days_apart([0x26, 0x12, 0x02], LATE_MS), Some(10));
        assert_eq!(month_yymm(LATE_MS), Some(*b"2611"));
    }

    #[test]
    fn what_is_no_date_is_told() {
        for wrong in [[0x26, 0x13, 0x01], [0x26, 0x02, 0x30], [0x2a, 0x01, 0x01], [0x26, 0x00, 0x10]] {
            assert_eq!(days_apart(wrong, LATE_MS), None);
        }
    }
}

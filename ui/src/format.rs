//! Amounts, times and counts as people write them, through the browser's `Intl`.

mod pattern;

use js_sys::{Date, Reflect};
use payment::Amount;
use wasm_bindgen::JsValue;

use self::pattern::{Fields, Pattern, on_the_clock};
use crate::i18n::Lang;
use crate::merchant::period::Day;

/// One second, in milliseconds.
const SECOND_MS: u64 = 1_000;
/// Below this a time left is counted down; above, the end is named.
const COUNTDOWN_MS_MAX: u64 = 60 * 60 * SECOND_MS;

/// A piece of a written amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AmountPiece {
    /// The currency's sign or code, drawn smaller and raised.
    Sign(String),
    /// Everything else.
    Digits(String),
}

/// The amount in the order a language writes it: `$`, `12.80`, or `KWD`, ` `, `1.234`.
pub fn amount_pieces(amount: Amount, lang: Lang) -> Vec<AmountPiece> {
    let written = amount_parts(amount, lang);
    // A web view without Intl still has to say how much.
    written.unwrap_or_else(|_| {
        let code = amount.currency().code().to_owned();
        vec![AmountPiece::Sign(code), AmountPiece::Digits(format!("\u{a0}{}", amount.to_decimal()))]
    })
}

/// The amount as one text.
pub fn amount_text(amount: Amount, lang: Lang) -> String {
    let pieces = amount_pieces(amount, lang).into_iter();
    pieces
        .map(|piece| match piece {
            AmountPiece::Sign(text) | AmountPiece::Digits(text) => text,
        })
        .collect()
}

fn amount_parts(amount: Amount, lang: Lang) -> Result<Vec<AmountPiece>, JsValue> {
    let parts = Pattern::Amount(amount.currency()).parts(&amount.to_decimal().into(), lang)?;
    let mut pieces = Vec::new();
    for part in parts.iter() {
        let kind = Reflect::get(&part, &"type".into())?.as_string();
        let value = Reflect::get(&part, &"value".into())?.as_string().unwrap_or_default();
        match (kind.as_deref(), pieces.last_mut()) {
            (Some("currency"), _) => pieces.push(AmountPiece::Sign(value)),
            (_, Some(AmountPiece::Digits(digits))) => digits.push_str(&value),
            (_, _) => pieces.push(AmountPiece::Digits(value)),
        }
    }
    Ok(pieces)
}

/// A time of day, such as `12:04`.
pub fn time_of_day(at_ms: u64, lang: Lang) -> String {
    date_text(at_ms, lang, &[("hour", "2-digit"), ("minute", "2-digit"), ("hourCycle", "h23")])
}

/// A time of day to the second, such as `12:04:31`.
pub fn time_with_seconds(at_ms: u64, lang: Lang) -> String {
    let fields = &[("hour", "2-digit"), ("minute", "2-digit"), ("second", "2-digit"), ("hourCycle", "h23")];
    date_text(at_ms, lang, fields)
}

/// A date and time, such as `22 Nov, 12:04`.
pub fn date_time(at_ms: u64, lang: Lang) -> String {
    let fields =
        &[("month", "short"), ("day", "numeric"), ("hour", "2-digit"), ("minute", "2-digit"), ("hourCycle", "h23")];
    date_text(at_ms, lang, fields)
}

/// A full date and time, such as `22 November 2026, 12:04`.
pub fn full_date_time(at_ms: u64, lang: Lang) -> String {
    let fields = &[
        ("year", "numeric"),
        ("month", "long"),
        ("day", "numeric"),
        ("hour", "2-digit"),
        ("minute", "2-digit"),
        ("hourCycle", "h23"),
    ];
    date_text(at_ms, lang, fields)
}

/// A day, such as `Sunday 22 November 2026`.
pub fn whole_day(day: Day, lang: Lang) -> String {
    let fields = &[("weekday", "long"), ("year", "numeric"), ("month", "long"), ("day", "numeric")];
    date_text(midnight_ms(day), lang, fields)
}

/// Today in the device's calendar.
pub fn today() -> Day {
    let now = Date::new_0();
    // A calendar's fields are small; a device that says otherwise shows the first day there is.
    let small = |field: u32| u8::try_from(field).unwrap_or(1);
    let year = u16::try_from(now.get_full_year()).unwrap_or(1970);
    Day { year, month: small(now.get_month() + 1), number: small(now.get_date()) }
}

/// When a day of the device's calendar begins, ms since the Unix epoch.
pub fn midnight_ms(day: Day) -> u64 {
    let midnight = Date::new_with_year_month_day(u32::from(day.year), i32::from(day.month) - 1, i32::from(day.number));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive whole number")]
    let midnight_ms = midnight.get_time() as u64;
    midnight_ms
}

/// An hour of today or of a day after it in the device's calendar, ms since the Unix epoch.
pub fn next_hour_ms(days_on: i32, hour: u8) -> u64 {
    let date = Date::new_0();
    date.set_date(u32::try_from(i64::from(date.get_date()) + i64::from(days_on)).unwrap_or(1));
    date.set_hours(u32::from(hour));
    date.set_minutes(0);
    date.set_seconds(0);
    date.set_milliseconds(0);
    whole_ms(&date).unwrap_or(0)
}

/// A time as a `datetime-local` field writes it, in the device's calendar: `2026-11-22T18:00`.
pub fn local_time(at_ms: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 stay far below 2^53")]
    let date = Date::new(&JsValue::from_f64(at_ms as f64));
    let (year, month, day) = (date.get_full_year(), date.get_month() + 1, date.get_date());
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}", date.get_hours(), date.get_minutes())
}

/// The time that such a field holds, ms since the Unix epoch; none while it is not whole.
pub fn local_time_ms(text: &str) -> Option<u64> {
    whole_ms(&Date::new(&JsValue::from_str(text))).filter(|_| !text.is_empty())
}

/// A date's milliseconds; none for one that no calendar has.
fn whole_ms(date: &Date) -> Option<u64> {
    let ms = date.get_time();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive whole number")]
    (ms.is_finite() && ms >= 0.0).then_some(ms as u64)
}

/// A month, such as `November 2026`.
pub fn month(at_ms: u64, lang: Lang) -> String {
    date_text(at_ms, lang, &[("year", "numeric"), ("month", "long")])
}

/// A whole number with the language's digits and grouping.
pub fn count(number: usize, lang: Lang) -> String {
    let written = Pattern::Count.written(&number.to_string().into(), lang);
    written.ok().flatten().unwrap_or_else(|| number.to_string())
}

/// How the time until `end_ms` is shown at `now_ms`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeLeft {
    /// Counted down: `4:31`.
    Countdown(String),
    /// Too far to count down: the end is named.
    Until(u64),
    /// Past.
    Over,
}

/// The time left at `now_ms` until `end_ms`.
pub fn time_left(end_ms: u64, now_ms: u64) -> TimeLeft {
    match end_ms.checked_sub(now_ms) {
        None | Some(0) => TimeLeft::Over,
        Some(left_ms) if left_ms < COUNTDOWN_MS_MAX => TimeLeft::Countdown(minutes(left_ms.div_ceil(SECOND_MS))),
        Some(_) => TimeLeft::Until(end_ms),
    }
}

/// A span of seconds in minutes and seconds, such as `4:31`. Both languages write it alike.
pub fn minutes(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// A short time in seconds with one decimal, such as `0.4`; never less than `0.1`. Both languages write it alike.
pub fn seconds(ms: u64) -> String {
    let tenths = (ms.saturating_add(50) / 100).max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// The device's clock, ms since the Unix epoch.
pub fn device_now_ms() -> u64 {
    // Whole milliseconds below 2^53 for any date people live to see.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive whole number")]
    let now_ms = Date::now() as u64;
    now_ms
}

fn date_text(at_ms: u64, lang: Lang, fields: Fields) -> String {
    let written = Pattern::Date(fields).written(&on_the_clock(at_ms), lang);
    lang.written(written.ok().flatten().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_told_in_tenths_of_a_second() {
        assert_eq!(seconds(420), "0.4");
        assert_eq!(seconds(450), "0.5");
        assert_eq!(seconds(12_345), "12.3");
        assert_eq!(seconds(3), "0.1", "no reading takes no time");
    }

    #[test]
    fn a_near_end_is_counted_down_and_a_far_one_is_named() {
        let end_ms = 10_000_000;
        assert_eq!(time_left(end_ms, end_ms - 271_000), TimeLeft::Countdown("4:31".into()));
        assert_eq!(time_left(end_ms, end_ms - 1), TimeLeft::Countdown("0:01".into()));
        assert_eq!(time_left(end_ms, end_ms - COUNTDOWN_MS_MAX), TimeLeft::Until(end_ms));
        assert_eq!(time_left(end_ms, end_ms), TimeLeft::Over);
        assert_eq!(time_left(end_ms, end_ms + 1), TimeLeft::Over);
    }
}

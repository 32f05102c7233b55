//! Business days: dates that end at a cut-off, and how far the bank has closed them.

use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::bank_front::error::BankError;
use crate::storage::DbConnection;

/// Minutes after the beginning of a date at which its business day ends, unless the bank's staff set another: at
/// midnight UTC.
pub const CUT_OFF_MINUTES: i64 = 24 * 60;
/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60 * 1_000;

/// The date of a business day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BusinessDate(Date);

impl BusinessDate {
    /// The business date of a moment, when days end so many minutes after their date begins.
    fn at(moment_ms: i64, cut_off_minutes: i64) -> Result<Self, BankError> {
        // A day that ends at 22:00 is the two hours before its date began, too.
        let shift_ms = (CUT_OFF_MINUTES - cut_off_minutes) * MINUTE_MS;
        let shifted = moment_ms.checked_add(shift_ms).ok_or(BankError::Range)?;
        let moment = Timestamp::from_millisecond(shifted).map_err(|_| BankError::Range)?;
        Ok(Self(moment.to_zoned(TimeZone::UTC).date()))
    }

    /// When the day ends, in milliseconds since the Unix epoch: the first moment of the next.
    fn end_ms(self, cut_off_minutes: i64) -> Result<i64, BankError> {
        let start = self.0.to_zoned(TimeZone::UTC).map_err(|_| BankError::Range)?.timestamp().as_millisecond();
        start.checked_add(cut_off_minutes * MINUTE_MS).ok_or(BankError::Range)
    }

    /// The date after this one.
    pub fn next(self) -> Result<Self, BankError> {
        self.0.tomorrow().map(Self).map_err(|_| BankError::Range)
    }

    /// The date before this one.
    pub fn previous(self) -> Result<Self, BankError> {
        self.0.yesterday().map(Self).map_err(|_| BankError::Range)
    }

    /// The calendar date.
    pub fn date(self) -> Date {
        self.0
    }

    /// How many days this is after another date; less than zero when it is before.
    pub fn days_since(self, earlier: Self) -> i64 {
        let span: Result<Span, _> = earlier.0.until(self.0);
        span.map_or(0, |span| i64::from(span.get_days()))
    }
}

impl FromStr for BusinessDate {
    type Err = String;

    /// Reads `YYYY-MM-DD`.
    fn from_str(text: &str) -> Result<Self, String> {
        let date = Date::strptime("%Y-%m-%d", text).map_err(|_| format!("{text}: not a date such as 2026-11-25"))?;
        // One way to write a date: it is a key.
        if date.to_string() == text { Ok(Self(date)) } else { Err(format!("{text}: a date has ten characters")) }
    }
}

impl std::fmt::Display for BusinessDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl serde::Serialize for BusinessDate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads a stored date.
pub(super) fn stored(text: &str) -> Result<BusinessDate, BankError> {
    text.parse().map_err(|_| BankError::Stored("business_day.business_date"))
}

/// The time of a business day: from its first moment until the first of the next, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// The first moment of the day.
    pub starts_ms: i64,
    /// The first moment of the next.
    pub ends_ms: i64,
}

/// The business date it is now: the one after the last that was closed, or whose cut-off is next.
///
/// # Errors
/// When the database fails.
pub async fn current(connection: &mut DbConnection, now_ms: i64) -> Result<BusinessDate, BankError> {
    let by_clock = BusinessDate::at(now_ms, cut_off_minutes(connection).await?)?;
    Ok(match last(connection).await? {
        // A day that was closed early is over, whatever the clock says.
        Some(ended) if ended.date >= by_clock => ended.date.next()?,
        _ => by_clock,
    })
}

/// The hours of a business day: as it was closed, or as it will be when nobody closes it early.
///
/// # Errors
/// When the database fails.
pub async fn hours(connection: &mut DbConnection, date: BusinessDate) -> Result<Hours, BankError> {
    Ok(Hours { starts_ms: end_of(connection, date.previous()?).await?, ends_ms: end_of(connection, date).await? })
}

async fn end_of(connection: &mut DbConnection, date: BusinessDate) -> Result<i64, BankError> {
    let ended: Option<i64> = sqlx::query_scalar("SELECT ends_ms FROM business_day WHERE business_date = $1")
        .bind(date.to_string())
        .fetch_optional(&mut *connection)
        .await?;
    match ended {
        Some(ends_ms) => Ok(ends_ms),
        None => date.end_ms(cut_off_minutes(connection).await?),
    }
}

/// When days end, in minutes after their date begins.
///
/// # Errors
/// When the database fails.
pub async fn cut_off_minutes(connection: &mut DbConnection) -> Result<i64, BankError> {
    let minutes: Option<i64> = sqlx::query_scalar("SELECT minutes FROM cut_off ORDER BY since_ms DESC LIMIT 1")
        .fetch_optional(connection)
        .await?;
    Ok(minutes.unwrap_or(CUT_OFF_MINUTES))
}

/// Sets when days end from now on. Days that were closed stay as they are.
///
/// # Errors
/// When it is not 1 to 1,440 minutes, or the database fails.
pub async fn set_cut_off(db_tx: &mut DbConnection, minutes: i64, now_ms: i64) -> Result<(), BankError> {
    if !(1..=CUT_OFF_MINUTES).contains(&minutes) {
        return Err(BankError::Malformed("the cut-off"));
    }
    sqlx::query(
        "INSERT INTO cut_off (since_ms, minutes) VALUES ($1, $2)
         ON CONFLICT (since_ms) DO UPDATE SET minutes = excluded.minutes",
    )
    .bind(now_ms)
    .bind(minutes)
    .execute(db_tx)
    .await?;
    Ok(())
}

/// A day whose end was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EndedDay {
    pub(super) date: BusinessDate,
    pub(super) ends_ms: i64,
    pub(super) is_closed: Closed,
}

/// Whether every batch of a day is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    Yes,
    NotYet,
}

type Row = (String, i64, Option<i64>);

fn ended(row: Row) -> Result<EndedDay, BankError> {
    let (date, ends_ms, closed_ms) = row;
    let is_closed = if closed_ms.is_some() { Closed::Yes } else { Closed::NotYet };
    Ok(EndedDay { date: stored(&date)?, ends_ms, is_closed })
}

/// The last day whose end was begun.
pub(super) async fn last(connection: &mut DbConnection) -> Result<Option<EndedDay>, BankError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT business_date, ends_ms, closed_ms FROM business_day ORDER BY business_date DESC LIMIT 1",
    )
    .fetch_optional(connection)
    .await?;
    row.map(ended).transpose()
}

/// The day of this date, if its end was begun.
pub(super) async fn find(connection: &mut DbConnection, date: BusinessDate) -> Result<Option<EndedDay>, BankError> {
    let row: Option<Row> =
        sqlx::query_as("SELECT business_date, ends_ms, closed_ms FROM business_day WHERE business_date = $1")
            .bind(date.to_string())
            .fetch_optional(connection)
            .await?;
    row.map(ended).transpose()
}

/// Ends a day, at its cut-off or, when that is still to come and the staff want it so, now.
pub(super) async fn end(
    db_tx: &mut DbConnection,
    date: BusinessDate,
    early: Early,
    now_ms: i64,
) -> Result<EndedDay, BankError> {
    if let Some(day) = find(db_tx, date).await? {
        return Ok(day);
    }
    let cut_off_ms = date.end_ms(cut_off_minutes(db_tx).await?)?;
    let ends_ms = match early {
        _ if cut_off_ms <= now_ms => cut_off_ms,
        Early::Allowed => now_ms,
        Early::Refused => return Err(BankError::DayNotOver(date.to_string())),
    };
    // What happened before an earlier day's end can be settled no more in it; it is of this day then.
    let ends_ms = match last(db_tx).await? {
        Some(before) if before.ends_ms >= ends_ms => return Err(BankError::DayNotOver(date.to_string())),
        _ => ends_ms,
    };
    sqlx::query("INSERT INTO business_day (business_date, ends_ms) VALUES ($1, $2)")
        .bind(date.to_string())
        .bind(ends_ms)
        .execute(db_tx)
        .await?;
    Ok(EndedDay { date, ends_ms, is_closed: Closed::NotYet })
}

/// Whether a day may be ended before its cut-off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Early {
    /// It may: what comes afterwards is of the next day.
    Allowed,
    /// It may not.
    Refused,
}

/// Notes that every batch of a day is made.
pub(super) async fn close(db_tx: &mut DbConnection, date: BusinessDate, now_ms: i64) -> Result<(), BankError> {
    sqlx::query("UPDATE business_day SET closed_ms = $2 WHERE business_date = $1 AND closed_ms IS NULL")
        .bind(date.to_string())
        .bind(now_ms)
        .execute(db_tx)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // 2026-11-22 23:59:59.999 UTC.
    const LATE_MS: i64 = 1_795_391_999_999;

    #[test]
    fn a_day_ends_at_its_cut_off_and_not_a_moment_later() {
        let date = |moment_ms, minutes| BusinessDate::at(moment_ms, minutes).unwrap().to_string();
        assert_eq!(date(LATE_MS, CUT_OFF_MINUTES), "2026-11-22");
        assert_eq!(date(LATE_MS + 1, CUT_OFF_MINUTES), "2026-11-23");
        let ten_pm_ms = LATE_MS + 1 - 2 * 60 * MINUTE_MS;
        assert_eq!(date(ten_pm_ms - 1, 22 * 60), "2026-11-22");
        assert_eq!(date(ten_pm_ms, 22 * 60), "2026-11-23");
        for minutes in [1, 22 * 60, CUT_OFF_MINUTES] {
            let date = BusinessDate::at(LATE_MS, minutes).unwrap();
            assert!(date.end_ms(minutes).unwrap() > LATE_MS);
            assert!(date.previous().unwrap().end_ms(minutes).unwrap() <= LATE_MS);
        }
    }

    #[test]
    fn a_date_is_written_in_one_way() {
        assert_eq!("2026-11-22".parse::<BusinessDate>().unwrap().next().unwrap().to_string(), "2026-11-23");
        for wrong in ["2026-2-3", "2026-02-30", "20260203", "+002026-02-03", "2026-02-03 ", ""] {
            assert!(wrong.parse::<BusinessDate>().is_err(), "{wrong}");
        }
    }
}

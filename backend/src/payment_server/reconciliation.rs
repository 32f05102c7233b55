//! Reconciliation: at the end of each business day the server tells every bank its totals, and records whether the
//! bank agrees (ISO 8583 0500/0510, DE 66).
//!
//! A business day is a day in UTC, by the clock of the bank's signed outcomes. A day is asked about a quarter of an hour
//! after its end, or once none of its attempts is in doubt any more, but not later than a day after; the operator's tool
//! has it asked at once. What is wanted stands in the database, so that it survives a restart and the tool needs no line of its own.
//!
//! **Invariant:** reconciliation changes no attempt and moves no money. Totals that differ are for people.

use std::str::FromStr;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::bank_link::BankLink;
use super::bank_messages::{self, retrieval_reference};
use super::{App, Error, attempts};
use crate::clock::{now_ms, signed_ms};
use crate::keys::BankId;
use crate::storage::Db;

pub mod tool;
mod totals;

use totals::{Day, Totals};

/// How long after midnight (UTC) a day is asked about: clocks differ, and late answers come.
const GRACE: SignedDuration = SignedDuration::from_mins(15);
/// How many ended days are looked after: a server that was off for longer is asked by hand.
const DAYS_BACK: i64 = 7;
/// How often the server looks for what is wanted.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often it looks for days that have ended.
const DAYS_LOOK_EVERY: Duration = Duration::from_mins(1);
/// The wait before a day that was not answered is asked about again; it doubles.
const FIRST_WAIT_MS: i64 = 5_000;
/// The longest wait before it is asked about again.
const WAIT_MS_MAX: i64 = 15 * 60 * 1_000;
/// How many are taken up at one look.
const BATCH_MAX: i64 = 16;

/// A business day, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BusinessDate(Date);

impl BusinessDate {
    /// The day it is at this time.
    fn at(time_ms: u64) -> Self {
        let time = Timestamp::from_millisecond(signed_ms(time_ms)).unwrap_or(Timestamp::UNIX_EPOCH);
        Self(time.to_zoned(TimeZone::UTC).date())
    }

    /// So many days before.
    fn back(self, days: i64) -> Option<Self> {
        self.0.checked_sub(SignedDuration::from_hours(24 * days)).ok().map(Self)
    }

    /// DE 15, `MMDD`.
    fn mmdd(self) -> String {
        self.0.strftime("%m%d").to_string()
    }

    /// The day's first millisecond, and the next day's.
    fn hours_ms(self) -> Option<(i64, i64)> {
        let start = self.0.to_zoned(TimeZone::UTC).ok()?.timestamp();
        let end = start.checked_add(SignedDuration::from_hours(24)).ok()?;
        Some((start.as_millisecond(), end.as_millisecond()))
    }
}

impl FromStr for BusinessDate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| format!("{text:?} is not a date such as 2026-11-25"))
    }
}

impl std::fmt::Display for BusinessDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Reconciles with one bank until the server stops.
pub(super) async fn run(app: App, bank: BankId) {
    let Some(line) = app.banks.of(&bank) else { return };
    let mut days_looked_at: Option<Instant> = None;
    loop {
        if days_looked_at.is_none_or(|looked| looked.elapsed() >= DAYS_LOOK_EVERY) {
            days_looked_at = Some(Instant::now());
            if let Err(error) = want_ended_days(&app.db, &bank, now_ms()).await {
                tracing::error!(%bank, %error, "the days to reconcile could not be found");
            }
        }
        if let Err(error) = ask_what_is_wanted(&app, &bank, line).await {
            tracing::error!(%bank, %error, "reconciliation could not go on");
        }
        tokio::select! {
            () = app.shutdown.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Wants every ended day that was not asked about yet. The last one waits until its attempts are out of doubt.
async fn want_ended_days(db: &Db, bank: &BankId, now_ms: u64) -> Result<(), Error> {
    let grace_ms = u64::try_from(GRACE.as_millis()).unwrap_or_default();
    let current = BusinessDate::at(now_ms.saturating_sub(grace_ms));
    for days in 1..=DAYS_BACK {
        let Some(date) = current.back(days) else { continue };
        for currency in totals::currencies(db, bank, date).await? {
            let day = Day { bank: bank.clone(), date, currency };
            if days > 1 || totals::in_doubt(db, &day).await? == 0 {
                want(db, &day, Again::No, now_ms).await?;
            }
        }
    }
    Ok(())
}

async fn ask_what_is_wanted(app: &App, bank: &BankId, line: &BankLink) -> Result<(), Error> {
    if !line.is_up() {
        return Ok(());
    }
    let due: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT business_date, currency, tries FROM reconciliation \
         WHERE bank_id = $1 AND state = 'wanted' AND due_ms <= $2 ORDER BY due_ms LIMIT $3",
    )
    .bind(bank.as_str())
    .bind(signed_ms(now_ms()))
    .bind(BATCH_MAX)
    .fetch_all(app.db.reader())
    .await?;
    for (date, currency, tries) in due {
        let date = date.parse().map_err(|_| Error::Row("reconciliation"))?;
        let currency = currency.parse().map_err(|_| Error::Row("reconciliation"))?;
        ask(app, line, &Day { bank: bank.clone(), date, currency }, tries).await?;
    }
    Ok(())
}

/// Whether a day that was asked about before is asked about once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    /// What it came to stands.
    No,
    /// The operator wants to know anew.
    Yes,
}

/// Writes down that a day shall be asked about.
async fn want(db: &Db, day: &Day, again: Again, now_ms: u64) -> Result<(), Error> {
    let day = day.clone();
    db.write(move |db_tx| {
        Box::pin(async move {
            sqlx::query(
                "INSERT INTO reconciliation (bank_id, business_date, currency, state, tries, due_ms) \
                 VALUES ($1, $2, $3, 'wanted', 0, $4) ON CONFLICT (bank_id, business_date, currency) DO UPDATE SET \
                 state = 'wanted', tries = 0, due_ms = excluded.due_ms WHERE $5 = 1",
            )
            .bind(day.bank.as_str())
            .bind(day.date.to_string())
            .bind(day.currency.code())
            .bind(signed_ms(now_ms))
            .bind(i64::from(again == Again::Yes))
            .execute(db_tx)
            .await?;
            Ok::<_, Error>(())
        })
    })
    .await
}

/// Tells the bank a day's totals, and records what it says.
async fn ask(app: &App, line: &BankLink, day: &Day, tries: i64) -> Result<(), Error> {
    let ours = totals::of(&app.db, day).await?;
    let sent_ms = now_ms();
    let wait_ms = FIRST_WAIT_MS.saturating_mul(2_i64.saturating_pow(u32::try_from(tries).unwrap_or(u32::MAX)));
    // The next try is due after this one's own time is up, so that no other server asks meanwhile.
    let answer_ms = i64::try_from(app.answer_timeout.as_millis()).unwrap_or(i64::MAX);
    let due_ms = signed_ms(sent_ms).saturating_add(answer_ms).saturating_add(wait_ms.min(WAIT_MS_MAX));
    let Some(stan) = count_try(&app.db, day, tries, due_ms).await? else { return Ok(()) };
    let reference = bank_messages::Reference { stan, rrn: retrieval_reference(sent_ms, stan), sent_ms };
    let message = bank_messages::reconciliation(&reference, &day.date.mmdd(), day.currency, &ours.elements()?)?;
    let Ok(exchange) = line.exchange(&message).await else {
        tracing::warn!(bank = %day.bank, date = %day.date, "the bank has not answered the day's totals");
        return Ok(());
    };
    let Some((theirs, says_balanced)) = Totals::of_answer(&exchange.answer) else {
        tracing::warn!(bank = %day.bank, date = %day.date, "the bank does not reconcile this day");
        return Ok(());
    };
    // The bank's word and its figures must say the same.
    let agreed = says_balanced && theirs == ours;
    if !agreed {
        tracing::error!(bank = %day.bank, date = %day.date, ?ours, ?theirs, "the bank's totals of the day differ");
    }
    let in_doubt = totals::in_doubt(&app.db, day).await?;
    record(&app.db, day, if agreed { "agreed" } else { "disagreed" }, sent_ms, in_doubt, [ours, theirs]).await
}

/// Counts a try and draws its trace number, unless another server has counted the same one.
async fn count_try(db: &Db, day: &Day, earlier: i64, due_ms: i64) -> Result<Option<u32>, Error> {
    let day = day.clone();
    db.write(move |db_tx| {
        Box::pin(async move {
            let counted = sqlx::query(
                "UPDATE reconciliation SET tries = tries + 1, due_ms = $2 \
                 WHERE bank_id = $3 AND business_date = $4 AND currency = $5 AND state = 'wanted' AND tries = $1",
            )
            .bind(earlier)
            .bind(due_ms)
            .bind(day.bank.as_str())
            .bind(day.date.to_string())
            .bind(day.currency.code())
            .execute(&mut *db_tx)
            .await?;
            if counted.rows_affected() == 0 {
                return Ok(None);
            }
            attempts::next_stan(db_tx).await.map(Some)
        })
    })
    .await
}

async fn record(
    db: &Db,
    day: &Day,
    state: &'static str,
    sent_ms: u64,
    in_doubt: i64,
    [ours, theirs]: [Totals; 2],
) -> Result<(), Error> {
    let day = day.clone();
    db.write(move |db_tx| {
        Box::pin(async move {
            let changed = sqlx::query(
                "UPDATE reconciliation SET state = $1, sent_ms = $2, in_doubt = $3, debits = $4, debits_minor = $5, \
                 reversals = $6, reversals_minor = $7, bank_debits = $8, bank_debits_minor = $9, \
                 bank_reversals = $10, bank_reversals_minor = $11, credits = $12, credits_minor = $13, \
                 bank_credits = $14, bank_credits_minor = $15 \
                 WHERE bank_id = $16 AND business_date = $17 AND currency = $18",
            )
            .bind(state)
            .bind(signed_ms(sent_ms))
            .bind(in_doubt)
            .bind(ours.debits.count)
            .bind(ours.debits.minor)
            .bind(ours.reversals.count)
            .bind(ours.reversals.minor)
            .bind(theirs.debits.count)
            .bind(theirs.debits.minor)
            .bind(theirs.reversals.count)
            .bind(theirs.reversals.minor)
            .bind(ours.credits.count)
            .bind(ours.credits.minor)
            .bind(theirs.credits.count)
            .bind(theirs.credits.minor)
            .bind(day.bank.as_str())
            .bind(day.date.to_string())
            .bind(day.currency.code())
            .execute(db_tx)
            .await?;
            super::lifecycle::expect_one(changed.rows_affected(), "reconciliation")
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_business_date_knows_its_hours_and_its_neighbours() {
        let date: BusinessDate = "2026-03-01".parse().unwrap();
        assert_eq!(date.mmdd(), "0301");
        assert_eq!(date.back(1).unwrap().to_string(), "2026-02-28");
        let (from, until) = date.hours_ms().unwrap();
        assert_eq!(until - from, 24 * 60 * 60 * 1_000);
        assert_eq!(BusinessDate::at(u64::try_from(from).unwrap()), date);
        assert_eq!(BusinessDate::at(u64::try_from(from).unwrap() - 1), date.back(1).unwrap());
        assert!("2026-02-30".parse::<BusinessDate>().is_err());
    }
}

//! A business day: what was sold and given back between two local midnights, counted from the merchant's journal.
//!
//! The day is the one where this device is. A sale counts on the day it was paid, a refund on the day the bank gave the
//! money back, whatever the day of the sale.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use payment::{Amount, Currency, RequestId, RequestState};
use protocol::ErrorCode;
use protocol::ipc::merchant::{DayCloseView, DayTotal, SalesFilter};
use protocol::merchant_api::{EventView, PaymentRequestView, RefundStatus, RefundView, RefundsView};

use super::{Till, sales};
use crate::clock::{signed, unsigned};
use crate::error::{Result, WalletError};
use crate::wallet::Wallet;

/// The most journal entries of one day.
const EVENTS_MAX: usize = 200_000;
/// The most requests made on one day.
const REQUESTS_MAX: usize = 20_000;

/// A local day, from midnight to midnight.
struct Day {
    date: Date,
    from_ms: u64,
    to_ms: u64,
}

impl Wallet {
    /// A business day's totals.
    pub async fn day_close(&self, date: String) -> std::result::Result<DayCloseView, protocol::Problem> {
        let till = self.till()?;
        let day = Day::parse(&date, &TimeZone::system(), self.core.server.now_ms())?;
        Ok(close(&till, &day).await?)
    }
}

impl Day {
    /// The day `YYYY-MM-DD`; today for an empty text.
    fn parse(text: &str, zone: &TimeZone, now_ms: u64) -> Result<Self> {
        let malformed = || WalletError::Detailed(ErrorCode::InvalidInput, "a day is YYYY-MM-DD".to_owned());
        let now = Timestamp::from_millisecond(signed(now_ms)).unwrap_or_default();
        let date = match text.trim() {
            "" => now.to_zoned(zone.clone()).date(),
            text => text.parse().map_err(|_| malformed())?,
        };
        let midnight = |date: Date| -> Result<u64> {
            let zoned = date.to_zoned(zone.clone()).map_err(|_| malformed())?;
            Ok(unsigned(zoned.timestamp().as_millisecond()))
        };
        let next = date.checked_add(1.day()).map_err(|_| malformed())?;
        Ok(Self { date, from_ms: midnight(date)?, to_ms: midnight(next)? })
    }

    fn has(&self, time_ms: u64) -> bool {
        (self.from_ms..self.to_ms).contains(&time_ms)
    }
}

async fn close(till: &Till, day: &Day) -> Result<DayCloseView> {
    let filter = SalesFilter { from_ms: Some(day.from_ms), to_ms: Some(day.to_ms), ..SalesFilter::default() };
    let made = sales::all(till, &filter, REQUESTS_MAX).await?;
    let events = events_of(till, day).await?;
    let of = |prefix: &str| -> BTreeSet<RequestId> {
        events.iter().filter(|event| event.kind.starts_with(prefix)).map(|event| event.request_id).collect()
    };
    let mut known: HashMap<RequestId, PaymentRequestView> = made.iter().map(|view| (view.id, view.clone())).collect();
    let mut totals = Totals::default();
    for request_id in of("request.paid") {
        let view = match known.entry(request_id) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(till.api.request(request_id).await?),
        };
        if matches!(view.state, RequestState::Paid { .. }) {
            totals.sold(view.amount)?;
        }
    }
    let mut in_doubt = made.iter().filter(|view| is_in_doubt(view)).count();
    for request_id in of("refund.") {
        let answer: RefundsView = till.api.get(&format!("/v1/payment-requests/{request_id}/refunds"), &[]).await?;
        for refund in &answer.refunds {
            match refund.status {
                RefundStatus::Refunded if day.has(refund.changed_ms) => totals.refunded(refund)?,
                RefundStatus::Pending | RefundStatus::NeedsManualReview if day.has(refund.created_ms) => in_doubt += 1,
                RefundStatus::Refunded
                | RefundStatus::Refused
                | RefundStatus::Pending
                | RefundStatus::NeedsManualReview => {}
            }
        }
    }
    Ok(DayCloseView {
        date: day.date.to_string(),
        totals: totals.into_views()?,
        open: count(made.iter().filter(|view| view.state.is_open()).count()),
        in_doubt: count(in_doubt),
    })
}

/// Whether nobody knows yet whether the money moved.
fn is_in_doubt(view: &PaymentRequestView) -> bool {
    matches!(
        view.state,
        RequestState::InFlight { .. } | RequestState::OutcomeUnknown { .. } | RequestState::NeedsManualReview { .. }
    )
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The day's journal entries. Its first is found by halving, since the journal is in order of time.
async fn events_of(till: &Till, day: &Day) -> Result<Vec<EventView>> {
    let from_ms = day.from_ms;
    let mut after =
        till.api.first_position(move |page| page.events.first().is_none_or(|event| event.time_ms >= from_ms)).await?;
    let mut events = Vec::new();
    loop {
        let page = till.api.events(after).await?;
        let Some(last) = page.events.last() else { return Ok(events) };
        if events.len() > EVENTS_MAX {
            return Err(TOO_MUCH);
        }
        let ended = last.time_ms >= day.to_ms;
        after = last.seq;
        events.extend(page.events.into_iter().filter(|event| day.has(event.time_ms)));
        if ended || !page.has_more {
            return Ok(events);
        }
    }
}

/// Totals by currency, in the order of their codes.
#[derive(Default)]
struct Totals(BTreeMap<&'static str, Total>);

struct Total {
    currency: Currency,
    sales: u32,
    sold_minor: i64,
    refunds: u32,
    refunded_minor: i64,
}

impl Totals {
    fn of(&mut self, currency: Currency) -> &mut Total {
        let none = Total { currency, sales: 0, sold_minor: 0, refunds: 0, refunded_minor: 0 };
        self.0.entry(currency.code()).or_insert(none)
    }

    fn sold(&mut self, amount: Amount) -> Result<()> {
        let total = self.of(amount.currency());
        total.sold_minor = total.sold_minor.checked_add(amount.minor()).ok_or(TOO_MUCH)?;
        total.sales += 1;
        Ok(())
    }

    fn refunded(&mut self, refund: &RefundView) -> Result<()> {
        let total = self.of(refund.amount.currency());
        total.refunded_minor = total.refunded_minor.checked_add(refund.amount.minor()).ok_or(TOO_MUCH)?;
        total.refunds += 1;
        Ok(())
    }

    fn into_views(self) -> Result<Vec<DayTotal>> {
        let view = |total: Total| {
            let (sold, refunded) =
                (Amount::new(total.sold_minor, total.currency), Amount::new(total.refunded_minor, total.currency));
            let net = sold.checked_sub(refunded).map_err(|_| TOO_MUCH)?;
            Ok(DayTotal { sales: total.sales, sold, refunds: total.refunds, refunded, net })
        };
        self.0.into_values().map(view).collect()
    }
}

/// More than a number holds.
const TOO_MUCH: WalletError = WalletError::Row("total");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_day_ends_at_midnight_even_when_the_clocks_change() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let hours = |text: &str| {
            let day = Day::parse(text, &zone, 0).unwrap();
            (day.to_ms - day.from_ms) / 3_600_000
        };
        assert_eq!((hours("2026-03-29"), hours("2026-10-25"), hours("2026-11-26")), (23, 25, 24));
        let late = Day::parse("", &zone, 1_795_733_999_000).unwrap();
        assert_eq!(late.date.to_string(), "2026-11-26", "23:59:59 in Berlin");
        for wrong in ["26.11.2026", "2026-13-01", "today"] {
            assert!(Day::parse(wrong, &zone, 0).is_err(), "{wrong}");
        }
    }

    #[test]
    fn totals_are_kept_apart_by_currency() {
        let mut totals = Totals::default();
        for (minor, code) in [(1280, "USD"), (500, "JPY"), (20, "USD")] {
            totals.sold(Amount::new(minor, code.parse().unwrap())).unwrap();
        }
        let views = totals.into_views().unwrap();
        let shown: Vec<(String, u32)> = views.iter().map(|view| (view.net.to_string(), view.sales)).collect();
        assert_eq!(shown, [("JPY 500".to_owned(), 1), ("USD 13.00".to_owned(), 2)]);
    }
}

//! 0500 and 0520: the payment server's totals of a business day against the operator's own. The answer always has the
//! operator's, and changes nothing.

use std::sync::Arc;

use iso8583::{Error, Message, Place};
use payment::Currency;

use super::DONE;
use crate::carrier_front::error::CarrierError;
use crate::carrier_front::{CarrierFront, month};
use crate::front::answer::{format_error, response};
use crate::storage::DbConnection;

/// DE 66: every total agrees, or one does not.
const IN_BALANCE: &str = "1";
const OUT_OF_BALANCE: &str = "2";
/// How many days back a day without a year may be.
const DAYS_BACK_MAX: i64 = 180;

pub(super) async fn answer(front: &Arc<CarrierFront>, message: &Message) -> Result<Message, CarrierError> {
    let Ok(asked) = Asked::read(message, front.now_ms()) else { return Ok(format_error(message)?) };
    let mut connection = front.db.reader().acquire().await?;
    let mut answer = response(message, DONE)?.echoing(message, &[15, 50]);
    let mut in_balance = true;
    for (number, value) in elements(&mut connection, &asked).await? {
        in_balance &= !message.has(number) || message.text(number).is_ok_and(|sent| sent == value);
        answer = answer.with_text(number, value);
    }
    Ok(answer.with_text(66, if in_balance { IN_BALANCE } else { OUT_OF_BALANCE }))
}

/// Whose totals of which day, in which currency (DE 32, 15 and 50).
struct Asked {
    acquirer: String,
    from_ms: i64,
    currency: Currency,
}

impl Asked {
    fn read(message: &Message, now_ms: i64) -> Result<Self, Error> {
        let wrong = |number| Error::Content { place: Place::Element(number) };
        let today = now_ms.div_euclid(month::DAY_MS);
        let day = message.text(15)?;
        // A day without a year is the last one of that name.
        let found = (today - DAYS_BACK_MAX..=today + 1).rev().find(|candidate| month::mmdd(*candidate) == day);
        let numeric = u16::try_from(message.number(50)?).map_err(|_| wrong(50))?;
        Ok(Self {
            acquirer: message.text(32)?.to_owned(),
            from_ms: found.ok_or(wrong(15))? * month::DAY_MS,
            currency: Currency::from_numeric(numeric).map_err(|_| wrong(50))?,
        })
    }
}

/// How many and how much of a kind of posting: DE 74 to 77, 81, 86 to 89, and 97, what is owed to the acquirer.
async fn elements(connection: &mut DbConnection, asked: &Asked) -> Result<Vec<(u8, String)>, CarrierError> {
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT posting.kind, COUNT(*), CAST(COALESCE(SUM(ABS(entry.amount_minor)), 0) AS BIGINT) FROM posting
         JOIN entry ON entry.posting_id = posting.posting_id AND entry.account LIKE 'subscriber:%'
         WHERE posting.acquirer = $1 AND posting.currency = $2 AND posting.posted_ms >= $3 AND posting.posted_ms < $4
         GROUP BY posting.kind",
    )
    .bind(&asked.acquirer)
    .bind(asked.currency.code())
    .bind(asked.from_ms)
    .bind(asked.from_ms + month::DAY_MS)
    .fetch_all(connection)
    .await?;
    let of =
        |kind: &str| rows.iter().find(|(name, ..)| name == kind).map_or((0, 0), |(_, count, minor)| (*count, *minor));
    let (debits, reversals, credits) = (of("purchase"), of("reversal"), of("refund"));
    let net =
        debits.1.checked_sub(reversals.1).and_then(|net| net.checked_sub(credits.1)).ok_or(CarrierError::Range)?;
    let sign = if net < 0 { 'D' } else { 'C' };
    let (count, amount) = (|count: i64| format!("{count:010}"), |minor: i64| format!("{minor:016}"));
    Ok(vec![
        (74, count(credits.0)),
        (75, count(0)),
        (76, count(debits.0)),
        (77, count(reversals.0)),
        (81, count(0)),
        (86, amount(credits.1)),
        (87, amount(0)),
        (88, amount(debits.1)),
        (89, amount(reversals.1)),
        (97, format!("{sign}{:016}", net.unsigned_abs())),
    ])
}

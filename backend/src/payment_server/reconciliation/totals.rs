//! A day's totals with one bank in one currency: ours from the bank's own signed outcomes, the bank's from its 0510.
//!
//! A debit or a refund counts for the day in which the bank signed it, a reversal for the day in which it signed that. An outcome
//! that says `reversed` no longer tells when the debit was made; it was made when the attempt was forwarded.

use envelope::jws;
use futures::TryStreamExt;
use iso8583::Message;
use payment::{BankResult, Currency, Outcome, RefundOutcome};

use super::BusinessDate;
use crate::keys::BankId;
use crate::payment_server::Error;
use crate::storage::Db;

/// How long before a day an attempt may have been forwarded that the bank undid on that day.
const REVERSED_LATE_MS: i64 = 30 * 24 * 60 * 60 * 1_000;
/// How much later than by the bank's clock an attempt may have been forwarded by ours.
const CLOCKS_APART_MS: i64 = 5 * 60 * 1_000;

/// What is reconciled at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Day {
    pub(super) bank: BankId,
    pub(super) date: BusinessDate,
    pub(super) currency: Currency,
}

/// How many, and how much in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Total {
    pub(super) count: i64,
    pub(super) minor: i64,
}

impl Total {
    fn add(&mut self, minor: i64) -> Result<(), Error> {
        self.count += 1;
        self.minor = self.minor.checked_add(minor).ok_or(Error::Row("amount"))?;
        Ok(())
    }
}

/// A day's totals. A refund that was made is never undone, so no credit is reversed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    /// Debits made (DE 76 and 88).
    pub(super) debits: Total,
    /// Debits undone (DE 77 and 89).
    pub(super) reversals: Total,
    /// Money given back (DE 74 and 86).
    pub(super) credits: Total,
}

impl Totals {
    /// The data elements of a 0500, in digits: DE 74 to 77, 86 to 89, and 97, what the bank owes us.
    pub(super) fn elements(&self) -> Result<Vec<(u8, String)>, Error> {
        let net = self.debits.minor.checked_sub(self.reversals.minor);
        let net = net.and_then(|net| net.checked_sub(self.credits.minor)).ok_or(Error::Row("amount"))?;
        let sign = if net < 0 { 'D' } else { 'C' };
        let zero = Total::default();
        let counts = [(74, self.credits), (75, zero), (76, self.debits), (77, self.reversals)];
        let amounts = [(86, self.credits), (87, zero), (88, self.debits), (89, self.reversals)];
        Ok(counts
            .map(|(number, total)| (number, format!("{:010}", total.count)))
            .into_iter()
            .chain(amounts.map(|(number, total)| (number, format!("{:016}", total.minor))))
            .chain([(97, format!("{sign}{:016}", net.unsigned_abs()))])
            .collect())
    }

    /// The bank's own totals in its 0510, and whether it says that ours are the same (DE 66 = 1). None when it does not
    /// reconcile.
    pub(super) fn of_answer(answer: &Message) -> Option<(Self, bool)> {
        let number = |element| i64::try_from(answer.number(element).ok()?).ok();
        if answer.text(39) != Ok("00") {
            return None;
        }
        let says_balanced = answer.text(66).ok()? == "1" && number(75)? == 0;
        let debits = Total { count: number(76)?, minor: number(88)? };
        let reversals = Total { count: number(77)?, minor: number(89)? };
        let credits = Total { count: number(74)?, minor: number(86)? };
        Some((Self { debits, reversals, credits }, says_balanced))
    }

    fn take(&mut self, outcome: &Outcome, forwarded_ms: i64, hours: std::ops::Range<i64>) -> Result<(), Error> {
        let decided_ms = i64::try_from(outcome.decided_ms).map_err(|_| Error::Row("outcome"))?;
        let minor = outcome.amount.minor();
        match outcome.decision {
            BankResult::Approved { .. } if hours.contains(&decided_ms) => self.debits.add(minor),
            BankResult::Reversed => {
                if hours.contains(&forwarded_ms) {
                    self.debits.add(minor)?;
                }
                if hours.contains(&decided_ms) { self.reversals.add(minor) } else { Ok(()) }
            }
            BankResult::Approved { .. } | BankResult::Declined { .. } => Ok(()),
        }
    }
}

/// The day's totals as the bank's signed outcomes tell them.
pub(super) async fn of(db: &Db, day: &Day) -> Result<Totals, Error> {
    let (from_ms, until_ms) = day.date.hours_ms().ok_or(Error::Row("business date"))?;
    let mut rows = sqlx::query_as::<_, (String, i64)>(
        "SELECT attempt.outcome, attempt.forwarded_ms FROM attempt \
         JOIN payment_request AS request ON request.id = attempt.request_id \
         WHERE attempt.bank_id = $1 AND request.currency = $2 AND attempt.forwarded_ms >= $3 \
         AND attempt.forwarded_ms < $4 AND attempt.outcome IS NOT NULL AND attempt.state IN ('approved', 'reversed')",
    )
    .bind(day.bank.as_str())
    .bind(day.currency.code())
    .bind(from_ms - REVERSED_LATE_MS)
    .bind(until_ms + CLOCKS_APART_MS)
    .fetch(db.reader());
    let mut totals = Totals::default();
    while let Some((outcome, forwarded_ms)) = rows.try_next().await? {
        // It was verified before it was stored.
        let payload = jws::peek_payload_unverified(&outcome).map_err(|_| Error::Row("outcome"))?;
        let outcome = Outcome::from_canonical(&payload).ok_or(Error::Row("outcome"))?;
        totals.take(&outcome, forwarded_ms, from_ms..until_ms)?;
    }
    totals.credits = credits(db, day).await?;
    Ok(totals)
}

/// What the bank signed on that day that it gave back. A refund may be sent again for long, so its own time says nothing.
async fn credits(db: &Db, day: &Day) -> Result<Total, Error> {
    let (from_ms, until_ms) = day.date.hours_ms().ok_or(Error::Row("business date"))?;
    let mut rows = sqlx::query_as::<_, (String,)>(
        "SELECT outcome FROM refund WHERE bank_id = $1 AND currency = $2 AND sent_ms < $3 AND changed_ms >= $4 \
         AND state = 'refunded' AND outcome IS NOT NULL",
    )
    .bind(day.bank.as_str())
    .bind(day.currency.code())
    .bind(until_ms + CLOCKS_APART_MS)
    .bind(from_ms - CLOCKS_APART_MS)
    .fetch(db.reader());
    let mut credits = Total::default();
    while let Some((outcome,)) = rows.try_next().await? {
        // It was verified before it was stored.
        let payload = jws::peek_payload_unverified(&outcome).map_err(|_| Error::Row("outcome"))?;
        let outcome = RefundOutcome::from_canonical(&payload).ok_or(Error::Row("outcome"))?;
        let decided_ms = i64::try_from(outcome.decided_ms).map_err(|_| Error::Row("outcome"))?;
        if (from_ms..until_ms).contains(&decided_ms) {
            credits.add(outcome.amount.minor())?;
        }
    }
    Ok(credits)
}

/// How many of the day's attempts nobody can count yet: their outcome is unknown, or a person has to decide.
pub(super) async fn in_doubt(db: &Db, day: &Day) -> Result<i64, Error> {
    let (from_ms, until_ms) = day.date.hours_ms().ok_or(Error::Row("business date"))?;
    Ok(sqlx::query_scalar(
        "SELECT (SELECT COUNT(*) FROM attempt JOIN payment_request AS request ON request.id = attempt.request_id \
         WHERE attempt.bank_id = $1 AND request.currency = $2 AND attempt.forwarded_ms >= $3 \
         AND attempt.forwarded_ms < $4 AND attempt.state NOT IN ('approved', 'declined', 'reversed')) \
         + (SELECT COUNT(*) FROM refund WHERE refund.bank_id = $1 AND refund.currency = $2 AND refund.sent_ms >= $3 \
         AND refund.sent_ms < $4 AND refund.state IN ('pending', 'needs_manual_review'))",
    )
    .bind(day.bank.as_str())
    .bind(day.currency.code())
    .bind(from_ms)
    .bind(until_ms)
    .fetch_one(db.reader())
    .await?)
}

/// The currencies in which attempts were forwarded to the bank, or refunds settled, on that day.
pub(super) async fn currencies(db: &Db, bank: &BankId, date: BusinessDate) -> Result<Vec<Currency>, Error> {
    let (from_ms, until_ms) = date.hours_ms().ok_or(Error::Row("business date"))?;
    let codes: Vec<String> = sqlx::query_scalar(
        "SELECT request.currency AS currency FROM attempt JOIN payment_request AS request \
         ON request.id = attempt.request_id \
         WHERE attempt.bank_id = $1 AND attempt.forwarded_ms >= $2 AND attempt.forwarded_ms < $3 \
         UNION SELECT refund.currency AS currency FROM refund \
         WHERE refund.bank_id = $1 AND refund.changed_ms >= $2 AND refund.changed_ms < $3 ORDER BY currency",
    )
    .bind(bank.as_str())
    .bind(from_ms)
    .bind(until_ms)
    .fetch_all(db.reader())
    .await?;
    codes.iter().map(|code| code.parse().map_err(|_| Error::Row("currency"))).collect()
}

#[cfg(test)]
mod tests {
    use payment::{Amount, AttemptHash, AttemptId, OrderHash, RequestId};

    use super::*;

    fn outcome(decision: BankResult, decided_ms: u64) -> Outcome {
        let zeros = "0".repeat(64);
        Outcome {
            version: payment::outcome::OUTCOME_VERSION,
            bank_id: "first".into(),
            request_id: RequestId::from_bytes([1; 16]),
            attempt_id: AttemptId::from_bytes([2; 16]),
            order_hash: zeros.parse::<OrderHash>().unwrap(),
            attempt_hash: zeros.parse::<AttemptHash>().unwrap(),
            merchant_id: "blue-door".parse().unwrap(),
            amount: Amount::new(1280, "USD".parse().unwrap()),
            decision,
            rrn: "632607000042".into(),
            card_label: String::new(),
            decided_ms,
        }
    }

    #[test]
    fn a_debit_and_its_reversal_count_for_the_days_they_were_made_in() {
        let approved = || BankResult::Approved { approval_code: "123456".into() };
        let mut totals = Totals::default();
        for (outcome, forwarded_ms) in [
            (outcome(approved(), 100), 99),
            (outcome(approved(), 199), 201),
            // Signed the day after, though it was sent on this one.
            (outcome(approved(), 200), 199),
            // Undone on the same day, on a later one, and one of an earlier day.
            (outcome(BankResult::Reversed, 150), 140),
            (outcome(BankResult::Reversed, 250), 160),
            (outcome(BankResult::Reversed, 170), 50),
        ] {
            totals.take(&outcome, forwarded_ms, 100..200).unwrap();
        }
        let total = |count| Total { count, minor: count * 1280 };
        assert_eq!(totals, Totals { debits: total(4), reversals: total(2), credits: Total::default() });
        totals.credits = Total { count: 1, minor: 300 };
        let elements = totals.elements().unwrap();
        assert!(elements.contains(&(76, "0000000004".into())) && elements.contains(&(89, "0000000000002560".into())));
        assert!(elements.contains(&(97, "C0000000000002260".into())));
    }
}

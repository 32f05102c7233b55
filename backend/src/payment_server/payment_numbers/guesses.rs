//! How often a merchant may be wrong about payment numbers.
//!
//! A number with a wrong check digit is a slip and cannot hit anybody: it is not counted. Any other number that cannot
//! be used is a guess, counted in the database before it is tried. After a few a merchant waits, longer with each further one; at the bound
//! of a day it is locked out. While it waits, a right number gets the same answer as a wrong one. When everybody
//! together is wrong too often, merchants that were wrong today wait, and those that never are go on.

use payment::MerchantId;

use super::super::Error;
use crate::clock::signed_ms;
use crate::keys;
use crate::storage::DbConnection;

/// Guesses that cost nothing: a till misreads now and then.
pub(in crate::payment_server) const FREE: i64 = 3;
/// Guesses within a day after which a merchant is locked out.
pub(in crate::payment_server) const PER_DAY_MAX: i64 = 10;
/// Guesses of all merchants within an hour after which those that guessed today wait.
pub(in crate::payment_server) const ALL_PER_HOUR_MAX: i64 = 100;
/// The wait after the first guess that is not free, in milliseconds; it doubles with each further one.
const FIRST_WAIT_MS: i64 = 10_000;
/// An hour and a day, in milliseconds.
const HOUR_MS: i64 = 60 * 60 * 1_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// What a merchant's guesses of the last day, and everybody's of the last hour, mean for its next try: how long it must
/// wait, in milliseconds.
const fn wait_ms(own: i64, last_ms: i64, all: i64, now_ms: i64) -> i64 {
    let until_ms = if own >= PER_DAY_MAX {
        last_ms + DAY_MS
    } else if own > 0 && all >= ALL_PER_HOUR_MAX {
        last_ms + HOUR_MS
    } else if own >= FREE {
        last_ms + (FIRST_WAIT_MS << (own - FREE))
    } else {
        now_ms
    };
    if until_ms > now_ms { until_ms - now_ms } else { 0 }
}

/// Counts a try, unless the merchant has to wait: then it is refused. The count's id, to take it back.
pub(in crate::payment_server) async fn count(
    db_tx: &mut DbConnection,
    merchant: &MerchantId,
    now_ms: u64,
) -> Result<String, Error> {
    let now = signed_ms(now_ms);
    let (own, last_ms, all): (i64, Option<i64>, i64) = sqlx::query_as(
        "SELECT (SELECT COUNT(*) FROM wrong_number WHERE merchant_id = $1 AND tried_ms > $2), \
         (SELECT MAX(tried_ms) FROM wrong_number WHERE merchant_id = $1), \
         (SELECT COUNT(*) FROM wrong_number WHERE tried_ms > $3)",
    )
    .bind(merchant.as_str())
    .bind(now - DAY_MS)
    .bind(now - HOUR_MS)
    .fetch_one(&mut *db_tx)
    .await?;
    let wait_ms = wait_ms(own, last_ms.unwrap_or(0), all, now);
    if wait_ms > 0 {
        tracing::warn!(%merchant, own, "a merchant that was wrong about payment numbers has to wait");
        return Err(Error::too_many(wait_ms.unsigned_abs().div_ceil(1_000)));
    }
    sqlx::query("DELETE FROM wrong_number WHERE tried_ms < $1").bind(now - 2 * DAY_MS).execute(&mut *db_tx).await?;
    let id = keys::new_id(now_ms);
    sqlx::query("INSERT INTO wrong_number (id, merchant_id, tried_ms) VALUES ($1, $2, $3)")
        .bind(&id)
        .bind(merchant.as_str())
        .bind(now)
        .execute(db_tx)
        .await?;
    Ok(id)
}

/// Takes a counted try back: the number could be used.
pub(in crate::payment_server) async fn take_back(db_tx: &mut DbConnection, id: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM wrong_number WHERE id = $1").bind(id).execute(db_tx).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_800_000_000_000;

    #[test]
    fn waits_grow_until_the_merchant_is_locked_out() {
        let just_now = |own| wait_ms(own, NOW_MS, 0, NOW_MS);
        assert_eq!([0, 1, 2].map(just_now), [0, 0, 0]);
        assert_eq!([3, 4, 5, 9].map(just_now), [10_000, 20_000, 40_000, 640_000]);
        assert_eq!([10, 11].map(just_now), [DAY_MS, DAY_MS]);
        assert_eq!(wait_ms(3, NOW_MS - 10_000, 0, NOW_MS), 0, "the wait ends");
    }

    #[test]
    fn many_guessers_stop_each_other_and_nobody_else() {
        assert_eq!(wait_ms(1, NOW_MS, ALL_PER_HOUR_MAX, NOW_MS), HOUR_MS);
        assert_eq!(wait_ms(0, 0, ALL_PER_HOUR_MAX * 10, NOW_MS), 0);
    }

    /// `docs/identifiers.md` states these odds: whoever changes a bound changes the page.
    #[test]
    fn a_campaign_against_one_number_stays_below_one_in_a_million() {
        const NUMBERS: i64 = 1_000_000_000;
        // A number lives an hour. Until the bound everybody may guess; past it each of 500 merchants has one more.
        let tries = ALL_PER_HOUR_MAX + 500;
        assert!(tries * 1_000_000 < NUMBERS);
        const { assert!(PER_DAY_MAX * 1_000_000 < NUMBERS) };
    }
}

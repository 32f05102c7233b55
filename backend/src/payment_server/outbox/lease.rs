//! Taking up what is due: each delivery by one worker at a time, and each merchant in its turn.
//!
//! The lease is written before anything is sent, and the try is counted with it. A lease that ran out, because its worker was
//! killed or cut off, is taken again by whoever looks next.

use payment::{MerchantId, RequestId};
use protocol::merchant_api::Channel;
use zeroize::Zeroizing;

use super::super::{App, Error};
use super::Purpose;
use crate::clock::{now_ms, signed_ms, unsigned_ms};
use crate::keys;
use crate::storage::DbConnection;

/// How long a delivery is one worker's: longer than any one try may take.
pub(super) const LEASE_MS: i64 = 30_000;
/// The most merchants that are looked at for one taking.
const MERCHANTS_MAX: i64 = 256;

/// A delivery that this worker may make now.
pub(super) struct Due {
    pub(super) id: String,
    /// Whose request; none for a claim code.
    pub(super) request: Option<(RequestId, MerchantId)>,
    pub(super) channel: Channel,
    pub(super) purpose: Purpose,
    pub(super) target: String,
    pub(super) language: String,
    pub(super) secret: Option<Zeroizing<String>>,
    /// Tries, this one included.
    pub(super) tries: i64,
    /// Tries in doubt, this one included.
    pub(super) unsure: i64,
    pub(super) route: usize,
    pub(super) created_ms: u64,
    pub(super) worker: String,
}

type Row = (String, Option<String>, String, String, String, String, Option<String>, i64, i64, i64, i64);

/// One worker's place in the order of merchants.
pub(super) struct Turns {
    channel: Channel,
    worker: String,
    /// The merchant served last; a hint for fairness, no more.
    last: String,
}

impl Turns {
    pub(super) fn new(channel: Channel) -> Self {
        Self { channel, worker: hex::encode(keys::random::<8>()), last: String::new() }
    }

    /// Leases at most so many deliveries.
    pub(super) async fn take(&mut self, app: &App, most: usize) -> Result<Vec<Due>, Error> {
        let now_ms = signed_ms(now_ms());
        // Looked at without a write first: an idle server writes nothing.
        let waiting = waiting_merchants(app, self.channel, now_ms).await?;
        if waiting.is_empty() {
            return Ok(Vec::new());
        }
        let order = in_turn(waiting, &self.last);
        let (channel, worker) = (self.channel, self.worker.clone());
        let (taken, last) = app
            .db
            .write(move |db_tx| Box::pin(async move { lease(db_tx, channel, &worker, &order, most, now_ms).await }))
            .await?;
        self.last = last.unwrap_or_default();
        taken.into_iter().map(|row| self.due(row)).collect()
    }

    fn due(&self, row: Row) -> Result<Due, Error> {
        const WRONG: Error = Error::Row("delivery");
        let (id, request_id, merchant_id, purpose, target, language, secret, tries, unsure, route, created_ms) = row;
        let request = match request_id {
            Some(id) => Some((id.parse().map_err(|_| WRONG)?, merchant_id.parse().map_err(|_| WRONG)?)),
            None => None,
        };
        Ok(Due {
            id,
            request,
            channel: self.channel,
            purpose: Purpose::from_name(&purpose).ok_or(WRONG)?,
            target,
            language,
            secret: secret.map(Zeroizing::new),
            tries,
            unsure,
            route: usize::try_from(route).map_err(|_| WRONG)?,
            created_ms: unsigned_ms(created_ms),
            worker: self.worker.clone(),
        })
    }
}

/// Who has something due, found by stepping through the index and not by reading the queue.
async fn waiting_merchants(app: &App, channel: Channel, now_ms: i64) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar(
        "WITH RECURSIVE waiting (merchant_id) AS ( \
         SELECT MIN(merchant_id) FROM delivery \
         WHERE status = 'queued' AND channel = $1 AND due_ms <= $2 AND lease_until_ms <= $2 \
         UNION ALL SELECT (SELECT MIN(later.merchant_id) FROM delivery AS later \
         WHERE later.status = 'queued' AND later.channel = $1 AND later.due_ms <= $2 AND later.lease_until_ms <= $2 \
         AND later.merchant_id > waiting.merchant_id) FROM waiting WHERE waiting.merchant_id IS NOT NULL) \
         SELECT merchant_id FROM waiting WHERE merchant_id IS NOT NULL LIMIT $3",
    )
    .bind(channel.name())
    .bind(now_ms)
    .bind(MERCHANTS_MAX)
    .fetch_all(app.db.reader())
    .await?)
}

/// The merchants with the one after `last` in front. Claim codes belong to nobody and always come first.
fn in_turn(mut merchants: Vec<String>, last: &str) -> Vec<String> {
    merchants.sort();
    let next = merchants.iter().position(|merchant| merchant.as_str() > last).unwrap_or(0);
    merchants.rotate_left(next);
    merchants.sort_by_key(|merchant| !merchant.is_empty());
    merchants
}

/// Equal shares first, then what is left over to whoever has more.
async fn lease(
    db_tx: &mut DbConnection,
    channel: Channel,
    worker: &str,
    merchants: &[String],
    most: usize,
    now_ms: i64,
) -> Result<(Vec<Row>, Option<String>), Error> {
    let mut taken: Vec<Row> = Vec::new();
    let mut last = None;
    let mut waiting: Vec<&String> = merchants.iter().collect();
    while taken.len() < most && !waiting.is_empty() {
        let share = ((most - taken.len()) / waiting.len()).max(1);
        let mut more = Vec::new();
        for merchant in waiting {
            if taken.len() == most {
                break;
            }
            let rows = lease_of(db_tx, channel, worker, merchant, share, now_ms).await?;
            if rows.len() == share {
                more.push(merchant);
            }
            if !rows.is_empty() {
                last = Some(merchant.clone());
            }
            taken.extend(rows);
        }
        waiting = more;
    }
    Ok((taken, last))
}

async fn lease_of(
    db_tx: &mut DbConnection,
    channel: Channel,
    worker: &str,
    merchant: &str,
    most: usize,
    now_ms: i64,
) -> Result<Vec<Row>, Error> {
    // The outer conditions are checked again on the row itself, so that of two servers one gets it.
    Ok(sqlx::query_as(
        "UPDATE delivery SET leased_by = $1, lease_until_ms = $2, tries = tries + 1, unsure = unsure + 1 \
         WHERE id IN (SELECT id FROM delivery WHERE status = 'queued' AND channel = $3 AND merchant_id = $4 \
         AND due_ms <= $5 AND lease_until_ms <= $5 ORDER BY due_ms, id LIMIT $6) \
         AND status = 'queued' AND lease_until_ms <= $5 \
         RETURNING id, request_id, merchant_id, purpose, target, language, secret, tries, unsure, route, created_ms",
    )
    .bind(worker)
    .bind(now_ms + LEASE_MS)
    .bind(channel.name())
    .bind(merchant)
    .bind(now_ms)
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .fetch_all(db_tx)
    .await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Db;
    use crate::storage::testing::Base;

    async fn outbox(base: &Base, deliveries: &'static [(&'static str, usize)]) -> Db {
        let db = base.open(&super::super::super::MIGRATIONS).await;
        db.write(move |db_tx| {
            Box::pin(async move {
                for (merchant, count) in deliveries {
                    for n in 0..*count {
                        sqlx::query(
                            "INSERT INTO delivery (id, merchant_id, purpose, channel, target, language, status, tries, \
                             due_ms, changed_ms) VALUES ($1, $2, 'claim', 'sms', '+1', 'en', 'queued', 0, 5, 5)",
                        )
                        .bind(format!("{merchant}-{n:03}"))
                        .bind(*merchant)
                        .execute(&mut *db_tx)
                        .await?;
                    }
                }
                Ok::<_, sqlx::Error>(())
            })
        })
        .await
        .unwrap();
        db
    }

    async fn take(db: &Db, worker: &'static str, most: usize, now_ms: i64) -> Vec<(String, i64)> {
        let merchants: Vec<String> = ["", "a", "b", "c"].map(str::to_owned).into();
        let step = db.write(move |db_tx| {
            Box::pin(async move { lease(db_tx, Channel::Sms, worker, &merchants, most, now_ms).await })
        });
        step.await.unwrap().0.into_iter().map(|row| (row.0, row.8)).collect()
    }

    fn of(taken: &[(String, i64)], merchant: &str) -> usize {
        taken.iter().filter(|(id, _)| id.starts_with(merchant)).count()
    }

    #[tokio::test]
    async fn a_flood_of_one_merchant_leaves_the_others_their_share() {
        let base = Base::new().await;
        let db = outbox(&base, &[("a", 100), ("b", 3), ("c", 100)]).await;
        let taken = take(&db, "one", 30, 10).await;
        assert_eq!((taken.len(), of(&taken, "b")), (30, 3));
        assert!(of(&taken, "a").abs_diff(of(&taken, "c")) <= 1, "{taken:?}");
    }

    #[tokio::test]
    async fn two_workers_never_hold_the_same_and_a_lease_runs_out() {
        let base = Base::new().await;
        let db = outbox(&base, &[("a", 50)]).await;
        let (one, other) = tokio::join!(take(&db, "one", 30, 10), take(&db, "other", 30, 10));
        assert_eq!(one.len() + other.len(), 50);
        assert!(one.iter().all(|(id, unsure)| *unsure == 1 && other.iter().all(|(other, _)| other != id)));
        assert!(take(&db, "third", 30, 10 + LEASE_MS - 1).await.is_empty());
        let again = take(&db, "third", 100, 10 + LEASE_MS).await;
        assert!(again.len() == 50 && again.iter().all(|(_, unsure)| *unsure == 2), "what was in doubt stays counted");
    }

    #[test]
    fn merchants_take_turns_and_codes_come_first() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(in_turn(names(&["a", "b", "c"]), "a"), names(&["b", "c", "a"]));
        assert_eq!(in_turn(names(&["", "a", "b"]), "b"), names(&["", "a", "b"]));
        assert_eq!(in_turn(names(&["", "a", "b"]), "a"), names(&["", "b", "a"]));
    }
}

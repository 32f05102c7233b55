//! Caps: how much a merchant may ask in a minute, and how much one person is asked in an hour.
//!
//! A merchant above its own cap is told so. A person's cap is nobody's business: the request is taken as always and not
//! handed out, see [`super::recipients`].

use payment::MerchantId;

use super::Error;
use crate::clock::signed_ms;
use crate::storage::DbConnection;

/// A minute and an hour, in milliseconds.
const MINUTE_MS: i64 = 60 * 1_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// The caps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Args)]
pub struct Caps {
    /// How many requests a merchant may send to identifiers within a minute.
    #[arg(long = "merchant-requests-per-minute", default_value_t = 6_000, value_name = "N")]
    pub merchant_per_minute: u32,
    /// How many requests reach one identifier within an hour, whoever they are from.
    #[arg(long = "payer-requests-per-hour", default_value_t = 60, value_name = "N")]
    pub payer_per_hour: u32,
    /// How many requests of one merchant reach one identifier within an hour.
    #[arg(long = "payer-requests-per-merchant", default_value_t = 20, value_name = "N")]
    pub payer_per_merchant: u32,
}

impl Default for Caps {
    fn default() -> Self {
        Self { merchant_per_minute: 6_000, payer_per_hour: 60, payer_per_merchant: 20 }
    }
}

/// Refuses a merchant that asked for more than its cap within the last minute.
pub(super) async fn check_merchant(
    db_tx: &mut DbConnection,
    caps: Caps,
    merchant: &MerchantId,
    now_ms: u64,
) -> Result<(), Error> {
    let since_ms = signed_ms(now_ms) - MINUTE_MS;
    let asked: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM addressed_request WHERE merchant_id = $1 AND created_ms > $2")
            .bind(merchant.as_str())
            .bind(since_ms)
            .fetch_one(&mut *db_tx)
            .await?;
    if asked < i64::from(caps.merchant_per_minute) {
        return Ok(());
    }
    let oldest_ms: Option<i64> =
        sqlx::query_scalar("SELECT MIN(created_ms) FROM addressed_request WHERE merchant_id = $1 AND created_ms > $2")
            .bind(merchant.as_str())
            .bind(since_ms)
            .fetch_one(db_tx)
            .await?;
    let wait_ms = oldest_ms.map_or(MINUTE_MS, |oldest_ms| oldest_ms - since_ms);
    Err(Error::too_many(wait_ms.unsigned_abs().div_ceil(1_000).max(1)))
}

/// Whether a person had been asked so much in the hour before `created_ms` that one more is too much.
pub(super) async fn is_payer_full(
    db_tx: &mut DbConnection,
    caps: Caps,
    addressed: &super::recipients::Addressed,
) -> Result<bool, Error> {
    let (all, of_merchant): (i64, i64) = sqlx::query_as(
        "SELECT COUNT(*), COUNT(CASE WHEN merchant_id = $5 THEN 1 END) FROM addressed_request \
         WHERE identifier_kind = $1 AND identifier = $2 AND created_ms > $3 AND created_ms <= $4 AND request_id <> $6",
    )
    .bind(&addressed.identifier_kind)
    .bind(&addressed.identifier)
    .bind(addressed.created_ms - HOUR_MS)
    .bind(addressed.created_ms)
    .bind(&addressed.merchant_id)
    .bind(&addressed.request_id)
    .fetch_one(db_tx)
    .await?;
    Ok(all >= i64::from(caps.payer_per_hour) || of_merchant >= i64::from(caps.payer_per_merchant))
}

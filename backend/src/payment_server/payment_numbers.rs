//! One-time payment numbers: a payer tells a shop ten digits instead of a phone number or an address.
//!
//! Nine digits are drawn at random, the tenth checks them. A number is scoped by its payer, lives an hour at most and
//! brings one request to one device. What a merchant may guess is bounded in [`guesses`]; the odds that follow stand in
//! `docs/identifiers.md`. A number that is wrong, used, revoked, too old or for others gets one and the same answer.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use hmac::{Hmac, KeyInit, Mac};
use payment::{Amount, DeviceId, MerchantId};
use protocol::wallet_api::{
    CreatePaymentNumber, PAYMENT_NUMBER_MINUTES, PaymentNumberStatus, PaymentNumberView, PaymentNumbersView,
    payment_number_check_digit,
};
use protocol::{ErrorCode, Problem};
use sha2::Sha256;

use super::auth::DeviceCall;
use super::payment_requests::StoredRequest;
use super::{App, Error};
use crate::clock::{now_ms, signed_ms, unsigned_ms};
use crate::keys;
use crate::storage::DbConnection;

pub(super) mod guesses;

/// How many numbers a device has open at a time.
const OPEN_MAX: i64 = 5;
/// How many numbers a device has made within an hour.
const PER_HOUR_MAX: i64 = 30;
/// A minute and an hour, in milliseconds.
const MINUTE_MS: u64 = 60 * 1_000;
const HOUR_MS: i64 = 60 * 60 * 1_000;
/// How long an ended number is still listed: a day.
const KEPT_MS: i64 = 24 * HOUR_MS;
/// The most numbers listed.
const LISTED_MAX: i64 = 50;
/// How many numbers are drawn to have one that is free: two open ones never share their digits.
const DRAWS: usize = 4;

/// Makes a number.
#[utoipa::path(post, path = "/v1/payment-numbers", tag = "wallet", security(("device_signature" = [])),
    request_body = CreatePaymentNumber,
    responses((status = 201, body = PaymentNumberView), (status = 409, body = Problem), (status = 429, body = Problem)))]
pub(super) async fn create(
    State(app): State<App>,
    call: DeviceCall,
) -> Result<(StatusCode, Json<PaymentNumberView>), Error> {
    let wanted: CreatePaymentNumber = call.json()?;
    let bounded = wanted.max.is_none_or(|max| max.minor() > 0);
    if !PAYMENT_NUMBER_MINUTES.contains(&wanted.minutes) || !bounded {
        return Err(ErrorCode::InvalidInput.into());
    }
    let device = call.device_id;
    let drawn = [(); DRAWS].map(|()| Drawn::new(app.keys.claim_key()));
    let view = app
        .db
        .write(move |db_tx| Box::pin(async move { insert(db_tx, device, wanted, drawn, now_ms()).await }))
        .await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// Nine digits, each as likely as any other, and their check digit.
fn draw() -> String {
    const NUMBERS: u32 = 1_000_000_000;
    let drawn = loop {
        let drawn = u32::from_be_bytes(keys::random());
        // A draw that would favour the low ones is drawn again.
        if drawn < u32::MAX - u32::MAX % NUMBERS {
            break drawn % NUMBERS;
        }
    };
    let digits = format!("{drawn:09}");
    let check = payment_number_check_digit(&digits).expect("these are digits");
    format!("{digits}{check}")
}

/// A number that nobody has yet, perhaps.
struct Drawn {
    number: String,
    hash: String,
}

impl Drawn {
    fn new(key: &[u8; 32]) -> Self {
        let number = draw();
        Self { hash: hash(key, &number), number }
    }
}

/// A thousand million numbers are tried out at once by whoever has a plain hash, so the hash is keyed.
pub(super) fn hash(key: &[u8; 32], number: &str) -> String {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(b"tapseal/1 payment number\n");
    mac.update(number.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

async fn insert(
    db_tx: &mut DbConnection,
    device: DeviceId,
    wanted: CreatePaymentNumber,
    drawn: [Drawn; DRAWS],
    now_ms: u64,
) -> Result<PaymentNumberView, Error> {
    let id = device.to_string();
    let (open, made): (i64, i64) = sqlx::query_as(
        "SELECT (SELECT COUNT(*) FROM payment_number WHERE device_id = $1 AND status = 'open' AND expires_ms > $2), \
         (SELECT COUNT(*) FROM payment_number WHERE device_id = $1 AND created_ms > $3)",
    )
    .bind(&id)
    .bind(signed_ms(now_ms))
    .bind(signed_ms(now_ms) - HOUR_MS)
    .fetch_one(&mut *db_tx)
    .await?;
    if made >= PER_HOUR_MAX {
        return Err(Error::too_many(60));
    }
    if open >= OPEN_MAX {
        return Err(ErrorCode::PaymentNumbersFull.into());
    }
    sqlx::query("DELETE FROM payment_number WHERE device_id = $1 AND expires_ms < $2")
        .bind(&id)
        .bind(signed_ms(now_ms) - KEPT_MS)
        .execute(&mut *db_tx)
        .await?;
    let mut view = PaymentNumberView {
        id: keys::new_id(now_ms),
        number: None,
        max: wanted.max,
        merchant_id: wanted.merchant_id,
        created_ms: now_ms,
        expires_ms: now_ms + u64::from(wanted.minutes) * MINUTE_MS,
        status: PaymentNumberStatus::Open,
        request_id: None,
    };
    for Drawn { number, hash } in drawn {
        if insert_row(db_tx, &view, &id, &hash).await? {
            view.number = Some(number);
            return Ok(view);
        }
    }
    Err(ErrorCode::Unavailable.into())
}

/// Whether no open number has the same digits.
async fn insert_row(
    db_tx: &mut DbConnection,
    view: &PaymentNumberView,
    device: &str,
    number_hash: &str,
) -> Result<bool, Error> {
    let inserted = sqlx::query(
        "INSERT INTO payment_number \
         (id, device_id, number_hash, max_minor, currency, merchant_id, created_ms, expires_ms, status) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'open') ON CONFLICT DO NOTHING",
    )
    .bind(&view.id)
    .bind(device)
    .bind(number_hash)
    .bind(view.max.map(Amount::minor))
    .bind(view.max.map(|max| max.currency().code().to_owned()))
    .bind(view.merchant_id.as_ref().map(|merchant| merchant.as_str().to_owned()))
    .bind(signed_ms(view.created_ms))
    .bind(signed_ms(view.expires_ms))
    .execute(db_tx)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Uses a number up for a request: the id of its row, if the request is within its scope and its payer does not block
/// the merchant.
pub(super) async fn redeem(
    db_tx: &mut DbConnection,
    number_hash: &str,
    request: &StoredRequest,
) -> Result<Option<String>, Error> {
    Ok(sqlx::query_scalar(
        "UPDATE payment_number SET status = 'used', request_id = $1, merchant_id = $2 \
         WHERE number_hash = $3 AND status = 'open' AND expires_ms > $4 AND (merchant_id IS NULL OR merchant_id = $2) \
         AND (max_minor IS NULL OR (max_minor >= $5 AND currency = $6)) AND NOT EXISTS (SELECT 1 FROM sender_decision \
         WHERE sender_decision.device_id = payment_number.device_id AND sender_decision.merchant_id = $2 \
         AND sender_decision.decision = 'blocked') RETURNING id",
    )
    .bind(request.id.to_string())
    .bind(request.merchant_id.as_str())
    .bind(number_hash)
    .bind(signed_ms(request.created_ms))
    .bind(request.amount.minor())
    .bind(request.amount.currency().code())
    .fetch_optional(db_tx)
    .await?)
}

#[derive(sqlx::FromRow)]
struct NumberRow {
    id: String,
    max_minor: Option<i64>,
    currency: Option<String>,
    merchant_id: Option<String>,
    created_ms: i64,
    expires_ms: i64,
    status: String,
    request_id: Option<String>,
}

impl NumberRow {
    fn view(self, now_ms: u64) -> Result<PaymentNumberView, Error> {
        const WRONG: Error = Error::Row("payment number");
        let max = match (self.max_minor, self.currency) {
            (Some(minor), Some(currency)) => Some(Amount::new(minor, currency.parse().map_err(|_| WRONG)?)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => return Err(WRONG),
        };
        let status = match self.status.as_str() {
            "open" if unsigned_ms(self.expires_ms) <= now_ms => PaymentNumberStatus::Expired,
            "open" => PaymentNumberStatus::Open,
            "used" => PaymentNumberStatus::Used,
            "revoked" => PaymentNumberStatus::Revoked,
            _ => return Err(WRONG),
        };
        let merchant_id: Option<MerchantId> = self.merchant_id.map(|id| id.parse()).transpose().map_err(|_| WRONG)?;
        Ok(PaymentNumberView {
            id: self.id,
            number: None,
            max,
            merchant_id,
            created_ms: unsigned_ms(self.created_ms),
            expires_ms: unsigned_ms(self.expires_ms),
            status,
            request_id: self.request_id.map(|id| id.parse()).transpose().map_err(|_| WRONG)?,
        })
    }
}

/// The device's numbers of the last day, without their digits.
#[utoipa::path(get, path = "/v1/payment-numbers", tag = "wallet", security(("device_signature" = [])),
    responses((status = 200, body = PaymentNumbersView)))]
pub(super) async fn list(State(app): State<App>, call: DeviceCall) -> Result<Json<PaymentNumbersView>, Error> {
    let rows: Vec<NumberRow> = sqlx::query_as(
        "SELECT id, max_minor, currency, merchant_id, created_ms, expires_ms, status, request_id FROM payment_number \
         WHERE device_id = $1 ORDER BY created_ms DESC, id DESC LIMIT $2",
    )
    .bind(call.device_id.to_string())
    .bind(LISTED_MAX)
    .fetch_all(app.db.reader())
    .await?;
    let now_ms = now_ms();
    let numbers = rows.into_iter().map(|row| row.view(now_ms)).collect::<Result<_, _>>()?;
    Ok(Json(PaymentNumbersView { numbers }))
}

/// Takes an open number back. One that is used, too old or not the device's is answered the same.
#[utoipa::path(delete, path = "/v1/payment-numbers/{id}", tag = "wallet", security(("device_signature" = [])),
    params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn revoke(
    State(app): State<App>,
    Path(id): Path<String>,
    call: DeviceCall,
) -> Result<StatusCode, Error> {
    let device = call.device_id.to_string();
    app.db
        .write(move |db_tx| {
            Box::pin(async move {
                sqlx::query(
                    "UPDATE payment_number SET status = 'revoked' WHERE id = $1 AND device_id = $2 AND status = 'open'",
                )
                .bind(id)
                .bind(device)
                .execute(db_tx)
                .await?;
                Ok::<_, Error>(())
            })
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use protocol::wallet_api::payment_number_digits;

    use super::*;

    #[test]
    fn a_drawn_number_has_ten_digits_that_check() {
        let drawn: std::collections::HashSet<String> = (0..200).map(|_| draw()).collect();
        assert!(drawn.len() > 190, "draws do not repeat");
        for number in drawn {
            assert_eq!(payment_number_digits(&number), Some(number));
        }
    }

    #[test]
    fn the_hash_is_keyed() {
        assert_ne!(hash(&[1; 32], "4821773015"), hash(&[2; 32], "4821773015"));
        assert_ne!(hash(&[1; 32], "4821773015"), hash(&[1; 32], "4821773023"));
    }
}

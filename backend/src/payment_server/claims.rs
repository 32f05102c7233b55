//! Claims: a device proves that an e-mail address or phone number is its owner's, by a code sent there.
//!
//! The answer to a start never tells whether the identifier is known or a code was sent, and neither does its time: the
//! same rows are written either way. A claim ends when its device releases it, or when somebody proves the identifier
//! anew and asks that only their device answers: operators give phone numbers to other people.

use axum::extract::State;
use axum::http::StatusCode;
use hmac::{Hmac, KeyInit, Mac};
use payment::DeviceId;
use protocol::merchant_api::PayerIdentifier;
use protocol::wallet_api::{ConfirmClaim, OtherDevices, ReleaseClaim, StartClaim};
use protocol::{ErrorCode, Problem};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::auth::DeviceCall;
use super::identifiers::{normalized, parts};
use super::outbox::{self, NewDelivery};
use super::{App, Error, siblings};
use crate::clock::{now_ms, signed_ms};
use crate::keys;
use crate::storage::DbConnection;

/// How long a code may be used, in milliseconds: ten minutes.
const CODE_LIFE_MS: i64 = 10 * 60 * 1_000;
/// How many times a code may be guessed.
const CODE_TRIES_MAX: i64 = 5;
/// How many codes are sent to one identifier within an hour.
const CODES_PER_HOUR_MAX: i64 = 5;
/// How many codes one device has sent within an hour, to whatever identifiers: nobody has the whole phone book texted.
const CODES_PER_DEVICE_MAX: i64 = 10;
/// An hour, in milliseconds.
const HOUR_MS: i64 = 60 * 60 * 1_000;
/// The most devices that one identifier reaches.
const DEVICES_MAX: i64 = 20;

/// A device that answers for an identifier.
#[derive(sqlx::FromRow)]
pub(super) struct ClaimingDevice {
    pub(super) id: String,
    pub(super) language: String,
}

/// An identifier that a wallet can claim: nobody claims a payment number, which the server makes, or a merchant's counter.
fn claimable(identifier: PayerIdentifier) -> Result<PayerIdentifier, Error> {
    match normalized(identifier)? {
        PayerIdentifier::PaymentNumber(_) | PayerIdentifier::Counter(_) => Err(ErrorCode::InvalidInput.into()),
        identifier @ (PayerIdentifier::Email(_) | PayerIdentifier::Phone(_)) => Ok(identifier),
    }
}

/// The devices that claimed an identifier, the latest claims first.
pub(super) async fn devices_of(
    db_tx: &mut DbConnection,
    kind: &str,
    identifier: &str,
) -> Result<Vec<ClaimingDevice>, Error> {
    Ok(sqlx::query_as(
        "SELECT device.id, device.language FROM claim JOIN device ON device.id = claim.device_id \
         WHERE claim.identifier_kind = $1 AND claim.identifier = $2 ORDER BY claim.claimed_ms DESC, device.id LIMIT $3",
    )
    .bind(kind)
    .bind(identifier)
    .bind(DEVICES_MAX)
    .fetch_all(db_tx)
    .await?)
}

/// The language of whoever claimed the identifier last.
pub(super) async fn language_of(
    db_tx: &mut DbConnection,
    identifier: &PayerIdentifier,
) -> Result<Option<String>, Error> {
    let (kind, value) = parts(identifier);
    let newest = devices_of(db_tx, kind, value).await?.into_iter().next();
    Ok(newest.map(|device| device.language))
}

/// Sends a code to the identifier.
#[utoipa::path(post, path = "/v1/claims", tag = "wallet", security(("device_signature" = [])), request_body = StartClaim,
    responses((status = 202), (status = 400, body = Problem)))]
pub(super) async fn start(State(app): State<App>, call: DeviceCall) -> Result<StatusCode, Error> {
    let StartClaim { identifier } = call.json()?;
    let identifier = claimable(identifier)?;
    let code = new_code();
    let code_hash = hash(app.keys.claim_key(), call.device_id, &identifier, &code);
    let device_id = call.device_id;
    app.db
        .write(move |db_tx| Box::pin(async move { store_code(db_tx, device_id, &identifier, &code_hash, code).await }))
        .await?;
    app.outbox_wake.notify_one();
    Ok(StatusCode::ACCEPTED)
}

/// Six digits, each as likely as any other: a draw that would favour the low ones is drawn again.
fn new_code() -> Zeroizing<String> {
    const CODES: u32 = 1_000_000;
    loop {
        let drawn = u32::from_be_bytes(keys::random());
        if drawn < u32::MAX - u32::MAX % CODES {
            return Zeroizing::new(format!("{:06}", drawn % CODES));
        }
    }
}

/// Six digits can be tried out within a second by whoever has a plain hash, so the hash is keyed.
fn hash(key: &[u8; 32], device: DeviceId, identifier: &PayerIdentifier, code: &str) -> String {
    hex::encode(mac(key, device, identifier, code).finalize().into_bytes())
}

fn mac(key: &[u8; 32], device: DeviceId, identifier: &PayerIdentifier, code: &str) -> Hmac<Sha256> {
    let (kind, value) = parts(identifier);
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in ["tapseal/1 claim", &device.to_string(), kind, value, code] {
        mac.update(part.as_bytes());
        mac.update(b"\n");
    }
    mac
}

async fn store_code(
    db_tx: &mut DbConnection,
    device: DeviceId,
    identifier: &PayerIdentifier,
    code_hash: &str,
    code: Zeroizing<String>,
) -> Result<(), Error> {
    let (kind, value) = parts(identifier);
    let now_ms = now_ms();
    let (to_it, by_device): (i64, i64) = sqlx::query_as(
        "SELECT (SELECT COUNT(*) FROM claim_start WHERE identifier_kind = $1 AND identifier = $2 AND started_ms > $3 \
         AND sent = 1), (SELECT COUNT(*) FROM claim_start WHERE device_id = $4 AND started_ms > $3 AND sent = 1)",
    )
    .bind(kind)
    .bind(value)
    .bind(signed_ms(now_ms) - HOUR_MS)
    .bind(device.to_string())
    .fetch_one(&mut *db_tx)
    .await?;
    // The caller is not told: it would tell a stranger whether others asked for this identifier.
    let is_sent = to_it < CODES_PER_HOUR_MAX && by_device < CODES_PER_DEVICE_MAX;
    sqlx::query(
        "INSERT INTO claim_start (id, identifier_kind, identifier, device_id, started_ms, sent) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(keys::new_id(now_ms))
    .bind(kind)
    .bind(value)
    .bind(device.to_string())
    .bind(signed_ms(now_ms))
    .bind(i64::from(is_sent))
    .execute(&mut *db_tx)
    .await?;
    sqlx::query("DELETE FROM claim_start WHERE started_ms < $1 AND identifier_kind = $2 AND identifier = $3")
        .bind(signed_ms(now_ms) - HOUR_MS)
        .bind(kind)
        .bind(value)
        .execute(&mut *db_tx)
        .await?;
    if !is_sent {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO claim_code (identifier_kind, identifier, device_id, code_hash, tries, started_ms) \
         VALUES ($1, $2, $3, $4, 0, $5) ON CONFLICT (identifier_kind, identifier, device_id) \
         DO UPDATE SET code_hash = excluded.code_hash, tries = 0, started_ms = excluded.started_ms",
    )
    .bind(kind)
    .bind(value)
    .bind(device.to_string())
    .bind(code_hash)
    .bind(signed_ms(now_ms))
    .execute(&mut *db_tx)
    .await?;
    let language: String = sqlx::query_scalar("SELECT language FROM device WHERE id = $1")
        .bind(device.to_string())
        .fetch_one(&mut *db_tx)
        .await?;
    if let Some(delivery) = NewDelivery::claim_code(identifier, &language, code) {
        outbox::insert(db_tx, &delivery, now_ms).await?;
    }
    Ok(())
}

/// Proves the claim with the code.
#[utoipa::path(post, path = "/v1/claims/confirm", tag = "wallet", security(("device_signature" = [])), request_body = ConfirmClaim,
    responses((status = 204), (status = 422, body = Problem)))]
pub(super) async fn confirm(State(app): State<App>, call: DeviceCall) -> Result<StatusCode, Error> {
    let ConfirmClaim { identifier, code, others } = call.json()?;
    let identifier = claimable(identifier)?;
    let code = Zeroizing::new(code);
    let offered = mac(app.keys.claim_key(), call.device_id, &identifier, &code);
    let device_id = call.device_id;
    let matches = app
        .db
        .write(move |db_tx| Box::pin(async move { try_code(db_tx, device_id, &identifier, offered, others).await }))
        .await?;
    if matches { Ok(StatusCode::NO_CONTENT) } else { Err(ErrorCode::ClaimCodeWrong.into()) }
}

/// Counts the try and compares. A wrong code is an answer and not an error: the try must stay counted.
async fn try_code(
    db_tx: &mut DbConnection,
    device: DeviceId,
    identifier: &PayerIdentifier,
    offered: Hmac<Sha256>,
    others: OtherDevices,
) -> Result<bool, Error> {
    let (kind, value) = parts(identifier);
    let now_ms = signed_ms(now_ms());
    let stored: Option<String> = sqlx::query_scalar(
        "UPDATE claim_code SET tries = tries + 1 WHERE identifier_kind = $1 AND identifier = $2 AND device_id = $3 \
         AND tries < $4 AND started_ms > $5 RETURNING code_hash",
    )
    .bind(kind)
    .bind(value)
    .bind(device.to_string())
    .bind(CODE_TRIES_MAX)
    .bind(now_ms - CODE_LIFE_MS)
    .fetch_optional(&mut *db_tx)
    .await?;
    let Some(stored) = stored else { return Ok(false) };
    let stored = hex::decode(stored).map_err(|_| Error::Row("claim code"))?;
    if offered.verify_slice(&stored).is_err() {
        return Ok(false);
    }
    sqlx::query("DELETE FROM claim_code WHERE identifier_kind = $1 AND identifier = $2 AND device_id = $3")
        .bind(kind)
        .bind(value)
        .bind(device.to_string())
        .execute(&mut *db_tx)
        .await?;
    if others == OtherDevices::Release {
        let released: Vec<String> = sqlx::query_scalar(
            "DELETE FROM claim WHERE identifier_kind = $1 AND identifier = $2 AND device_id <> $3 RETURNING device_id",
        )
        .bind(kind)
        .bind(value)
        .bind(device.to_string())
        .fetch_all(&mut *db_tx)
        .await?;
        for other in &released {
            siblings::claims_changed(db_tx, other).await?;
        }
    }
    sqlx::query(
        "INSERT INTO claim (identifier_kind, identifier, device_id, claimed_ms) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (identifier_kind, identifier, device_id) DO UPDATE SET claimed_ms = excluded.claimed_ms",
    )
    .bind(kind)
    .bind(value)
    .bind(device.to_string())
    .bind(now_ms)
    .execute(db_tx)
    .await?;
    Ok(true)
}

/// From now on this device answers for the identifier no more. One that never did is answered the same.
#[utoipa::path(delete, path = "/v1/claims", tag = "wallet", security(("device_signature" = [])), request_body = ReleaseClaim,
    responses((status = 204), (status = 400, body = Problem)))]
pub(super) async fn release(State(app): State<App>, call: DeviceCall) -> Result<StatusCode, Error> {
    let ReleaseClaim { identifier } = call.json()?;
    let identifier = claimable(identifier)?;
    let device_id = call.device_id.to_string();
    app.db
        .write(move |db_tx| {
            Box::pin(async move {
                let (kind, value) = parts(&identifier);
                sqlx::query("DELETE FROM claim WHERE identifier_kind = $1 AND identifier = $2 AND device_id = $3")
                    .bind(kind)
                    .bind(value)
                    .bind(&device_id)
                    .execute(&mut *db_tx)
                    .await?;
                sqlx::query("DELETE FROM claim_code WHERE identifier_kind = $1 AND identifier = $2 AND device_id = $3")
                    .bind(kind)
                    .bind(value)
                    .bind(&device_id)
                    .execute(&mut *db_tx)
                    .await?;
                Ok::<_, Error>(())
            })
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_six_digits_and_its_hash_is_bound_to_device_and_identifier() {
        let code = new_code();
        assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()));
        let email = PayerIdentifier::Email("ann@example.org".into());
        let phone = PayerIdentifier::Phone("+12025550100".into());
        let (one, other) = (DeviceId::from_bytes([1; 16]), DeviceId::from_bytes([2; 16]));
        let hashes = [
            hash(&[7; 32], one, &email, "123456"),
            hash(&[8; 32], one, &email, "123456"),
            hash(&[7; 32], other, &email, "123456"),
            hash(&[7; 32], one, &phone, "123456"),
            hash(&[7; 32], one, &email, "123457"),
        ];
        assert_eq!(hashes.iter().collect::<std::collections::HashSet<_>>().len(), hashes.len());
    }
}

//! Siblings: the devices of one person, seen from one of them.
//!
//! Two devices are siblings when both proved the same identifier. A device sees its siblings only, and of each only the
//! identifiers they share. Removing one ends exactly those claims: what else it answers for may be somebody else's.
//! Nobody learns whether a device that is no sibling exists.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use payment::DeviceId;
use protocol::merchant_api::PayerIdentifier;
use protocol::wallet_api::{ClaimsView, DEVICE_NAME_CHARS_MAX, DescribeDevice, DeviceView, DevicesView, Platform};
use protocol::{ErrorCode, Problem};

use super::auth::DeviceCall;
use super::payment_requests::parse_id;
use super::{App, Error};
use crate::clock::{now_ms, signed_ms, unsigned_ms};
use crate::storage::DbConnection;

/// How exactly it is kept when a device was last in touch, in milliseconds: an hour.
pub(super) const SEEN_STEP_MS: i64 = 60 * 60 * 1_000;
/// The most claims that one answer is made of.
const CLAIMS_MAX: i64 = 1_000;

/// A sibling and one identifier that it shares; the same for the caller itself.
const SHARED: &str = "\
    SELECT other.device_id, device.name, device.platform, device.seen_ms, other.identifier_kind, other.identifier, \
    other.claimed_ms FROM claim AS own JOIN claim AS other ON other.identifier_kind = own.identifier_kind \
    AND other.identifier = own.identifier JOIN device ON device.id = other.device_id WHERE own.device_id = $1 \
    ORDER BY other.claimed_ms DESC, other.device_id LIMIT $2";

#[derive(sqlx::FromRow)]
struct Shared {
    device_id: String,
    name: String,
    platform: String,
    seen_ms: Option<i64>,
    identifier_kind: String,
    identifier: String,
    claimed_ms: i64,
}

/// An identifier as claimed.
fn identifier(kind: &str, value: String) -> Result<PayerIdentifier, Error> {
    match kind {
        "email" => Ok(PayerIdentifier::Email(value)),
        "phone" => Ok(PayerIdentifier::Phone(value)),
        _ => Err(Error::Row("claim")),
    }
}

/// The calling device and its siblings.
#[utoipa::path(get, path = "/v1/devices", tag = "wallet", security(("device_signature" = [])),
    responses((status = 200, body = DevicesView), (status = 401, body = Problem)))]
pub(super) async fn list(State(app): State<App>, call: DeviceCall) -> Result<Json<DevicesView>, Error> {
    let own_id = call.device_id.to_string();
    let (name, platform, seen_ms): (String, String, Option<i64>) =
        sqlx::query_as("SELECT name, platform, seen_ms FROM device WHERE id = $1")
            .bind(&own_id)
            .fetch_one(app.db.reader())
            .await?;
    let rows: Vec<Shared> = sqlx::query_as(SHARED).bind(&own_id).bind(CLAIMS_MAX).fetch_all(app.db.reader()).await?;
    let mut places: BTreeMap<String, usize> = BTreeMap::from([(own_id, 0)]);
    let mut devices = vec![view(call.device_id, name, &platform, seen_ms)];
    for row in rows {
        let place = *places.entry(row.device_id.clone()).or_insert(devices.len());
        if place == devices.len() {
            let id = row.device_id.parse().map_err(|_| Error::Row("device"))?;
            devices.push(view(id, row.name, &row.platform, row.seen_ms));
        }
        let device = &mut devices[place];
        let claimed_ms = unsigned_ms(row.claimed_ms);
        device.since_ms = Some(device.since_ms.map_or(claimed_ms, |since_ms| since_ms.min(claimed_ms)));
        device.identifiers.push(identifier(&row.identifier_kind, row.identifier)?);
    }
    Ok(Json(DevicesView { devices }))
}

fn view(device_id: DeviceId, name: String, platform: &str, seen_ms: Option<i64>) -> DeviceView {
    DeviceView {
        device_id,
        name,
        platform: Platform::from_name(platform),
        since_ms: None,
        seen_ms: seen_ms.map(unsigned_ms),
        identifiers: Vec::new(),
    }
}

/// Names a sibling, or says what the caller runs on.
#[utoipa::path(put, path = "/v1/devices/{id}", tag = "wallet", security(("device_signature" = [])),
    params(("id" = String, Path)), request_body = DescribeDevice,
    responses((status = 204), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn describe(
    State(app): State<App>,
    Path(id): Path<String>,
    call: DeviceCall,
) -> Result<StatusCode, Error> {
    let DescribeDevice { name, platform } = call.json()?;
    let (caller, device): (DeviceId, DeviceId) = (call.device_id, parse_id(&id)?);
    let name = name.map(|name| checked_name(&name)).transpose()?;
    if platform.is_some() && device != caller {
        return Err(ErrorCode::InvalidInput.into());
    }
    app.db
        .write(move |db_tx| {
            Box::pin(async move {
                if device != caller && shared(db_tx, caller, device).await?.is_empty() {
                    return Err(ErrorCode::NotFound.into());
                }
                sqlx::query(
                    "UPDATE device SET name = COALESCE($2, name), platform = COALESCE($3, platform) WHERE id = $1",
                )
                .bind(device.to_string())
                .bind(name)
                .bind(platform.map(Platform::name))
                .execute(db_tx)
                .await?;
                Ok::<_, Error>(())
            })
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A name without what nobody sees or what turns other text around.
fn checked_name(name: &str) -> Result<String, Error> {
    let turns =
        |letter: char| matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let name = name.trim();
    let is_plain = name.chars().all(|letter| !letter.is_control() && !turns(letter));
    let fits = name.chars().count() <= DEVICE_NAME_CHARS_MAX;
    if is_plain && fits { Ok(name.to_owned()) } else { Err(ErrorCode::InvalidInput.into()) }
}

/// Ends a sibling's claims of the identifiers it shares with the caller; the caller's own id ends all of its claims. One
/// that shares nothing, or does not exist, is answered the same.
#[utoipa::path(delete, path = "/v1/devices/{id}", tag = "wallet", security(("device_signature" = [])),
    params(("id" = String, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn remove(
    State(app): State<App>,
    Path(id): Path<String>,
    call: DeviceCall,
) -> Result<StatusCode, Error> {
    let (caller, device) = (call.device_id, parse_id(&id)?);
    app.db.write(move |db_tx| Box::pin(async move { end_shared(db_tx, caller, device).await })).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The identifiers that two devices share.
async fn shared(db_tx: &mut DbConnection, one: DeviceId, other: DeviceId) -> Result<Vec<(String, String)>, Error> {
    Ok(sqlx::query_as(
        "SELECT other.identifier_kind, other.identifier FROM claim AS own JOIN claim AS other \
         ON other.identifier_kind = own.identifier_kind AND other.identifier = own.identifier \
         WHERE own.device_id = $1 AND other.device_id = $2 ORDER BY other.identifier_kind, other.identifier LIMIT $3",
    )
    .bind(one.to_string())
    .bind(other.to_string())
    .bind(CLAIMS_MAX)
    .fetch_all(db_tx)
    .await?)
}

async fn end_shared(db_tx: &mut DbConnection, caller: DeviceId, device: DeviceId) -> Result<(), Error> {
    let shared = shared(db_tx, caller, device).await?;
    if shared.is_empty() {
        return Ok(());
    }
    if device != caller {
        // What was decided on the device that goes stays decided: it holds for the person.
        sqlx::query(
            "INSERT INTO sender_decision (device_id, merchant_id, decision, decided_ms) \
             SELECT $1, merchant_id, decision, decided_ms FROM sender_decision WHERE device_id = $2 \
             ON CONFLICT (device_id, merchant_id) DO NOTHING",
        )
        .bind(caller.to_string())
        .bind(device.to_string())
        .execute(&mut *db_tx)
        .await?;
    }
    for (kind, value) in &shared {
        for sql in [
            "DELETE FROM claim WHERE identifier_kind = $1 AND identifier = $2 AND device_id = $3",
            // A code that is on its way would undo the removal.
            "DELETE FROM claim_code WHERE identifier_kind = $1 AND identifier = $2 AND device_id = $3",
        ] {
            sqlx::query(sql).bind(kind).bind(value).bind(device.to_string()).execute(&mut *db_tx).await?;
        }
    }
    claims_changed(db_tx, &device.to_string()).await
}

/// Tells a device that another one ended a claim of its.
pub(super) async fn claims_changed(db_tx: &mut DbConnection, device: &str) -> Result<(), Error> {
    sqlx::query("UPDATE device SET claims_changed = claims_changed + 1 WHERE id = $1")
        .bind(device)
        .execute(&mut *db_tx)
        .await?;
    db_tx.tell("device", device);
    Ok(())
}

/// What the calling device answers for.
#[utoipa::path(get, path = "/v1/claims", tag = "wallet", security(("device_signature" = [])),
    responses((status = 200, body = ClaimsView), (status = 401, body = Problem)))]
pub(super) async fn claims(State(app): State<App>, call: DeviceCall) -> Result<Json<ClaimsView>, Error> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT identifier_kind, identifier FROM claim WHERE device_id = $1 ORDER BY claimed_ms, identifier LIMIT $2",
    )
    .bind(call.device_id.to_string())
    .bind(CLAIMS_MAX)
    .fetch_all(app.db.reader())
    .await?;
    let identifiers = rows.into_iter().map(|(kind, value)| identifier(&kind, value)).collect::<Result<_, _>>()?;
    Ok(Json(ClaimsView { identifiers }))
}

impl App {
    /// How often others ended claims of a device.
    pub(super) async fn claims_changed(&self, device: DeviceId) -> Result<i64, Error> {
        let changed = sqlx::query_scalar("SELECT claims_changed FROM device WHERE id = $1")
            .bind(device.to_string())
            .fetch_optional(self.db.reader())
            .await?;
        Ok(changed.unwrap_or(0))
    }

    /// Remembers, to the hour, that a device is in touch.
    pub(super) async fn seen_device(&self, device: DeviceId) -> Result<(), Error> {
        let now_ms = signed_ms(now_ms());
        let known: Option<Option<i64>> = sqlx::query_scalar("SELECT seen_ms FROM device WHERE id = $1")
            .bind(device.to_string())
            .fetch_optional(self.db.reader())
            .await?;
        if known.flatten().is_some_and(|seen_ms| seen_ms > now_ms - SEEN_STEP_MS) {
            return Ok(());
        }
        let seen_ms = now_ms - now_ms % SEEN_STEP_MS;
        self.db
            .write(move |db_tx| {
                Box::pin(async move {
                    sqlx::query("UPDATE device SET seen_ms = $2 WHERE id = $1")
                        .bind(device.to_string())
                        .bind(seen_ms)
                        .execute(db_tx)
                        .await?;
                    Ok::<_, Error>(())
                })
            })
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        assert_eq!(checked_name("  Ada's laptop ").unwrap(), "Ada's laptop");
        assert_eq!(checked_name("客厅的电脑").unwrap(), "客厅的电脑");
        assert_eq!(checked_name("").unwrap(), "", "a name can be taken away");
        for bad in ["two\nlines", "a\u{202e}b", &"x".repeat(DEVICE_NAME_CHARS_MAX + 1)] {
            assert!(checked_name(bad).is_err(), "{bad:?}");
        }
    }
}

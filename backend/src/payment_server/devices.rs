//! Devices and what they may say about a request: register, show, seen, reject.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use envelope::{Device, DeviceSealingKey, VerifyingKey};
use payment::{DeviceId, RequestEvent, RequestId, RequestState};
use protocol::wallet_api::{RegisterDevice, RequestStatusView};
use protocol::{ErrorCode, Problem};

use super::auth::{DeviceCall, SignedCall};
use super::payment_requests::{StoredRequest, parse_id};
use super::problem::why_not_open;
use super::{App, Error, outbox};
use crate::clock::{now_ms, signed_ms};
use crate::storage::DbConnection;

/// The longest language tag (BCP 47), in bytes.
const LANGUAGE_BYTES_MAX: usize = 35;

/// Registers a device. The call is signed by the key it brings; the same device may register again with
/// the same keys, to change its language.
#[utoipa::path(post, path = "/v1/devices", tag = "wallet", security(("device_signature" = [])), request_body = RegisterDevice,
    responses((status = 201), (status = 401, body = Problem)))]
pub(super) async fn register(State(app): State<App>, call: SignedCall) -> Result<StatusCode, Error> {
    let device: RegisterDevice = call.json()?;
    let key: VerifyingKey<Device> =
        VerifyingKey::from_base64url(&device.signing_key).map_err(|_| ErrorCode::InvalidInput)?;
    DeviceSealingKey::from_base64url(&device.sealing_key).map_err(|_| ErrorCode::InvalidInput)?;
    let well_formed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let language_fits = (1..=LANGUAGE_BYTES_MAX).contains(&device.language.len());
    if call.device_id != device.device_id || !language_fits || !device.language.bytes().all(well_formed) {
        return Err(ErrorCode::InvalidInput.into());
    }
    call.verify(&key)?;
    app.db.write(move |db_tx| Box::pin(async move { insert(db_tx, &device).await })).await?;
    Ok(StatusCode::CREATED)
}

async fn insert(db_tx: &mut DbConnection, device: &RegisterDevice) -> Result<(), Error> {
    let changed = sqlx::query(
        "INSERT INTO device (id, signing_key, sealing_key, language, registered_ms) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (id) DO UPDATE SET language = excluded.language \
         WHERE device.signing_key = excluded.signing_key AND device.sealing_key = excluded.sealing_key",
    )
    .bind(device.device_id.to_string())
    .bind(&device.signing_key)
    .bind(&device.sealing_key)
    .bind(&device.language)
    .bind(signed_ms(now_ms()))
    .execute(db_tx)
    .await?;
    // No row: the id belongs to a device with other keys.
    if changed.rows_affected() == 1 { Ok(()) } else { Err(ErrorCode::DeviceSignatureInvalid.into()) }
}

/// From now on the device is told about the request.
pub(super) async fn follow(db_tx: &mut DbConnection, request: RequestId, device: DeviceId) -> Result<(), Error> {
    sqlx::query("INSERT INTO request_device (request_id, device_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(request.to_string())
        .bind(device.to_string())
        .execute(db_tx)
        .await?;
    Ok(())
}

fn view(request: &StoredRequest, now_ms: u64) -> Json<RequestStatusView> {
    Json(RequestStatusView {
        request_id: request.id,
        state: request.state,
        refunded_minor: request.refunded_minor,
        refunded_ms: request.refunded_ms,
        server_time_ms: now_ms,
    })
}

/// Where a request stands.
#[utoipa::path(get, path = "/v1/requests/{id}", tag = "wallet", security(("device_signature" = [])), params(("id" = String, Path)),
    responses((status = 200, body = RequestStatusView), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
    _: DeviceCall,
) -> Result<Json<RequestStatusView>, Error> {
    let now_ms = now_ms();
    Ok(view(&app.request_now(parse_id(&id)?, now_ms).await?, now_ms))
}

/// The payer looked at the request.
#[utoipa::path(post, path = "/v1/requests/{id}/seen", tag = "wallet", security(("device_signature" = [])), params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn seen(
    State(app): State<App>,
    Path(id): Path<String>,
    call: DeviceCall,
) -> Result<StatusCode, Error> {
    let now_ms = now_ms();
    let request = app.request_now(parse_id(&id)?, now_ms).await?;
    let (id, device_id) = (request.id, call.device_id);
    app.db
        .write(move |db_tx| {
            Box::pin(async move {
                follow(db_tx, id, device_id).await?;
                outbox::seen(db_tx, id, device_id, now_ms).await
            })
        })
        .await?;
    if request.state.is_open() && request.state != RequestState::Seen {
        match app.change_request(id, RequestEvent::Seen, now_ms).await {
            // It moved on in between; having been seen no longer matters.
            Ok(_) | Err(Error::Transition(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The payer refuses the request.
#[utoipa::path(post, path = "/v1/requests/{id}/reject", tag = "wallet", security(("device_signature" = [])), params(("id" = String, Path)),
    responses((status = 200, body = RequestStatusView), (status = 409, body = Problem), (status = 410, body = Problem)))]
pub(super) async fn reject(
    State(app): State<App>,
    Path(id): Path<String>,
    call: DeviceCall,
) -> Result<Json<RequestStatusView>, Error> {
    let now_ms = now_ms();
    let mut request = app.request_now(parse_id(&id)?, now_ms).await?;
    if request.state != RequestState::Rejected {
        if let Some(code) = why_not_open(&request.state) {
            return Err(code.into());
        }
        let (id, device_id) = (request.id, call.device_id);
        app.db.write(move |db_tx| Box::pin(async move { follow(db_tx, id, device_id).await })).await?;
        request.state = match app.change_request(id, RequestEvent::Rejected, now_ms).await {
            Err(Error::Transition(_)) => {
                let state = app.request(id).await?.state;
                return Err(why_not_open(&state).unwrap_or(ErrorCode::Unavailable).into());
            }
            other => other?,
        };
    }
    Ok(view(&request, now_ms))
}

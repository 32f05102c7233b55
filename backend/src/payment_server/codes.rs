//! Codes: a payer's bank is found by its identity code, and the order of a code is brought to it.
//!
//! The server routes and counts. Password and code are sealed to the bank; the code goes from the bank to the payer's
//! terminal, so the server learns neither, and no step of it pays.

use std::str::FromStr;

use axum::Json;
use axum::extract::{Path, State};
use envelope::means::MeansKind;
use envelope::outer::{Route, Routing};
use iso8583::private::Composite;
use payment::{DeclineCode, DeviceId, IdentityCode};
use protocol::wallet_api::{CODE_LIFE_S, CodeOrderedView, CodePayerView, SubmitAttempt};
use protocol::{ErrorCode, Problem};

use super::attempts::{self, Submission};
use super::auth::DeviceCall;
use super::bank_messages::{self, Payment, Reference, retrieval_reference};
use super::payment_requests::{StoredRequest, parse_id};
use super::problem::why_not_open;
use super::{App, Error};
use crate::clock::{now_ms, signed_ms};
use crate::keys::{self, BankId};
use crate::storage::DbConnection;

pub(super) mod directory;

/// Looks at identity codes and orders of codes by one device within an hour.
const TRIES_PER_HOUR_MAX: i64 = 30;
const HOUR_MS: i64 = 60 * 60 * 1_000;

/// Which bank a payer pays by, and where a code can go. It tells nobody whether somebody has the code.
#[utoipa::path(get, path = "/v1/code-payers/{identity_code}", tag = "wallet", security(("device_signature" = [])),
    params(("identity_code" = String, Path)),
    responses((status = 200, body = CodePayerView), (status = 422, body = Problem)))]
pub(super) async fn payer(
    State(app): State<App>,
    Path(identity_code): Path<String>,
    call: DeviceCall,
) -> Result<Json<CodePayerView>, Error> {
    let slip = |_| Error::invalid("", "the identity code has a wrong digit");
    let identity_code = IdentityCode::from_str(&identity_code).map_err(slip)?;
    count_try(&app, call.device_id).await?;
    directory::find(&app, &identity_code).await.map(Json)
}

/// Orders a code, or confirms where it may go. The answer tells that it is on its way; it comes by the payer's terminal.
#[utoipa::path(post, path = "/v1/requests/{id}/codes", tag = "wallet", security(("device_signature" = [])), params(("id" = String, Path)),
    request_body = SubmitAttempt,
    responses((status = 200, body = CodeOrderedView), (status = 409, body = Problem), (status = 410, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn order(
    State(app): State<App>,
    Path(id): Path<String>,
    call: DeviceCall,
) -> Result<Json<CodeOrderedView>, Error> {
    let submission = Submission::read(parse_id(&id)?, &call)?;
    let request = app.request_now(submission.request_id, now_ms()).await?;
    if let Some(code) = why_not_open(&request.state) {
        return Err(code.into());
    }
    let routing = app.keys.open(submission.request_id, submission.attempt_id, &submission.capsule)?;
    attempts::check_routing(&routing, &request)?;
    if !matches!(routing.route, Route::Means { kind: MeansKind::Code, .. }) {
        return Err(ErrorCode::CapsuleUnreadable.into());
    }
    app.allowed_method(&request, &routing.route)?;
    let bank = app.front_for(&routing.route)?;
    count_try(&app, call.device_id).await?;
    forward(&app, &request, &submission, &routing, &bank).await?;
    Ok(Json(CodeOrderedView { life_s: CODE_LIFE_S }))
}

/// Counts a try in a step of its own, before it is made.
pub(super) async fn count_try(app: &App, device: DeviceId) -> Result<(), Error> {
    let now = now_ms();
    let is_within = app
        .db
        .write(move |db_tx| {
            Box::pin(async move {
                sqlx::query("DELETE FROM code_try WHERE device_id = $1 AND tried_ms <= $2")
                    .bind(device.to_string())
                    .bind(signed_ms(now) - HOUR_MS)
                    .execute(&mut *db_tx)
                    .await?;
                let tries: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM code_try WHERE device_id = $1")
                    .bind(device.to_string())
                    .fetch_one(&mut *db_tx)
                    .await?;
                if tries < TRIES_PER_HOUR_MAX {
                    sqlx::query("INSERT INTO code_try (id, device_id, tried_ms) VALUES ($1, $2, $3)")
                        .bind(keys::new_id(now))
                        .bind(device.to_string())
                        .bind(signed_ms(now))
                        .execute(&mut *db_tx)
                        .await?;
                }
                Ok::<_, Error>(tries < TRIES_PER_HOUR_MAX)
            })
        })
        .await?;
    if is_within { Ok(()) } else { Err(ErrorCode::RateLimited.into()) }
}

/// Brings the order to the bank. No money moves, so an answer that does not come is no riddle: the payer orders again.
async fn forward(
    app: &App,
    request: &StoredRequest,
    submission: &Submission,
    routing: &Routing,
    bank: &BankId,
) -> Result<(), Error> {
    let sent_ms = now_ms();
    let stan = app.db.write(|db_tx: &mut DbConnection| Box::pin(attempts::next_stan(db_tx))).await?;
    let reference = Reference { stan, rrn: retrieval_reference(sent_ms, stan), sent_ms };
    let message = bank_messages::code_request(
        &Payment {
            profile: app.keys.merchant(&request.merchant_id).ok_or(Error::Row("merchant"))?,
            merchant_id: &request.merchant_id,
            amount: request.amount,
            order_jws: &request.order_jws,
            attempt_id: submission.attempt_id,
            wallet_nonce: routing.wallet_nonce,
            inner: &routing.inner,
        },
        &reference,
    )?;
    let line = app.banks.of(bank).ok_or(ErrorCode::BankUnreachable)?;
    let Ok(exchange) = line.exchange(&message).await else { return Err(ErrorCode::BankUnreachable.into()) };
    let answer = exchange.answer;
    let composite = Composite::of(&answer).unwrap_or_default();
    if let Some(certificate) = &composite.bank_certificate {
        app.take_bank_certificate(bank, certificate).await?;
    }
    match answer.text(39) {
        Ok("00") => Ok(()),
        Ok(response) => Err(ErrorCode::Declined(DeclineCode::from_response_code(response)).into()),
        Err(_) => Err(ErrorCode::BankUnreachable.into()),
    }
}

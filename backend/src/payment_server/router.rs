//! All routes, and what every call goes through: an id, a place among the calls at once, headers, a log line.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use protocol::ErrorCode;
use protocol::wallet_api::HEADER_DEVICE;
use tracing::Instrument;

use super::bank_link::BankLink;
use super::leftover::Leftover;
use super::limits::{Caller, CallerSlot, Standing};
use super::{
    App, Error, access, attempts, carriers, claims, codes, counters, deliveries, devices, docs, events, inbox, keyset,
    links, openapi, page, payment_numbers, payment_requests, problem, refunds, reports, senders, siblings, sms,
    webhooks,
};
use crate::keys;
use crate::peer_certificate::PeerCertificate;

/// Every route of the server.
pub(super) fn router(app: App) -> Router {
    Router::new()
        .route("/v1/health", get(health))
        .route("/docs", get(docs::show_calls))
        .route("/docs/errors", get(docs::show_errors))
        .route("/v1/openapi.json", get(openapi::show))
        .route("/v1/keyset", get(keyset::show))
        .route("/v1/links/{token}", get(links::show))
        .route("/r/{token}", get(links::page))
        .route("/c/{token}", get(links::page))
        .route("/pay/page.js", get(page::script))
        .route("/pay/screen.js", get(page::screen))
        .route("/pay/page.css", get(page::style))
        .route("/pay/texts.json", get(page::texts))
        .route("/pay/module.js", get(page::module_js))
        .route("/pay/module.wasm", get(page::module_wasm))
        .route("/pay/roots.json", get(page::roots))
        .route("/pay/{token}", get(page::show))
        .route("/v1/payment-requests", get(payment_requests::list).post(payment_requests::create))
        .route("/v1/payment-requests/{id}", get(payment_requests::show))
        .route("/v1/payment-requests/{id}/deliveries", get(deliveries::list))
        .route("/v1/payment-requests/{id}/resend", post(deliveries::resend))
        .route("/v1/sms-status", post(sms::http::status))
        .route("/v1/payment-requests/{id}/cancel", post(payment_requests::cancel))
        .route("/v1/payment-requests/{id}/expire", post(payment_requests::expire))
        .route("/v1/counters", get(counters::list).post(counters::create))
        .route("/v1/counters/{counter}", get(counters::shown).delete(counters::remove))
        .route("/v1/access", get(access::show))
        .route("/v1/api-keys", post(access::create_key))
        .route("/v1/api-keys/{id}", delete(access::revoke_key))
        .route("/v1/certificates", post(access::create_certificate))
        .route("/v1/certificates/{fingerprint}", delete(access::remove_certificate))
        .route("/v1/payment-requests/{id}/events", get(events::page_of_request))
        .route("/v1/payment-requests/{id}/refunds", get(refunds::list).post(refunds::create))
        .route("/v1/refunds/{id}", get(refunds::show))
        .route("/v1/events", get(events::page))
        .route("/v1/webhooks", get(webhooks::list).post(webhooks::create))
        .route("/v1/webhooks/{id}", delete(webhooks::delete))
        .route("/v1/webhooks/{id}/rotate", post(webhooks::rotate))
        .route("/v1/webhooks/{id}/test", post(webhooks::deliveries::test))
        .route("/v1/webhooks/{id}/deliveries", get(webhooks::deliveries::page))
        .route("/v1/webhooks/{id}/deliveries/{delivery_id}/redeliver", post(webhooks::deliveries::redeliver))
        .route("/v1/devices", get(siblings::list).post(devices::register))
        .route("/v1/devices/{id}", put(siblings::describe).delete(siblings::remove))
        .route("/v1/claims", get(siblings::claims).post(claims::start).delete(claims::release))
        .route("/v1/claims/confirm", post(claims::confirm))
        .route("/v1/payment-numbers", get(payment_numbers::list).post(payment_numbers::create))
        .route("/v1/payment-numbers/{id}", delete(payment_numbers::revoke))
        .route("/v1/senders", get(senders::accepted))
        .route("/v1/blocks", get(senders::blocked))
        .route("/v1/blocks/{merchant_id}", put(senders::block).delete(senders::unblock_merchant))
        .route("/v1/requests/{id}/accept-sender", post(senders::accept))
        .route("/v1/requests/{id}/report", post(reports::report))
        .route("/v1/inbox", get(inbox::page))
        .route("/v1/inbox/stream", get(inbox::stream))
        .route("/v1/requests/{id}", get(devices::show))
        .route("/v1/requests/{id}/seen", post(devices::seen))
        .route("/v1/requests/{id}/reject", post(devices::reject))
        .route("/v1/code-payers/{identity_code}", get(codes::payer))
        .route("/v1/requests/{id}/codes", post(codes::order))
        .route("/v1/operators/{operator}/enrolments", post(carriers::enrol))
        .route("/v1/requests/{id}/attempts", post(attempts::submit))
        .route("/v1/requests/{id}/attempts/{attempt_id}", get(attempts::show))
        .fallback(async || Error::from(ErrorCode::NotFound))
        .layer(middleware::from_fn_with_state(app.clone(), each_call))
        .with_state(app)
}

/// Whether the server can take calls that change something, and which banks' lines are up.
#[utoipa::path(get, path = "/v1/health", tag = "public", responses((status = 200), (status = 503)))]
pub(super) async fn health(State(app): State<App>) -> Result<Json<serde_json::Value>, Error> {
    if app.db.is_writable() {
        let state = |line: &BankLink| if line.is_up() { "up" } else { "down" };
        let banks: BTreeMap<_, _> = app.banks.iter().map(|(bank, line)| (bank.as_str(), state(line))).collect();
        Ok(Json(serde_json::json!({ "status": "ok", "banks": banks })))
    } else {
        Err(ErrorCode::Unavailable.into())
    }
}

async fn each_call(State(app): State<App>, request: Request, next: Next) -> Response {
    let call_id = hex::encode(keys::random::<8>());
    let path = request.extensions().get::<axum::extract::MatchedPath>().map_or("-", |path| path.as_str()).to_owned();
    // The matched pattern, not the path: a token or an id has no place in a log of every call.
    let span = tracing::info_span!("call", id = call_id, method = %request.method(), path = &*path);
    let (method, began) = (request.method().clone(), std::time::Instant::now());
    let caller = CallerSlot::default();
    let (response, standing) = async {
        let Ok(_place) = app.calls.try_acquire() else {
            return (Error::from(ErrorCode::Unavailable).into_response(), None);
        };
        let (parts, body) = request.into_parts();
        let (body, leftover) = Leftover::of(body);
        let counted = counted(&app, &caller, Request::from_parts(parts, body), next).await;
        if counted.0.status().is_client_error() {
            leftover.discard().await;
        }
        counted
    }
    .instrument(span.clone())
    .await;
    let mut response = span.in_scope(|| problem::finish(response, &call_id));
    app.metrics.call(method.as_str(), &path, response.status(), began.elapsed());
    let headers = response.headers_mut();
    if let Some(standing) = standing {
        standing.tell(headers);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Runs a call and counts it: a merchant's as the merchant's, a registered device's not at all, and any other as its
/// address's. One that shows no credentials is counted before anything is done for it.
async fn counted(app: &App, caller: &CallerSlot, mut request: Request, next: Next) -> (Response, Option<Standing>) {
    let address = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let is_anonymous = shows_no_credentials(&request);
    // No id, token or text of ours has a NUL, and PostgreSQL takes none.
    let uri = request.uri();
    if uri.path().contains("%00") || uri.query().is_some_and(|query| query.contains("%00")) {
        return (Error::refused_as(StatusCode::BAD_REQUEST, "the address has a NUL in it").into_response(), None);
    }
    let count = || address.map(|address| app.limits.count_address(address));
    let mut standing = None;
    if is_anonymous {
        standing = count();
        if standing.is_some_and(|standing| standing.is_over()) {
            return (Error::from(ErrorCode::RateLimited).into_response(), standing);
        }
    }
    request.extensions_mut().insert(caller.clone());
    let response = next.run(request).await;
    match caller.get() {
        Some(Caller::Merchant(standing)) => (response, Some(*standing)),
        Some(Caller::Device) => (response, None),
        None if is_anonymous => (response, standing),
        None => match count() {
            Some(standing) if standing.is_over() => {
                (Error::from(ErrorCode::RateLimited).into_response(), Some(standing))
            }
            standing => (response, standing),
        },
    }
}

fn shows_no_credentials(request: &Request) -> bool {
    let shows = |name: &str| request.headers().contains_key(name);
    let certificate = request.extensions().get();
    !shows(header::AUTHORIZATION.as_str())
        && !shows(HEADER_DEVICE)
        && !matches!(certificate, Some(PeerCertificate(Some(_))))
}

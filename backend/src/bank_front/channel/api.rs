//! The calls of channels: customers by name for those that authenticate them, visits for terminals.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, RawPathParams, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};

use super::admission::{Channel, ChannelKind};
use super::refusal::{ProblemView, Refusal};
use super::visit::{self, VisitBody};
use super::wish::{CustomerView, JournalView, TypedCode, Wish};
use super::{Acting, desk};
use crate::bank_front::BankFront;
use crate::bank_front::binding::{Change, ChangeRefused};
use crate::peer_certificate::PeerCertificate;

/// The longest body, in bytes.
const BODY_BYTES_MAX: usize = 8 * 1_024;

/// What every call shares.
pub(super) type App = Arc<BankFront>;

/// Every call.
pub(super) fn router(front: App) -> Router {
    Router::new()
        .nest("/v1/customers/{customer}", of_customer().route("/", get(look)))
        .nest("/v1/visits/{visit}", of_customer().route("/", put(open_visit).get(look)))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(front)
}

fn of_customer() -> Router<App> {
    Router::new()
        .route("/changes/{change}", put(propose).get(change))
        .route("/changes/{change}/codes", post(type_code))
        .route("/journal", get(journal))
}

/// The channel that calls.
pub(super) struct Caller(Channel);

impl FromRequestParts<App> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, front: &App) -> Result<Self, Refusal> {
        let shown = parts.extensions.get::<PeerCertificate>().and_then(|shown| shown.0.clone());
        let shown = shown.ok_or(Refusal::NotAdmitted)?;
        let mut connection = front.db.reader().acquire().await?;
        let channel = Channel::shown(&mut connection, &shown).await?;
        channel.filter(|channel| channel.is_admitted).map(Self).ok_or(Refusal::NotAdmitted)
    }
}

impl FromRequestParts<App> for Acting {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, front: &App) -> Result<Self, Refusal> {
        let Caller(channel) = Caller::from_request_parts(parts, front).await?;
        let params = RawPathParams::from_request_parts(parts, front).await.map_err(|_| Refusal::CustomerUnknown)?;
        let named = |name: &str| params.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
        let customer = match (&channel.kind, named("customer"), named("visit")) {
            (ChannelKind::Online, Some(customer), None) => customer,
            (ChannelKind::Terminal(_), None, Some(visit_id)) => {
                let mut connection = front.db.reader().acquire().await?;
                visit::customer_of(&mut connection, &channel, &visit_id, front.now_ms()).await?
            }
            (ChannelKind::Online | ChannelKind::Terminal(_), _, _) => return Err(Refusal::NotForThisChannel),
        };
        Ok(Self { channel: channel.name, customer })
    }
}

/// The id of a change in the path.
pub(super) struct ChangeId(String);

impl<S: Send + Sync> FromRequestParts<S> for ChangeId {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| ChangeRefused::Unknown)?;
        let id = params.iter().find(|(key, _)| *key == "change").map(|(_, value)| value.to_owned());
        Ok(Self(id.ok_or(ChangeRefused::Unknown)?))
    }
}

/// An answer that nobody keeps.
fn unkept(answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A customer, with how it pays by code.
#[utoipa::path(
    get, path = "/v1/customers/{customer}", tag = "customers",
    params(("customer" = String, Path, description = "What the bank calls the customer")),
    responses((status = 200, description = "The customer", body = CustomerView),
        (status = 403, description = "`not_admitted`, `not_for_this_channel`", body = ProblemView),
        (status = 404, description = "`customer_unknown`", body = ProblemView))
)]
pub(super) async fn look(State(front): State<App>, acting: Acting) -> Result<Response, Refusal> {
    Ok(unkept(Json(desk::look(&front, &acting).await?)))
}

/// Asks for a change. It waits for the codes that this sends, but for `end`, which is done at once. The same id with the same
/// body is the same change, however often it is brought; another change that waits is replaced.
#[utoipa::path(
    put, path = "/v1/customers/{customer}/changes/{change}", tag = "changes",
    params(("customer" = String, Path, description = "What the bank calls the customer"),
        ("change" = String, Path, description = "An id that the channel makes: 1 to 64 letters, digits, `-` and `_`; a UUID")),
    request_body = Wish,
    responses((status = 200, description = "The change, and which codes it waits for", body = Change),
        (status = 403, description = "`not_admitted`, `not_for_this_channel`", body = ProblemView),
        (status = 404, description = "`customer_unknown`", body = ProblemView),
        (status = 409, description = "`not_bound`, `already_bound`, `account_unknown`, `account_known`, `account_currency`, `terminal_unknown`, `terminal_known`, `last_terminal`, `too_many_terminals`, `too_many_accounts`", body = ProblemView),
        (status = 422, description = "`malformed`, `change_differs`, `password_unfit`, `limits_unfit`", body = ProblemView),
        (status = 429, description = "`too_many_changes`, `too_many_texts`, `too_many_tries`", body = ProblemView))
)]
pub(super) async fn propose(
    State(front): State<App>,
    acting: Acting,
    ChangeId(id): ChangeId,
    body: Bytes,
) -> Result<Response, Refusal> {
    Ok(unkept(Json(desk::propose(&front, &acting, &id, &body).await?)))
}

/// A change, as it stands.
#[utoipa::path(
    get, path = "/v1/customers/{customer}/changes/{change}", tag = "changes",
    params(("customer" = String, Path, description = "What the bank calls the customer"),
        ("change" = String, Path, description = "The change's id")),
    responses((status = 200, description = "The change", body = Change),
        (status = 403, description = "`not_admitted`, `not_for_this_channel`", body = ProblemView),
        (status = 404, description = "`change_unknown`", body = ProblemView))
)]
pub(super) async fn change(
    State(front): State<App>,
    acting: Acting,
    ChangeId(id): ChangeId,
) -> Result<Response, Refusal> {
    Ok(unkept(Json(desk::change(&front, &acting, &id).await?)))
}

/// Brings a code that the customer typed. With the last one the change is carried out. A wrong one costs a try, but the same
/// wrong one only once; a change that is done stays so.
#[utoipa::path(
    post, path = "/v1/customers/{customer}/changes/{change}/codes", tag = "changes",
    params(("customer" = String, Path, description = "What the bank calls the customer"),
        ("change" = String, Path, description = "The change's id")),
    request_body = TypedCode,
    responses((status = 200, description = "The change", body = Change),
        (status = 403, description = "`wrong_code` with the tries that are left, `not_admitted`, `not_for_this_channel`", body = ProblemView),
        (status = 404, description = "`change_unknown`", body = ProblemView),
        (status = 409, description = "`change_over`; or the change cannot be made any more, for the reasons it might have been refused for", body = ProblemView),
        (status = 422, description = "`malformed`", body = ProblemView))
)]
pub(super) async fn type_code(
    State(front): State<App>,
    acting: Acting,
    ChangeId(id): ChangeId,
    body: Bytes,
) -> Result<Response, Refusal> {
    let typed: TypedCode = serde_json::from_slice(&body).map_err(|_| ChangeRefused::Malformed("the body"))?;
    Ok(unkept(Json(desk::type_code(&front, &acting, &id, typed).await?)))
}

/// What was changed of how a customer pays by code, by whichever channel; the newest first.
#[utoipa::path(
    get, path = "/v1/customers/{customer}/journal", tag = "customers",
    params(("customer" = String, Path, description = "What the bank calls the customer")),
    responses((status = 200, description = "At most fifty entries", body = JournalView),
        (status = 403, description = "`not_admitted`, `not_for_this_channel`", body = ProblemView))
)]
pub(super) async fn journal(State(front): State<App>, acting: Acting) -> Result<Response, Refusal> {
    Ok(unkept(Json(desk::journal(&front, &acting).await?)))
}

/// Opens a visit of a customer whose card and PIN were right on the port for cards within the last two minutes. It lasts ten
/// minutes. Below it are the same calls as below a customer.
#[utoipa::path(
    put, path = "/v1/visits/{visit}", tag = "visits",
    params(("visit" = String, Path, description = "An id that the channel makes: 1 to 64 letters, digits, `-` and `_`; a UUID")),
    request_body = VisitBody,
    responses((status = 200, description = "The customer", body = CustomerView),
        (status = 403, description = "`not_admitted`, `not_for_this_channel`", body = ProblemView),
        (status = 404, description = "`visit_unknown`, `customer_unknown`", body = ProblemView),
        (status = 422, description = "`malformed`", body = ProblemView))
)]
pub(super) async fn open_visit(
    State(front): State<App>,
    Caller(channel): Caller,
    Path(visit_id): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let body: VisitBody = serde_json::from_slice(&body).map_err(|_| ChangeRefused::Malformed("the body"))?;
    let customer = visit::open(&front, &channel, &visit_id, &body).await?;
    let acting = Acting { channel: channel.name, customer };
    Ok(unkept(Json(desk::look(&front, &acting).await?)))
}

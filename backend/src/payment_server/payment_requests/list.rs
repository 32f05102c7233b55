//! A merchant's requests, newest first, page by page.
//!
//! A cursor is the place of the last request shown, so a request that comes in between changes no later page.

use axum::Json;
use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use payment::RequestState;
use protocol::merchant_api::{PaymentRequestsPage, Scope};
use serde::Deserialize;

use super::super::auth::{CallingMerchant, Number, Params};
use super::super::{App, Error};
use super::{RequestRow, StoredRequest, new_view};
use crate::clock::signed_ms;

/// Requests of one page, unless the caller says otherwise, and at most.
const PAGE_USUAL: u32 = 50;
const PAGE_MAX: u32 = 100;
/// The longest text searched for in order numbers, in characters.
const TEXT_CHARS_MAX: usize = 64;

/// Which requests.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in super::super) struct Filter {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Requests of a page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// Only those in this state.
    status: Option<String>,
    /// Only those whose order number has this in it, whatever the case of its letters.
    #[param(min_length = 1, max_length = 64)]
    order_number: Option<String>,
    /// Only those made at or after this time, ms since the Unix epoch.
    #[param(value_type = Option<u64>)]
    created_from_ms: Option<Number>,
    /// Only those made before this time, ms since the Unix epoch.
    #[param(value_type = Option<u64>)]
    created_to_ms: Option<Number>,
}

/// The last request of a page.
struct Cursor {
    created_ms: i64,
    id: String,
}

impl Cursor {
    /// Before the first request.
    const fn start() -> Self {
        Self { created_ms: i64::MAX, id: String::new() }
    }

    fn after(request: &StoredRequest) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}:{}", request.created_ms, request.id))
    }

    fn parse(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (created_ms, id) = text.split_once(':')?;
        Some(Self { created_ms: created_ms.parse().ok()?, id: id.to_owned() })
    }
}

/// Requests of the calling merchant, newest first.
#[utoipa::path(get, path = "/v1/payment-requests", tag = "payment requests",
    security(("api_key" = []), ("certificate" = [])), params(Filter),
    responses((status = 200, body = PaymentRequestsPage)))]
pub(in super::super) async fn list(
    State(app): State<App>,
    caller: CallingMerchant,
    Params(filter): Params<Filter>,
) -> Result<Json<PaymentRequestsPage>, Error> {
    let merchant = caller.require(Scope::RequestsRead)?;
    let limit = filter.limit.unwrap_or(PAGE_USUAL);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Error::invalid("/limit", "a page has 1 to 100 requests"));
    }
    let cursor = match &filter.cursor {
        Some(text) => Cursor::parse(text).ok_or_else(|| Error::invalid("/cursor", "not a cursor of this list"))?,
        None => Cursor::start(),
    };
    let rows: Vec<RequestRow> = sqlx::query_as(
        "SELECT * FROM payment_request WHERE merchant_id = $1 AND ($2 = '' OR state = $2) \
         AND LOWER(order_number) LIKE LOWER($3) ESCAPE '\\' AND created_ms >= $4 AND created_ms < $5 \
         AND (created_ms < $6 OR (created_ms = $6 AND id < $7)) ORDER BY created_ms DESC, id DESC LIMIT $8",
    )
    .bind(merchant.as_str())
    .bind(filter.status()?)
    .bind(filter.pattern()?)
    .bind(filter.created_from_ms.map_or(0, |Number(time_ms)| signed_ms(time_ms)))
    .bind(filter.created_to_ms.map_or(i64::MAX, |Number(time_ms)| signed_ms(time_ms)))
    .bind(cursor.created_ms)
    .bind(cursor.id)
    .bind(i64::from(limit) + 1)
    .fetch_all(app.db.reader())
    .await?;
    let has_more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    let mut requests = rows.into_iter().map(RequestRow::parse).collect::<Result<Vec<_>, _>>()?;
    if has_more {
        requests.pop();
    }
    let next_cursor = requests.last().filter(|_| has_more).map(Cursor::after);
    Ok(Json(PaymentRequestsPage { requests: requests.iter().map(new_view).collect(), next_cursor }))
}

impl Filter {
    /// The state's name; empty for any.
    fn status(&self) -> Result<&str, Error> {
        match self.status.as_deref() {
            None => Ok(""),
            Some(name) if RequestState::NAMES.contains(&name) => Ok(name),
            Some(_) => Err(Error::invalid("/status", "not the name of a state")),
        }
    }

    /// What `LIKE` compares order numbers with.
    fn pattern(&self) -> Result<String, Error> {
        let Some(text) = &self.order_number else { return Ok("%".to_owned()) };
        if !(1..=TEXT_CHARS_MAX).contains(&text.chars().count()) || text.contains('\0') {
            return Err(Error::invalid("/order_number", "1 to 64 characters"));
        }
        let mut pattern = String::from("%");
        for character in text.chars() {
            if matches!(character, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern.push('%');
        Ok(pattern)
    }
}

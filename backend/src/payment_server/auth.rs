//! Who calls: a merchant by its API key or its client certificate, a device by its signature over the call.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use envelope::{Device, VerifyingKey, http_signature};
use payment::{DeviceId, MerchantId};
use protocol::merchant_api::Scope;
use protocol::wallet_api::{HEADER_DEVICE, HEADER_SIGNATURE, HEADER_TIME};
use protocol::{ErrorCode, Problem};
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;

use super::access::{self, Access};
use super::limits::{Caller, CallerSlot};
use super::{App, Error};
use crate::clock::{now_ms, signed_ms};
use crate::peer_certificate::PeerCertificate;

/// The largest body of a call, in bytes: a submitted capsule takes about four kilobytes, an order eleven.
const BODY_BYTES_MAX: usize = 64 * 1_024;
/// How long a body may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// The merchant that calls, and what this caller may do. Whose it is comes out only against a scope.
pub(super) struct CallingMerchant(Access);

impl CallingMerchant {
    /// The merchant, if the caller may do what `scope` says.
    pub(super) fn require(self, scope: Scope) -> Result<MerchantId, Error> {
        if self.0.scopes.contains(&scope) {
            return Ok(self.0.merchant);
        }
        let detail = format!("this needs the scope {}", scope.name());
        Err(Error::RefusedWith(Box::new(Problem::new(ErrorCode::ScopeMissing).with_detail(detail))))
    }

    /// The same, with everything this caller may do.
    pub(super) fn require_with_scopes(self, scope: Scope) -> Result<(MerchantId, Vec<Scope>), Error> {
        let scopes = self.0.scopes.clone();
        Ok((self.require(scope)?, scopes))
    }
}

impl FromRequestParts<App> for CallingMerchant {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let found = if let Some(credentials) = header_text(&parts.headers, header::AUTHORIZATION.as_str()) {
            // RFC 9110, section 11.1: a scheme's name is case-insensitive.
            let key = credentials.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            let (_, key) = key.ok_or(ErrorCode::Unauthorized)?;
            access::by_api_key(app, key.trim()).await?
        } else if let Some(PeerCertificate(Some(fingerprint))) = parts.extensions.get() {
            access::by_certificate(app, fingerprint).await?
        } else {
            None
        };
        let found = found.ok_or(ErrorCode::Unauthorized)?;
        let standing = app.limits.count_merchant(&found.merchant);
        note(&parts.extensions, Caller::Merchant(standing));
        if standing.is_over() { Err(ErrorCode::RateLimited.into()) } else { Ok(Self(found)) }
    }
}

fn note(extensions: &Extensions, caller: Caller) {
    if let Some(slot) = extensions.get::<CallerSlot>() {
        slot.note(caller);
    }
}

/// Reads a body that comes within its bound and its time.
async fn read_body(body: axum::body::Body) -> Result<Bytes, Error> {
    let bytes = tokio::time::timeout(BODY_DEADLINE, axum::body::to_bytes(body, BODY_BYTES_MAX)).await;
    let too_late = || Error::refused_as(StatusCode::REQUEST_TIMEOUT, "the body took too long to arrive");
    bytes.map_err(|_| too_late())?.map_err(|error| {
        if std::error::Error::source(&error)
            .is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>)
        {
            Error::refused_as(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large")
        } else {
            ErrorCode::InvalidInput.into()
        }
    })
}

/// A whole body within the bound.
pub(super) struct Body {
    pub(super) bytes: Bytes,
    is_json: bool,
}

impl FromRequest<App> for Body {
    type Rejection = Error;

    async fn from_request(request: Request, _: &App) -> Result<Self, Error> {
        let media_type = header_text(request.headers(), header::CONTENT_TYPE.as_str()).unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        let is_json = essence.eq_ignore_ascii_case("application/json");
        Ok(Self { bytes: read_body(request.into_body()).await?, is_json })
    }
}

impl Body {
    /// The body as JSON of one type.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        if self.is_json {
            json(&self.bytes)
        } else {
            Err(Error::refused_as(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be application/json"))
        }
    }
}

fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    let mut parser = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut parser).map_err(|error| {
        // The parser's message may quote the body, which may hold a code: of it only the place is passed on.
        Error::invalid(&pointer(error.path()), "missing, malformed or not known")
    })?;
    parser.end().map_err(|_| Error::invalid("", "more follows the JSON text"))?;
    Ok(read)
}

/// A place in a body as a JSON Pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        let name = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&name);
    }
    pointer
}

/// A number in a query: one that is a JSON number which nobody rounds (RFC 8259, section 6), so it fits every row too.
#[derive(Clone, Copy, Default, serde::Deserialize)]
#[serde(try_from = "u64")]
pub(super) struct Number(pub(super) u64);

impl Number {
    /// The largest one.
    pub(super) const MAX: u64 = (1 << 53) - 1;
}

impl TryFrom<u64> for Number {
    type Error = &'static str;

    fn try_from(number: u64) -> Result<Self, Self::Error> {
        if number <= Self::MAX { Ok(Self(number)) } else { Err("too large a number") }
    }
}

/// The query of a call, by one type.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Params<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Error> {
        let refused = || Error::refused_as(StatusCode::BAD_REQUEST, "the query is malformed");
        let Query(params) = Query::try_from_uri(&parts.uri).map_err(|_| refused())?;
        Ok(Self(params))
    }
}

/// A call signed by a registered device.
pub(super) struct DeviceCall {
    /// The device.
    pub(super) device_id: DeviceId,
    /// Its key, for signatures inside the body.
    pub(super) key: VerifyingKey<Device>,
    body: Bytes,
}

impl DeviceCall {
    /// The body as JSON of one type.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        json(&self.body)
    }
}

impl FromRequest<App> for DeviceCall {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self, Error> {
        let extensions = request.extensions().clone();
        let call = SignedCall::read(request).await?;
        let row: Option<String> = sqlx::query_scalar("SELECT signing_key FROM device WHERE id = $1")
            .bind(call.device_id.to_string())
            .fetch_optional(app.db.reader())
            .await?;
        let text = row.ok_or(ErrorCode::DeviceUnknown)?;
        let key = VerifyingKey::from_base64url(&text).map_err(|_| Error::Row("device"))?;
        call.verify(&key)?;
        note(&extensions, Caller::Device);
        Ok(Self { device_id: call.device_id, key, body: call.body })
    }
}

/// A call that says which device signed it, not verified yet.
pub(super) struct SignedCall {
    /// Who says to have signed.
    pub(super) device_id: DeviceId,
    time_ms: i64,
    signature: String,
    method: String,
    path_and_query: String,
    body: Bytes,
}

impl SignedCall {
    async fn read(request: Request) -> Result<Self, Error> {
        let (parts, body) = request.into_parts();
        let text = |name| header_text(&parts.headers, name).ok_or(ErrorCode::DeviceSignatureInvalid);
        let device_id = text(HEADER_DEVICE)?.parse().map_err(|_| ErrorCode::DeviceUnknown)?;
        let time_ms: i64 = text(HEADER_TIME)?.parse().map_err(|_| ErrorCode::DeviceSignatureInvalid)?;
        let now_ms = now_ms();
        if !http_signature::is_fresh(time_ms, signed_ms(now_ms)) {
            let mut problem = Problem::new(ErrorCode::ClockSkew);
            problem.server_time_ms = Some(now_ms);
            return Err(Error::RefusedWith(Box::new(problem)));
        }
        let signature = text(HEADER_SIGNATURE)?.to_owned();
        let path_and_query = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
        let body = read_body(body).await?;
        Ok(Self { device_id, time_ms, signature, method: parts.method.to_string(), path_and_query, body })
    }

    /// Whether `key` signed the call.
    pub(super) fn verify(&self, key: &VerifyingKey<Device>) -> Result<(), Error> {
        let Self { method, path_and_query, time_ms, body, signature, .. } = self;
        http_signature::verify_http(key, method, path_and_query, *time_ms, body, signature)
            .map_err(|_| ErrorCode::DeviceSignatureInvalid.into())
    }

    /// The body as JSON of one type.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        json(&self.body)
    }
}

impl FromRequest<App> for SignedCall {
    type Rejection = Error;

    async fn from_request(request: Request, _: &App) -> Result<Self, Error> {
        Self::read(request).await
    }
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

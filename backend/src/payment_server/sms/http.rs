//! A gateway that speaks HTTP: `POST {id, to, text}` with a bearer token, and a signed callback that says how it went.
//!
//! The contract is in `docs/deliveries.md`. The id names the message: a gateway that gets it twice sends it once.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use protocol::merchant_api::SmsStatus;
use protocol::{ErrorCode, Problem};
use reqwest::{Certificate, Client};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use url::Url;
use zeroize::Zeroizing;

use super::super::auth::Body;
use super::super::outbox::{self, Report};
use super::super::{App, Error};
use super::{SmsGateway, decoded, sms_error};
use crate::clock::now_ms;
use crate::gateway::Verdict;

/// How long connecting may take, and the whole call.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
const CALL_DEADLINE: Duration = Duration::from_secs(20);
/// How old a signed callback may be, in seconds, or how far ahead its clock.
const CALLBACK_AGE_S_MAX: u64 = 300;

/// A gateway.
pub(in super::super) struct HttpGateway {
    name: String,
    url: Url,
    token: Zeroizing<String>,
    client: Client,
}

/// What is sent.
#[derive(Serialize)]
struct Message<'a> {
    id: &'a str,
    to: &'a str,
    text: &'a str,
}

/// Why a gateway did not take a message.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: String,
}

impl HttpGateway {
    /// The address's password is the token.
    pub(super) fn new(mut url: Url, ca: Option<&[u8]>) -> Result<Self, Error> {
        let token = Zeroizing::new(decoded(url.password().unwrap_or_default())?);
        let host = url.host_str().ok_or_else(|| sms_error("a gateway's address names no host"))?.to_owned();
        let is_here = matches!(host.as_str(), "127.0.0.1" | "localhost" | "[::1]");
        if token.is_empty() || (url.scheme() == "http" && !is_here) {
            return Err(sms_error("a gateway is https://:TOKEN@host/path; http only on this machine"));
        }
        let name = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
        url.set_password(None).and_then(|()| url.set_username("")).map_err(|()| sms_error("a gateway's address"))?;
        let mut client = Client::builder()
            .connect_timeout(CONNECT_DEADLINE)
            .timeout(CALL_DEADLINE)
            .redirect(reqwest::redirect::Policy::none());
        if let Some(ca) = ca {
            client = client.tls_certs_merge([Certificate::from_pem(ca).map_err(sms_error)?]);
        }
        Ok(Self { name, url, token, client: client.build().map_err(sms_error)? })
    }

    /// Hands a message over.
    pub(super) async fn send(&self, id: &str, to: &str, text: &str) -> Verdict {
        let call = self.client.post(self.url.clone()).bearer_auth(self.token.as_str()).json(&Message { id, to, text });
        let answer = match call.send().await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => return Verdict::Elsewhere("gateway_unreachable"),
            Err(error) if error.is_timeout() => return Verdict::Unsure("timeout"),
            Err(_) => return Verdict::Unsure("connection_lost"),
        };
        match answer.status().as_u16() {
            200..=299 => Verdict::taken(&self.name),
            422 => match answer.json::<Refusal>().await.unwrap_or_default().error.as_str() {
                "address_refused" => Verdict::Refused("address_refused"),
                _ => Verdict::Refused("message_refused"),
            },
            429 => Verdict::Later("gateway_busy"),
            502..=504 => Verdict::Elsewhere("gateway_unreachable"),
            // It may have failed after it sent.
            500..=599 => Verdict::Unsure("gateway_failed"),
            _ => Verdict::Elsewhere("gateway_refused"),
        }
    }

    /// Whether a callback carries this gateway's signature, in the form of Standard Webhooks.
    fn signed(&self, headers: &HeaderMap, body: &[u8], now_s: u64) -> bool {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let (Some(id), Some(time), Some(signatures)) =
            (text("webhook-id"), text("webhook-timestamp"), text("webhook-signature"))
        else {
            return false;
        };
        if time.parse::<u64>().map_or(true, |time| time.abs_diff(now_s) > CALLBACK_AGE_S_MAX) {
            return false;
        }
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(self.token.as_bytes()).expect("HMAC takes any key");
        mac.update(format!("{id}.{time}.").as_bytes());
        mac.update(body);
        let mut offered = signatures.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
        offered.any(|one| mac.clone().verify_slice(&one).is_ok())
    }
}

/// What a gateway says of a message that it took. Signed with the gateway's token after Standard Webhooks.
#[utoipa::path(post, path = "/v1/sms-status", tag = "public", request_body = SmsStatus,
    params(("webhook-id" = String, Header), ("webhook-timestamp" = String, Header), ("webhook-signature" = String, Header)),
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub(in super::super) async fn status(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Error> {
    let now_s = now_ms() / 1_000;
    let signed = |gateway: &HttpGateway| gateway.signed(&headers, &body.bytes, now_s);
    let signers = app.channels.sms.iter().filter_map(|gateway| match gateway {
        SmsGateway::Http(gateway) if signed(gateway) => Some(gateway.name.clone()),
        SmsGateway::Http(_) | SmsGateway::Smpp(_) | SmsGateway::Files(_) => None,
    });
    let signers: Vec<String> = signers.collect();
    if signers.is_empty() {
        return Err(ErrorCode::Unauthorized.into());
    }
    let (id, report) = match body.json()? {
        SmsStatus::Delivered { id } => (id, Report::Delivered),
        SmsStatus::Failed { id } => (id, Report::FailedHere("unreachable")),
    };
    // Several gateways may share a token; only the word of the one that took the message counts.
    for name in signers {
        outbox::report_by(&app, &name, &id, report).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gateway(url: &str) -> Option<HttpGateway> {
        crate::tls::install_provider();
        HttpGateway::new(Url::parse(url).unwrap(), None).ok()
    }

    fn headers(id: &str, time: &str, signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [("webhook-id", id), ("webhook-timestamp", time), ("webhook-signature", signature)] {
            headers.insert(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_the_gateways_fresh_signature_counts() {
        let gateway = gateway("https://:s3cret@sms.example.org/send").unwrap();
        assert_eq!(
            (gateway.name.as_str(), gateway.url.as_str()),
            ("sms.example.org:443", "https://sms.example.org/send")
        );
        let body = br#"{"id":"1","status":"delivered"}"#;
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(b"s3cret").unwrap();
        mac.update(b"m1.1000.");
        mac.update(body);
        let right = format!("v1,AAAA v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        assert!(gateway.signed(&headers("m1", "1000", &right), body, 1_100));
        assert!(!gateway.signed(&headers("m1", "1000", &right), body, 1_301), "too old");
        assert!(!gateway.signed(&headers("m2", "1000", &right), body, 1_100));
        assert!(!gateway.signed(&headers("m1", "1000", "v1,AAAA"), body, 1_100));
        assert!(!gateway.signed(&headers("m1", "1000", &right), b"{}", 1_100));
    }

    #[test]
    fn a_gateway_has_a_token_and_is_reached_over_tls() {
        assert!(gateway("http://:t@127.0.0.1:9/send").is_some());
        for wrong in ["https://sms.example.org/send", "http://:t@sms.example.org/send"] {
            assert!(gateway(wrong).is_none(), "{wrong}");
        }
    }
}

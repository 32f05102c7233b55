//! The merchant API as a till calls it: TLS 1.3 to the authority of the access file, with the API key.

use std::sync::Arc;
use std::time::Duration;

use payment::RequestId;
use protocol::ErrorCode;
use protocol::merchant_api::{EventsPage, PaymentRequestView};
use reqwest::{Method, Url};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::changes::{Changes, Reach};
use crate::error::{Result, WalletError};
use crate::server::{http_client, lost_or_not_reached, parse, read_bounded, refusal};

/// How long an ordinary call may take.
const CALL_WAIT: Duration = Duration::from_secs(10);
/// How long the server may hold a call for events.
pub const EVENTS_WAIT: Duration = Duration::from_secs(25);
/// How often a call whose answer is lost is made again: reading changes nothing, writing has an idempotency key.
const TRIES_MAX: u32 = 3;

/// The merchant API, called with one merchant's key.
pub struct MerchantApi {
    http: reqwest::Client,
    base: Url,
    api_key: Zeroizing<String>,
    changes: Arc<Changes>,
}

/// One call.
struct Call<'a> {
    method: Method,
    path: &'a str,
    query: &'a [(&'a str, String)],
    /// What it changes: the idempotency key and the body.
    write: Option<(&'a str, &'a [u8])>,
    wait: Duration,
}

impl MerchantApi {
    /// A client of this server. Nothing is sent yet.
    pub fn new(server: &str, tls_ca_pem: &str, api_key: Zeroizing<String>, changes: Arc<Changes>) -> Result<Self> {
        let base = Url::parse(server).map_err(|_| super::unusable("its server is not an address"))?;
        Ok(Self { http: http_client(tls_ca_pem)?, base, api_key, changes })
    }

    /// Reads.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Result<T> {
        let call = Call { method: Method::GET, path, query, write: None, wait: CALL_WAIT };
        parse(&self.call(&call).await?)
    }

    /// Changes something, once however often it is sent: the key names the call.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, key: &str, body: &[u8]) -> Result<T> {
        let call = Call { method: Method::POST, path, query: &[], write: Some((key, body)), wait: CALL_WAIT };
        parse(&self.call(&call).await?)
    }

    /// Removes something. Removing it again is no failure.
    pub async fn delete(&self, path: &str) -> Result<()> {
        let call = Call { method: Method::DELETE, path, query: &[], write: None, wait: CALL_WAIT };
        self.call(&call).await.map(drop)
    }

    /// A request as the server has it.
    pub async fn request(&self, request_id: RequestId) -> Result<PaymentRequestView> {
        self.get(&format!("/v1/payment-requests/{request_id}"), &[]).await
    }

    /// Journal entries after this one, waiting for the first of them as long as the server will.
    pub async fn next_events(&self, after: u64) -> Result<EventsPage> {
        let query = [("after", after.to_string()), ("wait_s", EVENTS_WAIT.as_secs().to_string())];
        let wait = EVENTS_WAIT + CALL_WAIT;
        let call = Call { method: Method::GET, path: "/v1/events", query: &query, write: None, wait };
        parse(&self.call(&call).await?)
    }

    /// Journal entries after this one, as many as there are now.
    pub async fn events(&self, after: u64) -> Result<EventsPage> {
        self.get("/v1/events", &[("after", after.to_string())]).await
    }

    /// A position after which the merchant has no journal entry now, found by halving: the journal may be long.
    pub async fn end_of_events(&self) -> Result<u64> {
        self.first_position(|page| page.events.is_empty()).await
    }

    /// The first position whose following entries satisfy `holds`, which must hold from some position on.
    pub async fn first_position(&self, holds: impl Fn(&EventsPage) -> bool) -> Result<u64> {
        let (mut low, mut high) = (0, 0);
        while !holds(&self.events(high).await?) {
            (low, high) = (high + 1, high * 2 + 1);
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if holds(&self.events(middle).await?) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }

    /// Makes a call, and again when its answer is lost.
    async fn call(&self, call: &Call<'_>) -> Result<Vec<u8>> {
        let mut tries = 1;
        let answer = loop {
            match self.call_once(call).await {
                Err(WalletError::Lost) if tries < TRIES_MAX => tries += 1,
                answer => break answer,
            }
        };
        let reach = match &answer {
            Err(WalletError::NotReached | WalletError::Lost) => Reach::Offline,
            Ok(_) | Err(_) => Reach::Online,
        };
        self.changes.reached(reach);
        answer
    }

    async fn call_once(&self, call: &Call<'_>) -> Result<Vec<u8>> {
        let mut url = self.base.clone();
        url.set_path(call.path);
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(call.query);
        }
        let mut request = self.http.request(call.method.clone(), url).bearer_auth(self.api_key.as_str());
        if let Some((key, body)) = call.write {
            request = request.header("idempotency-key", key);
            if !body.is_empty() {
                request = request.header(reqwest::header::CONTENT_TYPE, "application/json").body(body.to_vec());
            }
        }
        let response = request.timeout(call.wait).send().await.map_err(lost_or_not_reached)?;
        let status = response.status();
        let body = read_bounded(response).await?;
        if status.is_success() { Ok(body) } else { Err(refusal(status, &body)) }
    }
}

/// Whether the server answered, and what it has not is the answer.
pub fn not_there(error: &WalletError) -> bool {
    matches!(error, WalletError::Server(problem) if problem.code == ErrorCode::NotFound)
}

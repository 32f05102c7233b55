//! The payment server as the wallet reaches it: TLS 1.3 to one pinned authority, every call signed by the device.

mod stream;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use envelope::http_signature::sign_http;
use futures::StreamExt;
use payment::{AttemptId, DeviceId, IdentityCode, MerchantId, RequestId};
use protocol::merchant_api::PayerIdentifier;
use protocol::wallet_api::{
    AttemptView, CarrierEnrolledView, ClaimsView, CodeOrderedView, CodePayerView, ConfirmClaim, CreatePaymentNumber,
    DescribeDevice, DeviceView, DevicesView, EnrolCarrier, HEADER_DEVICE, HEADER_SIGNATURE, HEADER_TIME, InboxPage,
    KeysetView, OtherDevices, PaymentNumberView, PaymentNumbersView, ReleaseClaim, ReportReason, ReportRequest,
    RequestStatusView, SealedRequest, SenderView, SendersView, StartClaim, SubmitAttempt,
};
use protocol::{ErrorCode, Problem};
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::changes::{Changes, Reach};
use crate::clock;
use crate::device::Device;
use crate::error::{Result, WalletError};
use crate::trust::Trust;

/// How long connecting may take.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// How long an ordinary call may take.
const CALL_WAIT: Duration = Duration::from_secs(10);
/// How long a submission may take: more than the server waits for its bank.
const SUBMIT_WAIT: Duration = Duration::from_secs(25);
/// The largest answer that is read, in bytes: a keyset of a few thousand merchants.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How often a call that changes nothing is tried.
const READ_TRIES_MAX: u32 = 2;

/// The payment server.
pub struct Server {
    http: reqwest::Client,
    base: String,
    device: Arc<Device>,
    changes: Arc<Changes>,
    language: String,
    /// What to add to this device's clock to get the server's, in milliseconds.
    clock_offset_ms: AtomicI64,
}

/// Who signs a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signer {
    Nobody,
    Device,
}

/// One call.
struct Call {
    method: Method,
    path: String,
    body: Vec<u8>,
    signer: Signer,
    wait: Duration,
}

impl Call {
    fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: Vec::new(), signer: Signer::Device, wait: CALL_WAIT }
    }

    fn post<T: Serialize>(path: impl Into<String>, body: &T) -> Self {
        let body = serde_json::to_vec(body).expect("wire types are always JSON");
        Self { method: Method::POST, path: path.into(), body, signer: Signer::Device, wait: CALL_WAIT }
    }

    /// A call without a body.
    fn bare(method: Method, path: String) -> Self {
        Self { method, path, body: Vec::new(), signer: Signer::Device, wait: CALL_WAIT }
    }

    fn public(mut self) -> Self {
        self.signer = Signer::Nobody;
        self
    }
}

impl Server {
    /// A client of the server that the trust file names. Nothing is sent yet.
    pub fn new(trust: &Trust, device: Arc<Device>, changes: Arc<Changes>, language: String) -> Result<Self> {
        let http = http_client(&trust.tls_ca_pem)?;
        let base = trust.server_url.trim_end_matches('/').to_owned();
        Ok(Self { http, base, device, changes, language, clock_offset_ms: AtomicI64::new(0) })
    }

    /// Now, by the server's clock as far as it is known.
    pub fn now_ms(&self) -> u64 {
        clock::now_ms().saturating_add_signed(self.clock_offset_ms.load(Ordering::Relaxed))
    }

    /// `GET /v1/keyset`.
    pub async fn keyset(&self) -> Result<KeysetView> {
        self.read(Call::get("/v1/keyset").public()).await
    }

    /// `GET /v1/links/{token}`.
    pub async fn link(&self, token: &str) -> Result<SealedRequest> {
        self.read(Call::get(format!("/v1/links/{token}")).public()).await
    }

    /// `GET /v1/counters/{token}`: what a counter is asking for now.
    pub async fn counter(&self, token: &str) -> Result<SealedRequest> {
        self.read(Call::get(format!("/v1/counters/{token}")).public()).await
    }

    /// `POST /v1/devices`: makes this device known; doing it twice changes nothing.
    pub async fn register(&self) -> Result<()> {
        let call = Call::post("/v1/devices", &self.device.registration(&self.language)?);
        self.send(&call).await.map(|_| ())
    }

    /// `GET /v1/devices`.
    pub async fn devices(&self) -> Result<Vec<DeviceView>> {
        let view: DevicesView = self.read(Call::get("/v1/devices")).await?;
        Ok(view.devices)
    }

    /// `PUT /v1/devices/{id}`.
    pub async fn describe_device(&self, device_id: DeviceId, description: &DescribeDevice) -> Result<()> {
        let mut call = Call::post(format!("/v1/devices/{device_id}"), description);
        call.method = Method::PUT;
        self.act(&call).await.map(|_| ())
    }

    /// `DELETE /v1/devices/{id}`.
    pub async fn remove_device(&self, device_id: DeviceId) -> Result<()> {
        self.act(&Call::bare(Method::DELETE, format!("/v1/devices/{device_id}"))).await.map(|_| ())
    }

    /// `GET /v1/claims`.
    pub async fn claims(&self) -> Result<Vec<PayerIdentifier>> {
        let view: ClaimsView = self.read(Call::get("/v1/claims")).await?;
        Ok(view.identifiers)
    }

    /// `POST /v1/claims`.
    pub async fn start_claim(&self, identifier: PayerIdentifier) -> Result<()> {
        self.act(&Call::post("/v1/claims", &StartClaim { identifier })).await.map(|_| ())
    }

    /// `POST /v1/claims/confirm`.
    pub async fn confirm_claim(&self, identifier: PayerIdentifier, code: String, others: OtherDevices) -> Result<()> {
        self.act(&Call::post("/v1/claims/confirm", &ConfirmClaim { identifier, code, others })).await.map(|_| ())
    }

    /// `DELETE /v1/claims`.
    pub async fn release_claim(&self, identifier: PayerIdentifier) -> Result<()> {
        let mut call = Call::post("/v1/claims", &ReleaseClaim { identifier });
        call.method = Method::DELETE;
        self.act(&call).await.map(|_| ())
    }

    /// `POST /v1/payment-numbers`, once: a number whose answer is lost runs out unused.
    pub async fn create_payment_number(&self, wanted: &CreatePaymentNumber) -> Result<PaymentNumberView> {
        parse(&self.act(&Call::post("/v1/payment-numbers", wanted)).await?)
    }

    /// `GET /v1/payment-numbers`.
    pub async fn payment_numbers(&self) -> Result<Vec<PaymentNumberView>> {
        let view: PaymentNumbersView = self.read(Call::get("/v1/payment-numbers")).await?;
        Ok(view.numbers)
    }

    /// `DELETE /v1/payment-numbers/{id}`.
    pub async fn revoke_payment_number(&self, id: &str) -> Result<()> {
        self.act(&Call::bare(Method::DELETE, format!("/v1/payment-numbers/{id}"))).await.map(|_| ())
    }

    /// `POST /v1/requests/{id}/accept-sender`.
    pub async fn accept_sender(&self, request_id: RequestId) -> Result<()> {
        self.act(&Call::bare(Method::POST, format!("/v1/requests/{request_id}/accept-sender"))).await.map(|_| ())
    }

    /// `GET /v1/senders`: the merchants this person accepted on any device.
    pub async fn accepted_senders(&self) -> Result<Vec<SenderView>> {
        let view: SendersView = self.read(Call::get("/v1/senders")).await?;
        Ok(view.merchants)
    }

    /// `GET /v1/blocks`: the merchants this person blocked on any device.
    pub async fn blocked(&self) -> Result<Vec<SenderView>> {
        let view: SendersView = self.read(Call::get("/v1/blocks")).await?;
        Ok(view.merchants)
    }

    /// `PUT /v1/blocks/{merchant_id}`.
    pub async fn block(&self, merchant_id: &MerchantId) -> Result<()> {
        self.act(&Call::bare(Method::PUT, format!("/v1/blocks/{merchant_id}"))).await.map(|_| ())
    }

    /// `DELETE /v1/blocks/{merchant_id}`.
    pub async fn unblock(&self, merchant_id: &MerchantId) -> Result<()> {
        self.act(&Call::bare(Method::DELETE, format!("/v1/blocks/{merchant_id}"))).await.map(|_| ())
    }

    /// `POST /v1/requests/{id}/report`.
    pub async fn report(&self, request_id: RequestId, reason: ReportReason, note: Option<String>) -> Result<()> {
        let call = Call::post(format!("/v1/requests/{request_id}/report"), &ReportRequest { reason, note });
        self.act(&call).await.map(|_| ())
    }

    /// `GET /v1/inbox`.
    pub async fn inbox(&self, after: u64) -> Result<InboxPage> {
        self.read(Call::get(format!("/v1/inbox?after={after}"))).await
    }

    /// `GET /v1/requests/{id}`.
    pub async fn request_status(&self, request_id: RequestId) -> Result<RequestStatusView> {
        self.read(Call::get(format!("/v1/requests/{request_id}"))).await
    }

    /// `POST /v1/requests/{id}/seen`.
    pub async fn seen(&self, request_id: RequestId) -> Result<()> {
        let mut call = Call::post(format!("/v1/requests/{request_id}/seen"), &());
        call.body.clear();
        self.act(&call).await.map(|_| ())
    }

    /// `POST /v1/requests/{id}/reject`.
    pub async fn reject(&self, request_id: RequestId) -> Result<RequestStatusView> {
        let mut call = Call::post(format!("/v1/requests/{request_id}/reject"), &());
        call.body.clear();
        parse(&self.act(&call).await?)
    }

    /// `POST /v1/requests/{id}/attempts`, once: the caller decides about another try with the same bytes.
    pub async fn submit(&self, request_id: RequestId, attempt: &SubmitAttempt) -> Result<AttemptView> {
        let mut call = Call::post(format!("/v1/requests/{request_id}/attempts"), attempt);
        call.wait = SUBMIT_WAIT;
        parse(&self.act(&call).await?)
    }

    /// `GET /v1/code-payers/{identity_code}`.
    pub async fn code_payer(&self, identity_code: &IdentityCode) -> Result<CodePayerView> {
        self.read(Call::get(format!("/v1/code-payers/{identity_code}"))).await
    }

    /// `POST /v1/requests/{id}/codes`, once: a code that may have been ordered is ordered anew by the payer.
    pub async fn order_code(&self, request_id: RequestId, order: &SubmitAttempt) -> Result<CodeOrderedView> {
        let mut call = Call::post(format!("/v1/requests/{request_id}/codes"), order);
        call.wait = SUBMIT_WAIT;
        parse(&self.act(&call).await?)
    }

    /// `POST /v1/operators/{operator}/enrolments`, once: a step whose answer is lost is begun anew by the payer.
    pub async fn enrol_carrier(&self, operator: &str, body: &EnrolCarrier) -> Result<CarrierEnrolledView> {
        let mut call = Call::post(format!("/v1/operators/{operator}/enrolments"), body);
        call.wait = SUBMIT_WAIT;
        parse(&self.act(&call).await?)
    }

    /// `GET /v1/requests/{id}/attempts/{attempt_id}`; none when the server never stored it.
    pub async fn attempt(&self, request_id: RequestId, attempt_id: AttemptId) -> Result<Option<AttemptView>> {
        let found: Result<AttemptView> =
            self.read(Call::get(format!("/v1/requests/{request_id}/attempts/{attempt_id}"))).await;
        match found {
            Ok(view) => Ok(Some(view)),
            Err(WalletError::Server(problem)) if problem.code == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A call that changes nothing: tried again when its answer is lost.
    async fn read<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        let mut tries = 1;
        loop {
            match self.act(&call).await {
                Ok(answer) => return parse(&answer),
                Err(WalletError::Lost) if tries < READ_TRIES_MAX => tries += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends a call; after a hint about the clock or an unknown device, sets that right and sends it once more.
    async fn act(&self, call: &Call) -> Result<Vec<u8>> {
        match self.send(call).await {
            Err(WalletError::Server(problem)) if problem.code == ErrorCode::DeviceUnknown => {
                self.register().await?;
                self.send(call).await
            }
            answer => answer,
        }
    }

    /// Sends a call once, or twice when the first answer told that our clock is off.
    async fn send(&self, call: &Call) -> Result<Vec<u8>> {
        let answer = match self.send_once(call).await {
            Err(WalletError::Server(problem)) if self.learn_clock(&problem) => self.send_once(call).await,
            answer => answer,
        };
        let reach = match &answer {
            // Nothing was sent, and nothing learned.
            Err(WalletError::Code(ErrorCode::Locked)) => return answer,
            Err(WalletError::NotReached | WalletError::Lost) => Reach::Offline,
            Ok(_) | Err(_) => Reach::Online,
        };
        self.changes.reached(reach);
        answer
    }

    /// Takes the server's time from a problem; whether there was one.
    fn learn_clock(&self, problem: &Problem) -> bool {
        let Some(server_ms) = problem.server_time_ms.filter(|_| problem.code == ErrorCode::ClockSkew) else {
            return false;
        };
        let offset_ms = clock::signed(server_ms).saturating_sub(clock::signed(clock::now_ms()));
        tracing::warn!(offset_ms, "this device's clock differs from the payment server's");
        self.clock_offset_ms.store(offset_ms, Ordering::Relaxed);
        true
    }

    async fn send_once(&self, call: &Call) -> Result<Vec<u8>> {
        let response = self.request(call)?.timeout(call.wait).send().await.map_err(lost_or_not_reached)?;
        let status = response.status();
        let body = read_bounded(response).await?;
        if status.is_success() { Ok(body) } else { Err(refusal(status, &body)) }
    }

    /// The call with its headers; the device signs method, path, time and body.
    fn request(&self, call: &Call) -> Result<reqwest::RequestBuilder> {
        let mut request = self.http.request(call.method.clone(), format!("{}{}", self.base, call.path));
        if call.signer == Signer::Device {
            let time_ms = self.now_ms();
            let (keys, method) = (self.device.keys()?, call.method.as_str());
            let signature = sign_http(keys.signing(), method, &call.path, clock::signed(time_ms), &call.body);
            request = request
                .header(HEADER_DEVICE, self.device.id().to_string())
                .header(HEADER_TIME, time_ms.to_string())
                .header(HEADER_SIGNATURE, signature);
        }
        if !call.body.is_empty() {
            request = request.header(reqwest::header::CONTENT_TYPE, "application/json").body(call.body.clone());
        }
        Ok(request)
    }
}

/// A client of servers whose certificate this authority signed.
pub(crate) fn http_client(tls_ca_pem: &str) -> Result<reqwest::Client> {
    // An error here says that another part of the program chose a provider first, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let fault = |error: reqwest::Error| WalletError::Trust(error.to_string());
    let authority = reqwest::Certificate::from_pem_bundle(tls_ca_pem.as_bytes()).map_err(fault)?;
    reqwest::Client::builder()
        .tls_backend_rustls()
        .tls_certs_only(authority)
        .tls_version_min(reqwest::tls::Version::TLS_1_3)
        .https_only(true)
        .redirect(reqwest::redirect::Policy::none())
        // A proxy from the environment would learn when somebody pays.
        .no_proxy()
        .connect_timeout(CONNECT_WAIT)
        .build()
        .map_err(fault)
}

/// A failed connection sent nothing; anything later may have.
pub(crate) fn lost_or_not_reached(error: reqwest::Error) -> WalletError {
    let connected = !error.is_connect();
    tracing::debug!(error = %error.without_url(), connected, "a call to the payment server failed");
    if connected { WalletError::Lost } else { WalletError::NotReached }
}

pub(crate) async fn read_bounded(response: reqwest::Response) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(lost_or_not_reached)?;
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(WalletError::Lost);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What an error answer means. One that is not in our vocabulary came from something between, and says
/// nothing about what the server did.
pub(crate) fn refusal(status: StatusCode, body: &[u8]) -> WalletError {
    if let Ok(problem) = serde_json::from_slice::<Problem>(body) {
        return WalletError::Server(Box::new(problem));
    }
    tracing::debug!(status = status.as_u16(), "an answer that is not the payment server's");
    WalletError::Lost
}

pub(crate) fn parse<T: DeserializeOwned>(answer: &[u8]) -> Result<T> {
    serde_json::from_slice(answer).map_err(|error| {
        tracing::warn!(%error, "the payment server's answer cannot be read");
        WalletError::Lost
    })
}

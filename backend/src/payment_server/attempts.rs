//! Attempts: a wallet submits a sealed payment; the server opens its own layer, stores, forwards and settles.
//!
//! The attempt's id is its idempotency key: the same id with the same capsule always gets the same answer,
//! and one that comes while the first is under way waits for the same result.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use envelope::outer::{DeviceSignature, Routing};
use envelope::{Capsule, outer};
use iso8583::Message;
use iso8583::private::Composite;
use payment::{
    AttemptEvent, AttemptHash, AttemptId, AttemptState, DeclineCode, DeviceId, Method, RequestEvent, RequestId,
    WalletNonce,
};
use protocol::wallet_api::{AttemptView, ExchangeView, SubmitAttempt};
use protocol::{ErrorCode, Problem, SealedText};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::auth::DeviceCall;
use super::bank_evidence::{Verdict, icc_response, judge_financial};
use super::bank_link::Exchange;
use super::bank_messages::{self, ACQUIRER, Payment, Reference, retrieval_reference};
use super::bank_words::{self, Word};
use super::events::{self, Event};
use super::lifecycle::{self, attempt_state};
use super::payment_requests::{StoredRequest, parse_id};
use super::problem::why_not_open;
use super::{App, CrashPoint, Error, devices, late_answer};
use crate::clock::{now_ms, signed_ms, unsigned_ms};
use crate::keys::BankId;
use crate::storage::DbConnection;

/// How much longer than the bank's time a wallet's call waits, for the last db step.
const ANSWER_GRACE: Duration = Duration::from_secs(2);
/// When a forwarded attempt that nobody drives any more counts as unanswered, beyond the bank's time.
const ABANDONED_AFTER_MS: u64 = 10_000;

/// What is shown of an attempt with its request.
#[derive(Default)]
pub(super) struct Evidence {
    /// The bank-signed outcome.
    pub(super) outcome: Option<String>,
    /// When an unknown outcome will be known, at the latest.
    pub(super) deadline_ms: Option<u64>,
    /// The way to pay.
    pub(super) method: Option<Method>,
}

/// What is shown of an attempt with its request.
pub(super) async fn evidence(app: &App, id: AttemptId) -> Result<Evidence, Error> {
    let Some(stored) = app.attempt(id).await? else { return Ok(Evidence::default()) };
    Ok(Evidence { outcome: stored.view.outcome, deadline_ms: stored.view.deadline_ms, method: stored.method })
}

#[derive(sqlx::FromRow)]
struct AttemptRow {
    id: String,
    request_id: String,
    device_id: String,
    capsule_hash: String,
    state: String,
    decline_code: Option<String>,
    stan: i64,
    rrn: String,
    forwarded_ms: i64,
    outcome: Option<String>,
    icc_response: Option<String>,
    response_mti: Option<String>,
    response_code: Option<String>,
    request_bytes: i64,
    response_bytes: Option<i64>,
    took_us: Option<i64>,
    inner_capsule_bytes: i64,
    method: Option<String>,
}

struct StoredAttempt {
    device_id: DeviceId,
    capsule_hash: String,
    method: Option<Method>,
    view: AttemptView,
}

impl AttemptRow {
    fn parse(self, unknown_deadline_ms: u64) -> Result<StoredAttempt, Error> {
        const WRONG: Error = Error::Row("attempt");
        let state = attempt_state(&self.state, self.decline_code.as_deref())?;
        let exchange = self.exchange()?;
        let deadline_ms = is_unknown(state).then(|| unsigned_ms(self.forwarded_ms).saturating_add(unknown_deadline_ms));
        Ok(StoredAttempt {
            device_id: self.device_id.parse().map_err(|_| WRONG)?,
            capsule_hash: self.capsule_hash,
            method: self.method.as_deref().map(str::parse).transpose().map_err(|_| WRONG)?,
            view: AttemptView {
                attempt_id: self.id.parse().map_err(|_| WRONG)?,
                request_id: self.request_id.parse().map_err(|_| WRONG)?,
                state,
                outcome: self.outcome,
                deadline_ms,
                icc_response: self.icc_response,
                exchange,
            },
        })
    }

    fn exchange(&self) -> Result<Option<ExchangeView>, Error> {
        let (Some(mti), Some(code), Some(bytes), Some(took_us)) =
            (&self.response_mti, &self.response_code, self.response_bytes, self.took_us)
        else {
            return Ok(None);
        };
        let small = |value: i64| u32::try_from(value).map_err(|_| Error::Row("attempt"));
        Ok(Some(ExchangeView {
            request_mti: "0200".to_owned(),
            response_mti: mti.clone(),
            request_bytes: small(self.request_bytes)?,
            response_bytes: small(bytes)?,
            stan: format!("{:06}", self.stan),
            rrn: self.rrn.clone(),
            response_code: code.clone(),
            took_us: unsigned_ms(took_us),
            inner_capsule_bytes: small(self.inner_capsule_bytes)?,
        }))
    }
}

/// Whether people have to wait for the truth.
const fn is_unknown(state: AttemptState) -> bool {
    match state {
        AttemptState::NoAnswer | AttemptState::Inquiring | AttemptState::NotFound | AttemptState::Reversing => true,
        AttemptState::Sealed
        | AttemptState::Received
        | AttemptState::Forwarded
        | AttemptState::Approved
        | AttemptState::Declined { .. }
        | AttemptState::Reversed
        | AttemptState::NeedsManualReview => false,
    }
}

impl App {
    async fn attempt(&self, id: AttemptId) -> Result<Option<StoredAttempt>, Error> {
        let row: Option<AttemptRow> = sqlx::query_as("SELECT * FROM attempt WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(self.db.reader())
            .await?;
        row.map(|row| row.parse(self.unknown_deadline_ms)).transpose()
    }
}

/// Submits an attempt. 200 when its fate is known, 202 while it is not.
#[utoipa::path(post, path = "/v1/requests/{id}/attempts", tag = "wallet", security(("device_signature" = [])), params(("id" = String, Path)),
    request_body = SubmitAttempt,
    responses((status = 200, body = AttemptView), (status = 202, body = AttemptView),
        (status = 409, body = Problem), (status = 410, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn submit(
    State(app): State<App>,
    Path(id): Path<String>,
    call: DeviceCall,
) -> Result<(StatusCode, Json<AttemptView>), Error> {
    let submission = Submission::read(parse_id(&id)?, &call)?;
    let attempt_id = submission.attempt_id;
    match app.attempt(attempt_id).await? {
        Some(stored) => submission.must_be(&stored)?,
        None => match begin(&app, &submission).await {
            Ok(()) => {}
            // The same attempt came twice at the same time, and the other call was faster.
            Err(error) => match app.attempt(attempt_id).await? {
                Some(stored) => submission.must_be(&stored)?,
                None => return Err(error),
            },
        },
    }
    // From here on the attempt is stored: a failure to read it back says nothing about money.
    let view = wait_for_fate(&app, attempt_id).await.map_err(|error| {
        tracing::error!(%error, "a stored attempt could not be read back");
        Error::from(ErrorCode::OutcomeUnknown)
    })?;
    Ok((status_of(view.state), Json(view)))
}

const fn status_of(state: AttemptState) -> StatusCode {
    match state {
        AttemptState::Approved
        | AttemptState::Declined { .. }
        | AttemptState::Reversed
        | AttemptState::NeedsManualReview => StatusCode::OK,
        AttemptState::Sealed
        | AttemptState::Received
        | AttemptState::Forwarded
        | AttemptState::NoAnswer
        | AttemptState::Inquiring
        | AttemptState::NotFound
        | AttemptState::Reversing => StatusCode::ACCEPTED,
    }
}

/// An attempt as the device that submitted it sees it; it is nobody else's to see. 404 means that this device's
/// attempt was never stored: no money moved.
#[utoipa::path(get, path = "/v1/requests/{id}/attempts/{attempt_id}", tag = "wallet", security(("device_signature" = [])),
    params(("id" = String, Path), ("attempt_id" = String, Path)),
    responses((status = 200, body = AttemptView), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(app): State<App>,
    Path((id, attempt_id)): Path<(String, String)>,
    call: DeviceCall,
) -> Result<Json<AttemptView>, Error> {
    let request_id: RequestId = parse_id(&id)?;
    let stored = app.attempt(parse_id(&attempt_id)?).await?;
    let own = stored.filter(|stored| stored.view.request_id == request_id && stored.device_id == call.device_id);
    let view = own.map(|stored| stored.view);
    view.map(Json).ok_or_else(|| ErrorCode::NotFound.into())
}

/// A submitted attempt whose device signature is right.
pub(super) struct Submission {
    pub(super) request_id: RequestId,
    pub(super) attempt_id: AttemptId,
    device_id: DeviceId,
    pub(super) capsule: Capsule,
    capsule_hash: String,
}

impl Submission {
    pub(super) fn read(request_id: RequestId, call: &DeviceCall) -> Result<Self, Error> {
        let SubmitAttempt { attempt_id, outer, device_signature } = call.json()?;
        let capsule = capsule(&outer)?;
        DeviceSignature::from_base64url(&device_signature)
            .and_then(|signature| signature.verify(&call.key, request_id.as_bytes(), attempt_id.as_bytes(), &capsule))
            .map_err(|_| ErrorCode::DeviceSignatureInvalid)?;
        let capsule_hash = hex::encode(Sha256::digest(capsule.to_bytes()));
        Ok(Self { request_id, attempt_id, device_id: call.device_id, capsule, capsule_hash })
    }

    /// The stored attempt under this id must be this very submission.
    fn must_be(&self, stored: &StoredAttempt) -> Result<(), Error> {
        let same = stored.capsule_hash == self.capsule_hash
            && stored.view.request_id == self.request_id
            && stored.device_id == self.device_id;
        if same { Ok(()) } else { Err(ErrorCode::IdempotencyKeyReused.into()) }
    }
}

/// The JSON of a capsule, through the one constructor that checks it.
fn capsule(text: &SealedText) -> Result<Capsule, Error> {
    let json = serde_json::to_value(text).expect("three strings are always JSON");
    serde_json::from_value(json).map_err(|_| ErrorCode::CapsuleUnreadable.into())
}

/// An attempt that is stored, and what is needed to send it. It lives in memory only.
struct Forwarding {
    request: StoredRequest,
    attempt_id: AttemptId,
    routing: Routing,
    reference: Reference,
}

/// Checks everything, stores the attempt as forwarded, and leaves the rest to a task of its own, so that a
/// caller that goes away stops nothing.
async fn begin(app: &App, submission: &Submission) -> Result<(), Error> {
    let now_ms = now_ms();
    let request = app.request_now(submission.request_id, now_ms).await?;
    let used: Option<String> = sqlx::query_scalar("SELECT id FROM attempt WHERE capsule_hash = $1")
        .bind(&submission.capsule_hash)
        .fetch_optional(app.db.reader())
        .await?;
    if used.is_some() {
        return Err(ErrorCode::CapsuleReplayed.into());
    }
    if let Some(code) = why_not_open(&request.state) {
        return Err(code.into());
    }
    let routing = app.keys.open(submission.request_id, submission.attempt_id, &submission.capsule)?;
    check_routing(&routing, &request)?;
    let method = app.allowed_method(&request, &routing.route)?;
    let bank = app.front_for(&routing.route)?;
    let reference = store(app, submission, &routing, &request, (method, bank), now_ms).await?;
    app.wake_devices_of(request.id).await;
    let forwarding = Forwarding { request, attempt_id: submission.attempt_id, routing, reference };
    app.tasks.spawn(forward(app.clone(), forwarding));
    Ok(())
}

pub(super) fn check_routing(routing: &outer::Routing, request: &StoredRequest) -> Result<(), Error> {
    let matches = routing.order_number == request.order_number
        && routing.merchant_id == request.merchant_id.as_str()
        && u64::try_from(request.amount.minor()) == Ok(routing.amount_minor)
        && routing.currency == request.amount.currency().code();
    if matches { Ok(()) } else { Err(ErrorCode::OrderMismatch.into()) }
}

/// The step before anything is sent: the attempt with its STAN and RRN, the request in flight, the journal.
async fn store(
    app: &App,
    submission: &Submission,
    routing: &Routing,
    request: &StoredRequest,
    (method, bank): (Method, BankId),
    now_ms: u64,
) -> Result<Reference, Error> {
    let nonce = WalletNonce::from_bytes(routing.wallet_nonce);
    let new = NewAttempt {
        id: submission.attempt_id,
        request_id: request.id,
        device_id: submission.device_id,
        method,
        bank,
        capsule_hash: submission.capsule_hash.clone(),
        attempt_hash: AttemptHash::derive(&request.order_hash, submission.attempt_id, &nonce),
        inner_capsule_bytes: routing.inner.to_bytes().len(),
        replica: app.replica.id().to_owned(),
        now_ms,
        abandoned_ms: now_ms + u64::try_from(app.answer_timeout.as_millis()).unwrap_or(u64::MAX) + ABANDONED_AFTER_MS,
    };
    let stored = app.db.write(move |db_tx| Box::pin(async move { insert(db_tx, &new).await })).await;
    match stored {
        // Expiry, a cancellation or another attempt was faster: say which.
        Err(Error::Transition(_)) => {
            let state = app.request(request.id).await?.state;
            Err(why_not_open(&state).unwrap_or(ErrorCode::Unavailable).into())
        }
        Err(error) if error.violates_unique("attempt.capsule_hash") => Err(ErrorCode::CapsuleReplayed.into()),
        Err(error) if error.violates_unique("attempt.request_id") => Err(ErrorCode::RequestInFlight.into()),
        other => other,
    }
}

struct NewAttempt {
    id: AttemptId,
    request_id: RequestId,
    device_id: DeviceId,
    method: Method,
    bank: BankId,
    capsule_hash: String,
    attempt_hash: AttemptHash,
    inner_capsule_bytes: usize,
    /// The server that sends it.
    replica: String,
    now_ms: u64,
    abandoned_ms: u64,
}

async fn insert(db_tx: &mut DbConnection, new: &NewAttempt) -> Result<Reference, Error> {
    // Received and forwarded are one step: what was received and not stored was never received.
    let state = AttemptState::Sealed.apply(AttemptEvent::Received)?.apply(AttemptEvent::Forwarded)?;
    let stan = next_stan(db_tx).await?;
    let reference = Reference { stan, rrn: retrieval_reference(new.now_ms, stan), sent_ms: new.now_ms };
    sqlx::query(
        "INSERT INTO attempt (id, request_id, device_id, capsule_hash, attempt_hash, state, stan, rrn, forwarded_ms, \
         request_bytes, inner_capsule_bytes, tries, due_ms, bank_id, leased_by, lease_until_ms, \
         method) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, 0, $11, $12, $13, $11, $14)",
    )
    .bind(new.id.to_string())
    .bind(new.request_id.to_string())
    .bind(new.device_id.to_string())
    .bind(&new.capsule_hash)
    .bind(new.attempt_hash.to_string())
    .bind(state.name())
    .bind(i64::from(stan))
    .bind(&reference.rrn)
    .bind(signed_ms(new.now_ms))
    .bind(i64::try_from(new.inner_capsule_bytes).unwrap_or(i64::MAX))
    .bind(signed_ms(new.abandoned_ms))
    .bind(new.bank.as_str())
    .bind(&new.replica)
    .bind(new.method.as_str())
    .execute(&mut *db_tx)
    .await?;
    devices::follow(db_tx, new.request_id, new.device_id).await?;
    lifecycle::apply_to_request(db_tx, new.request_id, RequestEvent::AttemptForwarded(new.id), new.now_ms).await?;
    let merchant_id = events::merchant_of(db_tx, new.request_id).await?;
    let kind = format!("attempt.{}", state.name());
    let entry = Event { kind, merchant_id: merchant_id.as_str(), request_id: new.request_id, attempt_id: Some(new.id) };
    events::append(db_tx, &entry, new.now_ms).await?;
    Ok(reference)
}

/// The next system trace audit number, 1 to 999999 and then again from 1.
pub(super) async fn next_stan(db_tx: &mut DbConnection) -> Result<u32, Error> {
    let stan: i64 = sqlx::query_scalar(
        "INSERT INTO stan_sequence (acquirer, last_stan) VALUES ($1, 1) ON CONFLICT (acquirer) DO UPDATE SET \
         last_stan = CASE WHEN stan_sequence.last_stan >= 999999 THEN 1 ELSE stan_sequence.last_stan + 1 END \
         RETURNING last_stan",
    )
    .bind(ACQUIRER)
    .fetch_one(db_tx)
    .await?;
    u32::try_from(stan).map_err(|_| Error::Row("trace number"))
}

/// Sends a stored attempt to the bank and records what comes back.
async fn forward(app: App, forwarding: Forwarding) {
    app.crash_point(CrashPoint::BeforeSend);
    let (request_id, attempt_id) = (forwarding.request.id, forwarding.attempt_id);
    if let Err(error) = exchange_and_settle(&app, forwarding).await {
        // It stays forwarded and is picked up as unanswered: by its due time, or at the next start.
        tracing::error!(%error, %request_id, %attempt_id, "an attempt could not be driven on");
    }
}

async fn exchange_and_settle(app: &App, forwarding: Forwarding) -> Result<(), Error> {
    let Forwarding { request, attempt_id, routing, reference } = forwarding;
    let profile = app.keys.merchant(&request.merchant_id).ok_or(Error::Row("merchant"))?;
    let message = bank_messages::financial_request(
        &Payment {
            profile,
            merchant_id: &request.merchant_id,
            amount: request.amount,
            order_jws: &request.order_jws,
            attempt_id,
            wallet_nonce: routing.wallet_nonce,
            inner: &routing.inner,
        },
        &reference,
    )?;
    let known = app.known_attempt(attempt_id).await?;
    let bank = app.banks.of(&known.bank).ok_or(Error::Row("attempt"))?;
    let answered = bank.exchange(&message).await;
    // The capsule has left; nothing here needs it any more.
    drop((message, routing));
    let certificate =
        answered.as_ref().ok().and_then(|exchange| Composite::of(&exchange.answer).ok()?.bank_certificate);
    let mut answer = None;
    let (event, evidence) = match answered {
        Ok(exchange) => {
            app.crash_point(CrashPoint::AfterBankAnswer);
            let verdict = judge_financial(&app.keys, &known, &exchange.answer);
            let evidence = lifecycle::Evidence {
                outcome: None,
                icc_response: icc_response(&verdict, &exchange.answer),
                exchange: Some(exchange_view(&exchange, &reference)),
                word: None,
                judged_by: None,
            };
            let settled = settlement(verdict, evidence, &exchange.answer);
            answer = Some(exchange.answer);
            settled
        }
        Err(reason) => {
            tracing::warn!(?reason, %attempt_id, "the bank has not answered");
            (AttemptEvent::AnswerOverdue, lifecycle::Evidence::default())
        }
    };
    if matches!(event, AttemptEvent::Declined(DeclineCode::RetiredKey)) {
        refresh_certificate(app, &known.bank, certificate).await;
    }
    match app.change_attempt(request.id, attempt_id, event, evidence, now_ms()).await {
        Ok(state) => tracing::info!(%attempt_id, state = state.name(), "the bank's answer is recorded"),
        // An inquiry settled it meanwhile, or it is being undone: this answer comes late.
        Err(Error::Transition(refused)) => {
            tracing::warn!(%refused, %attempt_id, "an answer comes late");
            if let Some(answer) = answer {
                late_answer::take(app.clone(), known.bank.clone(), answer).await;
            }
        }
        Err(error) => return Err(error),
    }
    bank.wake_inquiries();
    Ok(())
}

/// The wallet that is told of a retired key asks for the keyset next: it must find the bank's new one there.
async fn refresh_certificate(app: &App, bank: &BankId, certificate: Option<String>) {
    let taken = match certificate {
        Some(jws) => app.take_bank_certificate(bank, &jws).await.is_ok(),
        None => false,
    };
    if !taken && let Some(line) = app.banks.of(bank) {
        line.sign_on_again();
    }
}

/// What an answer to the financial request means for its attempt.
fn settlement(
    verdict: Verdict,
    evidence: lifecycle::Evidence,
    answer: &Message,
) -> (AttemptEvent, lifecycle::Evidence) {
    let meaning = bank_words::meaning(&verdict);
    let (event, outcome) = match verdict {
        Verdict::Approved { outcome } => (AttemptEvent::Approved, Some(outcome)),
        Verdict::Declined { code, outcome } => (AttemptEvent::Declined(code), outcome),
        // It was undone before we heard that it was done: ask, and get the acknowledgement the usual way.
        Verdict::Reversed { .. } | Verdict::NotFound | Verdict::Undecided => (AttemptEvent::AnswerOverdue, None),
        Verdict::Contradiction { what } => {
            tracing::error!(what, "the bank contradicts the attempt");
            (AttemptEvent::Contradiction, None)
        }
    };
    // What decides nothing, or too much, is what a review would go by.
    let is_unclear = matches!(event, AttemptEvent::AnswerOverdue | AttemptEvent::Contradiction);
    let word = is_unclear.then(|| Word::received(answer, meaning));
    (event, lifecycle::Evidence { outcome, word, ..evidence })
}

fn exchange_view(exchange: &Exchange, reference: &Reference) -> ExchangeView {
    ExchangeView {
        request_mti: "0200".to_owned(),
        response_mti: exchange.answer.mti().to_string(),
        request_bytes: exchange.request_bytes,
        response_bytes: exchange.response_bytes,
        stan: format!("{:06}", reference.stan),
        rrn: reference.rrn.clone(),
        response_code: exchange.answer.text(39).unwrap_or_default().to_owned(),
        took_us: u64::try_from(exchange.took.as_micros()).unwrap_or(u64::MAX),
        inner_capsule_bytes: 0,
    }
}

/// Waits until the bank's time is up or the attempt's fate is known, whichever comes first.
async fn wait_for_fate(app: &App, id: AttemptId) -> Result<AttemptView, Error> {
    let until = Instant::now() + app.answer_timeout + ANSWER_GRACE;
    loop {
        let mut news = app.attempt_watchers.listen(id);
        let view = app.attempt(id).await?.ok_or(Error::Row("attempt"))?.view;
        let waits = matches!(view.state, AttemptState::Received | AttemptState::Forwarded);
        if !waits || tokio::time::timeout_at(until, news.changed()).await.is_err() {
            return Ok(view);
        }
    }
}

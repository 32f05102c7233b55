//! Payment requests: what a merchant asks for, shows and withdraws.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use envelope::keyset::MerchantProfile;
use envelope::{LinkKey, request};
use futures::FutureExt;
use payment::{Amount, MatchWords, MerchantId, Methods, Order, OrderHash, RequestEvent, RequestId, RequestState};
use protocol::merchant_api::{CreatePaymentRequest, PayerIdentifier, PaymentRequestView, Scope};
use protocol::{ErrorCode, Problem};
use zeroize::Zeroizing;

use super::auth::CallingMerchant;
use super::counters::{Addressed, CounterLetter};
use super::events::{self, Event};
use super::idempotency::{Answer, KeyedCall};
use super::outbox::plan::{self, Plan};
use super::payment_numbers::{self, guesses};
use super::recipients::{self, Address};
use super::{App, Error, attempts, caps, deliveries, identifiers, lifecycle, links, methods};
use crate::clock::{now_ms, signed_ms, unsigned_ms};
use crate::storage::DbConnection;

mod list;

pub(super) use list::*;

/// A request as its row holds it.
#[derive(sqlx::FromRow)]
struct RequestRow {
    id: String,
    merchant_id: String,
    order_number: String,
    amount_minor: i64,
    currency: String,
    order_jws: String,
    order_hash: String,
    created_ms: i64,
    expires_ms: i64,
    state: String,
    state_attempt_id: Option<String>,
    refunded_minor: i64,
    refunded_ms: Option<i64>,
    refunds_counted_minor: i64,
    methods: Option<String>,
}

/// A request as the server's own code uses it.
pub(super) struct StoredRequest {
    pub(super) id: RequestId,
    pub(super) merchant_id: MerchantId,
    pub(super) order_number: String,
    pub(super) amount: Amount,
    pub(super) order_jws: String,
    pub(super) order_hash: OrderHash,
    pub(super) created_ms: u64,
    pub(super) expires_ms: u64,
    pub(super) state: RequestState,
    /// What is given back of it.
    pub(super) refunded_minor: i64,
    /// When the last of it was.
    pub(super) refunded_ms: Option<u64>,
    /// The same with what is on its way back or in review.
    pub(super) refunds_counted_minor: i64,
    /// The ways to pay that its order names; none for every way that its merchant takes.
    pub(super) methods: Option<Methods>,
}

impl RequestRow {
    fn parse(self) -> Result<StoredRequest, Error> {
        const WRONG: Error = Error::Row("request");
        let state = lifecycle::request_state(&self.state, self.state_attempt_id.as_deref())?;
        Ok(StoredRequest {
            id: self.id.parse().map_err(|_| WRONG)?,
            merchant_id: self.merchant_id.parse().map_err(|_| WRONG)?,
            order_number: self.order_number,
            amount: Amount::new(self.amount_minor, self.currency.parse().map_err(|_| WRONG)?),
            order_jws: self.order_jws,
            order_hash: self.order_hash.parse().map_err(|_| WRONG)?,
            created_ms: unsigned_ms(self.created_ms),
            expires_ms: unsigned_ms(self.expires_ms),
            state,
            refunded_minor: self.refunded_minor,
            refunded_ms: self.refunded_ms.map(unsigned_ms),
            refunds_counted_minor: self.refunds_counted_minor,
            methods: self.methods.as_deref().map(str::parse).transpose().map_err(|_| WRONG)?,
        })
    }
}

impl App {
    /// The request with this id.
    pub(super) async fn request(&self, id: RequestId) -> Result<StoredRequest, Error> {
        let row: Option<RequestRow> = sqlx::query_as("SELECT * FROM payment_request WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(self.db.reader())
            .await?;
        row.ok_or(ErrorCode::NotFound)?.parse()
    }

    /// The request, after its expiry was noticed: the sweeper may be a second behind.
    pub(super) async fn request_now(&self, id: RequestId, now_ms: u64) -> Result<StoredRequest, Error> {
        let mut request = self.request(id).await?;
        if request.state.is_open() && now_ms >= request.expires_ms {
            request.state = match self.change_request(id, RequestEvent::Expired, now_ms).await {
                // Something else happened to it in between: read again what it was.
                Err(Error::Transition(_)) => self.request(id).await?.state,
                other => other?,
            };
        }
        Ok(request)
    }

    /// The merchant's own request; another's is one that does not exist.
    pub(super) async fn merchants_request(&self, merchant: &MerchantId, id: RequestId) -> Result<StoredRequest, Error> {
        let request = self.request_now(id, now_ms()).await?;
        if request.merchant_id == *merchant { Ok(request) } else { Err(ErrorCode::NotFound.into()) }
    }

    /// A request as its merchant sees it.
    pub(super) async fn view(&self, request: &StoredRequest) -> Result<PaymentRequestView, Error> {
        let evidence = match request.state.attempt_id() {
            Some(attempt_id) => attempts::evidence(self, attempt_id).await?,
            None => attempts::Evidence::default(),
        };
        let mut view = new_view(request);
        view.outcome = evidence.outcome;
        view.method = evidence.method;
        view.deadline_ms = evidence.deadline_ms;
        view.deliveries = deliveries::shown(self, request.id).await?;
        Ok(view)
    }
}

fn new_view(request: &StoredRequest) -> PaymentRequestView {
    let words = MatchWords::of(&request.order_hash);
    PaymentRequestView {
        id: request.id,
        order_number: request.order_number.clone(),
        amount: request.amount,
        state: request.state,
        created_ms: request.created_ms,
        expires_ms: request.expires_ms,
        match_words: words.english().map(str::to_owned),
        match_words_zh: words.chinese().map(str::to_owned),
        link: None,
        deep_link: None,
        methods: request.methods,
        method: None,
        deliveries: Vec::new(),
        refunded_minor: request.refunds_counted_minor,
        outcome: None,
        deadline_ms: None,
    }
}

/// Asks for a payment. The same idempotency key with the same body gives the same answer, without the link:
/// its key is not kept.
#[utoipa::path(post, path = "/v1/payment-requests", tag = "payment requests", security(("api_key" = [])),
    params(("Idempotency-Key" = String, Header, description = "Names this call; valid as long as the request")),
    request_body = CreatePaymentRequest,
    responses((status = 201, body = PaymentRequestView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn create(
    State(app): State<App>,
    caller: CallingMerchant,
    call: KeyedCall,
) -> Result<Answer<PaymentRequestView>, Error> {
    let merchant = caller.require(Scope::RequestsWrite)?;
    // An order that was good then may have expired now; its answer stays.
    if let Some(earlier) = call.earlier(&app, &merchant).await? {
        return Ok(earlier);
    }
    let body: CreatePaymentRequest = call.json()?;
    let counter = match &body.payer {
        Some(PayerIdentifier::Counter(id)) => Some(Addressed::find(&app, &merchant, id).await?),
        _ => None,
    };
    let new = NewRequest::check(&app, &merchant, body, counter, now_ms())?;
    let (link, deep_link) = new.links(&app);
    let request_id = new.stored.id;
    let admission = admit(&app, &new).await?;
    let stored = call
        .once(&app, &merchant, StatusCode::CREATED, |db_tx| insert(db_tx, new, admission).boxed())
        .await
        .map_err(|error| {
        if error.violates_unique("payment_request") { ErrorCode::RequestExists.into() } else { error }
    })?;
    app.outbox_wake.notify_one();
    app.recipients_wake.notify_one();
    app.wake_journal_of(request_id).await;
    Ok(stored.tell_first(|view| {
        view.link = Some(link);
        view.deep_link = Some(deep_link);
    }))
}

/// A checked order on its way into the database.
struct NewRequest {
    stored: StoredRequest,
    payer: Option<PayerIdentifier>,
    counter: Option<CounterLetter>,
    token: String,
    link_key: LinkKey,
    letter: String,
    /// The merchant's country.
    country: String,
    /// After how long the payer is reminded, if the operator says.
    remind_after_ms: Option<u64>,
}

impl NewRequest {
    fn check(
        app: &App,
        merchant: &MerchantId,
        body: CreatePaymentRequest,
        counter: Option<Addressed>,
        now_ms: u64,
    ) -> Result<Self, Error> {
        let (order, profile) = app.keys.verified_order(&body.order, now_ms)?;
        check_order(&order, profile, merchant, now_ms)?;
        let payer = match body.payer {
            // Its code is what reaches the payer: nothing is delivered.
            Some(PayerIdentifier::Counter(_)) | None => None,
            Some(payer) => Some(identifiers::normalized(payer)?),
        };
        let link_key = LinkKey::generate();
        let letter = links::letter(&body.order);
        let sealed = request::seal_to_link(&link_key, order.request_id.as_bytes(), &letter)?;
        let stored = StoredRequest {
            id: order.request_id,
            merchant_id: order.merchant_id.clone(),
            order_number: order.order_number.clone(),
            amount: order.amount,
            order_hash: order.hash(),
            order_jws: body.order,
            created_ms: now_ms,
            expires_ms: order.expires_ms,
            state: RequestState::Created,
            refunded_minor: 0,
            refunded_ms: None,
            refunds_counted_minor: 0,
            methods: order.methods,
        };
        let counter = counter.map(|counter| counter.seal(stored.id, &letter)).transpose()?;
        let letter = serde_json::to_string(&sealed).expect("a capsule is always JSON");
        let country = profile.country.clone();
        let remind_after_ms = app.channels.remind_after_ms;
        Ok(Self { stored, payer, counter, token: links::new_token(), link_key, letter, country, remind_after_ms })
    }

    fn plan(&self) -> Option<Plan<'_>> {
        let link = Zeroizing::new(format!("{}#{}", self.token, self.link_key.expose_fragment().as_str()));
        Some(Plan {
            request_id: self.stored.id,
            merchant_id: &self.stored.merchant_id,
            country: &self.country,
            payer: self.payer.as_ref()?,
            created_ms: self.stored.created_ms,
            expires_ms: self.stored.expires_ms,
            remind_after_ms: self.remind_after_ms,
            link,
        })
    }

    fn links(&self, app: &App) -> (String, String) {
        let fragment = self.link_key.expose_fragment();
        (
            links::https_link(&app.public_url, &self.token, &fragment),
            links::deep_link(&app.public_url, &self.token, &fragment),
        )
    }
}

fn check_order(order: &Order, profile: &MerchantProfile, merchant: &MerchantId, now_ms: u64) -> Result<(), Error> {
    let rules = [
        (
            "the order names another merchant",
            order.merchant_id == *merchant && profile.merchant_id == merchant.as_str(),
        ),
        ("the payee is not the registered name", order.payee_name == profile.display_name),
        ("the order has expired", !order.is_expired(now_ms)),
        ("the order names a way to pay that the merchant does not take", {
            let takes = methods::taken(profile.methods.as_deref());
            order.methods.is_none_or(|methods| methods.iter().all(|method| takes.contains(method)))
        }),
    ];
    match rules.into_iter().find(|(_, holds)| !holds) {
        Some((rule, _)) => Err(Error::RefusedWith(Box::new(Problem::new(ErrorCode::OrderInvalid).with_detail(rule)))),
        None => Ok(()),
    }
}

/// A request's payer, as far as it must be known before the request is stored.
enum Admission {
    /// Nobody, or an identifier.
    Open,
    /// A payment number, by its hash, and the try that was counted for it.
    Number { hash: String, guess: String },
}

/// Refuses a merchant that asks too much or guesses payment numbers. A number's try is counted before it is made, so that
/// a thousand tries at once are a thousand; one that hits is taken back.
async fn admit(app: &App, new: &NewRequest) -> Result<Admission, Error> {
    let caps = app.caps;
    let Some(payer) = &new.payer else { return Ok(Admission::Open) };
    let hash = match payer {
        PayerIdentifier::PaymentNumber(number) => Some(payment_numbers::hash(app.keys.claim_key(), number)),
        PayerIdentifier::Email(_) | PayerIdentifier::Phone(_) | PayerIdentifier::Counter(_) => None,
    };
    let (merchant, now_ms) = (new.stored.merchant_id.clone(), new.stored.created_ms);
    app.db
        .write(move |db_tx| {
            async move {
                caps::check_merchant(db_tx, caps, &merchant, now_ms).await?;
                let Some(hash) = hash else { return Ok(Admission::Open) };
                let guess = guesses::count(db_tx, &merchant, now_ms).await?;
                Ok(Admission::Number { hash, guess })
            }
            .boxed()
        })
        .await
}

/// Stores request, link, deliveries and journal entry, in the caller's step.
async fn insert(db_tx: &mut DbConnection, new: NewRequest, admission: Admission) -> Result<PaymentRequestView, Error> {
    let number = match &admission {
        Admission::Open => None,
        Admission::Number { hash, guess } => {
            let row = payment_numbers::redeem(db_tx, hash, &new.stored).await?;
            let row = row.ok_or(ErrorCode::PaymentNumberInvalid)?;
            guesses::take_back(db_tx, guess).await?;
            Some(row)
        }
    };
    let stored = &new.stored;
    insert_request(db_tx, stored).await?;
    links::insert(db_tx, &new.token, stored.id, &new.letter).await?;
    let merchant_id = stored.merchant_id.as_str();
    let created = Event { kind: "request.created".to_owned(), merchant_id, request_id: stored.id, attempt_id: None };
    events::append(db_tx, &created, stored.created_ms).await?;
    if let Some(letter) = &new.counter {
        letter.put(db_tx, stored.id).await?;
    }
    match (&number, &new.payer) {
        (Some(row), _) => recipients::address(db_tx, stored, Address::Number(row)).await?,
        (None, Some(payer)) => recipients::address(db_tx, stored, Address::Identifier(payer)).await?,
        (None, None) => {}
    }
    let mut answer = new_view(stored);
    if let Some(plan) = new.plan() {
        answer.deliveries = plan::insert_all(db_tx, plan).await?;
        answer.state =
            lifecycle::apply_to_request(db_tx, stored.id, RequestEvent::DeliveryStarted, stored.created_ms).await?;
    }
    Ok(answer)
}

async fn insert_request(db_tx: &mut DbConnection, request: &StoredRequest) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO payment_request \
         (id, merchant_id, order_number, amount_minor, currency, order_jws, order_hash, created_ms, expires_ms, state, \
         methods) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(request.id.to_string())
    .bind(request.merchant_id.as_str())
    .bind(&request.order_number)
    .bind(request.amount.minor())
    .bind(request.amount.currency().code())
    .bind(&request.order_jws)
    .bind(request.order_hash.to_string())
    .bind(signed_ms(request.created_ms))
    .bind(signed_ms(request.expires_ms))
    .bind(request.state.name())
    .bind(request.methods.map(|methods| methods.to_string()))
    .execute(db_tx)
    .await?;
    Ok(())
}

/// A request as its merchant sees it.
#[utoipa::path(get, path = "/v1/payment-requests/{id}", tag = "payment requests", security(("api_key" = [])),
    params(("id" = String, Path)),
    responses((status = 200, body = PaymentRequestView), (status = 404, body = Problem)))]
pub(super) async fn show(
    State(app): State<App>,
    caller: CallingMerchant,
    Path(id): Path<String>,
) -> Result<Json<PaymentRequestView>, Error> {
    let merchant = caller.require(Scope::RequestsRead)?;
    let request = app.merchants_request(&merchant, parse_id(&id)?).await?;
    Ok(Json(app.view(&request).await?))
}

/// Withdraws a request. One that is cancelled already stays so; an attempt in flight is not stopped.
#[utoipa::path(post, path = "/v1/payment-requests/{id}/cancel", tag = "payment requests", security(("api_key" = [])),
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = PaymentRequestView), (status = 409, body = Problem), (status = 410, body = Problem)))]
pub(super) async fn cancel(
    State(app): State<App>,
    caller: CallingMerchant,
    Path(id): Path<String>,
    call: KeyedCall,
) -> Result<Answer<PaymentRequestView>, Error> {
    end(&app, caller, &id, &call, RequestEvent::Cancelled).await
}

/// Ends a request's time now, as its expiry would have. One that has expired stays so; an attempt in flight is not
/// stopped.
#[utoipa::path(post, path = "/v1/payment-requests/{id}/expire", tag = "payment requests", security(("api_key" = [])),
    params(("id" = String, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 200, body = PaymentRequestView), (status = 409, body = Problem), (status = 410, body = Problem)))]
pub(super) async fn expire(
    State(app): State<App>,
    caller: CallingMerchant,
    Path(id): Path<String>,
    call: KeyedCall,
) -> Result<Answer<PaymentRequestView>, Error> {
    end(&app, caller, &id, &call, RequestEvent::Expired).await
}

/// Ends an open request by the merchant's will.
async fn end(
    app: &App,
    caller: CallingMerchant,
    id: &str,
    call: &KeyedCall,
    event: RequestEvent,
) -> Result<Answer<PaymentRequestView>, Error> {
    let merchant = caller.require(Scope::RequestsWrite)?;
    if let Some(earlier) = call.earlier(app, &merchant).await? {
        return Ok(earlier);
    }
    let request = app.merchants_request(&merchant, parse_id(id)?).await?;
    let mut view = app.view(&request).await?;
    let id = request.id;
    let answer = call
        .once(app, &merchant, StatusCode::OK, move |db_tx| {
            async move {
                view.state = lifecycle::end_request(db_tx, id, event, now_ms()).await?;
                Ok(view)
            }
            .boxed()
        })
        .await?;
    app.wake_devices_of(id).await;
    Ok(answer)
}

/// An id from a path. One that is malformed is one that does not exist.
pub(super) fn parse_id<T: std::str::FromStr>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|_| ErrorCode::NotFound.into())
}

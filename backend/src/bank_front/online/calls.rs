//! What the page's script asks: signing in, looking, changing.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::PAGE;
use super::access::{ACCESS_NUMBER_DIGITS, Access, AccessChange, AccessState};
use super::session::{CODE_TRIES_MAX, Cookie, Session, Sessions, Stage};
use crate::bank_front::BankFront;
use crate::bank_front::binding::{Change, ChangeRefused, ChangeState, note_texts, text};
use crate::bank_front::channel::refusal::Refusal;
use crate::bank_front::channel::wish::TypedCode;
use crate::bank_front::channel::{Acting, desk};
use crate::bank_front::code::draw;
use crate::bank_front::customer::Customer;
use crate::bank_front::error::BankError;
use crate::bank_front::gateways::Sending;
use crate::guard::Guard;
use crate::password::{Password, PasswordVerifier};

/// The session's cookie. Its prefix lets browsers take it from this host only, over TLS (RFC 6265bis, section 4.1.3).
const COOKIE: &str = "__Host-tapseal-bank";
/// The header with the token that the page has and no cookie carries.
const TOKEN: HeaderName = HeaderName::from_static("tapseal-page");

/// Passwords that are hashed at once: each takes 64 MiB, and whoever floods the bank with guesses waits in line.
static HASHING: Semaphore = Semaphore::const_new(2);

/// What every call shares.
#[derive(Clone)]
pub(super) struct App {
    front: Arc<BankFront>,
    sessions: Arc<Sessions>,
    guard: Arc<Guard>,
}

impl App {
    pub(super) fn new(front: Arc<BankFront>) -> Self {
        Self { front, sessions: Arc::default(), guard: Arc::default() }
    }
}

/// Lets a call through that changes something only if the page itself makes it: a browser says where a call comes from, and no
/// other page can make it say otherwise.
pub(super) async fn only_from_the_page(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = request.uri().authority().map(Authority::as_str).or_else(|| text(header::HOST));
    let is_read = request.method() == Method::GET;
    let own = host.map(|host| format!("https://{host}"));
    let is_from_here = match text(header::ORIGIN) {
        Some(origin) => own.as_deref() == Some(origin),
        None => is_read,
    };
    let is_same_site = text(HeaderName::from_static("sec-fetch-site")).is_none_or(|site| site == "same-origin");
    let is_json = is_read || text(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/json"));
    if is_from_here && is_same_site && is_json { next.run(request).await } else { Refusal::NoSession.into_response() }
}

/// Who has signed in, and by which cookie. The token came with the call.
pub(super) struct SignedIn {
    acting: Acting,
    cookie: Zeroizing<String>,
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Refusal> {
        let (cookie, session) = app.session_of(&parts.headers).ok_or(Refusal::NoSession)?;
        let token = parts.headers.get(TOKEN).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !matches!(session.stage, Stage::In) || !session.has_token(token) {
            return Err(Refusal::NoSession);
        }
        // What the counter took away, or a stranger's guesses locked, is over at once.
        let mut connection = app.front.db().reader().acquire().await?;
        let access = Access::of_customer(&mut connection, &session.customer).await?;
        if access.is_none_or(|access| access.state != AccessState::Active) {
            app.sessions.end_all_of(&session.customer);
            return Err(Refusal::NoSession);
        }
        Ok(Self { acting: Acting { channel: PAGE.to_owned(), customer: session.customer }, cookie })
    }
}

impl App {
    fn session_of(&self, headers: &HeaderMap) -> Option<(Zeroizing<String>, Session)> {
        let cookie = cookie_in(headers)?;
        let session = self.sessions.of(&cookie, self.front.now_ms())?;
        Some((cookie, session))
    }

    /// What lies behind a password that was typed: whose access, if it is right and may be used.
    async fn let_in(&self, number: &str, typed: Password) -> Result<Option<Access>, Refusal> {
        let front = &self.front;
        let access = Access::of_number(&mut *front.db().reader().acquire().await?, number).await?;
        let verifier = access.as_ref().and_then(|access| access.password.clone());
        let verifier = verifier.unwrap_or_else(PasswordVerifier::of_nobody);
        let (compared, pepper) = (verifier.clone(), front.hsm.online_pepper());
        let is_right = {
            let _turn = HASHING.acquire().await.map_err(|_| Refusal::Unavailable)?;
            let hashing = tokio::task::spawn_blocking(move || compared.verifies(&typed, &pepper));
            hashing.await.map_err(|_| Refusal::Unavailable)?
        };
        let Some(access) = access else { return Ok(None) };
        let now_ms = front.now_ms();
        let let_in = front
            .db()
            .write(move |db_tx| {
                Box::pin(async move {
                    let stored = Access::of_customer(db_tx, &access.customer).await?.ok_or(BankError::NoAccess)?;
                    // What was compared may be another password by now.
                    let is_same = stored.password.as_ref().is_some_and(|password| password.is_same(&verifier));
                    if !is_right || !is_same {
                        stored.wrong_try(db_tx, now_ms).await?;
                        return Ok::<_, BankError>(None);
                    }
                    Ok(Some(stored).filter(|stored| stored.state == AccessState::Active))
                })
            })
            .await?;
        Ok(let_in)
    }

    /// Sends a sign-in code to the telephone on file, and begins a session that waits for it.
    async fn send_code(&self, access: Access, headers: &HeaderMap) -> Result<Response, Refusal> {
        // A browser has one session: whoever signs in anew was somebody else before, perhaps.
        if let Some(former) = cookie_in(headers) {
            self.sessions.end(&former);
        }
        let (front, now_ms) = (&self.front, self.front.now_ms());
        let name = access.customer;
        let customer = front
            .db()
            .write(move |db_tx| {
                Box::pin(async move {
                    let customer = Customer::named(db_tx, &name).await?;
                    let may_go = note_texts(db_tx, std::iter::once(&customer.telephone), now_ms).await?;
                    Ok::<_, BankError>(may_go.then_some(customer))
                })
            })
            .await?;
        let customer = customer.ok_or(ChangeRefused::TooManyTexts)?;
        let code = Zeroizing::new(draw());
        let mut random = [0; 16];
        getrandom::fill(&mut random).expect("the operating system has randomness");
        let occasion = format!("sign-in {}", hex::encode(random));
        let mac = front.hsm.code_mac(&occasion, &code);
        let stage = Stage::Code { occasion, mac, tries_left: CODE_TRIES_MAX };
        let (cookie, _) = self.sessions.begin(&customer.name, stage, now_ms).ok_or(Refusal::Unavailable)?;
        let sent_to = customer.telephone.masked();
        front.gateways.send_soon(Sending::new(customer.telephone, text::signing_in(&code, &customer.language)));
        Ok(with_cookie(Json(StageView { stage: "code", sent_to: Some(sent_to) }), &cookie))
    }
}

/// How far a browser has come.
#[derive(Serialize)]
struct StageView {
    /// `out`, `code` or `in`.
    stage: &'static str,
    /// Where the code went, masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_to: Option<String>,
}

/// Whether somebody is signed in here; the token for whoever is.
pub(super) async fn session(State(app): State<App>, headers: HeaderMap) -> Response {
    let (stage, token) = match app.session_of(&headers) {
        None => ("out", None),
        Some((_, session)) => match session.stage {
            Stage::Code { .. } => ("code", None),
            Stage::In => ("in", Some(session.token())),
        },
    };
    let mut response = Json(StageView { stage, sent_to: None }).into_response();
    tell_token(&mut response, token.as_deref());
    response
}

// It has no Debug: a password is in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    access_number: String,
    password: Zeroizing<String>,
}

/// A number and a password: a code goes to the telephone on file if they fit together.
pub(super) async fn sign_in(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let SignIn { access_number, password } =
        serde_json::from_slice(&body).map_err(|_| ChangeRefused::Malformed("the body"))?;
    app.wait(peer.ip())?;
    match app.let_in(&digits(&access_number), Password::typed(&password)).await? {
        Some(access) => app.send_code(access, &headers).await,
        None => Err(app.failed(peer.ip())),
    }
}

// It has no Debug: a password and a code are in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstSignIn {
    access_number: String,
    activation_code: Zeroizing<String>,
    password: Zeroizing<String>,
}

/// The activation code and a new password; then a sign-in code goes to the telephone on file, as at each sign-in.
pub(super) async fn activate(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let FirstSignIn { access_number, activation_code, password } =
        serde_json::from_slice(&body).map_err(|_| ChangeRefused::Malformed("the body"))?;
    let chosen = Password::chosen(&password).map_err(|_| ChangeRefused::PasswordUnfit)?;
    app.wait(peer.ip())?;
    let pepper = app.front.hsm.online_pepper();
    // Hashed whoever asks: so a number that exists takes as long as one that does not.
    let verifier = {
        let _turn = HASHING.acquire().await.map_err(|_| Refusal::Unavailable)?;
        let hashing = tokio::task::spawn_blocking(move || PasswordVerifier::of(&chosen, &pepper));
        hashing.await.map_err(|_| Refusal::Unavailable)?
    };
    let (number, code) = (digits(&access_number), Zeroizing::new(digits(&activation_code)));
    let (writing, now_ms) = (Arc::clone(&app.front), app.front.now_ms());
    let activated = (app.front.db())
        .write(move |db_tx| {
            Box::pin(async move {
                let Some(access) = Access::of_number(db_tx, &number).await? else { return Ok(None) };
                if access.is_activated_by(&writing.hsm, &code, now_ms) {
                    access.activate(db_tx, &verifier, now_ms).await?;
                    return Ok::<_, BankError>(Some(access));
                }
                // Who is signed in already is not locked by whoever tries its number here.
                if access.state == AccessState::Opened {
                    access.wrong_try(db_tx, now_ms).await?;
                }
                Ok(None)
            })
        })
        .await?;
    match activated {
        Some(access) => app.send_code(access, &headers).await,
        None => Err(app.failed(peer.ip())),
    }
}

// It has no Debug.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignInCode {
    code: Zeroizing<String>,
}

/// The code that signs in.
pub(super) async fn type_sign_in_code(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let SignInCode { code } = serde_json::from_slice(&body).map_err(|_| ChangeRefused::Malformed("the body"))?;
    let (cookie, session) = app.session_of(&headers).ok_or(ChangeRefused::Over)?;
    let Stage::Code { occasion, mac, .. } = &session.stage else { return Err(ChangeRefused::Over.into()) };
    let left = app.sessions.take_try(&cookie).ok_or(ChangeRefused::Over)?;
    let code = Zeroizing::new(digits(&code));
    let (now_ms, name) = (app.front.now_ms(), session.customer.clone());
    if !app.front.hsm.is_code(occasion, &code, mac) {
        if left > 0 {
            return Err(ChangeRefused::WrongCode(i64::from(left)).into());
        }
        app.sessions.end(&cookie);
        app.guard.failed(peer.ip(), now_ms);
        (app.front.db())
            .write(move |db_tx| {
                Box::pin(async move {
                    let access = Access::of_customer(db_tx, &name).await?.ok_or(BankError::NoAccess)?;
                    access.wrong_try(db_tx, now_ms).await
                })
            })
            .await?;
        return Err(ChangeRefused::Over.into());
    }
    // A code signs in once, even if it comes twice at once.
    app.sessions.end(&cookie).ok_or(ChangeRefused::Over)?;
    let signed_in = (app.front.db())
        .write(move |db_tx| {
            Box::pin(async move {
                let access = Access::of_customer(db_tx, &name).await?.ok_or(BankError::NoAccess)?;
                if access.state != AccessState::Active {
                    return Ok::<_, BankError>(false);
                }
                access.change(db_tx, AccessChange::SignedIn).await?;
                Ok(true)
            })
        })
        .await?;
    if !signed_in {
        return Err(Refusal::NotSignedIn);
    }
    app.guard.let_in(peer.ip(), now_ms);
    let begun = app.sessions.begin(&session.customer, Stage::In, now_ms);
    let (cookie, session) = begun.ok_or(Refusal::Unavailable)?;
    let mut response = with_cookie(Json(StageView { stage: "in", sent_to: None }), &cookie);
    tell_token(&mut response, Some(&session.token()));
    Ok(response)
}

impl App {
    fn wait(&self, from: IpAddr) -> Result<(), Refusal> {
        self.guard.wait_s(from, self.front.now_ms()).map_or(Ok(()), |wait_s| Err(Refusal::Wait(wait_s)))
    }

    fn failed(&self, from: IpAddr) -> Refusal {
        self.guard.failed(from, self.front.now_ms());
        Refusal::NotSignedIn
    }

    /// An answer about a change; when it was carried out, with another cookie and another token.
    fn answered(&self, signed_in: &SignedIn, change: Change) -> Result<Response, Refusal> {
        if change.state != ChangeState::Done {
            return Ok(Json(change).into_response());
        }
        let rotated = self.sessions.rotate(&signed_in.cookie, self.front.now_ms());
        let (cookie, session) = rotated.ok_or(Refusal::NoSession)?;
        let mut response = with_cookie(Json(change), &cookie);
        tell_token(&mut response, Some(&session.token()));
        Ok(response)
    }
}

/// Signs out.
pub(super) async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Response {
    if let Some(cookie) = cookie_in(&headers) {
        app.sessions.end(&cookie);
    }
    let forget = format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().extend(HeaderValue::from_str(&forget).map(|value| (header::SET_COOKIE, value)));
    response
}

/// The customer, with how it pays by code.
pub(super) async fn look(State(app): State<App>, signed_in: SignedIn) -> Result<Response, Refusal> {
    Ok(Json(desk::look(&app.front, &signed_in.acting).await?).into_response())
}

/// What was changed, the newest first.
pub(super) async fn journal(State(app): State<App>, signed_in: SignedIn) -> Result<Response, Refusal> {
    Ok(Json(desk::journal(&app.front, &signed_in.acting).await?).into_response())
}

/// Asks for a change.
pub(super) async fn propose(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(change_id): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let change = desk::propose(&app.front, &signed_in.acting, &change_id, &body).await?;
    app.answered(&signed_in, change)
}

/// A change, as it stands.
pub(super) async fn change(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(change_id): Path<String>,
) -> Result<Response, Refusal> {
    Ok(Json(desk::change(&app.front, &signed_in.acting, &change_id).await?).into_response())
}

/// A code of a change.
pub(super) async fn type_code(
    State(app): State<App>,
    signed_in: SignedIn,
    Path(change_id): Path<String>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let typed: TypedCode = serde_json::from_slice(&body).map_err(|_| ChangeRefused::Malformed("the body"))?;
    let change = desk::type_code(&app.front, &signed_in.acting, &change_id, typed).await?;
    app.answered(&signed_in, change)
}

/// The digits of what was typed, as people group them; nothing that is too long to be of use.
fn digits(typed: &str) -> String {
    typed.chars().filter(char::is_ascii_digit).take(2 * ACCESS_NUMBER_DIGITS).collect()
}

fn cookie_in(headers: &HeaderMap) -> Option<Zeroizing<String>> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| Zeroizing::new(value.to_owned()))
}

fn with_cookie(answer: impl IntoResponse, cookie: &Cookie) -> Response {
    let value = Zeroizing::new(format!("{COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Strict", cookie.expose()));
    let mut response = answer.into_response();
    if let Ok(mut value) = HeaderValue::from_str(&value) {
        value.set_sensitive(true);
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

fn tell_token(response: &mut Response, token: Option<&str>) {
    if let Some(value) = token.and_then(|token| HeaderValue::from_str(token).ok()) {
        response.headers_mut().insert(TOKEN, value);
    }
}

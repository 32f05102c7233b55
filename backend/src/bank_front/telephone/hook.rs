//! The voice gateway's side: one call at a time is a resource, and each of its turns is answered once.
//!
//! `POST /v1/calls/{call}` brings the digits of a turn; `DELETE` says that the caller hung up. A turn whose answer was lost is
//! brought again, and answered as before: nothing is bought twice. See `docs/voice-gateway.md`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::desk;
use super::menu::{Call, Digits, Event, Language, Next, Remark};
use super::speech::speech;
use crate::bank_front::BankFront;
use crate::bank_front::error::BankError;
use crate::tls;

/// The longest body, in bytes.
const BODY_BYTES_MAX: usize = 1_024;
/// The most calls at once.
const CALLS_MAX: usize = 256;
/// How long a call may be silent; then it is forgotten, and what it told with it.
const SILENCE_MAX: Duration = Duration::from_mins(2);
/// How often silent calls are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// The longest name of a call, in characters.
const NAME_CHARACTERS_MAX: usize = 64;
/// The most digits of a turn.
const DIGITS_MAX: usize = 32;
/// How long turns under way may take to end when the bank stops.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// Where the voice gateway reaches the bank.
#[derive(Debug, clap::Args)]
pub struct VoiceOptions {
    /// Where to listen for a voice gateway, such as 127.0.0.1:8586; nowhere when absent.
    #[arg(long, value_name = "ADDR", requires = "voice_gateway_ca")]
    pub voice_listen: Option<SocketAddr>,
    /// The certificate that signs the voice gateway's own, in PEM. Whoever has another certificate is not let in, the
    /// payment server's included.
    #[arg(long, value_name = "FILE", requires = "voice_listen")]
    pub voice_gateway_ca: Option<PathBuf>,
}

/// Body of a turn.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keyed {
    /// Which turn of the call it is, counted from zero.
    turn: u32,
    /// What was keyed since the last answer; nothing in turn zero.
    #[serde(default)]
    digits: Zeroizing<String>,
    /// In which language the call begins, in turn zero.
    language: Option<Language>,
}

/// Answer to a turn.
#[derive(Serialize)]
struct Spoken<'a> {
    /// Which turn comes next.
    turn: u32,
    /// What to speak.
    speak: &'a str,
    /// In which language.
    language: Language,
    /// How many digits to wait for; none when the call is over, after this was spoken.
    digits: Option<Digits>,
}

/// A call, with what it was told last.
struct Line {
    call: Option<Call>,
    turn: u32,
    told: Zeroizing<String>,
    heard: Instant,
}

type Lines = Mutex<HashMap<String, Arc<tokio::sync::Mutex<Line>>>>;

/// What every turn shares.
#[derive(Clone)]
struct App {
    front: Arc<BankFront>,
    lines: Arc<Lines>,
}

/// A bound address and who is let in there.
pub struct VoicePort {
    listener: std::net::TcpListener,
    tls: Arc<rustls::ServerConfig>,
}

impl VoiceOptions {
    /// The port, if there shall be one. It shows what the bank's other ports show.
    ///
    /// # Errors
    /// When the address is taken or a certificate cannot be read.
    pub fn bind(&self, own: &tls::Identity) -> Result<Option<VoicePort>, BankError> {
        let (Some(addr), Some(authority)) = (self.voice_listen, &self.voice_gateway_ca) else { return Ok(None) };
        let socket = |source| BankError::File { what: addr.to_string(), source };
        let listener = std::net::TcpListener::bind(addr).map_err(socket)?;
        listener.set_nonblocking(true).map_err(socket)?;
        Ok(Some(VoicePort { listener, tls: tls::mutual_server(own, authority)? }))
    }
}

impl VoicePort {
    /// Where it listens.
    ///
    /// # Errors
    /// When the operating system does not say.
    pub fn addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Serves the voice gateway until `stop` is cancelled.
pub async fn serve(port: VoicePort, front: Arc<BankFront>, stop: CancellationToken) {
    let handle = Handle::new();
    let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(port.tls));
    let lines = Arc::new(Lines::default());
    let server = match axum_server::from_tcp(port.listener) {
        Ok(server) => server.acceptor(acceptor).handle(handle.clone()),
        Err(error) => return tracing::error!(%error, "the voice gateway's port cannot be served"),
    };
    let serving = server.serve(router(App { front, lines: Arc::clone(&lines) }).into_make_service());
    let forgetting = async {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(LOOK_EVERY) => forget_silent(&lines, Instant::now()),
            }
        }
        handle.graceful_shutdown(Some(SHUTDOWN_GRACE));
    };
    let (served, ()) = tokio::join!(serving, forgetting);
    if let Err(error) = served {
        tracing::error!(%error, "the voice gateway's port failed");
    }
}

fn router(app: App) -> Router {
    Router::new()
        .route("/v1/calls/{call}", post(turn).delete(hung_up))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(app)
}

/// A call that cannot be looked at is being answered, and so not silent.
fn forget_silent(lines: &Lines, now: Instant) {
    let is_silent = |line: &Line| now.saturating_duration_since(line.heard) >= SILENCE_MAX;
    let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    lines.retain(|_, line| line.try_lock().map_or(true, |line| !is_silent(&line)));
}

async fn hung_up(State(app): State<App>, Path(call): Path<String>) -> StatusCode {
    app.lines.lock().unwrap_or_else(PoisonError::into_inner).remove(&call);
    StatusCode::NO_CONTENT
}

async fn turn(State(app): State<App>, Path(name): Path<String>, Json(turn): Json<Keyed>) -> Response {
    let is_name = (1..=NAME_CHARACTERS_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    let is_digits = turn.digits.len() <= DIGITS_MAX && turn.digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_name || !is_digits || (turn.turn == 0) != turn.digits.is_empty() {
        return refusal(StatusCode::UNPROCESSABLE_ENTITY, "the turn is malformed");
    }
    let Some(line) = line_of(&app.lines, &name, &turn) else {
        return refusal(StatusCode::NOT_FOUND, "there is no such call, or there are too many");
    };
    // What was begun is done and remembered even if the gateway does not wait for it: it brings the turn again.
    let answering = tokio::spawn(answer(app.front, line, turn));
    answering.await.unwrap_or_else(|_| refusal(StatusCode::INTERNAL_SERVER_ERROR, "the call cannot go on"))
}

async fn answer(front: Arc<BankFront>, line: Arc<tokio::sync::Mutex<Line>>, turn: Keyed) -> Response {
    let mut line = line.lock().await;
    line.heard = Instant::now();
    if turn.turn.checked_add(1) == Some(line.turn) {
        // Its answer was lost on the way.
        return spoken(&line);
    }
    if turn.turn != line.turn {
        return refusal(StatusCode::CONFLICT, "another turn is expected");
    }
    let Some(call) = line.call.take() else {
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, "the call cannot go on");
    };
    let (call, remark) = if turn.turn == 0 { (call, Remark::Nothing) } else { go_on(&front, call, &turn.digits).await };
    line.told = speech(&call, &remark);
    line.turn = turn.turn.saturating_add(1);
    line.call = Some(call);
    spoken(&line)
}

/// The call by this name. The first turn makes it, if there is room.
fn line_of(lines: &Lines, name: &str, turn: &Keyed) -> Option<Arc<tokio::sync::Mutex<Line>>> {
    let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(line) = lines.get(name) {
        return Some(Arc::clone(line));
    }
    if turn.turn != 0 || lines.len() >= CALLS_MAX {
        return None;
    }
    let call = Some(Call::new(turn.language.unwrap_or(Language::English)));
    let line = Line { call, turn: 0, told: Zeroizing::new(String::new()), heard: Instant::now() };
    let line = Arc::new(tokio::sync::Mutex::new(line));
    lines.insert(name.to_owned(), Arc::clone(&line));
    Some(line)
}

/// Takes what was keyed, and does what it leads to until there is something to say.
async fn go_on(front: &Arc<BankFront>, call: Call, digits: &str) -> (Call, Remark) {
    let (mut call, mut next) = call.apply(Event::Keyed(digits));
    loop {
        match next {
            Next::Speak(remark) => return (call, remark),
            Next::Do(deed) => {
                let found = desk::done(front, deed).await;
                (call, next) = call.apply(Event::Found(found));
            }
        }
    }
}

fn spoken(line: &Line) -> Response {
    let (language, digits) =
        line.call.as_ref().map_or((Language::English, None), |call| (call.language, call.digits()));
    let answer = Json(Spoken { turn: line.turn, speak: &line.told, language, digits });
    ([(header::CACHE_CONTROL, "no-store")], answer).into_response()
}

fn refusal(status: StatusCode, what: &'static str) -> Response {
    (status, Json(serde_json::json!({ "error": what }))).into_response()
}

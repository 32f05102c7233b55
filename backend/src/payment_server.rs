//! The payment server: takes orders from merchants, delivers them to payers, carries sealed attempts to the
//! bank and records what the bank decided. It never sees card data or a PIN.
//!
//! ```text
//! merchant ── payment_requests ──► outbox ──► inbox, mail ──► wallet
//! wallet ── attempts ──► banks, bank_link ──► bank   inquiry: what a bank never answered
//! every change: lifecycle (state + journal + notice to devices, one db step)
//! ```
//!
//! **Invariant:** an attempt is stored with its STAN and RRN before its message is sent, and the inner
//! capsule is held in memory only.

use std::net::SocketAddr;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use payment::{AttemptId, DeviceId, InvalidTransition, MerchantId};
use protocol::merchant_api::Channel;
use protocol::{ErrorCode, Problem};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::now_ms;
use crate::keys::{BankId, DataFolder, KeysError};
use crate::peer_certificate::CertificateAcceptor;
use crate::storage::Db;
use crate::tls::{self, TlsError};

mod access;
mod attempts;
mod auth;
mod bank_evidence;
mod bank_link;
mod bank_messages;
mod bank_words;
mod banks;
mod caps;
mod carriers;
mod channels;
mod claims;
mod codes;
mod counters;
mod database;
mod deliveries;
mod devices;
mod docs;
mod events;
mod expiry;
pub mod export;
mod idempotency;
mod identifiers;
mod inbox;
mod inquiry;
mod keyset;
mod late_answer;
mod leftover;
mod lifecycle;
mod limits;
mod links;
mod listener;
mod mail;
mod methods;
mod metrics;
mod openapi;
mod outbox;
mod overdue;
mod page;
mod payment_numbers;
mod payment_requests;
mod problem;
mod recipients;
pub mod reconciliation;
mod refunds;
mod replica;
pub mod reports;
pub mod review;
mod router;
mod senders;
mod siblings;
mod sms;
mod templates;
mod watchers;
mod webhooks;

pub use banks::BankAddress;
use banks::Banks;
pub use caps::Caps;
pub use channels::ChannelOptions;
use channels::Channels;
pub use database::DatabaseOption;
use keyset::ServerKeys;
pub use limits::LimitOptions;
use limits::Limits;
use listener::Listener;
pub use mail::bounces::{BounceOptions, receive as receive_bounce};
use metrics::Metrics;
pub use page::PageOptions;
use replica::Replica;
use watchers::Watchers;
use webhooks::Dispatcher;
pub use webhooks::WebhookOptions;

/// The database's schema.
static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations/payment_server");

/// How long calls under way may take to end when the server stops.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);
/// The most calls handled at once; one more is told to come back.
const CALLS_AT_ONCE_MAX: usize = 1_024;
/// The most open inbox streams.
const STREAMS_AT_ONCE_MAX: usize = 10_000;

/// The usual deadline for an unknown outcome: fifteen minutes.
pub const UNKNOWN_DEADLINE_MS: u64 = 15 * 60 * 1_000;

/// Where the process kills itself, so that tests can look at what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum CrashPoint {
    /// The attempt is stored; its message is not sent.
    BeforeSend,
    /// The bank's answer is here; nothing of it is stored.
    AfterBankAnswer,
    /// The bank's decision is stored; the wallet has no answer.
    AfterCommit,
    /// A refund is stored; its message is not sent.
    BeforeRefund,
    /// The bank has given back; nothing of it is stored.
    AfterRefundAnswer,
}

/// How to run a payment server.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The data folder.
    #[arg(long)]
    pub data: PathBuf,
    /// Where the database is.
    #[command(flatten)]
    pub database: DatabaseOption,
    /// Where to listen; port 0 takes any free port.
    #[arg(long)]
    pub listen: SocketAddr,
    /// Where to listen as well, for merchants that show a client certificate; port 0 takes any free port.
    #[arg(long)]
    pub mutual_tls_listen: Option<SocketAddr>,
    /// Where Prometheus asks for figures, over plain HTTP; nowhere when absent. Not for the outside.
    #[arg(long)]
    pub metrics_listen: Option<SocketAddr>,
    /// Where a bank's or an operator's front listens, as id=host:port, or host:port for the bank called first.
    #[arg(long = "bank", visible_alias = "front", required = true)]
    pub banks: Vec<BankAddress>,
    /// How messages leave.
    #[command(flatten)]
    pub channels: ChannelOptions,
    /// How many calls are taken.
    #[command(flatten)]
    pub limits: LimitOptions,
    /// How long to wait for the bank's answer, in milliseconds.
    #[arg(long, default_value_t = 8_000)]
    pub answer_timeout_ms: u64,
    /// How long after sending it an unknown outcome is known or undone, or people are told that it takes longer and the
    /// operator is alarmed, in milliseconds.
    #[arg(long, default_value_t = UNKNOWN_DEADLINE_MS)]
    pub unknown_deadline_ms: u64,
    /// What webhooks may lead to.
    #[command(flatten)]
    pub webhooks: WebhookOptions,
    /// How much merchants may ask and payers are asked.
    #[command(flatten)]
    pub caps: Caps,
    /// Whether requests can be paid in a browser.
    #[command(flatten)]
    pub page: PageOptions,
    /// For tests: the process aborts at this point.
    #[arg(long, hide = true)]
    pub crash_at: Option<CrashPoint>,
}

/// What can go wrong in the payment server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller is told so; nothing else is wrong.
    #[error("refused: {0}")]
    Refused(ErrorCode),
    /// The same with more detail.
    #[error("refused: {0}")]
    RefusedWith(Box<Problem>),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error(transparent)]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A lifecycle refused an event.
    #[error(transparent)]
    Transition(#[from] InvalidTransition),
    /// A row holds what no code of ours wrote.
    #[error("a stored {0} is malformed")]
    Row(&'static str),
    /// A bank was given twice.
    #[error("there are two addresses for the bank {0}")]
    BankTwice(BankId),
    /// A decision about a review that is not to be had.
    #[error("{0}")]
    Review(String),
    /// A bank's totals of a day differ from ours, or it has not answered.
    #[error("not every bank agrees about {0}")]
    NotReconciled(String),
    /// The journal's chain is broken.
    #[error("the journal is broken at entry {0}")]
    Journal(i64),
    /// A message to the bank could not be written.
    #[error(transparent)]
    Iso8583(#[from] iso8583::Error),
    /// A letter could not be sealed.
    #[error(transparent)]
    Seal(#[from] envelope::SealError),
    /// A key file is missing or wrong.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The keyset does not verify under the trust file.
    #[error(transparent)]
    Keyset(#[from] envelope::KeysetError),
    /// TLS could not be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A mail could not be made or handed over.
    #[error("mail: {0}")]
    Mail(String),
    /// The client for webhooks could not be made.
    #[error("webhooks: {0}")]
    Webhooks(reqwest::Error),
    /// A gateway for text messages is set up wrongly.
    #[error("text messages: {0}")]
    Sms(String),
    /// A socket or file failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Error {
    /// The caller has to wait so long.
    fn too_many(wait_s: u64) -> Self {
        let mut problem = Problem::new(ErrorCode::RateLimited);
        problem.retry_after_s = Some(wait_s);
        Self::RefusedWith(Box::new(problem))
    }
}

impl From<ErrorCode> for Error {
    fn from(code: ErrorCode) -> Self {
        Self::Refused(code)
    }
}

/// Everything the handlers and workers share. Clones share it.
#[derive(Clone)]
struct App(Arc<Shared>);

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

struct Shared {
    db: Db,
    replica: Replica,
    keys: ServerKeys,
    banks: Banks,
    channels: Channels,
    public_url: String,
    answer_timeout: Duration,
    unknown_deadline_ms: u64,
    crash_at: Option<CrashPoint>,
    attempt_watchers: Watchers<AttemptId>,
    device_watchers: Watchers<DeviceId>,
    journal_watchers: Watchers<MerchantId>,
    waiting_feeds: Semaphore,
    webhooks: Dispatcher,
    webhooks_wake: Notify,
    refunds_wake: Notify,
    running_keys: idempotency::RunningKeys,
    limits: Limits,
    metrics: Metrics,
    outbox_wake: outbox::Wake,
    recipients_wake: Notify,
    caps: Caps,
    page: Option<page::PaymentPage>,
    calls: Semaphore,
    streams: Arc<Semaphore>,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

impl Shared {
    /// Aborts the process when a test asked for it here.
    fn crash_point(&self, point: CrashPoint) {
        if self.crash_at == Some(point) {
            tracing::warn!(?point, "aborting on request");
            std::process::abort();
        }
    }
}

/// A payment server that runs.
pub struct Running {
    addr: SocketAddr,
    mutual_tls_addr: Option<SocketAddr>,
    metrics_addr: Option<SocketAddr>,
    app: App,
    listeners: Vec<Listener>,
}

impl Running {
    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where it listens for callers with a client certificate, if anywhere.
    pub const fn mutual_tls_addr(&self) -> Option<SocketAddr> {
        self.mutual_tls_addr
    }

    /// Where it shows its figures, if anywhere.
    pub const fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_addr
    }

    /// Stops: no new calls, those under way end, the workers end.
    pub async fn stop(self) -> Result<(), Error> {
        self.app.shutdown.cancel();
        for listener in &self.listeners {
            listener.handle.graceful_shutdown(Some(SHUTDOWN_GRACE));
        }
        let mut ended = Ok(());
        for listener in self.listeners {
            ended = ended.and(listener.served.await.map_err(std::io::Error::other)?);
        }
        self.app.tasks.close();
        if tokio::time::timeout(SHUTDOWN_GRACE, self.app.tasks.wait()).await.is_err() {
            tracing::warn!("some work did not end in time; it is stored and goes on at the next start");
        } else if let Err(error) = self.app.replica.leave(&self.app.db).await {
            tracing::warn!(%error, "this server could not take its leave; it counts as dead in a few seconds");
        }
        Ok(ended?)
    }
}

/// Creates the database, or brings it up to date.
pub async fn migrate(folder: &DataFolder, database: &DatabaseOption) -> Result<(), Error> {
    database.open(folder).await.map(drop)
}

/// Opens everything, re-drives what an earlier run left, and listens.
pub async fn start(options: Options) -> Result<Running, Error> {
    let folder = DataFolder::new(&options.data);
    let db = options.database.open(&folder).await?;
    events::verify_chain(&db).await?;
    let shutdown = CancellationToken::new();
    let tasks = TaskTracker::new();
    let keys = ServerKeys::load(&folder, &db, now_ms()).await?;
    let client = tls::mutual_client(&folder.tls_identity("payment-server-client"), &folder.tls_ca())?;
    let (banks, link_workers) = Banks::new(&options.banks, &client, Duration::from_millis(options.answer_timeout_ms))?;
    let (channels, sms_sessions) = Channels::new(&options.channels, &options.data)?;
    let app = App(Arc::new(Shared {
        channels,
        public_url: crate::keys::read_text(&folder.payment_server("public-url"))?.trim().to_owned(),
        replica: Replica::enter(&db).await?,
        db,
        keys,
        banks,
        answer_timeout: Duration::from_millis(options.answer_timeout_ms),
        unknown_deadline_ms: options.unknown_deadline_ms,
        crash_at: options.crash_at,
        attempt_watchers: Watchers::default(),
        device_watchers: Watchers::default(),
        journal_watchers: Watchers::default(),
        waiting_feeds: Semaphore::new(events::WAITING_MAX),
        webhooks: Dispatcher::new(options.webhooks)?,
        webhooks_wake: Notify::new(),
        refunds_wake: Notify::new(),
        running_keys: idempotency::RunningKeys::default(),
        limits: Limits::new(options.limits),
        metrics: Metrics::new(),
        outbox_wake: outbox::Wake::default(),
        recipients_wake: Notify::new(),
        caps: options.caps,
        page: page::PaymentPage::read(&options.page, &folder)?,
        calls: Semaphore::new(CALLS_AT_ONCE_MAX),
        streams: Arc::new(Semaphore::new(STREAMS_AT_ONCE_MAX)),
        shutdown,
        tasks,
    }));
    access::import(&app, &folder).await?;
    inquiry::recover(&app).await?;
    for worker in link_workers {
        app.tasks.spawn(worker.run(app.clone()));
    }
    for (bank, _) in app.banks.iter() {
        app.tasks.spawn(inquiry::run(app.clone(), bank.clone()));
        app.tasks.spawn(refunds::run(app.clone(), bank.clone()));
        app.tasks.spawn(reconciliation::run(app.clone(), bank.clone()));
    }
    for channel in [Channel::Device, Channel::Email, Channel::Sms] {
        app.tasks.spawn(outbox::run(app.clone(), channel));
    }
    app.tasks.spawn(recipients::run(app.clone()));
    app.tasks.spawn(replica::run(app.clone()));
    app.tasks.spawn(replica::listen(app.clone()));
    app.tasks.spawn(outbox::remind(app.clone()));
    for session in sms_sessions {
        app.tasks.spawn(sms::run(session, app.clone()));
    }
    if let Some(folder) = options.channels.bounce_dir.clone() {
        app.tasks.spawn(mail::bounces::run(app.clone(), folder));
    }
    app.tasks.spawn(expiry::run(app.clone()));
    app.tasks.spawn(overdue::run(app.clone()));
    app.tasks.spawn(Dispatcher::run(app.clone()));
    listen(&options, &folder, app)
}

fn listen(options: &Options, folder: &DataFolder, app: App) -> Result<Running, Error> {
    let identity = folder.tls_identity("payment-server");
    let router = router::router(app.clone());
    let tls = RustlsAcceptor::new(RustlsConfig::from_config(tls::https_server(&identity)?));
    let main = Listener::open(options.listen, tls, &router)?;
    let mutual_tls = match options.mutual_tls_listen {
        Some(addr) => {
            let tls = CertificateAcceptor::new(RustlsConfig::from_config(tls::https_server_asking(&identity)?));
            Some(Listener::open(addr, tls, &router)?)
        }
        None => None,
    };
    let metrics = options.metrics_listen.map(|addr| metrics::listen(addr, app.clone())).transpose()?;
    let (addr, mutual_tls_addr) = (main.addr, mutual_tls.as_ref().map(|listener| listener.addr));
    let metrics_addr = metrics.as_ref().map(|listener| listener.addr);
    let listeners = [Some(main), mutual_tls, metrics].into_iter().flatten().collect();
    Ok(Running { addr, mutual_tls_addr, metrics_addr, app, listeners })
}

/// Runs until `stop` is cancelled. The first line on standard output says where it listens.
pub async fn run(options: Options, stop: CancellationToken) -> Result<(), Error> {
    let running = start(options).await?;
    let mut ready = serde_json::json!({ "ready": "payment-server", "addr": running.addr() });
    if let Some(addr) = running.mutual_tls_addr() {
        ready["mutual_tls_addr"] = serde_json::json!(addr);
    }
    if let Some(addr) = running.metrics_addr() {
        ready["metrics_addr"] = serde_json::json!(addr);
    }
    println!("{ready}");
    stop.cancelled().await;
    tracing::info!("stopping");
    running.stop().await
}

//! What subscribers are told by text message, over the operator's own short message centre, or as files where there is none.
//!
//! A notice is a row of the step that did what it tells of, and is sent afterwards; it may come twice, never not at all. A
//! code is sent from memory and stored nowhere: whoever got none asks for another.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use payment::{Amount, ConfirmationNumber, LineKind};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;
use zeroize::Zeroizing;

use super::CarrierFront;
use super::error::CarrierError;
use super::subscriber::Subscriber;
use crate::gateway::smpp::{self, SmppGateway, SmppSession};
use crate::gateway::{Verdict, file};
use crate::storage::DbConnection;

/// How often a code is handed over at most.
const HANDED_OVER_MAX: u32 = 3;
/// The pause before it is handed over again.
const PAUSE: Duration = Duration::from_secs(2);
/// How often notices are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often a notice is tried.
const TRIES_MAX: i64 = 5;
/// The pause after its first try, in milliseconds; it doubles with each further one.
const FIRST_PAUSE_MS: i64 = 10_000;
/// The most notices taken at once.
const AT_ONCE_MAX: i64 = 16;
/// Most characters of a payee's name in a text message.
const PAYEE_CHARS_MAX: usize = 40;

/// The way to the operator's subscribers.
pub struct Texting {
    sms: Option<SmppGateway>,
    folder: PathBuf,
    on_their_way: TaskTracker,
}

impl Texting {
    /// Files in this folder.
    pub fn files(folder: &Path) -> Self {
        Self { sms: None, folder: folder.to_owned(), on_their_way: TaskTracker::new() }
    }

    /// A short message centre (`smpp://user:password@host:port?from=NAME`), and the session that has to run for it.
    ///
    /// # Errors
    /// When the address is none.
    pub fn centre(url: &str, folder: &Path) -> Result<(Self, SmppSession), CarrierError> {
        let url = Url::parse(url).ok().filter(|url| url.scheme() == "smpp");
        let (sms, session) = smpp::open(&url.ok_or(CarrierError::Malformed("--sms: smpp://"))?)?;
        Ok((Self { sms: Some(sms), ..Self::files(folder) }, session))
    }

    /// Sends a text without letting anybody wait for it.
    pub(super) fn send_soon(self: &Arc<Self>, number: &str, text: String) {
        let (texting, number, text) = (Arc::clone(self), number.to_owned(), Zeroizing::new(text));
        let id = hex::encode(crate::keys::random::<16>());
        self.on_their_way.spawn(async move {
            for _ in 0..HANDED_OVER_MAX {
                match texting.send(&id, &number, &text).await {
                    Verdict::Taken { .. } | Verdict::Unsure(_) | Verdict::Moot(_) => return,
                    Verdict::Refused(reason) => return tracing::warn!(reason, "a line takes no message"),
                    Verdict::Elsewhere(reason) | Verdict::Later(reason) => {
                        tracing::warn!(reason, "a code is not on its way yet");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        });
    }

    /// Waits until what is on its way has been handed over.
    pub async fn handed_over(&self) {
        self.on_their_way.close();
        self.on_their_way.wait().await;
        self.on_their_way.reopen();
    }

    async fn send(&self, id: &str, number: &str, text: &str) -> Verdict {
        if let Some(centre) = &self.sms {
            return centre.send(id, number, text).await;
        }
        match file::write(&self.folder, id, number, text).await {
            Ok(()) => Verdict::taken("files"),
            Err(error) => {
                tracing::error!(%error, "a message could not be written");
                Verdict::Later("gateway_unreachable")
            }
        }
    }
}

/// The code of an enrolment, and what it is for.
pub(super) fn code_text(operator: &str, code: &str) -> String {
    format!("{operator}: {code} lets a wallet pay on your phone bill. Not you? Tell nobody this code.")
}

/// What a subscriber is told.
pub(super) enum Said<'a> {
    /// A purchase is on its bill.
    Bought { amount: Amount, payee: &'a str, confirmation: &'a ConfirmationNumber },
    /// It was undone.
    Undone { amount: Amount, payee: &'a str },
    /// Something was given back.
    GivenBack { amount: Amount, payee: &'a str },
    /// A wallet was enrolled.
    Enrolled,
    /// Too many wrong tries at enrolling.
    EnrolmentLocked,
    /// Too many wrong PINs.
    Locked,
}

impl Said<'_> {
    pub(super) fn text(&self, operator: &str) -> String {
        let cut = |payee: &str| payee.chars().take(PAYEE_CHARS_MAX).collect::<String>();
        match self {
            Self::Bought { amount, payee, confirmation } => format!(
                "{operator}: {amount} to {} goes on your phone bill. Confirmation number {confirmation}. Not you? Call us.",
                cut(payee)
            ),
            Self::Undone { amount, payee } => {
                format!("{operator}: {amount} to {} is off your phone bill again. Nothing is owed for it.", cut(payee))
            }
            Self::GivenBack { amount, payee } => {
                format!("{operator}: {} gave back {amount}. It lowers your phone bill.", cut(payee))
            }
            Self::Enrolled => format!("{operator}: a wallet can now pay on your phone bill. Not you? Call us."),
            Self::EnrolmentLocked => {
                format!("{operator}: no further wallet can be set up after too many wrong tries. Our counter helps.")
            }
            Self::Locked => format!(
                "{operator}: paying by phone bill is locked after too many wrong PINs. No money moved. Our counter unlocks it."
            ),
        }
    }
}

/// Queues what a mobile is told. A line in a house is told by its statement.
pub(super) async fn queue(
    db_tx: &mut DbConnection,
    subscriber: &Subscriber,
    text: &str,
    at_ms: i64,
) -> Result<(), CarrierError> {
    if subscriber.line == LineKind::Fixed {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO notice (notice_id, number, content, state, tries, due_ms) VALUES ($1, $2, $3, 'queued', 0, $4)",
    )
    .bind(hex::encode(crate::keys::random::<16>()))
    .bind(subscriber.number.as_str())
    .bind(text)
    .bind(at_ms)
    .execute(db_tx)
    .await?;
    Ok(())
}

/// Sends the notices that are due until `stop` is cancelled, and keeps the session with a centre.
pub async fn run(front: Arc<CarrierFront>, session: Option<SmppSession>, stop: CancellationToken) {
    let keep_session = async {
        if let Some(session) = session {
            // A receipt is of no use here: the bill says it too.
            session.run(stop.clone(), async |_, _| Ok(())).await;
        }
    };
    let say_what_is_due = async {
        loop {
            if let Err(error) = send_due(&front).await {
                tracing::error!(%error, "notices to subscribers wait");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    };
    tokio::join!(keep_session, say_what_is_due);
    front.texting.handed_over().await;
}

/// Sends what is due now.
pub(super) async fn send_due(front: &Arc<CarrierFront>) -> Result<(), CarrierError> {
    let at_ms = front.now_ms();
    // Mostly there is nothing, and then nothing is written.
    let waiting: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM notice WHERE state = 'queued' AND due_ms <= $1 LIMIT 1")
            .bind(at_ms)
            .fetch_optional(front.db.reader())
            .await?;
    if waiting.is_none() {
        return Ok(());
    }
    let due = front.db.write(move |db_tx| Box::pin(async move { take_due(db_tx, at_ms).await })).await?;
    for (notice_id, number, text) in due {
        let verdict = front.texting.send(&notice_id, &number, &text).await;
        if matches!(verdict, Verdict::Taken { .. } | Verdict::Unsure(_)) {
            front
                .db
                .write(move |db_tx| {
                    Box::pin(async move {
                        sqlx::query("UPDATE notice SET state = 'sent' WHERE notice_id = $1")
                            .bind(&notice_id)
                            .execute(db_tx)
                            .await?;
                        Ok::<_, CarrierError>(())
                    })
                })
                .await?;
        }
    }
    Ok(())
}

/// Each counts as tried before it is: after a crash it may come twice, never forever.
async fn take_due(db_tx: &mut DbConnection, at_ms: i64) -> Result<Vec<(String, String, String)>, CarrierError> {
    let rows: Vec<(String, String, String, i64)> = sqlx::query_as(
        "SELECT notice_id, number, content, tries FROM notice WHERE state = 'queued' AND due_ms <= $1
         ORDER BY due_ms LIMIT $2",
    )
    .bind(at_ms)
    .bind(AT_ONCE_MAX)
    .fetch_all(&mut *db_tx)
    .await?;
    let mut due = Vec::with_capacity(rows.len());
    for (notice_id, number, text, tries) in rows {
        let is_last = tries + 1 >= TRIES_MAX;
        sqlx::query("UPDATE notice SET tries = tries + 1, due_ms = $2, state = $3 WHERE notice_id = $1")
            .bind(&notice_id)
            .bind(at_ms.saturating_add(FIRST_PAUSE_MS << tries.clamp(0, TRIES_MAX)))
            .bind(if is_last { "failed" } else { "queued" })
            .execute(&mut *db_tx)
            .await?;
        due.push((notice_id, number, text));
    }
    Ok(due)
}

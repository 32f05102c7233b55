//! How the bank reaches its payers: text messages over SMPP, mails over SMTP, or files where neither is set up.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;
use zeroize::Zeroizing;

use super::BankFront;
use super::binding::{Address, Notice, TerminalKind};
use super::error::BankError;
use super::online;
use super::voucher::message;
use crate::gateway::smpp::{self, SmppGateway, SmppSession};
use crate::gateway::smtp::SmtpGateway;
use crate::gateway::{Verdict, file};

/// How often a code is handed over at most: it is worth nothing after its time, and a second one tells the payer of
/// a slow channel.
const HANDED_OVER_MAX: u32 = 3;
/// The pause before it is handed over again.
const PAUSE: Duration = Duration::from_secs(2);
/// How often notices are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Who mails come from unless the bank says otherwise.
const SENDER: &str = "Your bank <no-reply@bank.invalid>";

/// Where a bank's messages to its payers go.
#[derive(Debug, Default, clap::Args)]
pub struct GatewayOptions {
    /// A short message centre for payers' codes, as `smpp://user:password@host:port?from=NAME`. Without one they are
    /// written as files into `codes` in the bank's folder, or into --codes-dir.
    #[arg(long, env = "TAPSEAL_BANK_SMS", hide_env_values = true)]
    pub codes_sms: Option<GatewayUrl>,
    /// A mail server for payers' codes, as `smtp://user:password@host:port?tls=required` or `smtps://host`.
    #[arg(long, env = "TAPSEAL_BANK_SMTP", hide_env_values = true)]
    pub codes_smtp: Option<GatewayUrl>,
    /// Who those mails come from, as "Name <address>".
    #[arg(long)]
    pub codes_mail_from: Option<String>,
    /// Where what has no gateway is written, a file a message.
    #[arg(long)]
    pub codes_dir: Option<PathBuf>,
}

/// Where a gateway is, with its password: it is shown to nobody.
#[derive(Clone)]
pub struct GatewayUrl(Zeroizing<String>);

impl std::str::FromStr for GatewayUrl {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl std::fmt::Debug for GatewayUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GatewayUrl")
    }
}

/// A message on its way to a terminal. It may hold a code, so it has no `Debug`.
pub struct Sending {
    id: String,
    to: Address,
    text: Zeroizing<String>,
}

impl Sending {
    /// Where it goes.
    pub const fn to(&self) -> &Address {
        &self.to
    }

    /// What is said to an address.
    pub fn new(to: Address, text: String) -> Self {
        let mut id = [0; 16];
        getrandom::fill(&mut id).expect("the operating system has randomness");
        Self { id: hex::encode(id), to, text: Zeroizing::new(text) }
    }
}

/// The ways to a bank's payers.
pub struct Gateways {
    sms: Option<SmppGateway>,
    mail: Option<SmtpGateway>,
    from: Mailbox,
    folder: PathBuf,
    on_their_way: TaskTracker,
}

impl Gateways {
    /// Files in a bank's folder.
    pub fn files(home: &Path) -> Self {
        let from = SENDER.parse().expect("the built-in sender is an address");
        Self { sms: None, mail: None, from, folder: home.join("codes"), on_their_way: TaskTracker::new() }
    }

    /// Those that were set up, and the session that has to run for a centre.
    ///
    /// # Errors
    /// [`BankError::Gateway`] when an address is none.
    pub fn new(options: &GatewayOptions, home: &Path) -> Result<(Self, Option<SmppSession>), BankError> {
        let mut gateways = Self::files(home);
        if let Some(folder) = &options.codes_dir {
            gateways.folder.clone_from(folder);
        }
        if let Some(from) = &options.codes_mail_from {
            gateways.from = from.parse().map_err(|_| BankError::Malformed("--codes-mail-from"))?;
        }
        gateways.mail = options.codes_smtp.as_ref().map(|url| SmtpGateway::new(&url.0, None)).transpose()?;
        let Some(url) = &options.codes_sms else { return Ok((gateways, None)) };
        let url = Url::parse(&url.0).ok().filter(|url| url.scheme() == "smpp");
        let (sms, session) = smpp::open(&url.ok_or(BankError::Malformed("--codes-sms: smpp://"))?)?;
        gateways.sms = Some(sms);
        Ok((gateways, Some(session)))
    }

    /// Sends a message without letting anybody wait for it: the answer to who ordered a code tells nothing of its way.
    pub(super) fn send_soon(self: &Arc<Self>, sending: Sending) {
        let gateways = Arc::clone(self);
        self.on_their_way.spawn(async move {
            for _ in 0..HANDED_OVER_MAX {
                match gateways.send(&sending).await {
                    // What may have been sent is not sent again: two texts with one code would only puzzle.
                    Verdict::Taken { .. } | Verdict::Unsure(_) | Verdict::Moot(_) => return,
                    Verdict::Refused(reason) => return tracing::warn!(reason, "a terminal takes no message"),
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

    /// Hands a message over, once; how that ended.
    pub(super) async fn send(&self, sending: &Sending) -> Verdict {
        let Sending { id, to, text } = sending;
        match (to.kind(), &self.sms, &self.mail) {
            (TerminalKind::Sms, Some(centre), _) => centre.send(id, to.as_str(), text).await,
            (TerminalKind::Mail, _, Some(server)) => match self.mail(id, to, text) {
                Some((envelope, mail)) => server.send(&envelope, &mail.formatted()).await,
                None => Verdict::Refused("address_refused"),
            },
            (TerminalKind::Sms | TerminalKind::Mail | TerminalKind::Device, _, _) => {
                match file::write(&self.folder, id, to.as_str(), text).await {
                    Ok(()) => Verdict::taken("files"),
                    Err(error) => {
                        tracing::error!(%error, "a message could not be written");
                        Verdict::Later("gateway_unreachable")
                    }
                }
            }
        }
    }

    /// The whole message is its subject: a pager shows no more of a mail.
    fn mail(&self, id: &str, to: &Address, text: &str) -> Option<(Envelope, Message)> {
        let to: lettre::Address = to.as_str().parse().ok()?;
        let envelope = Envelope::new(Some(self.from.email.clone()), vec![to.clone()]).ok()?;
        let mail = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(text)
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .header(ContentType::TEXT_PLAIN)
            .body(format!("{text}\n"))
            .ok()?;
        Some((envelope, mail))
    }
}

/// Sends the notices that are due until `stop` is cancelled, and keeps the session with a centre.
pub async fn run(front: Arc<BankFront>, session: Option<SmppSession>, stop: CancellationToken) {
    let keep_session = async {
        if let Some(session) = session {
            // A receipt is of no use here: whoever got no code orders another.
            session.run(stop.clone(), async |_, _| Ok(())).await;
        }
    };
    let say_what_is_due = async {
        if let Err(error) = message::doubt_what_was_cut_off(&front).await {
            tracing::error!(%error, "vouchers whose codes were being sent wait");
        }
        loop {
            if let Err(error) = send_due(&front).await {
                tracing::error!(%error, "notices to payers wait");
            }
            if let Err(error) = online::send_due(&front).await {
                tracing::error!(%error, "activation codes wait");
            }
            if let Err(error) = message::send_due(&front).await {
                tracing::error!(%error, "the codes of vouchers wait");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    };
    tokio::join!(keep_session, say_what_is_due);
    front.gateways.handed_over().await;
}

/// Sends what is due now.
pub(super) async fn send_due(front: &Arc<BankFront>) -> Result<(), BankError> {
    let at_ms = front.now_ms();
    // Mostly there is nothing, and then nothing is written.
    let waiting: Option<i64> =
        sqlx::query_scalar("SELECT 1 FROM payer_notice WHERE state = 'queued' AND due_ms <= $1 LIMIT 1")
            .bind(at_ms)
            .fetch_optional(front.db.reader())
            .await?;
    if waiting.is_none() {
        return Ok(());
    }
    let due = front.db.write(move |db_tx| Box::pin(async move { Notice::take_due(db_tx, at_ms).await })).await?;
    for Notice { notice_id, address, text } in due {
        let sending = Sending { id: notice_id.clone(), to: address, text: Zeroizing::new(text) };
        if matches!(front.gateways.send(&sending).await, Verdict::Taken { .. } | Verdict::Unsure(_)) {
            front.db.write(move |db_tx| Box::pin(async move { Notice::sent(db_tx, &notice_id).await })).await?;
        }
    }
    Ok(())
}

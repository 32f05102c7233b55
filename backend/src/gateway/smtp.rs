//! A mail server that mails are handed to (RFC 5321), step by step: what fails before the text was sent surely sent nothing.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lettre::Address;
use lettre::address::Envelope;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Quit, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use url::Url;

use super::{GatewayError, Verdict, decoded};

/// How long connecting may take, TLS and login included.
const CONNECT_DEADLINE: Duration = Duration::from_secs(6);
/// How long naming sender and receiver may take.
const NAMING_DEADLINE: Duration = Duration::from_secs(8);
/// How long the text itself may take. With the others it stays below an outbox lease.
const TEXT_DEADLINE: Duration = Duration::from_secs(12);
/// How many connections are kept for the next mails, and how long: servers close them after a while.
const IDLE_MAX: usize = 16;
const IDLE_TIME: Duration = Duration::from_secs(20);

/// What stands for encryption.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encryption {
    /// None: for a mail server on this machine.
    None,
    /// STARTTLS if the server offers it.
    Opportunistic,
    /// STARTTLS, or no mail.
    StartTls,
    /// TLS from the first byte (RFC 8314).
    Whole,
}

/// A mail server.
pub struct SmtpGateway {
    /// Host and port.
    name: String,
    host: String,
    port: u16,
    encryption: Encryption,
    tls: TlsParameters,
    credentials: Option<Credentials>,
    hello: ClientId,
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
}

impl SmtpGateway {
    /// `smtp://` (plain, or with `?tls=opportunistic` or `?tls=required` STARTTLS) or `smtps://`, with user and password.
    ///
    /// # Errors
    /// [`GatewayError`] when it is no such address.
    pub fn new(url: &str, ca: Option<&[u8]>) -> Result<Self, GatewayError> {
        let url = Url::parse(url).map_err(|_| GatewayError::new("a mail server's address is malformed"))?;
        let wanted = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
        let (encryption, port) = match (url.scheme(), wanted.as_deref()) {
            ("smtp", None | Some("none")) => (Encryption::None, 25),
            ("smtp", Some("opportunistic")) => (Encryption::Opportunistic, 587),
            ("smtp", Some("required")) => (Encryption::StartTls, 587),
            ("smtps", None) => (Encryption::Whole, 465),
            _ => {
                return Err(GatewayError::new("a mail server is smtp:// (?tls=opportunistic or required) or smtps://"));
            }
        };
        let host = url.host_str().ok_or_else(|| GatewayError::new("a mail server's address names no host"))?.to_owned();
        let port = url.port().unwrap_or(port);
        let mut tls = TlsParameters::builder(host.clone());
        if let Some(ca) = ca {
            tls = tls.add_root_certificate(Certificate::from_pem(ca).map_err(GatewayError::new)?);
        }
        let credentials = match (url.username(), url.password()) {
            ("", _) | (_, None) => None,
            (user, Some(password)) => Some(Credentials::new(decoded(user)?, decoded(password)?)),
        };
        if credentials.is_some() && matches!(encryption, Encryption::None | Encryption::Opportunistic) {
            return Err(GatewayError::new("a password is sent only over tls=required or smtps"));
        }
        Ok(Self {
            name: format!("{host}:{port}"),
            host,
            port,
            encryption,
            tls: tls.build_rustls().map_err(GatewayError::new)?,
            credentials,
            hello: ClientId::default(),
            idle: Mutex::default(),
        })
    }

    /// Hands a mail over.
    pub async fn send(&self, envelope: &Envelope, mail: &[u8]) -> Verdict {
        let mut connection = match self.named(envelope).await {
            Ok(connection) => connection,
            Err(verdict) => return verdict,
        };
        match tokio::time::timeout(TEXT_DEADLINE, connection.message(mail)).await {
            Ok(Ok(_)) => {
                self.keep(connection).await;
                Verdict::taken(&self.name)
            }
            Ok(Err(error)) if error.is_permanent() => {
                self.keep(connection).await;
                Verdict::Refused("message_refused")
            }
            Ok(Err(error)) if error.is_transient() => {
                self.keep(connection).await;
                Verdict::Later("gateway_busy")
            }
            // The text is out, and its answer is not in.
            Ok(Err(error)) => {
                tracing::warn!(server = self.name, %error, "a mail server did not say whether it took a mail");
                Verdict::Unsure("connection_lost")
            }
            Err(_) => Verdict::Unsure("timeout"),
        }
    }

    /// A connection on which sender and receiver are taken, and the text may follow.
    async fn named(&self, envelope: &Envelope) -> Result<AsyncSmtpConnection, Verdict> {
        // A kept connection may have been closed by its server: a fresh one decides.
        while let Some(connection) = self.kept() {
            match self.name_on(connection, envelope).await {
                Err(Naming::Lost) => {}
                Err(Naming::Verdict(verdict)) => return Err(verdict),
                Ok(connection) => return Ok(connection),
            }
        }
        match self.name_on(self.connected().await?, envelope).await {
            Err(Naming::Lost) => Err(Verdict::Elsewhere("gateway_unreachable")),
            Err(Naming::Verdict(verdict)) => Err(verdict),
            Ok(connection) => Ok(connection),
        }
    }

    async fn connected(&self) -> Result<AsyncSmtpConnection, Verdict> {
        let connecting = tokio::time::timeout(CONNECT_DEADLINE, self.connect()).await;
        let reason = match connecting {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => {
                tracing::warn!(server = self.name, %error, "a mail server cannot be used");
                if error.is_permanent() || error.is_transient() { "gateway_refused" } else { "gateway_unreachable" }
            }
            Err(_) => "gateway_unreachable",
        };
        Err(Verdict::Elsewhere(reason))
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SmtpError> {
        let whole = (self.encryption == Encryption::Whole).then(|| self.tls.clone());
        let at = (self.host.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(at, Some(CONNECT_DEADLINE), &self.hello, whole, None).await?;
        match self.encryption {
            Encryption::StartTls => connection.starttls(self.tls.clone(), &self.hello).await?,
            Encryption::Opportunistic if connection.can_starttls() => {
                connection.starttls(self.tls.clone(), &self.hello).await?;
            }
            Encryption::Opportunistic | Encryption::Whole | Encryption::None => {}
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await?;
        }
        Ok(connection)
    }

    async fn name_on(
        &self,
        mut connection: AsyncSmtpConnection,
        envelope: &Envelope,
    ) -> Result<AsyncSmtpConnection, Naming> {
        let to = envelope.to().first().cloned().ok_or(Naming::Verdict(Verdict::Refused("address_refused")))?;
        let named = name(&mut connection, envelope.from().cloned(), to);
        match tokio::time::timeout(NAMING_DEADLINE, named).await {
            Ok(Ok(())) => Ok(connection),
            Ok(Err(Naming::Verdict(verdict))) => {
                if connection.command(Rset).await.is_ok() {
                    self.keep(connection).await;
                }
                Err(Naming::Verdict(verdict))
            }
            Ok(Err(Naming::Lost)) | Err(_) => Err(Naming::Lost),
        }
    }

    fn kept(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, since)| since.elapsed() < IDLE_TIME);
        idle.pop().map(|(connection, _)| connection)
    }

    async fn keep(&self, mut connection: AsyncSmtpConnection) {
        let is_full = self.idle.lock().unwrap_or_else(PoisonError::into_inner).len() >= IDLE_MAX;
        if is_full || connection.has_broken() {
            // It closes either way; a server that hears it may say less about it in its log.
            let _ = tokio::time::timeout(Duration::from_secs(1), connection.command(Quit)).await;
            return;
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((connection, Instant::now()));
    }
}

/// Why sender and receiver were not taken.
enum Naming {
    /// The server said why.
    Verdict(Verdict),
    /// The connection is of no use.
    Lost,
}

async fn name(connection: &mut AsyncSmtpConnection, from: Option<Address>, to: Address) -> Result<(), Naming> {
    let mut parameters = Vec::new();
    if !AsRef::<str>::as_ref(&to).is_ascii() {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(Naming::Verdict(Verdict::Refused("address_refused")));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    // What is wrong with the sender, or with us, is nothing about the receiver.
    let said = connection.command(Mail::new(from, parameters)).await;
    said.map_err(|error| ours(&error))?;
    let said = connection.command(Rcpt::new(to, Vec::new())).await;
    said.map_err(|error| match error.status().map(u16::from) {
        Some(421) => Naming::Verdict(Verdict::Elsewhere("gateway_busy")),
        Some(400..=499) => Naming::Verdict(Verdict::Later("address_busy")),
        Some(_) => Naming::Verdict(Verdict::Refused("address_refused")),
        None => Naming::Lost,
    })?;
    let said = connection.command(Data).await;
    said.map(drop).map_err(|error| ours(&error))
}

fn ours(error: &SmtpError) -> Naming {
    match error.status().map(u16::from) {
        Some(400..=499) => Naming::Verdict(Verdict::Elsewhere("gateway_busy")),
        Some(_) => Naming::Verdict(Verdict::Elsewhere("gateway_refused")),
        None => Naming::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_how_it_is_encrypted() {
        let of = |url: &str| SmtpGateway::new(url, None).map(|server| (server.name, server.encryption)).ok();
        let is = |name: &str, encryption| Some((name.to_owned(), encryption));
        assert!(of("smtp://mail.example.org") == is("mail.example.org:25", Encryption::None));
        assert!(of("smtp://mail.example.org?tls=required") == is("mail.example.org:587", Encryption::StartTls));
        assert!(of("smtp://h:2525/?tls=opportunistic") == is("h:2525", Encryption::Opportunistic));
        assert!(of("smtps://u:p%40ss@mail.example.org") == is("mail.example.org:465", Encryption::Whole));
        for wrong in ["http://mail.example.org", "smtp://h?tls=maybe", "smtp://u:p@h", "mail.example.org"] {
            assert!(of(wrong).is_none(), "{wrong}");
        }
    }
}

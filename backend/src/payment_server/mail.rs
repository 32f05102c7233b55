//! Mails: where they go (SMTP, or `.eml` files), and how what they say becomes a mail.

use std::path::PathBuf;
use std::time::Duration;

use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox, Message};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::Error;
use super::outbox::Verdict;
use super::templates;
use crate::clock::now_ms;

/// How long handing over one mail may take.
const HAND_OVER_DEADLINE: Duration = Duration::from_secs(15);

/// Where mails go.
pub(super) enum MailGateway {
    /// To a mail server.
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
    /// Into a folder, a file a mail.
    Files(PathBuf),
}

impl MailGateway {
    /// To the mail server at `url`.
    pub(super) fn smtp(url: &str) -> Result<Self, Error> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(mail_error)?;
        Ok(Self::Smtp(Box::new(transport.timeout(Some(HAND_OVER_DEADLINE)).build())))
    }

    /// Into a folder, which is made.
    pub(super) fn files(folder: PathBuf) -> Result<Self, Error> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self::Files(folder))
    }

    /// Hands a mail over.
    pub(super) async fn send(
        &self,
        sender: &Mailbox,
        id: &str,
        to: &str,
        language: &str,
        message: &templates::Message<'_>,
    ) -> Verdict {
        let Ok(mail) = self.compose(sender, to, language, message) else { return Verdict::Refused("address_refused") };
        match self {
            Self::Smtp(transport) => match transport.send_raw(mail.envelope(), &mail.formatted()).await {
                Ok(_) => Verdict::Taken { gateway: "smtp".to_owned() },
                Err(error) if error.is_permanent() => Verdict::Refused("address_refused"),
                Err(_) => Verdict::Elsewhere("gateway_unreachable"),
            },
            Self::Files(folder) => match write_file(folder, &format!("{}-{id}", now_ms()), &mail.formatted()).await {
                Ok(()) => Verdict::Taken { gateway: "files".to_owned() },
                Err(error) => {
                    tracing::error!(%error, "a mail could not be written");
                    Verdict::Later("gateway_unreachable")
                }
            },
        }
    }

    fn compose(
        &self,
        sender: &Mailbox,
        to: &str,
        language: &str,
        message: &templates::Message<'_>,
    ) -> Result<Message, Error> {
        let (subject, text) = message.mail(language);
        Message::builder()
            .from(sender.clone())
            .to(to.parse().map_err(mail_error)?)
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(self.body(text))
            .map_err(mail_error)
    }

    /// How a mail's text is encoded: for a mail server so that any takes it, in a file for people to read.
    fn body(&self, text: String) -> Body {
        match self {
            Self::Smtp(_) => Body::new(text),
            // The text is ours: its lines are far below the 998 characters of RFC 5322, section 2.1.1.
            Self::Files(_) => {
                Body::dangerous_pre_encoded(text.replace('\n', "\r\n").into_bytes(), ContentTransferEncoding::EightBit)
            }
        }
    }
}

/// A reader of the folder never sees half a file.
async fn write_file(folder: &std::path::Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let part = folder.join(format!(".{name}.part"));
    tokio::fs::write(&part, bytes).await?;
    tokio::fs::rename(part, folder.join(format!("{name}.eml"))).await
}

pub(super) fn mail_error(error: impl std::fmt::Display) -> Error {
    Error::Mail(error.to_string())
}

//! Mails: how what they say becomes a mail, and where it goes (a mail server, or `.eml` files).

use std::path::{Path, PathBuf};

use lettre::Address;
use lettre::address::Envelope;
use lettre::message::header::{ContentTransferEncoding, ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, Message};

use super::Error;
use super::templates;
use crate::clock::now_ms;
use crate::gateway::Verdict;
use crate::gateway::smtp::SmtpGateway;

pub(super) mod bounces;
pub(super) mod dsn;

/// Where mails go.
pub(super) enum MailGateway {
    /// To a mail server.
    Smtp(Box<SmtpGateway>),
    /// Into a folder, a file a mail.
    Files(PathBuf),
}

/// Who mails come from, and where they go back to.
pub(super) struct Sender {
    from: Mailbox,
    return_path: Address,
    returns: Returns,
}

/// Whether a mail that comes back names its delivery in its return path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Returns {
    /// `bounces+ID@…`: the return path is of each mail's own.
    ById,
    /// It comes back to the sender, and is known by its message id.
    ByMessageId,
}

impl Sender {
    /// Without a return path of their own, mails come back to `from`.
    pub(super) fn new(from: &str, return_path: Option<&str>) -> Result<Self, Error> {
        let from: Mailbox = from.parse().map_err(mail_error)?;
        let (return_path, returns) = match return_path {
            Some(address) => (address.parse().map_err(mail_error)?, Returns::ById),
            None => (from.email.clone(), Returns::ByMessageId),
        };
        Ok(Self { from, return_path, returns })
    }

    /// The mail's return path. With an address of its own for each mail, one that comes back names its delivery even when
    /// nothing of the mail is brought back (variable envelope return path).
    fn return_path(&self, id: &str) -> Option<Address> {
        match self.returns {
            Returns::ById => Address::new(format!("{}+{id}", self.return_path.user()), self.return_path.domain()).ok(),
            Returns::ByMessageId => Some(self.return_path.clone()),
        }
    }

    /// The delivery that a mail came back for.
    pub(super) fn delivery_of(&self, dsn: &dsn::Dsn) -> Option<String> {
        let prefix = format!("{}+", self.return_path.user());
        let by_path = dsn.returned_to.iter().filter_map(|address| {
            let (user, domain) = address.rsplit_once('@')?;
            domain.eq_ignore_ascii_case(self.return_path.domain()).then(|| user.strip_prefix(&prefix))?
        });
        let by_message = dsn.message_ids.iter().filter_map(|id| {
            let (id, domain) = id.rsplit_once('@')?;
            domain.eq_ignore_ascii_case(self.from.email.domain()).then_some(id)
        });
        by_path.chain(by_message).find(|id| uuid::Uuid::parse_str(id).is_ok()).map(str::to_owned)
    }
}

/// Tells mail servers and holiday notes that nobody reads an answer (RFC 3834, section 5).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl MailGateway {
    /// To the mail server at `url`; `ca` is trusted beside the public authorities.
    pub(super) fn smtp(url: &str, ca: Option<&[u8]>) -> Result<Self, Error> {
        Ok(Self::Smtp(Box::new(SmtpGateway::new(url, ca).map_err(mail_error)?)))
    }

    /// Into a folder, which is made.
    pub(super) fn files(folder: PathBuf) -> Result<Self, Error> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self::Files(folder))
    }

    /// Hands a mail over.
    pub(super) async fn send(
        &self,
        sender: &Sender,
        id: &str,
        to: &str,
        language: &str,
        message: &templates::Message<'_>,
    ) -> Verdict {
        let Ok((envelope, mail)) = self.compose(sender, id, to, language, message) else {
            return Verdict::Refused("address_refused");
        };
        match self {
            Self::Smtp(server) => server.send(&envelope, &mail.formatted()).await,
            Self::Files(folder) => match write_file(folder, &format!("{}-{id}", now_ms()), &mail.formatted()).await {
                Ok(()) => Verdict::taken("files"),
                Err(error) => {
                    tracing::error!(%error, "a mail could not be written");
                    Verdict::Later("gateway_unreachable")
                }
            },
        }
    }

    fn compose(
        &self,
        sender: &Sender,
        id: &str,
        to: &str,
        language: &str,
        message: &templates::Message<'_>,
    ) -> Result<(Envelope, Message), Error> {
        let (subject, text) = message.mail(language);
        let to = on_the_wire(&to.parse().map_err(mail_error)?)?;
        let return_path = sender.return_path(id).ok_or_else(|| mail_error("the return path takes no id"))?;
        let envelope = Envelope::new(Some(return_path), vec![to.clone()]).map_err(mail_error)?;
        let mail = Message::builder()
            .from(sender.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject)
            .message_id(Some(format!("<{id}@{}>", sender.from.email.domain())))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .body(self.body(text))
            .map_err(mail_error)?;
        Ok((envelope, mail))
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

/// The address as every mail server takes it: an international domain in its ASCII form (RFC 5890).
fn on_the_wire(address: &Address) -> Result<Address, Error> {
    if address.domain().is_ascii() {
        return Ok(address.clone());
    }
    let domain = url::Host::parse(address.domain()).map_err(mail_error)?.to_string();
    Address::new(address.user(), domain).map_err(mail_error)
}

/// A reader of the folder never sees half a file.
async fn write_file(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let part = folder.join(format!(".{name}.part"));
    tokio::fs::write(&part, bytes).await?;
    tokio::fs::rename(part, folder.join(format!("{name}.eml"))).await
}

fn mail_error(error: impl std::fmt::Display) -> Error {
    Error::Mail(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01a201e2-17aa-7f19-820b-59dff928241e";

    fn sender() -> Sender {
        Sender::new("Tapseal <no-reply@pay.example.com>", Some("bounces@back.example.com")).unwrap()
    }

    fn bounce(returned_to: &str, message_id: &str) -> dsn::Dsn {
        dsn::Dsn {
            action: dsn::Action::Failed,
            status: dsn::Status { class: 5, subject: 1, detail: 1 },
            returned_to: vec![returned_to.to_owned()],
            message_ids: vec![message_id.to_owned()],
        }
    }

    #[test]
    fn a_mail_comes_back_to_an_address_of_its_own_and_is_known_by_it() {
        let path = sender().return_path(ID).unwrap().to_string();
        assert_eq!(path, format!("bounces+{ID}@back.example.com"));
        assert_eq!(sender().delivery_of(&bounce(&path, "")).as_deref(), Some(ID));
        let by_message = bounce("bounces@back.example.com", &format!("{ID}@pay.example.com"));
        assert_eq!(sender().delivery_of(&by_message).as_deref(), Some(ID));
    }

    #[test]
    fn mail_of_others_names_no_delivery() {
        let other = format!("bounces+{ID}@other.example.com");
        for (returned_to, message_id) in
            [(other.as_str(), "x@pay.example.com"), ("bounces+7@back.example.com", "7"), ("", "@")]
        {
            assert_eq!(sender().delivery_of(&bounce(returned_to, message_id)), None, "{returned_to}");
        }
    }

    #[test]
    fn an_international_domain_goes_out_in_ascii_and_plus_addresses_stay() {
        let to = |text: &str| on_the_wire(&text.parse().unwrap()).unwrap().to_string();
        assert_eq!(to("ann+shop@bücher.example"), "ann+shop@xn--bcher-kva.example");
        assert_eq!(to("ann+shop@example.org"), "ann+shop@example.org");
    }
}

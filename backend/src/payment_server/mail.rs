//! Mails: what they say, and where they go (SMTP, or `.eml` files).
//!
//! No text of a merchant's stands in a mail, only the payee's verified name: a stranger cannot write to
//! payers through us.

use std::path::PathBuf;
use std::time::Duration;

use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox, Message};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::Error;

/// Who mails come from.
const SENDER: &str = "Tapseal <no-reply@tapseal.invalid>";
/// How long handing over one mail may take.
const HAND_OVER_DEADLINE: Duration = Duration::from_secs(15);

/// Where mails go.
pub(super) enum Post {
    /// To a mail server.
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
    /// Into a folder, a file a mail.
    Files(PathBuf),
}

/// What a mail says.
pub(super) enum Letter<'a> {
    /// Somebody asks to be paid.
    Request {
        /// The payee's verified name.
        payee: &'a str,
        /// Link for a browser.
        link: &'a str,
        /// Link for the wallet.
        deep_link: &'a str,
    },
    /// A device claims the address.
    Claim {
        /// Six digits.
        code: &'a str,
    },
}

impl Post {
    /// To the mail server at `smtp`, or else into the folder.
    pub(super) fn new(smtp: Option<&str>, folder: PathBuf) -> Result<Self, Error> {
        let Some(url) = smtp else {
            std::fs::create_dir_all(&folder)?;
            return Ok(Self::Files(folder));
        };
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(mail_error)?;
        Ok(Self::Smtp(Box::new(transport.timeout(Some(HAND_OVER_DEADLINE)).build())))
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

    /// Hands a mail over. `name` names its file.
    pub(super) async fn send(&self, name: &str, mail: &Message) -> Result<(), Error> {
        match self {
            Self::Smtp(transport) => {
                transport.send_raw(mail.envelope(), &mail.formatted()).await.map(drop).map_err(mail_error)
            }
            Self::Files(folder) => {
                // A reader of the folder never sees half a mail.
                let part = folder.join(format!(".{name}.part"));
                tokio::fs::write(&part, mail.formatted()).await?;
                Ok(tokio::fs::rename(part, folder.join(format!("{name}.eml"))).await?)
            }
        }
    }
}

fn mail_error(error: impl std::fmt::Display) -> Error {
    Error::Mail(error.to_string())
}

impl Post {
    /// The mail itself, in Simplified Chinese for a device that speaks Chinese and in English otherwise.
    pub(super) fn compose(&self, to: &str, language: &str, letter: &Letter<'_>) -> Result<Message, Error> {
        let (subject, text) = words(language, letter);
        let sender: Mailbox = SENDER.parse().map_err(mail_error)?;
        Message::builder()
            .from(sender)
            .to(to.parse().map_err(mail_error)?)
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(self.body(text))
            .map_err(mail_error)
    }
}

/// Subject and text.
fn words(language: &str, letter: &Letter<'_>) -> (String, String) {
    let chinese = language == "zh" || language.starts_with("zh-");
    match (letter, chinese) {
        (Letter::Request { payee, link, deep_link }, false) => (
            format!("Payment request from {payee}"),
            format!(
                "{payee} asks you for a payment.\n\nOpen it in the Tapseal wallet:\n{deep_link}\n\nOr copy this \
                 address into the wallet:\n{link}\n\nOpening a link pays nothing. Pay only what you expect.\n"
            ),
        ),
        (Letter::Request { payee, link, deep_link }, true) => (
            format!("{payee} 的付款请求"),
            format!(
                "{payee} 请您付款。\n\n在 Tapseal 钱包中打开：\n{deep_link}\n\n或将此地址复制到钱包中：\n{link}\n\n\
                 打开链接不会付款。请只支付您预期的款项。\n"
            ),
        ),
        (Letter::Claim { code }, false) => (
            "Your Tapseal code".to_owned(),
            format!(
                "{code}\n\nType this code into the wallet that asked for it, within ten minutes. Tell it to nobody.\n"
            ),
        ),
        (Letter::Claim { code }, true) => (
            "您的 Tapseal 验证码".to_owned(),
            format!("{code}\n\n请在十分钟内将此验证码输入请求它的钱包。不要告诉任何人。\n"),
        ),
    }
}

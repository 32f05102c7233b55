//! The ways out of the house that the operator set up: mail and text messages, each a chain of gateways in order.

use std::path::{Path, PathBuf};

use lettre::message::Mailbox;

use super::Error;
use super::mail::{MailGateway, mail_error};
use super::sms::SmsGateway;

/// Who mails come from unless the operator says otherwise.
const SENDER: &str = "Tapseal <no-reply@tapseal.invalid>";

/// How messages leave.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ChannelOptions {
    /// Where mails are written as .eml files; by default `mail` in the data folder.
    #[arg(long, conflicts_with = "smtp")]
    pub mail_dir: Option<PathBuf>,
    /// A mail server, as smtp://user:password@host:port?tls=required or smtps://host. Given again: the one to turn to when
    /// those before it do not work.
    #[arg(long, env = "TAPSEAL_SMTP", hide_env_values = true, value_delimiter = ' ')]
    pub smtp: Vec<String>,
    /// Who mails come from.
    #[arg(long)]
    pub mail_from: Option<String>,
    /// Where text messages are written as JSON files; by default `sms` in the data folder.
    #[arg(long)]
    pub sms_dir: Option<PathBuf>,
}

/// The gateways.
pub(super) struct Channels {
    pub(super) sender: Mailbox,
    pub(super) mail: Vec<MailGateway>,
    pub(super) sms: Vec<SmsGateway>,
}

impl Channels {
    pub(super) fn new(options: &ChannelOptions, data: &Path) -> Result<Self, Error> {
        let mut mail = options.smtp.iter().map(|url| MailGateway::smtp(url)).collect::<Result<Vec<_>, _>>()?;
        if mail.is_empty() {
            mail.push(MailGateway::files(options.mail_dir.clone().unwrap_or_else(|| data.join("mail")))?);
        }
        let sms = vec![SmsGateway::files(options.sms_dir.clone().unwrap_or_else(|| data.join("sms")))?];
        let sender = options.mail_from.as_deref().unwrap_or(SENDER).parse().map_err(mail_error)?;
        Ok(Self { sender, mail, sms })
    }
}

//! The ways out of the house that the operator set up: mail and text messages, each a chain of gateways in order.

use std::convert::Infallible;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use zeroize::Zeroizing;

use super::Error;
use super::mail::{MailGateway, Sender};
use super::sms::SmsGateway;
use crate::gateway::smpp::SmppSession;
use crate::keys;

/// Who mails come from unless the operator says otherwise.
const SENDER: &str = "Tapseal <no-reply@tapseal.invalid>";

/// How messages leave, and how what became of them comes back.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ChannelOptions {
    /// Where mails are written as .eml files; by default `mail` in the data folder.
    #[arg(long, conflicts_with = "smtp")]
    pub mail_dir: Option<PathBuf>,
    /// A mail server, as `smtp://user:password@host:port?tls=required` or `smtps://host`. Given again: the one to turn to
    /// when those before it do not work.
    #[arg(long, env = "TAPSEAL_SMTP", hide_env_values = true, value_delimiter = ' ')]
    pub smtp: Vec<GatewayUrl>,
    /// Who mails come from, as "Name <address>".
    #[arg(long)]
    pub mail_from: Option<String>,
    /// Where mails that cannot be delivered come back to: user@host receives user+ID@host too.
    #[arg(long)]
    pub mail_return_path: Option<String>,
    /// A Maildir with the mail that came back.
    #[arg(long)]
    pub bounce_dir: Option<PathBuf>,
    /// Where text messages are written as JSON files; by default `sms` in the data folder.
    #[arg(long, conflicts_with = "sms")]
    pub sms_dir: Option<PathBuf>,
    /// A gateway for text messages, as `smpp://user:password@host:port?from=NAME` or `https://:TOKEN@host/path`. Given
    /// again: the one to turn to when those before it do not work.
    #[arg(long, env = "TAPSEAL_SMS", hide_env_values = true, value_delimiter = ' ')]
    pub sms: Vec<GatewayUrl>,
    /// A PEM file with an authority that mail servers and gateways may be certified by, beside the public ones.
    #[arg(long)]
    pub gateway_ca: Option<PathBuf>,
    /// After how many seconds a payer who has not looked is reminded; 0 for never. By default after half of the request's
    /// time, and not before ten minutes.
    #[arg(long)]
    pub remind_after_s: Option<u64>,
}

/// Where a gateway is and who turns to it, with a password or not: it is shown to nobody.
#[derive(Clone)]
pub struct GatewayUrl(Zeroizing<String>);

impl FromStr for GatewayUrl {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for GatewayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayUrl").finish_non_exhaustive()
    }
}

/// The gateways.
pub(super) struct Channels {
    pub(super) sender: Sender,
    pub(super) mail: Vec<MailGateway>,
    pub(super) sms: Vec<SmsGateway>,
    pub(super) remind_after_ms: Option<u64>,
}

impl Channels {
    /// The gateways, and the sessions that have to run for some of them.
    pub(super) fn new(options: &ChannelOptions, data: &Path) -> Result<(Self, Vec<SmppSession>), Error> {
        let ca = options.gateway_ca.as_deref().map(keys::read_text).transpose()?;
        let ca = ca.as_deref().map(str::as_bytes);
        let mut mail = options.smtp.iter().map(|url| MailGateway::smtp(&url.0, ca)).collect::<Result<Vec<_>, _>>()?;
        if mail.is_empty() {
            mail.push(MailGateway::files(options.mail_dir.clone().unwrap_or_else(|| data.join("mail")))?);
        }
        let opened = options.sms.iter().map(|url| SmsGateway::new(&url.0, ca)).collect::<Result<Vec<_>, _>>()?;
        let (mut sms, sessions): (Vec<_>, Vec<_>) = opened.into_iter().unzip();
        if sms.is_empty() {
            sms.push(SmsGateway::files(options.sms_dir.clone().unwrap_or_else(|| data.join("sms")))?);
        }
        let sender = Sender::new(options.mail_from.as_deref().unwrap_or(SENDER), options.mail_return_path.as_deref())?;
        let remind_after_ms = options.remind_after_s.map(|seconds| seconds.saturating_mul(1_000));
        Ok((Self { sender, mail, sms, remind_after_ms }, sessions.into_iter().flatten().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateways_password_is_in_no_debug_text() {
        let url: Result<GatewayUrl, Infallible> = "smtp://shop:hunter2@mail.example".parse();
        let options = ChannelOptions { smtp: vec![url.unwrap()], ..ChannelOptions::default() };
        assert!(!format!("{options:?}").contains("hunter2"));
    }
}

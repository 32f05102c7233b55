//! A short message centre, over SMPP 3.4 as a transceiver.
//!
//! One session at a time is kept with a centre. A message's parts are handed to it together; what it did not send is surely
//! not sent, and what it sent without an answer is in doubt.

use futures::future::join_all;
use rusmpp::CommandStatus;
use rusmpp::pdus::SubmitSm;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use url::Url;

use super::{GatewayError, Verdict};

mod account;
mod link;
mod parts;
mod session;

use account::Account;
pub use session::{SmppSession, StoreError};

/// The most parts that wait for the session.
const QUEUE_MAX: usize = 256;

/// A short message centre.
pub struct SmppGateway {
    name: String,
    from: account::Source,
    alphabet: account::Alphabet,
    submits: mpsc::Sender<Submit>,
}

/// A part on its way to the centre.
struct Submit {
    part: SubmitSm,
    since: Instant,
    answer: oneshot::Sender<Answer>,
}

/// What became of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    /// The centre took it and calls it so.
    Taken(String),
    /// The centre would not take it.
    Refused(CommandStatus),
    /// It was not sent: there is no session.
    NotSent,
    /// It was not sent: the centre takes no more at this time.
    Busy,
    /// It was sent, and no answer came.
    Lost,
}

/// A gateway, and the session that has to run for it.
///
/// # Errors
/// [`GatewayError`] when the address is none of a centre.
pub fn open(url: &Url) -> Result<(SmppGateway, SmppSession), GatewayError> {
    let account = Account::of(url)?;
    let (submits, queue) = mpsc::channel(QUEUE_MAX);
    let gateway =
        SmppGateway { name: account.name.clone(), from: account.from.clone(), alphabet: account.alphabet, submits };
    Ok((gateway, SmppSession::new(account, queue)))
}

impl SmppGateway {
    /// Hands a message over, part by part.
    pub async fn send(&self, id: &str, to: &str, text: &str) -> Verdict {
        let Some(parts) = parts::of(id, &self.from, self.alphabet, to, text) else {
            return Verdict::Refused("message_refused");
        };
        let answers = join_all(parts.into_iter().map(|part| self.submit(part))).await;
        verdict(&self.name, answers)
    }

    async fn submit(&self, part: SubmitSm) -> Answer {
        let (answer, told) = oneshot::channel();
        if self.submits.send(Submit { part, since: Instant::now(), answer }).await.is_err() {
            return Answer::NotSent;
        }
        // A session that ends answers everything it sent; what it drops, it never sent.
        told.await.unwrap_or(Answer::NotSent)
    }
}

/// What the parts' answers say of the message.
fn verdict(name: &str, answers: Vec<Answer>) -> Verdict {
    let mut message_ids = Vec::new();
    let mut other = None;
    for answer in answers {
        match answer {
            Answer::Taken(message_id) => message_ids.push(message_id),
            // A part in doubt says more than one that is surely not sent.
            Answer::Lost => other = Some(Answer::Lost),
            answer => other = other.or(Some(answer)),
        }
    }
    match other {
        None => Verdict::Taken { gateway: name.to_owned(), message_ids },
        Some(Answer::Lost | Answer::Taken(_)) => Verdict::Unsure("connection_lost"),
        Some(_) if !message_ids.is_empty() => Verdict::Unsure("partly_sent"),
        Some(Answer::NotSent) => Verdict::Elsewhere("gateway_unreachable"),
        Some(Answer::Busy) => Verdict::Later("gateway_busy"),
        Some(Answer::Refused(status)) => refused(name, status),
    }
}

fn refused(name: &str, status: CommandStatus) -> Verdict {
    tracing::warn!(centre = name, ?status, "a centre refused a message");
    match status {
        CommandStatus::EsmeRinvdstadr | CommandStatus::EsmeRinvdstton | CommandStatus::EsmeRinvdstnpi => {
            Verdict::Refused("address_refused")
        }
        CommandStatus::EsmeRinvmsglen | CommandStatus::EsmeRinvdcs => Verdict::Refused("message_refused"),
        CommandStatus::EsmeRthrottled | CommandStatus::EsmeRmsgqful => Verdict::Later("gateway_busy"),
        _ => Verdict::Elsewhere("gateway_refused"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_what_its_parts_are() {
        let of = |answers: &[Answer]| verdict("smsc", answers.to_vec());
        let taken = |id: &str| Answer::Taken(id.to_owned());
        let all = Verdict::Taken { gateway: "smsc".into(), message_ids: vec!["1".into(), "2".into()] };
        assert_eq!(of(&[taken("1"), taken("2")]), all);
        assert_eq!(of(&[Answer::NotSent, Answer::NotSent]), Verdict::Elsewhere("gateway_unreachable"));
        assert_eq!(of(&[taken("1"), Answer::NotSent]), Verdict::Unsure("partly_sent"));
        assert_eq!(of(&[Answer::NotSent, Answer::Lost]), Verdict::Unsure("connection_lost"));
        let refused = |status| of(&[Answer::Refused(status)]);
        assert_eq!(refused(CommandStatus::EsmeRinvdstadr), Verdict::Refused("address_refused"));
        assert_eq!(refused(CommandStatus::EsmeRthrottled), Verdict::Later("gateway_busy"));
        assert_eq!(refused(CommandStatus::EsmeRsubmitfail), Verdict::Elsewhere("gateway_refused"));
    }
}

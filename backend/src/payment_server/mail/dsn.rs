//! Delivery status notifications (RFC 3464): what a mail server says later about a mail that it took.

use mail_parser::{Address, Message, MessageParser, MimeHeaders, PartType};

/// The largest notification that is read, in bytes: it may bring the whole mail back.
pub const BYTES_MAX: usize = 512 * 1_024;
/// The most addresses, message ids and recipients that are looked at.
const LIST_MAX: usize = 16;

/// What became of the mail (RFC 3464, section 2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It could not be delivered, and will not be.
    Failed,
    /// It could not be delivered yet.
    Delayed,
    /// It was delivered.
    Delivered,
    /// It was passed on to where nobody reports from.
    PassedOn,
}

/// An enhanced status code (RFC 3463): class, subject, detail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// 2 success, 4 for now, 5 for good.
    pub class: u8,
    /// What it is about: 1 the address, 2 the mailbox, 7 a policy.
    pub subject: u16,
    /// More exactly.
    pub detail: u16,
}

/// A notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dsn {
    /// What became of the mail.
    pub action: Action,
    /// Why.
    pub status: Status,
    /// To whom the notification was sent: the return paths of the mail.
    pub returned_to: Vec<String>,
    /// Message ids of the mail that it brought back, without angle brackets.
    pub message_ids: Vec<String>,
}

/// Reads a mail as a notification; none if it is something else.
pub fn parse(bytes: &[u8]) -> Option<Dsn> {
    if bytes.len() > BYTES_MAX {
        return None;
    }
    let mail = MessageParser::default().parse(bytes)?;
    let (action, status) = mail
        .parts
        .iter()
        .filter(|part| is_type(*part, "message", "delivery-status"))
        .find_map(|part| recipient(part.contents()))?;
    Some(Dsn { action, status, returned_to: returned_to(&mail), message_ids: message_ids(&mail) })
}

fn is_type<'x>(part: &impl MimeHeaders<'x>, kind: &str, subkind: &str) -> bool {
    part.content_type().is_some_and(|found| {
        found.c_type.eq_ignore_ascii_case(kind)
            && found.c_subtype.as_deref().is_some_and(|found| found.eq_ignore_ascii_case(subkind))
    })
}

/// The first recipient's fields. A mail of ours has one recipient. (RFC 3464, section 2.3.)
fn recipient(report: &[u8]) -> Option<(Action, Status)> {
    let text = String::from_utf8_lossy(report);
    let mut action = None;
    let mut status = None;
    for line in text.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("action") && action.is_none() {
            action = Action::of(value.trim());
        } else if name.eq_ignore_ascii_case("status") && status.is_none() {
            status = Status::of(value.trim());
        }
    }
    Some((action?, status?))
}

impl Action {
    fn of(text: &str) -> Option<Self> {
        // A comment may follow.
        let word = text.split(|letter: char| !letter.is_ascii_alphabetic()).next()?;
        match word.to_ascii_lowercase().as_str() {
            "failed" => Some(Self::Failed),
            "delayed" => Some(Self::Delayed),
            "delivered" => Some(Self::Delivered),
            "relayed" | "expanded" => Some(Self::PassedOn),
            _ => None,
        }
    }
}

impl Status {
    fn of(text: &str) -> Option<Self> {
        let code = text.split(|letter: char| !letter.is_ascii_digit() && letter != '.').next()?;
        let mut numbers = code.split('.');
        let class = numbers.next()?.parse().ok().filter(|class| [2, 4, 5].contains(class))?;
        let mut number = || numbers.next().filter(|text| text.len() <= 3).and_then(|text| text.parse().ok());
        Some(Self { class, subject: number()?, detail: number()? })
    }
}

fn returned_to(mail: &Message<'_>) -> Vec<String> {
    let named = mail.to().into_iter().flat_map(Address::iter).filter_map(|to| to.address.as_deref());
    named.take(LIST_MAX).map(str::to_owned).collect()
}

/// The message id of the mail that was brought back: whole, or its headers alone (RFC 3462, section 3).
fn message_ids(mail: &Message<'_>) -> Vec<String> {
    let mut ids = Vec::new();
    for part in &mail.parts {
        match &part.body {
            PartType::Message(original) => ids.extend(original.message_id().map(str::to_owned)),
            PartType::Text(_) | PartType::Binary(_) if is_type(part, "text", "rfc822-headers") => {
                let headers = MessageParser::default().parse_headers(part.contents());
                ids.extend(headers.as_ref().and_then(|headers| headers.message_id()).map(str::to_owned));
            }
            _ => {}
        }
    }
    ids.truncate(LIST_MAX);
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNCE: &str = "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.org\r\n\
        To: bounces+0190@pay.example.com\r\nSubject: Undelivered Mail Returned to Sender\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
        --b\r\nContent-Type: text/plain\r\n\r\nI am sorry.\r\n\
        --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n\
        Final-Recipient: rfc822; nobody@example.org\r\nAction: failed (at last)\r\nStatus: 5.1.1 (no such user)\r\n\
        Diagnostic-Code: x-unix; user unknown\r\n\r\n\
        --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <0190@pay.example.com>\r\nSubject: x\r\n\r\n--b--\r\n";

    #[test]
    fn a_bounce_names_its_mail_and_its_reason() {
        let dsn = parse(BOUNCE.as_bytes()).unwrap();
        assert_eq!(dsn.action, Action::Failed);
        assert_eq!(dsn.status, Status { class: 5, subject: 1, detail: 1 });
        assert_eq!(dsn.returned_to, ["bounces+0190@pay.example.com"]);
        assert_eq!(dsn.message_ids, ["0190@pay.example.com"]);
    }

    #[test]
    fn what_brings_the_whole_mail_back_names_it_too() {
        let whole = BOUNCE
            .replace("Content-Type: text/rfc822-headers", "Content-Type: message/rfc822")
            .replace("failed (at last)", "DELAYED")
            .replace("5.1.1", "4.4.1");
        let dsn = parse(whole.as_bytes()).unwrap();
        assert_eq!((dsn.action, dsn.status.class), (Action::Delayed, 4));
        assert_eq!(dsn.message_ids, ["0190@pay.example.com"]);
    }

    #[test]
    fn ordinary_mail_and_broken_reports_are_none() {
        for (from, to) in [
            ("message/delivery-status", "text/plain"),
            ("Action: failed", "Action: exploded"),
            ("Status: 5.1.1", "Status: 9.1.1"),
            ("Status: 5.1.1", "Status: 5.1"),
            ("Status: 5.1.1", "Status: 5.1.99999999"),
        ] {
            assert_eq!(parse(BOUNCE.replace(from, to).as_bytes()), None, "{to}");
        }
        assert_eq!(parse(b"Subject: I am on holiday\r\n\r\nBack soon.\r\n"), None);
        assert_eq!(parse(&vec![b'a'; BYTES_MAX + 1]), None);
    }
}

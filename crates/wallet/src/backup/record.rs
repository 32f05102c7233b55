//! What a backup says, line by line: one JSON object a line, the first about the backup, the last that it is whole.
//!
//! Every value is what the wallet's own store holds. Texts that many lines share, such as a keyset, stand once and are
//! named by number.

use serde::{Deserialize, Serialize};

/// The version of the lines.
pub const FORMAT: u32 = 1;
/// The longest line, in bytes: a keyset of a few thousand merchants.
pub const LINE_BYTES_MAX: usize = 6 * 1024 * 1024;
/// The most shared texts of one backup.
pub const TEXTS_MAX: usize = 100_000;
/// The most lines of one backup.
pub const LINES_MAX: u64 = 20_000_000;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Record {
    /// First of all: what this is.
    Wallet {
        /// [`FORMAT`].
        format: u32,
        /// When it was made, ms since the Unix epoch.
        made_ms: u64,
        /// The program's version.
        program: String,
        /// Fingerprints of the operator's roots: receipts verify under no others.
        operator: Vec<String>,
    },
    /// A text that later lines name by its number, counted from 0.
    Text {
        /// The text.
        text: String,
    },
    /// One of the person's choices.
    Choice {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// What the person decided about a merchant.
    Sender {
        /// The merchant.
        merchant_id: String,
        /// `accepted` or `blocked`.
        decision: String,
        /// Since when.
        since_ms: u64,
    },
    /// An identifier the device had claimed. It is claimed again by a code, never by a backup.
    Identifier {
        /// An e-mail address or a phone number.
        identifier: String,
    },
    /// A request.
    Request(RequestLine),
    /// An attempt to pay one.
    Attempt(AttemptLine),
    /// The receipt of an attempt.
    Receipt(ReceiptLine),
    /// Last of all.
    End {
        /// How many lines stand before this one.
        lines: u64,
    },
}

/// A request as the wallet keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the columns of a table")]
pub struct RequestLine {
    pub request_id: String,
    pub order_jws: String,
    pub merchant_id: String,
    pub received_ms: i64,
    pub first_contact: bool,
    pub status: String,
    pub attempt_id: Option<String>,
    pub changed_ms: i64,
    pub postponed_ms: Option<i64>,
    pub postponed_until_ms: Option<i64>,
    pub seen_ms: Option<i64>,
    pub asked: bool,
    pub refunded_minor: i64,
    pub refunded_ms: Option<i64>,
}

/// An attempt as the wallet keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the columns of a table")]
pub struct AttemptLine {
    pub attempt_id: String,
    pub request_id: String,
    pub wallet_nonce: String,
    /// The number of a text.
    pub keyset: u32,
    /// The number of a text.
    pub bank_certificate: u32,
    pub state: String,
    pub code: Option<String>,
    pub deadline_ms: Option<i64>,
    pub created_ms: i64,
    pub changed_ms: i64,
}

/// A receipt, which is verified before it is kept and again before it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the members of a receipt")]
pub struct ReceiptLine {
    pub attempt_id: String,
    pub request_id: String,
    pub version: u8,
    pub order: String,
    pub wallet_nonce: String,
    pub outcome: String,
    /// The number of a text.
    pub keyset: u32,
    /// The number of a text.
    pub bank_certificate: u32,
    pub decided_ms: i64,
}

impl Record {
    /// The line, with its end.
    pub fn to_line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("texts and numbers are always JSON");
        line.push(b'\n');
        line
    }

    /// Reads a line without its end; none when it is no record.
    pub fn parse(line: &[u8]) -> Option<Self> {
        if line.len() > LINE_BYTES_MAX { None } else { serde_json::from_slice(line).ok() }
    }
}

/// Takes bytes as they come, and gives whole lines.
#[derive(Default)]
pub struct Lines {
    unread: Vec<u8>,
    taken: usize,
}

impl Lines {
    /// More bytes; false when a line is longer than any may be.
    pub fn feed(&mut self, bytes: &[u8]) -> bool {
        self.unread.drain(..self.taken);
        self.taken = 0;
        self.unread.extend_from_slice(bytes);
        let rest = self.unread.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.unread.len() - rest <= LINE_BYTES_MAX
    }

    /// The next whole line, without its end.
    pub fn next_line(&mut self) -> Option<&[u8]> {
        let start = self.taken;
        let length = self.unread[start..].iter().position(|byte| *byte == b'\n')?;
        self.taken = start + length + 1;
        Some(&self.unread[start..start + length])
    }

    /// Whether nothing is left over.
    pub fn is_empty(&self) -> bool {
        self.taken == self.unread.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back_and_nothing_unknown_is_taken() {
        let record = Record::Sender { merchant_id: "blue-door".into(), decision: "blocked".into(), since_ms: 7 };
        let line = record.to_line();
        assert_eq!(Record::parse(&line[..line.len() - 1]), Some(record));
        for bad in [
            "",
            "{}",
            "[]",
            r#"{"kind":"text"}"#,
            r#"{"kind":"key","text":"x"}"#,
            r#"{"kind":"text","text":"x","more":1}"#,
            r#"{"kind":"end","lines":-1}"#,
        ] {
            assert_eq!(Record::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn lines_come_whole_however_the_bytes_come() {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        for part in [&b"on"[..], b"e\ntw", b"o\n\nthr", b"ee\n"] {
            assert!(lines.feed(part));
            while let Some(line) = lines.next_line() {
                seen.push(String::from_utf8(line.to_vec()).unwrap());
            }
        }
        assert_eq!(seen, ["one", "two", "", "three"]);
        assert!(lines.is_empty());
    }
}

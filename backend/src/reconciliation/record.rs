//! A line of a reconciliation file: one attempt to pay, or one refund, as one party knows it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The most bytes of one file: some million lines.
const FILE_BYTES_MAX: u64 = 256 * 1_024 * 1_024;

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// An attempt to pay.
    Payment,
    /// Giving back of what was paid.
    Refund,
}

/// What became of an attempt or a refund, as far as a party knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It was paid.
    Paid,
    /// It was given back.
    Refunded,
    /// It was undone, or never done.
    Reversed,
    /// The party does not know yet.
    Unknown,
}

impl Status {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Refunded => "refunded",
            Self::Reversed => "reversed",
            Self::Unknown => "unknown",
        }
    }
}

/// A line. Its members are the file's columns, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The day the party counts it to, `YYYY-MM-DD`.
    pub business_date: String,
    /// What it is about.
    pub subject: Subject,
    /// Who is paid, or gives back.
    pub merchant_id: String,
    /// The request that is paid.
    pub request_id: String,
    /// The attempt to pay it, or the refund: by this lines are matched.
    pub id: String,
    /// What became of it.
    pub status: Status,
    /// How much, in minor units.
    pub amount_minor: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// Retrieval reference number (ISO 8583 DE 37), if the party has one.
    pub reference: String,
}

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is longer than it may be.
    #[error("{0}: too long")]
    TooLong(PathBuf),
    /// It does not have the columns, or one of them holds something else.
    #[error("not a reconciliation file: {0}")]
    Csv(#[from] csv::Error),
    /// A sum is out of range.
    #[error("a sum is out of range")]
    Sum,
}

/// Reads a file.
///
/// # Errors
/// When it cannot be read, has other columns, or a line means nothing.
pub fn read(path: &Path) -> Result<Vec<Record>, RecordError> {
    let fail = |source| RecordError::File { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(fail)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(fail)?;
    if u64::try_from(bytes.len()).is_ok_and(|len| len > FILE_BYTES_MAX) {
        return Err(RecordError::TooLong(path.to_owned()));
    }
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    reader.deserialize().collect::<Result<_, _>>().map_err(RecordError::from)
}

/// The columns of a file, in their order.
const HEADER: [&str; 9] =
    ["business_date", "subject", "merchant_id", "request_id", "id", "status", "amount_minor", "currency", "reference"];

/// Writes records as a file's text (RFC 4180), with its header also when there are none.
///
/// # Errors
/// When a record cannot be written.
pub fn write(records: &[Record]) -> Result<String, RecordError> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).has_headers(false).from_writer(Vec::new());
    writer.write_record(HEADER)?;
    for record in records {
        writer.serialize(record)?;
    }
    let bytes = writer.into_inner().map_err(|_| RecordError::Sum)?;
    String::from_utf8(bytes).map_err(|_| RecordError::Sum)
}

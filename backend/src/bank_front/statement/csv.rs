//! A statement as comma-separated values (RFC 4180, UTF-8), safe to open in a spreadsheet.

use jiff::Timestamp;

use super::{Reversal, Statement};
use crate::bank_front::error::BankError;

/// The first line.
const HEADER: [&str; 10] = [
    "sequence",
    "posted_utc",
    "what",
    "reversal",
    "debit",
    "credit",
    "balance",
    "currency",
    "other_account",
    "purpose",
];

/// Writes a statement: a header, an `opening` line, the lines, a `closing` line.
///
/// # Errors
/// When a time of the statement is out of range.
pub fn to_csv(statement: &Statement) -> Result<String, BankError> {
    let failed = |_| BankError::Malformed("the statement");
    let mut writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(HEADER).map_err(failed)?;
    let currency = statement.currency.code();
    let balance = |what: &str, at_ms, minor| {
        Ok::<_, BankError>([
            String::new(),
            time(at_ms)?,
            what.to_owned(),
            String::new(),
            String::new(),
            String::new(),
            statement.decimal(minor),
            currency.to_owned(),
            String::new(),
            String::new(),
        ])
    };
    writer.write_record(balance("opening", statement.starts_ms, statement.opening_minor)?).map_err(failed)?;
    for line in &statement.lines {
        let (debit, credit) = match line.amount_minor {
            ..0 => (statement.decimal(line.amount_minor.checked_neg().ok_or(BankError::Range)?), String::new()),
            0.. => (String::new(), statement.decimal(line.amount_minor)),
        };
        writer
            .write_record([
                line.sequence.to_string(),
                time(line.posted_ms)?,
                line.what.as_str().to_owned(),
                if line.reversal == Reversal::Yes { "yes" } else { "" }.to_owned(),
                debit,
                credit,
                statement.decimal(line.balance_minor),
                currency.to_owned(),
                text(line.other_account.as_str()),
                text(&line.purpose),
            ])
            .map_err(failed)?;
    }
    writer.write_record(balance("closing", statement.ends_ms, statement.closing_minor)?).map_err(failed)?;
    let bytes = writer.into_inner().map_err(|_| BankError::Malformed("the statement"))?;
    String::from_utf8(bytes).map_err(|_| BankError::Malformed("the statement"))
}

/// A text that no spreadsheet takes for a formula: one that begins like one gets an apostrophe before it (OWASP, "CSV
/// Injection"). Numbers are not texts, and keep their sign.
pub(in crate::bank_front) fn text(value: &str) -> String {
    let is_formula = value.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    if is_formula { format!("'{value}") } else { value.to_owned() }
}

fn time(at_ms: i64) -> Result<String, BankError> {
    Timestamp::from_millisecond(at_ms).map(|at| at.to_string()).map_err(|_| BankError::Range)
}

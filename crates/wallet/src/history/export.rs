//! Receipts as files: a list for a spreadsheet or to print, one receipt to check or to print.
//!
//! A list is read and written page by page. A file takes its name only once it is whole.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;
use payment::{Amount, AttemptId};
use protocol::ipc::Language;
use protocol::ipc::history::{ExportView, HistoryLine, HistoryQuery, ListFormat, ReceiptFormat};
use protocol::{ErrorCode, Problem};

use super::calendar;
use crate::clock;
use crate::csv;
use crate::document::{self, ListPaper, ReceiptPaper, Words};
use crate::error::{Result, WalletError};
use crate::store::Find;
use crate::wallet::Wallet;

/// How many lines are read at once.
const PAGE: u32 = 1_000;
/// The most payments in one document to print.
const DOCUMENT_LINES_MAX: usize = 20_000;
/// The largest file that is handed over instead of written, in bytes.
const GIVEN_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The columns of a spreadsheet.
const HEAD: [&str; 8] = ["time", "payee", "order_number", "currency", "amount", "refunded", "method", "attempt_id"];

/// A finished file's kind.
#[derive(Clone, Copy)]
struct Kind {
    ending: &'static str,
    media_type: &'static str,
}

const CSV: Kind = Kind { ending: "csv", media_type: "text/csv" };
const JSON: Kind = Kind { ending: "json", media_type: "application/json" };
const PDF: Kind = Kind { ending: "pdf", media_type: "application/pdf" };

/// The name a list should have.
pub fn list_name(format: ListFormat) -> String {
    let now = calendar::written(clock::now_ms(), &TimeZone::system(), "%Y%m%d-%H%M%S");
    format!("tapseal-payments-{now}.{}", kind_of_list(format).ending)
}

/// The name a receipt's file should have.
pub fn receipt_name(attempt_id: AttemptId, format: ReceiptFormat) -> String {
    format!("tapseal-receipt-{attempt_id}.{}", kind_of_receipt(format).ending)
}

const fn kind_of_list(format: ListFormat) -> Kind {
    match format {
        ListFormat::Csv => CSV,
        ListFormat::Pdf => PDF,
    }
}

const fn kind_of_receipt(format: ReceiptFormat) -> Kind {
    match format {
        ReceiptFormat::Json => JSON,
        ReceiptFormat::Pdf => PDF,
    }
}

impl Wallet {
    /// Keeps the receipts of a query as one file: at this path, or handed over.
    pub async fn history_export(
        &self,
        query: HistoryQuery,
        format: ListFormat,
        language: Language,
        path: Option<String>,
    ) -> std::result::Result<ExportView, Problem> {
        let target = Target::open(path)?;
        let (kind, name) = (kind_of_list(format), list_name(format));
        match format {
            ListFormat::Csv => Ok(self.write_table(&query, target, name, kind).await?),
            ListFormat::Pdf => {
                let (bytes, count) = self.list_document(&query, Words::of(language)).await?;
                Ok(target.finished(&bytes, name, kind, count)?)
            }
        }
    }

    /// Keeps one receipt, verified afresh, as a file: at this path, or handed over.
    pub async fn receipt_export(
        &self,
        attempt_id: AttemptId,
        format: ReceiptFormat,
        language: Language,
        path: Option<String>,
    ) -> std::result::Result<ExportView, Problem> {
        let target = Target::open(path)?;
        let bytes = match format {
            ReceiptFormat::Json => self.kept_receipt(attempt_id).await?.to_json().into_bytes(),
            ReceiptFormat::Pdf => self.receipt_document(attempt_id, Words::of(language)).await?,
        };
        Ok(target.finished(&bytes, receipt_name(attempt_id, format), kind_of_receipt(format), 1)?)
    }

    async fn write_table(
        &self,
        query: &HistoryQuery,
        mut target: Target,
        name: String,
        kind: Kind,
    ) -> Result<ExportView> {
        let zone = TimeZone::system();
        let mut text = csv::BYTE_ORDER_MARK.to_owned();
        csv::line(&mut text, &HEAD.map(str::to_owned));
        let mut count = 0;
        let mut before = i64::MAX;
        loop {
            let rows = self.core.store.history_lines(&Find::new(query).before(before), 0, PAGE).await?;
            for row in &rows {
                csv::line(&mut text, &cells(&row.line, &zone));
            }
            target.write(text.as_bytes())?;
            text.clear();
            count += u32::try_from(rows.len()).unwrap_or(PAGE);
            match rows.last() {
                Some(last) => before = last.id,
                None => return target.close(name, kind, count),
            }
        }
    }

    async fn list_document(&self, query: &HistoryQuery, words: Words) -> Result<(Vec<u8>, u32)> {
        let view = self.counted(query).await?;
        if view.count as usize > DOCUMENT_LINES_MAX {
            return Err(ErrorCode::ExportTooLarge.into());
        }
        let mut lines: Vec<HistoryLine> = Vec::new();
        let mut before = i64::MAX;
        loop {
            let rows = self.core.store.history_lines(&Find::new(query).before(before), 0, PAGE).await?;
            let Some(last) = rows.last() else { break };
            before = last.id;
            lines.extend(rows.into_iter().map(|row| row.line));
        }
        let count = u32::try_from(lines.len()).unwrap_or(u32::MAX);
        let paper = ListPaper { view: &view, lines: &lines, search: query.text.trim() };
        Ok((document::list(&paper, words, &TimeZone::system()), count))
    }

    async fn receipt_document(&self, attempt_id: AttemptId, words: Words) -> Result<Vec<u8>> {
        let receipt = self.kept_receipt(attempt_id).await?;
        let mut view = receipt.view();
        view.refunded_minor = self.core.store.refunded_of(attempt_id).await?;
        let trust = &self.core.trust;
        let bank = trust.banks.iter().find(|bank| bank.bank_id == view.bank);
        let json = serde_json::to_string(receipt.receipt()).expect("a receipt is always JSON");
        let paper = ReceiptPaper {
            view: &view,
            json: &json,
            proof: &receipt.short_proof(),
            operator_root: &trust.operator_fingerprint(),
            bank_root: &bank.map(|bank| bank.key.fingerprint()).unwrap_or_default(),
        };
        Ok(document::receipt(&paper, words, &TimeZone::system()))
    }
}

fn cells(line: &HistoryLine, zone: &TimeZone) -> [String; 8] {
    [
        calendar::written(line.decided_ms, zone, csv::TIME_FORMAT),
        line.payee.clone(),
        line.order_number.clone(),
        line.amount.currency().code().to_owned(),
        line.amount.to_decimal(),
        Amount::new(line.refunded_minor, line.amount.currency()).to_decimal(),
        line.method.clone(),
        line.attempt_id.to_string(),
    ]
}

/// Keeps a file of another kind: at this path, or handed over.
pub(crate) fn keep_json(path: Option<String>, name: String, bytes: &[u8], count: u32) -> Result<ExportView> {
    Target::open(path)?.finished(bytes, name, kind_of_receipt(ReceiptFormat::Json), count)
}

/// Where a file goes.
enum Target {
    /// To a path, under another name until it is whole.
    Path { path: PathBuf, unfinished: PathBuf, file: BufWriter<File> },
    /// To whoever asked.
    Given(Vec<u8>),
}

impl Target {
    fn open(path: Option<String>) -> Result<Self> {
        let Some(path) = path.map(PathBuf::from) else { return Ok(Self::Given(Vec::new())) };
        let unfinished = unfinished_name(&path)?;
        let file = File::create(&unfinished).map_err(|error| failed(&error))?;
        Ok(Self::Path { path, unfinished, file: BufWriter::new(file) })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Path { file, .. } => file.write_all(bytes).map_err(|error| failed(&error)),
            Self::Given(given) if given.len() + bytes.len() > GIVEN_BYTES_MAX => Err(ErrorCode::ExportTooLarge.into()),
            Self::Given(given) => {
                given.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    fn finished(mut self, bytes: &[u8], name: String, kind: Kind, count: u32) -> Result<ExportView> {
        self.write(bytes)?;
        self.close(name, kind, count)
    }

    fn close(self, name: String, kind: Kind, count: u32) -> Result<ExportView> {
        match self {
            Self::Path { path, unfinished, file } => {
                let written = file.into_inner().map_err(std::io::IntoInnerError::into_error);
                let kept = written.and_then(|file| file.sync_all()).and_then(|()| fs::rename(&unfinished, &path));
                kept.map_err(|error| {
                    // What is not whole is no file of the person's; one that cannot be removed says so by its name.
                    let _ = fs::remove_file(&unfinished);
                    failed(&error)
                })?;
                let name = path.file_name().map_or(name, |name| name.to_string_lossy().into_owned());
                Ok(ExportView::Saved { name, count })
            }
            Self::Given(bytes) => {
                let (media_type, data) = (kind.media_type.to_owned(), STANDARD.encode(bytes));
                Ok(ExportView::Given { name, media_type, data, count })
            }
        }
    }
}

/// The name beside a path that says that the file is not whole yet.
fn unfinished_name(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().ok_or(WalletError::Code(ErrorCode::ExportFailed))?;
    let mut unfinished = name.to_owned();
    unfinished.push(".part");
    Ok(path.with_file_name(unfinished))
}

fn failed(error: &std::io::Error) -> WalletError {
    WalletError::Detailed(ErrorCode::ExportFailed, error.to_string())
}

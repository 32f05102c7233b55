//! `receipts` and `receipt`: the history in a terminal, searched, and kept as files.

use std::path::{Path, PathBuf};

use clap::Args;
use payment::{AttemptId, Currency};
use protocol::ipc::Language;
use protocol::ipc::history::{
    ExportView, HistoryLine, HistoryQuery, LINES_MAX, ListFormat, ReceiptFormat, RefundFilter,
};
use protocol::{ErrorCode, Problem};

use super::{Cli, print, synced};
use crate::wallet::Wallet;

/// The most receipts that are listed unless more are asked for.
const LISTED: u32 = 500;

/// What to list.
#[derive(Args)]
pub(super) struct ReceiptsArgs {
    /// Only those with all of these words, in payee, order number, items, amount, card or date.
    #[arg(long, default_value = "")]
    search: String,
    /// Only those in this currency, such as `USD`.
    #[arg(long)]
    currency: Option<Currency>,
    /// Only those of which something was given back.
    #[arg(long)]
    refunded: bool,
    /// How many to list at most, newest first.
    #[arg(long, default_value_t = LISTED)]
    limit: u32,
    /// Writes all of them to a file for a spreadsheet instead.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Writes all of them to a document to print instead.
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
}

impl ReceiptsArgs {
    fn query(&self) -> HistoryQuery {
        let refunds = if self.refunded { RefundFilter::Refunded } else { RefundFilter::Any };
        HistoryQuery { text: self.search.clone(), currency: self.currency, refunds, ..HistoryQuery::default() }
    }
}

/// Lists or writes receipts.
pub(super) async fn run(cli: &Cli, args: &ReceiptsArgs) -> Result<(), Problem> {
    let wallet = synced(cli).await?;
    wallet.complete_history().await?;
    for (path, format) in [(&args.csv, ListFormat::Csv), (&args.pdf, ListFormat::Pdf)] {
        if let Some(path) = path {
            let path = Some(text_of(path)?);
            written(cli, &wallet.history_export(args.query(), format, Language::System, path).await?);
        }
    }
    if args.csv.is_none() && args.pdf.is_none() {
        print::receipts(cli.json, &lines(&wallet, args).await?);
    }
    Ok(())
}

async fn lines(wallet: &Wallet, args: &ReceiptsArgs) -> Result<Vec<HistoryLine>, Problem> {
    let mut lines = Vec::new();
    while let Some(wanted) = args.limit.checked_sub(u32::try_from(lines.len()).unwrap_or(u32::MAX)) {
        let from = args.limit - wanted;
        let page = wallet.history_lines(args.query(), from, wanted.min(LINES_MAX)).await?;
        if page.is_empty() {
            break;
        }
        lines.extend(page);
    }
    Ok(lines)
}

/// Shows one receipt, or writes it to files.
pub(super) async fn one(cli: &Cli, attempt: AttemptId, out: Option<&Path>, pdf: Option<&Path>) -> Result<(), Problem> {
    let wallet = synced(cli).await?;
    wallet.complete_history().await?;
    let view = wallet.show_receipt(attempt).await?;
    for (path, format) in [(out, ReceiptFormat::Json), (pdf, ReceiptFormat::Pdf)] {
        if let Some(path) = path {
            wallet.receipt_export(attempt, format, Language::System, Some(text_of(path)?)).await?;
        }
    }
    print::receipt(cli.json, &view);
    Ok(())
}

fn text_of(path: &Path) -> Result<String, Problem> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| Problem::new(ErrorCode::ExportFailed).with_detail("the file's name is not UTF-8"))
}

fn written(cli: &Cli, export: &ExportView) {
    if cli.json {
        return print::json(export);
    }
    if let ExportView::Saved { name, count } = export {
        println!("{count} payments written to {name}");
    }
}

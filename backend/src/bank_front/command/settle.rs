//! The end of the day: closed, and shown again.

use std::collections::HashMap;
use std::path::PathBuf;

use clap::Args;
use payment::Amount;
use serde_json::json;

use super::table::{Column, table};
use super::{Folder, print};
use crate::bank_front::error::BankError;
use crate::bank_front::settlement::{self, Batch, BusinessDate, Early, LineKind, business_day};
use crate::bank_front::{file, open_database};
use crate::clock::{now_ms, signed_ms};
use crate::reconciliation::{self, Record, Status, Subject};
use crate::storage::DbConnection;

/// Which day to close.
#[derive(Debug, Args)]
pub struct SettleOptions {
    /// Which bank.
    #[command(flatten)]
    folder: Folder,
    /// The business day, and every day before it that is still open; by default the last one whose cut-off has passed.
    /// A day that is closed already is shown again.
    #[arg(long)]
    date: Option<BusinessDate>,
    /// Close the day now, before its cut-off: what comes later is of the next day.
    #[arg(long, requires = "date")]
    early: bool,
    /// Also write the merchants' lines of the day to a file, for `tapseal reconcile`.
    #[arg(long)]
    csv: Option<PathBuf>,
}

/// When days end.
#[derive(Debug, Args)]
pub struct DayOptions {
    /// Which bank.
    #[command(flatten)]
    folder: Folder,
    /// Let days end at this time from now on, as HH:MM in UTC; 24:00 is midnight.
    #[arg(long, value_parser = minutes)]
    cut_off: Option<i64>,
}

fn minutes(text: &str) -> Result<i64, String> {
    let two_digits = |part: &str| if part.len() == 2 { part.parse::<i64>().ok() } else { None };
    let parts = text.split_once(':').and_then(|(hours, minutes)| Some((two_digits(hours)?, two_digits(minutes)?)));
    match parts {
        Some((hours @ 0..24, minutes @ 0..60)) if hours + minutes > 0 => Ok(hours * 60 + minutes),
        Some((24, 0)) => Ok(business_day::CUT_OFF_MINUTES),
        _ => Err("a time such as 22:00; 24:00 is midnight".to_owned()),
    }
}

pub(super) async fn run(options: &SettleOptions) -> Result<(), BankError> {
    let folder = &options.folder;
    let now_ms = signed_ms(now_ms());
    let db = open_database(&folder.home()).await?;
    let date = match options.date {
        Some(date) => date,
        None => business_day::current(&mut *db.reader().acquire().await?, now_ms).await?.previous()?,
    };
    let early = if options.early { Early::Allowed } else { Early::Refused };
    let batches = settlement::close(&db, date, early, now_ms).await?;
    if let Some(path) = &options.csv {
        let records = records(&mut *db.reader().acquire().await?, &batches).await?;
        let csv = reconciliation::write(&records).map_err(|_| BankError::Malformed("the batch"))?;
        file::replace(path, csv.as_bytes())?;
    }
    print(folder, &json!({ "business_date": date, "batches": batches }), || {
        format!("business day {date} is closed\n{}", batches_table(&batches))
    });
    Ok(())
}

/// What became of each attempt and refund, as the bank's side of a reconciliation: what was undone on the same day is
/// reversed, and so is what was undone later, on the day it was.
async fn records(connection: &mut DbConnection, batches: &[Batch]) -> Result<Vec<Record>, BankError> {
    let mut records: Vec<Record> = Vec::new();
    for batch in batches {
        let Some(merchant_id) = batch.account.as_str().strip_prefix("merchant:") else { continue };
        let mut places = HashMap::new();
        for line in batch.lines(connection).await? {
            let Some(request_id) = line.request_id else { continue };
            let (subject, status) = meaning(line.kind);
            let record = Record {
                business_date: batch.business_date.to_string(),
                subject,
                merchant_id: merchant_id.to_owned(),
                request_id,
                id: line.purpose.clone(),
                status,
                amount_minor: line.amount_minor,
                currency: batch.currency.code().to_owned(),
                reference: line.rrn.unwrap_or_default(),
            };
            let known = places.get(&line.purpose).filter(|_| status == Status::Reversed);
            if let Some(&at) = known {
                records[at] = record;
            } else {
                places.insert(line.purpose, records.len());
                records.push(record);
            }
        }
    }
    Ok(records)
}

/// What a line is about, and what it says became of it.
const fn meaning(kind: LineKind) -> (Subject, Status) {
    match kind {
        LineKind::Sale => (Subject::Payment, Status::Paid),
        LineKind::SaleReversal => (Subject::Payment, Status::Reversed),
        LineKind::Refund => (Subject::Refund, Status::Refunded),
        LineKind::RefundReversal => (Subject::Refund, Status::Reversed),
    }
}

fn batches_table(batches: &[Batch]) -> String {
    let columns = [
        Column::Right("batch"),
        Column::Left("account"),
        Column::Left("currency"),
        Column::Right("sales"),
        Column::Right("gross"),
        Column::Right("refunds"),
        Column::Right("reversals"),
        Column::Right("fees"),
        Column::Right("net"),
        Column::Right("brought"),
        Column::Right("paid out"),
        Column::Right("carried"),
    ];
    let rows: Vec<_> = (batches.iter())
        .map(|batch| {
            let money = |minor| Amount::new(minor, batch.currency).to_decimal();
            let totals = &batch.totals;
            [
                batch.number.to_string(),
                batch.account.to_string(),
                batch.currency.to_string(),
                totals.sales.to_string(),
                money(totals.gross_minor),
                money(totals.refunded_minor),
                money(totals.sales_reversed_minor - totals.refunds_reversed_minor),
                money(totals.fee_minor),
                money(totals.net_minor),
                money(batch.brought_minor),
                money(batch.paid_out_minor),
                money(batch.carried_minor),
            ]
        })
        .collect();
    if rows.is_empty() { "nothing to settle".to_owned() } else { table(&columns, &rows) }
}

pub(super) async fn day(options: &DayOptions) -> Result<(), BankError> {
    let now_ms = signed_ms(now_ms());
    let db = open_database(&options.folder.home()).await?;
    if let Some(minutes) = options.cut_off {
        db.write(move |db_tx| Box::pin(business_day::set_cut_off(db_tx, minutes, now_ms))).await?;
    }
    let mut connection = db.reader().acquire().await?;
    let date = business_day::current(&mut connection, now_ms).await?;
    let minutes = business_day::cut_off_minutes(&mut connection).await?;
    let cut_off = format!("{:02}:{:02}", minutes / 60, minutes % 60);
    print(&options.folder, &json!({ "business_date": date, "cut_off_utc": cut_off }), || {
        format!("business day {date}; days end at {cut_off} UTC")
    });
    Ok(())
}

//! The operator's tool: has a day reconciled with the banks over the running server's own lines, and shows the result.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Again, BusinessDate, Day, totals, want};
use crate::clock::now_ms;
use crate::keys::{BankId, DataFolder};
use crate::payment_server::{DatabaseOption, Error};
use crate::storage::Db;

/// How often the tool looks whether the server has done it.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What to reconcile.
#[derive(Debug, Args)]
pub struct Options {
    /// The data folder.
    #[arg(long)]
    pub data: PathBuf,
    /// Where the database is.
    #[command(flatten)]
    pub database: DatabaseOption,
    /// The business day in UTC, as YYYY-MM-DD; today when absent, as far as it has come.
    #[arg(long)]
    pub date: Option<BusinessDate>,
    /// With which bank; with every one when absent.
    #[arg(long)]
    pub bank: Option<BankId>,
    /// How long the running server may take, in seconds.
    #[arg(long, default_value_t = 30)]
    pub wait_s: u64,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    state: String,
    in_doubt: Option<i64>,
    debits: Option<i64>,
    debits_minor: Option<i64>,
    reversals: Option<i64>,
    reversals_minor: Option<i64>,
    bank_debits: Option<i64>,
    bank_debits_minor: Option<i64>,
    bank_reversals: Option<i64>,
    bank_reversals_minor: Option<i64>,
    credits: Option<i64>,
    credits_minor: Option<i64>,
    bank_credits: Option<i64>,
    bank_credits_minor: Option<i64>,
}

/// Has the day asked about and prints what came of it.
///
/// # Errors
/// Also when a bank does not agree, or nobody has answered in time.
pub async fn run(options: Options) -> Result<(), Error> {
    let folder = DataFolder::new(&options.data);
    let db = options.database.open(&folder).await?;
    let banks = match options.bank {
        Some(bank) => vec![bank],
        None => folder.fronts()?,
    };
    let date = options.date.unwrap_or_else(|| BusinessDate::at(now_ms()));
    let mut days = Vec::new();
    for bank in banks {
        for currency in totals::currencies(&db, &bank, date).await? {
            days.push(Day { bank: bank.clone(), date, currency });
        }
    }
    for day in &days {
        want(&db, day, Again::Yes, now_ms()).await?;
    }
    let until = Instant::now() + Duration::from_secs(options.wait_s);
    let mut all_agreed = true;
    for day in &days {
        let row = answered(&db, day, until).await?;
        all_agreed &= row.state == "agreed";
        if options.json {
            println!("{}", view(day, &row));
        } else {
            print(day, &row);
        }
    }
    if days.is_empty() && !options.json {
        println!("nothing was forwarded to any bank on {date}");
    }
    if all_agreed { Ok(()) } else { Err(Error::NotReconciled(date.to_string())) }
}

/// The day's row once the server has an answer, or as it stands when the time is up.
async fn answered(db: &Db, day: &Day, until: Instant) -> Result<Row, Error> {
    loop {
        let row: Row =
            sqlx::query_as("SELECT * FROM reconciliation WHERE bank_id = $1 AND business_date = $2 AND currency = $3")
                .bind(day.bank.as_str())
                .bind(day.date.to_string())
                .bind(day.currency.code())
                .fetch_one(db.reader())
                .await?;
        if row.state != "wanted" || Instant::now() >= until {
            return Ok(row);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// `wanted` is the server's word; a person reads that nobody answered.
fn state(row: &Row) -> &str {
    if row.state == "wanted" { "unanswered" } else { &row.state }
}

fn view(day: &Day, row: &Row) -> Value {
    json!({
        "bank": day.bank.as_str(),
        "date": day.date.to_string(),
        "currency": day.currency.code(),
        "state": state(row),
        "in_doubt": row.in_doubt,
        "ours": {
            "debits": row.debits, "debits_minor": row.debits_minor,
            "reversals": row.reversals, "reversals_minor": row.reversals_minor,
            "credits": row.credits, "credits_minor": row.credits_minor,
        },
        "bank_s": {
            "debits": row.bank_debits, "debits_minor": row.bank_debits_minor,
            "reversals": row.bank_reversals, "reversals_minor": row.bank_reversals_minor,
            "credits": row.bank_credits, "credits_minor": row.bank_credits_minor,
        },
    })
}

fn print(day: &Day, row: &Row) {
    println!("{}  {:<16} {}  {}", day.date, day.bank.as_str(), day.currency.code(), state(row));
    for (whose, [debits, debits_minor, reversals, reversals_minor, credits, credits_minor]) in [
        ("ours", [row.debits, row.debits_minor, row.reversals, row.reversals_minor, row.credits, row.credits_minor]),
        (
            "bank's",
            [
                row.bank_debits,
                row.bank_debits_minor,
                row.bank_reversals,
                row.bank_reversals_minor,
                row.bank_credits,
                row.bank_credits_minor,
            ],
        ),
    ] {
        let shown = |value: Option<i64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
        println!(
            "  {whose:<7} {:>8} debits {:>14}   {:>8} reversals {:>14}   {:>8} refunds {:>14}",
            shown(debits),
            shown(debits_minor),
            shown(reversals),
            shown(reversals_minor),
            shown(credits),
            shown(credits_minor)
        );
    }
    if row.in_doubt.is_some_and(|count| count > 0) {
        println!("  {} of the day's attempts are in doubt", row.in_doubt.unwrap_or_default());
    }
}

//! `tapseal reports`: what payers reported, by merchant, and what the operator decides about it.

use clap::{Args, Subcommand};
use payment::MerchantId;
use serde_json::json;

use super::super::{DatabaseOption, Error};
use super::is_suspended;
use crate::clock::{now_ms, signed_ms};
use crate::keys::{self, DataFolder};
use crate::storage::{Db, DbConnection};

/// The reports were wrong: the merchant's first contacts go on.
const DISMISSED: &str = "dismissed";
/// The reports were right: the merchant reaches only people who accepted it.
pub(super) const UPHELD: &str = "upheld";
/// The most reports listed.
const LISTED_MAX: i64 = 1_000;
/// Characters of a name and of a note.
const NAME_CHARS_MAX: usize = 100;
const NOTE_CHARS_MAX: usize = 2_000;

/// The tool's commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every report, newest first, and whether its merchant is suspended.
    List(Place),
    /// The reports of a merchant so far were wrong.
    Dismiss(Decision),
    /// They were right: the merchant's first contacts stay suspended until a later review.
    Uphold(Decision),
}

/// Where, and how to print.
#[derive(Debug, Args)]
pub struct Place {
    /// The data folder.
    #[arg(long)]
    data: std::path::PathBuf,
    /// Where the database is.
    #[command(flatten)]
    database: DatabaseOption,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A decision about a merchant's reports.
#[derive(Debug, Args)]
pub struct Decision {
    /// Where.
    #[command(flatten)]
    place: Place,
    /// Whose reports.
    #[arg(long)]
    merchant: MerchantId,
    /// Who decides.
    #[arg(long)]
    by: String,
    /// Why.
    #[arg(long)]
    note: String,
}

/// Does one command.
pub async fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::List(place) => list(&place).await,
        Command::Dismiss(decision) => decide(decision, DISMISSED).await,
        Command::Uphold(decision) => decide(decision, UPHELD).await,
    }
}

type ReportRow = (String, String, String, Option<String>, Option<String>, i64);

async fn list(place: &Place) -> Result<(), Error> {
    let db = place.database.open(&DataFolder::new(&place.data)).await?;
    let rows: Vec<ReportRow> = sqlx::query_as(
        "SELECT merchant_id, request_id, reason, note, identifier_kind, reported_ms FROM fraud_report \
         ORDER BY reported_ms DESC, request_id, device_id LIMIT $1",
    )
    .bind(LISTED_MAX)
    .fetch_all(db.reader())
    .await?;
    for (merchant, request, reason, note, kind, reported_ms) in rows {
        let suspended = suspended(&db, merchant.clone()).await?;
        if place.json {
            let line = json!({ "merchant_id": merchant, "request_id": request, "reason": reason, "note": note,
                "counts": kind.is_some(), "reported_ms": reported_ms, "suspended": suspended });
            println!("{line}");
        } else {
            let state = if suspended { "suspended" } else { "active" };
            // A stranger's words on an operator's terminal: no control characters.
            let note = note.unwrap_or_default().replace(char::is_control, " ");
            println!("{merchant:<24} {state:<10} {reason:<14} {request}  {note}");
        }
    }
    Ok(())
}

async fn suspended(db: &Db, merchant: String) -> Result<bool, Error> {
    db.write(move |db_tx| Box::pin(async move { is_suspended(db_tx, &merchant).await })).await
}

async fn decide(decision: Decision, verdict: &'static str) -> Result<(), Error> {
    let Decision { place, merchant, by, note } = decision;
    let fits = |text: &str, chars_max| !text.trim().is_empty() && text.chars().count() <= chars_max;
    if !fits(&by, NAME_CHARS_MAX) || !fits(&note, NOTE_CHARS_MAX) {
        return Err(Error::Review(
            "say who decides (--by) and why (--note), in at most 100 and 2000 characters".to_owned(),
        ));
    }
    let db = place.database.open(&DataFolder::new(&place.data)).await?;
    let id = merchant.clone();
    db.write(move |db_tx| Box::pin(async move { insert(db_tx, &id, verdict, &by, &note).await })).await?;
    if place.json {
        println!("{}", json!({ "merchant_id": merchant, "verdict": verdict }));
    } else {
        println!("{merchant}: {verdict}");
    }
    Ok(())
}

async fn insert(
    db_tx: &mut DbConnection,
    merchant: &MerchantId,
    verdict: &str,
    by: &str,
    note: &str,
) -> Result<(), Error> {
    let now_ms = now_ms();
    sqlx::query(
        "INSERT INTO report_review (id, merchant_id, verdict, decided_by, note, decided_ms) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(keys::new_id(now_ms))
    .bind(merchant.as_str())
    .bind(verdict)
    .bind(by)
    .bind(note)
    .bind(signed_ms(now_ms))
    .execute(db_tx)
    .await?;
    Ok(())
}

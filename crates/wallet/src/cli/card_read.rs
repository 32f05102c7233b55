//! `card read`: looks at a card and says what it gave, its number masked. Nothing is paid or sent.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use clap::Args;
use emv::{ApplicationSummary, Inspection, Swipe};
use payment::{Amount, AttemptHash};
use protocol::{ErrorCode, Problem};
use serde_json::{Value, json};

use super::{Cli, print};
use crate::card::{self, CardEvent, Looked, Reading, Terminal, Watcher};
use crate::config::TERMINAL_COUNTRY_DEFAULT;
use crate::error::WalletError;
use crate::{clock, readers::ReaderError};

/// What the card is told it would pay, in minor units: one dollar.
const AMOUNT_MINOR: i64 = 100;

#[derive(Args)]
pub(super) struct ReadArgs {
    /// The reader: `pcsc[:NAME]`, `replay:FILE` or `simulated:HOST:PORT`.
    #[arg(long, env = "TAPSEAL_READER")]
    reader: Option<String>,
    /// How long to wait for a card, in seconds.
    #[arg(long, default_value_t = 30)]
    card_wait_s: u64,
}

/// Reads and prints; a card that could not be read is told with the same member `outcome`.
pub(super) async fn run(cli: &Cli, args: &ReadArgs) -> Result<ExitCode, Problem> {
    let readers = super::open_readers(args.reader.clone())?;
    let places = readers.places(args.reader.as_deref()).map_err(WalletError::from)?;
    let deadline = Instant::now() + Duration::from_secs(args.card_wait_s);
    let (events, mut told) = tokio::sync::mpsc::unbounded_channel();
    let watcher = Watcher { events, stop: Arc::new(AtomicBool::new(false)) };
    let terminal = terminal()?;
    let inspecting = tokio::task::spawn_blocking(move || card::inspect(&places, &terminal, deadline, &watcher));
    while let Some(event) = told.recv().await {
        match event {
            CardEvent::Waiting(Some(trouble)) if !cli.json => eprintln!("{}", Problem::new(trouble).title),
            // Whoever only looks takes the card's own first choice.
            CardEvent::Choose { answer, .. } => drop(answer.send(0)),
            CardEvent::Waiting(_) | CardEvent::Connected { .. } | CardEvent::Reading { .. } => {}
        }
    }
    let read = inspecting.await.map_err(|_| Problem::new(ErrorCode::ReaderFailed))?;
    match read {
        Ok(reading) => {
            show(cli.json, &facts(&reading));
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            let code = match &error {
                WalletError::Card(card) => card.code().to_owned(),
                WalletError::Reader(ReaderError::Removed) => ErrorCode::CardRemoved.to_string(),
                other => other.code().to_string(),
            };
            if cli.json {
                print::json(&json!({ "outcome": code, "detail": error.to_string() }));
                return Ok(ExitCode::FAILURE);
            }
            Err(error.into())
        }
    }
}

fn terminal() -> Result<Terminal, Problem> {
    let mut hash = [0; 32];
    getrandom::fill(&mut hash).map_err(|_| Problem::new(ErrorCode::Internal))?;
    let currency = "USD".parse().expect("USD is a currency");
    Ok(Terminal {
        amount: Amount::new(AMOUNT_MINOR, currency),
        country: TERMINAL_COUNTRY_DEFAULT,
        attempt_hash: AttemptHash::from_bytes(hash),
        merchant_name: String::new(),
        now_ms: clock::now_ms(),
    })
}

/// What may be said of a card.
fn facts(reading: &Reading<Looked>) -> Value {
    let mut facts = match &reading.read {
        Looked::Chip(card) => chip_facts(card),
        Looked::Stripe(swipe) => stripe_facts(swipe),
    };
    facts["reader"] = json!(reading.reader);
    facts["ms"] = json!(reading.took.as_millis());
    facts
}

fn stripe_facts(swipe: &Swipe) -> Value {
    json!({
        "outcome": "swiped",
        "pan_masked": swipe.card_number().masked(),
        "expiry": String::from_utf8_lossy(&swipe.expiry_yymm()),
        "track2_masked": swipe.track2().map(emv::Track2::masked),
        "applications": [],
        "exchanges": 0,
    })
}

fn chip_facts(card: &Inspection) -> Value {
    let application = |summary: &ApplicationSummary| {
        json!({
            "aid": hex::encode_upper(&summary.aid),
            "scheme": summary.scheme.code(),
            "label": summary.label,
            "priority": summary.priority,
        })
    };
    let expiry = card.expiry_yymm.map(|digits| String::from_utf8_lossy(&digits).into_owned());
    json!({
        "outcome": card.outcome.code(),
        "trouble": card.trouble.as_ref().map(emv::CardError::code),
        "scheme": card.application.scheme.code(),
        "aid": hex::encode_upper(&card.application.aid),
        "label": card.application.label,
        "pan_masked": card.pan.as_ref().map(emv::CardNumber::masked),
        "expiry": expiry,
        "psn": card.psn,
        "track2_masked": card.track2.as_ref().map(emv::Track2::masked),
        "applications": card.applications.iter().map(application).collect::<Vec<_>>(),
        "exchanges": card.exchanges,
    })
}

fn show(as_json: bool, facts: &Value) {
    if as_json {
        return print::json(facts);
    }
    for name in ["label", "scheme", "aid", "pan_masked", "expiry", "psn", "outcome", "exchanges", "reader", "ms"] {
        match &facts[name] {
            Value::Null => {}
            Value::String(text) => println!("{name:<12} {text}"),
            other => println!("{name:<12} {other}"),
        }
    }
}

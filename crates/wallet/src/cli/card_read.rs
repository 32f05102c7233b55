//! `card read`: looks at a card and says what it gave, its number masked. Nothing is paid or sent.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use emv::{ApplicationSummary, Inspection, Swipe};
use protocol::{ErrorCode, Problem};
use serde_json::{Value, json};

use super::{Cli, print};
use crate::ca_keys;
use crate::card::{self, CardEvent, Looked, Reading, STEPS, Terminal, Watcher};
use crate::config::TERMINAL_COUNTRY_DEFAULT;
use crate::error::WalletError;
use crate::readers::ReaderError;

#[derive(Args)]
pub(super) struct ReadArgs {
    /// The reader: `pcsc[:NAME]`, `nfc[:CONNSTRING]`, `stripe[:PLACE]`, `replay:FILE` or `simulated:HOST:PORT`.
    #[arg(long, env = "TAPSEAL_READER")]
    reader: Option<String>,
    /// How long to wait for a card, in seconds.
    #[arg(long, default_value_t = 30)]
    card_wait_s: u64,
}

/// Reads and prints; a card that could not be read is told with the same members, those it did not give empty.
pub(super) async fn run(cli: &Cli, args: &ReadArgs) -> Result<ExitCode, Problem> {
    let mut progress = Progress::default();
    let outcome = read(cli, args, &mut progress).await;
    if let Some(commands @ 1..) = progress.not_recorded {
        eprintln!("{commands} commands are not in the transcript; they were answered 6A82.");
    }
    match outcome {
        Ok(reading) => {
            let mut facts = facts(&reading);
            facts["not_recorded"] = json!(progress.not_recorded);
            show(cli.json, &facts);
            Ok(ExitCode::SUCCESS)
        }
        Err(error) if cli.json => {
            print::json(&failure(&error, &progress));
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error.into()),
    }
}

/// How far a reading came.
#[derive(Default)]
struct Progress {
    reader: Option<String>,
    exchanges: u32,
    took: Duration,
    not_recorded: Option<u32>,
    /// The applications the card had named before it was taken away.
    applications: Vec<ApplicationSummary>,
    /// What it had given by then.
    seen: Option<Box<Inspection>>,
}

async fn read(cli: &Cli, args: &ReadArgs, progress: &mut Progress) -> Result<Reading<Looked>, WalletError> {
    let readers = super::open_readers(args.reader.clone())?;
    let places = readers.places(args.reader.as_deref())?;
    let deadline = Instant::now() + Duration::from_secs(args.card_wait_s);
    let (events, mut told) = tokio::sync::mpsc::unbounded_channel();
    let stop = Arc::new(AtomicBool::new(false));
    let watcher = Watcher { events, stop: Arc::clone(&stop) };
    let ca_keys = ca_keys::known(cli.place.ca_keys.as_deref())?;
    let terminal = Terminal::to_look(TERMINAL_COUNTRY_DEFAULT, ca_keys)?;
    if !cli.json {
        eprintln!("Waiting for a card.");
    }
    let inspecting = tokio::task::spawn_blocking(move || card::inspect(&places, &terminal, deadline, &watcher));
    while let Some(event) = told.recv().await {
        if !cli.json {
            tell(&event);
        }
        match event {
            // Whoever only looks wants to know at once what was wrong with the card.
            CardEvent::Waiting(Some(trouble)) if is_about_the_card(trouble) => stop.store(true, Ordering::Relaxed),
            // And takes the card's own first choice.
            CardEvent::Choose { answer, .. } => drop(answer.send(0)),
            CardEvent::Connected { reader, .. } => progress.reader = Some(reader),
            CardEvent::Failed { exchanges, took, applications, seen } => {
                (progress.exchanges, progress.took) = (exchanges, took);
                (progress.applications, progress.seen) = (applications, seen);
            }
            CardEvent::Waiting(_) | CardEvent::Reading { .. } => {}
        }
    }
    let read = inspecting.await.map_err(|_| ReaderError::Failed("the reading stopped".to_owned()))?;
    progress.not_recorded = args.reader.as_deref().and_then(|id| readers.not_recorded(id));
    read
}

/// Whether something was wrong with the card, rather than none being there.
fn is_about_the_card(trouble: ErrorCode) -> bool {
    matches!(
        trouble,
        ErrorCode::SeveralCards
            | ErrorCode::SwipeUnreadable
            | ErrorCode::CardUseChip
            | ErrorCode::CardNotPayment
            | ErrorCode::CardTimeout
    )
}

/// Progress, for a person.
fn tell(event: &CardEvent) {
    match event {
        CardEvent::Waiting(Some(trouble)) => eprintln!("{}", Problem::new(*trouble).title),
        CardEvent::Waiting(None) => eprintln!("Ready for a card."),
        CardEvent::Connected { reader, gesture } => eprintln!("{} at {reader}.", print::gesture_done(*gesture)),
        CardEvent::Reading { step, phase } => eprintln!("  {step} of {STEPS}: {}", print::phase_of_reading(*phase)),
        CardEvent::Choose { .. } | CardEvent::Failed { .. } => {}
    }
}

/// What may be said of a card that could not be read to its end: what it had given by then, if anything.
fn failure(error: &WalletError, progress: &Progress) -> Value {
    let outcome = match error {
        WalletError::Card(card) => card.code().to_owned(),
        other => other.code().to_string(),
    };
    let nothing = || {
        json!({
            "scheme": null,
            "aid": null,
            "label": null,
            "pan_masked": null,
            "expiry": null,
            "psn": null,
            "track2_masked": null,
            "applications": progress.applications.iter().map(application_facts).collect::<Vec<_>>(),
        })
    };
    let mut facts = progress.seen.as_deref().map_or_else(nothing, chip_facts);
    facts["outcome"] = json!(outcome);
    facts["detail"] = json!(error.to_string());
    facts["exchanges"] = json!(progress.exchanges);
    facts["not_recorded"] = json!(progress.not_recorded);
    facts["reader"] = json!(progress.reader);
    facts["ms"] = json!(progress.took.as_millis());
    facts
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
        "scheme": null,
        "aid": null,
        "label": null,
        "psn": null,
        "pan_masked": swipe.card_number().masked(),
        "expiry": String::from_utf8_lossy(&swipe.expiry_yymm()),
        "track2_masked": swipe.track2().map(emv::Track2::masked),
        "applications": [],
        "exchanges": 0,
    })
}

fn application_facts(summary: &ApplicationSummary) -> Value {
    json!({
        "aid": hex::encode_upper(&summary.aid),
        "scheme": summary.scheme.code(),
        "label": summary.label,
        "priority": summary.priority,
    })
}

fn chip_facts(card: &Inspection) -> Value {
    let expiry = card.expiry_yymm.map(|digits| String::from_utf8_lossy(&digits).into_owned());
    json!({
        "outcome": card.outcome.code(),
        "trouble": card.trouble.as_ref().map(emv::CardError::code),
        "scheme": card.scheme.code(),
        "aid": hex::encode_upper(&card.application.aid),
        "label": card.application.label,
        "pan_masked": card.pan.as_ref().map(emv::CardNumber::masked),
        "expiry": expiry,
        "psn": card.psn,
        "verification": card.verification.code(),
        "no_online_pin": card.no_online_pin.map(emv::NoOnlinePin::code),
        "authenticity": card.authenticity.code(),
        "track2_masked": card.track2.as_ref().map(emv::Track2::masked),
        "applications": card.applications.iter().map(application_facts).collect::<Vec<_>>(),
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

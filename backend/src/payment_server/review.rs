//! The operator's tool for attempts in `needs_manual_review`: what was said, what may be decided, and deciding it.
//!
//! It works on the data folder, whether or not the server runs. A decision is one db step: the machine's transition,
//! the journal's entry, and who decided and why. A running server takes it up within a second.

use std::path::PathBuf;

use crate::storage::DbConnection;
use clap::{Args, Subcommand, ValueEnum};
use payment::review::{Decision, Grounds};
use payment::{AttemptEvent, AttemptId, RefundId};
use serde_json::{Value, json};

use super::keyset::ServerKeys;
use super::lifecycle::{self, Evidence};
use super::refunds::review::{self, RefundStep};
use super::{DatabaseOption, Error};
use crate::clock::{now_ms, signed_ms};
use crate::keys::DataFolder;
use crate::storage::Db;

mod case;

use case::Case;

/// Characters of a name and of a note.
const NAME_CHARS_MAX: usize = 100;
const NOTE_CHARS_MAX: usize = 2_000;

/// The tool's commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every attempt that waits for a person.
    List(Place),
    /// What was sent and received about an attempt, what the bank says, and which steps are legal.
    Show {
        /// Where.
        #[command(flatten)]
        place: Place,
        /// Which attempt.
        attempt_id: AttemptId,
    },
    /// Decides what follows.
    Decide(DecideOptions),
    /// Every refund that waits for a person.
    Refunds(Place),
    /// Decides what follows on a refund.
    DecideRefund(DecideRefundOptions),
}

/// A decision about a refund.
#[derive(Debug, Args)]
pub struct DecideRefundOptions {
    /// Where.
    #[command(flatten)]
    place: Place,
    /// Which refund.
    refund_id: RefundId,
    /// What follows.
    #[arg(long)]
    step: RefundStep,
    /// There is written evidence, which the note tells of.
    #[arg(long)]
    evidence: bool,
    /// Who decides.
    #[arg(long)]
    by: String,
    /// Why.
    #[arg(long)]
    note: String,
}

/// Where, and how to print.
#[derive(Debug, Args)]
pub struct Place {
    /// The data folder.
    #[arg(long)]
    data: PathBuf,
    /// Where the database is.
    #[command(flatten)]
    database: DatabaseOption,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A decision.
#[derive(Debug, Args)]
pub struct DecideOptions {
    /// Where.
    #[command(flatten)]
    place: Place,
    /// Which attempt.
    attempt_id: AttemptId,
    /// What follows.
    #[arg(long, value_enum)]
    step: Step,
    /// Who decides.
    #[arg(long)]
    by: String,
    /// Why.
    #[arg(long)]
    note: String,
    /// The note tells of something in writing that the decision rests on, such as a letter of the bank.
    #[arg(long)]
    evidence: bool,
}

/// A decision's name on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Step {
    /// Ask the bank again; its answer is settled as usual.
    Inquire,
    /// Have the bank undo it, until it acknowledges.
    Reverse,
    /// Take the bank's signed word.
    AcceptBankOutcome,
    /// No money moved, or it is back.
    CloseAsNotPaid,
}

impl Step {
    const fn decision(self) -> Decision {
        match self {
            Self::Inquire => Decision::Inquire,
            Self::Reverse => Decision::Reverse,
            Self::AcceptBankOutcome => Decision::AcceptBankOutcome,
            Self::CloseAsNotPaid => Decision::CloseAsNotPaid,
        }
    }
}

/// Runs a command of the tool.
pub async fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::List(place) => list(&place).await,
        Command::Show { place, attempt_id } => show(&place, attempt_id).await,
        Command::Decide(options) => decide(options).await,
        Command::Refunds(place) => review::list(&open(&place).await?.0, place.json).await,
        Command::DecideRefund(options) => decide_refund(options).await,
    }
}

async fn open(place: &Place) -> Result<(Db, ServerKeys), Error> {
    let folder = DataFolder::new(&place.data);
    let db = place.database.open(&folder).await?;
    let keys = ServerKeys::load(&folder, &db, now_ms()).await?;
    Ok((db, keys))
}

async fn list(place: &Place) -> Result<(), Error> {
    let (db, _) = open(place).await?;
    let cases = case::list(&db).await?;
    if place.json {
        println!("{}", json!({ "cases": cases }));
        return Ok(());
    }
    for case in &cases {
        println!(
            "{}  {:<20} {:<20} {:>12} {}",
            case.attempt_id, case.merchant_id, case.order_number, case.amount_minor, case.currency
        );
    }
    println!("{} waiting for a decision", cases.len());
    Ok(())
}

async fn read(db: &Db, keys: &ServerKeys, attempt_id: AttemptId) -> Result<Case, Error> {
    Case::read(db, keys, attempt_id).await?.ok_or_else(|| Error::Review("there is no such attempt".to_owned()))
}

async fn show(place: &Place, attempt_id: AttemptId) -> Result<(), Error> {
    let (db, keys) = open(place).await?;
    let case = read(&db, &keys, attempt_id).await?;
    if place.json {
        println!("{}", view(&case));
        return Ok(());
    }
    println!("attempt {attempt_id} of request {}", case.known_attempt.request_id);
    println!("  {} to {}, {}", case.known_attempt.amount, case.known_attempt.merchant_id, case.state.name());
    println!("  0200 sent, STAN {:06}, RRN {}", case.known_attempt.reference.stan, case.known_attempt.reference.rrn);
    for said in &case.said {
        let code = said.response_code.as_deref().unwrap_or("-");
        println!("  {:<8} {} STAN {} DE 39 {code:<2}  {}", said.direction, said.mti, said.stan, said.meaning);
    }
    println!("  the bank's last verified word: {:?}; reversal: {:?}", case.known.word, case.known.reversal);
    for option in case.options() {
        println!("  {:<20} {}", option.step, option.legal);
    }
    Ok(())
}

fn view(case: &Case) -> Value {
    json!({
        "attempt_id": case.attempt_id,
        "request_id": case.known_attempt.request_id,
        "state": case.state.name(),
        "stan": case.known_attempt.reference.stan,
        "rrn": case.known_attempt.reference.rrn,
        "said": case.said,
        "bank_word": format!("{:?}", case.known.word),
        "reversal": format!("{:?}", case.known.reversal),
        "steps": case.options(),
    })
}

async fn decide(options: DecideOptions) -> Result<(), Error> {
    check_text("--by", &options.by, NAME_CHARS_MAX)?;
    check_text("--note", &options.note, NOTE_CHARS_MAX)?;
    let (db, keys) = open(&options.place).await?;
    let case = read(&db, &keys, options.attempt_id).await?;
    let decision = options.step.decision();
    let grounds = if options.evidence { Grounds::WrittenEvidence } else { Grounds::None };
    let step = case.known.step(decision, grounds).map_err(|illegal| Error::Review(illegal.to_string()))?;
    let evidence = Evidence {
        outcome: case.outcome.clone().filter(|_| decision == Decision::AcceptBankOutcome),
        ..Evidence::default()
    };
    let request_id = case.known_attempt.request_id;
    let attempt_id = options.attempt_id;
    let (json, by, note) = (options.place.json, options.by, options.note);
    let state = db
        .write(move |db_tx| {
            Box::pin(async move {
                let now_ms = now_ms();
                let event = AttemptEvent::Reviewed(step);
                let state = lifecycle::apply_to_attempt(db_tx, attempt_id, event, &evidence, now_ms).await?;
                let what = format!("review_{}", decision.as_str());
                lifecycle::append_attempt_event(db_tx, request_id, attempt_id, &what, now_ms).await?;
                store(db_tx, (attempt_id, request_id), decision, (&by, &note), now_ms).await?;
                Ok::<_, Error>(state)
            })
        })
        .await?;
    if json {
        println!("{}", json!({ "attempt_id": attempt_id, "state": state.name() }));
    } else {
        println!("attempt {attempt_id} is {}", state.name());
    }
    Ok(())
}

async fn decide_refund(options: DecideRefundOptions) -> Result<(), Error> {
    check_text("--by", &options.by, NAME_CHARS_MAX)?;
    check_text("--note", &options.note, NOTE_CHARS_MAX)?;
    let DecideRefundOptions { place, refund_id, step, evidence, by, note } = options;
    let (db, _) = open(&place).await?;
    let state = review::decide(&db, refund_id, step, evidence, (by, note)).await?;
    if place.json {
        println!("{}", json!({ "refund_id": refund_id, "state": state }));
    } else {
        println!("refund {refund_id} is {state}");
    }
    Ok(())
}

fn check_text(what: &str, text: &str, chars_max: usize) -> Result<(), Error> {
    let fits = !text.trim().is_empty() && text.chars().count() <= chars_max && !text.contains(char::is_control);
    if fits { Ok(()) } else { Err(Error::Review(format!("{what} must be one line of 1 to {chars_max} characters"))) }
}

async fn store(
    db_tx: &mut DbConnection,
    (attempt_id, request_id): (AttemptId, payment::RequestId),
    decision: Decision,
    (by, note): (&str, &str),
    now_ms: u64,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO review_decision (id, attempt_id, request_id, decision, decided_by, note, decided_ms) \
         VALUES ((SELECT COALESCE(MAX(id), 0) + 1 FROM review_decision), $1, $2, $3, $4, $5, $6)",
    )
    .bind(attempt_id.to_string())
    .bind(request_id.to_string())
    .bind(decision.as_str())
    .bind(by)
    .bind(note)
    .bind(signed_ms(now_ms))
    .execute(db_tx)
    .await?;
    Ok(())
}

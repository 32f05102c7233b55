//! Torture: payers pay in every way there is while payment server, bank front, vault and operator's front are killed with
//! `kill -9`, again and again, also while they start; in the end everything is audited from outside.
//!
//! ```text
//! plan (seed) ── kills, scenarios ──► processes ◄── calls, repeated until answered ── payers (seed)
//!                                                        record: what they were told
//! settle: scenarios off, every process up, open requests withdrawn ──► audit
//! ```
//!
//! The same seed draws the same plan: who is killed after how many answered calls, what the bank does wrong, what
//! every payer does. What the operating system schedules in between is not determined, so a run is repeatable in its
//! plan and not to the instruction.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::hand::{Hand, Till};
use crate::keeper::Keeper;
use crate::operator::Operator;
use crate::plastic;
use crate::process::{self, Running};
use crate::system::{MERCHANT, System, Wishes, texts};

pub mod audit;
pub mod client;
pub mod payer;
pub mod plan;
pub mod purse;
pub mod record;

use audit::Verdict;
use client::{Clients, Progress};
use payer::LoadPayer;
use plan::{Blow, Draw, MasterKey, Plan, Process};
use purse::Purse;
use record::{Record, is_final};

/// What each payer starts with, in minor units.
pub const OPENING_MINOR: i64 = 99_999_999;
/// How long a blow waits for the next answer before it falls all the same.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long everything may take to come to rest.
const SETTLE_WAIT: Duration = Duration::from_secs(150);
/// The pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(250);
/// How long the server waits for the bank: short, so that much is uncertain.
const ANSWER_TIMEOUT_MS: &str = "600";
/// After so many blows the books are looked at.
const BOOKS_EVERY: usize = 15;
/// A script of the harmless misfortunes at once.
const MIXED: &str = r#"
[[rule]]
when = { message = "debit", chance = 0.1 }
do = "late"
ms = 900
[[rule]]
when = { message = "debit", chance = 0.1 }
do = "unanswered"
[[rule]]
when = { message = "inquiry", chance = 0.4 }
do = "silent"
[[rule]]
when = { message = "reversal", chance = 0.3 }
do = "unanswered"
[[rule]]
when = { chance = 0.1 }
do = "silent"
[[rule]]
when = { chance = 0.1 }
do = "twice"
[[rule]]
when = { chance = 0.1 }
do = "swap"
[[rule]]
when = { chance = 0.05 }
do = "cut"
"#;

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Torture {
    /// What everything is drawn from.
    pub seed: u64,
    /// How often `kill -9` is said.
    pub kills: usize,
    /// How many payers pay at once.
    pub payers: usize,
}

/// A run, until it is audited.
pub async fn run(torture: Torture, mut say: impl FnMut(String)) -> Verdict {
    let plan = Plan::draw(torture.seed, torture.kills);
    say(format!(
        "seed {}: {} kills in {} blows, {} payers",
        torture.seed,
        plan.kills(),
        plan.blows.len(),
        torture.payers
    ));
    let mut stage = Stage::set(torture.payers, &plan).await;
    let scenarios = stage.system.folder().join("mixed.toml");
    std::fs::write(&scenarios, format!("seed = {}\n{MIXED}", torture.seed)).expect("the script can be written");
    let (progress, record) = (Arc::new(Progress::default()), Arc::new(Record::default()));
    let mut hands = Vec::new();
    for _ in 0..torture.payers {
        hands.push(Hand::register(&stage.system).await);
    }
    let purses = Purse::filled(&stage.system, &stage.keeper, &stage.operator, &hands).await;
    let openings: Vec<_> = purses.iter().flat_map(|purse| purse.opening(OPENING_MINOR)).collect();
    let mut payers = Vec::new();
    for (number, (purse, hand)) in purses.into_iter().zip(hands).enumerate() {
        let clients = Clients { till: Till::open(&stage.system, MERCHANT), hand, progress: Arc::clone(&progress) };
        let draw = Draw::new(torture.seed, 1 + number as u64);
        let payer = LoadPayer { number, purse, draw, clients, record: Arc::clone(&record) };
        payers.push(tokio::spawn(payer.run()));
    }
    let mut broken_books = Vec::new();
    for (number, blow) in plan.blows.iter().enumerate() {
        say(format!("blow {:>3} at call {:>6}: {blow}", number + 1, progress.answered()));
        progress.wait_for(blow.after_calls, PATIENCE).await;
        stage.strike(blow).await;
        if (number + 1) % BOOKS_EVERY == 0 && !audit::sums_are_zero(&stage.system.ledger().await) {
            broken_books.push(format!("the ledger did not sum to zero after blow {}", number + 1));
        }
    }
    progress.close();
    stage.system.scenario("none").await;
    let (mut clients, mut purses) = (Vec::new(), Vec::new());
    for payer in payers {
        let (client, purse) = payer.await.expect("a payer comes to its end");
        clients.push(client);
        purses.push(purse);
    }
    settle(&clients, &record).await;
    let requests = record.requests().await;
    let mut verdict = audit::audit(&stage.system, Some(&stage.operator), &clients, &requests, &openings).await;
    audit::operator::audit(&mut verdict, &stage.system, &stage.operator, &purses).await;
    audit::keeper::audit(&mut verdict, &stage.keeper, &clients, &mut purses).await;
    verdict.lost += broken_books.len();
    verdict.findings.extend(broken_books);
    if !verdict.findings.is_empty() {
        say(stage.logs());
    }
    verdict
}

/// Everybody who keeps something: payment server and bank, operator, vault.
struct Stage {
    system: System,
    operator: Operator,
    keeper: Keeper,
}

impl Stage {
    /// Keys, databases made under blows, cards for every payer, and every process up.
    async fn set(payers: usize, plan: &Plan) -> Self {
        let folder = tempfile::TempDir::new().expect("a folder for the cards");
        let file = folder.path().join("cards.json");
        plastic::write_profiles(&(0..payers).map(plastic::card).collect::<Vec<_>>(), &file);
        let file = file.to_str().expect("temporary paths are plain");
        let opening = OPENING_MINOR.to_string();
        let limits = ["--limit-minor", &opening, "--day-limit-minor", &opening, "--balance-minor", &opening];
        let wishes = Wishes {
            seed: [texts(&["--card-profiles", file]), texts(&limits)].concat(),
            server: texts(&["--answer-timeout-ms", ANSWER_TIMEOUT_MS]),
            ..Wishes::default()
        };
        let (mut system, public_port) = System::with_keys(wishes).await;
        let operator = Operator::found(&mut system).await;
        let keeper = Keeper::found(&system).await;
        let migrate = texts(&["migrate", "--data", &system.data()]);
        for after_ms in &plan.migrations_killed_after_ms {
            killed_while_it_starts(&system, &migrate, *after_ms).await;
        }
        process::run("tapseal", &migrate, &system.environment(), "").await.success();
        let mut stage = Self { system, operator, keeper };
        stage.operator.start(&stage.system).await;
        stage.system.start_all(public_port).await;
        stage.keeper.admit_key(&stage.system).await;
        stage.keeper.serve(None).await;
        stage.operator.line_is(&stage.system, "up").await;
        stage
    }

    async fn strike(&mut self, blow: &Blow) {
        let victims = blow.victim.processes();
        for victim in victims {
            self.kill(*victim).await;
        }
        if blow.master_key == MasterKey::Changed {
            self.keeper.tool(&["key", "rotate"]).await.success();
        }
        for after_ms in &blow.again_after_ms {
            killed_while_it_starts(&self.system, &self.arguments(victims[0]), *after_ms).await;
        }
        for victim in victims.iter().rev() {
            self.start(*victim).await;
        }
        match blow.scenario {
            Some("mixed") => {
                let script = self.system.folder().join("mixed.toml");
                self.system.scenario(script.to_str().expect("temporary paths are plain")).await;
            }
            Some(word) => self.system.scenario(word).await,
            // A bank that starts plays nothing.
            None => {}
        }
    }

    async fn kill(&mut self, victim: Process) {
        let running = match victim {
            Process::Server => self.system.server.take(),
            Process::Bank => self.system.bank.take(),
            Process::Vault => self.keeper.running.take(),
            Process::Operator => return self.operator.kill().await,
        };
        Running::kill(running.expect("every process is started again")).await;
    }

    async fn start(&mut self, victim: Process) {
        match victim {
            // The others may be away.
            Process::Server => self.system.launch_server().await,
            Process::Bank => self.system.start_bank().await,
            Process::Vault => self.keeper.serve(None).await,
            Process::Operator => self.operator.start(&self.system).await,
        }
    }

    fn arguments(&self, victim: Process) -> Vec<String> {
        match victim {
            Process::Server => self.system.server_arguments(),
            Process::Bank => self.system.bank_arguments(),
            Process::Vault => self.keeper.arguments(),
            Process::Operator => self.operator.arguments(&self.system),
        }
    }

    fn logs(&self) -> String {
        let logs = [self.system.log("carrier-front"), self.keeper.folder().join("vault.log")];
        let read = |log: &std::path::PathBuf| {
            format!("--- {}\n{}", log.display(), std::fs::read_to_string(log).unwrap_or_default())
        };
        [self.system.logs(), logs.iter().map(read).collect()].concat()
    }
}

/// Starts a program and kills it so many milliseconds later.
async fn killed_while_it_starts(system: &System, arguments: &[String], after_ms: u64) {
    let mut child = process::spawn("tapseal", arguments, &system.environment(), "").await;
    tokio::time::sleep(Duration::from_millis(after_ms)).await;
    // It may be at its end already; then the blow hit nothing.
    let _ = child.kill().await;
}

/// Waits until every attempt has an end and withdraws what nobody pays any more.
pub async fn settle(clients: &[Clients], record: &Record) {
    let until = Instant::now() + SETTLE_WAIT;
    for request in record.requests().await {
        let client = &clients[request.payer];
        loop {
            let view = client.shown(&request.letter).await;
            match view["status"].as_str().unwrap_or_default() {
                "created" | "delivering" | "delivered" | "seen" if Instant::now() < until => {
                    client.cancel(&request.letter).await;
                }
                "in_flight" | "outcome_unknown" if Instant::now() < until => tokio::time::sleep(LOOK_PAUSE).await,
                _ => break,
            }
        }
        for attempt in &request.attempts {
            let path = format!("/v1/requests/{}/attempts/{}", request.letter.order.request_id, attempt.attempt.id);
            loop {
                let answer = client.payer("GET", &path, &[]).await;
                let is_open = answer.body["state"].as_str().is_some_and(|state| !is_final(state));
                if !is_open || Instant::now() >= until {
                    break;
                }
                tokio::time::sleep(LOOK_PAUSE).await;
            }
        }
        for refund in &request.refunds {
            while client.shown_refund(&refund.refund).await.body["status"] == "pending" && Instant::now() < until {
                tokio::time::sleep(LOOK_PAUSE).await;
            }
        }
    }
}

/// The last line of a run.
pub fn last_line(kills: usize, verdict: &Verdict) -> String {
    let Verdict { requests, paid, reversed, open, lost, doubled, .. } = verdict;
    format!(
        "kills {kills} requests {requests} paid {paid} reversed {reversed} open {open} lost {lost} doubled {doubled}"
    )
}

//! Payments settled per second: payment server and bank front as they are deployed, with durable writes.
//!
//! One settle is a request created, an attempt submitted, the bank's decision made, ledger and outcome stored
//! durably on both sides, and the answer read by the payer. Both seals are made before the clock starts, because
//! they are the payers' work and not the servers'; their cost is in the seal benchmark.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use e2e::hand::{Hand, Letter, SealTo};
use e2e::plastic::{self, PIN};
use e2e::system::{Ask, MERCHANT, System, Wishes, texts};
use payment::RequestId;
use protocol::wallet_api::SubmitAttempt;
use serde_json::json;
use tokio::sync::Mutex;
use virtual_card::{Profile, VirtualCard};

#[derive(Parser)]
struct Options {
    /// How many payments to settle.
    #[arg(long, default_value_t = 2_000)]
    settles: usize,
    /// How many payers submit at the same time; each has a card of their own.
    #[arg(long, default_value_t = 32)]
    payers: usize,
    /// Print one JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

/// What one payer has prepared.
type Prepared = Vec<(RequestId, SubmitAttempt)>;

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let cards: Vec<Profile> = (0..options.payers).map(plastic::card).collect();
    let folder = tempfile::TempDir::new().expect("a folder for the cards");
    let file = folder.path().join("cards.json");
    plastic::write_profiles(&cards, &file);
    let file = file.to_str().expect("temporary paths are plain");
    let limits = ["--limit-minor", "99999999", "--day-limit-minor", "99999999"];
    let seed = [texts(&["--card-profiles", file, "--balance-minor", "99999999"]), texts(&limits)].concat();
    let system = Arc::new(System::start(Wishes { seed, ..Wishes::default() }).await);
    let per_payer = options.settles.div_ceil(options.payers);

    let created = Instant::now();
    let hands = prepare_all(&system, cards, per_payer).await;
    let creation = created.elapsed();

    let latencies = Arc::new(Mutex::new(Vec::with_capacity(options.settles)));
    let started = Instant::now();
    let cpu_before = server_cpu(&system);
    let payers = hands.into_iter().map(|(hand, prepared)| submit_all(hand, prepared, Arc::clone(&latencies)));
    futures::future::join_all(payers).await;
    let took = started.elapsed();
    let cpu = server_cpu(&system).saturating_sub(cpu_before);
    report(&options, &system, creation, took, cpu, &mut latencies.lock().await).await;
}

/// Requests created and attempts sealed, payer by payer.
async fn prepare_all(system: &Arc<System>, cards: Vec<Profile>, per_payer: usize) -> Vec<(Hand, Prepared)> {
    let payers = cards.into_iter().enumerate().map(|(number, profile)| {
        let system = Arc::clone(system);
        tokio::spawn(async move { prepare(&system, number, profile, per_payer).await })
    });
    let prepared = futures::future::join_all(payers).await;
    prepared.into_iter().map(|payer| payer.expect("a payer prepares")).collect()
}

async fn prepare(system: &System, number: usize, profile: Profile, count: usize) -> (Hand, Prepared) {
    let hand = Hand::register(system).await;
    let to: SealTo = hand.seal_to(system).await;
    let mut card = VirtualCard::new(profile);
    let merchant = e2e::hand::Till::open(system, MERCHANT);
    let mut prepared = Vec::with_capacity(count);
    for turn in 0..count {
        let ask = Ask { amount: "0.01", order: format!("L-{number}-{turn}"), ..Ask::default() };
        let letter: Letter = merchant.ask(&ask).await;
        let attempt = hand.attempt(&letter, &to, &mut card, PIN);
        prepared.push((letter.order.request_id, hand.submission(&attempt, &to)));
    }
    (hand, prepared)
}

async fn submit_all(hand: Hand, prepared: Prepared, latencies: Arc<Mutex<Vec<Duration>>>) {
    let mut own = Vec::with_capacity(prepared.len());
    for (request_id, body) in prepared {
        let started = Instant::now();
        let answer = hand.submit(request_id, &body).await;
        assert_eq!(answer.body["state"], "approved", "{answer:?}");
        own.push(started.elapsed());
    }
    latencies.lock().await.extend(own);
}

/// CPU time of both servers so far, from `/proc/PID/stat` (fields 14 and 15, in ticks of 10 ms).
fn server_cpu(system: &System) -> Duration {
    let running = [&system.server, &system.bank];
    let ticks = running.into_iter().flatten().map(|process| {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap_or_default();
        let after_name = stat.rsplit(')').next().unwrap_or_default().to_owned();
        let fields: Vec<u64> = after_name.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
        fields.get(11).unwrap_or(&0) + fields.get(12).unwrap_or(&0)
    });
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

async fn report(
    options: &Options,
    system: &System,
    creation: Duration,
    took: Duration,
    cpu: Duration,
    latencies: &mut [Duration],
) {
    latencies.sort_unstable();
    let count = latencies.len();
    let at = |share: usize| latencies[(count * share / 100).min(count - 1)].as_secs_f64() * 1_000.0;
    let ledger = system.ledger().await;
    assert!(ledger["sums"].as_object().is_some_and(|sums| sums.values().all(|sum| sum == 0)), "{ledger}");
    system.assert_merchant_received(i64::try_from(count).expect("a bounded count")).await;
    let count_f64 = f64::from(u32::try_from(count).expect("a bounded count"));
    let figures = json!({
        "settles": count,
        "payers": options.payers,
        "settles_per_second": (count_f64 / took.as_secs_f64()).round(),
        "latency_ms_p50": at(50),
        "latency_ms_p99": at(99),
        "server_cpu_ms_per_settle": cpu.as_secs_f64() * 1_000.0 / count_f64,
        "created_and_sealed_per_second": (count_f64 / creation.as_secs_f64()).round(),
        "ledger": "sums to zero",
    });
    if options.json {
        println!("{figures}");
        return;
    }
    println!("settle: {count} payments, {} payers at once, durable on both sides", options.payers);
    println!("  settled per second   {:>10}", figures["settles_per_second"]);
    println!("  latency p50 / p99    {:>10.2} / {:.2} ms", at(50), at(99));
    println!("  server CPU a settle  {:>10.3} ms", cpu.as_secs_f64() * 1_000.0 / count_f64);
    println!("  ledger sums to zero, the merchant received each payment once");
}

//! Payments settled per second: payment server and bank front as they are deployed, with durable writes.
//!
//! One settle is a request created, an attempt submitted, the bank's decision made, ledger and outcome stored
//! durably on both sides, and the answer read by the payer. Both seals are made before the clock starts, because
//! they are the payers' work and not the servers'; their cost is in the seal benchmark.
//!
//! The servers have a processor of their own where there are two, so the figure that travels to other machines is
//! their CPU time. `--fill` settles payments before the first round, for databases that are not new.

use std::time::{Duration, Instant};

use clap::Parser;
use e2e::hand::{Hand, Letter, SealTo, Till};
use e2e::load::{self, Round};
use e2e::plastic::{self, PIN};
use e2e::system::{Ask, MERCHANT, System};
use payment::RequestId;
use protocol::wallet_api::SubmitAttempt;
use serde_json::json;
use virtual_card::VirtualCard;

/// The most payments that are prepared at a time.
const BATCH_MAX: usize = 10_000;

#[derive(Parser)]
struct Options {
    /// How many payments to settle in a round.
    #[arg(long, default_value_t = 2_000)]
    settles: usize,
    /// How many rounds; the figures are their medians.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How many payers submit at the same time; each has a card of their own.
    #[arg(long, default_value_t = 32)]
    payers: usize,
    /// How many payments are settled before the first round.
    #[arg(long, default_value_t = 0)]
    fill: usize,
    /// Print one JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

/// A payer: a device, a card, and where to seal to.
struct Payer {
    number: usize,
    hand: Hand,
    till: Till,
    to: SealTo,
    card: VirtualCard,
    /// How many orders were made for this payer.
    orders: usize,
}

/// What one payer has prepared.
type Prepared = Vec<(RequestId, SubmitAttempt)>;

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let cards: Vec<_> = (0..options.payers).map(plastic::card).collect();
    let system = load::start(&cards).await;
    let servers: Vec<u32> =
        [&system.server, &system.bank].into_iter().flatten().map(e2e::process::Running::id).collect();
    let apart = load::keep_apart(&servers);
    let payers =
        cards.into_iter().enumerate().map(|(number, profile)| payer(&system, number, VirtualCard::new(profile)));
    let mut payers = futures::future::join_all(payers).await;

    let mut filled = 0;
    while filled < options.fill {
        filled += round(&system, &mut payers, BATCH_MAX.min(options.fill - filled)).await.latencies.len();
    }
    let mut rounds = Vec::with_capacity(options.rounds);
    for _ in 0..options.rounds {
        rounds.push(round(&system, &mut payers, options.settles).await);
    }
    let settled = filled + rounds.iter().map(|round| round.latencies.len()).sum::<usize>();
    let ledger = system.ledger().await;
    assert!(ledger["sums"].as_object().is_some_and(|sums| sums.values().all(|sum| sum == 0)), "{ledger}");
    system.assert_merchant_received(i64::try_from(settled).expect("a bounded count")).await;
    report(&options, &system, filled, apart, &rounds);
}

async fn payer(system: &System, number: usize, card: VirtualCard) -> Payer {
    let hand = Hand::register(system).await;
    let to = hand.seal_to(system).await;
    Payer { number, hand, till: Till::open(system, MERCHANT), to, card, orders: 0 }
}

/// Prepares payments and settles them against the clock.
async fn round(system: &System, payers: &mut Vec<Payer>, settles: usize) -> Round {
    let each = settles.div_ceil(payers.len());
    let preparing = payers.drain(..).map(|payer| tokio::spawn(prepare(payer, each)));
    let prepared = futures::future::join_all(preparing.collect::<Vec<_>>()).await;
    let prepared = prepared.into_iter().map(|payer| payer.expect("a payer prepares"));

    let before = [load::cpu_time(system.server.as_ref()), load::cpu_time(system.bank.as_ref())];
    let started = Instant::now();
    let submitting: Vec<_> = prepared.map(|(payer, prepared)| tokio::spawn(submit_all(payer, prepared))).collect();
    let submitted = futures::future::join_all(submitting).await;
    let took = started.elapsed();
    let after = [load::cpu_time(system.server.as_ref()), load::cpu_time(system.bank.as_ref())];

    let mut latencies = Vec::with_capacity(settles);
    for submitted in submitted {
        let (payer, own) = submitted.expect("a payer pays");
        payers.push(payer);
        latencies.extend(own);
    }
    let cpu = after.iter().zip(before).map(|(after, before)| after.saturating_sub(before)).collect();
    Round { took, cpu, latencies }
}

/// Requests created and attempts sealed, ready to be sent.
async fn prepare(mut payer: Payer, count: usize) -> (Payer, Prepared) {
    let payer_order = |payer: &Payer| format!("L-{}-{}", payer.number, payer.orders);
    let mut prepared = Vec::with_capacity(count);
    for _ in 0..count {
        let ask = Ask { amount: "0.01", order: payer_order(&payer), expires_s: 3_600, ..Ask::default() };
        payer.orders += 1;
        let letter: Letter = payer.till.ask(&ask).await;
        let attempt = payer.hand.attempt(&letter, &payer.to, &mut payer.card, PIN);
        prepared.push((letter.order.request_id, payer.hand.submission(&attempt, &payer.to)));
    }
    (payer, prepared)
}

async fn submit_all(payer: Payer, prepared: Prepared) -> (Payer, Vec<Duration>) {
    let mut own = Vec::with_capacity(prepared.len());
    for (request_id, body) in prepared {
        let started = Instant::now();
        let answer = payer.hand.submit(request_id, &body).await;
        assert_eq!(answer.body["state"], "approved", "{answer:?}");
        own.push(started.elapsed());
    }
    (payer, own)
}

fn report(options: &Options, system: &System, filled: usize, apart: bool, rounds: &[Round]) {
    let (per_second, slowest, fastest) = load::median(rounds, Round::per_second);
    let (cpu_ms, least_ms, most_ms) = load::median(rounds, |round| round.cpu_ms().iter().sum());
    let (server_ms, _, _) = load::median(rounds, |round| round.cpu_ms()[0]);
    let (bank_ms, _, _) = load::median(rounds, |round| round.cpu_ms()[1]);
    let (p50_ms, _, _) = load::median(rounds, |round| round.latency_ms(50));
    let (p99_ms, _, _) = load::median(rounds, |round| round.latency_ms(99));
    let groups = ["payment-server", "bank-front"].map(|part| load::steps_a_commit(&system.log(part)));
    if options.json {
        let figures = json!({
            "settles": options.settles, "rounds": rounds.len(), "payers": options.payers, "settled_before": filled,
            "processors_apart": apart, "settles_per_second": per_second, "server_cpu_ms_per_settle": cpu_ms,
            "payment_server_cpu_ms": server_ms, "bank_front_cpu_ms": bank_ms, "latency_ms_p50": p50_ms,
            "latency_ms_p99": p99_ms, "steps_a_commit": groups, "ledger": "sums to zero",
        });
        println!("{figures}");
        return;
    }
    let (settles, payers) = (options.settles, options.payers);
    println!("settle: {} rounds of {settles} payments, {payers} payers at once, durable on both sides", rounds.len());
    println!("  settled before       {filled:>10}");
    println!("  settled per second   {per_second:>10.0} (rounds {slowest:.0} to {fastest:.0})");
    println!("  latency p50 / p99    {p50_ms:>10.2} / {p99_ms:.2} ms");
    println!("  server CPU a settle  {cpu_ms:>10.3} ms (rounds {least_ms:.3} to {most_ms:.3})");
    println!("    payment server     {server_ms:>10.3} ms");
    println!("    bank front         {bank_ms:>10.3} ms");
    println!("  settled per second of the servers' CPU {:>6.0}", 1_000.0 / cpu_ms);
    if let [Some(server), Some(bank)] = groups {
        println!("  steps a commit       {server:>10.1} at the payment server, {bank:.1} at the bank");
    }
    let place = if apart { "the servers on one processor, the driver on the others" } else { "on the same processors" };
    println!("  {place}; the ledger sums to zero, the merchant received each payment once");
}

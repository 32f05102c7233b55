//! Kills payment server, bank front, vault and operator's front while payers pay, and audits that no payment is lost or doubled.
//!
//! The last line of output is the verdict; the exit status is 0 only when nothing was lost or doubled.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use e2e::torture::{self, Torture};

#[derive(Parser)]
struct Options {
    /// What kills, misfortunes and payers' deeds are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often `kill -9` is said.
    #[arg(long, default_value_t = 200)]
    kills: usize,
    /// How many payers pay at once, each with a card of their own.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=500))]
    payers: u16,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Options { seed, kills, payers } = Options::parse();
    let started = Instant::now();
    let verdict = torture::run(Torture { seed, kills, payers: payers.into() }, |line| println!("{line}")).await;
    for finding in &verdict.findings {
        println!("WRONG: {finding}");
    }
    for (status, count) in &verdict.ends {
        println!("{count:>6} {status}");
    }
    for (way, count) in &verdict.ways {
        println!("{count:>6} paid by {way}");
    }
    println!("{:>6} refunds, {} cards released by the vault", verdict.refunds, verdict.releases);
    println!("took {} s", started.elapsed().as_secs());
    println!("{}", torture::last_line(kills, &verdict));
    if verdict.lost == 0 && verdict.doubled == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

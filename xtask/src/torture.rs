//! The `torture` verb: kill payment server and bank front again and again while payers pay, and audit the money.

use clap::Args;

use crate::failure::Failure;
use crate::invocation::{command, show};
use crate::repository::{cargo, program, target_folder};
use crate::setup;

/// What to run.
#[derive(Args)]
pub struct Options {
    /// What kills, misfortunes and payers' deeds are drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often `kill -9` is said.
    #[arg(long, default_value_t = 200)]
    kills: u32,
    /// How many payers pay at once.
    #[arg(long, default_value_t = 8)]
    payers: u16,
}

/// Builds the servers and the driver, with every check of arithmetic on, and runs the driver.
pub fn run(options: &Options) -> Result<(), Failure> {
    setup::for_demo()?;
    // Built together, because the driver starts the servers that stand beside it.
    show(cargo(["build", "--bins", "--package=tapseal", "--package=e2e"]))?;
    let (seed, kills, payers) = (options.seed.to_string(), options.kills.to_string(), options.payers.to_string());
    let arguments = ["--seed", &seed, "--kills", &kills, "--payers", &payers];
    show(command(program(&target_folder()?, "torture"), arguments))
}

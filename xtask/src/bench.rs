//! The `bench` verb: the double seal against its raw cost, and payments settled per second.

use clap::Args;

use crate::failure::Failure;
use crate::invocation::show;
use crate::repository::cargo;
use crate::setup;

/// What to measure.
#[derive(Args)]
pub struct Options {
    /// Only the double seal, without starting servers.
    #[arg(long, conflicts_with = "settle")]
    seal: bool,
    /// Only payments through server and bank front.
    #[arg(long)]
    settle: bool,
}

/// Builds for release and prints the measurements as they come.
pub fn run(options: &Options) -> Result<(), Failure> {
    setup::for_demo()?;
    if !options.settle {
        show(cargo(["bench", "--package", "envelope"]))?;
    }
    if !options.seal {
        // The load driver starts the servers from the same release build.
        show(cargo(["build", "--release", "--package", "tapseal"]))?;
        show(cargo(["run", "--release", "--package", "e2e", "--bin", "settle_load"]))?;
    }
    Ok(())
}

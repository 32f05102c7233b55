//! The `bench` verb: the double seal against its raw cost, and payments settled per second.

use clap::Args;

use crate::failure::Failure;
use crate::invocation::{command, show};
use crate::repository::{cargo, release_program, target_folder};
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
        // Built together, because the load driver starts the servers that stand beside it.
        show(cargo(["build", "--release", "--bins", "--package=tapseal", "--package=e2e"]))?;
        show(command(release_program(&target_folder()?, "settle_load"), [""; 0]))?;
    }
    Ok(())
}

//! The `bench` verb: the double seal against its raw cost, card reads against the least the standard allows, and
//! payments settled per second.

use clap::Args;

use crate::failure::Failure;
use crate::invocation::{command, show};
use crate::repository::{cargo, release_program, target_folder};
use crate::setup;

/// What to measure; everything when nothing is named.
#[derive(Args)]
pub struct Options {
    /// The double seal, without starting servers.
    #[arg(long)]
    seal: bool,
    /// Reading cards: exchanges, bytes, our own compute, and how fast answers are taken apart.
    #[arg(long)]
    card: bool,
    /// Payments through server and bank front.
    #[arg(long)]
    settle: bool,
}

/// Builds for release and prints the measurements as they come.
pub fn run(options: &Options) -> Result<(), Failure> {
    setup::for_demo()?;
    let everything = !(options.seal || options.card || options.settle);
    if options.seal || everything {
        show(cargo(["bench", "--package=envelope", "--bench=double_seal"]))?;
    }
    if options.card || everything {
        show(cargo(["bench", "--package=emv", "--bench=card_read", "--bench=tlv_parse"]))?;
    }
    if options.settle || everything {
        // Built together, because the load driver starts the servers that stand beside it.
        show(cargo(["build", "--release", "--bins", "--package=tapseal", "--package=e2e"]))?;
        show(command(release_program(&target_folder()?, "settle_load"), [""; 0]))?;
    }
    Ok(())
}

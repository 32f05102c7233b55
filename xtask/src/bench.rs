//! The `bench` verb: the double seal against its raw cost, card reads against the least the standard allows, the ISO
//! 8583 codec against a peer, the bank's check of a card, payments through servers, searches in a history, and the
//! window.
//! `docs/performance.md` has figures.

mod hello;
mod window;

use clap::Args;

use crate::failure::Failure;
use crate::invocation::{command, show};
use crate::repository::{cargo, release_program, target_folder};
use crate::setup;

/// What to measure; everything when nothing is named.
#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    alone: Alone,
    #[command(flatten)]
    servers: Servers,
    /// Searches in a wallet with a hundred thousand receipts.
    #[arg(long)]
    search: bool,
    /// The window: the module's size, cold start, memory, and the longest task while paying.
    #[arg(long)]
    window: bool,
}

/// What is measured without starting a server.
#[derive(Args)]
struct Alone {
    /// The double seal.
    #[arg(long)]
    seal: bool,
    /// Reading cards: exchanges, bytes, our own compute, and how fast answers are taken apart.
    #[arg(long)]
    card: bool,
    /// ISO 8583 messages packed and unpacked, beside pyiso8583.
    #[arg(long)]
    iso8583: bool,
}

/// What is measured of the bank, and of the servers together.
#[derive(Args)]
struct Servers {
    /// What the bank's HSM does for a payment: capsule, cryptogram, PIN, answer to the card, signature.
    #[arg(long)]
    hsm: bool,
    /// Authorizations through the bank front alone.
    #[arg(long)]
    bank: bool,
    /// Payments through server and bank front.
    #[arg(long)]
    settle: bool,
}

/// Builds for release and prints the measurements as they come.
pub fn run(options: &Options) -> Result<(), Failure> {
    setup::for_demo()?;
    let Alone { seal, card, iso8583 } = options.alone;
    let Servers { hsm, bank, settle } = options.servers;
    let everything = !(seal || card || iso8583 || hsm || bank || settle || options.search || options.window);
    if seal || everything {
        show(cargo(["bench", "--package=envelope", "--bench=double_seal"]))?;
    }
    if card || everything {
        show(cargo(["bench", "--package=emv", "--bench=card_read", "--bench=tlv_parse"]))?;
    }
    if iso8583 || everything {
        setup::python::install()?;
        let mut bench = cargo(["bench", "--package=iso8583", "--bench=pack_unpack"]);
        bench.env("TAPSEAL_TEST_PYTHON", setup::python::interpreter()?);
        show(bench)?;
    }
    if hsm || everything {
        show(cargo(["bench", "--package=tapseal", "--bench=card_check"]))?;
    }
    let drivers = [("bank_load", bank), ("settle_load", settle), ("search_load", options.search)];
    let drivers: Vec<&str> =
        drivers.iter().filter(|(_, wanted)| *wanted || everything).map(|(name, _)| *name).collect();
    if !drivers.is_empty() {
        // Built together, because a load driver starts the servers that stand beside it.
        show(cargo(["build", "--release", "--bins", "--package=tapseal", "--package=e2e"]))?;
    }
    for driver in drivers {
        show(command(release_program(&target_folder()?, driver), [""; 0]))?;
    }
    if options.window || everything {
        window::measure()?;
    }
    Ok(())
}

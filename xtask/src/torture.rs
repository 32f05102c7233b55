//! The `torture` verb: kill payment server, bank front, vault and operator's front again and again while payers pay, and
//! audit the money.

use clap::{Args, ValueEnum};

use crate::failure::Failure;
use crate::invocation::{command, show};
use crate::postgres::Postgres;
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
    /// Where the payment server keeps its data.
    #[arg(long, value_enum, default_value_t = Database::Sqlite)]
    database: Database,
}

/// The payment server's database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Database {
    /// A file.
    Sqlite,
    /// A server that is thrown away.
    Postgres,
}

/// Builds the servers and the driver, with every check of arithmetic on, and runs the driver.
pub fn run(options: &Options) -> Result<(), Failure> {
    setup::for_demo()?;
    // Built together, because the driver starts the servers that stand beside it.
    show(cargo(["build", "--bins", "--package=tapseal", "--package=e2e"]))?;
    let (seed, kills, payers) = (options.seed.to_string(), options.kills.to_string(), options.payers.to_string());
    let arguments = ["--seed", &seed, "--kills", &kills, "--payers", &payers];
    let mut torture = command(program(&target_folder()?, "torture"), arguments);
    let server = match options.database {
        Database::Sqlite => None,
        Database::Postgres => {
            setup::for_database()?;
            Some(Postgres::start()?)
        }
    };
    if let Some(server) = &server {
        torture.env("TAPSEAL_TEST_POSTGRES", server.address());
    }
    show(torture)
}

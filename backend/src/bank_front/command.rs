//! The bank's commands: serve, and the tools of its staff.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::card::CardStatus;
use super::error::BankError;
use super::hsm::command::KeysCommand;
use super::hsm::{self, KeyFolder};
use crate::keys::{BankHome, BankId, DataFolder};

mod card;
mod ledger;
mod scenario;
mod seed;
mod serve;

pub use seed::{SeedOptions, init_keys};
pub use serve::{PlainEncoding, PlainOptions, ServeOptions, serve};

/// The tools of the bank's staff.
#[derive(Debug, Subcommand)]
pub enum BankCommand {
    /// Makes the bank's keys. `keys init` has made them already.
    Init(Folder),
    /// Opens accounts for test cardholders, whose issuer the bank then is. What is there already is left as it is.
    Seed(SeedOptions),
    /// Every account, summed from its entries; the sum of each currency is zero.
    Ledger(Folder),
    /// Every account and what it holds.
    Accounts(Folder),
    /// Shows a card, or changes its status.
    Card {
        /// Which bank.
        #[command(flatten)]
        folder: Folder,
        /// The last four digits of its number.
        #[arg(long)]
        pan_last_four: String,
        /// Block it.
        #[arg(long, conflicts_with = "unblock")]
        block: bool,
        /// Make it usable again, with all PIN tries.
        #[arg(long)]
        unblock: bool,
    },
    /// The keys of the bank's security module.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Turns the switch for scripted misfortune of a running bank: show, clear, set WHAT, or WHAT alone.
    Scenario {
        /// Which bank.
        #[command(flatten)]
        folder: Folder,
        /// show, clear, set, or what is set.
        verb: String,
        /// What is set: a script's file (*.toml), or a word such as silent; none turns the switch off.
        what: Option<String>,
    },
}

/// Which bank, and how to print.
#[derive(Debug, Args)]
pub struct Folder {
    /// The data folder.
    #[arg(long)]
    pub data: PathBuf,
    /// Which bank of the folder.
    #[arg(long, default_value = "first")]
    pub bank: BankId,
    /// The file with the passphrase of the bank's key file; hsm-passphrase in the bank's folder when absent.
    #[arg(long, env = "TAPSEAL_HSM_PASSPHRASE_FILE")]
    pub hsm_passphrase_file: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

impl Folder {
    /// Where its keys are.
    pub fn keys(&self) -> KeyFolder {
        KeyFolder::from(self.home().dir()).with_passphrase_file(self.hsm_passphrase_file.as_deref())
    }

    fn home(&self) -> BankHome {
        DataFolder::new(&self.data).bank_home(&self.bank)
    }
}

/// Runs a tool.
pub async fn run(command: BankCommand) -> Result<(), BankError> {
    match command {
        BankCommand::Init(folder) => seed::init(&folder),
        BankCommand::Seed(options) => seed::seed_cards(&options).await,
        BankCommand::Ledger(folder) => ledger::show_ledger(&folder).await,
        BankCommand::Accounts(folder) => ledger::show_accounts(&folder).await,
        BankCommand::Card { folder, pan_last_four, block, unblock } => {
            let status = match (block, unblock) {
                (true, _) => Some(CardStatus::Blocked),
                (false, true) => Some(CardStatus::Active),
                (false, false) => None,
            };
            card::show_card(&folder, &pan_last_four, status).await
        }
        BankCommand::Keys(command) => {
            let (json, text) = hsm::command::run(&command)?;
            print(command.folder(), &json, || text);
            Ok(())
        }
        BankCommand::Scenario { folder, verb, what } => scenario::turn_switch(&folder, &verb, what.as_deref()),
    }
}

fn print(folder: &Folder, json: &serde_json::Value, text: impl FnOnce() -> String) {
    if folder.json {
        println!("{json}");
    } else {
        println!("{}", text().trim_end());
    }
}

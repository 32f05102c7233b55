//! The bank's commands: serve, and the tools of its staff.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::card::CardStatus;
use super::error::BankError;
use super::hsm::command::KeysCommand;
use super::hsm::{self, KeyFolder};
use crate::keys::{BankHome, BankId, DataFolder};

pub mod account;
pub mod alias;
pub mod bind;
pub mod card;
pub mod channel;
pub mod customer;
pub mod ledger;
pub mod limit;
pub mod merchant;
pub mod online;
mod scenario;
mod seed;
mod serve;
pub mod settle;
pub mod statement;
mod table;
mod transfers;
pub mod voucher;

pub use seed::{SeedOptions, init_keys};
pub use serve::{PlainEncoding, PlainOptions, ServeOptions, serve};

/// The tools of the bank's staff.
#[derive(Debug, Subcommand)]
pub enum BankCommand {
    /// Makes the bank's keys. `keys init` has made them already.
    Init(Folder),
    /// Opens accounts for test cardholders, whose issuer the bank then is. What is there already is left as it is.
    Seed(SeedOptions),
    /// Every account, summed from its entries; the sum of each currency is zero. Also checks every rule of the books.
    Ledger(ledger::LedgerOptions),
    /// Every account and what it holds.
    Accounts(Folder),
    /// Cardholders' accounts.
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Payers by code: who they are, what they pay from, where their codes go.
    #[command(subcommand)]
    Bind(bind::BindCommand),
    /// Customers on file: what they hold, and the telephone that the bank knows.
    #[command(subcommand)]
    Customer(customer::CustomerCommand),
    /// Access to the bank's page.
    #[command(subcommand)]
    Online(online::OnlineCommand),
    /// The bank's own systems that speak for customers: online banking, cash machines.
    #[command(subcommand)]
    Channel(channel::ChannelCommand),
    /// Paying by alias: vaults that are believed, and cards that may be paid with so.
    #[command(subcommand)]
    Alias(alias::AliasCommand),
    /// Cards.
    #[command(subcommand)]
    Card(card::CardCommand),
    /// Blocks a card; the same as `card block`.
    Block(card::CardName),
    /// Limits of a card.
    #[command(subcommand)]
    Limit(limit::LimitCommand),
    /// Merchants and acquirers as they are settled: fees and payouts.
    #[command(subcommand)]
    Merchant(merchant::MerchantCommand),
    /// Closes a business day: batches, fees, payouts.
    Settle(settle::SettleOptions),
    /// Which business day it is, and when days end.
    Day(settle::DayOptions),
    /// An account's statement.
    Statement(statement::StatementOptions),
    /// Prepaid vouchers.
    #[command(subcommand)]
    Voucher(voucher::VoucherCommand),
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
        BankCommand::Ledger(options) => ledger::run(&options).await,
        BankCommand::Accounts(folder) => account::list(&folder).await,
        BankCommand::Account(command) => account::run(command).await,
        BankCommand::Bind(command) => bind::run(command).await,
        BankCommand::Customer(command) => customer::run(command).await,
        BankCommand::Online(command) => online::run(command).await,
        BankCommand::Channel(command) => channel::run(command).await,
        BankCommand::Alias(command) => alias::run(command).await,
        BankCommand::Card(command) => card::run(command).await,
        BankCommand::Block(name) => card::set_status(&name, CardStatus::Blocked).await,
        BankCommand::Limit(command) => limit::run(command).await,
        BankCommand::Merchant(command) => merchant::run(command).await,
        BankCommand::Settle(options) => settle::run(&options).await,
        BankCommand::Day(options) => settle::day(&options).await,
        BankCommand::Statement(options) => statement::run(&options).await,
        BankCommand::Voucher(command) => voucher::run(command).await,
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

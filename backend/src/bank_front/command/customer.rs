//! Customers on file: who holds which accounts, and the telephone that the bank knows.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Folder, print};
use crate::bank_front::account::AccountId;
use crate::bank_front::binding::Address;
use crate::bank_front::customer::Customer;
use crate::bank_front::error::BankError;
use crate::bank_front::open_database;
use crate::clock::{now_ms, signed_ms};

/// What to do with customers.
#[derive(Debug, Subcommand)]
pub enum CustomerCommand {
    /// Writes down a customer whose identity document was seen, or changes the telephone and adds accounts.
    Open(OpenOptions),
    /// One customer.
    Show(CustomerName),
}

/// Who.
#[derive(Debug, Args)]
pub struct CustomerName {
    /// Which bank.
    #[command(flatten)]
    pub(super) folder: Folder,
    /// What the bank calls the customer.
    pub(super) customer: String,
}

/// A customer to be.
#[derive(Debug, Args)]
pub struct OpenOptions {
    /// Who.
    #[command(flatten)]
    name: CustomerName,
    /// The telephone on file, with + and country code: it confirms what is done before a terminal is registered.
    #[arg(long)]
    phone: String,
    /// An account that this customer holds alone.
    #[arg(long = "account")]
    accounts: Vec<String>,
    /// The language of what is sent: en or zh-Hans.
    #[arg(long, default_value = "en", value_parser = ["en", "zh-Hans"])]
    language: String,
}

pub(super) async fn run(command: CustomerCommand) -> Result<(), BankError> {
    match command {
        CustomerCommand::Open(options) => open(options).await,
        CustomerCommand::Show(name) => show(&name).await,
    }
}

async fn open(options: OpenOptions) -> Result<(), BankError> {
    let OpenOptions { name, phone, accounts, language } = options;
    let new = Customer { name: name.customer.clone(), telephone: Address::parse(&phone)?, language };
    let accounts: Vec<_> = accounts.iter().map(|account| AccountId::named(account)).collect();
    let at_ms = signed_ms(now_ms());
    (open_database(&name.folder.home()).await?)
        .write(move |db_tx| Box::pin(async move { Customer::open(db_tx, &new, &accounts, at_ms).await }))
        .await?;
    show(&name).await
}

async fn show(name: &CustomerName) -> Result<(), BankError> {
    let db = open_database(&name.folder.home()).await?;
    let mut connection = db.reader().acquire().await?;
    let customer = Customer::named(&mut connection, &name.customer).await?;
    let accounts = customer.accounts(&mut connection).await?;
    let json = json!({
        "customer": customer.name, "telephone": customer.telephone.as_str(), "language": customer.language,
        "accounts": accounts,
    });
    print(&name.folder, &json, || {
        let accounts: Vec<_> = accounts.iter().map(AccountId::as_str).collect();
        let telephone = customer.telephone.as_str();
        format!("{}: telephone {telephone}, {}\naccounts: {}", customer.name, customer.language, accounts.join(", "))
    });
    Ok(())
}

//! Accounts: opened, filled, listed and shown.

use clap::{Args, Subcommand};
use payment::{Amount, Currency};
use serde_json::json;

use super::table::{Column, table};
use super::{Folder, print, transfers};
use crate::bank_front::account::{self, AccountId, AccountKind};
use crate::bank_front::error::BankError;
use crate::bank_front::ledger::{self, LedgerView, Movement};
use crate::bank_front::open_database;
use crate::clock::{now_ms, signed_ms};

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Opens a cardholder's account.
    Open {
        /// Which bank.
        #[command(flatten)]
        folder: Folder,
        /// Its name: letters, digits, hyphens.
        name: String,
        /// In which currency.
        #[arg(long, default_value = "USD")]
        currency: Currency,
    },
    /// Pays into a cardholder's account.
    Deposit {
        /// Which bank.
        #[command(flatten)]
        folder: Folder,
        /// Whose.
        name: String,
        /// How much.
        #[command(flatten)]
        amount: DepositAmount,
    },
    /// Books a file of transfers from one account to merchants, none of them twice.
    Transfers(transfers::TransferOptions),
    /// Every account and what it holds.
    List(Folder),
    /// What one account holds, and what of it can be spent.
    Show {
        /// Which bank.
        #[command(flatten)]
        folder: Folder,
        /// Whose.
        name: String,
    },
}

/// How much is paid in.
#[derive(Debug, Args)]
pub struct DepositAmount {
    /// In minor units of the account's currency.
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..=payment::amount::AMOUNT_MINOR_MAX))]
    amount_minor: i64,
}

/// The most characters of an account's own name.
const NAME_CHARACTERS_MAX: usize = 64;

pub(super) async fn run(command: AccountCommand) -> Result<(), BankError> {
    match command {
        AccountCommand::Open { folder, name, currency } => open(&folder, &name, currency).await,
        AccountCommand::Deposit { folder, name, amount } => deposit(&folder, &name, amount.amount_minor).await,
        AccountCommand::Transfers(options) => transfers::run(&options).await,
        AccountCommand::List(folder) => list(&folder).await,
        AccountCommand::Show { folder, name } => show(&folder, &name).await,
    }
}

async fn open(folder: &Folder, name: &str, currency: Currency) -> Result<(), BankError> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > NAME_CHARACTERS_MAX || !name.chars().all(is_name) {
        return Err(BankError::Malformed("the account's name: a-z, 0-9 and hyphens"));
    }
    let account_id = AccountId::of_cardholder(name);
    let opening = account_id.clone();
    let now_ms = signed_ms(now_ms());
    let is_new = (open_database(&folder.home()).await?)
        .write(move |db_tx| {
            Box::pin(async move { account::open(db_tx, &opening, AccountKind::Cardholder, currency, now_ms).await })
        })
        .await?;
    print(folder, &json!({ "account": account_id, "currency": currency, "new": is_new }), || {
        format!("{account_id} {}", if is_new { "opened" } else { "is open already" })
    });
    Ok(())
}

async fn deposit(folder: &Folder, name: &str, minor: i64) -> Result<(), BankError> {
    let account_id = AccountId::named(name);
    let into = account_id.clone();
    let now_ms = signed_ms(now_ms());
    let amount = (open_database(&folder.home()).await?)
        .write(move |db_tx| {
            Box::pin(async move {
                let unknown = || BankError::NoAccount(into.to_string());
                let kind = account::kind_of(db_tx, &into).await?;
                if kind != Some(AccountKind::Cardholder) || into.is_of_voucher() {
                    return Err(unknown());
                }
                let currency = account::currency_of(db_tx, &into).await?.ok_or_else(unknown)?;
                let opening = AccountId::opening(currency);
                account::open(db_tx, &opening, AccountKind::Opening, currency, now_ms).await?;
                let amount = Amount::new(minor, currency);
                let purpose = "deposit".to_owned();
                let movement = Movement { debit: opening, credit: into, amount, purpose, acquirer: None };
                ledger::settle(db_tx, &movement, now_ms).await?;
                Ok(amount)
            })
        })
        .await?;
    print(folder, &json!({ "account": account_id, "amount_minor": minor, "currency": amount.currency() }), || {
        format!("{amount} paid into {account_id}")
    });
    Ok(())
}

/// Every account and what it holds.
pub(super) async fn list(folder: &Folder) -> Result<(), BankError> {
    let db = open_database(&folder.home()).await?;
    let view = LedgerView::read(&mut *db.reader().acquire().await?).await?;
    print(folder, &json!(view.accounts), || accounts_table(&view));
    Ok(())
}

/// Every account of the ledger, as a table.
pub(super) fn accounts_table(view: &LedgerView) -> String {
    let decimal = |currency: &str, minor: i64| {
        currency.parse().map_or_else(|_| minor.to_string(), |currency| Amount::new(minor, currency).to_decimal())
    };
    let columns =
        [Column::Left("account"), Column::Left("currency"), Column::Right("posted"), Column::Right("pending")];
    let rows: Vec<_> = (view.accounts.iter())
        .map(|account| {
            let money = |minor| decimal(&account.currency, minor);
            [
                account.account.clone(),
                account.currency.clone(),
                money(account.posted_minor),
                money(account.pending_minor),
            ]
        })
        .collect();
    table(&columns, &rows)
}

async fn show(folder: &Folder, name: &str) -> Result<(), BankError> {
    let account_id = AccountId::named(name);
    let db = open_database(&folder.home()).await?;
    let mut connection = db.reader().acquire().await?;
    let view = LedgerView::read(&mut connection).await?;
    let unknown = || BankError::NoAccount(account_id.to_string());
    let found = view.accounts.into_iter().find(|view| view.account == account_id.as_str()).ok_or_else(unknown)?;
    let available = account::available(&mut connection, &account_id).await?.ok_or_else(unknown)?;
    let json = json!({
        "account": account_id, "currency": found.currency, "posted_minor": found.posted_minor,
        "pending_minor": found.pending_minor, "available_minor": available.minor(),
    });
    let money = |minor| Amount::new(minor, available.currency());
    print(folder, &json, || format!("{account_id}: {} posted, {available} available", money(found.posted_minor)));
    Ok(())
}

//! The operator's commands: serve, and the tools of its staff.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use payment::{Amount, ConfirmationNumber, Currency, PhoneNumber};
use serde_json::{Value, json};

use super::error::CarrierError;
use super::keys::OperatorKeys;
use super::month::{Month, minute};
use super::subscriber::{self, Subscriber};
use super::{bill, ledger, open_database, proof, purchase};
use crate::clock::{now_ms, signed_ms};
use crate::keys::{self, BankHome, BankId, DataFolder};
use crate::storage::Db;

mod line;
mod serve;
mod settle;

pub use line::SubscriberCommand;
pub use serve::{ServeOptions, serve};
pub use settle::{SettleOptions, SettlementsOptions, TermsOptions};

/// The tools of an operator's staff.
#[derive(Debug, Subcommand)]
pub enum CarrierCommand {
    /// Subscribers: who they are, what may go on their bills, their PINs and wallets.
    #[command(subcommand)]
    Subscriber(SubscriberCommand),
    /// A subscriber's bill: the open one, or a month's.
    Statement {
        /// Which operator.
        #[command(flatten)]
        folder: Folder,
        /// The subscriber's number.
        number: PhoneNumber,
        /// A month that was closed, such as 2026-11.
        #[arg(long)]
        month: Option<Month>,
    },
    /// Closes a month: every subscriber gets its bill.
    CloseMonth {
        /// Which operator.
        #[command(flatten)]
        folder: Folder,
        /// The month, such as 2026-11.
        month: Month,
    },
    /// Takes in what a subscriber pays of its bill.
    Pay {
        /// Which operator.
        #[command(flatten)]
        folder: Folder,
        /// The subscriber's number.
        number: PhoneNumber,
        /// How much, in minor units of its bill's currency.
        #[arg(long)]
        amount_minor: i64,
    },
    /// Looks a purchase up by the confirmation number that payer and merchant have.
    Purchase {
        /// Which operator.
        #[command(flatten)]
        folder: Folder,
        /// The confirmation number.
        number: ConfirmationNumber,
    },
    /// Writes what proves a purchase to a third party: `tapseal-wallet verify-proof` checks it, without a network.
    Prove {
        /// Which operator.
        #[command(flatten)]
        folder: Folder,
        /// The confirmation number.
        number: ConfirmationNumber,
        /// Where to write it.
        #[arg(long)]
        out: PathBuf,
        /// The payment server's keyset, which it gives everybody; the data folder's when absent.
        #[arg(long)]
        keyset: Option<PathBuf>,
    },
    /// Notes which share a merchant agreed on, and on which way it gets its money.
    Terms(TermsOptions),
    /// Pays merchants what subscribers bought, less the share.
    Settle(SettleOptions),
    /// What was paid to merchants, for another copy of a run's file.
    Settlements(SettlementsOptions),
    /// Every account of the books, and every rule of them that is broken.
    Ledger(Folder),
}

/// Which operator, and how to print.
#[derive(Debug, Args)]
pub struct Folder {
    /// The data folder.
    #[arg(long)]
    pub data: PathBuf,
    /// Which operator of the folder; the only one when absent.
    #[arg(long)]
    pub operator: Option<BankId>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

impl Folder {
    /// The operator's home.
    ///
    /// # Errors
    /// When it was not said which of several operators is meant.
    pub fn home(&self) -> Result<BankHome, CarrierError> {
        let folder = DataFolder::new(&self.data);
        let id = match (&self.operator, folder.operators()?.as_slice()) {
            (Some(id), known) if known.contains(id) => id.clone(),
            (None, [only]) => only.clone(),
            (Some(_), _) => return Err(CarrierError::Malformed("this folder has no such operator")),
            (None, []) => {
                return Err(CarrierError::Malformed("this folder has no operator; keys init --operator makes one"));
            }
            (None, _) => return Err(CarrierError::Malformed("--operator says which of the operators")),
        };
        Ok(folder.operator_home(&id))
    }

    async fn db(&self) -> Result<Db, CarrierError> {
        open_database(&self.home()?).await
    }

    fn keys(&self) -> Result<OperatorKeys, CarrierError> {
        OperatorKeys::load(&self.home()?)
    }
}

/// Runs a tool.
///
/// # Errors
/// What went wrong, in words for whoever called it.
pub async fn run(command: CarrierCommand) -> Result<(), CarrierError> {
    match command {
        CarrierCommand::Subscriber(command) => line::run(command).await,
        CarrierCommand::Statement { folder, number, month } => statement(&folder, &number, month).await,
        CarrierCommand::CloseMonth { folder, month } => close_month(&folder, month).await,
        CarrierCommand::Pay { folder, number, amount_minor } => pay(&folder, number, amount_minor).await,
        CarrierCommand::Purchase { folder, number } => look_up(&folder, &number).await,
        CarrierCommand::Prove { folder, number, out, keyset } => prove(&folder, &number, &out, keyset).await,
        CarrierCommand::Terms(options) => settle::agree(options).await,
        CarrierCommand::Settle(options) => settle::settle(&options).await,
        CarrierCommand::Settlements(options) => settle::list(&options).await,
        CarrierCommand::Ledger(folder) => show_ledger(&folder).await,
    }
}

async fn statement(folder: &Folder, number: &PhoneNumber, month: Option<Month>) -> Result<(), CarrierError> {
    let db = folder.db().await?;
    let mut connection = db.reader().acquire().await?;
    let subscriber = subscriber::require(&mut connection, number).await?;
    let statement = bill::statement(&mut connection, &subscriber, month).await?;
    print(folder, &json!(statement), || {
        let money = |minor| Amount::new(minor, statement.currency).to_string();
        let title =
            statement.period.as_deref().map_or_else(|| "open bill".to_owned(), |period| format!("bill of {period}"));
        let head = format!("{} {title}\n{:16}  {:>14}  before", subscriber.number, "", money(statement.opening_minor));
        let line = |line: &bill::BillLine| {
            let number = line.confirmation_number.as_deref().unwrap_or("");
            let (when, amount) = (minute(line.posted_ms), money(line.amount_minor));
            format!("{when:16}  {amount:>14}  {:12} {} {number}", line.kind, line.narrative)
        };
        let foot = format!("{:16}  {:>14}  owed", "", money(statement.closing_minor));
        let lines = statement.lines.iter().map(line);
        [head].into_iter().chain(lines).chain([foot]).collect::<Vec<_>>().join("\n")
    });
    Ok(())
}

async fn close_month(folder: &Folder, month: Month) -> Result<(), CarrierError> {
    let now_ms = signed_ms(now_ms());
    let db = folder.db().await?;
    let made = db.write(move |db_tx| Box::pin(async move { bill::close(db_tx, month, now_ms).await })).await?;
    print(folder, &json!({ "month": month.to_string(), "bills": made }), || format!("{month}: {made} bills"));
    Ok(())
}

async fn pay(folder: &Folder, number: PhoneNumber, amount_minor: i64) -> Result<(), CarrierError> {
    let now_ms = signed_ms(now_ms());
    let owed = with_subscriber(folder, number, move |db_tx, subscriber| {
        Box::pin(async move { bill::pay(db_tx, &subscriber, amount_minor, now_ms).await })
    })
    .await?;
    print(folder, &json!({ "owed_minor": owed.minor(), "currency": owed.currency() }), || format!("{owed} still owed"));
    Ok(())
}

async fn look_up(folder: &Folder, number: &ConfirmationNumber) -> Result<(), CarrierError> {
    let db = folder.db().await?;
    let mut connection = db.reader().acquire().await?;
    let found = purchase::Purchase::find_confirmed(&mut connection, number).await?;
    let left = found.left(&mut connection).await?;
    let asked = found.asked.as_ref().ok_or(CarrierError::NoPurchase)?;
    let subscriber = match &asked.subscriber_id {
        Some(id) => subscriber::find_by_id(&mut connection, id).await?,
        None => None,
    };
    let line = subscriber.map(|subscriber| subscriber.number.masked());
    let json = json!({
        "confirmation_number": number.as_str(), "state": found.state.as_str(), "merchant_id": asked.merchant_id,
        "payee_name": asked.payee_name, "order_number": asked.order_number, "amount": asked.amount,
        "left_minor": left.minor(), "subscriber": line, "decided_ms": asked.decided_ms,
    });
    print(folder, &json, || {
        format!(
            "{number}: {} to {}, order {}, {}, {} by {}; {left} of it not given back",
            asked.amount,
            asked.payee_name,
            asked.order_number,
            minute(asked.decided_ms),
            found.state.as_str(),
            line.as_deref().unwrap_or("nobody"),
        )
    });
    Ok(())
}

async fn prove(
    folder: &Folder,
    number: &ConfirmationNumber,
    out: &std::path::Path,
    keyset: Option<PathBuf>,
) -> Result<(), CarrierError> {
    let keyset = keys::read_text(&keyset.unwrap_or_else(|| DataFolder::new(&folder.data).keyset()))?;
    let db = folder.db().await?;
    let proof = proof::of(&mut *db.reader().acquire().await?, number, &keyset).await?;
    let text = serde_json::to_string_pretty(&proof).map_err(|_| CarrierError::Stored("evidence"))?;
    std::fs::write(out, text).map_err(|error| CarrierError::file(out, error))?;
    print(folder, &json!({ "proof": out }), || format!("{} proves {number}", out.display()));
    Ok(())
}

async fn show_ledger(folder: &Folder) -> Result<(), CarrierError> {
    let db = folder.db().await?;
    let (accounts, faults) = ledger::audit(&mut *db.reader().acquire().await?).await?;
    print(folder, &json!({ "accounts": accounts, "faults": faults }), || {
        let decimal = |currency: &str, minor: i64| {
            let known = currency.parse::<Currency>();
            known.map_or_else(|_| minor.to_string(), |currency| Amount::new(minor, currency).to_decimal())
        };
        let line = |view: &ledger::AccountView| {
            format!("{:44} {} {:>14}\n", view.account, view.currency, decimal(&view.currency, view.posted_minor))
        };
        accounts.iter().map(line).chain(faults.iter().map(|fault| format!("{fault}\n"))).collect()
    });
    if faults.is_empty() { Ok(()) } else { Err(CarrierError::Faults(faults.len())) }
}

/// Does something with a subscriber in a step of its own.
async fn with_subscriber<T, F>(folder: &Folder, number: PhoneNumber, work: F) -> Result<T, CarrierError>
where
    F: for<'c> FnOnce(
            &'c mut crate::storage::DbConnection,
            Subscriber,
        ) -> futures::future::BoxFuture<'c, Result<T, CarrierError>>
        + Send
        + 'static,
    T: Send + 'static,
{
    let db = folder.db().await?;
    db.write(move |db_tx| {
        Box::pin(async move {
            let subscriber = subscriber::require(db_tx, &number).await?;
            work(db_tx, subscriber).await
        })
    })
    .await
}

fn print(folder: &Folder, json: &Value, text: impl FnOnce() -> String) {
    if folder.json {
        println!("{json}");
    } else {
        println!("{}", text().trim_end());
    }
}

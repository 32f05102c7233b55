//! Payers by code, at the counter: bound, shown, changed, unlocked, taken off.

use std::io::BufRead;

use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::table::{Column, table};
use super::{Folder, print};
use crate::bank_front::account::AccountId;
use crate::bank_front::binding::{self, Address, COUNTER, JournalEntry, NewPayer, Payer};
use crate::bank_front::error::BankError;
use crate::bank_front::hsm::Hsm;
use crate::bank_front::{open_database, seed};
use crate::clock::{now_ms, signed_ms};
use crate::password::{Password, PasswordVerifier};
use crate::storage::Db;

/// What to do with payers by code.
#[derive(Debug, Subcommand)]
pub enum BindCommand {
    /// Binds a person to accounts and terminals, and draws its identity code. The password is read from standard input.
    Open(Box<OpenOptions>),
    /// Everybody who pays by code.
    List(Folder),
    /// One payer, with accounts and terminals.
    Show(PayerName),
    /// Lets a payer pay from one more account.
    AddAccount {
        /// Whose.
        #[command(flatten)]
        payer: PayerName,
        /// Which.
        #[arg(long)]
        account: String,
    },
    /// Adds a terminal; every terminal there is is told.
    AddTerminal(TerminalOptions),
    /// Removes a terminal, by its number in `show`.
    RemoveTerminal {
        /// Whose.
        #[command(flatten)]
        payer: PayerName,
        /// Which.
        #[arg(long)]
        place: i64,
    },
    /// Sets another payment password, read from standard input; whoever was locked may pay again.
    Password(PayerName),
    /// Lets a payer buy vouchers by telephone with a PIN of six digits, read from standard input; whoever was locked out
    /// there is let in again.
    TelephonePin(PayerName),
    /// Sets the limits that are named, in minor units of the accounts' currency.
    Limits {
        /// Whose.
        #[command(flatten)]
        payer: PayerName,
        /// The most one payment may take.
        #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
        payment_minor: Option<i64>,
        /// The most one UTC day may take.
        #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
        day_minor: Option<i64>,
    },
    /// Lets a payer pay again that was locked by wrong tries.
    Unlock {
        /// Whose.
        #[command(flatten)]
        payer: PayerName,
        /// Says that the person was there with its identity document.
        #[arg(long, required = true)]
        document_seen: bool,
    },
    /// Takes a payer off. It cannot be undone; the person can be bound anew.
    End(PayerName),
    /// Who changed what of payers, by which channel, the newest first; checks that nothing of it was changed.
    Journal {
        /// Which bank.
        #[command(flatten)]
        folder: Folder,
        /// Only of this customer.
        customer: Option<String>,
        /// How many entries.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        most: i64,
    },
}

/// Who.
#[derive(Debug, Args)]
pub struct PayerName {
    /// Which bank.
    #[command(flatten)]
    folder: Folder,
    /// What the bank calls the person.
    customer: String,
}

/// A payer to be.
#[derive(Debug, Args)]
pub struct OpenOptions {
    /// Who.
    #[command(flatten)]
    payer: PayerName,
    /// An account to pay from, the usual one first.
    #[arg(long = "account", required = true)]
    accounts: Vec<String>,
    /// Where codes go: a telephone number with + and country code, or a mailbox. Several are taken.
    #[arg(long = "to", required = true)]
    terminals: Vec<String>,
    /// The most one payment may take, in minor units of the accounts' currency.
    #[arg(long, default_value_t = seed::PAYMENT_LIMIT_MINOR, value_parser = clap::value_parser!(i64).range(1..))]
    payment_limit_minor: i64,
    /// The most one UTC day may take.
    #[arg(long, default_value_t = seed::DAY_LIMIT_MINOR, value_parser = clap::value_parser!(i64).range(1..))]
    day_limit_minor: i64,
    /// The language of what is sent: en or zh-Hans.
    #[arg(long, default_value = "en", value_parser = ["en", "zh-Hans"])]
    language: String,
}

/// A terminal to be.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("terminal").required(true).args(["to", "device"])))]
pub struct TerminalOptions {
    /// Whose.
    #[command(flatten)]
    payer: PayerName,
    /// A telephone number with + and country code, or a mailbox.
    #[arg(long)]
    to: Option<String>,
    /// A device that makes codes by itself; what sets it up is printed once and nowhere kept.
    #[arg(long)]
    device: bool,
}

/// The longest line that is read as a password, in bytes.
const LINE_BYTES_MAX: u64 = 1_024;

pub(super) async fn run(command: BindCommand) -> Result<(), BankError> {
    let at_ms = signed_ms(now_ms());
    match command {
        BindCommand::Open(options) => open(*options, at_ms).await,
        BindCommand::List(folder) => list(&folder).await,
        BindCommand::Show(name) => show(&name).await,
        BindCommand::AddAccount { payer, account } => {
            let account = AccountId::named(&account);
            let done = ("add_account", account.to_string());
            change(&payer, done, move |payer, db_tx| {
                Box::pin(async move { payer.add_account(db_tx, &account, at_ms).await })
            })
            .await
        }
        BindCommand::AddTerminal(options) => add_terminal(options, at_ms).await,
        BindCommand::RemoveTerminal { payer, place } => {
            change(&payer, ("remove_terminal", place.to_string()), move |payer, db_tx| {
                Box::pin(async move { payer.remove_terminal(db_tx, place, at_ms).await })
            })
            .await
        }
        BindCommand::Password(name) => {
            let verifier = verifier(&name.folder)?;
            change(&name, ("password", String::new()), move |payer, db_tx| {
                Box::pin(async move { payer.set_password(db_tx, &verifier, at_ms).await })
            })
            .await
        }
        BindCommand::TelephonePin(name) => {
            let pepper = Hsm::load(name.folder.keys())?.telephone_pepper();
            let pin = binding::telephone_pin(&typed_line()?, &pepper)?;
            change(&name, ("telephone_pin", String::new()), move |payer, db_tx| {
                Box::pin(async move { payer.set_telephone_pin(db_tx, &pin, at_ms).await })
            })
            .await
        }
        BindCommand::Limits { payer, payment_minor, day_minor } => {
            let named = |limit: Option<i64>| limit.map_or_else(|| "as it was".to_owned(), |minor| minor.to_string());
            let detail = format!("{} a payment, {} a day", named(payment_minor), named(day_minor));
            change(&payer, ("limits", detail), move |payer, db_tx| {
                Box::pin(async move { payer.set_limits(db_tx, payment_minor, day_minor, at_ms).await })
            })
            .await
        }
        BindCommand::Unlock { payer, document_seen: _ } => {
            let done = ("unlock", String::new());
            change(&payer, done, move |payer, db_tx| Box::pin(async move { payer.unlock(db_tx, at_ms).await })).await
        }
        BindCommand::End(name) => {
            let done = ("end", String::new());
            change(&name, done, move |payer, db_tx| Box::pin(async move { payer.end(db_tx, at_ms).await })).await
        }
        BindCommand::Journal { folder, customer, most } => journal(&folder, customer.as_deref(), most).await,
    }
}

async fn open(options: OpenOptions, at_ms: i64) -> Result<(), BankError> {
    let name = options.payer;
    let new = NewPayer {
        customer: name.customer.clone(),
        language: options.language,
        accounts: options.accounts.iter().map(|account| AccountId::named(account)).collect(),
        terminals: options.terminals.iter().map(|text| Address::parse(text)).collect::<Result<_, _>>()?,
        password: verifier(&name.folder)?,
        payment_limit_minor: options.payment_limit_minor,
        day_limit_minor: options.day_limit_minor,
    };
    (open_database(&name.folder.home()).await?)
        .write(move |db_tx| {
            Box::pin(async move {
                let payer = Payer::bind(db_tx, &new, at_ms).await?;
                let accounts: Vec<_> = new.accounts.iter().map(AccountId::as_str).collect();
                let terminals: Vec<_> = new.terminals.iter().map(Address::masked).collect();
                let detail = format!("{}; {}", accounts.join(", "), terminals.join(", "));
                JournalEntry::append(db_tx, (COUNTER, &payer.customer), ("open", &detail), at_ms).await
            })
        })
        .await?;
    show(&name).await
}

async fn add_terminal(options: TerminalOptions, at_ms: i64) -> Result<(), BankError> {
    let TerminalOptions { payer: name, to, device: _ } = options;
    let address = to.as_deref().map(Address::parse).transpose()?;
    let is_device = address.is_none();
    let customer = name.customer.clone();
    let (payer, place) = (open_database(&name.folder.home()).await?)
        .write(move |db_tx| {
            Box::pin(async move {
                let payer = Payer::of_customer(db_tx, &customer).await?;
                let place = payer.add_terminal(db_tx, address.as_ref(), at_ms).await?;
                let detail = address.as_ref().map_or_else(|| "a device".to_owned(), Address::masked);
                JournalEntry::append(db_tx, (COUNTER, &payer.customer), ("add_terminal", &detail), at_ms).await?;
                Ok::<_, BankError>((payer, place))
            })
        })
        .await?;
    if !is_device {
        return show(&name).await;
    }
    let hsm = Hsm::load(name.folder.keys())?;
    let secret = hsm.device_secret(&payer.payer_id, place);
    let set_up = Zeroizing::new(binding::device_address(&hsm.bank_id(), &payer.identity_code, &*secret));
    print(&name.folder, &json!({ "place": place, "device": &*set_up }), || {
        format!("terminal {place}: set the device up with\n{}", &*set_up)
    });
    Ok(())
}

/// What a change of a payer is: one step of the writer.
type Change<'a> = futures::future::BoxFuture<'a, Result<(), BankError>>;

/// Changes a payer, and notes in the journal what was done and what of it may be told.
async fn change(
    name: &PayerName,
    (what, detail): (&'static str, String),
    change: impl for<'a> FnOnce(&'a Payer, &'a mut crate::storage::DbConnection) -> Change<'a> + Send + 'static,
) -> Result<(), BankError> {
    let (customer, at_ms) = (name.customer.clone(), signed_ms(now_ms()));
    (open_database(&name.folder.home()).await?)
        .write(move |db_tx| {
            Box::pin(async move {
                let payer = Payer::of_customer(db_tx, &customer).await?;
                change(&payer, db_tx).await?;
                JournalEntry::append(db_tx, (COUNTER, &customer), (what, &detail), at_ms).await
            })
        })
        .await?;
    show(name).await
}

/// What to store of the password on the first line of standard input.
fn verifier(folder: &Folder) -> Result<PasswordVerifier, BankError> {
    let line = typed_line()?;
    Ok(PasswordVerifier::of(&Password::chosen(&line)?, &Hsm::load(folder.keys())?.password_pepper()))
}

/// A line of standard input.
fn typed_line() -> Result<Zeroizing<String>, BankError> {
    let mut line = Zeroizing::new(String::new());
    let source = |source| BankError::File { what: "standard input".to_owned(), source };
    std::io::Read::take(std::io::stdin().lock(), LINE_BYTES_MAX).read_line(&mut line).map_err(source)?;
    Ok(line)
}

async fn journal(folder: &Folder, customer: Option<&str>, most: i64) -> Result<(), BankError> {
    let db = open_database(&folder.home()).await?;
    JournalEntry::verify_chain(&db).await?;
    let entries = JournalEntry::newest(&mut *db.reader().acquire().await?, customer, most).await?;
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| {
            let at = jiff::Timestamp::from_millisecond(entry.at_ms).map(|at| at.to_string()).unwrap_or_default();
            let JournalEntry { sequence, channel, customer, what, detail, .. } = entry.clone();
            [sequence.to_string(), at, channel, customer, what, detail]
        })
        .collect();
    let columns = [
        Column::Right("no."),
        Column::Left("at (UTC)"),
        Column::Left("by"),
        Column::Left("customer"),
        Column::Left("what"),
        Column::Left("detail"),
    ];
    print(folder, &json!(entries), || table(&columns, &rows));
    Ok(())
}

async fn list(folder: &Folder) -> Result<(), BankError> {
    let db = open_database(&folder.home()).await?;
    let mut connection = db.reader().acquire().await?;
    let payers = Payer::all(&mut connection).await?;
    let told = payers.iter().map(|payer| {
        json!({ "customer": payer.customer, "identity_code": payer.identity_code.as_str(), "state": payer.state })
    });
    let json: Value = told.collect();
    let columns = [Column::Left("customer"), Column::Left("identity code"), Column::Left("state")];
    let rows: Vec<_> = payers
        .iter()
        .map(|payer| [payer.customer.clone(), payer.identity_code.grouped(), payer.state.as_str().to_owned()])
        .collect();
    print(folder, &json, || table(&columns, &rows));
    Ok(())
}

async fn show(name: &PayerName) -> Result<(), BankError> {
    let db: Db = open_database(&name.folder.home()).await?;
    let mut connection = db.reader().acquire().await?;
    let payer = Payer::of_customer(&mut connection, &name.customer).await?;
    let (accounts, terminals) = (payer.accounts(&mut connection).await?, payer.terminals(&mut connection).await?);
    // The counter sees whole addresses: it is the bank that sends to them.
    let address = |terminal: &binding::Terminal| terminal.address.as_ref().map(|address| address.as_str().to_owned());
    let shown: Vec<_> = terminals
        .iter()
        .map(|terminal| json!({ "place": terminal.place, "kind": terminal.kind, "address": address(terminal) }))
        .collect();
    let json = json!({
        "customer": payer.customer, "identity_code": payer.identity_code.as_str(), "state": payer.state,
        "tries_left": payer.tries_left, "accounts": accounts, "terminals": shown,
        "payment_limit_minor": payer.payment_limit.minor(), "day_limit_minor": payer.day_limit.minor(),
        "currency": payer.payment_limit.currency(),
    });
    print(&name.folder, &json, || {
        let accounts: Vec<_> = accounts.iter().map(AccountId::as_str).collect();
        let terminals = terminals.iter().map(|terminal| {
            let place = terminal.place;
            format!("{place} {} {}", terminal.kind.as_str(), address(terminal).unwrap_or_default())
        });
        format!(
            "{}: identity code {}, {}, {} tries left\nat most {} a payment and {} a day\nfrom {}\nterminals: {}",
            payer.customer,
            payer.identity_code.grouped(),
            payer.state.as_str(),
            payer.tries_left,
            payer.payment_limit,
            payer.day_limit,
            accounts.join(", "),
            terminals.map(|terminal| terminal.trim_end().to_owned()).collect::<Vec<_>>().join(", "),
        )
    });
    Ok(())
}

//! The bank's commands: serve, and the tools of its staff.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand, ValueEnum};
use iso8583::Spec;
use iso8583::frame::Framing;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::card::{Card, CardStatus};
use super::error::BankError;
use super::ledger::LedgerView;
use super::link::{Port, Wire};
use super::scenario::Switch;
use super::{BankFront, hold_expiry, hsm, link, open_database, seed};
use crate::clock::{now_ms, signed_ms};
use crate::keys::{BankEntry, BankHome, BankId, DataFolder};

/// How to serve.
#[derive(Debug, Args)]
pub struct ServeOptions {
    /// The data folder.
    #[arg(long)]
    pub data: PathBuf,
    /// Which bank of the folder.
    #[arg(long, default_value = "first")]
    pub bank: BankId,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8583")]
    pub listen: String,
    /// Misbehave from the start: a script's file (*.toml) or one of the words of docs/bank-scenarios.md, such as silent
    /// or slow:MS; none is the default.
    #[arg(long)]
    pub scenario: Option<String>,
    /// A port for ordinary ISO 8583 clients.
    #[command(flatten)]
    pub plain: PlainOptions,
}

/// The plain port: card data in clear, without TLS. For tests; `docs/bank-front.md` is its manual.
#[derive(Debug, Args)]
pub struct PlainOptions {
    /// Where to listen for ordinary ISO 8583 clients, such as 127.0.0.1:8584; nowhere when absent.
    #[arg(long, value_name = "ADDR")]
    pub plain_listen: Option<SocketAddr>,
    /// How their digits and bytes are written.
    #[arg(long, value_enum, default_value_t = PlainEncoding::Ascii)]
    pub plain_encoding: PlainEncoding,
    /// How the length in front of each message is written: two bytes big-endian, two that count themselves, four bytes
    /// big-endian, or four ASCII digits.
    #[arg(long, default_value = "binary2", value_parser = framing)]
    pub plain_framing: Framing,
    /// Listen on an address that other machines reach, although card data travels in clear.
    #[arg(long)]
    pub plain_anywhere: bool,
}

/// How digits and bytes are written on the plain port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlainEncoding {
    /// Digits as ASCII, bytes and bitmaps as they are.
    Ascii,
    /// Everything printable: bytes and bitmaps in hexadecimal.
    AsciiHex,
    /// Two digits a byte, bytes and bitmaps as they are.
    Bcd,
}

impl PlainOptions {
    fn wire(&self) -> Wire {
        let spec = match self.plain_encoding {
            PlainEncoding::Ascii => Spec::ASCII,
            PlainEncoding::AsciiHex => Spec::ASCII_HEX,
            PlainEncoding::Bcd => Spec::BCD,
        };
        Wire { spec, framing: self.plain_framing }
    }

    /// The listener, if there shall be one.
    async fn listen(&self) -> Result<Option<TcpListener>, BankError> {
        let Some(addr) = self.plain_listen else { return Ok(None) };
        if !addr.ip().is_loopback() && !self.plain_anywhere {
            return Err(BankError::PlainExposed(addr));
        }
        let socket = |source| BankError::File { what: addr.to_string(), source };
        TcpListener::bind(addr).await.map(Some).map_err(socket)
    }
}

fn framing(name: &str) -> Result<Framing, String> {
    let known = Framing::ALL.into_iter().find(|framing| framing.as_str() == name);
    known.ok_or_else(|| format!("one of {}", Framing::ALL.map(Framing::as_str).join(", ")))
}

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

/// Whom to open accounts for, and on which terms. Amounts are minor units of USD.
#[derive(Debug, Args)]
pub struct SeedOptions {
    /// Which bank.
    #[command(flatten)]
    pub folder: Folder,
    /// What each account starts with.
    #[arg(long, default_value_t = seed::OPENING_MINOR, value_parser = clap::value_parser!(i64).range(1..))]
    pub balance_minor: i64,
    /// The most one payment may take.
    #[arg(long, default_value_t = seed::PAYMENT_LIMIT_MINOR, value_parser = clap::value_parser!(i64).range(1..))]
    pub limit_minor: i64,
    /// The most one card may spend on one UTC day.
    #[arg(long, default_value_t = seed::DAY_LIMIT_MINOR, value_parser = clap::value_parser!(i64).range(1..))]
    pub day_limit_minor: i64,
    /// The most one payment may take without a PIN, where the card is a phone or a watch; 0 always asks for it.
    #[arg(long, default_value_t = seed::DEVICE_LIMIT_MINOR, value_parser = clap::value_parser!(i64).range(0..))]
    pub device_limit_minor: i64,
    /// The most one swipe may take.
    #[arg(long, default_value_t = seed::STRIPE_LIMIT_MINOR, value_parser = clap::value_parser!(i64).range(0..))]
    pub stripe_limit_minor: i64,
    /// Which of the public test cards are this bank's: schemes or names with commas between, all, or none.
    #[arg(long, value_delimiter = ',', default_value = "all")]
    pub cards: Vec<String>,
    /// More cards: a JSON array of what `tapseal-card show NAME --json` prints. A bank that is
    /// serving takes cards of new issuers when it starts next.
    #[arg(long)]
    pub card_profiles: Option<PathBuf>,
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
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

impl Folder {
    fn home(&self) -> BankHome {
        DataFolder::new(&self.data).bank_home(&self.bank)
    }
}

/// Serves until `stop` is cancelled. Prints one line of JSON with the address when ready.
pub async fn serve(
    options: &ServeOptions,
    tls: Arc<rustls::ServerConfig>,
    stop: CancellationToken,
) -> Result<(), BankError> {
    let home = DataFolder::new(&options.data).bank_home(&options.bank);
    let front = BankFront::open(&home, Arc::new(|| signed_ms(now_ms()))).await?;
    // A scenario of an earlier run does not outlive it.
    front.scenario().set(options.scenario.as_deref().unwrap_or("none"))?;
    let socket = |source| BankError::File { what: options.listen.clone(), source };
    let listener = TcpListener::bind(&options.listen).await.map_err(socket)?;
    let addr = listener.local_addr().map_err(socket)?;
    let plain = options.plain.listen().await?;
    let plain_addr = plain.as_ref().map(TcpListener::local_addr).transpose().map_err(socket)?;
    let mut ready =
        serde_json::json!({ "ready": "bank-front", "bank": options.bank.as_str(), "addr": addr.to_string() });
    if let Some(addr) = plain_addr {
        tracing::warn!(%addr, "card data is taken in clear on the plain port");
        ready["plain_addr"] = addr.to_string().into();
    }
    println!("{ready}");
    let serve_plain = async {
        if let Some(listener) = plain {
            link::serve(listener, Port::Plain(options.plain.wire()), Arc::clone(&front), stop.clone()).await;
        }
    };
    tokio::join!(
        link::serve(listener, Port::sealed(tls), Arc::clone(&front), stop.clone()),
        serve_plain,
        hold_expiry::watch(Arc::clone(&front), stop.clone()),
    );
    Ok(())
}

/// Runs a tool.
pub async fn run(command: BankCommand) -> Result<(), BankError> {
    match command {
        BankCommand::Init(folder) => init(&folder),
        BankCommand::Seed(options) => seed_cards(&options).await,
        BankCommand::Ledger(folder) => show_ledger(&folder).await,
        BankCommand::Accounts(folder) => show_accounts(&folder).await,
        BankCommand::Card { folder, pan_last_four, block, unblock } => {
            let status = match (block, unblock) {
                (true, _) => Some(CardStatus::Blocked),
                (false, true) => Some(CardStatus::Active),
                (false, false) => None,
            };
            show_card(&folder, &pan_last_four, status).await
        }
        BankCommand::Scenario { folder, verb, what } => turn_switch(&folder, &verb, what.as_deref()),
    }
}

/// Makes a bank's keys at its home; whether anything was made. An existing root is kept. Its issuers come with
/// its cards.
pub fn init_keys(home: &BankHome, name: &str) -> Result<bool, BankError> {
    let bank = BankEntry { id: home.id().clone(), name: name.to_owned() };
    hsm::init(home.dir(), &bank, Vec::new(), signed_ms(now_ms()))
}

fn init(folder: &Folder) -> Result<(), BankError> {
    let named: BankEntry = folder.bank.as_str().parse().map_err(|_| BankError::Malformed("the bank's id"))?;
    let made = init_keys(&folder.home(), &named.name)?;
    let text = || if made { "made the bank's keys".to_owned() } else { "the bank has its keys already".to_owned() };
    print(folder, &serde_json::json!({ "made": made }), text);
    Ok(())
}

async fn seed_cards(options: &SeedOptions) -> Result<(), BankError> {
    let now_ms = signed_ms(now_ms());
    let folder = &options.folder;
    let home = folder.home();
    let mut profiles = options.card_profiles.as_deref().map(seed::CardProfile::load).transpose()?.unwrap_or_default();
    profiles.extend(seed::CardProfile::chosen(&options.cards)?);
    // The issuers first: a card whose cryptogram nobody can check is worth nothing.
    let new_issuers = hsm::add_issuers(home.dir(), seed::issuers(&profiles)?, now_ms)?;
    let db = open_database(&home).await?;
    let hsm = hsm::Hsm::load(home.dir())?;
    let terms = seed::Terms {
        opening_minor: options.balance_minor,
        payment_limit_minor: options.limit_minor,
        day_limit_minor: options.day_limit_minor,
        device_limit_minor: options.device_limit_minor,
        stripe_limit_minor: options.stripe_limit_minor,
    };
    let new = seed::seed(&db, &hsm, terms, &profiles, now_ms).await?;
    print(folder, &serde_json::json!({ "new_cards": new, "new_issuers": new_issuers }), || {
        format!("{new} new cards, {new_issuers} new issuers")
    });
    Ok(())
}

fn turn_switch(folder: &Folder, verb: &str, what: Option<&str>) -> Result<(), BankError> {
    let switch = Switch::of(folder.home().dir());
    match (verb, what) {
        ("show", None) => {
            let script = switch.shown();
            print(folder, &serde_json::json!({ "script": script }), || script.clone().unwrap_or("no scenario".into()));
            return Ok(());
        }
        ("clear", None) => switch.clear()?,
        ("set", Some(what)) | (what, None) => switch.set(what)?,
        (verb, Some(_)) => return Err(BankError::UnknownScenario(verb.to_owned())),
    }
    let name = what.unwrap_or(verb);
    print(folder, &serde_json::json!({ "scenario": name }), || format!("scenario {name}"));
    Ok(())
}

async fn show_ledger(folder: &Folder) -> Result<(), BankError> {
    let view = read_ledger(folder).await?;
    print(folder, &serde_json::json!(view), || {
        let sums = view.sums.iter().map(|(currency, sum)| format!("{:<28} {currency} {sum:>14} posted\n", "sum"));
        account_lines(&view).chain(sums).collect()
    });
    Ok(())
}

async fn show_accounts(folder: &Folder) -> Result<(), BankError> {
    let view = read_ledger(folder).await?;
    print(folder, &serde_json::json!(view.accounts), || account_lines(&view).collect());
    Ok(())
}

async fn read_ledger(folder: &Folder) -> Result<LedgerView, BankError> {
    let db = open_database(&folder.home()).await?;
    let mut connection = db.reader().acquire().await?;
    LedgerView::read(&mut connection).await
}

fn account_lines(view: &LedgerView) -> impl Iterator<Item = String> {
    view.accounts.iter().map(|account| {
        format!(
            "{:<28} {} {:>14} posted {:>14} pending\n",
            account.account, account.currency, account.posted_minor, account.pending_minor
        )
    })
}

async fn show_card(folder: &Folder, last_four: &str, status: Option<CardStatus>) -> Result<(), BankError> {
    let db = open_database(&folder.home()).await?;
    let last_four = last_four.to_owned();
    let card = db
        .write(move |db_tx| {
            Box::pin(async move {
                let card = Card::find_by_last_four(db_tx, &last_four).await?;
                let Some(status) = status else { return Ok(card) };
                card.set_status(db_tx, status).await?;
                Card::find_by_last_four(db_tx, &last_four).await
            })
        })
        .await?;
    let view = serde_json::json!({
        "pan_last_four": card.last_four,
        "scheme": card.scheme,
        "account": card.account_id.as_str(),
        "status": card.status,
        "pin_tries_left": card.pin_tries_left,
        "atc": card.atc,
        "payment_limit_minor": card.payment_limit.minor(),
        "day_limit_minor": card.day_limit.minor(),
        "device_limit_minor": card.device_limit.minor(),
        "stripe_limit_minor": card.stripe_limit.minor(),
        "stripe_use": card.stripe_use,
        "applications": card.applications.iter().map(hex::encode_upper).collect::<Vec<_>>(),
        "currency": card.currency,
    });
    print(folder, &view, || {
        format!(
            "{} ••{} {} on {}, {} PIN tries left",
            card.scheme,
            card.last_four,
            card.status.as_str(),
            card.account_id,
            card.pin_tries_left
        )
    });
    Ok(())
}

fn print(folder: &Folder, json: &serde_json::Value, text: impl FnOnce() -> String) {
    if folder.json {
        println!("{json}");
    } else {
        println!("{}", text().trim_end());
    }
}

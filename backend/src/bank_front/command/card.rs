//! Cards: issued, listed, shown, blocked, reported lost or stolen, and given another PIN.

use std::io::{BufRead, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use emv::Scheme;
use envelope::{Pan, Pin};
use payment::Amount;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::table::{Column, table};
use super::{Folder, print};
use crate::bank_front::account::AccountId;
use crate::bank_front::card::{Card, CardStatus};
use crate::bank_front::error::BankError;
use crate::bank_front::hsm::Hsm;
use crate::bank_front::personalisation::{self, NewCard};
use crate::bank_front::voucher::signer;
use crate::bank_front::{file, open_database, seed};

/// What to do with cards.
#[derive(Debug, Subcommand)]
pub enum CardCommand {
    /// Makes a new card: its record at the bank, and the profile that `tapseal-card` makes a virtual card of.
    Issue(Box<IssueOptions>),
    /// Every card.
    List(Folder),
    /// One card.
    Show(CardName),
    /// Blocks a card until it is unblocked.
    Block(CardName),
    /// Makes a blocked card usable again, with all PIN tries.
    Unblock(CardName),
    /// Notes that a card was reported lost; it stays so.
    Lost(CardName),
    /// Notes that a card was reported stolen; it stays so.
    Stolen(CardName),
    /// Forgets which device signs large payments by voucher for a card, for a holder whose identity was checked: the next
    /// one that pays with card and PIN takes its place.
    ForgetDevice(CardName),
    /// Gives a card another PIN, and all tries. The bank keeps no card numbers: the card is told by its profile.
    ResetPin {
        /// Which bank.
        #[command(flatten)]
        folder: Folder,
        /// The card's profile, whose PIN is changed too.
        #[arg(long)]
        profile: PathBuf,
        /// Read the PIN from standard input; otherwise nobody chooses it.
        #[arg(long)]
        pin_stdin: bool,
    },
}

/// A new card.
#[derive(Debug, Args)]
pub struct IssueOptions {
    /// Which bank.
    #[command(flatten)]
    folder: Folder,
    /// visa, mastercard, unionpay, amex, jcb or discover.
    #[arg(long, value_parser = scheme)]
    scheme: Scheme,
    /// The account it spends from.
    #[arg(long)]
    account: String,
    /// Where to write its profile; the file must not be there yet.
    #[arg(long)]
    out: PathBuf,
    /// The issuer prefix of its number; by default that of the bank's first issuer of the scheme.
    #[arg(long)]
    iin: Option<String>,
    /// Last month of validity, YYMM.
    #[arg(long, default_value = "3112")]
    expiry: String,
    /// Read the PIN from standard input; otherwise nobody chooses it.
    #[arg(long)]
    pin_stdin: bool,
    /// The most one payment may take, in minor units of the account's currency.
    #[arg(long, default_value_t = seed::PAYMENT_LIMIT_MINOR, value_parser = clap::value_parser!(i64).range(1..))]
    limit_minor: i64,
    /// The most one day may take.
    #[arg(long, default_value_t = seed::DAY_LIMIT_MINOR, value_parser = clap::value_parser!(i64).range(1..))]
    day_limit_minor: i64,
}

fn scheme(code: &str) -> Result<Scheme, String> {
    personalisation::scheme(code).ok_or_else(|| "visa, mastercard, unionpay, amex, jcb or discover".to_owned())
}

/// Which card.
#[derive(Debug, Args)]
pub struct CardName {
    /// Which bank.
    #[command(flatten)]
    pub(super) folder: Folder,
    /// The last four digits of its number.
    #[arg(value_parser = last_four)]
    pub(super) last_four: String,
    /// The account it spends from, when there are several with these digits.
    #[arg(long)]
    pub(super) account: Option<String>,
}

fn last_four(text: &str) -> Result<String, String> {
    let is_end = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_end { Ok(text.to_owned()) } else { Err("the last four digits of a card number".to_owned()) }
}

impl CardName {
    /// The account's id, if it was named.
    pub(super) fn account_id(&self) -> Option<AccountId> {
        self.account.as_deref().map(AccountId::named)
    }
}

/// The most bytes of a profile.
const PROFILE_BYTES_MAX: u64 = 64 * 1_024;

pub(super) async fn run(command: CardCommand) -> Result<(), BankError> {
    match command {
        CardCommand::Issue(options) => issue(&options).await,
        CardCommand::List(folder) => list(&folder).await,
        CardCommand::Show(name) => show(&name).await,
        CardCommand::Block(name) => set_status(&name, CardStatus::Blocked).await,
        CardCommand::Unblock(name) => set_status(&name, CardStatus::Active).await,
        CardCommand::Lost(name) => set_status(&name, CardStatus::Lost).await,
        CardCommand::Stolen(name) => set_status(&name, CardStatus::Stolen).await,
        CardCommand::ForgetDevice(name) => forget_device(&name).await,
        CardCommand::ResetPin { folder, profile, pin_stdin } => {
            reset_pin(&folder, &profile, pin_stdin.then(read_pin).transpose()?).await
        }
    }
}

async fn issue(options: &IssueOptions) -> Result<(), BankError> {
    let folder = &options.folder;
    let home = folder.home();
    let (db, hsm) = (open_database(&home).await?, Hsm::load(folder.keys())?);
    let new = NewCard {
        scheme: options.scheme,
        iin: options.iin.clone(),
        account_id: AccountId::named(&options.account),
        expiry_yymm: options.expiry.clone(),
        pin: options.pin_stdin.then(read_pin).transpose()?,
        terms: seed::Terms {
            payment_limit_minor: options.limit_minor,
            day_limit_minor: options.day_limit_minor,
            ..seed::Terms::default()
        },
    };
    let made = personalisation::make(&mut *db.reader().acquire().await?, &hsm, &new).await?;
    // The file first: a card that the bank knows and nobody has is worse than a file that opens nothing.
    write_new(&options.out, made.profile.as_bytes())?;
    let card = made.card().clone();
    let is_new = db.write(move |db_tx| Box::pin(async move { card.insert(db_tx).await })).await?;
    if !is_new {
        return Err(BankError::Conflict("a card number"));
    }
    let mut view = view(made.card());
    view["profile"] = json!(options.out);
    view["pin"] = json!(made.pin.as_str());
    print(folder, &view, || {
        let out = options.out.display();
        format!("{}\nPIN {}, told this once\nprofile {out}", line(made.card()), made.pin.as_str())
    });
    Ok(())
}

/// Writes a file that only its owner may read, and that was not there.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), BankError> {
    let fail = |error| BankError::file(path, error);
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(file::OWNER_ONLY).open(path).map_err(fail)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(fail)
}

/// A PIN from the first line of standard input.
fn read_pin() -> Result<Zeroizing<String>, BankError> {
    let mut line = Zeroizing::new(String::new());
    std::io::stdin().lock().read_line(&mut line).map_err(|_| BankError::Malformed("the PIN"))?;
    Ok(Zeroizing::new(line.trim().to_owned()))
}

async fn list(folder: &Folder) -> Result<(), BankError> {
    let db = open_database(&folder.home()).await?;
    let cards = Card::all(&mut *db.reader().acquire().await?).await?;
    let views: Vec<Value> = cards.iter().map(view).collect();
    print(folder, &json!(views), || {
        let columns = [
            Column::Left("card"),
            Column::Left("account"),
            Column::Left("status"),
            Column::Left("valid to"),
            Column::Right("PIN tries"),
            Column::Right("a payment"),
            Column::Right("a day"),
        ];
        let rows: Vec<_> = cards.iter().map(row).collect();
        table(&columns, &rows)
    });
    Ok(())
}

fn row(card: &Card) -> [String; 7] {
    let expiry: String = card.expiry_yymm.iter().map(|digit| char::from(*digit)).collect();
    [
        format!("{} ••{}", card.scheme, card.last_four),
        card.account_id.to_string(),
        card.status.as_str().to_owned(),
        format!("{}/{}", &expiry[2..], &expiry[..2]),
        card.pin_tries_left.to_string(),
        card.payment_limit.to_decimal(),
        card.day_limit.to_decimal(),
    ]
}

async fn show(name: &CardName) -> Result<(), BankError> {
    let db = open_database(&name.folder.home()).await?;
    let account_id = name.account_id();
    let card = Card::named(&mut *db.reader().acquire().await?, &name.last_four, account_id.as_ref()).await?;
    print(&name.folder, &view(&card), || format!("{}\n{}", line(&card), limits(&card)));
    Ok(())
}

/// Changes a card's status. One that was reported lost or stolen is never used again.
pub(super) async fn set_status(name: &CardName, status: CardStatus) -> Result<(), BankError> {
    let db = open_database(&name.folder.home()).await?;
    let (last_four, account_id) = (name.last_four.clone(), name.account_id());
    let card = db
        .write(move |db_tx| {
            Box::pin(async move {
                let card = Card::named(db_tx, &last_four, account_id.as_ref()).await?;
                let is_gone = matches!(card.status, CardStatus::Lost | CardStatus::Stolen);
                if is_gone && matches!(status, CardStatus::Active | CardStatus::Blocked | CardStatus::PinLocked) {
                    return Err(BankError::CardGone);
                }
                card.set_status(db_tx, status).await?;
                Card::named(db_tx, &last_four, account_id.as_ref()).await
            })
        })
        .await?;
    print(&name.folder, &view(&card), || line(&card));
    Ok(())
}

async fn forget_device(name: &CardName) -> Result<(), BankError> {
    let db = open_database(&name.folder.home()).await?;
    let (last_four, account_id) = (name.last_four.clone(), name.account_id());
    let (card, is_forgotten) = db
        .write(move |db_tx| {
            Box::pin(async move {
                let card = Card::named(db_tx, &last_four, account_id.as_ref()).await?;
                let is_forgotten = signer::forget(db_tx, &card.pan_reference).await?;
                Ok::<_, BankError>((card, is_forgotten))
            })
        })
        .await?;
    let mut json = view(&card);
    json["device_forgotten"] = json!(is_forgotten);
    print(&name.folder, &json, || {
        let told = if is_forgotten { "its device is forgotten" } else { "no device signs for it" };
        format!("{}; {told}", line(&card))
    });
    Ok(())
}

async fn reset_pin(folder: &Folder, profile: &Path, pin: Option<Zeroizing<String>>) -> Result<(), BankError> {
    let home = folder.home();
    let (db, hsm) = (open_database(&home).await?, Hsm::load(folder.keys())?);
    let text = read_profile(profile)?;
    let malformed = || BankError::Malformed("the card's profile");
    let member = |name: &str| {
        let start = format!("{name} = \"");
        text.lines().find_map(|line| line.strip_prefix(&start)?.strip_suffix('"'))
    };
    let pan = Pan::parse(member("pan").ok_or_else(malformed)?).map_err(|_| malformed())?;
    let old = Zeroizing::new(format!("pin = \"{}\"", member("pin").ok_or_else(malformed)?));
    let pin_text = pin.unwrap_or_else(|| hsm.new_pin());
    let pin = Pin::from_ascii(pin_text.as_bytes()).map_err(|_| BankError::Malformed("the PIN"))?;
    let stored = hsm.personalise(&pan, &pin);
    let card = db
        .write(move |db_tx| {
            Box::pin(async move {
                let card = Card::find(db_tx, &stored.pan_reference).await?.ok_or(BankError::NoCard)?;
                if matches!(card.status, CardStatus::Lost | CardStatus::Stolen) {
                    return Err(BankError::CardGone);
                }
                card.set_pin(db_tx, &stored.pin_value).await?;
                Card::find(db_tx, &stored.pan_reference).await?.ok_or(BankError::NoCard)
            })
        })
        .await?;
    let changed = Zeroizing::new(text.replacen(old.as_str(), &format!("pin = \"{}\"", pin_text.as_str()), 1));
    file::replace(profile, changed.as_bytes())?;
    let mut view = view(&card);
    view["pin"] = json!(pin_text.as_str());
    print(folder, &view, || format!("{}\nPIN {}, told this once", line(&card), pin_text.as_str()));
    Ok(())
}

fn read_profile(path: &Path) -> Result<Zeroizing<String>, BankError> {
    use std::io::Read;
    let fail = |error| BankError::file(path, error);
    let mut text = Zeroizing::new(String::new());
    std::fs::File::open(path).map_err(fail)?.take(PROFILE_BYTES_MAX).read_to_string(&mut text).map_err(fail)?;
    Ok(text)
}

/// A card for programs. Its number is not in it.
pub(super) fn view(card: &Card) -> Value {
    json!({
        "pan_last_four": card.last_four,
        "scheme": card.scheme,
        "account": card.account_id,
        "status": card.status,
        "pin_tries_left": card.pin_tries_left,
        "atc": card.atc,
        "payment_limit_minor": card.payment_limit.minor(),
        "day_limit_minor": card.day_limit.minor(),
        "device_limit_minor": card.device_limit.minor(),
        "stripe_limit_minor": card.stripe_limit.minor(),
        "stripe_use": card.stripe_use,
        "velocity": card.velocity,
        "applications": card.applications.iter().map(hex::encode_upper).collect::<Vec<_>>(),
        "currency": card.currency,
    })
}

/// A card for people, in a line.
pub(super) fn line(card: &Card) -> String {
    format!(
        "{} ••{} {} on {}, {} PIN tries left",
        card.scheme,
        card.last_four,
        card.status.as_str(),
        card.account_id,
        card.pin_tries_left
    )
}

/// A card's limits for people, in a line.
pub(super) fn limits(card: &Card) -> String {
    let velocity = card.velocity.map_or("any number of payments".to_owned(), |velocity| {
        format!("{} payments in {} s", velocity.payments, velocity.window_s)
    });
    let money = |amount: Amount| amount.to_string();
    format!(
        "at most {} a payment, {} a day, {} without a PIN by phone, {} by stripe; {velocity}",
        money(card.payment_limit),
        money(card.day_limit),
        money(card.device_limit),
        money(card.stripe_limit)
    )
}

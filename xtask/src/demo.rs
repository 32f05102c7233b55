//! The `demo` verb: the product's main job on this machine, on real parts. Keys and databases are made in a throw-away
//! folder, every party is a process of its own, and the payment ends with a receipt verified offline.

mod alias;
mod bank;
mod card;
mod carrier;
mod code;
mod mail;
mod merchant;
mod narrator;
mod parties;
mod payer;
mod table;
mod voucher;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use card::{Card, CardFacts, ReaderKind};
use carrier::Subscriber;
use clap::{Args, ValueEnum};
use code::CodePayer;
use narrator::Narrator;
use parties::Parties;
use payer::Payer;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::invocation::{command, run as run_to_end};
use crate::processes::{Running, throw_away_folder};
use crate::progress::Progress;
use crate::repository::{self, cargo};
use crate::{setup, ui, wine};

/// The payer's address in the demo; nothing leaves this machine.
const PAYER_EMAIL: &str = "ada@example.org";

/// How long a person has to pay in the window, and so how long the request lives.
const PERSON_LIMIT: Duration = Duration::from_mins(15);

/// How often the merchant looks while a person pays.
const MERCHANT_POLL: Duration = Duration::from_secs(1);

/// How to run the demo.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Options {
    /// No window: the same wallet core, driven through `tapseal-wallet`.
    #[arg(long)]
    headless: bool,
    /// One JSON line a stage on standard output; everything else goes to standard error.
    #[arg(long)]
    json: bool,
    /// What pays.
    #[arg(long, value_enum, default_value_t = Method::Card)]
    method: Method,
    /// Pay five requests, one in each way, and print a table of them.
    #[arg(long, requires = "headless", conflicts_with = "method")]
    all: bool,
    /// Which virtual card pays: a name of `tapseal-card profiles`, or a TOML file.
    #[arg(long, default_value = "visa", value_name = "PROFILE")]
    card: String,
    /// The reader it is read with.
    #[arg(long, value_enum, default_value_t = ReaderKind::Pcsc)]
    reader: ReaderKind,
    /// How many banks there are. The paying card is the last one's.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    banks: u8,
    /// Insert the card; without it, it is tapped where it can be.
    #[arg(long)]
    contact: bool,
    /// Pay with this `tapseal-wallet.exe`, under wine, in place of the one built here.
    #[arg(long, value_name = "PROGRAM", requires = "headless")]
    wallet: Option<PathBuf>,
    /// Keep everything in this folder, to look at it afterwards.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// What a demo pays with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Method {
    /// A card and its PIN.
    Card,
    /// A code that comes on a telephone.
    Code,
    /// A voucher that the payer bought.
    Voucher,
    /// A card that a vault keeps under a name.
    Alias,
    /// A phone bill.
    Carrier,
}

/// Where one demo runs.
pub struct Stage {
    /// The folder everything is kept in.
    pub folder: PathBuf,
    /// Cargo's target folder, with the programs in it.
    pub target: PathBuf,
    /// The payer's `tapseal-wallet`, when it is another than the one there.
    pub wallet: Option<wine::Program>,
}

impl Stage {
    /// One of our programs.
    pub fn program(&self, name: &str) -> PathBuf {
        repository::program(&self.target, name)
    }

    /// A call of the payer's wallet.
    pub fn wallet(&self) -> Command {
        match &self.wallet {
            None => command(self.program("tapseal-wallet"), [""; 0]),
            Some(program) => program.call(),
        }
    }

    /// The folder of one party's log file.
    pub fn log(&self, name: &str) -> PathBuf {
        self.folder.join("logs").join(format!("{name}.log"))
    }

    /// What a wallet pins.
    pub fn trust(&self) -> PathBuf {
        self.folder.join("trust.json")
    }
}

/// Builds what is needed and pays one request, or one in each way.
pub fn run(options: &Options) -> Result<(), Failure> {
    // Codes are typed at the headless wallet.
    let windowed = !options.headless && options.method == Method::Card && has_display();
    let mut narrator = Narrator::new(options.json);
    let target = build(windowed, &mut narrator)?;
    let throw_away = options.keep.is_none().then(|| throw_away_folder("tapseal-demo-")).transpose()?;
    let folder = match (&options.keep, &throw_away) {
        (Some(folder), _) => empty_folder(folder)?,
        (None, Some(folder)) => folder.path().to_owned(),
        (None, None) => return Err(Failure::unexpected("the demo", "no folder to run in")),
    };
    std::fs::create_dir_all(folder.join("logs")).map_err(Failure::file(&folder))?;
    let wallet = options.wallet.as_ref().map(|file| wine::Program::on_machine_in(&target, file)).transpose()?;
    let stage = Stage { folder, target, wallet };
    pay_requests(&stage, options, windowed, &mut narrator)
}

fn pay_requests(stage: &Stage, options: &Options, windowed: bool, narrator: &mut Narrator) -> Result<(), Failure> {
    let methods = if options.all { Method::value_variants() } else { std::slice::from_ref(&options.method) };
    let facts = CardFacts::of(stage, &options.card)?;
    let gesture = facts.gesture(options.contact)?;
    let banks = bank::names(options.banks);
    let parties = Parties::start(stage, &facts, &banks, methods, narrator)?;
    let card = Card::present(stage, &facts, options.reader, gesture, narrator)?;
    let payer = Payer::new(stage, &card);
    payer.register(PAYER_EMAIL, &parties.mail_folder(), narrator)?;
    let mut rows = Vec::new();
    let mut window = None;
    for method in methods {
        let request = merchant::ask_for_payment(stage, PAYER_EMAIL, PERSON_LIMIT, narrator)?;
        if windowed {
            let opened = payer.open_window(narrator)?;
            wait_for_person(stage, &request, &opened)?;
            window = Some(opened);
        } else {
            payer.see_in_inbox(&request, narrator)?;
            let payment = Payment { stage, parties: &parties, facts: &facts, payer: &payer, request: &request };
            payment.pay(*method, banks.last().unwrap_or(&"first"), narrator)?;
        }
        merchant::see_paid(stage, &request, narrator)?;
        if *method == Method::Carrier {
            let confirmation = carrier::confirmation_of(&payer.newest_receipt()?)?;
            payer.verify_proof(&carrier::check_books(stage, &confirmation, narrator)?, narrator)?;
        } else {
            bank::check_ledgers(stage, &banks, narrator)?;
        }
        rows.push(table::Row::of(*method, &payer.verify_receipt(narrator)?));
    }
    if options.all {
        table::print(&rows, options.json);
    }
    narrator.where_to_look_next(options.keep.as_deref());
    window.iter().for_each(wait_until_closed);
    Ok(())
}

/// One request and who pays it.
struct Payment<'d> {
    stage: &'d Stage,
    parties: &'d Parties,
    facts: &'d CardFacts,
    payer: &'d Payer<'d>,
    request: &'d str,
}

impl Payment<'_> {
    /// Makes ready what pays, and pays with it.
    fn pay(&self, method: Method, bank: &str, narrator: &mut Narrator) -> Result<(), Failure> {
        let Self { stage, parties, facts, payer, request } = self;
        match method {
            Method::Card => payer.pay(request, narrator),
            Method::Code => payer.pay_by_code(request, &CodePayer::bind(stage, bank, narrator)?, narrator),
            Method::Voucher => payer.pay_by_voucher(request, &voucher::buy(stage, bank, narrator)?, narrator),
            Method::Alias => {
                parties.keeper()?.admit(stage, bank, &facts.last_four()?, narrator)?;
                payer.pay_by_alias(request, narrator)
            }
            Method::Carrier => {
                payer.enrol(&Subscriber::open(stage, narrator)?, narrator)?;
                payer.pay_on_bill(request, narrator)
            }
        }
    }
}

/// Waits until the merchant sees the payment, or the person closes the window.
fn wait_for_person(stage: &Stage, request: &str, window: &Running) -> Result<(), Failure> {
    let deadline = Instant::now() + PERSON_LIMIT;
    while merchant::status(stage, request)? != "paid" {
        if !window.is_alive() {
            return Err(Failure::unexpected("the wallet window", "it was closed before the request was paid"));
        }
        if Instant::now() > deadline {
            return Err(window.late("a payment", PERSON_LIMIT));
        }
        std::thread::sleep(MERCHANT_POLL);
    }
    Ok(())
}

/// Leaves the window, with everything behind it, to the person for a while: to see the result, and the receipt.
fn wait_until_closed(window: &Running) {
    Narrator::remark("Close the window, or press Ctrl-C here, to end the demo.");
    let deadline = Instant::now() + PERSON_LIMIT;
    while window.is_alive() && Instant::now() < deadline {
        std::thread::sleep(MERCHANT_POLL);
    }
}

/// Builds the programs, and the window when there is a display to show it on.
fn build(windowed: bool, narrator: &mut Narrator) -> Result<PathBuf, Failure> {
    let mut packages = vec!["build", "--package=tapseal", "--package=wallet", "--package=virtual-card"];
    if windowed {
        setup::for_window()?;
        ui::build_for_window()?;
        packages.push("--package=tapseal-app");
    } else {
        setup::for_demo()?;
    }
    let what = "building the servers, the wallet and the card (minutes the first time)";
    let progress = Progress::start(what);
    let built = run_to_end(cargo(packages), &progress);
    progress.end(if built.is_ok() { "ok" } else { "FAILED" });
    built?;
    narrator.stage("build", &[("window", json!(windowed))], "built");
    repository::target_folder()
}

fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value: std::ffi::OsString| !value.is_empty());
    is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// A folder to keep things in: ours alone, so that nothing is overwritten.
fn empty_folder(folder: &Path) -> Result<PathBuf, Failure> {
    std::fs::create_dir_all(folder).map_err(Failure::file(folder))?;
    let mut entries = std::fs::read_dir(folder).map_err(Failure::file(folder))?;
    if entries.next().is_some() {
        return Err(Failure::unexpected(folder.display().to_string(), "it is not empty"));
    }
    folder.canonicalize().map_err(Failure::file(folder))
}

/// A text member of a JSON document some program printed.
fn text<'v>(document: &'v Value, member: &str, what: &str) -> Result<&'v str, Failure> {
    document[member].as_str().ok_or_else(|| Failure::unexpected(what, format!("no `{member}` in {document}")))
}

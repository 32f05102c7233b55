//! The commands of `tapseal-wallet`: thin, over the same [`Wallet`] as the window.

mod alias;
mod by_code;
mod card_read;
mod carrier;
mod keep;
mod merchant;
mod passphrase;
mod pay;
mod payer;
mod pin;
mod print;
mod receipts;
mod voucher;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use payment::{AttemptId, MerchantId, RequestId};
use protocol::wallet_api::OtherDevices;
use protocol::{ErrorCode, MoneyMoved, Problem};

use passphrase::PassphraseSource;

use crate::config::{KeyStoreKind, SYSTEM_TRUST, Upkeep, WalletConfig};
use crate::error::WalletError;
use crate::readers::Readers;
use crate::receipt::VerifiedReceipt;
use crate::trust::{TRUST_FILE, Trust};
use crate::wallet::Wallet;

/// The exit code of a payment that was refused: no money moved.
const EXIT_REFUSED: u8 = 2;
/// The exit code of a payment whose outcome is not known: do not pay again.
const EXIT_UNKNOWN: u8 = 3;

/// Pay requests with your own card. The PIN is asked for, or read from standard input; never an argument.
#[derive(Parser)]
#[command(name = "tapseal-wallet", version, about)]
struct Cli {
    #[command(flatten)]
    place: PlaceArgs,
    /// One JSON object a line, for programs.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct PlaceArgs {
    /// The wallet's folder.
    #[arg(long, global = true, env = "TAPSEAL_HOME")]
    home: Option<PathBuf>,
    /// The trust file to pin, at the first use.
    #[arg(long, global = true, env = "TAPSEAL_TRUST")]
    trust: Option<PathBuf>,
    /// Where the device's keys are kept: `keyring`, or `file` for machines without one.
    #[arg(long, global = true, env = "TAPSEAL_KEY_STORE", default_value = "keyring")]
    key_store: KeyStoreKind,
    /// Certification authorities to believe besides the schemes' own, one key a line: for simulated cards.
    #[arg(long, global = true, env = "TAPSEAL_CA_KEYS", value_name = "FILE")]
    ca_keys: Option<PathBuf>,
    /// Reads a passphrase from this open file descriptor, a line each, instead of asking at the terminal; 0 is standard
    /// input, whose next line may be a PIN.
    #[arg(long, global = true, value_name = "NUMBER")]
    passphrase_fd: Option<u32>,
}

#[derive(Subcommand)]
enum Command {
    /// Makes this device known to the payment server, and says how the wallet is set.
    Register,
    /// Asks for a code to be sent to an e-mail address or phone number.
    Claim {
        /// The address or number.
        identifier: String,
    },
    /// Confirms an e-mail address or phone number with the code that came there.
    Confirm {
        /// The address or number.
        identifier: String,
        /// The six digits.
        code: String,
        /// Every other device that answered for it answers no more.
        #[arg(long)]
        only_this_device: bool,
    },
    /// Answers for an e-mail address or phone number on this device no more.
    Release {
        /// The address or number.
        identifier: String,
    },
    /// Lists your devices, names one, or ends what one receives.
    Devices(keep::DeviceArgs),
    /// Writes everything but the keys into one file that a passphrase opens.
    Backup(keep::BackupArgs),
    /// Merges a backup into this wallet: it adds, and replaces nothing newer.
    Restore(keep::BackupArgs),
    /// One-time payment numbers: what to tell a shop instead of an address or a phone number.
    #[command(subcommand)]
    Numbers(payer::NumbersCommand),
    /// Accepts the merchant of a request: it can be paid, and the next ones come straight.
    AcceptSender {
        /// The request.
        id: RequestId,
    },
    /// Never shows requests of this request's merchant again.
    Block {
        /// The request.
        id: RequestId,
    },
    /// Takes a block back.
    Unblock {
        /// The merchant, as `blocked` lists it.
        merchant: MerchantId,
    },
    /// Lists blocked merchants.
    Blocked,
    /// Reports a request as fraud, and blocks its merchant.
    Report(payer::ReportArgs),
    /// Lists requests.
    Inbox,
    /// Opens a payment link and shows its request.
    Open {
        /// The link, with the part behind `#`.
        link: String,
    },
    /// Shows one request.
    Show {
        /// The request.
        id: RequestId,
    },
    /// Shows where codes for an identity code can go: the numbers for `pay --code --code-terminal`.
    CodeTerminals {
        /// The identity code.
        identity_code: String,
    },
    /// Keeps cards in a vault under a name, to pay without a card at hand.
    #[command(subcommand)]
    Alias(alias::AliasCommand),
    /// Pays a request with a card, with a voucher, by code, by alias, or on a phone bill.
    Pay(pay::PayArgs),
    /// Refuses a request for good.
    Reject {
        /// The request.
        id: RequestId,
    },
    /// Lists receipts, searches them, or writes them to a file.
    Receipts(receipts::ReceiptsArgs),
    /// Shows a receipt, or writes it to a file.
    Receipt {
        /// The attempt it proves.
        attempt: AttemptId,
        /// Where to write it.
        #[arg(long)]
        out: Option<PathBuf>,
        /// Where to write it as a document to print.
        #[arg(long)]
        pdf: Option<PathBuf>,
    },
    /// Verifies a receipt file without a network.
    Verify {
        /// The file.
        file: PathBuf,
    },
    /// Verifies what proves a purchase on a phone bill, without a network.
    VerifyProof {
        /// The file.
        file: PathBuf,
        /// The fingerprint of the key that must have signed it.
        #[arg(long, value_name = "FINGERPRINT")]
        key: Option<String>,
    },
    /// Phone bills: telephone operators, and paying on their bills.
    #[command(subcommand)]
    Carrier(carrier::CarrierCommand),
    /// Lists card readers.
    Readers {
        /// Also this one, such as `nfc:pn532_uart:/dev/ttyUSB0`.
        #[arg(long)]
        reader: Option<String>,
    },
    /// Looks at cards; never pays.
    #[command(subcommand)]
    Card(CardCommand),
    /// Finds a request in a picture of a QR and shows it.
    Scan {
        /// A PNG, JPEG or WebP file.
        picture: PathBuf,
    },
    /// Gives the wallet a lock: its keys are sealed with a passphrase, which every command then asks for.
    Lock,
    /// Takes the lock away.
    Unlock,
    /// Changes the passphrase.
    Passphrase,
    /// Takes payments, as a merchant's till.
    #[command(subcommand)]
    Merchant(merchant::MerchantCommand),
}

#[derive(Subcommand)]
enum CardCommand {
    /// Reads a card and says what it gave, its number masked.
    Read(card_read::ReadArgs),
}

/// Runs the command line.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    init_logs();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("tapseal-wallet: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run(&cli));
    // A reader that is slow to answer must not hold up the end.
    runtime.shutdown_background();
    code
}

/// Logs go to standard error, from warnings up unless `RUST_LOG` says otherwise.
fn init_logs() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

async fn run(cli: &Cli) -> ExitCode {
    let done = match &cli.command {
        Command::Pay(args) => return pay::run(cli, args).await,
        Command::Verify { file } => return verify(cli, file),
        Command::VerifyProof { file, key } => return carrier::verify_proof(cli, file, key.as_deref()),
        Command::Carrier(command) => carrier::run(cli, command).await,
        Command::Card(CardCommand::Read(args)) => match card_read::run(cli, args).await {
            Ok(code) => return code,
            Err(problem) => Err(problem),
        },
        Command::Readers { reader } => readers(cli, reader.clone()).await,
        Command::Register => register(cli).await,
        Command::Claim { identifier } => claim(cli, identifier).await,
        Command::Confirm { identifier, code, only_this_device } => {
            let others = if *only_this_device { OtherDevices::Release } else { OtherDevices::Keep };
            confirm(cli, identifier, code, others).await
        }
        Command::Release { identifier } => payer::release(cli, identifier).await,
        Command::Devices(args) => keep::devices(cli, args).await,
        Command::Backup(args) => keep::backup(cli, args).await,
        Command::Restore(args) => keep::restore(cli, args).await,
        Command::Numbers(command) => payer::numbers(cli, command).await,
        Command::AcceptSender { id } => payer::accept_sender(cli, *id).await,
        Command::Block { id } => payer::block(cli, *id).await,
        Command::Unblock { merchant } => payer::unblock(cli, merchant).await,
        Command::Blocked => payer::blocked(cli).await,
        Command::Report(args) => payer::report(cli, args).await,
        Command::Inbox => inbox(cli).await,
        Command::CodeTerminals { identity_code } => by_code::terminals(cli, identity_code).await,
        Command::Alias(command) => alias::run(cli, command).await,
        Command::Open { link } => open(cli, link).await,
        Command::Show { id } => show(cli, *id).await,
        Command::Reject { id } => reject(cli, *id).await,
        Command::Receipts(args) => receipts::run(cli, args).await,
        Command::Scan { picture } => scan(cli, picture).await,
        Command::Lock => passphrase::turn_on(cli).await,
        Command::Unlock => passphrase::turn_off(cli).await,
        Command::Passphrase => passphrase::change(cli).await,
        Command::Merchant(command) => merchant::run(cli, command).await,
        Command::Receipt { attempt, out, pdf } => receipts::one(cli, *attempt, out.as_deref(), pdf.as_deref()).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            print::problem(cli.json, &problem);
            ExitCode::FAILURE
        }
    }
}

/// The exit code of a payment that ended with this word about money.
fn exit_of(money_moved: MoneyMoved) -> ExitCode {
    match money_moved {
        MoneyMoved::No => ExitCode::from(EXIT_REFUSED),
        MoneyMoved::Yes => ExitCode::SUCCESS,
        MoneyMoved::Unknown => ExitCode::from(EXIT_UNKNOWN),
    }
}

impl PlaceArgs {
    fn home(&self) -> Result<PathBuf, Problem> {
        let none = || Problem::new(ErrorCode::InvalidInput).with_detail("name the wallet's folder with --home DIR");
        self.home.clone().or_else(WalletConfig::default_home).ok_or_else(none)
    }

    fn config(&self) -> Result<WalletConfig, Problem> {
        let mut config = WalletConfig::new(self.home()?);
        config.trust.clone_from(&self.trust);
        config.key_store = self.key_store;
        config.ca_keys.clone_from(&self.ca_keys);
        config.upkeep = Upkeep::OnDemand;
        Ok(if cfg!(target_os = "linux") { config.or_trust_of(Path::new(SYSTEM_TRUST)) } else { config })
    }

    async fn open(&self) -> Result<Wallet, Problem> {
        self.open_with(self.config()?).await
    }

    /// The wallet, unlocked.
    async fn open_with(&self, config: WalletConfig) -> Result<Wallet, Problem> {
        passphrase::unlocked(Wallet::open(config).await?, self.passphrases()).await
    }

    fn passphrases(&self) -> PassphraseSource {
        PassphraseSource::of(self.passphrase_fd)
    }
}

/// Brings the wallet up to date; without the server it goes on with what it has.
async fn synced(cli: &Cli) -> Result<Wallet, Problem> {
    let wallet = cli.place.open().await?;
    match wallet.sync().await {
        Err(problem) if problem.code == ErrorCode::ServerUnreachable => {
            eprintln!("The payment server cannot be reached; this is what the wallet knew before.");
            Ok(wallet)
        }
        Err(problem) => Err(problem),
        Ok(()) => Ok(wallet),
    }
}

async fn register(cli: &Cli) -> Result<(), Problem> {
    let wallet = cli.place.open().await?;
    wallet.sync().await?;
    print::status(cli.json, &wallet.status().await?);
    Ok(())
}

async fn claim(cli: &Cli, identifier: &str) -> Result<(), Problem> {
    let wallet = cli.place.open().await?;
    wallet.sync().await?;
    let status = wallet.claim_start(identifier.to_owned()).await?;
    if cli.json {
        print::json(&status);
    } else {
        println!(
            "If {identifier} can be reached, a code is on its way. Then: tapseal-wallet confirm {identifier} CODE"
        );
    }
    Ok(())
}

async fn confirm(cli: &Cli, identifier: &str, code: &str, others: OtherDevices) -> Result<(), Problem> {
    let wallet = cli.place.open().await?;
    let (identifier, code) = (identifier.to_owned(), code.to_owned());
    let status = match others {
        OtherDevices::Keep => wallet.claim_confirm(identifier, code).await?,
        OtherDevices::Release => wallet.claim_transfer(identifier, code).await?,
    };
    print::status(cli.json, &status);
    Ok(())
}

async fn inbox(cli: &Cli) -> Result<(), Problem> {
    let wallet = synced(cli).await?;
    print::requests(cli.json, &wallet.inbox().await?);
    Ok(())
}

async fn open(cli: &Cli, link: &str) -> Result<(), Problem> {
    let wallet = cli.place.open().await?;
    wallet.sync().await?;
    print::request(cli.json, &wallet.open_link(link.to_owned()).await?);
    Ok(())
}

async fn scan(cli: &Cli, picture: &std::path::Path) -> Result<(), Problem> {
    use base64::Engine;
    let unreadable = |error: std::io::Error| Problem::new(ErrorCode::CodeUnreadable).with_detail(error.to_string());
    let picture = std::fs::read(picture).map_err(unreadable)?;
    let wallet = cli.place.open().await?;
    wallet.sync().await?;
    let picture = base64::engine::general_purpose::STANDARD.encode(picture);
    print::request(cli.json, &wallet.scan_image(picture).await?);
    Ok(())
}

async fn show(cli: &Cli, id: RequestId) -> Result<(), Problem> {
    let wallet = synced(cli).await?;
    print::request(cli.json, &wallet.show(id).await?);
    Ok(())
}

async fn reject(cli: &Cli, id: RequestId) -> Result<(), Problem> {
    let wallet = synced(cli).await?;
    print::request(cli.json, &wallet.reject(id).await?);
    Ok(())
}

async fn readers(cli: &Cli, reader: Option<String>) -> Result<(), Problem> {
    let readers = open_readers(reader)?;
    let listed = tokio::task::spawn_blocking(move || readers.list()).await;
    print::readers(cli.json, &listed.map_err(|_| Problem::new(ErrorCode::ReaderFailed))?);
    Ok(())
}

/// The readers of this machine, and the one that was named.
fn open_readers(reader: Option<String>) -> Result<Readers, WalletError> {
    let mut config = WalletConfig::new(PathBuf::new());
    config.readers.extend(reader);
    Ok(Readers::new(&config)?)
}

/// Needs only the trust file: given, or pinned in the wallet's folder.
fn verify(cli: &Cli, file: &std::path::Path) -> ExitCode {
    let verified = || -> Result<VerifiedReceipt, Problem> {
        let trust_file = match &cli.place.trust {
            Some(path) => path.clone(),
            None => cli.place.home()?.join(TRUST_FILE),
        };
        let trust = Trust::read(&trust_file)?;
        let unreadable = |error: std::io::Error| Problem::new(ErrorCode::ReceiptInvalid).with_detail(error.to_string());
        let text = std::fs::read_to_string(file).map_err(unreadable)?;
        Ok(VerifiedReceipt::from_json(&text, &trust.roots())?)
    };
    match verified() {
        Ok(receipt) => {
            print::verified(cli.json, &receipt.view());
            ExitCode::SUCCESS
        }
        Err(problem) => {
            print::not_verified(cli.json, &problem);
            ExitCode::FAILURE
        }
    }
}

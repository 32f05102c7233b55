//! The executable `tapseal`: one subcommand a server or tool.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tapseal::keys::{self, DataFolder};
use tapseal::{bank_front, carrier_front, merchant_tool, payment_server, reconciliation, tls, vault};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// The servers of Tapseal and the tools around them.
#[derive(Parser)]
#[command(name = "tapseal", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Keys, certificates and trust files.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Creates the databases, or brings them up to date.
    Migrate {
        /// The data folder.
        #[arg(long)]
        data: PathBuf,
        /// Where the payment server's database is.
        #[command(flatten)]
        database: payment_server::DatabaseOption,
    },
    /// Runs the payment server.
    PaymentServer(payment_server::Options),
    /// The operator's tool for attempts that a person must decide about.
    #[command(subcommand)]
    Review(payment_server::review::Command),
    /// What payers reported as fraud, and deciding about it.
    #[command(subcommand)]
    Reports(payment_server::reports::tool::Command),
    /// The payments of some days as the payment server knows them, for `reconcile`.
    Payments(payment_server::export::ExportOptions),
    /// Has the running payment server tell the banks its totals of a day, and shows whether they agree.
    Totals(payment_server::reconciliation::tool::Options),
    /// Takes a mail that came back, from standard input, for the payment server: what a mail server pipes bounces into.
    Bounce(payment_server::BounceOptions),
    /// The simulated bank's front.
    BankFront(bank_front::command::ServeOptions),
    /// The tools of the simulated bank's staff.
    #[command(subcommand)]
    Bank(bank_front::command::BankCommand),
    /// A vault, which keeps payers' cards under their alias.
    #[command(subcommand)]
    Vault(vault::command::VaultCommand),
    /// A telephone operator's front.
    CarrierFront(carrier_front::command::ServeOptions),
    /// The tools of a telephone operator's staff.
    #[command(subcommand)]
    Carrier(carrier_front::command::CarrierCommand),
    /// The merchant's own tool: signs orders and asks the payment server.
    #[command(subcommand)]
    Merchant(merchant_tool::Command),
    /// Compares what payment server, merchant and bank say of the same payments; the exit status is 0 only when they agree.
    Reconcile(reconciliation::Options),
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Makes every key of a small deployment in one folder.
    Init(keys::InitOptions),
    /// Lists a vault in the keyset; a payment server serves it when it starts next.
    AddVault {
        /// The data folder.
        #[arg(long)]
        dir: PathBuf,
        /// What the vault shows: its vault.json. Compare the fingerprint first.
        entry: PathBuf,
    },
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    tls::install_provider();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    // Every command's future is as large as the largest.
    match Box::pin(run(Cli::parse().command)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tapseal: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Keys(KeysCommand::Init(options)) => init(&options),
        Command::Keys(KeysCommand::AddVault { dir, entry }) => {
            let entry: keys::VaultEntry = keys::read_json(&entry)?;
            let version = keys::list_vault(&DataFolder::new(dir), &entry)?;
            println!("{} is listed in version {version} of the keyset", entry.display_name);
            Ok(())
        }
        Command::Migrate { data, database } => migrate(&data, &database).await,
        Command::PaymentServer(options) => Ok(payment_server::run(options, stop_on_signal()?).await?),
        Command::Review(command) => Ok(payment_server::review::run(command).await?),
        Command::Reports(command) => Ok(payment_server::reports::tool::run(command).await?),
        Command::Payments(options) => payment_server::export::export(&options).await,
        Command::Totals(options) => Ok(payment_server::reconciliation::tool::run(options).await?),
        Command::Bounce(options) => Ok(payment_server::receive_bounce(&options)?),
        Command::BankFront(options) => Box::pin(serve_bank(&options)).await,
        Command::Bank(command) => Ok(bank_front::command::run(command).await?),
        Command::Vault(command) => Ok(vault::command::run(command, stop_on_signal()?).await?),
        Command::CarrierFront(options) => serve_operator(&options).await,
        Command::Carrier(command) => Ok(carrier_front::command::run(command).await?),
        Command::Merchant(command) => Ok(merchant_tool::run(command).await?),
        Command::Reconcile(options) => {
            if reconciliation::run(&options)? {
                Ok(())
            } else {
                Err("the files do not agree".into())
            }
        }
    }
}

async fn migrate(data: &Path, database: &payment_server::DatabaseOption) -> Result<(), Failure> {
    let folder = DataFolder::new(data);
    payment_server::migrate(&folder, database).await?;
    for bank in folder.banks()? {
        bank_front::open_database(&folder.bank_home(&bank)).await?;
    }
    for operator in folder.operators()? {
        carrier_front::open_database(&folder.operator_home(&operator)).await?;
    }
    Ok(())
}

async fn serve_operator(options: &carrier_front::command::ServeOptions) -> Result<(), Failure> {
    let home = options.folder.home()?;
    let tls = tls::mutual_server(home.tls_identity(), &DataFolder::new(&options.folder.data).tls_ca())?;
    Ok(carrier_front::command::serve(options, tls, stop_on_signal()?).await?)
}

async fn serve_bank(options: &bank_front::command::ServeOptions) -> Result<(), Failure> {
    let folder = DataFolder::new(&options.data);
    let tls = tls::mutual_server(folder.bank_home(&options.bank).tls_identity(), &folder.tls_ca())?;
    Ok(Box::pin(bank_front::command::serve(options, tls, stop_on_signal()?)).await?)
}

/// Cancelled at the first SIGTERM or SIGINT.
fn stop_on_signal() -> std::io::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stopping.cancel();
    });
    Ok(stop)
}

fn init(options: &keys::InitOptions) -> Result<(), Failure> {
    let made = keys::init(options)?;
    let folder = DataFolder::new(&options.dir);
    // Each bank's own keys, which only it has.
    for bank in &options.banks {
        bank_front::command::init_keys(&folder.bank_home(&bank.id), &bank.name)?;
    }
    for operator in &options.operators {
        let now_ms = tapseal::clock::signed_ms(tapseal::clock::now_ms());
        carrier_front::keys::init(&folder.operator_home(&operator.id), operator, now_ms)?;
    }
    if options.json {
        println!("{}", serde_json::json!({ "dir": options.dir, "trust": folder.trust(), "made": made }));
    } else if made {
        println!("made {}; a wallet pins {}", options.dir.display(), folder.trust().display());
    } else {
        println!("{} is complete already; nothing was changed", options.dir.display());
    }
    Ok(())
}

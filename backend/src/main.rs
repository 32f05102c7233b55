//! The executable `tapseal`: one subcommand a server or tool.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tapseal::keys::{self, DataFolder};
use tapseal::{merchant_tool, tls};
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
    /// The merchant's own tool: signs orders and asks the payment server.
    #[command(subcommand)]
    Merchant(merchant_tool::Command),
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Makes every key of a small deployment in one folder.
    Init(keys::InitOptions),
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    tls::install_provider();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(Cli::parse().command).await {
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
        Command::Merchant(command) => Ok(merchant_tool::run(command).await?),
    }
}

fn init(options: &keys::InitOptions) -> Result<(), Failure> {
    let made = keys::init(options)?;
    let folder = DataFolder::new(&options.dir);
    if options.json {
        println!("{}", serde_json::json!({ "dir": options.dir, "trust": folder.trust(), "made": made }));
    } else if made {
        println!("made {}; a wallet pins {}", options.dir.display(), folder.trust().display());
    } else {
        println!("{} is complete already; nothing was changed", options.dir.display());
    }
    Ok(())
}

//! A wallet in a process of its own, with its screens and commands over HTTP: for tests and screenshots.

use std::io::Write;
use std::path::PathBuf;

use clap::Parser;
use wallet::Wallet;
use wallet::config::{KeyStoreKind, Upkeep, WalletConfig};

#[derive(Parser)]
struct Options {
    /// The wallet's folder.
    #[arg(long)]
    home: PathBuf,
    /// What the wallet pins.
    #[arg(long)]
    trust: PathBuf,
    /// A reader, as `tapseal-wallet --reader` takes it; may be given again.
    #[arg(long)]
    reader: Vec<String>,
    /// The folder of the web bundle.
    #[arg(long)]
    bundle: PathBuf,
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let mut config = WalletConfig::new(options.home);
    config.trust = Some(options.trust);
    config.key_store = KeyStoreKind::File;
    config.readers = options.reader;
    config.upkeep = Upkeep::Continuous;
    let wallet = Wallet::open(config).await.expect("the wallet opens");
    let address = e2e::bridge::serve(wallet, &options.bundle).await;
    println!("{{\"ready\":\"wallet-bridge\",\"addr\":\"{address}\"}}");
    std::io::stdout().flush().expect("the ready line is read");
    std::future::pending::<()>().await;
}

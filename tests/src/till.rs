//! A merchant's till: a wallet folder of its own that took in the merchant's access file.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Child;
use wallet::{KeyStoreKind, Upkeep, Wallet, WalletConfig};

use crate::process::{self, Finished};
use crate::system::{MERCHANT, System, texts};

/// A merchant with a till.
pub struct Till {
    home: TempDir,
}

impl Till {
    /// A till that is connected to the merchant every test knows. It is told nothing but its access file.
    pub async fn connected(system: &System) -> Self {
        Self::connected_by(system, "access.json").await
    }

    /// A second till of the same merchant.
    pub async fn connected_again(system: &System) -> Self {
        Self::connected_by(system, "access-2.json").await
    }

    async fn connected_by(system: &System, name: &str) -> Self {
        let till = Self { home: TempDir::new().expect("a folder for the till") };
        let file = access_file(system, name).await;
        let connected = till.run(&["connect", path(&file)]).await.success();
        assert_eq!(connected["merchant_id"], MERCHANT);
        till
    }

    /// The till's folder.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs `tapseal-wallet merchant` with these words.
    pub async fn run(&self, words: &[&str]) -> Finished {
        process::run("tapseal-wallet", &self.arguments(words), &[], "").await
    }

    /// The same, without waiting for its end.
    pub async fn start(&self, words: &[&str]) -> Child {
        process::spawn("tapseal-wallet", &self.arguments(words), &[], "").await
    }

    fn arguments(&self, words: &[&str]) -> Vec<String> {
        let mut arguments = texts(&["--json", "--home", path(self.home()), "--key-store", "file", "merchant"]);
        arguments.extend(texts(words));
        arguments
    }

    /// Whether these bytes lie in the till's database or its journal.
    pub fn has_written(&self, bytes: &[u8]) -> bool {
        let files = ["wallet.db", "wallet.db-wal"].map(|name| std::fs::read(self.home().join(name)));
        files.into_iter().flatten().any(|file| file.windows(bytes.len()).any(|window| window == bytes))
    }

    /// The same till inside this process, which follows its sales by itself.
    pub async fn open(&self) -> Wallet {
        let mut config = WalletConfig::new(self.home());
        config.key_store = KeyStoreKind::File;
        config.upkeep = Upkeep::Continuous;
        Wallet::open(config).await.expect("the till opens")
    }

    /// Sells for this amount, with a code alone.
    pub async fn sell(&self, amount: &str) -> Value {
        self.run(&["sell", "--amount", amount]).await.success()
    }
}

/// Writes the merchant's access file.
pub async fn access_file(system: &System, name: &str) -> PathBuf {
    let file = system.folder().join(name);
    let (data, url) = (system.data(), system.server_url());
    let arguments =
        ["merchant", "access", "--data", &data, "--merchant", MERCHANT, "--server", &url, "--out", path(&file)];
    system.tapseal(&arguments).await.success();
    file
}

/// A path as a command line takes it.
pub fn path(path: &Path) -> &str {
    path.to_str().expect("temporary paths are plain")
}

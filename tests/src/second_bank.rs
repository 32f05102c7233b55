//! Another bank beside the system's first: added to the folder, seeded, and connected to the payment server.

use serde_json::Value;

use crate::process::{Finished, Running};
use crate::system::{MERCHANT, System, free_port, texts};

/// The bank, and its front while it runs.
pub struct SecondBank {
    port: u16,
    front: Option<Running>,
}

impl SecondBank {
    /// The bank's id.
    pub const ID: &str = "second";

    /// Makes the bank in the system's folder, which is complete already.
    pub async fn found(system: &System) -> Self {
        let init = ["keys", "init", "--dir", &system.data(), "--bank", "first", "--bank", Self::ID];
        system
            .tapseal(&[&init[..], &["--merchant", &format!("{MERCHANT}:Blue Door Café:5814:US:USD")]].concat())
            .await
            .success();
        system.tapseal(&["migrate", "--data", &system.data()]).await.success();
        Self { port: free_port(), front: None }
    }

    /// The same, with these test cards, its front up, and the payment server started again with a line to it.
    pub async fn join(system: &mut System, cards: &str) -> Self {
        let mut bank = Self::found(system).await;
        bank.seed(system, cards).await.success();
        bank.start(system).await;
        bank.connect(system).await;
        bank
    }

    /// Takes test cards in.
    pub async fn seed(&self, system: &System, cards: &str) -> Finished {
        let words = ["bank", "seed", "--data", &system.data(), "--bank", Self::ID, "--cards", cards, "--json"];
        system.tapseal(&words).await
    }

    /// Starts (again) its front, at the same address.
    pub async fn start(&mut self, system: &System) {
        let listen = format!("127.0.0.1:{}", self.port);
        let words = texts(&["bank-front", "--data", &system.data(), "--bank", Self::ID, "--listen", &listen]);
        self.front = Some(Running::start("tapseal", &words, &system.log("second-bank-front")).await);
    }

    /// Starts the payment server again with a line to it.
    pub async fn connect(&self, system: &mut System) {
        system.server.take().expect("it was started").stop().await;
        system.wish_for_server(&["--bank", &format!("{}=127.0.0.1:{}", Self::ID, self.port)]);
        system.start_server().await;
        self.line_is(system, "up").await;
    }

    /// Kills its front as `kill -9` does.
    pub async fn kill(&mut self) {
        self.front.take().expect("it was started").kill().await;
    }

    /// Waits until the payment server's line to it is `up` or `down`.
    pub async fn line_is(&self, system: &System, state: &str) {
        let is = async || {
            let health = system.public_get("/v1/health").await;
            health.is_some_and(|health| health["banks"][Self::ID] == state)
        };
        system.wait_until(&format!("the second bank's line is {state}"), is).await;
    }

    /// Switches its scripted misfortune while it runs.
    pub async fn scenario(&self, system: &System, name: &str) {
        system.tapseal(&["bank", "scenario", "--data", &system.data(), "--bank", Self::ID, name]).await.success();
    }

    /// Asserts that its ledger sums to zero and the merchant has received exactly `minor` there.
    pub async fn assert_merchant_received(&self, system: &System, minor: i64) {
        let ledger: Value =
            system.tapseal(&["bank", "ledger", "--data", &system.data(), "--bank", Self::ID, "--json"]).await.success();
        let sums = ledger["sums"].as_object().expect("sums per currency");
        assert!(sums.values().all(|sum| sum == 0), "the ledger does not sum to zero: {ledger}");
        let accounts = ledger["accounts"].as_array().expect("accounts are listed");
        let merchants =
            accounts.iter().filter(|account| account["account"].as_str().is_some_and(|name| name.contains(MERCHANT)));
        let received: i64 = merchants
            .map(|account| {
                account["posted_minor"].as_i64().unwrap_or(0) + account["pending_minor"].as_i64().unwrap_or(0)
            })
            .sum();
        assert_eq!(received.abs(), minor, "{ledger}");
    }
}

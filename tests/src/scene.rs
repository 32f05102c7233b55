//! A payment at a bank that plays a script, looked at from every side: wallet, merchant and ledger.

pub mod alias_album;
pub mod bank_album;
pub mod bill_album;
pub mod card_album;
pub mod history_album;
pub mod lock_album;
pub mod merchant;
pub mod merchant_album;
pub mod methods_album;
pub mod page_album;
pub mod pay_album;
pub mod paying;
pub mod settings_album;

use serde_json::Value;

use crate::card::Card;
use crate::hand::Till;
use crate::payer::{PIN, Payer};
use crate::process::Finished;
use crate::system::{Ask, MERCHANT, System, Wishes, texts};

/// The server waits this long for the bank, in milliseconds.
const ANSWER_TIMEOUT_MS: &str = "700";
/// What every seeded account starts with, in minor units.
const OPENING_MINOR: i64 = 100_000;
/// What every request of a scene asks for, in minor units.
const PRICE_MINOR: i64 = 1_280;

/// Servers, a payer with a card, and a till.
pub struct Scene {
    /// The servers.
    pub system: System,
    /// Somebody with a wallet.
    pub payer: Payer,
    /// Their card.
    pub card: Card,
    till: Till,
}

impl Scene {
    /// A bank that plays a script, or one of the words that stand for scripts.
    pub async fn playing(script: &str) -> Self {
        let wishes = Wishes { server: texts(&["--answer-timeout-ms", ANSWER_TIMEOUT_MS]), ..Wishes::default() };
        let system = System::start(wishes).await;
        let (payer, card) = (Payer::new(&system), Card::present(&system, "visa"));
        let scene = Self { payer, card, till: Till::open(&system, MERCHANT), system };
        scene.play(script).await;
        scene
    }

    /// Turns the switch of the running bank.
    pub async fn play(&self, script: &str) {
        if !script.contains('\n') {
            return self.system.scenario(script).await;
        }
        let file = self.system.folder().join("script.toml");
        std::fs::write(&file, script).expect("the script can be written");
        self.system.scenario(file.to_str().expect("temporary paths are plain")).await;
    }

    /// A new request, opened by the payer; its id.
    pub async fn asked(&self) -> String {
        self.payer.open(&self.system.ask(&Ask::default()).await).await
    }

    /// The payer pays it.
    pub async fn pay(&self, request: &str) -> Finished {
        self.payer.pay(request, &self.card, PIN).await
    }

    /// A new request that the payer pays; its id.
    pub async fn paid(&self) -> (String, Finished) {
        let request = self.asked().await;
        let finished = self.pay(&request).await;
        (request, finished)
    }

    /// Asserts how a request ends: the merchant sees `status`, the wallet `phase`, and so many payments have moved
    /// money in all, which the payer lacks, the merchant has, and the ledger balances.
    pub async fn ends(&self, request: &str, status: &str, phase: &str, payments: i64) {
        self.system.wait_for_status(request, status).await;
        let shows = async || self.payer.show(request).await["phase"] == phase;
        self.system.wait_until("the wallet shows the same", shows).await;
        self.system.assert_merchant_received(payments * PRICE_MINOR).await;
        assert_eq!(self.system.balance("cardholder:visa-0050").await, OPENING_MINOR - payments * PRICE_MINOR);
    }

    /// What the merchant was told of a request, in order.
    pub async fn events(&self, request: &str) -> Vec<String> {
        let mut events = Vec::new();
        let mut after = 0;
        loop {
            let page = self.till.call("GET", &format!("/v1/events?after={after}")).await.expect("an answer").body;
            for event in page["events"].as_array().expect("a page of events") {
                after = event["seq"].as_u64().expect("a place");
                if event["request_id"] == request {
                    events.push(event["type"].as_str().expect("a kind").to_owned());
                }
            }
            if page["has_more"] != true {
                return events;
            }
        }
    }

    /// The operator's tool for reviews.
    pub async fn review(&self, words: &[&str]) -> Finished {
        let data = self.system.data();
        let (verb, rest) = words.split_first().expect("a verb");
        let mut arguments = vec!["review", verb, "--json", "--data", &data];
        arguments.extend(rest);
        self.system.tapseal(&arguments).await
    }

    /// The one attempt that waits for a decision.
    pub async fn case(&self) -> String {
        let cases = self.review(&["list"]).await.success();
        let cases = cases["cases"].as_array().expect("a list").clone();
        assert_eq!(cases.len(), 1, "{cases:?}");
        cases[0]["attempt_id"].as_str().expect("an id").to_owned()
    }

    /// Decides a case.
    pub async fn decide(&self, case: &str, step: &str, further: &[&str]) -> Finished {
        let mut words = vec!["decide", case, "--step", step, "--by", "op-7", "--note", "rang the bank"];
        words.extend(further);
        self.review(&words).await
    }
}

/// Whether a step is legal, as a case shows it.
pub fn legal<'a>(case: &'a Value, step: &str) -> &'a str {
    let steps = case["steps"].as_array().expect("steps");
    let found = steps.iter().find(|view| view["step"] == step).expect("every step is listed");
    found["legal"].as_str().expect("words")
}

//! Tapseal's servers on this machine: keys, databases, bank front, payment server, and a merchant.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::postgres::Database;
use crate::process::{self, Finished, Running};
use crate::tap::Tap;

/// The merchant every test knows.
pub const MERCHANT: &str = "blue-door";
/// How long the system may take to reach a state a test waits for.
const STATE_WAIT: Duration = Duration::from_mins(1);
/// The pause between two looks at a state that another process reaches.
const STATE_POLL: Duration = Duration::from_millis(50);

/// What a test wants otherwise than usual.
#[derive(Clone, Default)]
pub struct Wishes {
    /// Extra arguments for the bank front.
    pub bank: Vec<String>,
    /// Extra arguments for the payment server.
    pub server: Vec<String>,
    /// Extra arguments for `bank seed`.
    pub seed: Vec<String>,
    /// Whether everything between the parties passes through recording taps.
    pub taps: Taps,
    /// The PostgreSQL server for the payment server's database, in place of the environment's or a file.
    pub postgres: Option<String>,
}

/// Whether traffic is recorded.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Taps {
    /// The parties talk directly.
    #[default]
    Off,
    /// Wallet to server, and server to bank, each through a [`Tap`].
    On,
}

/// A request to a payer, as a merchant words it.
#[derive(Clone)]
pub struct Ask {
    /// Decimal amount.
    pub amount: &'static str,
    /// ISO 4217 code.
    pub currency: &'static str,
    /// The merchant's reference.
    pub order: String,
    /// How long it may be paid, in seconds.
    pub expires_s: u32,
    /// Whom to ask by e-mail.
    pub email: Option<String>,
    /// Whom to ask by phone.
    pub phone: Option<String>,
    /// Whom to ask by a payment number.
    pub payment_number: Option<String>,
    /// The lines, as `NAME:QUANTITY:TOTAL`.
    pub items: &'static [&'static str],
    /// The ways it may be paid; none for every way.
    pub methods: &'static [&'static str],
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            amount: "12.80",
            currency: "USD",
            order: "A-1042".into(),
            expires_s: 300,
            email: None,
            phone: None,
            payment_number: None,
            items: &[],
            methods: &[],
        }
    }
}

/// The running servers.
pub struct System {
    folder: TempDir,
    wishes: Wishes,
    server_port: u16,
    /// The bank front.
    pub bank: Option<Running>,
    /// The payment server.
    pub server: Option<Running>,
    /// Between wallet and payment server.
    pub http_tap: Option<Tap>,
    /// Between payment server and bank front.
    pub bank_tap: Option<Tap>,
    /// The payment server's database, when it is not a file. It goes after the servers.
    pub database: Option<Database>,
}

impl System {
    /// Makes keys and databases and starts both servers.
    pub async fn start(wishes: Wishes) -> Self {
        let (mut system, public_port) = Self::with_keys(wishes).await;
        system.tapseal(&["migrate", "--data", &system.data()]).await.success();
        system.start_all(public_port).await;
        system
    }

    /// Makes keys and nothing else; also the port that clients are told.
    pub async fn with_keys(wishes: Wishes) -> (Self, u16) {
        let folder = TempDir::new().expect("a folder for the test");
        let server_port = free_port();
        let database = wishes.postgres.as_deref().map(Database::on).or_else(Database::wanted);
        let system =
            Self { folder, wishes, server_port, bank: None, server: None, http_tap: None, bank_tap: None, database };
        let public_port = if system.wishes.taps == Taps::On { free_port() } else { server_port };
        let merchant = format!("{MERCHANT}:Blue Door Café:5814:US:USD");
        let url = format!("https://127.0.0.1:{public_port}");
        system
            .tapseal(&["keys", "init", "--dir", &system.data(), "--merchant", &merchant, "--public-url", &url])
            .await
            .success();
        (system, public_port)
    }

    /// Seeds the bank and starts both servers on databases that are there.
    pub async fn start_all(&mut self, public_port: u16) {
        let system = self;
        let server_port = system.server_port;
        system.open_bank().await;
        if system.wishes.taps == Taps::On {
            let bank = system.bank.as_ref().expect("just started").address();
            system.bank_tap = Some(Tap::between_server_and_bank(system.folder(), &bank).await);
            let server = format!("127.0.0.1:{server_port}");
            system.http_tap = Some(Tap::between_wallet_and_server(system.folder(), public_port, &server).await);
        }
        system.start_server().await;
    }

    /// Seeds the bank and starts its front.
    pub async fn open_bank(&mut self) {
        let data = self.data();
        let mut seed = vec!["bank", "seed", "--data", &data];
        seed.extend(self.wishes.seed.iter().map(String::as_str));
        self.tapseal(&seed).await.success();
        self.start_bank().await;
    }

    /// Whether what passes between the parties is recorded.
    pub fn is_tapped(&self) -> bool {
        self.wishes.taps == Taps::On
    }

    /// What the programs are told through their environment: where the payment server's database is.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        self.database.iter().map(|database| ("TAPSEAL_DATABASE", database.address())).collect()
    }

    /// The folder everything is kept in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The same, as text for a command line.
    pub fn data(&self) -> String {
        self.folder.path().to_str().expect("temporary paths are plain").to_owned()
    }

    /// What a wallet pins.
    pub fn trust(&self) -> PathBuf {
        self.folder.path().join("trust.json")
    }

    /// Starts (again) the bank front with the test's wishes.
    pub async fn start_bank(&mut self) {
        self.bank = Some(Running::start("tapseal", &self.bank_arguments(), &self.log("bank-front")).await);
    }

    /// What the bank front is started with.
    pub fn bank_arguments(&self) -> Vec<String> {
        let port = self.bank_port();
        let mut arguments = texts(&["bank-front", "--data", &self.data(), "--listen", &format!("127.0.0.1:{port}")]);
        arguments.extend(self.wishes.bank.clone());
        arguments
    }

    /// Starts (again) the payment server with the test's wishes, and waits until it has heard from the bank.
    pub async fn start_server(&mut self) {
        self.launch_server().await;
        self.wait_until("the bank is signed on", async || self.keyset_lists_a_bank().await).await;
    }

    /// Starts (again) the payment server; the bank may be away.
    pub async fn launch_server(&mut self) {
        self.server = Some(self.launch_replica(&self.server_arguments(), "payment-server").await);
    }

    /// Starts a payment server with these arguments on the system's database.
    pub async fn launch_replica(&self, arguments: &[String], log: &str) -> Running {
        Running::start_in("tapseal", arguments, &self.environment(), &self.log(log)).await
    }

    /// What the payment server is started with.
    pub fn server_arguments(&self) -> Vec<String> {
        self.server_arguments_at(&format!("127.0.0.1:{}", self.server_port))
    }

    /// What a payment server is started with that listens there.
    pub fn server_arguments_at(&self, listen: &str) -> Vec<String> {
        let bank = match &self.bank_tap {
            Some(tap) => tap.address(),
            None => format!("127.0.0.1:{}", self.bank_port()),
        };
        let mail = self.folder().join("mail");
        let mail = mail.to_str().expect("temporary paths are plain");
        let mut arguments = texts(&["payment-server", "--data", &self.data(), "--listen", listen, "--bank", &bank]);
        if !self.wishes.server.iter().any(|word| word == "--smtp") {
            arguments.extend(texts(&["--mail-dir", mail]));
        }
        arguments.extend(self.wishes.server.clone());
        arguments
    }

    /// Gives the payment server further arguments from its next start on.
    pub fn wish_for_server(&mut self, words: &[&str]) {
        self.wishes.server.extend(texts(words));
    }

    /// Takes back the extra arguments for the payment server, for the next start.
    pub fn forget_server_wishes(&mut self) {
        self.wishes.server.clear();
    }

    pub(crate) async fn keyset_lists_a_bank(&self) -> bool {
        let answer = self.public_get("/v1/keyset").await;
        answer.is_some_and(|view| view["bank_certificates"].as_array().is_some_and(|list| !list.is_empty()))
    }

    /// A public answer of the payment server, straight from it.
    pub async fn public_get(&self, path: &str) -> Option<Value> {
        let url = format!("https://127.0.0.1:{}{path}", self.server_port);
        let answer = crate::tap::https_client(self.folder()).get(url).send().await.ok()?;
        answer.json().await.ok()
    }

    /// The address of the payment server itself, without a tap.
    pub fn server_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.server_port)
    }

    /// The bank front's address.
    pub fn bank_address(&self) -> String {
        format!("127.0.0.1:{}", self.bank_port())
    }

    fn bank_port(&self) -> u16 {
        stored_port(self.folder())
    }

    /// The log file of a part.
    pub fn log(&self, part: &str) -> PathBuf {
        let folder = self.folder().join("logs");
        std::fs::create_dir_all(&folder).expect("a folder for logs");
        folder.join(format!("{part}.log"))
    }

    /// Runs the `tapseal` program to its end.
    pub async fn tapseal(&self, arguments: &[&str]) -> Finished {
        process::run("tapseal", &texts(arguments), &self.environment(), "").await
    }

    /// The merchant asks for money; answers the created request's view.
    pub async fn ask(&self, ask: &Ask) -> Value {
        self.try_ask(ask).await.success()
    }

    /// The merchant asks for money, and may be refused.
    pub async fn try_ask(&self, ask: &Ask) -> Finished {
        let (data, expires) = (self.data(), ask.expires_s.to_string());
        let url = self.server_url();
        let mut arguments = vec!["merchant", "request", "--json", "--data", &data, "--server", &url];
        arguments.extend(["--merchant", MERCHANT, "--amount", ask.amount, "--currency", ask.currency]);
        arguments.extend(["--order", &ask.order, "--expires-s", &expires]);
        if let Some(email) = &ask.email {
            arguments.extend(["--email", email]);
        }
        if let Some(phone) = &ask.phone {
            arguments.extend(["--phone", phone]);
        }
        if let Some(number) = &ask.payment_number {
            arguments.extend(["--payment-number", number]);
        }
        for item in ask.items {
            arguments.extend(["--item", item]);
        }
        for method in ask.methods {
            arguments.extend(["--method", method]);
        }
        self.tapseal(&arguments).await
    }

    /// The request as the merchant sees it.
    pub async fn shown_to_merchant(&self, request_id: &str) -> Value {
        let (data, url) = (self.data(), self.server_url());
        let arguments =
            ["merchant", "show", "--json", "--data", &data, "--server", &url, "--merchant", MERCHANT, request_id];
        self.tapseal(&arguments).await.success()
    }

    /// The merchant withdraws a request.
    pub async fn cancel(&self, request_id: &str) -> Finished {
        let (data, url) = (self.data(), self.server_url());
        let arguments =
            ["merchant", "cancel", "--json", "--data", &data, "--server", &url, "--merchant", MERCHANT, request_id];
        self.tapseal(&arguments).await
    }

    /// Waits until the merchant sees the request in `status`.
    pub async fn wait_for_status(&self, request_id: &str, status: &str) -> Value {
        self.wait_until(status, async || self.shown_to_merchant(request_id).await["status"] == status).await;
        self.shown_to_merchant(request_id).await
    }

    /// Waits until `holds` answers true.
    ///
    /// # Panics
    /// When it does not within a minute.
    pub async fn wait_until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let started = Instant::now();
        while !holds().await {
            assert!(started.elapsed() < STATE_WAIT, "waited too long until: {what}\n{}", self.logs());
            tokio::time::sleep(STATE_POLL).await;
        }
    }

    /// Every log so far, for a failing test's message.
    pub fn logs(&self) -> String {
        let parts = ["bank-front", "payment-server"];
        let read = |part: &str| std::fs::read_to_string(self.log(part)).unwrap_or_default();
        parts.map(|part| format!("--- {part}\n{}", read(part))).join("\n")
    }

    /// The bank's ledger: its sums per currency, and its accounts.
    pub async fn ledger(&self) -> Value {
        self.tapseal(&["bank", "ledger", "--data", &self.data(), "--json"]).await.success()
    }

    /// What an account holds posted and pending, in minor units; the account's name contains `name`.
    pub async fn balance(&self, name: &str) -> i64 {
        let ledger = self.ledger().await;
        let accounts = ledger["accounts"].as_array().expect("accounts are listed").clone();
        let named = |account: &&Value| account["account"].as_str().is_some_and(|text| text.contains(name));
        let found: Vec<&Value> = accounts.iter().filter(named).collect();
        assert!(!found.is_empty(), "no account named {name} in {ledger}");
        let of = |account: &Value, key: &str| account[key].as_i64().unwrap_or(0);
        found.iter().map(|account| of(account, "posted_minor") + of(account, "pending_minor")).sum()
    }

    /// Asserts that the ledger sums to zero and the merchant has received exactly `minor`.
    pub async fn assert_merchant_received(&self, minor: i64) {
        let ledger = self.ledger().await;
        let sums = ledger["sums"].as_object().expect("sums per currency");
        assert!(sums.values().all(|sum| sum == 0), "the ledger does not sum to zero: {ledger}");
        assert_eq!(self.balance(MERCHANT).await.abs(), minor, "{ledger}");
    }

    /// Every e-mail so far, oldest first.
    pub fn mail(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.folder().join("mail")) else { return Vec::new() };
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
        paths.sort();
        paths.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect()
    }

    /// The six digits in the last e-mail that claims this address.
    pub async fn claim_code(&self, address: &str) -> String {
        self.claim_code_after(address, 0).await
    }

    /// The same in the last of them, once there are more than so many.
    pub async fn claim_code_after(&self, address: &str, known: usize) -> String {
        self.wait_until("the code has been sent", async || self.claim_codes(address).len() > known).await;
        self.claim_codes(address).pop().expect("it was there a moment ago")
    }

    /// The codes that were sent to this address, in their order.
    pub fn claim_codes(&self, address: &str) -> Vec<String> {
        let code = |mail: &String| {
            let mut words = mail.split(|character: char| !character.is_ascii_digit());
            words.rfind(|word| word.len() == 6).map(str::to_owned)
        };
        let mails = self.mail();
        mails.iter().filter(|mail| mail.contains(address) && !mail.contains("/r/")).filter_map(code).collect()
    }

    /// The six digits in the text message of this place among those to the number, counted from 0.
    pub async fn texted_code(&self, number: &str, place: usize) -> String {
        let code = || {
            let entries = std::fs::read_dir(self.folder().join("sms")).ok()?;
            let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
            paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
            paths.sort();
            let texts = paths.iter().filter_map(|path| serde_json::from_slice(&std::fs::read(path).ok()?).ok());
            let is_code =
                |text: &Value| text["to"] == number && !text["text"].as_str().is_some_and(|t| t.contains("/r/"));
            let text = texts.filter(is_code).nth(place)?;
            Some(text["text"].as_str()?.chars().filter(char::is_ascii_digit).take(6).collect::<String>())
        };
        self.wait_until("the code has been texted", async || code().is_some()).await;
        code().expect("it was there a moment ago")
    }

    /// Switches the bank front's scripted misfortune while it runs.
    pub async fn scenario(&self, name: &str) {
        self.tapseal(&["bank", "scenario", "--data", &self.data(), name]).await.success();
    }
}

/// Owned copies of command-line words.
pub fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A port nobody listens on now, and none that the system gives to whoever asks for any: those are taken again at once by the
/// connections of tests that run beside this one.
pub fn free_port() -> u16 {
    loop {
        let drawn = u16::from_be_bytes(crate::hand::random());
        let port = 12_000 + drawn % 20_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// The bank front keeps its port over restarts, so that the payment server finds it again.
fn stored_port(folder: &Path) -> u16 {
    let path = folder.join("bank-port");
    if let Some(port) = std::fs::read_to_string(&path).ok().and_then(|text| text.parse().ok()) {
        return port;
    }
    let port = free_port();
    std::fs::write(&path, port.to_string()).expect("the folder can be written");
    port
}

//! Two payment servers on one PostgreSQL behind one address: either is killed and the database is restarted while
//! payers pay, and nothing is lost or doubled.

use std::sync::Arc;
use std::time::Duration;

use e2e::balancer::Balancer;
use e2e::hand::{Hand, Till};
use e2e::plastic;
use e2e::postgres::Cluster;
use e2e::process::Running;
use e2e::system::{Ask, MERCHANT, System, Wishes, free_port, texts};
use e2e::torture::client::{Clients, Progress};
use e2e::torture::payer::LoadPayer;
use e2e::torture::plan::Draw;
use e2e::torture::purse::Purse;
use e2e::torture::record::Record;
use e2e::torture::{OPENING_MINOR, audit, settle};
use tempfile::TempDir;
use wallet::Wallet;
use wallet::config::{KeyStoreKind, Upkeep, WalletConfig};

const ADDRESS: &str = "ann@example.com";
/// Payers under load.
const PAYERS: usize = 3;
/// Answered calls between two blows.
const CALLS_BETWEEN: u64 = 60;
/// How long a blow waits for the next answer before it falls all the same.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long news may take from one server to a stream at the other: far less than the streams' own looks are apart.
const NEWS_WAIT: Duration = Duration::from_secs(8);
/// The seed of what the payers do.
const SEED: u64 = 20_261_126;

/// Two servers, their database and their bank.
struct Replicas {
    system: System,
    servers: [Option<Running>; 2],
    addresses: [String; 2],
    /// Which port clients are told.
    public_port: u16,
    // After everything that has connections to it.
    cluster: Cluster,
}

impl Replicas {
    /// Both up, and nothing in front of them yet.
    async fn start() -> Self {
        let cluster = Cluster::start();
        let cards = TempDir::new().expect("a folder for cards");
        let file = cards.path().join("cards.json");
        plastic::write_profiles(&(0..PAYERS).map(plastic::card).collect::<Vec<_>>(), &file);
        let opening = OPENING_MINOR.to_string();
        let wishes = Wishes {
            seed: texts(&[
                "--card-profiles",
                file.to_str().expect("temporary paths are plain"),
                "--limit-minor",
                &opening,
                "--day-limit-minor",
                &opening,
                "--balance-minor",
                &opening,
            ]),
            server: texts(&["--answer-timeout-ms", "2000"]),
            postgres: Some(cluster.address()),
            ..Wishes::default()
        };
        let (mut system, public_port) = System::with_keys(wishes).await;
        system.open_bank().await;
        let addresses = [0, 1].map(|_| format!("127.0.0.1:{}", free_port()));
        let mut replicas = Self { system, servers: [None, None], addresses, public_port, cluster };
        // Both bring the schema up to date at the same time.
        let (first, second) = tokio::join!(replicas.launched(0), replicas.launched(1));
        replicas.servers = [Some(first), Some(second)];
        replicas
    }

    async fn launched(&self, number: usize) -> Running {
        let arguments = self.system.server_arguments_at(&self.addresses[number]);
        self.system.launch_replica(&arguments, &format!("payment-server-{number}")).await
    }

    /// Puts these servers behind the one address that clients know, and waits until their bank is known there.
    async fn behind_one_address(&self, numbers: &[usize]) -> Balancer {
        let servers = numbers.iter().map(|number| self.addresses[*number].clone()).collect();
        let balancer = Balancer::start(self.public_port, servers).await;
        let view = async || self.system.public_get("/v1/keyset").await;
        let is_listed = async || {
            view().await.is_some_and(|view| view["bank_certificates"].as_array().is_some_and(|list| !list.is_empty()))
        };
        self.system.wait_until("the bank is signed on", is_listed).await;
        balancer
    }

    async fn kill(&mut self, number: usize) {
        self.servers[number].take().expect("it runs").kill().await;
    }

    async fn launch(&mut self, number: usize) {
        self.servers[number] = Some(self.launched(number).await);
    }

    fn count(&self, sql: &str) -> i64 {
        let database = self.system.database.as_ref().expect("there is one");
        self.cluster.ask(database, sql).parse().expect("a number")
    }
}

/// A real wallet that has claimed the address, with its stream open.
async fn wallet(system: &System) -> (Wallet, TempDir) {
    let home = TempDir::new().expect("a folder for the wallet");
    let mut config = WalletConfig::new(home.path().to_owned());
    config.trust = Some(system.trust());
    config.key_store = KeyStoreKind::File;
    config.upkeep = Upkeep::Continuous;
    let wallet = Wallet::open(config).await.expect("the wallet opens");
    wallet.claim_start(ADDRESS.to_owned()).await.expect("a code is asked for");
    let code = system.claim_code(ADDRESS).await;
    wallet.claim_confirm(ADDRESS.to_owned(), code).await.expect("the code is right");
    (wallet, home)
}

async fn has(wallet: &Wallet, request_id: payment::RequestId) -> bool {
    wallet.inbox().await.expect("the inbox is read").iter().any(|request| request.request_id == request_id)
}

#[tokio::test]
async fn what_is_asked_at_one_server_is_heard_at_the_other() {
    let replicas = Replicas::start().await;
    let _balancer = replicas.behind_one_address(&[0]).await;
    let (wallet, _home) = wallet(&replicas.system).await;
    let till = Till::open(&replicas.system, MERCHANT).at(format!("https://{}", replicas.addresses[1]));
    let letter = till.sign(&Ask::default());
    let asked = till.ask_address(&letter, ADDRESS).await.unwrap();
    assert_eq!(asked.status, 201, "{asked:?}");
    let heard = replicas.system.wait_until("it is heard", async || has(&wallet, letter.order.request_id).await);
    tokio::time::timeout(NEWS_WAIT, heard).await.expect("news travel faster than a stream looks by itself");
    wallet.close().await;
}

#[tokio::test]
async fn either_server_killed_and_the_database_restarted_lose_and_double_nothing() {
    let mut replicas = Replicas::start().await;
    let _balancer = replicas.behind_one_address(&[0, 1]).await;
    let (wallet, _home) = wallet(&replicas.system).await;
    let (progress, record) = (Arc::new(Progress::default()), Arc::new(Record::default()));
    let clients = async || Clients {
        till: Till::open(&replicas.system, MERCHANT),
        hand: Hand::register(&replicas.system).await,
        progress: Arc::clone(&progress),
    };
    let mut payers = Vec::new();
    for number in 0..PAYERS {
        let draw = Draw::new(SEED, 1 + number as u64);
        let payer = LoadPayer {
            number,
            purse: Purse::with_card(number),
            draw,
            clients: clients().await,
            record: Arc::clone(&record),
        };
        payers.push(tokio::spawn(payer.run()));
    }
    let till = Till::open(&replicas.system, MERCHANT);
    let mut asked = Vec::new();
    for blow in 0..6 {
        progress.wait_for(CALLS_BETWEEN, PATIENCE).await;
        match blow {
            2 | 5 => {
                replicas.cluster.stop_at_once();
                replicas.cluster.start_again();
            }
            _ => {
                let victim = blow % 2;
                replicas.kill(victim).await;
                // The other one does the work meanwhile.
                progress.wait_for(CALLS_BETWEEN, PATIENCE).await;
                replicas.launch(victim).await;
            }
        }
        // Asked at the worst time, and repeated with the same key until it is answered.
        let letter = till.sign(&Ask { order: format!("W-{blow}"), ..Ask::default() });
        let created = async || till.ask_address(&letter, ADDRESS).await.is_some_and(|answer| answer.status == 201);
        replicas.system.wait_until("the request is stored", created).await;
        asked.push(letter.order.request_id);
    }
    progress.close();
    let mut clients = Vec::new();
    for payer in payers {
        clients.push(payer.await.expect("a payer comes to its end").0);
    }
    // The wallet was never told to look: its stream came back by itself, and missed nothing.
    for request_id in &asked {
        replicas.system.wait_until("the wallet has it", async || has(&wallet, *request_id).await).await;
    }
    wallet.close().await;
    settle(&clients, &record).await;

    let openings: Vec<_> = (0..PAYERS).flat_map(|payer| Purse::with_card(payer).opening(OPENING_MINOR)).collect();
    let verdict = audit::audit(&replicas.system, None, &clients, &record.requests().await, &openings).await;
    assert!(verdict.findings.is_empty(), "{:#?}", verdict.findings);
    assert_eq!((verdict.lost, verdict.doubled, verdict.open), (0, 0, 0), "{verdict:?}");
    assert!(verdict.paid > 20, "the run paid too little to say anything: {verdict:?}");

    // The journal is one chain without a gap, and tells of each payment once; no trace number was given out twice.
    assert_eq!(replicas.count("SELECT MAX(seq) - COUNT(*) FROM event"), 0);
    let told = "SELECT COUNT(*) FROM event WHERE kind = 'request.paid'";
    let paid = "SELECT COUNT(*) FROM payment_request WHERE state = 'paid'";
    assert_eq!(replicas.count(told), replicas.count(paid));
    assert_eq!(
        replicas.count("SELECT COUNT(*) - COUNT(DISTINCT state_attempt_id) FROM payment_request WHERE state = 'paid'"),
        0
    );
    assert_eq!(replicas.count("SELECT COUNT(*) - COUNT(DISTINCT stan) FROM attempt"), 0);
    // Each request to the wallet's address was mailed, and at most once more than that.
    assert_eq!(replicas.count("SELECT COUNT(*) FROM delivery WHERE channel = 'email' AND status = 'queued'"), 0);
    let mails = replicas.system.mail().iter().filter(|mail| mail.contains("/r/")).count();
    assert!((asked.len()..=2 * asked.len()).contains(&mails), "{mails} mails for {} requests", asked.len());
    // A journal that was written by two servers and three more starts is one that a server starts on.
    replicas.kill(0).await;
    replicas.launch(0).await;
}

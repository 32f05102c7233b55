//! The example shop, followed from the first page to a paid order, and a webhook that somebody else made.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use e2e::card::Card;
use e2e::payer::{PIN, Payer};
use e2e::process::program;
use e2e::system::{MERCHANT, System, Wishes, free_port, texts};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The Python that has `requests`; `cargo xtask test` sets it.
const PYTHON_EXPECTED: &str = "TAPSEAL_TEST_PYTHON";
/// How long the shop may take to start.
const READY_WAIT: Duration = Duration::from_secs(30);

struct Shop {
    url: String,
    client: reqwest::Client,
    _child: Child,
}

impl Shop {
    /// Registers the shop's webhook at the server and starts it with the secret.
    async fn open(system: &System, python: OsString) -> Self {
        let address = format!("127.0.0.1:{}", free_port());
        let url = format!("http://{address}");
        let key = std::fs::read_to_string(system.folder().join("merchants").join(MERCHANT).join("api-key"));
        let registered = e2e::tap::https_client(system.folder())
            .post(format!("{}/v1/webhooks", system.server_url()))
            .bearer_auth(key.expect("the merchant's key").trim())
            .header("idempotency-key", "the-shop")
            .json(&json!({ "url": format!("{url}/webhook"), "events": ["request.*"] }))
            .send()
            .await
            .expect("the server answers");
        assert_eq!(registered.status(), 201, "{}", system.logs());
        let webhook: Value = registered.json().await.expect("JSON");
        let secret = system.folder().join("webhook-secret");
        std::fs::write(&secret, webhook["secret"].as_str().expect("told once")).expect("the folder is ours");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/shop/shop.py");
        let mut child = Command::new(python)
            .arg(script)
            .arg("--tapseal")
            .arg(program("tapseal"))
            .args(["--data", &system.data(), "--merchant", MERCHANT, "--server", &system.server_url()])
            .args(["--listen", &address])
            .arg("--webhook-secret-file")
            .arg(secret)
            .arg("--orders")
            .arg(system.folder().join("orders.db"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the shop starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let ready =
            tokio::time::timeout(READY_WAIT, lines.next_line()).await.expect("in time").expect("it can be read");
        assert!(ready.is_some_and(|line| line.contains("ready")), "the shop says that it is ready");
        Self { url, client: reqwest::Client::new(), _child: child }
    }

    /// Buys as a browser does; the address of the order's page.
    async fn buy(&self) -> String {
        let front = self.client.get(&self.url).send().await.expect("the shop answers").text().await.expect("a page");
        assert!(front.contains("Buy for 12.80 USD"), "{front}");
        let bought = self.client.post(format!("{}/buy", self.url)).send().await.expect("the shop answers");
        assert_eq!(bought.status(), 200, "the browser was sent on to the order");
        bought.url().to_string()
    }

    async fn order(&self, page: &str) -> Value {
        self.client.get(format!("{page}.json")).send().await.expect("the shop answers").json().await.expect("JSON")
    }

    /// A webhook with these headers; whether the shop took it.
    async fn told(&self, id: &str, time_s: u64, signature: &str, body: &str) -> bool {
        let call = self.client.post(format!("{}/webhook", self.url)).header("webhook-id", id);
        let call = call.header("webhook-timestamp", time_s.to_string()).header("webhook-signature", signature);
        call.body(body.to_owned()).send().await.expect("the shop answers").status().is_success()
    }
}

#[tokio::test]
async fn the_example_shop_is_paid_by_a_wallet_and_by_no_forged_webhook() {
    let Some(python) = std::env::var_os(PYTHON_EXPECTED) else {
        eprintln!("{PYTHON_EXPECTED} is not set: no Python with requests is expected here");
        return;
    };
    let server = texts(&["--webhook-allow-http", "--webhook-allow-private"]);
    let system = System::start(Wishes { server, ..Wishes::default() }).await;
    let shop = Shop::open(&system, python).await;
    let page = shop.buy().await;
    let order = shop.order(&page).await;
    assert_eq!(order["status"], "waiting", "{order}");
    let payer = Payer::new(&system);
    let request = payer.open(&order).await;
    let view = payer.show(&request).await;
    let words = order["words"].as_str().expect("two words");
    assert!(words.split(' ').all(|word| view["match_words"].to_string().contains(word)), "{words} {view}");

    let paid = json!({ "type": "request.paid", "timestamp": "2026-01-01T00:00:00Z",
        "data": { "id": request, "amount": { "minor": 1280, "currency": "USD" } } })
    .to_string();
    let now_s = e2e::hand::now_ms() / 1_000;
    let made_up = format!("v1,{}", STANDARD.encode([7; 32]));
    for signature in [made_up.as_str(), "v1,", "", "v2,AAAA"] {
        assert!(!shop.told("forged", now_s, signature, &paid).await, "{signature}");
    }
    assert_eq!(shop.order(&page).await["status"], "waiting", "a forged webhook pays for nothing");

    let card = Card::present(&system, "visa");
    let outcome = payer.pay(&request, &card, PIN).await;
    assert_eq!(outcome.code, 0, "{outcome:?}");
    system.wait_until("the shop was told", async || shop.order(&page).await["status"] == "paid").await;
    system.assert_merchant_received(1_280).await;
    let another = shop.buy().await;
    assert_eq!(shop.order(&another).await["status"], "waiting", "each order is its own");
}

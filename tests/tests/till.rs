//! A wallet as a merchant's till: it sells, sees that it was paid, gives back and closes its day.

use std::path::PathBuf;

use e2e::card::Card;
use e2e::payer::{PIN, Payer, code};
use e2e::system::{System, Wishes};
use e2e::till::{Till, access_file, path};
use payment::Amount;
use protocol::mpm::MerchantCode;
use serde_json::{Value, json};

/// Set by `cargo xtask test`: an interpreter with the implementation that ours is compared with.
const PYTHON_EXPECTED: &str = "TAPSEAL_TEST_PYTHON";

/// Opens a sale's link and pays it.
async fn pay(system: &System, payer: &Payer, sale: &Value) -> String {
    let request = payer.open(&json!({ "link": sale["qr"]["link"] })).await;
    let card = Card::present(system, "visa");
    let paid = payer.pay(&request, &card, PIN).await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    request
}

#[tokio::test]
async fn a_till_sells_and_sees_by_itself_that_it_was_paid() {
    let system = System::start(Wishes::default()).await;
    let till = Till::connected(&system).await;
    let sale = till.sell("12.80").await;
    assert_eq!(sale["summary"]["amount"], json!({ "minor": 1280, "currency": "USD" }));
    assert!(sale["qr"]["link_svg"].as_str().is_some_and(|svg| svg.contains("<svg")), "{sale}");

    let open = till.open().await;
    let before = open.watch(0).await.unwrap();
    let payer = Payer::new(&system);
    let request = pay(&system, &payer, &sale).await;
    let mut seen = before.clone();
    while seen.sales_version == before.sales_version || till_state(&open, &request).await != "paid" {
        seen = open.watch(seen.seq).await.unwrap();
    }
    let shown = open.sale(request.parse().unwrap()).await.unwrap();
    assert!(shown.qr.is_none(), "a code that leads nowhere any more is gone");
    assert_eq!(shown.match_words.to_vec(), serde_json::from_value::<Vec<String>>(sale["match_words"].clone()).unwrap());
    open.close().await;
    system.assert_merchant_received(1280).await;
}

async fn till_state(open: &wallet::Wallet, request: &str) -> String {
    open.sale(request.parse().expect("an id")).await.expect("the sale is known").summary.state.name().to_owned()
}

#[tokio::test]
async fn an_access_file_of_another_operator_is_refused_and_nothing_of_it_is_kept() {
    let system = System::start(Wishes::default()).await;
    let (other, _) = System::with_keys(Wishes::default()).await;
    let file = access_file(&other, "foreign.json").await;
    let till = Till::connected(&system).await;
    let refused = till.run(&["connect", path(&file)]).await;
    assert_eq!(code(&refused), "access_file_invalid", "{refused:?}");
    let secret: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let said = format!("{refused:?}");
    for member in ["signing_key", "api_key"] {
        assert!(!said.contains(secret[member].as_str().unwrap()), "the {member} was repeated");
    }
    // The till it was before is still one.
    assert_eq!(till.run(&["show"]).await.success()["merchant_id"], "blue-door");
    till.run(&["disconnect"]).await;
    assert_eq!(code(&till.run(&["sell", "--amount", "1"]).await), "no_merchant");
}

#[tokio::test]
async fn the_code_of_an_open_sale_survives_a_restart_of_the_till() {
    let system = System::start(Wishes::default()).await;
    let till = Till::connected(&system).await;
    let sale = till.sell("3.50").await;
    let id = sale["summary"]["request_id"].as_str().unwrap();
    // Each command is a run of its own.
    let again = till.run(&["sale", id]).await.success();
    assert_eq!(again["qr"], sale["qr"]);
    let key = sale["qr"]["link"].as_str().unwrap().split_once('#').unwrap().1;
    assert!(till.has_written(id.as_bytes()), "the sale is kept");
    assert!(!till.has_written(key.as_bytes()), "the link's key lies there in clear");
}

#[tokio::test]
async fn a_counter_code_leads_to_whatever_the_till_asks_for_now() {
    let system = System::start(Wishes::default()).await;
    let till = Till::connected(&system).await;
    let counter = till.run(&["counters", "--new", "Till 2"]).await.success();
    let (id, link) = (counter["id"].as_str().unwrap(), counter["link"].as_str().unwrap());
    assert!(link.contains("/c/") && counter["qr_svg"].as_str().is_some_and(|svg| svg.contains("<svg")), "{counter}");

    let payer = Payer::new(&system);
    let nothing = payer.wallet(&["open", link], "").await;
    assert_eq!(code(&nothing), "not_found", "nothing is asked for yet: {nothing:?}");
    for amount in ["4.20", "9.90"] {
        let sale = till.run(&["sell", "--amount", amount, "--counter", id]).await.success();
        let shown = payer.wallet(&["open", link], "").await.success();
        assert_eq!(shown["request_id"], sale["summary"]["request_id"]);
        let card = Card::present(&system, "visa");
        let paid = payer.pay(shown["request_id"].as_str().unwrap(), &card, PIN).await;
        assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    }
    // Printed again on the same till, and on no other.
    assert_eq!(till.run(&["counters"]).await.success()[0]["link"], link);
    let other = Till::connected_again(&system).await;
    assert_eq!(other.run(&["counters"]).await.success()[0]["link"], Value::Null);
    system.assert_merchant_received(1410).await;
}

#[tokio::test]
async fn a_merchant_presented_code_is_believed_only_when_it_says_what_the_order_says() {
    let system = System::start(Wishes::default()).await;
    let till = Till::connected(&system).await;
    let sale = till.sell("12.80").await;
    let picture = picture(&system, &sale, "emv_svg");
    let payer = Payer::new(&system);
    let shown = payer.wallet(&["scan", path(&picture)], "").await.success();
    assert_eq!(shown["request_id"], sale["summary"]["request_id"]);

    // Somebody pastes over the amount, and makes the checksum right again.
    let code_text = read_picture(&picture);
    let honest = MerchantCode::read(&code_text).unwrap();
    let amount = Some(Amount::new(128, "USD".parse().unwrap()));
    let forged = MerchantCode { amount, ..honest }.text().unwrap();
    let stranger = Payer::new(&system);
    let refused = stranger.wallet(&["open", &forged], "").await;
    assert_eq!(code(&refused), "code_mismatch", "{refused:?}");
    assert_eq!(stranger.wallet(&["inbox"], "").await.success(), json!([]), "it was not even kept");
}

#[tokio::test]
async fn both_codes_of_a_sale_are_read_by_zbar_and_by_the_wallets_own_scanner() {
    let system = System::start(Wishes::default()).await;
    let till = Till::connected(&system).await;
    let sale = till.sell("12.80").await;
    let link = sale["qr"]["link"].as_str().unwrap();
    let zbar = |picture: &std::path::Path| {
        let read = std::process::Command::new("zbarimg").args(["--quiet", "--raw", path(picture)]).output();
        let read = read.expect("zbarimg is installed: Debian's zbar-tools");
        String::from_utf8(read.stdout).unwrap().trim_end().to_owned()
    };
    let link_picture = picture(&system, &sale, "link_svg");
    assert_eq!(zbar(&link_picture), link);
    let emv_picture = picture(&system, &sale, "emv_svg");
    let emv = zbar(&emv_picture);
    assert_eq!(emv, read_picture(&emv_picture));
    let read = MerchantCode::read(&emv).unwrap();
    if let Some(theirs) = read_by_others(&emv).await {
        assert_eq!((&theirs["ok"], &theirs["violations"]), (&json!(true), &json!([])), "{theirs}");
        assert_eq!((&theirs["amount"], &theirs["currency"]), (&json!("12.80"), &json!("840")), "{theirs}");
        assert_eq!((&theirs["name"], &theirs["local_name"]), (&json!("Blue Door Cafe"), &json!("Blue Door Café")));
        let ours = read.link.as_ref().unwrap();
        assert_eq!((&theirs["path"], &theirs["host"]), (&json!(ours.path), &json!(ours.host)), "{theirs}");
    }
    assert_eq!(read.name, "Blue Door Cafe");
    assert_eq!(read.local_name.map(|local| local.name).as_deref(), Some("Blue Door Café"));
    let payer = Payer::new(&system);
    for picture in [link_picture, emv_picture] {
        let shown = payer.wallet(&["scan", path(&picture)], "").await.success();
        assert_eq!(shown["request_id"], sale["summary"]["request_id"]);
    }
}

#[tokio::test]
async fn a_till_killed_between_writing_down_and_sending_sells_once() {
    let system = System::start(Wishes::default()).await;
    let till = Till::connected(&system).await;
    let words = ["sell", "--amount", "7.00", "--payer", "payer@example.org"];
    let server = system.server.as_ref().unwrap().id();
    // A server that takes the connection and says nothing.
    signal(server, "-STOP").await;
    let mut killed = till.start(&words).await;
    system.wait_until("the sale is written down", async || till.has_written(b"payer@example.org")).await;
    killed.kill().await.unwrap();
    signal(server, "-CONT").await;

    let sale = till.run(&words).await.success();
    let listed = till.run(&["sales"]).await;
    assert_eq!(listed.lines.len(), 1, "{listed:?}");
    assert_eq!(listed.lines[0]["request_id"], sale["summary"]["request_id"]);
    assert!(sale["qr"]["link"].is_string(), "the answer that made it brought the link");
}

async fn signal(process: u32, signal: &str) {
    let sent =
        tokio::process::Command::new("kill").args([signal, &process.to_string()]).status().await.expect("kill runs");
    assert!(sent.success());
}

#[tokio::test]
async fn sales_are_searched_exported_and_closed_with_the_day() {
    let system = System::start(Wishes::default()).await;
    let till = Till::connected(&system).await;
    let payer = Payer::new(&system);
    let paid = till.run(&["sell", "--amount", "12.80", "--order", "=A-1042"]).await.success();
    pay(&system, &payer, &paid).await;
    let cancelled = till.sell("3.00").await;
    let id = cancelled["summary"]["request_id"].as_str().unwrap();
    assert_eq!(till.run(&["cancel", id]).await.success()["summary"]["status"], "cancelled");
    till.run(&["sell", "--amount", "500", "--currency", "JPY"]).await.success();

    let found = till.run(&["sales", "--text", "a-10"]).await;
    assert_eq!((found.lines.len(), &found.lines[0]["status"]), (1, &json!("paid")), "{found:?}");
    let open = till.run(&["sales", "--status", "created"]).await;
    assert_eq!((open.lines.len(), &open.lines[0]["amount"]["currency"]), (1, &json!("JPY")), "{open:?}");

    let file = till.home().join("sales.csv");
    till.run(&["csv", "--out", path(&file)]).await;
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("\u{feff}time,order_number,"), "{text}");
    assert_eq!(text.matches("\r\n").count(), 4, "{text}");
    assert!(text.contains(",'=A-1042,") && text.contains(",paid,USD,12.80,0.00"), "{text}");

    let day = till.run(&["day"]).await.success();
    assert_eq!(day["totals"].as_array().unwrap().len(), 1, "{day}");
    assert_eq!(day["totals"][0]["net"], json!({ "minor": 1280, "currency": "USD" }), "{day}");
    assert_eq!((&day["totals"][0]["sales"], &day["open"], &day["in_doubt"]), (&json!(1), &json!(1), &json!(0)));
    let other = till.run(&["day", "2020-01-01"]).await.success();
    assert_eq!((&other["totals"], &other["open"]), (&json!([]), &json!(0)));
}

#[tokio::test]
async fn money_goes_back_in_parts_and_the_day_says_so() {
    let system = System::start(Wishes::default()).await;
    let till = Till::connected(&system).await;
    let payer = Payer::new(&system);
    let request = pay(&system, &payer, &till.sell("12.80").await).await;

    let first = till.run(&["refund", &request, "--amount", "5.00", "--reason", "cold soup"]).await.success();
    assert_eq!(first["refundable"]["minor"], 780, "{first}");
    let given_back = async |count: usize| {
        let sale = till.run(&["sale", &request]).await.success();
        sale["refunds"].as_array().unwrap().iter().filter(|refund| refund["status"] == "refunded").count() == count
    };
    system.wait_until("the bank gave back", async || given_back(1).await).await;
    let refused = till.run(&["refund", &request, "--amount", "7.81"]).await;
    assert_eq!(code(&refused), "refund_above_remaining", "{refused:?}");
    // All that is left.
    till.run(&["refund", &request]).await.success();
    system.wait_until("the bank gave back again", async || given_back(2).await).await;

    let sale = till.run(&["sale", &request]).await.success();
    assert_eq!(sale["refunds"][0]["reason"], "cold soup", "{sale}");
    assert_eq!((&sale["refundable"]["minor"], &sale["summary"]["refunded"]["minor"]), (&json!(0), &json!(1280)));
    let kinds: Vec<&str> =
        sale["timeline"].as_array().unwrap().iter().filter_map(|entry| entry["kind"].as_str()).collect();
    assert!(kinds.first() == Some(&"request.created") && kinds.contains(&"request.paid"), "{kinds:?}");
    assert_eq!(kinds.iter().filter(|kind| **kind == "refund.refunded").count(), 2, "{kinds:?}");
    let day = till.run(&["day"]).await.success();
    let total = &day["totals"][0];
    assert_eq!(
        (&total["sales"], &total["refunds"], &total["net"]["minor"]),
        (&json!(1), &json!(2), &json!(0)),
        "{day}"
    );
    assert_eq!(day["in_doubt"], 0, "{day}");
}

#[tokio::test]
async fn a_till_without_its_server_says_so_and_loses_nothing() {
    let mut system = System::start(Wishes::default()).await;
    let till = Till::connected(&system).await;
    let sale = till.sell("5.00").await;
    let id = sale["summary"]["request_id"].as_str().unwrap();
    system.server.take().unwrap().stop().await;
    let refused = till.run(&["sell", "--amount", "6.00"]).await;
    assert_eq!(code(&refused), "server_unreachable", "{refused:?}");
    let listed = till.run(&["sales"]).await;
    assert_eq!((listed.lines.len(), &listed.lines[0]["request_id"]), (1, &json!(id)), "{listed:?}");
    assert_eq!(till.run(&["sale", id]).await.success()["qr"], sale["qr"], "the code can still be shown");
    system.start_server().await;
    let again = till.run(&["sell", "--amount", "6.00"]).await.success();
    assert_eq!(again["summary"]["amount"]["minor"], 600);
    assert_eq!(till.run(&["sales"]).await.lines.len(), 2, "what was not sent was not sold");
}

/// A code of a sale as a PNG.
fn picture(system: &System, sale: &Value, which: &str) -> PathBuf {
    let svg = sale["qr"][which].as_str().expect("an open sale has its codes");
    let file = system.folder().join(format!("{which}.png"));
    e2e::picture::write_png(svg, &file);
    file
}

fn read_picture(file: &std::path::Path) -> String {
    e2e::picture::read_code(file)
}

/// What another implementation of EMVCo's specification reads in a code; nothing when it is not expected here.
async fn read_by_others(code: &str) -> Option<Value> {
    use tokio::io::AsyncWriteExt;
    let Some(python) = std::env::var_os(PYTHON_EXPECTED) else {
        eprintln!("{PYTHON_EXPECTED} is not set: no Python with cemacqr is expected here");
        return None;
    };
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/mpm_read.py");
    let mut child = tokio::process::Command::new(python)
        .arg(script)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the Python runs");
    let mut input = child.stdin.take().expect("it is piped");
    input.write_all(code.as_bytes()).await.expect("it reads");
    drop(input);
    let output = child.wait_with_output().await.expect("it ends");
    assert!(output.status.success());
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

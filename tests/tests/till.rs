//! A wallet as a merchant's till: it sells, sees that it was paid, gives back and closes its day.

use e2e::card::Card;
use e2e::payer::{PIN, Payer, code};
use e2e::system::{System, Wishes};
use e2e::till::{Till, access_file, path};
use serde_json::{Value, json};

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
    open.sale(request.parse().unwrap()).await.unwrap().summary.state.name().to_owned()
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
    let database = std::fs::read(till.home().join("wallet.db")).unwrap();
    let journal = std::fs::read(till.home().join("wallet.db-wal")).unwrap_or_default();
    let key = sale["qr"]["link"].as_str().unwrap().split_once('#').unwrap().1;
    for bytes in [database, journal] {
        assert!(!bytes.windows(key.len()).any(|window| window == key.as_bytes()), "the link's key lies there in clear");
    }
}

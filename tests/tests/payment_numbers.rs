//! Payment numbers: a payer without an address tells a shop ten digits and pays what comes.

use e2e::card::Card;
use e2e::payer::{PIN, Payer, code};
use e2e::system::{Ask, System, Wishes};
use serde_json::Value;

async fn number(payer: &Payer, words: &[&str]) -> Value {
    let mut create = vec!["numbers", "create"];
    create.extend(words);
    payer.wallet(&create, "").await.success()
}

fn ask(number: &Value) -> Ask {
    let digits = number["number"].as_str().expect("a new number shows its digits").to_owned();
    Ask { payment_number: Some(digits), ..Ask::default() }
}

#[tokio::test]
async fn a_number_told_at_the_till_is_paid_without_an_account_or_an_introduction() {
    let system = System::start(Wishes::default()).await;
    let payer = Payer::new(&system);
    let made = number(&payer, &["--max", "1280", "--currency", "USD", "--merchant", "blue-door"]).await;
    assert!(made["qr_svg"].as_str().is_some_and(|svg| svg.contains("<svg")), "{made}");
    assert!(made["barcode_svg"].as_str().is_some_and(|svg| svg.contains("<svg")), "{made}");
    let created = system.ask(&ask(&made)).await;
    let id = created["id"].as_str().expect("a created request has an id").to_owned();
    let listed = async || payer.wallet(&["inbox"], "").await.output.contains(&id);
    system.wait_until("the request is in the inbox", listed).await;
    assert_eq!(payer.show(&id).await["new_sender"], false, "who tells a number has chosen the shop");

    let card = Card::present(&system, "visa");
    let paid = payer.pay(&id, &card, PIN).await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    system.wait_for_status(&id, "paid").await;
    let again = system.try_ask(&Ask { order: "A-2".into(), ..ask(&made) }).await;
    assert!(
        again.output.contains("payment_number_invalid") || again.errors.contains("payment_number_invalid"),
        "{again:?}"
    );
    let listed = payer.wallet(&["numbers", "list"], "").await.success();
    assert_eq!(listed[0]["status"], "used", "{listed}");
    assert_eq!(listed[0]["payee"], "Blue Door Café", "{listed}");
}

#[tokio::test]
async fn a_number_taken_back_or_too_small_brings_nothing() {
    let system = System::start(Wishes::default()).await;
    let payer = Payer::new(&system);
    let small = number(&payer, &["--max", "1279", "--currency", "USD"]).await;
    let taken_back = number(&payer, &[]).await;
    payer.wallet(&["numbers", "revoke", taken_back["id"].as_str().expect("an id")], "").await.success();
    for number in [&small, &taken_back] {
        let refused = system.try_ask(&ask(number)).await;
        assert_ne!(refused.code, 0, "{refused:?}");
    }
    assert!(payer.wallet(&["inbox"], "").await.success().as_array().is_some_and(Vec::is_empty));
    let too_long = payer.wallet(&["numbers", "create", "--minutes", "61"], "").await;
    assert_eq!(code(&too_long), "invalid_input");
}

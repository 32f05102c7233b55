//! The main job: a request is paid with a card and the receipt verifies offline.

use e2e::card::Card;
use e2e::payer::{PIN, Payer};
use e2e::process;
use e2e::system::{Ask, System, Wishes, texts};
use serde_json::Value;

async fn pays_by_link(profile: &str) {
    let system = System::start(Wishes::default()).await;
    let payer = Payer::new(&system);
    let created = system.ask(&Ask::default()).await;
    let request = payer.open(&created).await;
    let card = Card::present(&system, profile);

    let paid = payer.pay(&request, &card, PIN).await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    let receipt = paid.answer();
    assert_eq!(receipt["stage"], "receipt", "{paid:?}");
    assert_eq!(receipt["verified"], true, "{paid:?}");

    let seen = system.wait_for_status(&request, "paid").await;
    assert!(seen["outcome"].is_string(), "the merchant holds the bank's signed outcome: {seen}");
    system.assert_merchant_received(1280).await;
}

#[tokio::test]
async fn a_visa_card_pays_a_request() {
    pays_by_link("visa").await;
}

#[tokio::test]
async fn a_mastercard_pays_a_request() {
    pays_by_link("mastercard").await;
}

#[tokio::test]
async fn a_request_to_an_e_mail_address_reaches_the_wallet_that_claimed_it() {
    let system = System::start(Wishes::default()).await;
    let payer = Payer::new(&system);
    let address = "payer@example.org";
    payer.wallet(&["claim", address], "").await.success();
    let code = system.claim_code(address).await;
    payer.wallet(&["confirm", address, &code], "").await.success();

    let created = system.ask(&Ask { email: Some(address.into()), ..Ask::default() }).await;
    let id = created["id"].as_str().expect("a created request has an id");
    system
        .wait_until("the request is in the inbox", async || payer.wallet(&["inbox"], "").await.output.contains(id))
        .await;
    system.wait_until("the e-mail is there too", async || system.mail().len() == 2).await;
    let mail = system.mail().pop().expect("two e-mails");
    assert!(mail.contains("/r/"), "the e-mail holds the link: {mail}");

    payer.wallet(&["accept-sender", id], "").await.success();
    let card = Card::present(&system, "visa");
    let paid = payer.pay(id, &card, PIN).await;
    assert_eq!(paid.code, 0, "{paid:?}");
    system.wait_for_status(id, "paid").await;
}

#[tokio::test]
async fn a_receipt_convinces_a_stranger_and_a_changed_one_does_not() {
    let system = System::start(Wishes::default()).await;
    let payer = Payer::new(&system);
    let request = payer.open(&system.ask(&Ask::default()).await).await;
    let card = Card::present(&system, "visa");
    let paid = payer.pay(&request, &card, PIN).await;
    assert_eq!(paid.code, 0, "{paid:?}");
    let attempt = paid.answer()["attempt_id"].as_str().expect("the receipt names its attempt").to_owned();
    let file = system.folder().join("receipt.json");
    let path = file.to_str().expect("temporary paths are plain");
    payer.wallet(&["receipt", &attempt, "--out", path], "").await.success();

    // The stranger has the pinned roots and the file: no server, no wallet.
    let trust = system.trust();
    let trust = trust.to_str().expect("temporary paths are plain").to_owned();
    let verify = async |path: &str| {
        process::run("tapseal-wallet", &texts(&["--json", "verify", path, "--trust", &trust]), &[], "").await
    };
    assert_eq!(verify(path).await.success()["verified"], true);

    let receipt: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    for member in ["order", "outcome", "keyset", "bank_certificate", "wallet_nonce"] {
        let mut changed = receipt.clone();
        let text = changed[member].as_str().expect("a receipt's members are texts").to_owned();
        changed[member] = Value::String(flip_middle(&text));
        std::fs::write(&file, changed.to_string()).unwrap();
        let refused = verify(path).await;
        assert_ne!(refused.code, 0, "a receipt with another {member} verifies: {refused:?}");
    }
}

/// The text with its middle character changed to another that is legal there.
fn flip_middle(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] = if bytes[middle] == b'a' { b'b' } else { b'a' };
    String::from_utf8(bytes).expect("ASCII stays ASCII")
}

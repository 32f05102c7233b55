//! Identifiers: claimed on several devices, released, and moved to whoever proves them anew.

use e2e::payer::{Payer, code};
use e2e::system::{Ask, System, Wishes};

const PHONE: &str = "+86 138 0013 8000";
const E164: &str = "+8613800138000";

async fn claim(system: &System, payer: &Payer, place: usize, words: &[&str]) {
    payer.wallet(&["claim", PHONE], "").await.success();
    let digits = system.texted_code(E164, place).await;
    let mut confirm = vec!["confirm", PHONE, digits.as_str()];
    confirm.extend(words);
    payer.wallet(&confirm, "").await.success();
}

async fn asked_by_phone(system: &System, order: &str) -> String {
    let ask = Ask { phone: Some(E164.into()), order: order.into(), ..Ask::default() };
    system.ask(&ask).await["id"].as_str().expect("a created request has an id").to_owned()
}

async fn lists(payer: &Payer, request: &str) -> bool {
    payer.wallet(&["inbox"], "").await.output.contains(request)
}

async fn reaches(system: &System, payer: &Payer, request: &str) {
    system.wait_until("the request is in the inbox", async || lists(payer, request).await).await;
}

#[tokio::test]
async fn a_phone_number_reaches_every_device_until_released_and_one_after_a_transfer() {
    let system = System::start(Wishes::default()).await;
    let (old, new) = (Payer::new(&system), Payer::new(&system));
    claim(&system, &old, 0, &[]).await;
    claim(&system, &new, 1, &[]).await;
    let first = asked_by_phone(&system, "A-1").await;
    reaches(&system, &old, &first).await;
    reaches(&system, &new, &first).await;

    let status = old.wallet(&["release", PHONE], "").await.success();
    assert_eq!(status["identifiers"].as_array().map(Vec::len), Some(0), "{status}");
    let second = asked_by_phone(&system, "A-2").await;
    reaches(&system, &new, &second).await;
    assert!(!lists(&old, &second).await);

    // The number was given to somebody else, who proves it and answers alone.
    claim(&system, &old, 2, &["--only-this-device"]).await;
    let third = asked_by_phone(&system, "A-3").await;
    reaches(&system, &old, &third).await;
    assert!(!lists(&new, &third).await);
}

#[tokio::test]
async fn a_wrong_code_proves_nothing() {
    let system = System::start(Wishes::default()).await;
    let (payer, thief) = (Payer::new(&system), Payer::new(&system));
    payer.wallet(&["claim", PHONE], "").await.success();
    thief.wallet(&["claim", PHONE], "").await.success();
    let digits = system.texted_code(E164, 0).await;
    let taken = thief.wallet(&["confirm", PHONE, &digits], "").await;
    let given = payer.wallet(&["confirm", PHONE, &digits], "").await;
    // Each device has its own code, and it is unlikely that both are the same six digits.
    assert_ne!(taken.code, given.code, "one device's code serves the other: {taken:?} {given:?}");
    let refused = if taken.code == 0 { given } else { taken };
    assert_eq!(code(&refused), "claim_code_wrong");
}

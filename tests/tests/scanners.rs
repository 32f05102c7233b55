//! Links: mail scanners open them as often as they like, and then a stranger to the system pays.

use e2e::card::Card;
use e2e::payer::{PIN, Payer};
use e2e::system::{Ask, System, Wishes};

#[tokio::test]
async fn a_link_opened_a_hundred_times_by_scanners_is_then_paid_by_a_wallet_that_claimed_nothing() {
    let system = System::start(Wishes::default()).await;
    let ask = Ask { email: Some("nobody-here@example.org".into()), ..Ask::default() };
    let created = system.ask(&ask).await;
    let id = created["id"].as_str().expect("a created request has an id");
    let before = system.wait_for_status(id, "delivered").await;
    let link = created["link"].as_str().expect("a new request has a link");
    let page = link.split_once('#').expect("a link has a fragment").0;
    let client = e2e::tap::https_client(system.folder());
    for round in 0..100 {
        let call = if round % 2 == 0 { client.get(page) } else { client.head(page) };
        let answer = call.header("user-agent", "LinkScanner/1.0").header("sec-purpose", "prefetch").send().await;
        assert!(answer.is_ok_and(|answer| answer.status().is_success()), "round {round}");
    }
    assert_eq!(system.shown_to_merchant(id).await, before, "nothing changed");

    let payer = Payer::new(&system);
    let request = payer.open(&created).await;
    assert_eq!(request, id);
    let card = Card::present(&system, "visa");
    let paid = payer.pay(&request, &card, PIN).await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    system.wait_for_status(id, "paid").await;
    system.assert_merchant_received(1280).await;
}

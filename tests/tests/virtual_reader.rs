//! The same payment over PC/SC: a virtual card in vpcd's reader, behind the real pcscd.

use e2e::card::Card;
use e2e::payer::{PIN, Payer};
use e2e::system::{Ask, System, Wishes};

/// Set where pcscd runs with vpcd's reader; `cargo xtask test` starts both and sets it.
const READER_EXPECTED: &str = "TAPSEAL_TEST_PCSC";
/// Where vpcd's first reader listens for its card.
const VPCD: &str = "127.0.0.1:35963";

#[tokio::test]
async fn a_card_in_a_pcsc_reader_pays_over_both_interfaces() {
    if std::env::var_os(READER_EXPECTED).is_none() {
        eprintln!("{READER_EXPECTED} is not set: there is no virtual PC/SC reader to pay at");
        return;
    }
    let system = System::start(Wishes::default()).await;
    let payer = Payer::new(&system);
    for (profile, interface, order) in [("visa", "contactless", "A-1"), ("mastercard", "contact", "A-2")] {
        let created = system.ask(&Ask { order: order.into(), ..Ask::default() }).await;
        let request = payer.open(&created).await;
        let card = Card::present_at(&system, profile, VPCD, &["--interface", interface]);
        let paid = payer.pay_at(&request, "pcsc", PIN).await;
        assert_eq!(paid.code, 0, "{profile} over {interface}: {paid:?}");
        let reading = paid.lines.iter().find(|line| line["stage"] == "reading").expect("the card was read");
        assert!(reading["reader"].as_str().is_some_and(|name| name.starts_with("pcsc:Virtual PCD")), "{reading}");
        assert_eq!(reading["interface"], interface, "{reading}");
        card.remove().await;
    }
    system.assert_merchant_received(2 * 1280).await;
}

//! Every built-in card over PC/SC, behind the real pcscd with vpcd's reader: tapped and inserted, each that can pays,
//! and each that is made not to is refused in words of its own with no money moved. And the same through libnfc.

use std::time::Duration;

use e2e::card::Card;
use e2e::payer::{self, Payer};
use e2e::system::{Ask, System, Wishes};
use emv::Interface;
use serde_json::Value;
use virtual_card::{BUILT_IN, Profile, Refusal, RefusedBy};

/// Set where pcscd runs with vpcd's reader; `cargo xtask test` starts both and sets it.
const READER_EXPECTED: &str = "TAPSEAL_TEST_PCSC";
/// Set where the system's libnfc is; `cargo xtask test` sets it.
const LIBNFC_EXPECTED: &str = "TAPSEAL_TEST_LIBNFC";
/// Where vpcd's first reader listens for its card.
const VPCD: &str = "127.0.0.1:35963";
/// How long a hand takes at least to change cards. A card that takes the place of another between two looks of pcscd
/// (400 ms) may be said to be absent for as long as it lies there: pcscd 1.9 marks the reader empty when it fails to
/// reset the card that left, and then sees no change.
const CHANGING_CARDS: Duration = Duration::from_secs(1);
/// What every card is asked for, in minor units.
const AMOUNT_MINOR: i64 = 1280;

#[tokio::test]
async fn every_card_pays_or_is_refused_as_it_is_made_to() {
    if std::env::var_os(READER_EXPECTED).is_none() {
        eprintln!("{READER_EXPECTED} is not set: there is no virtual PC/SC reader to pay at");
        return;
    }
    let system = System::start(Wishes::default()).await;
    let payer = Payer::new(&system);
    let mut paid = 0;
    let mut wrong = Vec::new();
    for profile in BUILT_IN.iter().map(|(name, _)| Profile::built_in(name).expect("a built-in profile")) {
        for interface in profile.interfaces() {
            wrong.extend(present(&system, &payer, &profile, interface).await.err());
            paid += i64::from(profile.pays());
        }
    }
    // All of them at once: which cards fail tells more than the first that does.
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(paid > 20, "only {paid} payments");
    system.assert_merchant_received(paid * AMOUNT_MINOR).await;
}

#[tokio::test]
async fn a_card_in_the_field_of_a_pn532_pays_through_libnfc() {
    if std::env::var_os(LIBNFC_EXPECTED).is_none() {
        eprintln!("{LIBNFC_EXPECTED} is not set: there is no libnfc to pay through");
        return;
    }
    let system = System::start(Wishes::default()).await;
    let payer = Payer::new(&system);
    for (name, order) in [("visa", "N-1"), ("mastercard", "N-2")] {
        let request = payer.open(&system.ask(&Ask { order: order.into(), ..Ask::default() }).await).await;
        let card = Card::present_in_field(&system, name).await;
        let paid = payer.pay(&request, &card, payer::PIN).await;
        assert_eq!(paid.code, 0, "{name}: {paid:?}");
        assert!(paid.lines.iter().any(|line| line["stage"] == "reading" && line["reader"] == card.reader.as_str()));
        card.remove().await;
    }
    system.assert_merchant_received(2 * AMOUNT_MINOR).await;
}

/// Pays, or fails to, with a card over an interface; says what was not as the card is made.
async fn present(system: &System, payer: &Payer, profile: &Profile, interface: Interface) -> Result<(), String> {
    let code = match interface {
        Interface::Contact => "contact",
        Interface::Contactless => "contactless",
    };
    let what = format!("{} over {code}", profile.name);
    let created = system.ask(&Ask { order: what.clone(), ..Ask::default() }).await;
    let request = payer.open(&created).await;
    let card = Card::present_at(system, &profile.name, VPCD, &["--interface", code]);
    let ended = payer.pay_at(&request, "pcsc", &profile.pin).await;
    card.remove().await;
    tokio::time::sleep(CHANGING_CARDS).await;
    let as_made = match &profile.refusal {
        Some(refusal) => {
            ended.code != 0 && payer::code(&ended) == wallet_code(refusal) && payer::money_moved(&ended) == "no"
        }
        None => ended.code == 0 && ended.lines.iter().any(|line| was_read(line, code)),
    };
    if as_made { Ok(()) } else { Err(format!("{what}: {ended:?}")) }
}

/// What the wallet calls a refusal. The bank's codes are the wallet's; a card error has a name of its own there.
fn wallet_code(refusal: &Refusal) -> &str {
    match (refusal.by, refusal.code.as_str()) {
        (RefusedBy::Reader, "card.blocked") => "card_blocked",
        (RefusedBy::Reader, "card.mag_stripe_only") => "card_stripe_over_air",
        (RefusedBy::Reader | RefusedBy::Bank, code) => code,
    }
}

/// Whether a line says that the card was read in the virtual PC/SC reader, over this interface.
fn was_read(line: &Value, interface: &str) -> bool {
    let reader = line["reader"].as_str().unwrap_or_default();
    line["stage"] == "reading" && reader.starts_with("pcsc:Virtual PCD") && line["interface"] == interface
}

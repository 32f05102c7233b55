//! Cards seeded by profile: they pay like the built-in ones, with PINs of any length.

use payment::DeclineCode;
use serde_json::{Value, json};
use virtual_card::{Profile, VirtualCard};

use super::support::{Bench, NOW_MS, home, usd};
use crate::bank_front::error::BankError;
use crate::bank_front::seed::{CardProfile, Terms};
use crate::bank_front::{BankFront, hsm, seed};

const LONG_PIN: &str = "739182640517";

/// The built-in Visa card with another number and PIN.
fn card(name: &str, pan: &str, pin: &str) -> Profile {
    let mut profile = Profile::built_in("visa").unwrap();
    name.clone_into(&mut profile.name);
    pan.clone_into(&mut profile.pan);
    pin.clone_into(&mut profile.pin);
    profile
}

/// What `tapseal-card show --json` prints of it, as far as the bank reads it, and something else.
fn shown(profile: &Profile) -> Value {
    json!({
        "name": profile.name, "title": profile.title, "scheme": "visa", "pan": profile.pan,
        "expiry_yymm": profile.expiry_yymm, "psn": profile.psn, "pin": profile.pin,
        "issuer_master_key": profile.issuer_master_key,
    })
}

fn load(profiles: &[Value]) -> Result<Vec<CardProfile>, BankError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cards.json");
    std::fs::write(&file, json!(profiles).to_string()).unwrap();
    CardProfile::load(&file)
}

async fn seed_all(front: &BankFront, terms: Terms, profiles: &[Value]) -> Result<usize, BankError> {
    seed::seed(&front.db, &front.hsm, terms, &load(profiles)?, NOW_MS).await
}

#[tokio::test]
async fn the_card_before_a_replacement_no_longer_pays() {
    let mut bench = Bench::new().await;
    let mut replacement = card("replaced", "4761347391826407", "1234");
    replacement.psn = 2;
    assert_eq!(seed_all(&bench.front, Terms::default(), &[shown(&replacement)]).await.unwrap(), 1);
    let mut first = replacement.clone();
    first.psn = 1;
    // Its cryptogram is right: its keys are derived with its own sequence number.
    let order = bench.order(usd(100));
    let attempt = bench.attempt_with(&mut VirtualCard::new(first), &order, "1234", |_| {});
    bench.pay(&attempt).await.assert_declined(&attempt, DeclineCode::CardReplaced);
    // The new card begins to count anew, and nobody has counted for it.
    let order = bench.order(usd(100));
    let attempt = bench.attempt_with(&mut VirtualCard::new(replacement), &order, "1234", |_| {});
    bench.pay(&attempt).await.assert_approved(&attempt);
}

#[tokio::test]
async fn a_card_with_a_long_pin_pays_and_every_other_pin_is_wrong() {
    let mut bench = Bench::new().await;
    let marked = card("marked", "4761347391826407", LONG_PIN);
    assert_eq!(seed_all(&bench.front, Terms::default(), &[shown(&marked)]).await.unwrap(), 1);
    let mut card = VirtualCard::new(marked);
    for wrong in ["739182640518", "7391", "73918264051", "739182640516"] {
        let order = bench.order(usd(100));
        // The right PIN in between gives the tries back.
        for (pin, right) in [(LONG_PIN, true), (wrong, false)] {
            let order = if right { bench.order(usd(100)) } else { order.clone() };
            let attempt = bench.attempt_with(&mut card, &order, pin, |_| {});
            let told = bench.pay(&attempt).await;
            if right {
                told.assert_approved(&attempt);
            } else {
                told.assert_declined(&attempt, DeclineCode::WrongPin);
                assert_eq!(told.pin_tries_left(), Some(2));
            }
        }
    }
    assert_eq!(bench.posted("cardholder:visa-6407").await, seed::OPENING_MINOR - 400);
}

#[tokio::test]
async fn a_card_of_a_new_issuer_pays_when_the_bank_has_started_again() {
    let mut bench = Bench::new().await;
    let mut foreign = card("foreign", "4000001234562222", "98765");
    "00112233445566778899AABBCCDDEEFF".clone_into(&mut foreign.issuer_master_key);
    let profiles = load(&[shown(&foreign)]).unwrap();
    let home = home(&bench.folder);
    assert_eq!(hsm::add_issuers(home.dir(), seed::issuers(&profiles).unwrap(), NOW_MS).unwrap(), 1);
    let terms = Terms { payment_limit_minor: 60, ..Terms::default() };
    seed::seed(&bench.front.db, &bench.front.hsm, terms, &profiles, NOW_MS).await.unwrap();
    bench.restart().await;
    assert!(bench.certificate().covers("40000012"));
    let mut card = VirtualCard::new(foreign);
    for (minor, refusal) in [(60, None), (61, Some(DeclineCode::Limit))] {
        let order = bench.order(usd(minor));
        let attempt = bench.attempt_with(&mut card, &order, "98765", |_| {});
        let told = bench.pay(&attempt).await;
        refusal.map_or_else(|| told.assert_approved(&attempt), |code| told.assert_declined(&attempt, code));
    }
}

#[tokio::test]
async fn cards_that_look_alike_have_accounts_of_their_own() {
    let bench = Bench::new().await;
    let alike = [card("twin", "4761340000010050", "1234"), card("third", "4761340000020050", "123456")];
    let list: Vec<_> = alike.iter().map(shown).collect();
    let terms = Terms { opening_minor: 700, payment_limit_minor: 60, day_limit_minor: 90, ..Terms::default() };
    assert_eq!(seed_all(&bench.front, terms, &list).await.unwrap(), 2);
    assert_eq!(seed_all(&bench.front, terms, &list).await.unwrap(), 0, "a second time changes nothing");
    assert_eq!(bench.posted("cardholder:visa-0050").await, seed::OPENING_MINOR);
    assert_eq!(bench.posted("cardholder:twin").await, 700);
    assert_eq!(bench.posted("cardholder:third").await, 700);
    let taken = shown(&card("twin", "4761340000030050", "1234"));
    let refused = seed_all(&bench.front, terms, &[taken]).await;
    assert!(matches!(refused, Err(BankError::AccountTaken(name)) if name == "cardholder:twin"));
}

#[tokio::test]
async fn a_thousand_cards_are_seeded_at_once() {
    let bench = Bench::new().await;
    let many: Vec<_> =
        (0..1_001).map(|n| shown(&card(&format!("load-{n}"), &format!("47613477{n:08}"), "1234"))).collect();
    assert_eq!(seed_all(&bench.front, Terms::default(), &many).await.unwrap(), 1_001);
    // One of them ends in 0050 as the built-in test card does, and has an account of its own all the same.
    assert_eq!(
        bench.ledger().await.accounts.iter().filter(|view| view.account.starts_with("cardholder:")).count(),
        1_001 + seed::test_issuers().unwrap().len()
    );
}

#[test]
fn test_cards_are_chosen_by_scheme_and_by_name() {
    let count = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        CardProfile::chosen(&words).map(|cards| cards.len())
    };
    let all = CardProfile::built_in().unwrap().len();
    assert_eq!(count(&["all"]).unwrap(), all);
    assert_eq!(count(&["none"]).unwrap(), 0);
    assert_eq!(count(&["amex"]).unwrap(), 1);
    assert!(count(&["mastercard"]).unwrap() > 1 && count(&["mastercard", "expired"]).unwrap() < all);
    assert_eq!(count(&["contact-t0", "contact-t0"]).unwrap(), 1);
    assert!(matches!(count(&["amex", "nobody"]), Err(BankError::NoTestCard(word)) if word == "nobody"));
}

#[test]
fn what_no_card_can_be_made_of_is_refused_without_quoting_it() {
    let good = shown(&card("good", "4761340000010050", "1234"));
    assert_eq!(load(std::slice::from_ref(&good)).unwrap().len(), 1);
    for (member, bad) in [
        ("name", ""),
        ("name", "a\nb"),
        ("scheme", "Visa"),
        ("pan", "4761340000010O50"),
        ("pin", "123"),
        ("pin", "1234567890123"),
        ("expiry_yymm", "3113"),
        ("issuer_master_key", "00"),
    ] {
        let mut profile = good.clone();
        profile[member] = json!(bad);
        let error = load(&[profile]).err().unwrap().to_string();
        assert!(bad.len() < 3 || !error.contains(bad), "{error}");
    }
    assert!(load(&[json!({ "name": "x" })]).is_err() && load(&[json!(1)]).is_err());
    let too_many = vec![good; 10_001];
    assert!(matches!(load(&too_many), Err(BankError::TooMany(_))));
}

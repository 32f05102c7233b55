//! Cards of every scheme, phones, and stripes: what each may do, and what nobody may make of it.

use emv::tag::Tag;
use emv::{
    CompletionResult, CompletionStep, CryptogramKind, Interface, IssuerAnswer, IssuerAuthentication, OnlineDecision,
    tlv,
};
use envelope::inner::{self, CardData, EntryMode, PinKind};
use envelope::{Pan, Pin, SecretBytes};
use payment::{DeclineCode, Order};
use virtual_card::{BUILT_IN, Profile, VirtualCard};

use super::support::{Bench, Sent, card_data, read_card, usd};
use crate::bank_front::card::PIN_TRIES_MAX;

/// The test card that has only a stripe, as its issuer wrote it.
const STRIPE: &str = "4456539999990003D31121010000079400000";

/// The built-in card of this name, as it is presented over one interface.
fn card(name: &str, interface: Interface) -> VirtualCard {
    VirtualCard::new(Profile::built_in(name).unwrap()).over(interface)
}

/// What is entered.
#[derive(Clone, Copy)]
enum Entered<'a> {
    Pin(&'a str),
    Nothing,
}

/// An attempt with a card, after `change` has been at what was read.
fn present(
    bench: &mut Bench,
    card: &mut VirtualCard,
    interface: Interface,
    order: &Order,
    entered: Entered<'_>,
    change: impl FnOnce(&mut CardData),
) -> Sent {
    bench.attempt_sealed(order, |attempt_hash, to| {
        let mut data = card_data(&read_card(card, interface, order.amount, attempt_hash));
        change(&mut data);
        seal(to, attempt_hash.as_bytes(), &data, entered)
    })
}

fn seal(
    to: &envelope::BankSealingKey,
    attempt_hash: &[u8; 32],
    data: &CardData,
    entered: Entered<'_>,
) -> envelope::Capsule {
    match entered {
        Entered::Nothing => inner::seal_without_pin(to, attempt_hash, data).unwrap(),
        Entered::Pin(pin) => {
            let pin = Pin::from_ascii(pin.as_bytes()).unwrap();
            inner::seal(to, attempt_hash, data, &pin, PinKind::CardPin).unwrap()
        }
    }
}

/// An attempt with a swiped stripe.
fn swipe(bench: &mut Bench, order: &Order, track2: &str, entered: Entered<'_>) -> Sent {
    let separator = track2.find('D').unwrap();
    let data = CardData {
        pan: Pan::parse(&track2[..separator]).unwrap(),
        track2: Some(SecretBytes::copy_of(track2.as_bytes())),
        expiry_yymm: track2.as_bytes()[separator + 1..separator + 5].try_into().unwrap(),
        psn: None,
        aid: Vec::new(),
        entry_mode: EntryMode::MagStripe,
        icc_data: Vec::new().into(),
    };
    bench.attempt_sealed(order, |attempt_hash, to| seal(to, attempt_hash.as_bytes(), &data, entered))
}

/// Replaces the value of a tag in DE 55.
fn replace(data: &mut CardData, tag: Tag, value: &[u8]) {
    let mut de55 = Vec::new();
    for object in tlv::read(&data.icc_data, tlv::Mode::Strict).unwrap() {
        tlv::write(&mut de55, object.tag, if object.tag == tag { value } else { object.value });
    }
    assert_ne!(*data.icc_data, de55, "the case must change something");
    data.icc_data = de55.into();
}

#[test]
fn the_seeded_cards_are_the_virtual_cards() {
    let seeded: Vec<serde_json::Value> = serde_json::from_str(include_str!("../seed/test_cards.json")).unwrap();
    for (name, _) in BUILT_IN {
        let profile = Profile::built_in(name).unwrap();
        let card = seeded.iter().find(|card| card["name"] == *name).unwrap_or_else(|| panic!("{name} is not seeded"));
        assert_eq!(card["scheme"], profile.scheme().code());
        assert_eq!(card["pan"], profile.pan);
        assert_eq!(card["expiry_yymm"], profile.expiry_yymm);
        assert_eq!(card["service_code"], profile.service_code);
        assert_eq!(card["pin"], profile.pin);
        assert_eq!(card["issuer_master_key"], profile.issuer_master_key);
        assert_eq!(card["issuer_script_key"].as_str().unwrap_or_default(), profile.issuer_script_key);
        let is_device = profile.carrier == virtual_card::Carrier::Device;
        assert_eq!(card["device"], is_device);
        let aids: Vec<_> = profile.applications.iter().map(|application| application.aid.as_str()).collect();
        let listed: Vec<_> = card["applications"].as_array().unwrap().iter().map(|listed| &listed["aid"]).collect();
        assert_eq!(listed, aids);
    }
}

#[tokio::test]
async fn every_card_that_pays_pays_over_each_of_its_interfaces() {
    let mut bench = Bench::new().await;
    let certificate = bench.certificate();
    let mut paid = 0;
    for (name, _) in BUILT_IN {
        let profile = Profile::built_in(name).unwrap();
        assert!(certificate.covers(&profile.pan[..6]), "{name}");
        if !profile.pays() {
            continue;
        }
        for interface in profile.interfaces() {
            let mut card = VirtualCard::new(profile.clone()).over(interface);
            let (order, pin) = (bench.order(usd(100)), profile.pin.clone());
            let mut attempt = present(&mut bench, &mut card, interface, &order, Entered::Pin(&pin), |_| {});
            // The same card over its other interface: its counter goes on from the first.
            if interface != profile.interfaces()[0] {
                attempt = present(&mut bench, &mut card, interface, &order, Entered::Pin(&pin), |_| {});
            }
            let told = bench.pay(&attempt).await;
            assert_eq!(told.code, "00", "{name} {interface:?} {:?}", told.composite.reason);
            told.assert_approved(&attempt);
            paid += 1;
        }
    }
    assert!(paid >= 20, "{paid}");
}

#[tokio::test]
async fn an_expired_card_is_told_so() {
    let mut bench = Bench::new().await;
    let mut expired = card("expired", Interface::Contact);
    let order = bench.order(usd(100));
    let attempt = present(&mut bench, &mut expired, Interface::Contact, &order, Entered::Pin("1234"), |_| {});
    bench.pay(&attempt).await.assert_declined(&attempt, DeclineCode::CardExpired);
}

#[tokio::test]
async fn a_phone_pays_without_a_pin_up_to_its_limit() {
    let mut bench = Bench::new().await;
    for name in ["phone-visa", "phone-mastercard"] {
        let mut phone = card(name, Interface::Contactless);
        for (minor, refusal) in [(30_000, None), (30_001, Some(DeclineCode::PinRequired))] {
            let order = bench.order(usd(minor));
            let attempt = present(&mut bench, &mut phone, Interface::Contactless, &order, Entered::Nothing, |_| {});
            let told = bench.pay(&attempt).await;
            refusal.map_or_else(|| told.assert_approved(&attempt), |code| told.assert_declined(&attempt, code));
        }
        // The same phone with the PIN may take more.
        let order = bench.order(usd(30_001));
        let attempt = present(&mut bench, &mut phone, Interface::Contactless, &order, Entered::Pin("1234"), |_| {});
        bench.pay(&attempt).await.assert_approved(&attempt);
        assert_eq!(bench.card_of(name).await.pin_tries_left, PIN_TRIES_MAX);
    }
}

#[tokio::test]
async fn a_pin_stripped_from_a_plastic_card_is_refused_and_costs_no_try() {
    let mut bench = Bench::new().await;
    let over_the_air = Interface::Contactless;
    for name in ["visa", "mastercard", "amex", "unionpay"] {
        let mut plastic = card(name, over_the_air);
        let order = bench.order(usd(100));
        let attempt = present(&mut bench, &mut plastic, over_the_air, &order, Entered::Nothing, |_| {});
        let told = bench.pay(&attempt).await;
        told.assert_declined(&attempt, DeclineCode::PinRequired);
        assert_eq!((told.code.as_str(), told.pin_tries_left()), ("70", None));
        assert_eq!(bench.card_of(name).await.pin_tries_left, PIN_TRIES_MAX, "{name}");
    }
    // Whoever also makes the card seem to have verified its owner breaks the cryptogram.
    let mut visa = card("visa", over_the_air);
    let order = bench.order(usd(100));
    for _ in 0..2 {
        present(&mut bench, &mut visa, over_the_air, &order, Entered::Nothing, |_| {});
    }
    let forged = present(&mut bench, &mut visa, over_the_air, &order, Entered::Nothing, |data| {
        replace(data, Tag::IAD, &hex::decode("06011203A40000").unwrap());
    });
    bench.pay(&forged).await.assert_declined(&forged, DeclineCode::Cryptogram);
    // With the PIN the same plastic card pays.
    let attempt = present(&mut bench, &mut visa, over_the_air, &order, Entered::Pin("1234"), |_| {});
    bench.pay(&attempt).await.assert_approved(&attempt);
}

#[tokio::test]
async fn a_plastic_card_made_to_speak_like_a_phone_is_still_plastic_in_the_banks_books() {
    let mut bench = Bench::new().await;
    // A card whose issuer data says "verified" under a right cryptogram: only the record is left to say no.
    let mut profile = Profile::built_in("visa").unwrap();
    profile.applications[0].issuer_application_data = "06011203A40000".to_owned();
    let mut card = VirtualCard::new(profile).over(Interface::Contactless);
    let order = bench.order(usd(100));
    let attempt = present(&mut bench, &mut card, Interface::Contactless, &order, Entered::Nothing, |_| {});
    bench.pay(&attempt).await.assert_declined(&attempt, DeclineCode::PinRequired);
    assert_eq!(bench.card().await.pin_tries_left, PIN_TRIES_MAX);
}

#[tokio::test]
async fn wrong_brand_under_an_aid_is_refused() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(100));
    for (name, aid) in [
        ("mastercard", "A0000000031010"),
        ("visa", "A0000000041010"),
        ("unionpay", "A0000000043060"),
        // A domestic application that is not on this card, and one of the right scheme that is not.
        ("visa", "A0000002771010"),
        ("visa", "A0000000032010"),
    ] {
        let mut card = card(name, Interface::Contactless);
        let aid = hex::decode(aid).unwrap();
        let attempt = present(&mut bench, &mut card, Interface::Contactless, &order, Entered::Pin("1234"), |data| {
            data.aid.clone_from(&aid);
            replace(data, Tag::DF_NAME, &aid);
        });
        let told = bench.pay(&attempt).await;
        told.assert_declined(&attempt, DeclineCode::Cryptogram);
        assert_eq!(told.code, "82");
    }
    for name in ["visa", "mastercard", "unionpay"] {
        assert_eq!(bench.card_of(name).await.pin_tries_left, PIN_TRIES_MAX);
    }
}

#[tokio::test]
async fn a_refusal_is_told_to_the_card_too() {
    let mut bench = Bench::new().await;
    let mut card = card("visa", Interface::Contact);
    let order = bench.order(usd(100));
    let mut answers = Vec::new();
    for pin in ["4321", "1234"] {
        let attempt = present(&mut bench, &mut card, Interface::Contact, &order, Entered::Pin(pin), |_| {});
        let told = bench.pay(&attempt).await;
        answers.push(told.answer.binary(55).unwrap().to_vec());
        let asked = bench.send(attempt.about(iso8583::Mti::INQUIRY)).await.unwrap();
        assert_eq!(asked.binary(55).ok(), answers.last().map(Vec::as_slice), "an inquiry tells it again");
    }
    // Visa's version 18 answers with a card status update, whose second byte approves (Book 3 annex C9).
    let status = |answer: &[u8]| tlv::find(answer, Tag::ISSUER_AUTHENTICATION).unwrap()[5];
    assert_eq!((status(&answers[0]), status(&answers[1])), (0x00, 0x80));
}

/// Finishes an inserted card with what its bank said; what the card then says.
fn finish(card: &mut VirtualCard, read: emv::CardRead, decision: OnlineDecision, de55: &[u8]) -> CompletionResult {
    let answer = IssuerAnswer::from_icc_data(decision, de55).unwrap();
    let mut step = read.completion.unwrap().start(&answer).unwrap();
    loop {
        match step {
            CompletionStep::Transmit { completion, c_apdu } => {
                step = completion.advance(&card.respond(&c_apdu)).unwrap();
            }
            CompletionStep::Done(result) => return result,
        }
    }
}

#[tokio::test]
async fn every_inserted_card_believes_its_bank_and_does_what_it_is_told() {
    let mut bench = Bench::new().await;
    for (name, _) in BUILT_IN {
        let profile = Profile::built_in(name).unwrap();
        if !profile.pays() || !profile.interfaces().contains(&Interface::Contact) {
            continue;
        }
        let pin = profile.pin.clone();
        let mut card = VirtualCard::new(profile).over(Interface::Contact);
        for (scenario, scripts) in [("none", 0), ("script:set_offline_limit", 1), ("script:unblock_pin", 1)] {
            bench.front.scenario().set(scenario).unwrap();
            let order = bench.order(usd(100));
            let mut read = None;
            let attempt = bench.attempt_sealed(&order, |attempt_hash, to| {
                let presented = read_card(&mut card, Interface::Contact, order.amount, attempt_hash);
                let capsule = seal(to, attempt_hash.as_bytes(), &card_data(&presented), Entered::Pin(&pin));
                read = Some(presented);
                capsule
            });
            let told = bench.pay(&attempt).await;
            told.assert_approved(&attempt);
            let de55 = told.answer.binary(55).unwrap();
            let result = finish(&mut card, read.unwrap(), OnlineDecision::Approved, de55);
            let kind = result.cryptogram.as_ref().map(|cryptogram| cryptogram.kind);
            assert_eq!(kind, Some(CryptogramKind::Tc), "{name} {scenario} {:?}", result.trouble);
            assert_ne!(result.issuer_authentication, IssuerAuthentication::Failed, "{name}");
            // 2x: performed successfully, which a card says only of a right MAC.
            let performed = result.script_results.iter().filter(|result| result[0] >> 4 == 2).count();
            assert_eq!((performed, result.script_results.len()), (scripts, scripts), "{name} {scenario}");
        }
    }
}

#[tokio::test]
async fn a_tapped_card_is_sent_no_script() {
    let mut bench = Bench::new().await;
    bench.front.scenario().set("script:unblock_pin").unwrap();
    let order = bench.order(usd(100));
    let attempt = bench.attempt(&order, "1234");
    let told = bench.pay(&attempt).await;
    let objects = tlv::read(told.answer.binary(55).unwrap(), tlv::Mode::Strict).unwrap();
    assert_eq!(objects.iter().map(|object| object.tag).collect::<Vec<_>>(), [Tag::ISSUER_AUTHENTICATION]);
}

#[tokio::test]
async fn a_stripe_pays_with_its_pin_and_within_its_limit() {
    let mut bench = Bench::new().await;
    for (minor, refusal) in [(10_000, None), (10_001, Some(DeclineCode::Limit))] {
        let order = bench.order(usd(minor));
        let attempt = swipe(&mut bench, &order, STRIPE, Entered::Pin("1234"));
        let told = bench.pay(&attempt).await;
        assert!(!told.answer.has(55), "a stripe cannot be told anything");
        assert_eq!(told.outcome.as_ref().unwrap().card_label, "visa ••0003");
        refusal.map_or_else(|| told.assert_approved(&attempt), |code| told.assert_declined(&attempt, code));
    }
    let order = bench.order(usd(100));
    let without_pin = swipe(&mut bench, &order, STRIPE, Entered::Nothing);
    bench.pay(&without_pin).await.assert_declined(&without_pin, DeclineCode::PinRequired);
    for left in [2, 1] {
        let wrong = swipe(&mut bench, &order, STRIPE, Entered::Pin("4321"));
        let told = bench.pay(&wrong).await;
        told.assert_declined(&wrong, DeclineCode::WrongPin);
        assert_eq!(told.pin_tries_left(), Some(left));
    }
    assert_eq!(bench.card_ending("0003").await.atc, None, "a swipe has no counter to consume");
}

#[tokio::test]
async fn a_swipe_is_used_once() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(100));
    let swiped = swipe(&mut bench, &order, STRIPE, Entered::Pin("1234"));
    bench.pay(&swiped).await.assert_approved(&swiped);
    let again = Sent { stan: 700, ..swiped.clone() };
    assert_eq!(bench.pay(&again).await.code, DeclineCode::Replay.response_code());
    // Nor for another order, whether or not it has served before.
    let dear = bench.order(usd(5_000));
    let order_jws = envelope::jws::sign(&bench.merchant, envelope::jws::TYP_ORDER, &dear.canonical());
    let moved = Sent { stan: 701, order: dear.clone(), order_jws: order_jws.clone(), ..swiped };
    bench.pay(&moved).await.assert_declined(&moved, DeclineCode::Replay);
    let cheap = bench.order(usd(50));
    let fresh = swipe(&mut bench, &cheap, STRIPE, Entered::Pin("1234"));
    let moved = Sent { stan: 702, order: dear, order_jws, ..fresh };
    bench.pay(&moved).await.assert_declined(&moved, DeclineCode::OrderMismatch);
    assert_eq!(bench.posted("cardholder:visa-0003").await, 100_000 - 100);
}

#[tokio::test]
async fn a_stripe_that_was_changed_or_copied_from_a_chip_is_refused_and_costs_no_try() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(100));
    let chips_own = {
        let mut card = card("visa", Interface::Contact);
        let mut track2 = String::new();
        present(&mut bench, &mut card, Interface::Contact, &order, Entered::Pin("1234"), |data| {
            track2 = String::from_utf8(data.track2.as_ref().unwrap().expose().to_vec()).unwrap();
        });
        track2
    };
    for (track2, expected) in [
        (STRIPE.replace("D3112", "D3212"), DeclineCode::Cryptogram),
        (STRIPE.replace("0794", "0795"), DeclineCode::Cryptogram),
        // A chip's image of the stripe, and a chip card whose service code was changed to hide the chip.
        (chips_own, DeclineCode::Cryptogram),
        ("4761340000000050D31121010000049700000".to_owned(), DeclineCode::Cryptogram),
        // The chip card's own stripe.
        ("4761340000000050D31122010000049700000".to_owned(), DeclineCode::ChipRequired),
    ] {
        let attempt = swipe(&mut bench, &order, &track2, Entered::Pin("1234"));
        bench.pay(&attempt).await.assert_declined(&attempt, expected);
    }
    // Chip data beside a stripe, and a stripe that says it came over the air.
    for change in [
        |data: &mut CardData| data.icc_data = vec![0x9F, 0x36, 0x02, 0x00, 0x01].into(),
        |data: &mut CardData| data.entry_mode = EntryMode::ContactlessMagStripe,
    ] {
        let attempt = bench.attempt_sealed(&order, |attempt_hash, to| {
            let mut data = CardData {
                pan: Pan::parse("4456539999990003").unwrap(),
                track2: Some(SecretBytes::copy_of(STRIPE.as_bytes())),
                expiry_yymm: *b"3112",
                psn: None,
                aid: Vec::new(),
                entry_mode: EntryMode::MagStripe,
                icc_data: Vec::new().into(),
            };
            change(&mut data);
            seal(to, attempt_hash.as_bytes(), &data, Entered::Pin("1234"))
        });
        bench.pay(&attempt).await.assert_declined(&attempt, DeclineCode::Cryptogram);
    }
    for last_four in ["0003", "0050"] {
        assert_eq!(bench.card_ending(last_four).await.pin_tries_left, PIN_TRIES_MAX);
    }
}

//! Capsules and orders that were changed, moved or kept too long.

use std::sync::atomic::Ordering;

use envelope::{Merchant, SigningKey, jws};
use payment::{AttemptId, DeclineCode};

use super::OPENING;
use super::support::{Bench, HOLDER, NOW_MS, Sent, Told, usd};
use crate::bank_front::card::PIN_TRIES_MAX;

#[tokio::test]
async fn an_amount_changed_on_the_way_is_refused() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(1_280));
    let attempt = bench.attempt(&order, "1234");
    for (number, text) in [(4, "000000001281"), (49, "978"), (42, "red-door       ")] {
        let changed = Sent { stan: attempt.stan + u32::from(number) * 1_000, ..attempt.clone() };
        let answer = bench.send(changed.message().with_text(number, text)).await.unwrap();
        let told = Told::of(&bench, &answer);
        assert_eq!(told.code, DeclineCode::OrderMismatch.response_code(), "DE {number}");
    }
    assert_eq!(bench.posted(HOLDER).await, OPENING);
}

#[tokio::test]
async fn an_order_of_a_merchant_that_the_bank_does_not_know_is_refused() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(1_280));
    let attempt = bench.attempt(&order, "1234");
    let mut json: serde_json::Value = serde_json::from_slice(&order.canonical()).unwrap();
    json["merchant_id"] = "red-door".into();
    let canonical = serde_json::to_vec(&json).unwrap();
    let stranger = Sent { order_jws: jws::sign(&bench.merchant, jws::TYP_ORDER, &canonical), ..attempt };
    let told = bench.pay(&stranger).await;
    assert_eq!(told.code, DeclineCode::InvalidMerchant.response_code());
    assert_eq!(bench.posted(HOLDER).await, OPENING);
}

#[tokio::test]
async fn an_order_signed_by_somebody_else_is_refused() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(1_280));
    let attempt = bench.attempt(&order, "1234");
    let stranger = SigningKey::<Merchant>::generate();
    let forged = Sent { order_jws: jws::sign(&stranger, jws::TYP_ORDER, &order.canonical()), ..attempt };
    bench.pay(&forged).await.assert_declined(&forged, DeclineCode::OrderMismatch);
    assert_eq!(bench.card().await.atc, None);
}

#[tokio::test]
async fn a_capsule_put_under_another_order_does_not_open() {
    let mut bench = Bench::new().await;
    let cheap = bench.order(usd(100));
    let dear = bench.order(usd(40_000));
    let seen = bench.attempt(&cheap, "1234");
    let swapped =
        Sent { order_jws: jws::sign(&bench.merchant, jws::TYP_ORDER, &dear.canonical()), order: dear, ..seen.clone() };
    bench.pay(&swapped).await.assert_declined(&swapped, DeclineCode::OrderMismatch);
    assert_eq!(bench.card().await.pin_tries_left, PIN_TRIES_MAX);
    assert_eq!(bench.posted(HOLDER).await, OPENING);
}

#[tokio::test]
async fn a_flipped_bit_anywhere_in_a_capsule_is_refused() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(100));
    let length = bench.attempt(&order, "1234").capsule.ciphertext.len();
    for at in (0..length).step_by(151) {
        let mut changed = bench.attempt(&order, "1234");
        changed.capsule.ciphertext[at] ^= 1;
        bench.pay(&changed).await.assert_declined(&changed, DeclineCode::OrderMismatch);
    }
    let mut changed = bench.attempt(&order, "1234");
    changed.capsule.enc[31] ^= 1;
    bench.pay(&changed).await.assert_declined(&changed, DeclineCode::OrderMismatch);
    assert_eq!(bench.posted(HOLDER).await, OPENING);
    assert_eq!(bench.card().await.pin_tries_left, PIN_TRIES_MAX);
}

#[tokio::test]
async fn a_capsule_replayed_for_another_attempt_costs_no_pin_try() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(100));
    let wrong = bench.attempt(&order, "4321");
    bench.pay(&wrong).await.assert_declined(&wrong, DeclineCode::WrongPin);
    for stan in 1_000..1_005 {
        let attempt_id = AttemptId::from_bytes([u8::try_from(stan - 990).unwrap(); 16]);
        let replayed = Sent { attempt_id, stan, ..wrong.clone() };
        bench.pay(&replayed).await.assert_declined(&replayed, DeclineCode::Replay);
    }
    assert_eq!(bench.card().await.pin_tries_left, PIN_TRIES_MAX - 1);
}

#[tokio::test]
async fn an_older_counter_is_refused_and_costs_no_pin_try() {
    let mut bench = Bench::new().await;
    let (first, second) = (bench.order(usd(100)), bench.order(usd(100)));
    let early = bench.attempt(&first, "4321");
    let late = bench.attempt(&second, "1234");
    bench.pay(&late).await.assert_approved(&late);
    bench.pay(&early).await.assert_declined(&early, DeclineCode::Replay);
    assert_eq!(bench.card().await.pin_tries_left, PIN_TRIES_MAX);
}

#[tokio::test]
async fn card_data_that_does_not_match_the_cryptogram_is_refused() {
    let mut bench = Bench::new().await;
    let mut card = virtual_card::VirtualCard::new(bench.visa.profile().clone());
    let order = bench.order(usd(100));
    let replace = |icc_data: &mut zeroize::Zeroizing<Vec<u8>>, from: &[u8], to: &[u8]| {
        let at = icc_data.windows(from.len()).position(|window| window == from).unwrap();
        icc_data[at..at + to.len()].copy_from_slice(to);
    };
    let amount = hex::decode("9F0206000000000100").unwrap();
    let tampered = hex::decode("9F0206000000000101").unwrap();
    let attempt = bench.attempt_with(&mut card, &order, "1234", |data| replace(&mut data.icc_data, &amount, &tampered));
    bench.pay(&attempt).await.assert_declined(&attempt, DeclineCode::Cryptogram);
    let attempt = bench.attempt_with(&mut card, &order, "1234", |data| {
        data.aid = hex::decode("A0000000041010").unwrap();
    });
    bench.pay(&attempt).await.assert_declined(&attempt, DeclineCode::Cryptogram);
    let attempt = bench.attempt_with(&mut card, &order, "1234", |data| data.psn = Some(2));
    bench.pay(&attempt).await.assert_declined(&attempt, DeclineCode::Cryptogram);
    let attempt = bench.attempt_with(&mut card, &order, "1234", |data| {
        data.pan = envelope::Pan::parse("4761340000000068").unwrap();
    });
    bench.pay(&attempt).await.assert_declined(&attempt, DeclineCode::Cryptogram);
    let card = bench.card().await;
    assert_eq!((card.atc, card.pin_tries_left), (None, PIN_TRIES_MAX), "nothing was learned or spent");
}

#[tokio::test]
async fn a_cryptogram_made_for_another_attempt_is_refused() {
    let mut bench = Bench::new().await;
    let mut card = virtual_card::VirtualCard::new(bench.visa.profile().clone());
    let order = bench.order(usd(100));
    let mut captured = Vec::new();
    bench.attempt_with(&mut card, &order, "1234", |data| captured = data.icc_data.to_vec());
    // Pre-play: a right cryptogram over another unpredictable number.
    let attempt = bench.attempt_with(&mut card, &order, "1234", |data| data.icc_data = captured.into());
    bench.pay(&attempt).await.assert_declined(&attempt, DeclineCode::Cryptogram);
}

#[tokio::test]
async fn a_cryptogram_of_another_day_is_refused() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(100));
    let attempt = bench.attempt(&order, "1234");
    bench.clock.fetch_add(2 * 24 * 60 * 60 * 1_000, Ordering::Relaxed);
    let late = bench.pay(&attempt).await;
    late.assert_declined(&attempt, DeclineCode::OrderMismatch);
    let order = bench.order(usd(100));
    let attempt = bench.attempt(&order, "1234");
    bench.pay(&attempt).await.assert_declined(&attempt, DeclineCode::Cryptogram);
}

#[tokio::test]
async fn a_capsule_to_a_retired_key_is_told_the_new_one() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(100));
    let attempt = bench.attempt(&order, "1234");
    bench.front.scenario().set("roll_key").unwrap();
    let told = bench.pay(&attempt).await;
    told.assert_declined(&attempt, DeclineCode::RetiredKey);
    let certificate = told.composite.bank_certificate.as_deref().unwrap();
    assert_eq!(certificate, &*bench.front.hsm.certificate(NOW_MS).unwrap());
    let again = bench.attempt(&order, "1234");
    bench.pay(&again).await.assert_approved(&again);
}

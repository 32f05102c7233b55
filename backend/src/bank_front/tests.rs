//! The bank front as a whole, message by message, named by misfortune.

use std::sync::atomic::Ordering;

use emv::tag::Tag;
use iso8583::private::Composite;
use iso8583::{Mti, network};
use payment::{DeclineCode, OrderHash};

use super::card::{CardStatus, PIN_TRIES_MAX};

mod capsules;
mod cards;
mod history;
mod holds;
mod link;
mod misfortune;
pub mod plain;
mod reversals;
mod seeding;
pub mod support;
pub mod texts;

use support::{Bench, HOLDER, NOW_MS, Sent, usd};

const OPENING: i64 = 100_000;

#[tokio::test]
async fn a_good_payment_moves_the_money_once() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(1_280));
    let attempt = bench.attempt(&order, "1234");
    let told = bench.pay(&attempt).await;
    told.assert_approved(&attempt);
    assert_eq!(told.outcome.as_ref().unwrap().card_label, "visa ••0050");
    let arpc = emv::tlv::find(told.answer.binary(55).unwrap(), Tag::ISSUER_AUTHENTICATION);
    assert!(arpc.is_some_and(|value| value.len() >= 8));
    assert_eq!(bench.posted(HOLDER).await, OPENING - 1_280);
    assert_eq!(bench.posted("merchant:blue-door").await, 1_280);
    assert_eq!(bench.card().await.atc, Some(1));
}

#[tokio::test]
async fn a_mastercard_pays_too() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(500));
    let mut card = virtual_card::VirtualCard::new(bench.mastercard.profile().clone());
    let attempt = bench.attempt_with(&mut card, &order, "1234", |_| {});
    bench.pay(&attempt).await.assert_approved(&attempt);
    assert_eq!(bench.posted("cardholder:mastercard-0011").await, OPENING - 500);
}

#[tokio::test]
async fn a_repeat_gets_the_same_bytes_and_moves_nothing_more() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(1_280));
    let attempt = bench.attempt(&order, "1234");
    let first = bench.pay(&attempt).await;
    bench.clock.fetch_add(60_000, Ordering::Relaxed);
    bench.restart().await;
    let repeat = bench.send(attempt.message().with_mti(Mti::FINANCIAL_REPEAT)).await.unwrap();
    assert!(repeat == first.answer);
    assert_eq!(bench.posted(HOLDER).await, OPENING - 1_280);
}

#[tokio::test]
async fn fifty_copies_at_once_are_one_payment_and_one_pin_try() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(1_280));
    let wrong = bench.attempt(&order, "9999");
    let answers = futures::future::join_all((0..50).map(|_| bench.send(wrong.message()))).await;
    assert!(answers.iter().all(|answer| answer == &answers[0]));
    assert_eq!(bench.card().await.pin_tries_left, PIN_TRIES_MAX - 1);
    let right = bench.attempt(&order, "1234");
    let answers = futures::future::join_all((0..50).map(|_| bench.send(right.message()))).await;
    assert!(answers.iter().all(|answer| answer == &answers[0]));
    assert_eq!(bench.posted(HOLDER).await, OPENING - 1_280);
}

#[tokio::test]
async fn another_message_under_a_used_reference_changes_nothing() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(1_280));
    let attempt = bench.attempt(&order, "1234");
    bench.pay(&attempt).await;
    let second = bench.order(usd(700));
    let other = Sent { stan: attempt.stan, ..bench.attempt(&second, "1234") };
    let told = bench.pay(&other).await;
    assert_eq!(told.code, "30");
    assert!(told.outcome.is_none());
    assert_eq!(bench.posted(HOLDER).await, OPENING - 1_280);
}

#[tokio::test]
async fn the_same_attempt_under_a_new_reference_is_a_duplicate_whose_first_outcome_stands() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(1_280));
    let attempt = bench.attempt(&order, "1234");
    let first = bench.pay(&attempt).await;
    let again = Sent { stan: 777, ..attempt.clone() };
    let told = bench.pay(&again).await;
    assert_eq!(told.code, DeclineCode::Replay.response_code());
    assert_eq!(told.composite.outcome, first.composite.outcome, "no second word on the same attempt");
    assert_eq!(bench.posted(HOLDER).await, OPENING - 1_280);
}

#[tokio::test]
async fn a_changed_message_does_not_spoil_the_honest_one_behind_it() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(1_280));
    let attempt = bench.attempt(&order, "1234");
    for stan in 900..905 {
        let mut changed = Sent { stan, ..attempt.clone() };
        changed.capsule.ciphertext[usize::try_from(stan - 800).unwrap()] ^= 0x10;
        bench.pay(&changed).await.assert_declined(&changed, DeclineCode::OrderMismatch);
    }
    bench.pay(&attempt).await.assert_approved(&attempt);
}

#[tokio::test]
async fn the_third_wrong_pin_locks_the_card() {
    let mut bench = Bench::new().await;
    for (left, code) in [(2, DeclineCode::WrongPin), (1, DeclineCode::WrongPin), (0, DeclineCode::PinTriesExceeded)] {
        let order = bench.order(usd(100));
        let attempt = bench.attempt(&order, "4321");
        let told = bench.pay(&attempt).await;
        told.assert_declined(&attempt, code);
        assert_eq!(told.pin_tries_left(), Some(left));
        bench.restart().await;
    }
    assert_eq!(bench.card().await.status, CardStatus::PinLocked);
    let order = bench.order(usd(100));
    let attempt = bench.attempt(&order, "1234");
    bench.pay(&attempt).await.assert_declined(&attempt, DeclineCode::PinTriesExceeded);
    assert_eq!(bench.posted(HOLDER).await, OPENING);
}

#[tokio::test]
async fn four_last_tries_at_once_lock_the_card_and_never_go_below_zero() {
    let mut bench = Bench::new().await;
    let mut attempts = Vec::new();
    for _ in 0..6 {
        let order = bench.order(usd(100));
        attempts.push(bench.attempt(&order, "4321"));
    }
    let told = futures::future::join_all(attempts.iter().map(|attempt| bench.pay(attempt))).await;
    // The counters arrive in any order, so some are replays; no more than three tries were counted.
    let wrong = told.iter().filter(|told| told.code == "55" || told.composite.pin_tries_left.is_some()).count();
    let card = bench.card().await;
    assert_eq!(usize::from(PIN_TRIES_MAX - card.pin_tries_left), wrong);
    assert!(wrong <= 3);
    assert_eq!(card.status == CardStatus::PinLocked, card.pin_tries_left == 0);
}

#[tokio::test]
async fn insufficient_funds_and_limits_have_their_own_codes() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(50_001));
    let attempt = bench.attempt(&order, "1234");
    bench.pay(&attempt).await.assert_declined(&attempt, DeclineCode::Limit);
    for minor in [50_000, 30_000] {
        let order = bench.order(usd(minor));
        let attempt = bench.attempt(&order, "1234");
        bench.pay(&attempt).await.assert_approved(&attempt);
    }
    let order = bench.order(usd(1));
    let attempt = bench.attempt(&order, "1234");
    bench.pay(&attempt).await.assert_declined(&attempt, DeclineCode::Limit);
    // The next day the limit is fresh, but only 200.00 are left.
    bench.clock.fetch_add(24 * 60 * 60 * 1_000, Ordering::Relaxed);
    let order = bench.order(usd(20_001));
    let attempt = bench.attempt(&order, "1234");
    bench.pay(&attempt).await.assert_declined(&attempt, DeclineCode::InsufficientFunds);
    assert_eq!(bench.posted(HOLDER).await, 20_000);
}

#[tokio::test]
async fn a_blocked_and_an_expired_card_are_refused() {
    let mut bench = Bench::new().await;
    let card = bench.card().await;
    let set = |status| {
        let card = card.clone();
        bench.front.db.write(move |db_tx| Box::pin(async move { card.set_status(db_tx, status).await }))
    };
    set(CardStatus::Blocked).await.unwrap();
    let order = bench.order(usd(100));
    let attempt = bench.attempt(&order, "1234");
    bench.pay(&attempt).await.assert_declined(&attempt, DeclineCode::CardBlocked);
    let card = bench.card().await;
    let active = card.clone();
    bench
        .front
        .db
        .write(move |db_tx| Box::pin(async move { active.set_status(db_tx, CardStatus::Active).await }))
        .await
        .unwrap();
    let mut visa = virtual_card::VirtualCard::new(bench.visa.profile().clone());
    for _ in 0..3 {
        bench.attempt_with(&mut visa, &order, "1234", |_| {});
    }
    let attempt = bench.attempt_with(&mut visa, &order, "1234", |data| data.expiry_yymm = *b"2610");
    bench.pay(&attempt).await.assert_declined(&attempt, DeclineCode::CardExpired);
}

#[tokio::test]
async fn a_card_of_another_bank_and_an_unknown_card_are_told_so() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(100));
    let mut profile = bench.visa.profile().clone();
    profile.pan = "4761340000000068".to_owned();
    let mut stranger = virtual_card::VirtualCard::new(profile);
    let attempt = bench.attempt_with(&mut stranger, &order, "1234", |_| {});
    bench.pay(&attempt).await.assert_declined(&attempt, DeclineCode::UnknownCard);
    let mut card = virtual_card::VirtualCard::new(bench.visa.profile().clone());
    let attempt = bench.attempt_with(&mut card, &order, "1234", |data| {
        data.pan = envelope::Pan::parse("4000000000000002").unwrap();
    });
    bench.pay(&attempt).await.assert_declined(&attempt, DeclineCode::UnknownCard);
}

#[tokio::test]
async fn a_request_is_paid_once_whatever_the_server_asks() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(100));
    let first = bench.attempt(&order, "1234");
    let second = bench.attempt(&order, "1234");
    bench.pay(&first).await.assert_approved(&first);
    bench.pay(&second).await.assert_declined(&second, DeclineCode::Replay);
    assert_eq!(bench.posted(HOLDER).await, OPENING - 100);
}

#[tokio::test]
async fn an_order_long_past_is_refused() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(100));
    let attempt = bench.attempt(&order, "1234");
    bench.clock.fetch_add(300_000 + 5 * 60 * 1_000 + 1, Ordering::Relaxed);
    bench.pay(&attempt).await.assert_declined(&attempt, DeclineCode::OrderMismatch);
}

#[tokio::test]
async fn card_data_beside_the_capsule_and_missing_fields_are_format_errors() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(100));
    let attempt = bench.attempt(&order, "1234");
    let message = || attempt.message();
    let incomplete = Composite { wallet_nonce: None, ..attempt.composite() };
    for broken in [
        message().with_text(2, "4761340000000050"),
        message().with_binary(52, [0; 8]),
        message().with_text(3, "010000"),
        message().with_binary(127, incomplete.to_bytes().unwrap()),
        message().with_binary(127, [9]),
        attempt.about(Mti::FINANCIAL_REQUEST),
        attempt.about(Mti::REVERSAL_ADVICE).with_text(90, "0".repeat(42)),
        attempt.about(Mti::INQUIRY).with_binary(127, [9]),
    ] {
        let answer = bench.send(broken).await.unwrap();
        assert_eq!(answer.text(39).unwrap(), "30");
        assert!(Composite::of(&answer).unwrap().outcome.is_none());
    }
    bench.pay(&attempt).await.assert_approved(&attempt);
}

#[tokio::test]
async fn what_the_bank_does_not_do_is_refused_and_answers_are_not_answered() {
    let bench = Bench::new().await;
    let message = |mti| iso8583::Message::new(mti).with_text(11, "000001");
    let told = bench.send(message(Mti::FINANCIAL_ADVICE)).await.unwrap();
    assert_eq!(told.text(39).unwrap(), "12");
    assert!(bench.send(message(Mti::FINANCIAL_ANSWER)).await.is_none());
    let echo = message(Mti::NETWORK_REQUEST).with_text(70, network::ECHO);
    let certificate = Composite::of(&bench.send(echo).await.unwrap()).unwrap().bank_certificate;
    assert_eq!(certificate.unwrap(), *bench.front.hsm.certificate(NOW_MS).unwrap());
}

#[tokio::test]
async fn a_bank_whose_books_fail_keeps_silent_instead_of_guessing() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(100));
    let attempt = bench.attempt(&order, "1234");
    let break_books = |sql: &'static str| {
        bench.front.db.write(move |db_tx| Box::pin(async move { sqlx::query(sql).execute(db_tx).await.map(drop) }))
    };
    break_books("ALTER TABLE entry RENAME TO entry_gone").await.unwrap();
    assert!(bench.send(attempt.message()).await.is_none());
    break_books("ALTER TABLE entry_gone RENAME TO entry").await.unwrap();
    assert_eq!(bench.card().await.atc, None, "the whole step was undone");
    let told = bench.send(attempt.about(Mti::INQUIRY)).await.unwrap();
    assert_eq!(told.text(39).unwrap(), "25");
    bench.pay(&attempt).await.assert_approved(&attempt);
}

#[tokio::test]
async fn scripted_misfortune_moves_money_as_it_says() {
    let mut bench = Bench::new().await;
    for (scenario, moved, inquiry) in [
        ("debit_lost", 0, Some("25")),
        ("debit_then_silent", 100, Some("00")),
        ("debit_then_deaf", 100, None),
        ("silent", 0, None),
    ] {
        let before = bench.posted(HOLDER).await;
        bench.front.scenario().set(scenario).unwrap();
        let order = bench.order(usd(100));
        let attempt = bench.attempt(&order, "1234");
        assert!(bench.send(attempt.message()).await.is_none());
        assert_eq!(bench.posted(HOLDER).await, before - moved, "{scenario}");
        let told = bench.send(attempt.about(Mti::INQUIRY)).await;
        assert_eq!(told.as_ref().map(|told| told.text(39).unwrap()), inquiry, "{scenario}");
        bench.front.scenario().set("none").unwrap();
        bench.send(attempt.about(Mti::REVERSAL_ADVICE)).await.unwrap();
        assert_eq!(bench.posted(HOLDER).await, before, "{scenario}");
    }
}

#[tokio::test]
async fn no_card_number_is_in_any_file_of_the_bank() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(100));
    for pin in ["4321", "1234"] {
        let attempt = bench.attempt(&order, pin);
        bench.pay(&attempt).await;
    }
    let mut searched = 0;
    for folder in [bench.folder.path().to_owned(), bench.folder.path().join("bank")] {
        for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file()) {
            let bytes = std::fs::read(&file).unwrap();
            searched += bytes.len();
            let packed = hex::decode("4761340000000050").unwrap();
            for secret in [&b"4761340000000050"[..], &packed] {
                let found = bytes.windows(secret.len()).any(|window| window == secret);
                assert!(!found, "{}", file.display());
            }
        }
    }
    assert!(searched > 10_000, "the database was searched");
}

#[tokio::test]
async fn the_outcome_is_of_the_order_the_merchant_signed() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(100));
    let attempt = bench.attempt(&order, "1234");
    let outcome = bench.pay(&attempt).await.outcome.unwrap();
    assert_eq!(outcome.order_hash, OrderHash::of_canonical(&order.canonical()));
    assert_eq!((outcome.request_id, outcome.amount, outcome.rrn), (order.request_id, order.amount, attempt.rrn()));
}

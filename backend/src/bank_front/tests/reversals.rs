//! What is undone, and what is asked about.

use iso8583::Mti;
use payment::DeclineCode;
use payment::outcome::BankResult;

use super::OPENING;
use super::support::{Bench, HOLDER, Sent, Told, usd};
use crate::bank_front::card::PIN_TRIES_MAX;

#[tokio::test]
async fn a_reversal_gives_the_money_back_once_however_often_it_comes() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(1_280));
    let attempt = bench.attempt(&order, "1234");
    bench.pay(&attempt).await;
    let first = bench.send(attempt.about(Mti::REVERSAL_ADVICE)).await.unwrap();
    assert_eq!(first.mti(), Mti::REVERSAL_ADVICE_ANSWER);
    let told = Told::of(&bench, &first);
    assert_eq!(told.code, "00");
    assert_eq!(told.outcome.unwrap().decision, BankResult::Reversed);
    bench.restart().await;
    for mti in [Mti::REVERSAL_ADVICE_REPEAT, Mti::REVERSAL_REQUEST] {
        let again = Told::of(&bench, &bench.send(attempt.about(mti)).await.unwrap());
        assert_eq!((again.code.as_str(), again.composite), ("00", told.composite.clone()));
    }
    assert_eq!(bench.posted(HOLDER).await, OPENING);
    assert_eq!(bench.posted("merchant:blue-door").await, 0);
    // What was spent today is given back too.
    let order = bench.order(usd(50_000));
    let attempt = bench.attempt(&order, "1234");
    bench.pay(&attempt).await.assert_approved(&attempt);
}

#[tokio::test]
async fn a_reversal_of_what_never_arrived_keeps_it_from_ever_being_approved() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(1_280));
    let attempt = bench.attempt(&order, "1234");
    for mti in [Mti::REVERSAL_ADVICE, Mti::REVERSAL_ADVICE_REPEAT] {
        let told = Told::of(&bench, &bench.send(attempt.about(mti)).await.unwrap());
        assert_eq!(told.code, "00");
        assert!(told.outcome.is_none());
    }
    let inquiry = bench.send(attempt.about(Mti::INQUIRY)).await.unwrap();
    assert_eq!(inquiry.text(39).unwrap(), "25");
    let late = bench.pay(&attempt).await;
    late.assert_declined(&attempt, DeclineCode::AlreadyReversed);
    let renumbered = Sent { stan: 888, ..attempt.clone() };
    bench.pay(&renumbered).await.assert_declined(&renumbered, DeclineCode::AlreadyReversed);
    let told = Told::of(&bench, &bench.send(attempt.about(Mti::INQUIRY)).await.unwrap());
    assert_eq!((told.code.as_str(), told.composite.outcome), ("00", late.composite.outcome));
    assert_eq!(bench.posted(HOLDER).await, OPENING);
    assert_eq!(bench.card().await.atc, None);
}

#[tokio::test]
async fn an_approval_and_its_reversal_at_once_leave_no_money_moved() {
    let mut bench = Bench::new().await;
    for _ in 0..10 {
        let order = bench.order(usd(100));
        let attempt = bench.attempt(&order, "1234");
        let (_, reversed) =
            tokio::join!(bench.send(attempt.message()), bench.send(attempt.about(Mti::REVERSAL_ADVICE)));
        assert_eq!(reversed.unwrap().text(39).unwrap(), "00");
        assert_eq!(bench.posted(HOLDER).await, OPENING);
    }
}

#[tokio::test]
async fn an_inquiry_tells_what_became_of_an_attempt_and_changes_nothing() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(1_280));
    let wrong = bench.attempt(&order, "4321");
    let unknown = bench.send(wrong.about(Mti::INQUIRY)).await.unwrap();
    assert_eq!((unknown.mti(), unknown.text(39).unwrap()), (Mti::INQUIRY_ANSWER, "25"));
    let declined = bench.pay(&wrong).await;
    let told = Told::of(&bench, &bench.send(wrong.about(Mti::INQUIRY)).await.unwrap());
    assert_eq!((told.code.as_str(), &told.composite.outcome), ("00", &declined.composite.outcome));
    let right = bench.attempt(&order, "1234");
    let approved = bench.pay(&right).await;
    let told = Told::of(&bench, &bench.send(right.about(Mti::INQUIRY)).await.unwrap());
    told.assert_approved(&right);
    assert_eq!(told.composite.outcome, approved.composite.outcome);
    bench.send(right.about(Mti::REVERSAL_ADVICE)).await.unwrap();
    let told = Told::of(&bench, &bench.send(right.about(Mti::INQUIRY)).await.unwrap());
    assert_eq!(told.outcome.unwrap().decision, BankResult::Reversed);
    assert_eq!(bench.card().await.pin_tries_left, PIN_TRIES_MAX);
}

#[tokio::test]
async fn a_refusal_without_an_attempt_is_still_told_to_an_inquiry() {
    let mut bench = Bench::new().await;
    let order = bench.order(usd(100));
    let first = bench.attempt(&order, "1234");
    bench.pay(&first).await;
    let second = bench.attempt(&order, "1234");
    bench.pay(&second).await.assert_declined(&second, DeclineCode::Replay);
    let told = Told::of(&bench, &bench.send(second.about(Mti::INQUIRY)).await.unwrap());
    let outcome = told.outcome.unwrap();
    assert_eq!(outcome.attempt_id, second.attempt_id);
    assert!(matches!(outcome.decision, BankResult::Declined { code: DeclineCode::Replay, .. }));
}

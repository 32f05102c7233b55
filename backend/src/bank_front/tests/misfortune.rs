//! Every deed of a script: what is sent, and where the money is.

use iso8583::private::Composite;
use iso8583::{Message, Mti};
use payment::DeclineCode;

use super::support::{Bench, HOLDER, NOW_MS, Sent, Told, usd};
use crate::bank_front::message::{self, Line, Reply};

/// A bank that plays this script.
async fn playing(script: &str) -> Bench {
    let bench = Bench::new().await;
    let file = bench.folder.path().join("script.toml");
    std::fs::write(&file, script).unwrap();
    bench.front.scenario().set(file.to_str().unwrap()).unwrap();
    bench
}

fn attempt(bench: &mut Bench) -> Sent {
    let order = bench.order(usd(100));
    bench.attempt(&order, "1234")
}

async fn reply(bench: &Bench, message: Message) -> Reply {
    message::answer(&bench.front, &Line::Sealed, message).await
}

/// What the debit moved.
async fn moved(bench: &Bench, before: i64) -> i64 {
    before - bench.posted(HOLDER).await
}

#[tokio::test]
async fn a_duplicate_answer_is_one_debit() {
    let mut bench = playing("[[rule]]\ndo = \"twice\"\n").await;
    let before = bench.posted(HOLDER).await;
    let sent = attempt(&mut bench);
    let Reply::Each(answers) = reply(&bench, sent.message()).await else { panic!("not twice") };
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0], answers[1]);
    assert_eq!(moved(&bench, before).await, 100);
}

#[tokio::test]
async fn a_wrong_echo_is_only_an_echo() {
    let script =
        "[[rule]]\ndo = \"echo\"\necho = { amount_minor = 9999, currency = \"EUR\", merchant = \"red-door\" }\n";
    let mut bench = playing(script).await;
    let before = bench.posted(HOLDER).await;
    let sent = attempt(&mut bench);
    let answer = bench.send(sent.message()).await.unwrap();
    assert_eq!((answer.number(4), answer.number(49)), (Ok(9_999), Ok(978)));
    assert_eq!(answer.text(42).unwrap(), "red-door       ");
    assert_eq!(Told::of(&bench, &answer).outcome.unwrap().amount, usd(100));
    assert_eq!(moved(&bench, before).await, 100);
}

#[tokio::test]
async fn an_approval_after_its_reversal_moves_money_that_a_second_reversal_brings_back() {
    let mut bench = playing("[[rule]]\nwhen = { message = \"debit\" }\ndo = \"approve_after_reversal\"\n").await;
    let before = bench.posted(HOLDER).await;
    let sent = attempt(&mut bench);
    assert_eq!(reply(&bench, sent.message()).await, Reply::Silence);
    assert_eq!(bench.send(sent.about(Mti::INQUIRY)).await.unwrap().text(39).unwrap(), "25");
    assert_eq!(moved(&bench, before).await, 0);
    let Reply::Each(answers) = reply(&bench, sent.about(Mti::REVERSAL_ADVICE)).await else { panic!("not both") };
    assert_eq!(answers[0].mti(), Mti::REVERSAL_ADVICE_ANSWER);
    assert_eq!(answers[0].text(39).unwrap(), "00");
    Told::of(&bench, &answers[1]).assert_approved(&sent);
    assert_eq!(moved(&bench, before).await, 100);
    let undone = bench.send(sent.about(Mti::REVERSAL_ADVICE_REPEAT)).await.unwrap();
    assert!(Composite::of(&undone).unwrap().outcome.is_some());
    assert_eq!(moved(&bench, before).await, 0);
}

#[tokio::test]
async fn an_outcome_signed_by_a_stranger_does_not_verify_and_the_stored_one_does() {
    let mut bench = playing("[[rule]]\nwhen = { nth = 1 }\ndo = \"wrong_key\"\n").await;
    let sent = attempt(&mut bench);
    let answer = bench.send(sent.message()).await.unwrap();
    let signed = Composite::of(&answer).unwrap().outcome.unwrap();
    let certificate = bench.certificate();
    assert!(certificate.outcome_key(&envelope::jws::peek_kid(&signed).unwrap(), NOW_MS).is_none());
    let told = bench.send(sent.about(Mti::INQUIRY)).await.unwrap();
    assert!(Told::of(&bench, &told).outcome.is_some());
}

#[tokio::test]
async fn every_code_can_be_had_on_demand_and_moves_nothing() {
    for code in DeclineCode::ALL.iter().copied().filter(|code| *code != DeclineCode::Format) {
        let mut bench = Bench::new().await;
        bench.front.scenario().set(&format!("decline:{code}")).unwrap();
        let before = bench.posted(HOLDER).await;
        let sent = attempt(&mut bench);
        bench.pay(&sent).await.assert_declined(&sent, code);
        // The refusal is the attempt's outcome, as any other.
        let told = bench.send(sent.about(Mti::INQUIRY)).await.unwrap();
        assert_eq!(told.text(39).unwrap(), "00", "{code}");
        assert_eq!(moved(&bench, before).await, 0);
    }
}

#[tokio::test]
async fn a_busy_bank_decides_nothing() {
    for code in ["91", "96"] {
        let mut bench = Bench::new().await;
        bench.front.scenario().set(&format!("busy:{code}")).unwrap();
        let before = bench.posted(HOLDER).await;
        let sent = attempt(&mut bench);
        let answer = bench.send(sent.message()).await.unwrap();
        assert_eq!(answer.text(39).unwrap(), code);
        assert!(!answer.has(127));
        assert_eq!(moved(&bench, before).await, 0);
        assert_eq!(bench.send(sent.about(Mti::INQUIRY)).await.unwrap().text(39).unwrap(), "25");
        bench.front.scenario().set("none").unwrap();
        bench.pay(&sent).await.assert_approved(&sent);
    }
}

#[tokio::test]
async fn an_answer_can_be_cut_swapped_or_spoilt_and_the_debit_stands() {
    let kinds = ["noise", "length", "composite", "type"].map(|kind| format!("do = \"malformed\"\nkind = \"{kind}\""));
    for deed in kinds.into_iter().chain(["do = \"cut\"".into(), "do = \"swap\"".into()]) {
        let mut bench = playing(&format!("[[rule]]\nwhen = {{ message = \"debit\" }}\n{deed}\n")).await;
        let before = bench.posted(HOLDER).await;
        let sent = attempt(&mut bench);
        match (deed.as_str(), reply(&bench, sent.message()).await) {
            ("do = \"cut\"", Reply::Cut(answer)) | ("do = \"swap\"", Reply::AfterNext(answer)) => {
                Told::of(&bench, &answer).assert_approved(&sent);
            }
            (_, Reply::Frame(bytes)) => assert!(Message::unpack(&iso8583::Spec::TAPSEAL, &bytes).is_err(), "{deed}"),
            (_, Reply::Raw(bytes)) => {
                let mut decoder = iso8583::frame::Decoder::new();
                decoder.push(&bytes);
                assert!(decoder.next_frame().is_err(), "{deed}");
            }
            (_, Reply::Once(answer)) if answer.mti() == Mti::FINANCIAL_ANSWER => {
                assert!(Composite::of(&answer).is_err(), "{deed}");
            }
            (_, Reply::Once(answer)) => assert_eq!(answer.mti(), Mti::REVERSAL_ADVICE_ANSWER, "{deed}"),
            (_, other) => panic!("{deed}: {other:?}"),
        }
        assert_eq!(moved(&bench, before).await, 100, "{deed}");
        let told = bench.send(sent.about(Mti::INQUIRY)).await.unwrap();
        assert_eq!(told.text(39).unwrap(), "00", "{deed}");
    }
}

#[tokio::test]
async fn a_reversal_is_lost_as_often_as_the_script_says() {
    let mut bench = Bench::new().await;
    let sent = attempt(&mut bench);
    bench.pay(&sent).await.assert_approved(&sent);
    bench.front.scenario().set("reversal_lost:2").unwrap();
    for mti in [Mti::REVERSAL_ADVICE, Mti::REVERSAL_ADVICE_REPEAT] {
        assert_eq!(reply(&bench, sent.about(mti)).await, Reply::Silence);
    }
    let told = bench.send(sent.about(Mti::REVERSAL_ADVICE_REPEAT)).await.unwrap();
    assert_eq!(told.text(39).unwrap(), "00");
}

#[tokio::test]
async fn a_debit_that_arrives_after_its_reversal_is_refused() {
    let mut bench = playing("[[rule]]\nwhen = { message = \"debit\" }\ndo = \"late\"\nms = 50\n").await;
    let before = bench.posted(HOLDER).await;
    let sent = attempt(&mut bench);
    let (debit, reversal) = tokio::join!(bench.send(sent.message()), bench.send(sent.about(Mti::REVERSAL_ADVICE)));
    assert_eq!(reversal.unwrap().text(39).unwrap(), "00");
    assert_eq!(debit.unwrap().text(39).unwrap(), "77");
    assert_eq!(moved(&bench, before).await, 0);
}

#[tokio::test]
async fn a_bank_whose_clock_is_wrong_decides_by_it() {
    let mut bench = Bench::new().await;
    // The order is more than five minutes past, by that clock.
    bench.front.scenario().set("clock:7200000").unwrap();
    let sent = attempt(&mut bench);
    bench.pay(&sent).await.assert_declined(&sent, DeclineCode::OrderMismatch);
    assert_eq!(bench.front.now_ms(), NOW_MS + 7_200_000);
    bench.front.scenario().set("none").unwrap();
    let sent = attempt(&mut bench);
    bench.pay(&sent).await.assert_approved(&sent);
    assert_eq!(bench.front.now_ms(), NOW_MS);
}

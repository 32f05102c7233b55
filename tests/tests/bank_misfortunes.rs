//! Each way a bank can misbehave, with real programs: the money is right, and merchant and payer are told.

use e2e::card::Card;
use e2e::hand::{Hand, Till};
use e2e::payer::{PIN, Payer, code, money_moved};
use e2e::process;
use e2e::scene::Scene;
use e2e::system::{Ask, MERCHANT};
use payment::DeclineCode;
use virtual_card::{Profile, VirtualCard};

/// A script with one rule for debits.
fn debits(deed: &str) -> String {
    format!("[[rule]]\nwhen = {{ message = \"debit\" }}\n{deed}\n")
}

#[tokio::test]
async fn bank_answers_everything_twice() {
    let scene = Scene::playing("duplicate").await;
    let (request, finished) = scene.paid().await;
    assert_eq!(finished.code, 0, "{finished:?}");
    scene.ends(&request, "paid", "paid", 1).await;
    // The second answer of the first payment came while nobody waited for it, and changed nothing.
    let (request, finished) = scene.paid().await;
    assert_eq!(finished.code, 0, "{finished:?}");
    scene.ends(&request, "paid", "paid", 2).await;
}

#[tokio::test]
async fn bank_is_slow_and_the_answer_comes_after_the_inquiry() {
    let scene = Scene::playing("slow:1500").await;
    let (request, _) = scene.paid().await;
    scene.ends(&request, "paid", "paid", 1).await;
    let events = scene.events(&request).await;
    assert!(events.contains(&"attempt.no_answer".to_owned()), "{events:?}");
    assert!(!events.contains(&"attempt.late_approval".to_owned()), "{events:?}");
}

#[tokio::test]
async fn debit_is_lost_on_its_way() {
    let scene = Scene::playing("debit_lost").await;
    let (request, finished) = scene.paid().await;
    assert!([1, 3].contains(&finished.code) || finished.code == 2, "{finished:?}");
    scene.ends(&request, "seen", "open", 0).await;
    scene.play("none").await;
    assert_eq!(scene.pay(&request).await.code, 0);
    scene.ends(&request, "paid", "paid", 1).await;
}

#[tokio::test]
async fn bank_debits_and_answers_neither_payment_nor_inquiry() {
    let scene = Scene::playing("debit_then_deaf").await;
    let (request, finished) = scene.paid().await;
    assert_eq!(money_moved(&finished), "unknown", "{finished:?}");
    scene.ends(&request, "seen", "open", 0).await;
    let events = scene.events(&request).await;
    assert!(events.contains(&"attempt.reversed".to_owned()), "{events:?}");
}

#[tokio::test]
async fn reversal_is_lost_three_times() {
    let script = format!(
        "{}{}{}",
        debits("do = \"unanswered\""),
        "[[rule]]\nwhen = { message = \"inquiry\" }\ndo = \"silent\"\n",
        "[[rule]]\nwhen = { message = \"reversal\", times = 3 }\ndo = \"silent\"\n"
    );
    let scene = Scene::playing(&script).await;
    let (request, finished) = scene.paid().await;
    assert_eq!(money_moved(&finished), "unknown", "{finished:?}");
    // The bank has taken the money, and nobody says that it has not.
    assert_eq!(scene.system.shown_to_merchant(&request).await["status"], "outcome_unknown");
    assert_eq!(scene.payer.show(&request).await["phase"], "unknown");
    scene.ends(&request, "seen", "open", 0).await;
}

#[tokio::test]
async fn bank_approves_what_it_has_just_reversed() {
    let scene = Scene::playing("approve_after_reversal").await;
    let (request, finished) = scene.paid().await;
    assert_ne!(finished.code, 0, "{finished:?}");
    let told = async || scene.events(&request).await.contains(&"attempt.late_approval".to_owned());
    scene.system.wait_until("the late approval is told of", told).await;
    scene.ends(&request, "seen", "open", 0).await;
    let events = scene.events(&request).await;
    let late = events.iter().position(|event| event == "attempt.late_approval").unwrap();
    assert!(events[late..].contains(&"attempt.reversed".to_owned()), "{events:?}");
    scene.play("none").await;
    assert_eq!(scene.pay(&request).await.code, 0);
    scene.ends(&request, "paid", "paid", 1).await;
}

#[tokio::test]
async fn bank_approves_after_its_reversal_and_the_server_is_killed_before_it_is_undone() {
    let mut scene = Scene::playing(&format!(
        "{}{}",
        debits("do = \"approve_after_reversal\""),
        "[[rule]]\nwhen = { message = \"reversal\", skip = 1, times = 2 }\ndo = \"silent\"\n"
    ))
    .await;
    let (request, _) = scene.paid().await;
    let told = async || scene.events(&request).await.contains(&"attempt.late_approval".to_owned());
    scene.system.wait_until("the late approval is told of", told).await;
    scene.system.server.take().expect("it runs").kill().await;
    scene.system.start_server().await;
    scene.ends(&request, "seen", "open", 0).await;
}

#[tokio::test]
async fn debit_arrives_after_its_reversal() {
    let scene = Scene::playing(&debits("do = \"late\"\nms = 4000")).await;
    let (request, finished) = scene.paid().await;
    assert_ne!(finished.code, 0, "{finished:?}");
    scene.ends(&request, "seen", "open", 0).await;
    // The late debit finds the tombstone: another payment behind it is the only one that moves money.
    scene.play("none").await;
    assert_eq!(scene.pay(&request).await.code, 0);
    scene.ends(&request, "paid", "paid", 1).await;
}

#[tokio::test]
async fn connection_is_cut_within_the_answer() {
    let scene = Scene::playing(&debits("do = \"cut\"")).await;
    let (request, _) = scene.paid().await;
    scene.ends(&request, "paid", "paid", 1).await;
}

#[tokio::test]
async fn answer_is_malformed_in_every_way() {
    let scene = Scene::playing("none").await;
    for (paid, kind) in (1..).zip(["noise", "length", "composite", "type"]) {
        scene.play(&debits(&format!("do = \"malformed\"\nkind = \"{kind}\""))).await;
        let (request, finished) = scene.paid().await;
        assert_ne!(finished.code, 1, "{kind}: {finished:?}");
        scene.ends(&request, "paid", "paid", paid).await;
    }
}

#[tokio::test]
async fn answers_come_in_the_wrong_order() {
    let scene = Scene::playing("[[rule]]\nwhen = { message = \"debit\" }\ndo = \"swap\"\n").await;
    let other = Payer::new(&scene.system);
    let (first, created) =
        (scene.asked().await, scene.system.ask(&Ask { order: "A-2".into(), ..Ask::default() }).await);
    let second = other.open(&created).await;
    let mastercard = Card::present(&scene.system, "mastercard");
    let (one, two) = tokio::join!(scene.pay(&first), other.pay(&second, &mastercard, PIN));
    for (request, finished) in [(&first, one), (&second, two)] {
        assert_ne!(finished.code, 1, "{finished:?}");
        scene.system.wait_for_status(request, "paid").await;
    }
    scene.system.assert_merchant_received(2 * 1_280).await;
}

#[tokio::test]
async fn clock_of_the_bank_is_wrong() {
    let scene = Scene::playing("clock:-60000").await;
    for (paid, word) in [(1, "clock:-60000"), (2, "clock:120000")] {
        scene.play(word).await;
        let (request, finished) = scene.paid().await;
        assert_eq!(finished.code, 0, "{word}: {finished:?}");
        scene.ends(&request, "paid", "paid", paid).await;
    }
    // So far ahead that the order is past for the bank: it says no, and everybody hears the same.
    scene.play("clock:7200000").await;
    let (request, finished) = scene.paid().await;
    assert_eq!(money_moved(&finished), "no", "{finished:?}");
    scene.ends(&request, "failed", "closed", 2).await;
}

#[tokio::test]
async fn sealing_key_is_rolled_between_reading_the_keyset_and_paying() {
    let scene = Scene::playing("none").await;
    let hand = Hand::register(&scene.system).await;
    let to = hand.seal_to(&scene.system).await;
    let letter = Till::open(&scene.system, MERCHANT).ask(&Ask::default()).await;
    let mut card = VirtualCard::new(Profile::built_in("visa").unwrap());
    let attempt = hand.attempt(&letter, &to, &mut card, PIN);
    scene.play("roll_key").await;
    let told = hand.submit(letter.order.request_id, &hand.submission(&attempt, &to)).await;
    assert_eq!((told.body["state"].as_str(), told.body["code"].as_str()), (Some("declined"), Some("bank_key_retired")));
    scene.system.assert_merchant_received(0).await;
    // The new key is published by then, and the same request is paid with it.
    let to = hand.seal_to(&scene.system).await;
    let again = hand.attempt(&letter, &to, &mut card, PIN);
    let told = hand.submit(letter.order.request_id, &hand.submission(&again, &to)).await;
    assert_eq!(told.body["state"], "approved", "{told:?}");
    scene.system.assert_merchant_received(1_280).await;
}

#[tokio::test]
async fn bank_declines_with_every_code_it_has() {
    let scene = Scene::playing("none").await;
    let hand = Hand::register(&scene.system).await;
    let till = Till::open(&scene.system, MERCHANT);
    let mut card = VirtualCard::new(Profile::built_in("visa").unwrap());
    for declined in DeclineCode::ALL.iter().copied().filter(|code| *code != DeclineCode::Format) {
        scene.play(&format!("decline:{declined}")).await;
        let letter = till.ask(&Ask::default()).await;
        let to = hand.seal_to(&scene.system).await;
        let attempt = hand.attempt(&letter, &to, &mut card, PIN);
        let told = hand.submit(letter.order.request_id, &hand.submission(&attempt, &to)).await;
        assert_eq!(told.body["state"], "declined", "{told:?}");
        assert_eq!(told.body["code"], declined.as_str(), "{told:?}");
        let seen = scene.system.shown_to_merchant(&letter.order.request_id.to_string()).await;
        assert_eq!(seen["status"], if declined.leaves_request_open() { "seen" } else { "failed" }, "{declined}");
    }
    scene.system.assert_merchant_received(0).await;
    // A wallet is told in its own words.
    scene.play("decline:declined_insufficient_funds").await;
    let (request, finished) = scene.paid().await;
    assert_eq!((code(&finished).as_str(), money_moved(&finished).as_str()), ("declined_insufficient_funds", "no"));
    scene.ends(&request, "seen", "open", 0).await;
}

#[tokio::test]
async fn bank_is_busy() {
    let scene = Scene::playing("none").await;
    for code in ["91", "96"] {
        scene.play(&format!("busy:{code}")).await;
        let request = scene.asked().await;
        let child = scene.payer.start_paying(&request, &scene.card, PIN).await;
        let asked = async || scene.events(&request).await.contains(&"attempt.no_answer".to_owned());
        scene.system.wait_until("the bank was busy", asked).await;
        // It decided nothing: an inquiry finds nothing once it works again, and what is not there is closed.
        scene.play("none").await;
        let finished = process::finish("tapseal-wallet", child).await;
        assert_ne!(finished.code, 0, "{finished:?}");
        scene.ends(&request, "seen", "open", 0).await;
    }
}

#[tokio::test]
async fn queue_of_the_uncertain_survives_a_kill() {
    let mut scene = Scene::playing("silent").await;
    let (request, finished) = scene.paid().await;
    assert_eq!(money_moved(&finished), "unknown", "{finished:?}");
    scene.system.server.take().expect("it runs").kill().await;
    scene.system.bank.take().expect("it runs").kill().await;
    scene.system.start_bank().await;
    scene.system.start_server().await;
    scene.ends(&request, "seen", "open", 0).await;
}

#[tokio::test]
async fn script_is_shown_set_and_cleared_while_the_bank_runs() {
    let scene = Scene::playing("none").await;
    let data = scene.system.data();
    let tool = async |words: &[&str]| {
        let mut arguments = vec!["bank", "scenario", "--json", "--data", &data];
        arguments.extend(words);
        scene.system.tapseal(&arguments).await
    };
    assert!(tool(&["show"]).await.success()["script"].is_null());
    let file = scene.system.folder().join("wrong.toml");
    std::fs::write(&file, "[[rule]]\ndo = \"dance\"\n").unwrap();
    let refused = tool(&["set", file.to_str().unwrap()]).await;
    assert_ne!(refused.code, 0);
    assert!(refused.errors.contains("line 2: `do` = \"dance\" is no deed"), "{}", refused.errors);
    tool(&["set", "debit_lost"]).await.success();
    assert!(tool(&["show"]).await.success()["script"].as_str().unwrap().contains("do = \"silent\""));
    tool(&["clear"]).await.success();
    assert!(tool(&["show"]).await.success()["script"].is_null());
    let (request, finished) = scene.paid().await;
    assert_eq!(finished.code, 0, "{finished:?}");
    scene.ends(&request, "paid", "paid", 1).await;
}

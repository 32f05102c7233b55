//! What the bank says contradicts itself: nothing is settled until a person decides, and then everybody hears it.

use e2e::payer::{code, money_moved};
use e2e::scene::{Scene, legal};

/// A request whose payment needs a person, and the case.
async fn in_review(scene: &Scene, deed: &str) -> (String, String) {
    scene.play(&format!("[[rule]]\nwhen = {{ message = \"debit\" }}\n{deed}\n")).await;
    let (request, finished) = scene.paid().await;
    assert_eq!(code(&finished), "needs_manual_review", "{finished:?}");
    assert_eq!(money_moved(&finished), "unknown", "{finished:?}");
    assert_eq!(scene.system.shown_to_merchant(&request).await["status"], "needs_manual_review");
    assert_eq!(scene.payer.show(&request).await["phase"], "unknown");
    let case = scene.case().await;
    (request, case)
}

#[tokio::test]
async fn wrong_echo_of_amount_currency_or_merchant_is_decided_by_a_person() {
    let scene = Scene::playing("none").await;
    // The bank's signed word is right all the while, so it can be accepted.
    let (request, case) = in_review(&scene, "do = \"echo\"\necho = { amount_minor = 1281 }").await;
    let shown = scene.review(&["show", &case]).await.success();
    assert_eq!(shown["said"][0]["meaning"], "echoed amount", "{shown}");
    assert_eq!(legal(&shown, "accept_bank_outcome"), "legal");
    assert!(legal(&shown, "close_as_not_paid").starts_with("not legal"), "{shown}");
    let refused = scene.decide(&case, "close_as_not_paid", &["--evidence"]).await;
    assert_ne!(refused.code, 0, "money that moved is not closed as not paid: {refused:?}");
    scene.decide(&case, "accept_bank_outcome", &[]).await.success();
    scene.ends(&request, "paid", "paid", 1).await;
    let events = scene.events(&request).await;
    assert!(events.contains(&"attempt.review_accept_bank_outcome".to_owned()), "{events:?}");

    // Asked again, the bank tells the truth.
    let (request, case) = in_review(&scene, "do = \"echo\"\necho = { currency = \"EUR\" }").await;
    scene.decide(&case, "inquire", &[]).await.success();
    scene.ends(&request, "paid", "paid", 2).await;

    // Undone, it can be paid again.
    let (request, case) = in_review(&scene, "do = \"echo\"\necho = { merchant = \"red-door\" }").await;
    scene.decide(&case, "reverse", &[]).await.success();
    scene.ends(&request, "seen", "open", 2).await;
    scene.play("none").await;
    assert_eq!(scene.pay(&request).await.code, 0);
    scene.ends(&request, "paid", "paid", 3).await;
    // A case that is decided is no case any more.
    let again = scene.decide(&case, "reverse", &[]).await;
    assert_ne!(again.code, 0, "{again:?}");
}

#[tokio::test]
async fn outcome_signed_by_a_wrong_key_is_never_accepted() {
    let scene = Scene::playing("none").await;
    let (request, case) = in_review(&scene, "do = \"wrong_key\"").await;
    let shown = scene.review(&["show", &case]).await.success();
    assert_eq!(shown["bank_word"], "Nothing", "{shown}");
    assert!(legal(&shown, "accept_bank_outcome").starts_with("not legal"), "{shown}");
    let refused = scene.decide(&case, "accept_bank_outcome", &["--evidence"]).await;
    assert_ne!(refused.code, 0, "{refused:?}");
    scene.decide(&case, "inquire", &[]).await.success();
    scene.ends(&request, "paid", "paid", 1).await;
}

#[tokio::test]
async fn case_is_closed_only_with_written_evidence_or_a_reversal() {
    let scene = Scene::playing("none").await;
    let (request, case) = in_review(&scene, "do = \"wrong_key\"").await;
    let bare = scene.decide(&case, "close_as_not_paid", &[]).await;
    assert_ne!(bare.code, 0, "{bare:?}");
    assert!(bare.errors.contains("written evidence"), "{}", bare.errors);
    scene.decide(&case, "close_as_not_paid", &["--evidence"]).await.success();
    scene.system.wait_for_status(&request, "seen").await;
    let shown = async || scene.payer.show(&request).await["phase"] == "open";
    scene.system.wait_until("the wallet shows it as open", shown).await;
    let events = scene.events(&request).await;
    assert!(events.contains(&"attempt.review_close_as_not_paid".to_owned()), "{events:?}");
}

#[tokio::test]
async fn decision_taken_while_the_server_is_down_is_carried_out_when_it_starts() {
    let mut scene = Scene::playing("none").await;
    let (request, case) = in_review(&scene, "do = \"echo\"\necho = { amount_minor = 1 }").await;
    scene.system.server.take().expect("it runs").kill().await;
    scene.decide(&case, "reverse", &[]).await.success();
    scene.system.start_server().await;
    scene.ends(&request, "seen", "open", 0).await;
}

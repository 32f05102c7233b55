//! Everything that ends without a payment, and says so.

use e2e::card::Card;
use e2e::payer::{PIN, Payer, code, money_moved};
use e2e::system::{Ask, System, Wishes};

const WRONG_PIN: &str = "9999";

async fn opened(ask: &Ask) -> (System, Payer, String) {
    let system = System::start(Wishes::default()).await;
    let payer = Payer::new(&system);
    let request = payer.open(&system.ask(ask).await).await;
    (system, payer, request)
}

#[tokio::test]
async fn wrong_pin_says_how_many_tries_are_left_and_the_third_locks_the_card() {
    let (system, payer, request) = opened(&Ask::default()).await;
    let card = Card::present(&system, "visa");
    for left in [2, 1] {
        let refused = payer.pay(&request, &card, WRONG_PIN).await;
        assert_eq!(code(&refused), "declined_wrong_pin", "{refused:?}\n{}", system.logs());
        assert_eq!(money_moved(&refused), "no");
        assert!(refused.output.contains(&format!("\"pin_tries_left\":{left}")), "{refused:?}");
    }
    let locked = payer.pay(&request, &card, WRONG_PIN).await;
    assert_eq!(code(&locked), "declined_pin_tries_exceeded", "{locked:?}");
    let right_but_late = payer.pay(&request, &card, PIN).await;
    assert_ne!(right_but_late.code, 0, "a locked card does not pay, even with the right PIN");
    assert_eq!(money_moved(&right_but_late), "no");
    system.assert_merchant_received(0).await;
}

#[tokio::test]
async fn the_right_pin_after_a_wrong_one_pays_the_same_request() {
    let (system, payer, request) = opened(&Ask::default()).await;
    let card = Card::present(&system, "mastercard");
    assert_eq!(code(&payer.pay(&request, &card, WRONG_PIN).await), "declined_wrong_pin");
    let paid = payer.pay(&request, &card, PIN).await;
    assert_eq!(paid.code, 0, "{paid:?}");
    system.assert_merchant_received(1280).await;
}

#[tokio::test]
async fn insufficient_funds_or_a_limit_decline_without_moving_money() {
    let (system, payer, request) = opened(&Ask { amount: "499.99", ..Ask::default() }).await;
    let card = Card::present(&system, "visa");
    assert_eq!(payer.pay(&request, &card, PIN).await.code, 0);
    // 499.99 of 1,000.00 are spent; the day's limit of 800.00 now refuses another 499.99.
    let second = payer.open(&system.ask(&Ask { amount: "499.99", order: "A-2".into(), ..Ask::default() }).await).await;
    let refused = payer.pay(&second, &card, PIN).await;
    assert_eq!(code(&refused), "declined_limit", "{refused:?}");
    assert_eq!(money_moved(&refused), "no");
    system.assert_merchant_received(49_999).await;
}

#[tokio::test]
async fn insufficient_funds() {
    let wishes = Wishes { seed: vec!["--balance-minor".into(), "1000".into()], ..Wishes::default() };
    let system = System::start(wishes).await;
    let payer = Payer::new(&system);
    let request = payer.open(&system.ask(&Ask::default()).await).await;
    let card = Card::present(&system, "visa");
    let refused = payer.pay(&request, &card, PIN).await;
    assert_eq!(code(&refused), "declined_insufficient_funds", "{refused:?}");
    assert_eq!(money_moved(&refused), "no");
    system.assert_merchant_received(0).await;
}

#[tokio::test]
async fn no_reader() {
    let (system, payer, request) = opened(&Ask::default()).await;
    let refused = payer.pay_at(&request, "pcsc:a reader that is not there", PIN).await;
    assert!(["no_reader", "reader_service_down", "card_absent"].contains(&code(&refused).as_str()), "{refused:?}");
    assert_eq!(money_moved(&refused), "no");
    system.assert_merchant_received(0).await;
}

#[tokio::test]
async fn no_keyring_is_a_clear_error_and_never_a_plain_file() {
    let system = System::start(Wishes::default()).await;
    let home = tempfile::TempDir::new().unwrap();
    let path = |path: &std::path::Path| path.to_str().expect("temporary paths are plain").to_owned();
    let arguments =
        ["--json", "--home", &path(home.path()), "--trust", &path(&system.trust()), "inbox"].map(str::to_owned);
    let nowhere = "unix:path=/nonexistent".to_owned();
    let environment = [("DBUS_SESSION_BUS_ADDRESS", nowhere)];
    let refused = e2e::process::run("tapseal-wallet", &arguments, &environment, "").await;
    assert_eq!(code(&refused), "no_keyring", "{refused:?}");
    assert_eq!(money_moved(&refused), "no");
    let files = std::fs::read_dir(home.path()).unwrap().filter_map(Result::ok);
    let kept: Vec<_> = files.filter(|file| file.file_name().to_string_lossy().contains("key")).collect();
    assert!(kept.is_empty(), "keys were written to a file: {kept:?}");
}

#[tokio::test]
async fn expired_request() {
    let (system, payer, request) = opened(&Ask { expires_s: 2, ..Ask::default() }).await;
    system.wait_for_status(&request, "expired").await;
    let card = Card::present(&system, "visa");
    let refused = payer.pay(&request, &card, PIN).await;
    assert_eq!(code(&refused), "request_expired", "{refused:?}");
    assert_eq!(money_moved(&refused), "no");
    system.assert_merchant_received(0).await;
}

#[tokio::test]
async fn cancelled_request() {
    let (system, payer, request) = opened(&Ask::default()).await;
    assert_eq!(system.cancel(&request).await.success()["status"], "cancelled");
    let card = Card::present(&system, "visa");
    let refused = payer.pay(&request, &card, PIN).await;
    assert_eq!(code(&refused), "request_cancelled", "{refused:?}");
    system.assert_merchant_received(0).await;
}

#[tokio::test]
async fn rejected_request() {
    let (system, payer, request) = opened(&Ask::default()).await;
    payer.wallet(&["reject", &request], "").await.success();
    system.wait_for_status(&request, "rejected").await;
    let card = Card::present(&system, "visa");
    let refused = payer.pay(&request, &card, PIN).await;
    assert_eq!(code(&refused), "request_rejected", "{refused:?}");
    system.assert_merchant_received(0).await;
}

#[tokio::test]
async fn already_paid_request_charges_nobody_twice() {
    let system = System::start(Wishes::default()).await;
    let created = system.ask(&Ask::default()).await;
    let (first, second) = (Payer::new(&system), Payer::new(&system));
    let request = first.open(&created).await;
    second.open(&created).await;
    let visa = Card::present(&system, "visa");
    assert_eq!(first.pay(&request, &visa, PIN).await.code, 0);
    let mastercard = Card::present(&system, "mastercard");
    let refused = second.pay(&request, &mastercard, PIN).await;
    assert_eq!(code(&refused), "request_already_paid", "{refused:?}");
    system.assert_merchant_received(1280).await;
    assert_ne!(system.cancel(&request).await.code, 0, "a paid request cannot be cancelled");
}

#[tokio::test]
async fn card_torn_out_mid_read_sends_nothing_and_the_next_try_pays() {
    let (system, payer, request) = opened(&Ask::default()).await;
    for (profile, exchanges) in [("visa", "1"), ("visa", "2"), ("mastercard", "3"), ("mastercard", "4")] {
        let torn = Card::present_with(&system, profile, &["--remove-after", exchanges]);
        let refused = payer.pay(&request, &torn, PIN).await;
        let said = code(&refused);
        assert!(["card_removed", "card_absent"].contains(&said.as_str()), "{refused:?}");
        assert_eq!(money_moved(&refused), "no");
        let seen = system.shown_to_merchant(&request).await;
        assert_eq!(seen["status"], "seen", "nothing was sent: {seen}");
    }
    let card = Card::present(&system, "visa");
    assert_eq!(payer.pay(&request, &card, PIN).await.code, 0);
    system.assert_merchant_received(1280).await;
}

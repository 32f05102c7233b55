//! Ways to pay: which ones an order allows, what is remembered of them, and what is not.

use std::sync::Arc;

use envelope::passphrase::Cost;
use payment::voucher::check_digits;
use payment::{DeclineCode, Method, VoucherNumber};
use protocol::ErrorCode;
use protocol::ipc::means::{CodeStep, TypedSecret};
use protocol::ipc::passphrase::Passphrase;
use protocol::ipc::pay;
use protocol::ipc::{CheckoutStage, CheckoutView};
use protocol::wallet_api::AttemptView;

use wallet::Wallet;

use crate::stage::{Stage, order};

const IDENTITY: &str = "4821 7730 1592";

fn typed(text: &str) -> TypedSecret {
    TypedSecret::new(text.to_owned())
}

/// An identity code whose check digit fits.
fn identity() -> String {
    let digits = IDENTITY.replace(' ', "");
    let check = payment::identity_code::check_digit(&digits[..11]).unwrap();
    format!("{}{check}", &digits[..11])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_that_the_order_does_not_name_is_not_tried() {
    let stage = Stage::open().await;
    let order = order(|draft| draft.methods = Some([Method::Voucher].into_iter().collect()));
    let link = stage.deliver(order.request_id, &stage.parties.sign_order(&order));
    let wallet = stage.wallet().await;
    assert_eq!(wallet.open_link(link).await.unwrap().methods, [Method::Voucher]);
    let card = wallet.checkout_start(order.request_id, None).await.unwrap_err();
    let code = wallet.code_begin(order.request_id, identity(), typed("Quickset hedge 77")).await.unwrap_err();
    assert_eq!((card.code, code.code), (ErrorCode::MethodNotAllowed, ErrorCode::MethodNotAllowed));
    // And what it does name is not tried with a slip.
    let number = "4200 0112 3456 7890".to_owned();
    let slip = wallet.voucher_pay(order.request_id, "first".into(), number, typed("1234567890")).await.unwrap_err();
    assert_eq!(slip.code, ErrorCode::InvalidInput);
    // Nor with a code that no voucher of this number has: 99 leaves the remainder of 02, and is nobody's.
    let number = VoucherNumber::from_parts(&"420001".parse().unwrap(), 12_345_678).unwrap();
    let parts = |random: &str| number.as_str()[..14].bytes().chain(random.to_owned().into_bytes());
    let random = (0..1_000_u32)
        .map(|random| format!("{random:08}"))
        .find(|random| check_digits(parts(random)) == Some(2))
        .unwrap();
    let pay = |code: String| wallet.voucher_pay(order.request_id, "first".into(), number.to_string(), typed(&code));
    assert_eq!(pay(format!("{random}99")).await.unwrap_err().code, ErrorCode::InvalidInput);
    stage.script(|script| assert_eq!(script.submissions, 0));
}

/// A voucher's number, and a code that may be its.
fn voucher() -> (String, String) {
    let number = (0..).find_map(|from| VoucherNumber::from_parts(&"420001".parse().unwrap(), from)).unwrap();
    let parts = number.as_str()[..14].bytes().chain(*b"27182818");
    let code = format!("27182818{:02}", payment::voucher::check_digits(parts).unwrap());
    (number.as_str().to_owned(), code)
}

/// The checkout, as soon as it fits.
async fn checkout_when(wallet: &Wallet, fits: impl Fn(&CheckoutView) -> bool) -> CheckoutView {
    let mut after = 0;
    let seen = async {
        loop {
            let seen = wallet.watch(after).await.unwrap();
            if let Some(checkout) = seen.checkout.filter(&fits) {
                return checkout;
            }
            after = seen.seq;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), seen).await.expect("the checkout moves")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voucher_waits_for_its_card_when_the_bank_wants_one_until_it_is_stopped_or_locked() {
    let stage = Stage::open().await;
    let order = order(|_| {});
    let link = stage.deliver(order.request_id, &stage.parties.sign_order(&order));
    let (parties, asked) = (Arc::clone(&stage.parties), order.clone());
    let wanted = DeclineCode::VoucherCardRequired;
    stage.script(|script| script.decides = Some(Arc::new(move |sent| parties.declined(&asked, sent, wanted))));
    let mut config = stage.config();
    config.lock_cost = Cost::LEAST;
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    config.readers.push(format!("simulated:{address}"));
    let wallet = Wallet::open(config).await.unwrap();
    wallet.open_link(link).await.unwrap();
    wallet.lock_turn_on(Passphrase::new("amber lantern boat 7".to_owned())).await.unwrap();
    let pay = async || {
        let (number, code) = voucher();
        wallet.voucher_pay(order.request_id, "first".into(), number, typed(&code)).await.unwrap();
    };
    let waits = |checkout: &CheckoutView| matches!(checkout.progress, CheckoutStage::WaitingForCard);
    let has_stopped = |checkout: &CheckoutView| {
        matches!(checkout.progress, CheckoutStage::Refused { code: ErrorCode::Stopped, may_retry: true, .. })
    };

    pay().await;
    let asked = checkout_when(&wallet, waits).await;
    assert_eq!((asked.method, asked.attempt_id), (Method::Voucher, None));
    assert!(has_stopped(&wallet.checkout_stop().await.unwrap()));
    stage.script(|script| assert_eq!(script.submissions, 1, "it was sealed for a second time by nobody"));

    wallet.checkout_done().await.unwrap();
    pay().await;
    checkout_when(&wallet, waits).await;
    wallet.lock_now().await.unwrap();
    wallet.unlock(Passphrase::new("amber lantern boat 7".to_owned())).await.unwrap();
    checkout_when(&wallet, has_stopped).await;
    stage.script(|script| assert_eq!(script.submissions, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_alone_makes_nobody_show_a_card() {
    let stage = Stage::open().await;
    let order = order(|_| {});
    let link = stage.deliver(order.request_id, &stage.parties.sign_order(&order));
    let (parties, asked) = (Arc::clone(&stage.parties), order.clone());
    let unsigned = move |sent: &_| AttemptView {
        outcome: None,
        ..parties.declined(&asked, sent, DeclineCode::VoucherCardRequired)
    };
    stage.script(|script| script.decides = Some(Arc::new(unsigned)));
    let wallet = stage.wallet().await;
    wallet.open_link(link).await.unwrap();
    let (number, code) = voucher();
    wallet.voucher_pay(order.request_id, "first".into(), number, typed(&code)).await.unwrap();
    let ended = checkout_when(&wallet, |checkout| {
        assert!(!matches!(checkout.progress, CheckoutStage::WaitingForCard), "it asks for a card");
        matches!(checkout.progress, CheckoutStage::Refused { .. })
    });
    let ended = ended.await.progress;
    let expected = ErrorCode::Declined(DeclineCode::VoucherCardRequired);
    assert!(matches!(ended, CheckoutStage::Refused { code, .. } if code == expected), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_set_for_a_way_is_remembered_when_another_is_chosen() {
    let stage = Stage::open().await;
    let wallet = stage.wallet().await;
    wallet.choose_method(pay::Method::Code { identity_code: Some(identity()) }).await.unwrap();
    let ways = wallet.choose_method(pay::Method::Voucher { bank_id: Some("first".into()) }).await.unwrap();
    let kinds: Vec<_> = ways.iter().map(|way| (way.method.kind(), way.chosen)).collect();
    assert_eq!(kinds, [(Method::Card, false), (Method::Code, false), (Method::Voucher, true)]);
    assert_eq!(ways[1].method, pay::Method::Code { identity_code: Some(identity()) });
    wallet.choose_method(pay::Method::Code { identity_code: None }).await.unwrap();
    let ways = wallet.payment_methods().await.unwrap();
    assert_eq!(ways[1].method, pay::Method::Code { identity_code: None }, "it was to be forgotten");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_waits_for_its_code_is_gone_when_the_lock_closes() {
    let stage = Stage::open().await;
    let order = order(|_| {});
    let link = stage.deliver(order.request_id, &stage.parties.sign_order(&order));
    let mut config = stage.config();
    config.lock_cost = Cost::LEAST;
    let wallet = Wallet::open(config).await.unwrap();
    wallet.open_link(link).await.unwrap();
    let words = || Passphrase::new("amber lantern boat 7".to_owned());
    wallet.lock_turn_on(words()).await.unwrap();

    let begun = wallet.code_begin(order.request_id, identity(), typed("Quickset hedge 77")).await.unwrap();
    assert_eq!((begun.step.clone(), begun.may_send, begun.terminals.len()), (CodeStep::Choose, true, 1));
    assert_eq!(wallet.code_entry(order.request_id).await.unwrap(), Some(begun));
    let early = wallet.code_pay(typed("123456")).await.unwrap_err();
    assert_eq!(early.code, ErrorCode::CheckoutNotReady, "no code was sent yet");
    assert!(wallet.code_entry(order.request_id).await.unwrap().is_some(), "and that ends nothing");

    wallet.lock_now().await.unwrap();
    wallet.unlock(words()).await.unwrap();
    assert_eq!(wallet.code_entry(order.request_id).await.unwrap(), None);
}

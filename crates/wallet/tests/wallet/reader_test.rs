//! Looking at a card to see whether a reader works.

use std::time::Duration;

use protocol::ErrorCode;
use protocol::ipc::{ReaderTestStage, ReaderTestView};
use wallet::Wallet;

use crate::card_removed::{Card, free_address};
use crate::stage::{Stage, order};

async fn until(wallet: &Wallet, wanted: impl Fn(&ReaderTestView) -> bool) -> ReaderTestView {
    let mut seq = 0;
    loop {
        let watched = wallet.watch(seq).await.unwrap();
        seq = watched.seq;
        if let Some(view) = watched.reader_test.filter(&wanted) {
            return view;
        }
    }
}

fn is_over(view: &ReaderTestView) -> bool {
    matches!(view.progress, ReaderTestStage::Read { .. } | ReaderTestStage::Failed { .. })
}

async fn wallet_at(stage: &Stage, address: &str) -> Wallet {
    let mut config = stage.config();
    config.readers.push(format!("simulated:{address}"));
    config.card_wait = Duration::from_secs(20);
    Wallet::open(config).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_readable_card_is_named_and_its_number_is_not() {
    let stage = Stage::open().await;
    let address = free_address();
    let wallet = wallet_at(&stage, &address).await;
    let reader = format!("simulated:{address}");
    wallet.reader_test_start(Some(reader.clone())).await.unwrap();
    let card = Card::insert(address, "visa", emv::Interface::Contactless, None);
    let view = until(&wallet, is_over).await;
    assert!(matches!(view.progress, ReaderTestStage::Read { trouble: None, .. }), "{view:?}");
    assert_eq!(view.reader, Some(reader));
    let seen = view.card.clone().unwrap();
    assert_eq!(seen.scheme.as_deref(), Some("visa"));
    assert_eq!(seen.last_four.map(|digits| digits.len()), Some(4));
    let json = serde_json::to_string(&view).unwrap();
    let digits_in_a_row = json.split(|letter: char| !letter.is_ascii_digit()).map(str::len).max();
    assert!(digits_in_a_row < Some(8), "no card number is shown: {json}");
    drop(card);
    wallet.reader_test_stop().await.unwrap();
    assert_eq!(wallet.watch(0).await.unwrap().reader_test, None, "what was seen is forgotten");
    assert_eq!(stage.script.lock().unwrap().submissions, 0, "nothing was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_removed_during_a_test_is_told_as_that() {
    let stage = Stage::open().await;
    let address = free_address();
    let wallet = wallet_at(&stage, &address).await;
    wallet.reader_test_start(Some(format!("simulated:{address}"))).await.unwrap();
    let card = Card::insert(address, "mastercard", emv::Interface::Contact, Some(3));
    let view = until(&wallet, is_over).await;
    assert_eq!(view.progress, ReaderTestStage::Failed { code: ErrorCode::CardRemoved });
    assert_eq!(view.card, None);
    drop(card);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_ends_a_test_and_no_test_disturbs_a_payment() {
    let stage = Stage::open().await;
    let order = order(|_| {});
    let link = stage.deliver(order.request_id, &stage.parties.sign_order(&order));
    let address = free_address();
    let wallet = wallet_at(&stage, &address).await;
    wallet.open_link(link).await.unwrap();
    wallet.reader_test_start(None).await.unwrap();
    wallet.checkout_start(order.request_id, None).await.unwrap();
    assert_eq!(wallet.watch(0).await.unwrap().reader_test, None);
    let busy = wallet.reader_test_start(None).await.unwrap_err();
    assert_eq!(busy.code, ErrorCode::CheckoutBusy);
    wallet.checkout_stop().await.unwrap();
}

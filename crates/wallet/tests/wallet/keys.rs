//! Keys that are not vouched for, or older than others, and merchants nobody vouches for.

use envelope::{Merchant, SigningKey, jws};
use protocol::ErrorCode;

use crate::stage::{Stage, order};

async fn code_of_open(stage: &Stage, link: String) -> ErrorCode {
    let wallet = stage.wallet().await;
    let refused = wallet.open_link(link).await.unwrap_err().code;
    assert!(wallet.inbox().await.is_ok_and(|inbox| inbox.is_empty()), "nothing is shown");
    refused
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_under_good_keys_is_shown() {
    let stage = Stage::open().await;
    let order = order(|_| {});
    let link = stage.deliver(order.request_id, &stage.parties.sign_order(&order));
    let wallet = stage.wallet().await;
    let view = wallet.open_link(link.clone()).await.unwrap();
    assert_eq!((view.amount, view.payee.as_str()), (order.amount, "Blue Door Café"));
    assert!(view.first_contact);
    assert_eq!(wallet.open_link(link).await.unwrap().request_id, view.request_id, "a second time changes nothing");
    assert_eq!(wallet.inbox().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tampered_keyset_is_refused_and_shows_nothing() {
    let stage = Stage::open().await;
    let order = order(|_| {});
    let link = stage.deliver(order.request_id, &stage.parties.sign_order(&order));
    stage.script(|script| {
        let keys = script.keys.as_mut().unwrap();
        // Another version number under the same signature.
        let mut parts: Vec<String> = keys.keyset.split('.').map(str::to_owned).collect();
        let other = stage.parties.keyset(2).sign(&stage.parties.operator);
        parts[1] = other.split('.').nth(1).unwrap().to_owned();
        keys.keyset = parts.join(".");
    });
    assert_eq!(code_of_open(&stage, link).await, ErrorCode::KeysetInvalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyset_of_another_root_is_refused() {
    let stage = Stage::open().await;
    let order = order(|_| {});
    let link = stage.deliver(order.request_id, &stage.parties.sign_order(&order));
    let stranger = SigningKey::generate();
    stage.script(|script| script.keys.as_mut().unwrap().keyset = stage.parties.keyset(1).sign(&stranger));
    assert_eq!(code_of_open(&stage, link).await, ErrorCode::KeysetInvalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_bank_certificate_is_refused() {
    let stage = Stage::open().await;
    let order = order(|_| {});
    let link = stage.deliver(order.request_id, &stage.parties.sign_order(&order));
    stage.script(|script| {
        // The pinned bank's root, but another bank's name.
        let mut certificate = stage.parties.certificate(1);
        certificate.bank_id = "second".into();
        script.keys.as_mut().unwrap().bank_certificates = vec![certificate.sign(&stage.parties.bank_root)];
    });
    assert_eq!(code_of_open(&stage, link).await, ErrorCode::KeysetInvalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_goes_down_is_refused_even_after_a_restart() {
    let stage = Stage::open().await;
    stage.script(|script| script.keys = Some(stage.parties.keys(7)));
    let wallet = stage.wallet().await;
    wallet.sync().await.unwrap();
    wallet.close().await;
    stage.script(|script| script.keys = Some(stage.parties.keys(6)));
    let wallet = stage.wallet().await;
    assert_eq!(wallet.sync().await.unwrap_err().code, ErrorCode::KeysetInvalid);
    // The bank's version alone going down is refused as well.
    stage.script(|script| {
        let mut keys = stage.parties.keys(8);
        keys.bank_certificates = stage.parties.keys(6).bank_certificates;
        script.keys = Some(keys);
    });
    assert_eq!(wallet.sync().await.unwrap_err().code, ErrorCode::KeysetInvalid);
    stage.script(|script| script.keys = Some(stage.parties.keys(8)));
    wallet.sync().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_by_a_key_outside_the_keyset_is_never_shown() {
    let stage = Stage::open().await;
    let order = order(|_| {});
    let stranger = SigningKey::<Merchant>::generate();
    let link = stage.deliver(order.request_id, &jws::sign(&stranger, jws::TYP_ORDER, &order.canonical()));
    assert_eq!(code_of_open(&stage, link).await, ErrorCode::MerchantUnverified);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_under_another_name_or_merchant_is_never_shown() {
    let stage = Stage::open().await;
    for order in [
        order(|draft| draft.payee_name = "Your Bank".into()),
        order(|draft| draft.merchant_id = "red-door".parse().unwrap()),
    ] {
        let link = stage.deliver(order.request_id, &stage.parties.sign_order(&order));
        assert_eq!(code_of_open(&stage, link).await, ErrorCode::MerchantUnverified);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_filed_under_another_request_is_never_shown() {
    let stage = Stage::open().await;
    let (order, other) = (order(|_| {}), order(|_| {}));
    let link = stage.deliver(other.request_id, &stage.parties.sign_order(&order));
    assert_eq!(code_of_open(&stage, link).await, ErrorCode::MerchantUnverified);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_merchant_is_not_heard_again() {
    let stage = Stage::open().await;
    let first = order(|_| {});
    let link = stage.deliver(first.request_id, &stage.parties.sign_order(&first));
    let wallet = stage.wallet().await;
    wallet.open_link(link).await.unwrap();
    assert!(wallet.block_merchant(first.request_id).await.unwrap().is_empty());
    let second = order(|_| {});
    let link = stage.deliver(second.request_id, &stage.parties.sign_order(&second));
    assert!(wallet.open_link(link).await.is_err());
    assert!(wallet.inbox().await.unwrap().is_empty());
}

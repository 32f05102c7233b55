//! Attempts whose fate the bank tells at once, and those that never reach it.

use envelope::PaymentServerSealingKeySecret;
use envelope::keyset::BankCertificate;
use envelope::means::MeansKind;
use envelope::outer::Route;
use iso8583::Mti;
use iso8583::private::Composite;
use payment::{AttemptId, AttemptState, DeclineCode, Method, RequestState};
use protocol::merchant_api::EventsPage;
use protocol::wallet_api::KeysetView;
use tapseal::{clock, keys};

use crate::bank::{ICC_RESPONSE, OnPayment};
use crate::deployment::Deployment;
use crate::payer;
use crate::refused;

#[tokio::test]
async fn a_payment_goes_through_and_every_party_sees_the_same() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let order = deployment.requested().await;
    let attempt = payer.seal(&order).await;
    let view = payer.submit(&order, &attempt).await.unwrap();
    assert_eq!(view.state, AttemptState::Approved);
    assert_eq!(view, payer.attempt(&order, &attempt).await.unwrap());
    let shown = deployment.show(&order).await;
    assert_eq!(shown.state, RequestState::Paid { attempt_id: attempt.attempt_id });
    assert!(shown.outcome.is_some() && shown.outcome == view.outcome);
    let exchange = view.exchange.unwrap();
    assert_eq!((exchange.response_mti.as_str(), exchange.response_code.as_str()), ("0210", "00"));
    assert!(exchange.request_bytes > exchange.inner_capsule_bytes && exchange.inner_capsule_bytes > 1_000);
    assert_eq!(
        deployment.events(&order).await,
        ["request.created", "request.in_flight", "attempt.forwarded", "attempt.approved", "request.paid"]
    );
}

#[tokio::test]
async fn what_the_bank_says_to_the_card_is_handed_on_with_what_it_decided() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let said = Some(hex::encode(ICC_RESPONSE));
    for (behaviour, expected) in [
        (OnPayment::Decline(DeclineCode::WrongPin), &said),
        // The answer was lost, and an inquiry told it.
        (OnPayment::ApproveUnheard, &said),
        // Nothing that counts was decided.
        (OnPayment::SignAnotherAmount, &None),
    ] {
        let order = deployment.requested().await;
        deployment.bank.on_payment(behaviour);
        let attempt = payer.seal(&order).await;
        payer.submit(&order, &attempt).await.unwrap();
        let view = deployment
            .eventually(async || {
                let view = payer.attempt(&order, &attempt).await.unwrap();
                let waits = matches!(view.state, AttemptState::NoAnswer | AttemptState::Inquiring);
                (!waits).then_some(view)
            })
            .await;
        assert_eq!(&view.icc_response, expected, "{view:?}");
    }
}

#[tokio::test]
async fn the_bank_gets_the_order_and_the_capsule_and_no_card() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let order = deployment.requested().await;
    let inner = payer::inner_capsule();
    let sealed = inner.clone();
    let attempt = payer.seal_with(&order, |routing| routing.inner = sealed).await;
    payer.submit(&order, &attempt).await.unwrap();
    let messages = deployment.bank.messages(Mti::FINANCIAL_REQUEST);
    let [message] = &messages[..] else { panic!("one message") };
    assert_eq!(message.number(4).unwrap(), 1280);
    assert_eq!(message.text(42).unwrap(), "blue-door      ");
    assert_eq!(message.binary(126).unwrap(), inner.to_bytes());
    let composite = Composite::of(message).unwrap();
    assert_eq!(composite.order.unwrap(), deployment.signed(&order).order);
    assert_eq!(composite.attempt_id.unwrap(), *attempt.attempt_id.as_bytes());
    for card_field in [2, 14, 23, 35, 45, 52, 55] {
        assert!(!message.has(card_field), "DE {card_field}");
    }
    // What was only carried is nowhere kept.
    for file in ["payment-server.db", "payment-server.db-wal"] {
        let bytes = std::fs::read(deployment.folder.path().join(file)).unwrap_or_default();
        let text = serde_json::to_value(&inner).unwrap()["ciphertext"].as_str().unwrap().to_owned();
        for needle in [&inner.ciphertext[..64], &text.as_bytes()[..64]] {
            assert!(!bytes.windows(needle.len()).any(|window| window == needle), "{file}");
        }
    }
}

#[tokio::test]
async fn twenty_identical_submits_at_once_send_one_message() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let order = deployment.requested().await;
    let attempt = payer.seal(&order).await;
    let answers = futures::future::join_all((0..20).map(|_| payer.submit(&order, &attempt))).await;
    for answer in answers {
        assert_eq!(answer.unwrap().state, AttemptState::Approved);
    }
    assert_eq!(deployment.bank.messages(Mti::FINANCIAL_REQUEST).len(), 1);
}

#[tokio::test]
async fn an_attempt_is_shown_to_the_device_that_submitted_it_and_to_no_other() {
    let deployment = Deployment::start().await;
    let (payer, other) = (deployment.payer().await, deployment.payer().await);
    let order = deployment.requested().await;
    let attempt = payer.seal(&order).await;
    payer.submit(&order, &attempt).await.unwrap();
    other.post(&format!("/v1/requests/{}/seen", order.request_id), &()).await.unwrap();
    assert_eq!(other.attempt(&order, &attempt).await, refused(404, "not_found"));
    assert_eq!(payer.attempt(&order, &attempt).await.unwrap().state, AttemptState::Approved);
}

#[tokio::test]
async fn two_devices_that_pay_at_once_charge_once() {
    let deployment = Deployment::start().await;
    let (one, other) = (deployment.payer().await, deployment.payer().await);
    let order = deployment.requested().await;
    let (first, second) = (one.seal(&order).await, other.seal(&order).await);
    let answers = futures::future::join(one.submit(&order, &first), other.submit(&order, &second)).await;
    let answers = [answers.0, answers.1];
    assert_eq!(answers.iter().flatten().count(), 1);
    let refusal = answers.into_iter().find_map(Result::err).unwrap();
    assert!(["request_in_flight", "request_already_paid"].contains(&refusal.1.as_str()), "{refusal:?}");
    assert_eq!(deployment.bank.messages(Mti::FINANCIAL_REQUEST).len(), 1);
}

#[tokio::test]
async fn a_used_capsule_or_attempt_id_serves_nothing_else() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let order = deployment.requested().await;
    deployment.bank.on_payment(OnPayment::Decline(DeclineCode::WrongPin));
    let attempt = payer.seal(&order).await;
    payer.submit(&order, &attempt).await.unwrap();

    let capsule = payer::capsule(&attempt.outer);
    let other_id = AttemptId::from_parts(clock::now_ms(), &keys::random());
    let replayed = payer.submission(&order, other_id, &capsule);
    assert_eq!(payer.submit(&order, &replayed).await, refused(409, "capsule_replayed"));
    let other_order = deployment.requested().await;
    let elsewhere = payer.submission(&other_order, other_id, &capsule);
    assert_eq!(payer.submit(&other_order, &elsewhere).await, refused(409, "capsule_replayed"));

    let other_capsule = payer::capsule(&payer.seal(&order).await.outer);
    let reused = payer.submission(&order, attempt.attempt_id, &other_capsule);
    assert_eq!(payer.submit(&order, &reused).await, refused(422, "idempotency_key_reused"));
    assert_eq!(deployment.bank.messages(Mti::FINANCIAL_REQUEST).len(), 1);
}

#[tokio::test]
async fn an_outer_layer_that_speaks_of_something_else_reaches_no_bank() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let order = deployment.requested().await;
    let tampered = [
        payer.seal_with(&order, |routing| routing.amount_minor += 1).await,
        payer.seal_with(&order, |routing| routing.currency = "EUR".into()).await,
        payer.seal_with(&order, |routing| routing.order_number = "A-1043".into()).await,
        payer.seal_with(&order, |routing| routing.merchant_id = "red-door".into()).await,
    ];
    for attempt in &tampered {
        assert_eq!(payer.submit(&order, attempt).await, refused(422, "order_mismatch"));
        assert_eq!(payer.attempt(&order, attempt).await, refused(404, "not_found"));
    }
    let foreign_card =
        payer.seal_with(&order, |routing| routing.route = Route::Card { issuer_iin: "545454".into() }).await;
    assert_eq!(payer.submit(&order, &foreign_card).await, refused(422, "no_bank_for_card"));

    let good = payer.seal(&order).await;
    let mut flipped = payer::capsule(&good.outer);
    flipped.ciphertext[100] ^= 1;
    let flipped = payer.submission(&order, good.attempt_id, &flipped);
    assert_eq!(payer.submit(&order, &flipped).await, refused(422, "capsule_unreadable"));
    let mut retired = payer::capsule(&good.outer);
    retired.kid = PaymentServerSealingKeySecret::generate().kid().to_owned();
    let retired = payer.submission(&order, good.attempt_id, &retired);
    assert_eq!(payer.submit(&order, &retired).await, refused(409, "server_key_retired"));
    let stranger = deployment.payer().await;
    let stolen = stranger.submission(&order, good.attempt_id, &payer::capsule(&good.outer));
    assert_eq!(payer.submit(&order, &stolen).await, refused(401, "device_signature_invalid"));

    assert!(deployment.bank.messages(Mti::FINANCIAL_REQUEST).is_empty());
    assert_eq!(payer.submit(&order, &good).await.unwrap().state, AttemptState::Approved);
}

#[tokio::test]
async fn a_way_to_pay_that_the_order_does_not_name_reaches_no_bank_and_the_one_that_was_used_is_told() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let ask = async |methods: &[Method]| {
        let order = Deployment::order_with(|draft| draft.methods = Some(methods.iter().copied().collect()));
        deployment.create(&order.request_id.to_string(), &deployment.signed(&order)).await.unwrap();
        order
    };
    let by_code = ask(&[Method::Code, Method::Voucher]).await;
    let attempt = payer.seal(&by_code).await;
    assert_eq!(payer.submit(&by_code, &attempt).await, refused(422, "method_not_allowed"));
    assert_eq!(payer.attempt(&by_code, &attempt).await, refused(404, "not_found"));
    let route = || Route::Means { kind: MeansKind::Code, front: "first".into() };
    let by_card = ask(&[Method::Card]).await;
    let code = payer.seal_with(&by_card, |routing| routing.route = route()).await;
    let path = format!("/v1/requests/{}/codes", by_card.request_id);
    assert_eq!(payer.post(&path, &code).await.map(drop), refused(422, "method_not_allowed"));
    assert!(deployment.bank.messages(Mti::FINANCIAL_REQUEST).is_empty());
    assert_eq!(deployment.show(&by_code).await.method, None);

    let attempt = payer.seal(&by_card).await;
    payer.submit(&by_card, &attempt).await.unwrap();
    assert_eq!(deployment.show(&by_card).await.method, Some(Method::Card));
    let path = format!("/v1/payment-requests/{}/events", by_card.request_id);
    let events = deployment.merchant_answer::<EventsPage>(&path).await.events;
    let approved = events.iter().find(|event| event.kind == "attempt.approved").unwrap();
    assert_eq!((approved.method, events[0].method), (Some(Method::Card), None));
}

#[tokio::test]
async fn a_request_that_ended_takes_no_attempt() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let paid = deployment.requested().await;
    payer.submit(&paid, &payer.seal(&paid).await).await.unwrap();
    let cancelled = deployment.requested().await;
    deployment.cancel(&cancelled).await.unwrap();
    let rejected = deployment.requested().await;
    payer.post(&format!("/v1/requests/{}/reject", rejected.request_id), &()).await.unwrap();
    let expired = Deployment::order_with(|draft| draft.expires_ms = draft.created_ms + 300);
    deployment.create("expiring", &deployment.signed(&expired)).await.unwrap();
    deployment.eventually(async || (deployment.state(&expired).await == RequestState::Expired).then_some(())).await;
    let sent = deployment.bank.messages(Mti::FINANCIAL_REQUEST).len();
    for (order, status, code) in [
        (&paid, 409, "request_already_paid"),
        (&cancelled, 410, "request_cancelled"),
        (&rejected, 410, "request_rejected"),
        (&expired, 410, "request_expired"),
    ] {
        let attempt = payer.seal(order).await;
        assert_eq!(payer.submit(order, &attempt).await, refused(status, code));
        assert_eq!(payer.attempt(order, &attempt).await, refused(404, "not_found"));
    }
    assert_eq!(deployment.cancel(&paid).await, refused(409, "request_already_paid"));
    assert_eq!(deployment.bank.messages(Mti::FINANCIAL_REQUEST).len(), sent);
    assert_eq!(deployment.events(&expired).await, ["request.created", "request.expired"]);
}

#[tokio::test]
async fn a_decline_leaves_the_request_open_unless_another_try_cannot_help() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let order = deployment.requested().await;
    for code in [DeclineCode::WrongPin, DeclineCode::InsufficientFunds, DeclineCode::RetiredKey] {
        deployment.bank.on_payment(OnPayment::Decline(code));
        let view = payer.submit(&order, &payer.seal(&order).await).await.unwrap();
        assert_eq!(view.state, AttemptState::Declined { code });
        assert!(view.outcome.is_some());
        assert_eq!(deployment.state(&order).await, RequestState::Seen);
    }
    deployment.bank.on_payment(OnPayment::Decline(DeclineCode::OrderMismatch));
    let attempt = payer.seal(&order).await;
    payer.submit(&order, &attempt).await.unwrap();
    assert_eq!(deployment.state(&order).await, RequestState::Failed { attempt_id: attempt.attempt_id });
    assert_eq!(payer.submit(&order, &payer.seal(&order).await).await, refused(410, "request_closed"));
}

#[tokio::test]
async fn a_wallet_told_of_a_retired_key_finds_the_new_certificate() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let order = deployment.requested().await;
    let served = async || {
        let view: KeysetView = payer.get("/v1/keyset").await.unwrap();
        let payload = envelope::jws::peek_payload_unverified(&view.bank_certificates[0]).unwrap();
        serde_json::from_slice::<BankCertificate>(&payload).unwrap().version
    };
    assert_eq!(served().await, 1);
    deployment.bank.on_payment(OnPayment::Decline(DeclineCode::RetiredKey));
    payer.submit(&order, &payer.seal(&order).await).await.unwrap();
    assert_eq!(served().await, 2);
}

#[tokio::test]
async fn a_bank_that_contradicts_the_order_needs_a_person() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    for behaviour in [OnPayment::EchoAnotherAmount, OnPayment::SignAnotherAmount, OnPayment::SignWithAnotherKey] {
        deployment.bank.on_payment(behaviour);
        let order = deployment.requested().await;
        let attempt = payer.seal(&order).await;
        let view = payer.submit(&order, &attempt).await.unwrap();
        assert_eq!(view.state, AttemptState::NeedsManualReview, "{behaviour:?}");
        let attempt_id = attempt.attempt_id;
        assert_eq!(deployment.state(&order).await, RequestState::NeedsManualReview { attempt_id });
        assert_eq!(payer.submit(&order, &payer.seal(&order).await).await, refused(409, "needs_manual_review"));
    }
}

#[tokio::test]
async fn without_the_banks_line_nothing_is_stored_or_sent() {
    let mut deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let order = deployment.requested().await;
    deployment.stop_server().await;
    deployment.without_bank();
    deployment.start_server().await;
    let payer = payer.moved_to(&deployment.base);
    let attempt = payer.seal(&order).await;
    assert_eq!(payer.submit(&order, &attempt).await, refused(503, "bank_unreachable"));
    assert_eq!(payer.attempt(&order, &attempt).await, refused(404, "not_found"));
    assert_eq!(deployment.state(&order).await, RequestState::Created);
}

//! A merchant asks, asks again, asks wrongly, shows and cancels.

use std::collections::{BTreeSet, HashSet};

use envelope::{LinkKey, jws, request};
use payment::{Amount, Method, RequestState};
use protocol::merchant_api::{CreatePaymentRequest, EventsPage};
use protocol::wallet_api::{RequestLetter, SealedRequest};

use crate::deployment::Deployment;
use crate::payer;
use crate::refused;

/// The one place that names the routes.
const ROUTER: &str = include_str!("../../src/payment_server/router.rs");

#[tokio::test]
async fn the_same_key_and_body_get_the_same_answer_and_another_body_none() {
    let deployment = Deployment::start().await;
    let body = deployment.signed(&Deployment::order());
    let first = deployment.create("key-1", &body).await.unwrap();
    assert!(first.link.is_some() && first.deep_link.is_some());
    let mut again = deployment.create("key-1", &body).await.unwrap();
    assert_eq!((again.link.take(), again.deep_link.take()), (None, None));
    let first = protocol::merchant_api::PaymentRequestView { link: None, deep_link: None, ..first };
    assert_eq!(again, first);

    let other = deployment.signed(&Deployment::order());
    assert_eq!(deployment.create("key-1", &other).await, refused(422, "idempotency_key_reused"));
    // Another merchant's keys are its own.
    assert_eq!(deployment.create_as("red-door", "key-1", &body).await, refused(422, "order_invalid"));
}

#[tokio::test]
async fn twenty_identical_calls_at_once_make_one_request() {
    let deployment = Deployment::start().await;
    let order = Deployment::order();
    let body = deployment.signed(&order);
    let answers = futures::future::join_all((0..20).map(|_| deployment.create("key-1", &body))).await;
    let in_progress = refused(409, "idempotency_in_progress");
    assert!(answers.iter().all(|answer| answer.is_ok() || *answer == in_progress));
    assert_eq!(answers.iter().flatten().filter(|view| view.link.is_some()).count(), 1);
    assert_eq!(deployment.events(&order).await, ["request.created"]);
}

#[tokio::test]
async fn an_order_that_is_not_the_merchants_own_is_refused() {
    let deployment = Deployment::start().await;
    let order = Deployment::order();
    let foreign = |typ, key: &str| CreatePaymentRequest {
        order: jws::sign(&deployment.merchant_key(key), typ, &order.canonical()),
        payer: None,
    };
    let mut flipped = deployment.signed(&order);
    let last = flipped.order.pop().unwrap();
    flipped.order.push(if last == 'A' { 'Q' } else { 'A' });
    assert_eq!(deployment.create("1", &flipped).await, refused(422, "order_signature_invalid"));
    assert_eq!(
        deployment.create("2", &foreign("other+jws", "blue-door")).await,
        refused(422, "order_signature_invalid")
    );
    assert_eq!(deployment.create("3", &foreign(jws::TYP_ORDER, "red-door")).await, refused(422, "order_invalid"));

    let payee = Deployment::order_with(|draft| draft.payee_name = "Red Door".into());
    assert_eq!(deployment.create("4", &deployment.signed(&payee)).await, refused(422, "order_invalid"));
    let merchant = Deployment::order_with(|draft| draft.merchant_id = "red-door".parse().unwrap());
    assert_eq!(deployment.create("5", &deployment.signed(&merchant)).await, refused(422, "order_invalid"));
    let expired = Deployment::order_with(|draft| {
        draft.created_ms -= 10_000;
        draft.expires_ms = draft.created_ms + 1;
    });
    assert_eq!(deployment.create("6", &deployment.signed(&expired)).await, refused(422, "order_invalid"));
    assert!(deployment.events(&order).await.is_empty());
}

#[tokio::test]
async fn an_order_names_only_ways_to_pay_that_its_merchant_takes() {
    let deployment = Deployment::start().await;
    let signed = |named: &[Method]| {
        let order = Deployment::order_with(|draft| {
            draft.merchant_id = "red-door".parse().unwrap();
            draft.payee_name = "Red Door".into();
            draft.methods = Some(named.iter().copied().collect());
        });
        let order = jws::sign(&deployment.merchant_key("red-door"), jws::TYP_ORDER, &order.canonical());
        CreatePaymentRequest { order, payer: None }
    };
    let voucher = signed(&[Method::Card, Method::Voucher]);
    assert_eq!(deployment.create_as("red-door", "1", &voucher).await, refused(422, "order_invalid"));
    let card = signed(&[Method::Card]);
    let taken = deployment.create_as("red-door", "2", &card).await.unwrap();
    assert_eq!(taken.methods, Some([Method::Card].into_iter().collect()));
}

#[tokio::test]
async fn a_request_id_is_used_once() {
    let deployment = Deployment::start().await;
    let order = deployment.requested().await;
    let other = Deployment::order_with(|draft| {
        draft.request_id = order.request_id;
        draft.amount = Amount::new(1, draft.amount.currency());
        draft.items.clear();
    });
    assert_eq!(deployment.create("2", &deployment.signed(&other)).await, refused(409, "request_exists"));
    assert_eq!(deployment.show(&order).await.amount, order.amount);
}

#[tokio::test]
async fn without_the_api_key_or_the_idempotency_key_nothing_is_taken() {
    let deployment = Deployment::start().await;
    let body = deployment.signed(&Deployment::order());
    let url = format!("{}/v1/payment-requests", deployment.base);
    let call = deployment.client.post(&url).bearer_auth("tapseal_wrong").header("idempotency-key", "k").json(&body);
    let answer = crate::checked(call.send().await.unwrap()).await;
    assert_eq!(answer.map(drop), refused(401, "unauthorized"));
    assert_eq!(deployment.create("", &body).await, refused(400, "invalid_input"));
    let huge = deployment.client.post(&url).body(vec![b' '; 100_000]).bearer_auth("x").send().await.unwrap();
    assert_eq!(huge.status(), 401);
}

#[tokio::test]
async fn a_link_may_be_opened_by_any_scanner_and_changes_nothing() {
    let deployment = Deployment::start().await;
    let order = Deployment::order();
    let view = deployment.create("key", &deployment.signed(&order)).await.unwrap();
    let link = view.link.unwrap();
    let (address, fragment) = link.split_once('#').unwrap();
    let token = address.rsplit_once('/').unwrap().1;
    let mut letters = HashSet::new();
    for _ in 0..3 {
        let url = format!("{}/v1/links/{token}", deployment.base);
        let sealed: SealedRequest = deployment.client.get(url).send().await.unwrap().json().await.unwrap();
        assert_eq!((sealed.request_id, sealed.seq), (order.request_id, 0));
        let key = LinkKey::from_fragment(fragment).unwrap();
        let capsule = payer::capsule(&sealed.sealed);
        let letter = request::open_from_link(&key, order.request_id.as_bytes(), &capsule).unwrap();
        let letter: RequestLetter = serde_json::from_slice(&letter).unwrap();
        letters.insert(letter.order);

        let page = deployment.client.get(format!("{}/r/{token}", deployment.base)).send().await.unwrap();
        assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
        assert!(page.text().await.unwrap().contains("Opening this page paid nothing"));
    }
    assert_eq!(letters, HashSet::from([deployment.signed(&order).order]));
    assert_eq!(deployment.state(&order).await, RequestState::Created);
    assert_eq!(deployment.events(&order).await, ["request.created"]);
    let nobody = deployment.client.get(format!("{}/v1/links/nothing", deployment.base)).send().await.unwrap();
    assert_eq!(crate::checked(nobody).await.map(drop), refused(404, "not_found"));
}

#[tokio::test]
async fn a_request_is_cancelled_once_and_belongs_to_its_merchant() {
    let deployment = Deployment::start().await;
    let order = deployment.requested().await;
    assert_eq!(deployment.cancel(&order).await.unwrap().state, RequestState::Cancelled);
    assert_eq!(deployment.cancel(&order).await.unwrap().state, RequestState::Cancelled);
    assert_eq!(deployment.events(&order).await, ["request.created", "request.cancelled"]);

    let key = std::fs::read_to_string(deployment.folder.merchant(&"red-door".parse().unwrap(), "api-key")).unwrap();
    let foreign = |path: String| deployment.client.get(format!("{}{path}", deployment.base)).bearer_auth(&key).send();
    let shown = foreign(format!("/v1/payment-requests/{}", order.request_id)).await.unwrap();
    assert_eq!(crate::checked(shown).await.map(drop), refused(404, "not_found"));
    let events: EventsPage = foreign("/v1/events".into()).await.unwrap().json().await.unwrap();
    assert!(events.events.is_empty());
}

#[tokio::test]
async fn the_description_names_every_route_and_is_openapi_3_1() {
    let deployment = Deployment::start().await;
    let url = format!("{}/v1/openapi.json", deployment.base);
    let description: serde_json::Value = deployment.client.get(url).send().await.unwrap().json().await.unwrap();
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
    let described: BTreeSet<&str> = description["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let routes = ROUTER.split('"').filter(|text| text.starts_with("/v1/") && *text != "/v1/openapi.json");
    assert_eq!(described, routes.collect::<BTreeSet<_>>());
    let create = &description["paths"]["/v1/payment-requests"]["post"];
    assert!(create["requestBody"]["content"]["application/json"]["schema"]["$ref"].is_string());
    assert!(description["components"]["schemas"]["Problem"].is_object());
}

//! A till's printed code, and what it leads to.

use envelope::{LinkKey, request};
use protocol::merchant_api::{CounterView, CreatePaymentRequest, PayerIdentifier};
use protocol::wallet_api::{RequestLetter, SealedRequest};
use serde_json::json;

use crate::deployment::Deployment;
use crate::payer;

/// A till with a printed code: the counter, and the code's key.
async fn till(deployment: &Deployment) -> (CounterView, LinkKey) {
    let key = LinkKey::generate();
    let body = json!({ "name": "Till 2", "sealing_key": key.public().to_base64url() });
    let (status, view) = deployment.call(&deployment.first_key(), "POST", "/v1/counters", Some(body)).await;
    assert_eq!(status, 201, "{view}");
    (serde_json::from_value(view).unwrap(), key)
}

async fn scanned(deployment: &Deployment, counter: &CounterView) -> Option<SealedRequest> {
    let url = format!("{}/v1/counters/{}", deployment.base, counter.token);
    let answer = deployment.client.get(url).send().await.unwrap();
    if answer.status() == 404 { None } else { Some(answer.json().await.unwrap()) }
}

#[tokio::test]
async fn a_printed_code_leads_to_the_tills_open_request_and_to_nothing_else() {
    let deployment = Deployment::start().await;
    let (counter, key) = till(&deployment).await;
    assert!(scanned(&deployment, &counter).await.is_none());
    let ask = async |id: &str| {
        let order = Deployment::order();
        let payer = Some(PayerIdentifier::Counter(id.to_owned()));
        let body = CreatePaymentRequest { payer, ..deployment.signed(&order) };
        deployment.create(&order.request_id.to_string(), &body).await.map(|_| order)
    };
    let first = ask(&counter.id).await.unwrap();
    for _ in 0..3 {
        let sealed = scanned(&deployment, &counter).await.unwrap();
        assert_eq!(sealed.request_id, first.request_id);
        let capsule = payer::capsule(&sealed.sealed);
        let letter = request::open_from_link(&key, first.request_id.as_bytes(), &capsule).unwrap();
        let letter: RequestLetter = serde_json::from_slice(&letter).unwrap();
        assert_eq!(letter.order, deployment.signed(&first).order);
    }
    assert_eq!(deployment.events(&first).await, ["request.created"], "scanning changes nothing");

    let second = ask(&counter.id).await.unwrap();
    assert_eq!(scanned(&deployment, &counter).await.unwrap().request_id, second.request_id);
    deployment.cancel(&second).await.unwrap();
    assert!(scanned(&deployment, &counter).await.is_none(), "a request that is over is shown no more");

    assert_eq!(ask("nothing").await.map(drop), crate::refused(400, "invalid_input"));
    let path = format!("/v1/counters/{}", counter.id);
    let other = std::fs::read_to_string(deployment.folder.merchant(&"red-door".parse().unwrap(), "api-key")).unwrap();
    assert_eq!(deployment.call(&other, "DELETE", &path, None).await.0, 404);
    assert_eq!(deployment.call(&deployment.first_key(), "DELETE", &path, None).await.0, 204);
    assert_eq!(ask(&counter.id).await.map(drop), crate::refused(400, "invalid_input"));
}

#[tokio::test]
async fn a_key_that_seals_to_everybody_is_refused() {
    let deployment = Deployment::start().await;
    for key in ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "short", ""] {
        let body = json!({ "name": "Till", "sealing_key": key });
        let (status, problem) = deployment.call(&deployment.first_key(), "POST", "/v1/counters", Some(body)).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (400, &json!("/sealing_key")), "{key}");
    }
}

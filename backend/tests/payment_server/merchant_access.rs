//! Who may call the merchant's API: keys and certificates, scope by scope, and calls that happen once.

use protocol::merchant_api::Scope;
use serde_json::{Value, json};

use crate::deployment::Deployment;

/// Makes a key with these scopes; its id and itself.
async fn key(deployment: &Deployment, scopes: &[Scope]) -> (String, String) {
    let body = json!({ "name": "a till", "scopes": scopes });
    let (status, view) = deployment.call(&deployment.first_key(), "POST", "/v1/api-keys", Some(body)).await;
    assert_eq!(status, 201, "{view}");
    let text = |name: &str| view[name].as_str().unwrap().to_owned();
    (text("id"), text("secret"))
}

#[tokio::test]
async fn each_scope_opens_its_own_calls_and_no_other() {
    let deployment = Deployment::start().await;
    let id = deployment.requested().await.request_id;
    let calls = [
        (Scope::RequestsRead, "GET", "/v1/payment-requests".to_owned()),
        (Scope::RequestsRead, "GET", format!("/v1/payment-requests/{id}")),
        (Scope::RequestsRead, "GET", "/v1/events".to_owned()),
        (Scope::RequestsRead, "GET", "/v1/counters".to_owned()),
        (Scope::AccessWrite, "GET", "/v1/access".to_owned()),
        (Scope::AccessWrite, "DELETE", "/v1/api-keys/nothing".to_owned()),
        (Scope::AccessWrite, "DELETE", "/v1/certificates/nothing".to_owned()),
        (Scope::RequestsWrite, "DELETE", "/v1/counters/nothing".to_owned()),
        (Scope::RequestsWrite, "POST", format!("/v1/payment-requests/{id}/cancel")),
        (Scope::RequestsWrite, "POST", format!("/v1/payment-requests/{id}/expire")),
    ];
    for scope in Scope::ALL {
        let (_, key) = key(&deployment, &[scope]).await;
        for (needed, method, path) in &calls {
            let (status, body) = deployment.call(&key, method, path, None).await;
            let refused = (status, body["code"].as_str()) == (403, Some("scope_missing"));
            assert_eq!(refused, scope != *needed, "{method} {path} with {scope:?}: {status} {body}");
        }
    }
    // What may be given is at most what its giver has.
    let (_, narrow) = key(&deployment, &[Scope::AccessWrite]).await;
    let wide = json!({ "name": "more", "scopes": ["access:write", "refunds:write"] });
    let (status, body) = deployment.call(&narrow, "POST", "/v1/api-keys", Some(wide)).await;
    assert_eq!((status, &body["code"]), (403, &json!("scope_missing")), "{body}");
}

#[tokio::test]
async fn a_revoked_key_ends_at_once_and_stays_revoked_over_a_restart() {
    let mut deployment = Deployment::start().await;
    let (id, secret) = key(&deployment, &Scope::ALL).await;
    let (_, access) = deployment.call(&secret, "GET", "/v1/access", None).await;
    let keys = access["api_keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    assert!(keys.iter().all(|key| key["secret"].is_null()), "a key is told once: {access}");
    assert_eq!(deployment.call(&secret, "DELETE", &format!("/v1/api-keys/{id}"), None).await.0, 204);
    assert_eq!(deployment.call(&secret, "GET", "/v1/events", None).await.0, 401);

    let first = deployment.first_key();
    let first_id = keys[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(deployment.call(&first, "DELETE", &format!("/v1/api-keys/{first_id}"), None).await.0, 204);
    deployment.stop_server().await;
    deployment.start_server().await;
    assert_eq!(deployment.call(&first, "GET", "/v1/events", None).await.0, 401, "the key file brings no key back");
}

#[tokio::test]
async fn anothers_key_is_neither_seen_nor_revoked() {
    let deployment = Deployment::start().await;
    let (id, secret) = key(&deployment, &Scope::ALL).await;
    let other = std::fs::read_to_string(deployment.folder.merchant(&"red-door".parse().unwrap(), "api-key")).unwrap();
    let (_, access) = deployment.call(&other, "GET", "/v1/access", None).await;
    assert_eq!(access["api_keys"].as_array().unwrap().len(), 1);
    assert_eq!(deployment.call(&other, "DELETE", &format!("/v1/api-keys/{id}"), None).await.0, 404);
    assert_eq!(deployment.call(&secret, "GET", "/v1/events", None).await.0, 200);
}

#[tokio::test]
async fn a_certificate_stands_for_its_merchant_until_it_is_removed() {
    let mut deployment = Deployment::start().await;
    deployment.stop_server().await;
    deployment.with_mutual_tls();
    deployment.start_server().await;
    let key_pair = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["till".to_owned()]).unwrap().self_signed(&key_pair).unwrap();
    let identity = format!("{}{}", key_pair.serialize_pem(), certificate.pem());
    let ca = reqwest::Certificate::from_pem(&std::fs::read(deployment.folder.tls_ca()).unwrap()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([ca])
        .identity(reqwest::Identity::from_pem(identity.as_bytes()).unwrap())
        .build()
        .unwrap();
    let base = deployment.mutual_tls_base();
    let events = async || Deployment::answer(client.get(format!("{base}/v1/events")), None).await.0;
    assert_eq!(events().await, 401, "nobody registered it yet");

    let body = json!({ "name": "till", "scopes": ["requests:read"], "certificate": certificate.pem() });
    let register = async |key: &str| deployment.call(key, "POST", "/v1/certificates", Some(body.clone())).await;
    let (status, view) = register(&deployment.first_key()).await;
    assert_eq!(status, 201, "{view}");
    assert_eq!(events().await, 200);
    let cancel = client.post(format!("{base}/v1/payment-requests/x/cancel"));
    assert_eq!(Deployment::answer(cancel, None).await.0, 403, "its scopes are its own");
    let main = client.get(format!("{}/v1/events", deployment.base));
    assert_eq!(Deployment::answer(main, None).await.0, 401, "the main listener asks for no certificate");

    let other = std::fs::read_to_string(deployment.folder.merchant(&"red-door".parse().unwrap(), "api-key")).unwrap();
    let (status, problem) = register(&other).await;
    assert_eq!((status, &problem["code"]), (409, &json!("certificate_exists")));
    let path = format!("/v1/certificates/{}", view["fingerprint"].as_str().unwrap());
    assert_eq!(deployment.call(&other, "DELETE", &path, None).await.0, 404);
    assert_eq!(deployment.call(&deployment.first_key(), "DELETE", &path, None).await.0, 204);
    assert_eq!(events().await, 401, "on the connection that was open as well");
}

#[tokio::test]
async fn fifty_identical_calls_at_once_make_one_key() {
    let deployment = Deployment::start().await;
    let url = format!("{}/v1/api-keys", deployment.base);
    let body = json!({ "name": "one", "scopes": ["requests:read"] });
    let call = async |key: &str, body: &Value| {
        let call = deployment.client.post(&url).bearer_auth(deployment.first_key()).header("idempotency-key", key);
        let answer = crate::in_time(call.json(body).send()).await.unwrap();
        let replayed = answer.headers().contains_key("idempotency-replayed");
        (answer.status().as_u16(), replayed, answer.json::<Value>().await.unwrap())
    };
    let answers = futures::future::join_all((0..50).map(|_| call("same", &body))).await;
    let made: Vec<_> = answers.iter().filter(|(status, ..)| *status == 201).collect();
    assert_eq!(made.iter().filter(|(_, replayed, view)| !replayed && view["secret"].is_string()).count(), 1);
    assert!(made.iter().all(|(_, _, view)| view["id"] == made[0].2["id"]));
    let running = |(status, _, body): &&(u16, bool, Value)| *status == 409 && body["code"] == "idempotency_in_progress";
    assert_eq!(answers.iter().filter(running).count() + made.len(), 50, "{answers:?}");

    let (status, replayed, again) = call("same", &body).await;
    assert_eq!((status, replayed, &again["id"]), (201, true, &made[0].2["id"]));
    assert!(again["secret"].is_null(), "the secret is kept nowhere");
    let other = json!({ "name": "two", "scopes": ["requests:read"] });
    assert_eq!(call("same", &other).await.2["code"], "idempotency_key_reused");
    let (_, access) = deployment.call(&deployment.first_key(), "GET", "/v1/access", None).await;
    assert_eq!(access["api_keys"].as_array().unwrap().len(), 2, "{access}");
}

#[tokio::test]
async fn a_refused_call_leaves_its_key_free_and_another_path_does_not_share_it() {
    let deployment = Deployment::start().await;
    let order = Deployment::order();
    let cancel = async |key: &str, what: &str| {
        let url = format!("{}/v1/payment-requests/{}/{what}", deployment.base, order.request_id);
        let call = deployment.client.post(url).bearer_auth(deployment.first_key()).header("idempotency-key", key);
        crate::checked(call.send().await.unwrap()).await.map(drop)
    };
    assert_eq!(cancel("k", "cancel").await, crate::refused(404, "not_found"));
    deployment.create("create", &deployment.signed(&order)).await.unwrap();
    assert_eq!(cancel("k", "cancel").await, Ok(()));
    assert_eq!(cancel("k", "expire").await, crate::refused(422, "idempotency_key_reused"));
    assert_eq!(cancel("other", "expire").await, crate::refused(410, "request_cancelled"));
}

#[tokio::test]
async fn a_malformed_body_is_told_by_place_and_never_quoted() {
    let deployment = Deployment::start().await;
    let cases = [
        (json!({ "name": "x", "scopes": ["hunter2"] }), "/scopes/0"),
        (json!({ "name": 7, "scopes": [] }), "/name"),
        (json!({ "name": "x", "scopes": [] }), "/scopes"),
        (json!({ "name": "x", "scopes": ["requests:read"], "hunter2": 1 }), "/hunter2"),
        (json!({ "name": "a\u{7}b", "scopes": ["requests:read"] }), "/name"),
    ];
    for (body, pointer) in cases {
        let (status, problem) = deployment.call(&deployment.first_key(), "POST", "/v1/api-keys", Some(body)).await;
        assert_eq!((status, &problem["code"]), (400, &json!("invalid_input")), "{problem}");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        assert!(!problem["errors"][0]["detail"].as_str().unwrap().contains("hunter2"));
        assert_eq!(problem["type"], "/docs/errors#invalid_input");
    }
}

#[tokio::test]
async fn a_merchant_that_calls_too_often_is_told_when_to_come_back() {
    let mut deployment = Deployment::start().await;
    deployment.stop_server().await;
    deployment.with_limits(5, 30_000);
    deployment.start_server().await;
    let get = async |key: String| {
        let call = deployment.client.get(format!("{}/v1/access", deployment.base)).bearer_auth(key);
        let answer = call.send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), header("ratelimit"), header("ratelimit-policy"), header("retry-after"))
    };
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(get(deployment.first_key()).await);
    }
    assert!(answers[..5].iter().all(|(status, .., retry)| *status == 200 && retry.is_none()), "{answers:?}");
    assert_eq!(answers[0].2.as_deref(), Some("\"merchant\";q=5;w=60"));
    assert!(answers[0].1.as_deref().unwrap().starts_with("\"merchant\";r=4;t="), "{answers:?}");
    let (status, .., retry) = &answers[5];
    assert_eq!((*status, retry.as_deref().map(|text| (1..=12).contains(&text.parse().unwrap()))), (429, Some(true)));
    let other = std::fs::read_to_string(deployment.folder.merchant(&"red-door".parse().unwrap(), "api-key")).unwrap();
    assert_eq!(get(other).await.0, 200, "another merchant's quota is its own");
}

#[tokio::test]
async fn an_address_without_credentials_has_a_quota_too_and_wrong_ones_do_not_lift_it() {
    let mut deployment = Deployment::start().await;
    deployment.stop_server().await;
    deployment.with_limits(30_000, 40);
    deployment.start_server_alone().await;
    let wrong = async || deployment.call("tapseal_wrong", "GET", "/v1/events", None).await;
    let mut statuses = Vec::new();
    for _ in 0..45 {
        statuses.push(wrong().await.0);
    }
    assert_eq!((statuses[0], statuses[44]), (401, 429), "{statuses:?}");
    let keyset = deployment.client.get(format!("{}/v1/keyset", deployment.base)).send().await.unwrap();
    assert_eq!(crate::checked(keyset).await.map(drop), crate::refused(429, "rate_limited"));
    assert_eq!(deployment.call(&deployment.first_key(), "GET", "/v1/events", None).await.0, 200);
}

#[tokio::test]
async fn every_refusal_is_a_problem_of_the_same_kind() {
    let deployment = Deployment::start().await;
    let url = |path: &str| format!("{}{path}", deployment.base);
    let key = deployment.first_key();
    let post = |path: &str| deployment.client.post(url(path)).bearer_auth(&key).header("idempotency-key", "k");
    let cases = [
        (deployment.client.put(url("/v1/access")), 405),
        (deployment.client.get(url("/v1/nothing")), 404),
        (post("/v1/api-keys").body("{}"), 415),
        (post("/v1/api-keys").header("content-type", "application/json").body("{"), 400),
        (post("/v1/api-keys").header("content-type", "application/json").body(vec![b' '; 70_000]), 413),
        (deployment.client.get(url("/v1/access")), 401),
        (deployment.client.get(url("/v1/access")).basic_auth("blue-door", Some(&key)), 401),
        (deployment.client.get(url("/v1/payment-requests/%ff")).bearer_auth(&key), 400),
        (deployment.client.get(url("/v1/events?after=x")).bearer_auth(&key), 400),
    ];
    for (call, status) in cases {
        let answer = call.send().await.unwrap();
        let headers = answer.headers().clone();
        assert_eq!(headers.contains_key("allow"), status == 405);
        assert_eq!(headers.contains_key("www-authenticate"), status == 401);
        let got = crate::checked(answer).await.map(drop).unwrap_err();
        assert_eq!(got.0, status, "{got:?}");
    }
}

//! Gateways that refuse, are dead, or say later how it went; reminders and repeats.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use payment::{Order, RequestState};
use protocol::merchant_api::{DeliveriesView, DeliveryStatus, DeliveryView, PayerIdentifier};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use tapseal::clock;

use crate::deployment::Deployment;
use crate::refused;

const TOKEN: &str = "s3cret";

fn ann() -> PayerIdentifier {
    PayerIdentifier::Email("ann@example.org".into())
}

fn phone() -> PayerIdentifier {
    PayerIdentifier::Phone("+12025550100".into())
}

/// A gateway that keeps what it gets and answers as told.
#[derive(Clone, Default)]
struct Gateway {
    taken: Arc<Mutex<Vec<Value>>>,
    answer: Arc<Mutex<Option<(u16, Value)>>>,
}

impl Gateway {
    async fn start() -> (Self, String) {
        async fn take(
            State(gateway): State<Gateway>,
            headers: HeaderMap,
            body: Json<Value>,
        ) -> (StatusCode, Json<Value>) {
            assert_eq!(headers["authorization"], format!("Bearer {TOKEN}"));
            let answer = gateway.answer.lock().unwrap().clone();
            gateway.taken.lock().unwrap().push(body.0);
            let (status, body) = answer.unwrap_or((202, json!({})));
            (StatusCode::from_u16(status).unwrap(), Json(body))
        }
        let gateway = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://:{TOKEN}@{}/send", listener.local_addr().unwrap());
        let router = Router::new().route("/send", axum::routing::post(take)).with_state(gateway.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (gateway, url)
    }

    fn taken(&self) -> Vec<Value> {
        self.taken.lock().unwrap().clone()
    }
}

/// A server with these gateways for text messages.
async fn with_sms(urls: &[&str]) -> Deployment {
    let mut deployment = Deployment::start().await;
    deployment.stop_server().await;
    deployment.channels().sms = urls.iter().map(|url| url.parse().unwrap()).collect();
    deployment.start_server().await;
    deployment
}

async fn deliveries(deployment: &Deployment, order: &Order) -> Vec<DeliveryView> {
    let path = format!("/v1/payment-requests/{}/deliveries", order.request_id);
    let view: DeliveriesView = deployment.merchant_answer(&path).await;
    view.deliveries
}

async fn until(deployment: &Deployment, order: &Order, status: DeliveryStatus) -> DeliveryView {
    let look = async || deliveries(deployment, order).await.into_iter().find(|one| one.status == status);
    deployment.eventually(look).await
}

/// A signed word of the gateway's about a message.
async fn say(deployment: &Deployment, body: &Value, token: &str) -> StatusCode {
    let (body, time) = (body.to_string(), (clock::now_ms() / 1_000).to_string());
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(format!("m1.{time}.{body}").as_bytes());
    let call = deployment.client.post(format!("{}/v1/sms-status", deployment.base));
    let call = call.header("webhook-id", "m1").header("webhook-timestamp", time);
    let call = call.header("webhook-signature", format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())));
    call.header("content-type", "application/json").body(body).send().await.unwrap().status()
}

#[tokio::test]
async fn a_dead_gateway_is_followed_by_the_next_whose_callback_is_believed_only_when_signed() {
    let (gateway, url) = Gateway::start().await;
    let deployment = with_sms(&["http://:t@127.0.0.1:9/send", &url]).await;
    let order = deployment.requested_from(Some(phone())).await;
    let sent = until(&deployment, &order, DeliveryStatus::Sent).await;
    assert_eq!((sent.channel.name(), sent.tries), ("sms", 2));
    let message = gateway.taken().pop().unwrap();
    assert_eq!((&message["id"], &message["to"]), (&json!(sent.id), &json!("+12025550100")));

    let arrived = json!({ "status": "delivered", "id": sent.id });
    assert_eq!(say(&deployment, &arrived, "another").await, StatusCode::UNAUTHORIZED);
    // The dead gateway has not taken it: its word counts for nothing.
    assert_eq!(say(&deployment, &arrived, "t").await, StatusCode::NO_CONTENT);
    assert_eq!(deliveries(&deployment, &order).await[0].status, DeliveryStatus::Sent);
    assert_eq!(say(&deployment, &arrived, TOKEN).await, StatusCode::NO_CONTENT);
    assert_eq!(deliveries(&deployment, &order).await[0].status, DeliveryStatus::Delivered);
}

#[tokio::test]
async fn a_number_that_no_gateway_reaches_makes_its_request_undeliverable() {
    let (first, first_url) = Gateway::start().await;
    let (second, second_url) = Gateway::start().await;
    *first.answer.lock().unwrap() = Some((422, json!({ "error": "address_refused" })));
    let deployment = with_sms(&[&first_url, &second_url]).await;
    let order = deployment.requested_from(Some(phone())).await;
    let sent = until(&deployment, &order, DeliveryStatus::Sent).await;
    assert_eq!((first.taken().len(), second.taken().len()), (1, 1));
    assert_eq!(deployment.state(&order).await, RequestState::Delivered);
    let failed = json!({ "status": "failed", "id": sent.id });
    assert_eq!(say(&deployment, &failed, TOKEN).await, StatusCode::NO_CONTENT);
    let failed = until(&deployment, &order, DeliveryStatus::Failed).await;
    assert_eq!(failed.reason.as_deref(), Some("unreachable"));
    assert_eq!(deployment.state(&order).await, RequestState::Undeliverable);
}

#[tokio::test]
async fn a_gateway_that_fails_after_it_may_have_sent_gets_a_message_twice_at_most() {
    let (gateway, url) = Gateway::start().await;
    *gateway.answer.lock().unwrap() = Some((500, json!({})));
    let deployment = with_sms(&[&url]).await;
    let order = deployment.requested_from(Some(phone())).await;
    let sent = until(&deployment, &order, DeliveryStatus::Sent).await;
    assert_eq!((sent.tries, sent.reason.as_deref()), (2, Some("unconfirmed")));
    let taken = gateway.taken();
    assert!(taken.len() == 2 && taken[0] == taken[1], "the same id, so that a gateway can know it: {taken:?}");
}

#[tokio::test]
async fn a_payer_who_has_not_looked_is_reminded_once_with_a_link_that_works() {
    let mut deployment = Deployment::start().await;
    deployment.stop_server().await;
    deployment.channels().remind_after_s = Some(4);
    deployment.start_server().await;
    let order = deployment.requested_from(Some(ann())).await;
    let reminder = deployment.mail(1).await;
    assert!(reminder.contains("Subject: Reminder: Payment request from"), "{reminder}");
    assert_ne!(token(&reminder), token(&deployment.mail(0).await), "the first key was not kept");
    let letter = format!("{}/v1/links/{}", deployment.base, token(&reminder));
    assert_eq!(deployment.client.get(letter).send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(deliveries(&deployment, &order).await.len(), 2);

    // Whoever has looked is not reminded.
    let payer = deployment.payer().await;
    let seen = deployment.requested_from(Some(ann())).await;
    deployment.mail(2).await;
    payer.post(&format!("/v1/requests/{}/seen", seen.request_id), &()).await.unwrap();
    let third = deployment.requested_from(Some(ann())).await;
    let mails = deployment.eventually(async || Some(deployment.mails()).filter(|mails| mails.len() >= 5)).await;
    assert_eq!(mails.iter().filter(|mail| mail.contains("Subject: Reminder")).count(), 2, "of the first and the third");
    assert_eq!(deliveries(&deployment, &seen).await.len(), 1);
    assert_eq!(deliveries(&deployment, &third).await.len(), 2);
}

/// The token in a mail's link.
fn token(mail: &str) -> String {
    let link = mail.lines().find(|line| line.starts_with("https://")).unwrap();
    link.split("/r/").nth(1).unwrap().split('#').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_merchant_has_the_message_sent_again_but_not_often_and_not_elsewhere() {
    let deployment = Deployment::start().await;
    let order = deployment.requested_from(Some(ann())).await;
    deployment.mail(0).await;
    let path = format!("/v1/payment-requests/{}/resend", order.request_id);
    let resend = async |key: &str, channel: &str| {
        let body = json!({ "channel": channel });
        deployment.merchant_call::<DeliveryView>(Method::POST, &path, key, &body).await
    };
    for channel in ["sms", "device"] {
        assert_eq!(resend("one", channel).await, refused(400, "invalid_input"), "{channel}");
    }
    let again = resend("two", "email").await.unwrap();
    assert_eq!(resend("two", "email").await.unwrap().id, again.id, "the same call again is the same message");
    let mail = deployment.mail(1).await;
    assert_ne!(token(&mail), token(&deployment.mail(0).await));
    assert_eq!(resend("three", "email").await, refused(429, "rate_limited"));
    deployment.cancel(&order).await.unwrap();
    assert_eq!(resend("four", "email").await, refused(410, "request_cancelled"));
    assert_eq!(deployment.mails().len(), 2);
}

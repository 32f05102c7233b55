//! A payer's device as the server sees one: keys, signed calls, sealed attempts.

use envelope::outer::{DeviceSignature, Route, Routing};
use envelope::{Capsule, Device, DeviceSealingKeySecret, SigningKey, http_signature, outer};
use payment::{AttemptId, DeviceId, Order};
use protocol::SealedText;
use protocol::wallet_api::{
    AttemptView, HEADER_DEVICE, HEADER_SIGNATURE, HEADER_TIME, KeysetView, RegisterDevice, SubmitAttempt,
};
use reqwest::{Client, Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tapseal::{clock, keys};

use crate::bank::IIN;

/// What a call brought: the parsed body, or the status and code of the refusal.
pub type Answer<T> = Result<T, (u16, String)>;

pub struct Payer {
    pub id: DeviceId,
    pub key: SigningKey<Device>,
    pub sealing: DeviceSealingKeySecret,
    pub clock_offset_ms: i64,
    client: Client,
    base: String,
}

impl Payer {
    pub async fn registered(client: &Client, base: &str) -> Self {
        let payer = Self::stranger(client, base);
        payer.register().await.unwrap();
        payer
    }

    /// A device the server does not know.
    pub fn stranger(client: &Client, base: &str) -> Self {
        Self {
            id: DeviceId::from_parts(clock::now_ms(), &keys::random()),
            key: SigningKey::generate(),
            sealing: DeviceSealingKeySecret::generate(),
            clock_offset_ms: 0,
            client: client.clone(),
            base: base.to_owned(),
        }
    }

    /// The same device, after the server moved.
    pub fn moved_to(self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self }
    }

    pub async fn register(&self) -> Answer<()> {
        let body = RegisterDevice {
            device_id: self.id,
            signing_key: self.key.public().to_base64url(),
            sealing_key: self.sealing.public().to_base64url(),
            language: "en".into(),
        };
        self.send(Method::POST, "/v1/devices", &body).await.map(drop)
    }

    pub async fn post<T: Serialize>(&self, path: &str, body: &T) -> Answer<StatusCode> {
        self.send(Method::POST, path, body).await.map(|response| response.status())
    }

    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Answer<T> {
        Ok(self.call(Method::GET, path, Vec::new()).await?.json().await.unwrap())
    }

    pub async fn send<T: Serialize>(&self, method: Method, path: &str, body: &T) -> Answer<reqwest::Response> {
        self.call(method, path, serde_json::to_vec(body).unwrap()).await
    }

    /// A signed call.
    pub async fn call(&self, method: Method, path: &str, body: Vec<u8>) -> Answer<reqwest::Response> {
        let time_ms = clock::signed_ms(clock::now_ms()) + self.clock_offset_ms;
        let signature = http_signature::sign_http(&self.key, method.as_str(), path, time_ms, &body);
        let call = self
            .client
            .request(method, format!("{}{path}", self.base))
            .header(HEADER_DEVICE, self.id.to_string())
            .header(HEADER_TIME, time_ms.to_string())
            .header(HEADER_SIGNATURE, signature)
            .body(body);
        crate::checked(crate::in_time(call.send()).await.unwrap()).await
    }

    /// A sealed attempt at an order.
    pub async fn seal(&self, order: &Order) -> SubmitAttempt {
        self.seal_with(order, |_| {}).await
    }

    /// A sealed attempt whose outer layer was changed before sealing.
    pub async fn seal_with(&self, order: &Order, change: impl FnOnce(&mut Routing)) -> SubmitAttempt {
        let attempt_id = AttemptId::from_parts(clock::now_ms(), &keys::random());
        let mut routing = Routing {
            request_id: *order.request_id.as_bytes(),
            attempt_id: *attempt_id.as_bytes(),
            order_number: order.order_number.clone(),
            merchant_id: order.merchant_id.to_string(),
            amount_minor: order.amount.minor().unsigned_abs(),
            currency: order.amount.currency().code().into(),
            wallet_nonce: keys::random(),
            route: Route::Card { issuer_iin: IIN.into() },
            inner: inner_capsule(),
        };
        change(&mut routing);
        let view: KeysetView =
            self.client.get(format!("{}/v1/keyset", self.base)).send().await.unwrap().json().await.unwrap();
        let payload = envelope::jws::peek_payload_unverified(&view.keyset).unwrap();
        let keyset: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        let server = keyset["keys"].as_array().unwrap().iter().find(|key| key["role"] == "payment_server").unwrap();
        let server = envelope::PaymentServerSealingKey::from_base64url(server["x"].as_str().unwrap()).unwrap();
        let capsule = outer::seal(&server, order.request_id.as_bytes(), attempt_id.as_bytes(), &routing).unwrap();
        self.submission(order, attempt_id, &capsule)
    }

    /// A capsule as a submission signed by this device.
    pub fn submission(&self, order: &Order, attempt_id: AttemptId, capsule: &Capsule) -> SubmitAttempt {
        let signature = DeviceSignature::sign(&self.key, order.request_id.as_bytes(), attempt_id.as_bytes(), capsule);
        SubmitAttempt { attempt_id, outer: text(capsule), device_signature: signature.to_base64url() }
    }

    pub async fn submit(&self, order: &Order, attempt: &SubmitAttempt) -> Answer<AttemptView> {
        let path = format!("/v1/requests/{}/attempts", order.request_id);
        Ok(self.send(Method::POST, &path, attempt).await?.json().await.unwrap())
    }

    pub async fn attempt(&self, order: &Order, attempt: &SubmitAttempt) -> Answer<AttemptView> {
        self.get(&format!("/v1/requests/{}/attempts/{}", order.request_id, attempt.attempt_id)).await
    }
}

/// Bytes that look sealed to a bank: the server must carry them and can do nothing else with them.
pub fn inner_capsule() -> Capsule {
    Capsule { kid: "bank-seal.test".into(), enc: keys::random(), ciphertext: keys::random::<1040>().to_vec() }
}

pub fn text(capsule: &Capsule) -> SealedText {
    serde_json::from_value(serde_json::to_value(capsule).unwrap()).unwrap()
}

pub fn capsule(text: &SealedText) -> Capsule {
    serde_json::from_value(serde_json::to_value(text).unwrap()).unwrap()
}

//! A person's devices: who sees which, what removing one ends, and how the removed one learns.

use futures::StreamExt;
use payment::DeviceId;
use protocol::merchant_api::PayerIdentifier;
use protocol::wallet_api::{ClaimsView, DescribeDevice, DevicesView, InboxEvent, OtherDevices, Platform, SendersView};
use reqwest::{Method, StatusCode};

use crate::delivery::stream;
use crate::deployment::Deployment;
use crate::payer::Payer;
use crate::payers::{claim, claimed};
use crate::{in_time, refused};

const ANN: &str = "ann@example.org";
const FAMILY: &str = "family@example.org";

async fn devices(payer: &Payer) -> Vec<DeviceId> {
    let view: DevicesView = payer.get("/v1/devices").await.unwrap();
    view.devices.iter().map(|device| device.device_id).collect()
}

async fn remove(payer: &Payer, device: DeviceId) {
    let answer = payer.call(Method::DELETE, &format!("/v1/devices/{device}"), Vec::new()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
}

async fn answers_for(payer: &Payer) -> Vec<PayerIdentifier> {
    payer.get::<ClaimsView>("/v1/claims").await.unwrap().identifiers
}

fn named(name: &str) -> DescribeDevice {
    DescribeDevice { name: Some(name.to_owned()), platform: None }
}

#[tokio::test]
async fn a_device_sees_and_names_its_siblings_and_nobody_else() {
    let deployment = Deployment::start().await;
    let (laptop, phone) = (claimed(&deployment, ANN).await, claimed(&deployment, ANN).await);
    let stranger = claimed(&deployment, "bob@example.org").await;
    let alone = deployment.payer().await;
    assert_eq!(devices(&alone).await, [alone.id], "who claimed nothing sees itself");
    assert_eq!(devices(&stranger).await, [stranger.id]);
    assert_eq!(devices(&laptop).await, [laptop.id, phone.id]);

    let path = |device: &Payer| format!("/v1/devices/{}", device.id);
    let own = DescribeDevice { name: None, platform: Some(Platform::Linux) };
    laptop.send(Method::PUT, &path(&laptop), &own).await.unwrap();
    phone.send(Method::PUT, &path(&laptop), &named("  Ann's laptop ")).await.unwrap();
    let view: DevicesView = phone.get("/v1/devices").await.unwrap();
    let seen = view.devices.iter().find(|device| device.device_id == laptop.id).unwrap();
    assert_eq!((seen.name.as_str(), seen.platform), ("Ann's laptop", Some(Platform::Linux)));
    assert!(seen.since_ms.is_some() && seen.identifiers == [PayerIdentifier::Email(ANN.into())]);

    // A device that is no sibling and one that does not exist are answered the same.
    let nobody = DeviceId::from_bytes([7; 16]);
    for other in [path(&laptop), format!("/v1/devices/{nobody}")] {
        assert_eq!(stranger.send(Method::PUT, &other, &named("x")).await.map(drop), refused(404, "not_found"));
        assert_eq!(stranger.call(Method::DELETE, &other, Vec::new()).await.unwrap().status(), StatusCode::NO_CONTENT);
    }
    assert_eq!(answers_for(&laptop).await.len(), 1, "a stranger ends nothing");
    let lie = phone.send(Method::PUT, &path(&laptop), &own).await.map(drop);
    assert_eq!(lie, refused(400, "invalid_input"), "only the device itself says what it runs on");
}

#[tokio::test]
async fn a_removed_device_loses_what_it_shares_and_learns_it() {
    let deployment = Deployment::start().await;
    let (laptop, lost) = (claimed(&deployment, ANN).await, claimed(&deployment, ANN).await);
    claim(&deployment, &lost, FAMILY, OtherDevices::Keep).await;
    lost.call(Method::PUT, "/v1/blocks/red-door", Vec::new()).await.unwrap();
    let mut events = stream(&lost, 0).await;

    remove(&laptop, lost.id).await;
    let (_, event) = in_time(events.next()).await.unwrap();
    assert_eq!(event, InboxEvent::Claims);
    assert_eq!(answers_for(&lost).await, [PayerIdentifier::Email(FAMILY.into())], "the other may be somebody else's");
    assert_eq!(devices(&laptop).await, [laptop.id]);
    let blocks: SendersView = laptop.get("/v1/blocks").await.unwrap();
    assert_eq!(blocks.merchants.len(), 1, "what was decided there stays decided");
    remove(&laptop, lost.id).await;
    assert_eq!(answers_for(&lost).await.len(), 1, "removing it again changes nothing");

    // A device that signs itself off answers for nothing more, and a transfer tells whom it released.
    remove(&lost, lost.id).await;
    assert_eq!(answers_for(&lost).await, []);
    let new = deployment.payer().await;
    let mut events = stream(&laptop, 0).await;
    claim(&deployment, &new, ANN, OtherDevices::Release).await;
    let released = in_time(
        events
            .by_ref()
            .map(|(_, event)| event)
            .skip_while(|event| {
                let is_other = *event != InboxEvent::Claims;
                async move { is_other }
            })
            .boxed()
            .next(),
    )
    .await;
    assert_eq!(released, Some(InboxEvent::Claims));
    assert_eq!(answers_for(&laptop).await, []);
}

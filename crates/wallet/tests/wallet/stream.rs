//! The app's background task: what happens on the inbox stream is shown without asking.

use envelope::{Merchant, SigningKey, jws};
use payment::RequestState;
use protocol::ipc::RequestPhase;
use protocol::wallet_api::{InboxEvent, RequestStatusView};
use wallet::{Upkeep, Wallet};

use crate::stage::{Stage, order, sealed_to};

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_on_the_stream_is_shown_and_what_does_not_verify_is_not() {
    let stage = Stage::open().await;
    let once = stage.wallet().await;
    once.sync().await.unwrap();
    once.close().await;
    let device = stage.script.lock().unwrap().device.clone().unwrap();
    let (good, forged, cancelled) = (order(|_| {}), order(|_| {}), order(|_| {}));
    let stranger = SigningKey::<Merchant>::generate();
    let forged_jws = jws::sign(&stranger, jws::TYP_ORDER, &forged.canonical());
    stage.script(|script| {
        let letter = |seq, order: &payment::Order, jws: &str| {
            InboxEvent::Request(sealed_to(&device, seq, order.request_id, jws))
        };
        script.stream = vec![
            letter(1, &forged, &forged_jws),
            letter(2, &cancelled, &stage.parties.sign_order(&cancelled)),
            InboxEvent::State(RequestStatusView {
                refunded_minor: 0,
                refunded_ms: None,
                request_id: cancelled.request_id,
                state: RequestState::Cancelled,
                server_time_ms: cancelled.created_ms,
            }),
            letter(3, &good, &stage.parties.sign_order(&good)),
        ];
    });
    let mut config = stage.config();
    config.upkeep = Upkeep::Continuous;
    let wallet = Wallet::open(config).await.unwrap();
    let mut seq = 0;
    let inbox = loop {
        seq = wallet.watch(seq).await.unwrap().seq;
        let inbox = wallet.inbox().await.unwrap();
        if inbox.iter().any(|view| view.request_id == good.request_id) {
            break inbox;
        }
    };
    let shown: Vec<_> = inbox.iter().map(|view| (view.request_id, view.phase)).collect();
    assert_eq!(shown, [(good.request_id, RequestPhase::Open), (cancelled.request_id, RequestPhase::Cancelled)]);
    assert!(wallet.watch(0).await.unwrap().online);
    wallet.close().await;
}

//! What a wallet keeps track of for its person: what is paid from elsewhere, what is in doubt, what comes back later, and
//! money that is given back.

use std::time::Duration;

use e2e::browser::Browser;
use e2e::card::Card;
use e2e::hand::{Till, now_ms};
use e2e::payer::PIN;
use e2e::remote::RemoteWallet;
use e2e::scene::Scene;
use e2e::system::{Ask, MERCHANT, System, Wishes, free_port, texts};
use payment::RequestId;
use protocol::ErrorCode;
use protocol::ipc::pay::{ChooseMethod, Doubt, Method, PaymentMethods, PostponeUntil};
use protocol::ipc::{CheckoutDone, CheckoutStage, CheckoutStart, OpenLink, RequestPhase, RequestView, Show, Watch};

/// Waits until a wallet shows a request as `wanted`, for as long as a person would.
async fn until(wallet: &RemoteWallet, request_id: RequestId, wanted: impl Fn(&RequestView) -> bool) -> RequestView {
    let started = std::time::Instant::now();
    let mut after = 0;
    loop {
        let view = wallet.call(&Show { request_id }).await.expect("the request is kept");
        if wanted(&view) {
            return view;
        }
        assert!(started.elapsed() < Duration::from_mins(1), "the request stands at {view:?}");
        after = wallet.call(&Watch { after }).await.expect("watching does not fail").seq;
    }
}

async fn opened(wallet: &RemoteWallet, link: &str) -> RequestId {
    wallet.call(&OpenLink { link: link.to_owned() }).await.expect("the link opens").request_id
}

#[tokio::test]
async fn a_payment_in_doubt_is_not_made_again_here_or_on_another_device() {
    let wishes = Wishes {
        bank: texts(&["--scenario", "silent"]),
        server: texts(&["--answer-timeout-ms", "700"]),
        ..Wishes::default()
    };
    let system = System::start(wishes).await;
    let card = Card::present(&system, "visa");
    let phone = RemoteWallet::start(&system, "phone", &card.reader).await;
    let reader = format!("127.0.0.1:{}", free_port());
    let laptop = RemoteWallet::start(&system, "laptop", &format!("simulated:{reader}")).await;
    let created = system.ask(&Ask::default()).await;
    let link = created["link"].as_str().expect("a link");
    let request_id = opened(&laptop, link).await;
    let doubtful = phone.pay(link, PIN).await;
    assert!(matches!(doubtful.progress, CheckoutStage::Unknown { .. }), "{doubtful:?}");

    let here = until(&phone, request_id, |view| view.phase == RequestPhase::Unknown && view.doubt.is_some()).await;
    assert!(!here.elsewhere && here.deadline_ms.is_some(), "{here:?}");
    assert!(matches!(here.doubt, Some(Doubt::Asking | Doubt::Undoing)), "{here:?}");
    phone.call(&CheckoutDone {}).await.expect("the screen can be left");
    let there = until(&laptop, request_id, |view| view.phase == RequestPhase::Unknown).await;
    assert!(there.elsewhere, "{there:?}");
    for device in [&phone, &laptop] {
        let again =
            device.call(&CheckoutStart { request_id, reader: None }).await.expect_err("not while it is in doubt");
        assert_eq!(again.code, ErrorCode::RequestInFlight);
    }

    system.scenario("none").await;
    // The bank never saw it: it is undone, and can be paid once, from either device.
    until(&phone, request_id, |view| view.phase == RequestPhase::Open).await;
    until(&laptop, request_id, |view| view.phase == RequestPhase::Open).await;
    card.remove().await;
    let _card = Card::present_at(&system, "visa", &reader, &[]);
    let paid = laptop.pay(link, PIN).await;
    assert!(matches!(paid.progress, CheckoutStage::Paid { .. }), "{paid:?}");
    let told = until(&phone, request_id, |view| view.phase == RequestPhase::Paid).await;
    assert!(told.elsewhere && told.receipt.is_none(), "{told:?}");
    let again = phone.call(&CheckoutStart { request_id, reader: None }).await.expect_err("it is paid");
    assert_eq!(again.code, ErrorCode::RequestAlreadyPaid);
    system.assert_merchant_received(1280).await;
}

#[tokio::test]
async fn a_request_that_was_put_off_comes_back_and_later_expires_by_itself() {
    let system = System::start(Wishes::default()).await;
    let wallet = RemoteWallet::start(&system, "wallet", &format!("simulated:127.0.0.1:{}", free_port())).await;
    let created = system.ask(&Ask { expires_s: 15, ..Ask::default() }).await;
    let request_id = opened(&wallet, created["link"].as_str().expect("a link")).await;
    let late = wallet.call(&PostponeUntil { request_id, until_ms: now_ms() + 60_000 }).await;
    assert_eq!(late.expect_err("that is after its end").code, ErrorCode::InvalidInput);
    let put_off = wallet.call(&PostponeUntil { request_id, until_ms: now_ms() + 2_000 }).await.expect("it can wait");
    assert_eq!(put_off.phase, RequestPhase::Postponed);
    // Nothing but the clock brings the news.
    until(&wallet, request_id, |view| view.phase == RequestPhase::Open).await;
    until(&wallet, request_id, |view| view.phase == RequestPhase::Expired).await;
}

#[tokio::test]
async fn a_wallet_that_only_looks_in_now_and_then_learns_what_came_back() {
    let scene = Scene::playing("none").await;
    let (request, _) = scene.paid().await;
    scene.ends(&request, "paid", "paid", 1).await;
    let till = Till::open(&scene.system, MERCHANT);
    let given = now_ms();
    for (minor, back) in [(300, 300), (980, 1_280)] {
        let answer = till.refund(&till.sign_refund(&request, minor)).await.expect("an answer");
        assert_eq!(answer.status, 201, "{answer:?}");
        let shows = async || scene.payer.show(&request).await["refunded_minor"] == back;
        scene.system.wait_until("the wallet shows what came back", shows).await;
    }
    let view = scene.payer.show(&request).await;
    assert_eq!(view["phase"], "paid", "{view}");
    let when = view["refunded_ms"].as_u64().expect("it says when");
    assert!((given..=now_ms()).contains(&when), "{view}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_what_came_back_when_and_what_is_left() {
    let system = System::start(Wishes::default()).await;
    let card = Card::present(&system, "visa");
    let wallet = RemoteWallet::start(&system, "wallet", &card.reader).await;
    let created = system.ask(&Ask::default()).await;
    let paid = wallet.pay(created["link"].as_str().expect("a link"), PIN).await;
    let id = paid.request_id.to_string();
    wallet.call(&CheckoutDone {}).await.expect("the payment is over");
    let browser = Browser::chromium(390, 844, &system.log("chromium")).await;
    browser.open(&wallet.url()).await;
    browser.wait_for_screen("inbox").await;
    browser.wait_for(&format!("[data-request=\"{id}\"]")).await.click().await.expect("a paid request opens");
    browser.wait_for_screen("request").await;
    let till = Till::open(&system, MERCHANT);
    let answer = till.refund(&till.sign_refund(&id, 300)).await.expect("an answer");
    assert_eq!(answer.status, 201, "{answer:?}");
    // It appears while the person looks at the request, and stands on the receipt too.
    browser.wait_for("[data-part=\"refunded\"][data-amount=\"3.00\"][data-whole=\"false\"]").await;
    browser.wait_for_words(&["3.00", "9.80"]).await;
    browser.act("receipt").await;
    browser.wait_for_screen("receipt").await;
    browser.wait_for("[data-screen=\"receipt\"] [data-part=\"refunded\"][data-amount=\"3.00\"]").await;
    browser.close().await;
}

#[tokio::test]
async fn the_way_to_pay_is_remembered() {
    let system = System::start(Wishes::default()).await;
    let reader = format!("simulated:127.0.0.1:{}", free_port());
    let mut wallet = RemoteWallet::start(&system, "wallet", &reader).await;
    let first = wallet.call(&PaymentMethods {}).await.expect("there is a way");
    assert_eq!(first.len(), 3, "card, code and voucher: {first:?}");
    assert!(first[0].chosen && first[0].method == Method::Card { reader: None }, "{first:?}");
    let method = Method::Card { reader: Some(reader.clone()) };
    wallet.call(&ChooseMethod { method: method.clone() }).await.expect("it can be chosen");
    wallet.process.kill().await;
    wallet = RemoteWallet::start(&system, "wallet", &reader).await;
    let again = wallet.call(&PaymentMethods {}).await.expect("there is a way");
    assert!(again[0].chosen && again[0].method == method, "{again:?}");
}

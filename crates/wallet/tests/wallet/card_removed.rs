//! Cards that are torn out of a simulated reader at every exchange, and one that is read to the end.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use protocol::ErrorCode;
use protocol::ipc::{CheckoutStage, CheckoutView, PinLayout};
use virtual_card::{Misbehaviour, PresentedCard, Profile, VirtualCard, vpcd};
use wallet::Wallet;

use crate::stage::{Stage, order};

/// More exchanges than any of the cards here needs.
const EXCHANGES_MAX: u32 = 40;

/// A card in the reader at this address, on a thread of its own.
pub struct Card {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Card {
    pub fn insert(address: String, profile: &str, interface: emv::Interface, remove_after: Option<u32>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let card = VirtualCard::new(Profile::built_in(profile).unwrap()).over(interface);
        let mut card = PresentedCard::new(card, Misbehaviour { remove_after, ..Misbehaviour::default() });
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            vpcd::serve(&address, Duration::from_secs(20), &mut card, &told, |_| {}).unwrap();
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// An address nobody listens at just now.
pub fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

async fn until(wallet: &Wallet, wanted: impl Fn(&CheckoutView) -> bool) -> CheckoutView {
    let mut seq = 0;
    loop {
        let watched = wallet.watch(seq).await.unwrap();
        seq = watched.seq;
        if let Some(view) = watched.checkout.filter(&wanted) {
            return view;
        }
    }
}

/// Whether the card was taken away too early, or the PIN is asked for.
fn has_settled(view: &CheckoutView) -> bool {
    view.notice == Some(ErrorCode::CardRemoved) || matches!(view.progress, CheckoutStage::Pin { .. })
}

async fn tear_out_everywhere(profile: &str, interface: emv::Interface) {
    let stage = Stage::open().await;
    let order = order(|_| {});
    let link = stage.deliver(order.request_id, &stage.parties.sign_order(&order));
    let address = free_address();
    let mut config = stage.config();
    let reader = format!("simulated:{address}");
    config.readers.push(reader.clone());
    let wallet = Wallet::open(config).await.unwrap();
    wallet.open_link(link).await.unwrap();
    let mut torn_out = 0;
    for remove_after in 1..EXCHANGES_MAX {
        wallet.checkout_start(order.request_id, Some(reader.clone())).await.unwrap();
        let card = Card::insert(address.clone(), profile, interface, Some(remove_after));
        let view = until(&wallet, has_settled).await;
        let stopped = wallet.checkout_stop().await.unwrap();
        assert!(matches!(stopped.progress, CheckoutStage::Refused { code: ErrorCode::Stopped, .. }), "{stopped:?}");
        wallet.checkout_done().await.unwrap();
        drop(card);
        if matches!(view.progress, CheckoutStage::Pin { .. }) {
            break;
        }
        torn_out += 1;
    }
    assert!((1..EXCHANGES_MAX - 1).contains(&torn_out), "torn out {torn_out} times before it could be read");
    assert_eq!(stage.script.lock().unwrap().submissions, 0, "nothing was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tapped_visa_torn_out_at_every_exchange() {
    tear_out_everywhere("visa", emv::Interface::Contactless).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inserted_mastercard_torn_out_at_every_exchange() {
    tear_out_everywhere("mastercard", emv::Interface::Contact).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_stays_away_ends_as_removed() {
    let stage = Stage::open().await;
    let order = order(|_| {});
    let link = stage.deliver(order.request_id, &stage.parties.sign_order(&order));
    let address = free_address();
    let mut config = stage.config();
    config.readers.push(format!("simulated:{address}"));
    config.card_wait = Duration::from_secs(5);
    let wallet = Wallet::open(config).await.unwrap();
    wallet.open_link(link).await.unwrap();
    let card = Card::insert(address.clone(), "visa", emv::Interface::Contactless, Some(2));
    wallet.checkout_start(order.request_id, Some(format!("simulated:{address}"))).await.unwrap();
    let view = until(&wallet, |view| matches!(view.progress, CheckoutStage::Refused { .. })).await;
    assert!(
        matches!(view.progress, CheckoutStage::Refused { code: ErrorCode::CardRemoved, may_retry: true, .. }),
        "{view:?}"
    );
    drop(card);
    assert_eq!(stage.script.lock().unwrap().submissions, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_submission_moves_no_money_and_may_be_tried_again() {
    let stage = Stage::open().await;
    let order = order(|_| {});
    let link = stage.deliver(order.request_id, &stage.parties.sign_order(&order));
    let address = free_address();
    let mut config = stage.config();
    config.readers.push(format!("simulated:{address}"));
    let wallet = Wallet::open(config).await.unwrap();
    wallet.open_link(link).await.unwrap();
    wallet.checkout_start(order.request_id, None).await.unwrap();
    let busy = wallet.checkout_start(order.request_id, None).await.unwrap_err();
    assert_eq!(busy.code, ErrorCode::CheckoutBusy);
    assert_eq!(wallet.pin_press(0).await.unwrap_err().code, ErrorCode::CheckoutNotReady);
    let card = Card::insert(address, "visa", emv::Interface::Contactless, None);
    until(&wallet, |view| matches!(view.progress, CheckoutStage::Pin { .. })).await;
    wallet.pin_pad(PinLayout::Standard).await.unwrap();
    assert_eq!(wallet.pin_submit().await.unwrap_err().code, ErrorCode::PinLength);
    for position in 0..4 {
        wallet.pin_press(position).await.unwrap();
    }
    wallet.pin_submit().await.unwrap();
    let view = until(&wallet, |view| matches!(view.progress, CheckoutStage::Refused { .. })).await;
    let refused =
        matches!(view.progress, CheckoutStage::Refused { code: ErrorCode::BankUnreachable, may_retry: true, .. });
    assert!(refused, "{view:?}");
    assert_eq!(stage.script.lock().unwrap().submissions, 1);
    drop(card);
}

//! Every built-in card, over every interface it has: torn out at every exchange, and wrong in every way at every
//! exchange. It must end in words, at once, and with nothing sent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::ErrorCode;
use protocol::ipc::{CheckoutStage, CheckoutView};
use virtual_card::{Fault, FaultKind, Misbehaviour};
use wallet::Wallet;
use wallet::readers::Interface;

use crate::hand::{self, Hand};
use crate::stage::{Stage, order};

/// More exchanges than any of the cards needs.
const EXCHANGES_MAX: u32 = 60;
/// The longest a reading may take that is not silent: nothing here waits for anything.
const READING_MAX: Duration = Duration::from_secs(10);

/// A wallet with a request to pay and a hand full of cards.
struct Counter {
    stage: Stage,
    hand: Hand,
    wallet: Wallet,
    request_id: payment::RequestId,
}

impl Counter {
    async fn open() -> Self {
        let stage = Stage::open().await;
        let order = order(|_| {});
        let link = stage.deliver(order.request_id, &stage.parties.sign_order(&order));
        let hand = Hand::default();
        let mut config = stage.config();
        config.own_readers.push(Arc::new(hand.clone()));
        let wallet = Wallet::open(config).await.unwrap();
        wallet.open_link(link).await.unwrap();
        Self { stage, hand, wallet, request_id: order.request_id }
    }

    async fn until(&self, wanted: impl Fn(&CheckoutView) -> bool) -> CheckoutView {
        let mut seq = 0;
        loop {
            let watched = self.wallet.watch(seq).await.unwrap();
            seq = watched.seq;
            if let Some(view) = watched.checkout.filter(&wanted) {
                return view;
            }
        }
    }

    /// Starts paying with a card, waits until something came of it, and stops.
    async fn try_to_pay(&self, profile: &str, interface: Interface, misbehaviour: Misbehaviour) -> CheckoutView {
        self.hand.present(profile, interface, misbehaviour);
        self.wallet.checkout_start(self.request_id, Some(hand::ID.to_owned())).await.unwrap();
        let about = || format!("{profile} over {interface:?} with {misbehaviour:?}");
        let settled = tokio::time::timeout(READING_MAX, self.settle());
        let view = settled.await.unwrap_or_else(|_| panic!("{} hangs", about()));
        self.hand.take_away();
        if !matches!(view.progress, CheckoutStage::Refused { .. }) {
            let stopped = self.wallet.checkout_stop().await.unwrap();
            assert!(matches!(stopped.progress, CheckoutStage::Refused { .. }), "{}: {stopped:?}", about());
        }
        self.wallet.checkout_done().await.unwrap();
        view
    }

    /// Until something came of it; of several applications the first is taken.
    async fn settle(&self) -> CheckoutView {
        let is_choice = |view: &CheckoutView| matches!(view.progress, CheckoutStage::Choose { .. });
        let view = self.until(|view| has_settled(view) || is_choice(view)).await;
        if !is_choice(&view) {
            return view;
        }
        // The card may have left meanwhile; that is told next.
        let _ = self.wallet.checkout_choose(0).await;
        self.until(|view| has_settled(view) && !is_choice(view)).await
    }

    fn submissions(&self) -> u32 {
        self.stage.script.lock().unwrap().submissions
    }
}

/// Whether the person is told something about the card, or asked to go on.
fn has_settled(view: &CheckoutView) -> bool {
    let told_to_try_again = view.progress == CheckoutStage::WaitingForCard && view.notice.is_some();
    told_to_try_again || matches!(view.progress, CheckoutStage::Pin { .. } | CheckoutStage::Refused { .. })
}

fn profiles_and_interfaces() -> Vec<(&'static str, Interface)> {
    let both = [Interface::Contactless, Interface::Contact];
    let of = |name: &'static str| both.into_iter().map(move |interface| (name, interface));
    // Phones pay as soon as they are read; they have a test of their own.
    let names = virtual_card::BUILT_IN.iter().map(|(name, _)| *name);
    names.filter(|name| !name.starts_with("phone-")).flat_map(of).collect()
}

/// Splits the cards over as many counters as there are processors to serve them.
async fn at_counters<F>(of_card: impl Fn(Arc<Counter>, &'static str, Interface) -> F + Copy + Send + 'static)
where
    F: Future<Output = ()> + Send,
{
    const COUNTERS: usize = 2;
    let mut counters = Vec::new();
    for first in 0..COUNTERS {
        let cards: Vec<_> = profiles_and_interfaces().into_iter().skip(first).step_by(COUNTERS).collect();
        counters.push(tokio::spawn(async move {
            let counter = Arc::new(Counter::open().await);
            for (profile, interface) in cards {
                of_card(Arc::clone(&counter), profile, interface).await;
            }
            assert_eq!(counter.submissions(), 0, "nothing was sent");
        }));
    }
    for counter in counters {
        counter.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_card_torn_out_at_every_exchange() {
    at_counters(|counter, profile, interface| async move {
        let untouched = counter.try_to_pay(profile, interface, Misbehaviour::default()).await;
        for remove_after in 0..EXCHANGES_MAX {
            let misbehaviour = Misbehaviour { remove_after: Some(remove_after), ..Misbehaviour::default() };
            let view = counter.try_to_pay(profile, interface, misbehaviour).await;
            let removed = view.notice == Some(ErrorCode::CardRemoved);
            assert!(removed || view.progress_kind() == untouched.progress_kind(), "{profile}: {view:?}");
            if !removed {
                // All that it needs was read before it left.
                assert!(remove_after > 0, "{profile} needs no exchange");
                return;
            }
        }
        panic!("{profile} over {interface:?} needs more than {EXCHANGES_MAX} exchanges");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_card_wrong_in_every_way() {
    at_counters(|counter, profile, interface| async move {
        for kind in FaultKind::ALL.into_iter().filter(|kind| *kind != FaultKind::Silence) {
            for after in [0, 1, 2, 3, 5, 8] {
                let fault = Some(Fault { after, kind, status: 0x6F00 });
                let view =
                    counter.try_to_pay(profile, interface, Misbehaviour { fault, ..Misbehaviour::default() }).await;
                assert!(has_settled(&view), "{profile} over {interface:?}: {kind:?} after {after}: {view:?}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_torn_out_at_every_exchange_sends_nothing_until_it_was_read() {
    for profile in ["phone-visa", "phone-mastercard"] {
        let counter = Counter::open().await;
        let mut torn_out = 0;
        for remove_after in 0..EXCHANGES_MAX {
            let misbehaviour = Misbehaviour { remove_after: Some(remove_after), ..Misbehaviour::default() };
            let view = counter.try_to_pay(profile, Interface::Contactless, misbehaviour).await;
            if view.notice == Some(ErrorCode::CardRemoved) {
                assert_eq!(counter.submissions(), 0, "{profile} after {remove_after}");
                torn_out += 1;
                continue;
            }
            // Read to the end, it is sent without a PIN; this server has no bank.
            let refused = matches!(view.progress, CheckoutStage::Refused { code: ErrorCode::BankUnreachable, .. });
            assert!(refused, "{profile}: {view:?}");
            break;
        }
        assert!(torn_out > 1, "{profile}");
        assert_eq!(counter.submissions(), 1, "{profile}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_makes_no_sense_is_given_up_and_a_better_one_is_read() {
    let counter = Counter::open().await;
    let fault = Some(Fault { after: 1, kind: FaultKind::Garbage, status: 0 });
    counter.hand.present("visa", Interface::Contactless, Misbehaviour { fault, ..Misbehaviour::default() });
    counter.wallet.checkout_start(counter.request_id, Some(hand::ID.to_owned())).await.unwrap();
    let view = counter.until(has_settled).await;
    assert_eq!((&view.progress, view.notice), (&CheckoutStage::WaitingForCard, Some(ErrorCode::CardUnreadable)));
    // The fault was in one answer only: the same card, read again, is understood.
    let view = counter.until(|view| matches!(view.progress, CheckoutStage::Pin { .. })).await;
    assert_eq!(view.notice, None);
    counter.wallet.checkout_stop().await.unwrap();
    counter.hand.take_away();
    assert_eq!(counter.submissions(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_stops_answering_ends_at_a_deadline() {
    let counter = Counter::open().await;
    let fault = Some(Fault { after: 2, kind: FaultKind::Silence, status: 0 });
    let misbehaviour = Misbehaviour { fault, ..Misbehaviour::default() };
    let began = Instant::now();
    let view = counter.try_to_pay("visa", Interface::Contactless, misbehaviour).await;
    assert_eq!((&view.progress, view.notice), (&CheckoutStage::WaitingForCard, Some(ErrorCode::CardTimeout)));
    assert!(began.elapsed() > Duration::from_secs(5), "a slow card must not be taken for a silent one");
    // The reader is free again: the next card is read.
    let view = counter.try_to_pay("visa", Interface::Contactless, Misbehaviour::default()).await;
    assert!(matches!(view.progress, CheckoutStage::Pin { .. }), "{view:?}");
    assert_eq!(counter.submissions(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_can_stop_while_the_reader_does_not_return() {
    let counter = Counter::open().await;
    let fault = Some(Fault { after: 1, kind: FaultKind::Silence, status: 0 });
    counter.hand.present("visa", Interface::Contactless, Misbehaviour { fault, ..Misbehaviour::default() });
    counter.wallet.checkout_start(counter.request_id, Some(hand::ID.to_owned())).await.unwrap();
    counter.until(|view| matches!(view.progress, CheckoutStage::Reading { step: 2.., .. })).await;
    let began = Instant::now();
    let stopped = counter.wallet.checkout_stop().await.unwrap();
    assert!(matches!(stopped.progress, CheckoutStage::Refused { code: ErrorCode::Stopped, .. }), "{stopped:?}");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    counter.hand.take_away();
}

/// The kind of a stage, without what is in it.
trait ProgressKind {
    fn progress_kind(&self) -> std::mem::Discriminant<CheckoutStage>;
}

impl ProgressKind for CheckoutView {
    fn progress_kind(&self) -> std::mem::Discriminant<CheckoutStage> {
        std::mem::discriminant(&self.progress)
    }
}

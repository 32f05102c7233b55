//! A card looked at without a payment: a test of a reader, so that a person sees what works and what does not, or a card
//! that a vault shall keep.
//!
//! **Invariants:** nothing is paid or sent, and a test keeps nothing; what is shown of the card is its scheme, its label and
//! its last four digits; a look and a payment never hold a reader at the same time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use emv::{Inspection, Outcome};
use protocol::ErrorCode;
use protocol::ipc::{LookFor, ReaderTestStage, ReaderTestView, TestedCardView};
use tokio_util::sync::CancellationToken;

use crate::card::{self, CardEvent, Looked, STEPS, Terminal, Watcher};
use crate::changes::Changes;
use crate::error::{Result, WalletError};
use crate::readers::{Place, ReaderError};
use crate::wallet::Wallet;

/// How long stopping waits for the reader to be let go.
const STOP_WAIT: Duration = Duration::from_secs(3);

/// Waits for a card and reads it; blocks.
pub(crate) type Look = Box<dyn FnOnce(&[Place], Instant, &Watcher) -> Result<Seen> + Send>;

/// What a look saw.
pub(crate) struct Seen {
    /// The reader's id.
    pub(crate) reader: String,
    /// How long the card had to be held.
    pub(crate) took: Duration,
    /// Commands sent to the card; none to a stripe.
    pub(crate) exchanges: u32,
    /// Why the card could not pay all the same.
    pub(crate) trouble: Option<ErrorCode>,
    /// What may be shown of it.
    pub(crate) card: TestedCardView,
}

/// The one look of a wallet.
pub(crate) struct ReaderTest {
    current: Mutex<Current>,
    changes: Arc<Changes>,
}

#[derive(Default)]
struct Current {
    /// Counts tests, so that one that was ended cannot write into the next.
    number: u64,
    running: Option<Running>,
}

/// A test that was started and not ended by the person.
struct Running {
    view: ReaderTestView,
    stop: Arc<AtomicBool>,
    /// Cancelled once the reader is let go.
    is_free: CancellationToken,
}

impl ReaderTest {
    /// Nothing is tested.
    pub(crate) fn new(changes: Arc<Changes>) -> Self {
        Self { current: Mutex::default(), changes }
    }

    /// The running or finished test.
    pub(crate) fn view(&self) -> Option<ReaderTestView> {
        self.lock().running.as_ref().map(|running| running.view.clone())
    }

    /// What the running or finished look is for.
    pub(crate) fn purpose(&self) -> Option<LookFor> {
        self.lock().running.as_ref().map(|running| running.view.purpose)
    }

    /// Starts a test in the place of a look before it, unless a payment is under way.
    pub(crate) async fn start(&self, wallet: &Wallet, reader: Option<String>) -> Result<ReaderTestView> {
        let terminal = Terminal::to_look(wallet.core.config.terminal_country, wallet.core.ca_keys.clone())?;
        self.look(
            wallet,
            reader,
            LookFor::Test,
            Box::new(move |places, deadline, watcher| {
                let reading = card::inspect(places, &terminal, deadline, watcher)?;
                let (exchanges, trouble) = match &reading.read {
                    Looked::Chip(card) => (card.exchanges, trouble(card)),
                    Looked::Stripe(_) => (0, None),
                };
                let card = card_view(&reading.read);
                Ok(Seen { reader: reading.reader, took: reading.took, exchanges, trouble, card })
            }),
        )
        .await
    }

    /// Starts a look in the place of one before it, unless a payment is under way.
    pub(crate) async fn look(
        &self,
        wallet: &Wallet,
        reader: Option<String>,
        purpose: LookFor,
        look: Look,
    ) -> Result<ReaderTestView> {
        if wallet.core.checkout.is_busy() {
            return Err(WalletError::Code(ErrorCode::CheckoutBusy));
        }
        let places = wallet.core.readers.places(reader.as_deref())?;
        self.stop().await;
        let progress = ReaderTestStage::WaitingForCard { notice: None };
        let view = ReaderTestView { purpose, reader, gesture: None, progress, card: None };
        let (stop, is_free) = (Arc::new(AtomicBool::new(false)), CancellationToken::new());
        let number = {
            let mut current = self.lock();
            current.number += 1;
            let running = Running { view: view.clone(), stop: Arc::clone(&stop), is_free: is_free.clone() };
            current.running = Some(running);
            current.number
        };
        self.changes.checkout_moved();
        let deadline = Instant::now() + wallet.core.config.card_wait;
        let (events, told) = tokio::sync::mpsc::unbounded_channel();
        let watcher = Watcher { events, stop };
        let reading = tokio::task::spawn_blocking(move || look(&places, deadline, &watcher));
        tokio::spawn(follow(wallet.clone(), number, told, reading, is_free));
        Ok(view)
    }

    /// Ends the test, waits until the reader is let go, and forgets what was seen.
    pub(crate) async fn stop(&self) {
        let Some(running) = self.take() else { return };
        running.stop.store(true, Ordering::Relaxed);
        self.changes.checkout_moved();
        // A reader that does not let go in time is found busy by whoever wants it next, and told as that.
        let _ = tokio::time::timeout(STOP_WAIT, running.is_free.cancelled()).await;
    }

    fn take(&self) -> Option<Running> {
        let mut current = self.lock();
        current.number += 1;
        current.running.take()
    }

    /// Moves test `number` on; one that was ended no longer shows anything.
    fn update(&self, number: u64, change: impl FnOnce(&mut ReaderTestView)) {
        {
            let mut current = self.lock();
            if current.number != number {
                return;
            }
            let Some(running) = current.running.as_mut() else { return };
            change(&mut running.view);
        }
        self.changes.checkout_moved();
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().expect("no panic while it is held")
    }
}

/// Shows how far the reading is, and how it ended.
async fn follow(
    wallet: Wallet,
    number: u64,
    mut told: tokio::sync::mpsc::UnboundedReceiver<CardEvent>,
    reading: tokio::task::JoinHandle<Result<Seen>>,
    is_free: CancellationToken,
) {
    let test = &wallet.core.reader_test;
    // The channel closes when the reading ends.
    while let Some(event) = told.recv().await {
        test.update(number, |view| show(view, event));
    }
    let read = reading.await.unwrap_or_else(|_| Err(ReaderError::Failed("the reading stopped".to_owned()).into()));
    test.update(number, |view| match read {
        Ok(Seen { reader, took, exchanges, trouble, card }) => {
            view.reader = Some(reader);
            view.card = Some(card);
            let read_ms = u32::try_from(took.as_millis()).unwrap_or(u32::MAX);
            view.progress = ReaderTestStage::Read { read_ms, exchanges, trouble };
        }
        Err(error) => view.progress = ReaderTestStage::Failed { code: error.code() },
    });
    is_free.cancel();
}

fn show(view: &mut ReaderTestView, event: CardEvent) {
    match event {
        CardEvent::Waiting(notice) => view.progress = ReaderTestStage::WaitingForCard { notice },
        CardEvent::Connected { reader, gesture } => {
            view.reader = Some(reader);
            view.gesture = Some(gesture);
        }
        CardEvent::Reading { step, phase } => {
            view.progress = ReaderTestStage::Reading { step, steps: STEPS, phase };
        }
        // Whoever only looks takes the card's own first choice. A reading that ended meanwhile needs none.
        CardEvent::Choose { answer, .. } => drop(answer.send(0)),
        // The reading's own end says it all.
        CardEvent::Failed { .. } => {}
    }
}

fn card_view(card: &Looked) -> TestedCardView {
    let last_four = |digits: &str| digits.get(digits.len().saturating_sub(4)..).unwrap_or_default().to_owned();
    match card {
        Looked::Chip(card) => TestedCardView {
            scheme: Some(card.application.scheme.code().to_owned()),
            label: card.application.label.clone(),
            last_four: card.pan.as_ref().map(|pan| last_four(pan.expose_digits())),
        },
        // A stripe has no application to name its scheme.
        Looked::Stripe(swipe) => TestedCardView {
            scheme: None,
            label: String::new(),
            last_four: Some(last_four(swipe.card_number().expose_digits())),
        },
    }
}

/// Why a card that was read could not pay.
fn trouble(card: &Inspection) -> Option<ErrorCode> {
    match card.outcome {
        Outcome::Arqc | Outcome::ApprovedOffline => None,
        Outcome::DeclinedOffline => Some(ErrorCode::CardDeclinedOffline),
        Outcome::MagStripeOnly => Some(ErrorCode::CardStripeOverAir),
        Outcome::NoCryptogram => Some(ErrorCode::CardUnreadable),
        Outcome::Refused => Some(ErrorCode::CardRefused),
        Outcome::Interrupted => Some(ErrorCode::CardRemoved),
    }
}

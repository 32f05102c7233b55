//! The checkout machine: one payment at a time, from the tap to the receipt.
//!
//! ```text
//! WaitingForCard ─► Reading ─► (Choose ─►) (Pin ─►) Sealing ─► Sending ─► AskingBank ─► Paid
//!       ▲               │                                           │          ├─► Refused
//!       ├─ card to come ┘                                           └──────────┴─► Unknown ─► Paid | Refused
//!       │  again: removed, silent, unreadable, locked phone, …                   │
//!       └── read again, once each: the bank's key was retired, or it wants a PIN ┘
//! ```
//!
//! | when the wallet dies | at the next start |
//! |---|---|
//! | before Sealing ends | nothing was written, nothing sent |
//! | after the row, before the server has it | the server says it never had it: not sent |
//! | while the server or bank works | asked by attempt id, shown as it stands; never sent again |
//! | after the approval, before the receipt | the outcome is fetched and the receipt made |
//!
//! Attempt id and nonce are drawn before the card is read, since the card's cryptogram is tied to them: every reading
//! has its own. The PIN and the card are wiped as soon as they are sealed. From Sealing on nothing can be stopped.
//!
//! A voucher begins at Sealing. Where its bank wants a card beside it, its checkout waits for one after that, and
//! what was typed waits in the paying task: see `voucher`.
//!
//! A phone that has verified its owner skips Pin; a stripe never does. A card in a slot is held until the bank has
//! answered and is told the answer before the result is shown (`docs/adr/0014-last-word-to-the-card.md`).

mod alias;
mod bill;
mod code;
pub(crate) mod entry;
mod last_word;
mod means;
mod run;
pub(crate) mod settle;
mod submit;
mod trace;
mod voucher;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::time::Duration;

use envelope::Pin;
use payment::{AttemptId, Method};
use protocol::ErrorCode;
use protocol::ipc::{CardStay, CheckoutStage, CheckoutView, PinEntryView, PinLayout, PinPadView};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::changes::Changes;
use crate::error::{Result, WalletError};
use crate::inbox::VerifiedOrder;
use crate::pin_pad::PinPad;
use crate::readers::Place;
use crate::wallet::Wallet;

pub use alias::AliasWish;
pub(crate) use bill::BillWish;
pub use code::CodeWish;
pub use means::Payable;
pub(crate) use run::sealing_key;
pub use trace::Trace;
pub use voucher::{CardTime, VoucherWish};

/// How long stopping waits for the reader to be let go.
const STOP_WAIT: Duration = Duration::from_secs(3);

/// What a checkout pays with.
pub(crate) enum How {
    /// A card, which is waited for at these readers.
    Card(Arc<Vec<Place>>),
    /// Something in its place.
    Means(Payable),
    /// A voucher, and the readers where its card is waited for when one is needed.
    Voucher(VoucherWish, Arc<Vec<Place>>),
    /// A card that a vault keeps.
    Alias(AliasWish),
    /// A phone bill, whose PIN is typed on the pad.
    Bill(BillWish),
}

impl How {
    /// A card at one reader, or at whichever shows one.
    pub(crate) fn card(wallet: &Wallet, reader: Option<&str>) -> Result<Self> {
        Ok(Self::Card(Arc::new(wallet.core.readers.places(reader)?)))
    }

    /// A voucher, whose card is waited for at one reader, or at whichever shows one.
    pub(crate) fn voucher(wallet: &Wallet, wish: VoucherWish, reader: Option<&str>) -> Result<Self> {
        Ok(Self::Voucher(wish, Arc::new(wallet.core.readers.places(reader)?)))
    }

    fn method(&self) -> Method {
        match self {
            Self::Card(_) => Method::Card,
            Self::Means(payable) => payable.method(),
            Self::Voucher(..) => Method::Voucher,
            Self::Alias(_) => Method::Alias,
            Self::Bill(_) => Method::Carrier,
        }
    }

    fn first_stage(&self) -> CheckoutStage {
        match self {
            Self::Card(_) => CheckoutStage::WaitingForCard,
            Self::Means(_) | Self::Alias(_) => CheckoutStage::Sealing,
            Self::Voucher(wish, _) => wish.first_stage(),
            Self::Bill(wish) => wish.first_stage(),
        }
    }
}

/// The one checkout of a wallet.
pub(crate) struct Checkout {
    current: Mutex<Current>,
    changes: Arc<Changes>,
}

#[derive(Default)]
struct Current {
    /// Counts checkouts, so that one that was forgotten cannot write into the next.
    number: u64,
    running: Option<Running>,
}

/// A checkout that was started and not forgotten.
struct Running {
    view: CheckoutView,
    pad: Option<PinPad>,
    choice: Option<mpsc::Sender<usize>>,
    pin: Option<oneshot::Sender<Pin>>,
    stop: Stop,
}

/// How a checkout is told to stop: threads look at the flag, tasks wait for the token.
#[derive(Clone, Default)]
pub(crate) struct Stop {
    pub(crate) flag: Arc<AtomicBool>,
    pub(crate) token: CancellationToken,
}

impl Running {
    fn is_over(&self) -> bool {
        is_over(&self.view.progress)
    }
}

/// Whether nothing happens any more that the person must wait for.
fn is_over(stage: &CheckoutStage) -> bool {
    match stage {
        CheckoutStage::Paid { .. } | CheckoutStage::Refused { .. } | CheckoutStage::Unknown { .. } => true,
        CheckoutStage::WaitingForCard
        | CheckoutStage::Reading { .. }
        | CheckoutStage::Choose { .. }
        | CheckoutStage::Pin { .. }
        | CheckoutStage::Sealing
        | CheckoutStage::Sending
        | CheckoutStage::AskingBank => false,
    }
}

/// Whether nothing was sealed yet.
fn can_stop(stage: &CheckoutStage) -> bool {
    match stage {
        CheckoutStage::WaitingForCard
        | CheckoutStage::Reading { .. }
        | CheckoutStage::Choose { .. }
        | CheckoutStage::Pin { .. } => true,
        CheckoutStage::Sealing
        | CheckoutStage::Sending
        | CheckoutStage::AskingBank
        | CheckoutStage::Paid { .. }
        | CheckoutStage::Refused { .. }
        | CheckoutStage::Unknown { .. } => false,
    }
}

impl Checkout {
    /// Nothing is being paid.
    pub(crate) fn new(changes: Arc<Changes>) -> Self {
        Self { current: Mutex::default(), changes }
    }

    /// The running or finished checkout.
    pub(crate) fn view(&self) -> Option<CheckoutView> {
        self.lock().running.as_ref().map(|running| running.view.clone())
    }

    /// Whether a payment is under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.lock().running.as_ref().is_some_and(|running| !running.is_over())
    }

    /// Starts paying a verified request, unless a payment is under way.
    pub(crate) fn start(
        &self,
        wallet: &Wallet,
        order: VerifiedOrder,
        mut how: How,
        reader: Option<String>,
        trace: Trace,
    ) -> Result<CheckoutView> {
        let stop = Stop::default();
        // A pad that is shown from the beginning can be confirmed from the beginning.
        let pin = match &mut how {
            How::Bill(wish) => wish.asked(),
            How::Card(_) | How::Means(_) | How::Voucher(..) | How::Alias(_) => None,
        };
        let view = CheckoutView {
            request_id: order.order().request_id,
            method: how.method(),
            amount: order.order().amount,
            payee: order.order().payee_name.clone(),
            progress: how.first_stage(),
            reader,
            gesture: None,
            attempt_id: None,
            asked: None,
            notice: None,
        };
        let number = {
            let mut current = self.lock();
            if current.running.as_ref().is_some_and(|running| !running.is_over()) {
                return Err(WalletError::Code(ErrorCode::CheckoutBusy));
            }
            current.number += 1;
            current.running = Some(Running { view: view.clone(), pad: None, choice: None, pin, stop: stop.clone() });
            current.number
        };
        self.changes.checkout_moved();
        tokio::spawn(run::pay(wallet.clone(), run::Plan { number, order, stop, trace }, how));
        Ok(view)
    }

    /// Answers the card's question which application to use.
    pub(crate) fn choose(&self, index: usize) -> Result<CheckoutView> {
        self.with_running(|running| {
            let CheckoutStage::Choose { applications } = &running.view.progress else { return Err(not_ready()) };
            if index >= applications.len() {
                return Err(WalletError::Code(ErrorCode::InvalidInput));
            }
            let choice = running.choice.take().ok_or_else(not_ready)?;
            choice.send(index).map_err(|_| not_ready())?;
            Ok(running.view.clone())
        })
    }

    /// A fresh pad; what was entered is wiped.
    pub(crate) fn pin_pad(&self, layout: PinLayout) -> Result<PinPadView> {
        self.at_pin(|running| {
            let pad = match running.view.method {
                Method::Carrier => PinPad::new(layout).digits_max(bill::PIN_DIGITS_MAX),
                Method::Alias | Method::Card | Method::Code | Method::Voucher => PinPad::new(layout),
            };
            let view = pad.view();
            running.pad = Some(pad);
            Ok(view)
        })
    }

    pub(crate) fn pin_press(&self, position: u8) -> Result<PinEntryView> {
        self.at_pin(|running| running.pad.as_mut().ok_or_else(not_ready)?.press(position))
    }

    pub(crate) fn pin_erase(&self) -> Result<PinEntryView> {
        self.at_pin(|running| Ok(running.pad.as_mut().ok_or_else(not_ready)?.erase()))
    }

    /// Ends PIN entry. From here on the checkout cannot be stopped.
    pub(crate) fn pin_submit(&self) -> Result<CheckoutView> {
        self.at_pin(|running| {
            let pin = running.pad.as_mut().ok_or_else(not_ready)?.take()?;
            hand_over(running, pin)
        })
    }

    pub(crate) fn pin_submit_typed(&self, pin: Pin) -> Result<CheckoutView> {
        if !pin.is_complete() {
            return Err(WalletError::Code(ErrorCode::PinLength));
        }
        self.at_pin(|running| hand_over(running, pin))
    }

    /// Stops the checkout and waits until the reader is let go.
    pub(crate) async fn stop(&self) -> Result<CheckoutView> {
        let number = {
            let current = self.lock();
            let running = current.running.as_ref().ok_or_else(not_ready)?;
            if !can_stop(&running.view.progress) {
                return Err(not_ready());
            }
            running.stop.flag.store(true, Ordering::Relaxed);
            running.stop.token.cancel();
            current.number
        };
        let ended = async {
            loop {
                let seq = self.changes.now().seq;
                let over = {
                    let current = self.lock();
                    current.number != number || current.running.as_ref().is_none_or(Running::is_over)
                };
                if over {
                    break;
                }
                self.changes.wait(seq).await;
            }
        };
        // The reader may be slow to let go; the checkout ends all the same, and the view then says so later.
        let _ = tokio::time::timeout(STOP_WAIT, ended).await;
        self.view().ok_or_else(not_ready)
    }

    /// Whether the person is looking for their card: that has its own time.
    pub(crate) fn waits_for_card(&self) -> bool {
        let waits = |running: &Running| matches!(running.view.progress, CheckoutStage::WaitingForCard);
        self.lock().running.as_ref().is_some_and(waits)
    }

    /// Waits until no payment needs this device's keys: what can still be stopped is stopped, what is sealed is not.
    pub(crate) async fn let_go(&self) {
        loop {
            let seq = self.changes.now().seq;
            let (over, stoppable) = {
                let current = self.lock();
                let stage = current.running.as_ref().map(|running| &running.view.progress);
                (stage.is_none_or(is_over), stage.is_some_and(can_stop))
            };
            if over {
                break;
            }
            // It may have become unstoppable, or have ended, between the two looks.
            if !stoppable || self.stop().await.is_err() {
                self.changes.wait(seq).await;
            }
        }
        if let Some(running) = self.lock().running.as_mut() {
            running.pad = None;
        }
    }

    /// Forgets a checkout that is over. One whose outcome is unknown goes on being asked about.
    pub(crate) fn done(&self) -> Result<()> {
        {
            let mut current = self.lock();
            if current.running.as_ref().is_some_and(|running| !running.is_over()) {
                return Err(not_ready());
            }
            current.running = None;
            current.number += 1;
        }
        self.changes.checkout_moved();
        Ok(())
    }

    /// Moves checkout `number` on; a forgotten one no longer shows anything.
    fn update(&self, number: u64, change: impl FnOnce(&mut Running)) {
        {
            let mut current = self.lock();
            if current.number != number {
                return;
            }
            let Some(running) = current.running.as_mut() else { return };
            change(running);
        }
        self.changes.checkout_moved();
    }

    fn stage(&self, number: u64, stage: CheckoutStage) {
        self.update(number, |running| running.view.progress = stage);
    }

    /// Asks for the PIN, unless the checkout was stopped meanwhile.
    fn ask_pin(&self, number: u64, card_label: String, card: CardStay, read_ms: u32) -> oneshot::Receiver<Pin> {
        let (sender, receiver) = oneshot::channel();
        self.update(number, |running| {
            running.view.progress = CheckoutStage::Pin { card_label, card, read_ms };
            running.view.notice = None;
            running.pad = None;
            running.pin = Some(sender);
        });
        receiver
    }

    /// Goes on to sealing without a PIN, unless the checkout was stopped: the stage changes under the same lock, so
    /// that a stop comes before or after.
    fn seal_without_pin(&self, number: u64) -> Result<()> {
        let mut outcome = Err(WalletError::Code(ErrorCode::Stopped));
        self.update(number, |running| {
            if !running.stop.token.is_cancelled() {
                running.view.progress = CheckoutStage::Sealing;
                running.view.notice = None;
                outcome = Ok(());
            }
        });
        outcome
    }

    fn attempt_is(&self, number: u64, attempt_id: AttemptId, asked: String) {
        self.update(number, |running| {
            running.view.attempt_id = Some(attempt_id);
            running.view.asked = Some(asked);
        });
    }

    fn at_pin<T>(&self, act: impl FnOnce(&mut Running) -> Result<T>) -> Result<T> {
        self.with_running(|running| match running.view.progress {
            CheckoutStage::Pin { .. } => act(running),
            CheckoutStage::WaitingForCard
            | CheckoutStage::Reading { .. }
            | CheckoutStage::Choose { .. }
            | CheckoutStage::Sealing
            | CheckoutStage::Sending
            | CheckoutStage::AskingBank
            | CheckoutStage::Paid { .. }
            | CheckoutStage::Unknown { .. }
            | CheckoutStage::Refused { .. } => Err(not_ready()),
        })
    }

    fn with_running<T>(&self, act: impl FnOnce(&mut Running) -> Result<T>) -> Result<T> {
        let answer = act(self.lock().running.as_mut().ok_or_else(not_ready)?)?;
        self.changes.checkout_moved();
        Ok(answer)
    }

    fn lock(&self) -> MutexGuard<'_, Current> {
        self.current.lock().expect("no panic while it is held")
    }
}

/// Gives the PIN to the paying task. The stage changes under the same lock, so that a stop comes before or after.
fn hand_over(running: &mut Running, pin: Pin) -> Result<CheckoutView> {
    running.pad = None;
    running.pin.take().ok_or_else(not_ready)?.send(pin).map_err(|_| not_ready())?;
    running.view.progress = CheckoutStage::Sealing;
    Ok(running.view.clone())
}

fn not_ready() -> WalletError {
    WalletError::Code(ErrorCode::CheckoutNotReady)
}

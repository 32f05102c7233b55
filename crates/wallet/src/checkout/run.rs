//! One checkout from start to end, as a task of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use envelope::inner::{self, EntryMode, PinKind};
use envelope::outer::{self, DeviceSignature, Routing};
use envelope::{Capsule, Pin};
use payment::{AttemptHash, AttemptId, WalletNonce};
use protocol::ErrorCode;
use protocol::ipc::{ApplicationView, CheckoutStage};
use protocol::wallet_api::SubmitAttempt;
use serde_json::json;

use super::settle::End;
use super::{Stop, Trace, submit};
use crate::card::{self, CardEvent, InsertedCard, Presented, Reading, STEPS, Terminal, Watcher};
use crate::clock;
use crate::error::{Result, WalletError};
use crate::inbox::VerifiedOrder;
use crate::keyset::Keys;
use crate::readers::{Place, ReaderError};
use crate::store::{AttemptRow, KeptState};
use crate::wallet::Wallet;

/// How long the person may take to enter the PIN.
const PIN_WAIT: Duration = Duration::from_mins(3);
/// How often a card that left too early is waited for again.
const READS_MAX: u32 = 8;
/// How often a payment begins anew because the bank's key was retired while the person was busy.
const RESEALS_MAX: u32 = 1;

/// What is to be paid, and how.
pub(crate) struct Plan {
    pub(crate) number: u64,
    pub(crate) order: VerifiedOrder,
    pub(crate) places: Arc<Vec<Place>>,
    pub(crate) stop: Stop,
    pub(crate) trace: Trace,
}

/// An attempt's identity, drawn before the card is read.
pub(super) struct Draw {
    pub(super) attempt_id: AttemptId,
    pub(super) nonce: WalletNonce,
    hash: AttemptHash,
}

/// Sealed and written down, ready to be sent.
pub(super) struct Sealed {
    pub(super) row: AttemptRow,
    pub(super) order: VerifiedOrder,
    pub(super) routing: Routing,
    pub(super) submission: SubmitAttempt,
}

/// Pays, and shows how it ended.
pub(crate) async fn pay(wallet: Wallet, plan: Plan) {
    let started = Instant::now();
    let request_id = plan.order.order().request_id;
    let end = match pay_to_the_end(&wallet, &plan).await {
        Ok(end) => end,
        Err(error) => {
            tracing::info!(request = %request_id, %error, "the payment ended before it was sent");
            End::refused(error.code())
        }
    };
    end.tell(&plan.trace, started.elapsed());
    wallet.core.checkout.stage(plan.number, end.stage());
    wallet.refresh_state(request_id).await;
    wallet.core.changes.inbox_changed();
}

async fn pay_to_the_end(wallet: &Wallet, plan: &Plan) -> Result<End> {
    let mut reseals = 0;
    loop {
        let asked = Instant::now();
        // Fresh keys before the card is read: what is sealed later must be sealed to keys of this moment.
        let keys = wallet.core.keys.refresh(&wallet.core.server).await?;
        let order = VerifiedOrder::verify(plan.order.jws(), &keys.keyset)?;
        if order.order().is_expired(wallet.core.server.now_ms()) {
            return Err(WalletError::Code(ErrorCode::RequestExpired));
        }
        plan.trace.tell("keys", asked.elapsed(), json!({ "keyset_version": keys.keyset.version }));
        let (draw, read, read_ms) = read_card(wallet, plan).await?;
        // Known before the PIN is asked for: nobody should type one for nothing.
        keys.bank_for(&issuer_prefix(&read)?)?;
        let pin = ask_pin(wallet, plan, read.label(), read_ms).await?;
        wallet.core.checkout.stage(plan.number, CheckoutStage::Sealing);
        let sealed = seal(wallet, plan, &keys, order, draw, read, pin).await?;
        match submit::submit(wallet, plan, sealed).await? {
            End::BankKeyRetired if reseals < RESEALS_MAX => {
                reseals += 1;
                wallet.core.checkout.update(plan.number, |running| {
                    running.view.progress = CheckoutStage::WaitingForCard;
                    running.view.notice = Some(ErrorCode::Declined(payment::DeclineCode::RetiredKey));
                    running.view.attempt_id = None;
                });
            }
            end => return Ok(end),
        }
    }
}

/// Waits for the card and reads it; one that leaves too early may come again.
async fn read_card(wallet: &Wallet, plan: &Plan) -> Result<(Draw, Presented, u32)> {
    let checkout = &wallet.core.checkout;
    let deadline = Instant::now() + wallet.core.config.card_wait;
    let order = plan.order.order();
    let mut notice = None;
    for _ in 0..READS_MAX {
        let draw = Draw::new(plan, wallet.core.server.now_ms());
        let terminal = Terminal {
            amount: order.amount,
            country: wallet.core.config.terminal_country,
            attempt_hash: draw.hash,
            merchant_name: order.payee_name.clone(),
            now_ms: wallet.core.server.now_ms(),
        };
        match read_once(wallet, plan, terminal, deadline).await {
            Ok((reading, inserted)) => {
                if let Some(inserted) = inserted {
                    inserted.release();
                }
                let read = reading.read;
                checkout.update(plan.number, |running| running.view.reader = Some(reading.reader.clone()));
                let facts = json!({
                    "reader": reading.reader,
                    "scheme": read.scheme(),
                    "card_label": read.label(),
                    "interface": match read.entry_mode() {
                        EntryMode::ContactChip => "contact",
                        EntryMode::ContactlessChip | EntryMode::ContactlessMagStripe => "contactless",
                        EntryMode::MagStripe => "stripe",
                    },
                    "exchanges": read.exchanges(),
                });
                plan.trace.tell("reading", reading.took, facts);
                return Ok((draw, read, u32::try_from(reading.took.as_millis()).unwrap_or(u32::MAX)));
            }
            Err(_) if plan.stop.token.is_cancelled() => return Err(WalletError::Code(ErrorCode::Stopped)),
            Err(WalletError::Reader(ReaderError::Removed)) => {
                notice = Some(ErrorCode::CardRemoved);
                checkout.update(plan.number, |running| {
                    running.view.progress = CheckoutStage::WaitingForCard;
                    running.view.notice = notice;
                });
            }
            // The last reading problem says more than "no card came after that".
            Err(WalletError::Reader(ReaderError::Absent)) if notice.is_some() => break,
            Err(error) => return Err(error),
        }
    }
    Err(WalletError::Code(notice.unwrap_or(ErrorCode::CardAbsent)))
}

/// Reads on a thread of its own and shows how far it is.
async fn read_once(
    wallet: &Wallet,
    plan: &Plan,
    terminal: Terminal,
    deadline: Instant,
) -> Result<(Reading<Presented>, Option<InsertedCard>)> {
    let (events, mut told) = tokio::sync::mpsc::unbounded_channel();
    let watcher = Watcher { events, stop: Arc::clone(&plan.stop.flag) };
    let places = Arc::clone(&plan.places);
    let reading = tokio::task::spawn_blocking(move || card::read_to_pay(&places, &terminal, deadline, &watcher));
    let checkout = &wallet.core.checkout;
    // The channel closes when the reading ends.
    while let Some(event) = told.recv().await {
        checkout.update(plan.number, |running| match event {
            CardEvent::Waiting(trouble) => running.view.notice = trouble,
            CardEvent::Connected { reader, gesture } => {
                running.view.reader = Some(reader);
                running.view.gesture = Some(gesture);
                running.view.notice = None;
            }
            CardEvent::Reading { step, phase } => {
                running.view.progress = CheckoutStage::Reading { step, steps: STEPS, phase };
            }
            CardEvent::Choose { applications, answer } => {
                let view = |application: &emv::ApplicationSummary| ApplicationView {
                    label: application.preferred_name.clone().unwrap_or_else(|| application.label.clone()),
                    scheme: application.scheme.code().to_owned(),
                };
                running.view.progress = CheckoutStage::Choose { applications: applications.iter().map(view).collect() };
                running.choice = Some(answer);
            }
            // The reading's own end says it all.
            CardEvent::Failed { .. } => {}
        });
    }
    reading.await.map_err(|_| WalletError::Reader(ReaderError::Failed("the reading stopped".to_owned())))?
}

async fn ask_pin(wallet: &Wallet, plan: &Plan, card_label: String, read_ms: u32) -> Result<Pin> {
    let asked = Instant::now();
    let entered = wallet.core.checkout.ask_pin(plan.number, card_label, read_ms);
    let entered = tokio::select! {
        entered = tokio::time::timeout(PIN_WAIT, entered) => entered.ok().and_then(std::result::Result::ok),
        () = plan.stop.token.cancelled() => None,
    };
    let pin = entered.ok_or(WalletError::Code(ErrorCode::Stopped))?;
    plan.trace.tell("pin", asked.elapsed(), json!({}));
    Ok(pin)
}

/// Seals card and PIN to the bank, and that to the payment server; wipes both; writes the attempt down.
async fn seal(
    wallet: &Wallet,
    plan: &Plan,
    keys: &Keys,
    order: VerifiedOrder,
    draw: Draw,
    read: Presented,
    pin: Pin,
) -> Result<Sealed> {
    let started = Instant::now();
    let now_ms = wallet.core.server.now_ms();
    let issuer_iin = issuer_prefix(&read)?;
    let (bank, bank_certificate) = keys.bank_for(&issuer_iin)?;
    let bank_key = bank.sealing_key_at(clock::signed(now_ms)).ok_or(WalletError::Code(ErrorCode::KeysetInvalid))?;
    let card = read.to_seal()?;
    drop(read);
    let inner = inner::seal(bank_key, draw.hash.as_bytes(), &card, &pin, PinKind::CardPin)?;
    drop((card, pin));
    let routing = Routing {
        request_id: *order.order().request_id.as_bytes(),
        attempt_id: *draw.attempt_id.as_bytes(),
        order_number: order.order().order_number.clone(),
        merchant_id: order.order().merchant_id.to_string(),
        amount_minor: u64::try_from(order.order().amount.minor()).unwrap_or(0),
        currency: order.order().amount.currency().code().to_owned(),
        wallet_nonce: *draw.nonce.as_bytes(),
        issuer_iin,
        inner,
    };
    let row = AttemptRow {
        attempt_id: draw.attempt_id,
        request_id: order.order().request_id,
        wallet_nonce: draw.nonce,
        keyset: keys.keyset_jws.clone(),
        bank_certificate: bank_certificate.to_owned(),
        state: KeptState::Sealed,
        deadline_ms: None,
        created_ms: now_ms,
    };
    let (submission, outer_bytes) = seal_outer(wallet, keys, &routing)?;
    wallet.core.store.insert_attempt(&row).await?;
    wallet.core.checkout.attempt_is(plan.number, row.attempt_id);
    let facts = json!({
        "attempt_id": row.attempt_id,
        "inner_capsule_bytes": routing.inner.to_bytes().len(),
        "outer_capsule_bytes": outer_bytes,
        "bank": bank.bank_id,
    });
    plan.trace.tell("sealing", started.elapsed(), facts);
    Ok(Sealed { row, order, routing, submission })
}

/// The outer seal to the payment server's key of this moment, signed by the device; and its size in bytes.
pub(super) fn seal_outer(wallet: &Wallet, keys: &Keys, routing: &Routing) -> Result<(SubmitAttempt, usize)> {
    let now_ms = clock::signed(wallet.core.server.now_ms());
    let key = keys.keyset.payment_server_sealing_key(now_ms).ok_or(WalletError::Code(ErrorCode::KeysetInvalid))?;
    let capsule = outer::seal(key, &routing.request_id, &routing.attempt_id, routing)?;
    let signature =
        DeviceSignature::sign(wallet.core.device.signing(), &routing.request_id, &routing.attempt_id, &capsule);
    let submission = SubmitAttempt {
        attempt_id: AttemptId::from_bytes(routing.attempt_id),
        outer: sealed_text(&capsule),
        device_signature: signature.to_base64url(),
    };
    Ok((submission, capsule.to_bytes().len()))
}

/// The same JSON in the wire's own type.
fn sealed_text(capsule: &Capsule) -> protocol::SealedText {
    let json = serde_json::to_value(capsule).expect("a capsule is always JSON");
    serde_json::from_value(json).expect("both have the same members")
}

/// The issuer's prefix: eight digits of a number of sixteen or more, else six.
fn issuer_prefix(read: &Presented) -> Result<String> {
    let unusable = |_| WalletError::Card(emv::CardError::Malformed { at: "5A" });
    Ok(envelope::Pan::from_ascii(read.card_number().expose_digits().as_bytes()).map_err(unusable)?.iin())
}

impl Draw {
    fn new(plan: &Plan, now_ms: u64) -> Self {
        let mut random = [0; 10];
        let mut nonce = [0; 32];
        for buffer in [random.as_mut_slice(), nonce.as_mut_slice()] {
            getrandom::fill(buffer).expect("the operating system's random generator answers");
        }
        let attempt_id = AttemptId::from_parts(now_ms, &random);
        let nonce = WalletNonce::from_bytes(nonce);
        let hash = AttemptHash::derive(&plan.order.order().hash(), attempt_id, &nonce);
        Self { attempt_id, nonce, hash }
    }
}

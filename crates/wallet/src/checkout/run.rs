//! One checkout from start to end, as a task of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use envelope::inner::{self, EntryMode, PinKind};
use envelope::keyset::BankCertificate;
use envelope::outer::{self, DeviceSignature, Route, Routing};
use envelope::{BankSealingKey, Capsule, Pin};
use payment::{AttemptHash, AttemptId, Method, WalletNonce};
use protocol::ErrorCode;
use protocol::ipc::{ApplicationView, CardStay, CheckoutStage};
use protocol::wallet_api::SubmitAttempt;
use serde_json::json;
use tokio::sync::oneshot;

use super::settle::{Again, End};
use super::{How, Stop, Trace, alias, bill, means, submit, voucher};
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
/// How often a card that could not be read is waited for again.
const READS_MAX: u32 = 8;
/// How often a card that makes no sense is read again: it will not learn to.
const UNREADABLE_MAX: u32 = 3;
/// The pause before a card that may still lie there is read again.
const AGAIN_PAUSE: Duration = Duration::from_secs(1);
/// How often a payment begins anew because the bank's key was retired while the person was busy.
pub(super) const RESEALS_MAX: u32 = 1;

/// What is to be paid, and how.
pub(crate) struct Plan {
    pub(crate) number: u64,
    pub(crate) order: VerifiedOrder,
    pub(crate) stop: Stop,
    pub(crate) trace: Trace,
}

/// An attempt's identity, drawn before the card is read.
pub(super) struct Draw {
    pub(super) attempt_id: AttemptId,
    pub(super) nonce: WalletNonce,
    pub(super) hash: AttemptHash,
}

/// Who asks for the PIN.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PinRule {
    /// The card decides: a phone that has verified its owner needs none.
    AsTheCardSays,
    /// The bank wants it.
    Always,
}

/// What tells that the payer is the cardholder.
enum Proof {
    Pin(Pin),
    /// The phone or watch has verified its owner.
    Device,
}

/// A card that was read for an attempt of its own.
pub(super) struct ReadCard {
    pub(super) draw: Draw,
    pub(super) presented: Presented,
    /// The card itself, when it waits in its slot for the bank's answer.
    pub(super) inserted: Option<InsertedCard>,
    pub(super) took_ms: u32,
}

/// How long the card had to be held, and whether it should go on staying.
#[derive(Clone, Copy)]
pub(super) struct Held {
    pub(super) stay: CardStay,
    pub(super) took_ms: u32,
}

/// Sealed and written down, ready to be sent.
pub(super) struct Sealed {
    pub(super) row: AttemptRow,
    pub(super) order: VerifiedOrder,
    pub(super) routing: Routing,
    pub(super) submission: SubmitAttempt,
}

/// Pays, and shows how it ended.
pub(crate) async fn pay(wallet: Wallet, plan: Plan, how: How) {
    let started = Instant::now();
    let request_id = plan.order.order().request_id;
    let method = how.method();
    let ended = match how {
        How::Card(places) => pay_with_card(&wallet, &plan, &places).await,
        How::Means(payable) => means::pay(&wallet, &plan, payable).await,
        How::Voucher(wish, places) => voucher::pay(&wallet, &plan, wish, &places).await,
        How::Alias(wish) => alias::pay(&wallet, &plan, wish).await,
        How::Bill(wish) => bill::pay(&wallet, &plan, wish).await,
    };
    let end = match ended {
        Ok(end) => end,
        Err(error) => {
            tracing::info!(request = %request_id, %error, "the payment ended before it was sent");
            End::refused(error.code())
        }
    };
    let end = if method == Method::Carrier { end.by_operator() } else { end };
    end.tell(&plan.trace, started.elapsed());
    wallet.core.checkout.stage(plan.number, end.stage());
    wallet.refresh_state(request_id).await;
    wallet.core.changes.inbox_changed();
}

/// Keys of this moment, and the order verified by them. And whether it is still to be paid: another device may have it in
/// hand.
pub(super) async fn begin(wallet: &Wallet, plan: &Plan) -> Result<(Arc<Keys>, VerifiedOrder)> {
    let asked = Instant::now();
    let request_id = plan.order.order().request_id;
    let (keys, ()) = tokio::join!(wallet.core.keys.refresh(&wallet.core.server), wallet.refresh_state(request_id));
    let keys = keys?;
    let order = VerifiedOrder::verify(plan.order.jws(), &keys.keyset)?;
    wallet.require_payable(request_id).await?;
    plan.trace.tell("keys", asked.elapsed(), json!({ "keyset_version": keys.keyset.version }));
    Ok((keys, order))
}

async fn pay_with_card(wallet: &Wallet, plan: &Plan, places: &Arc<Vec<Place>>) -> Result<End> {
    let mut reseals = 0;
    let mut rule = PinRule::AsTheCardSays;
    loop {
        // Fresh keys before the card is read: what is sealed later must be sealed to keys of this moment.
        let (keys, order) = begin(wallet, plan).await?;
        let read = read_card(wallet, plan, places).await?;
        // Known before the PIN is asked for: nobody should type one for nothing.
        keys.bank_for(&issuer_prefix(&read.presented)?)?;
        let ReadCard { draw, presented, inserted, took_ms } = read;
        let stay = if inserted.is_some() { CardStay::ShouldStay } else { CardStay::MayGo };
        let proof = prove(wallet, plan, &presented, rule, Held { stay, took_ms }).await?;
        let sealed = seal(wallet, plan, &keys, order, draw, presented, proof).await?;
        let notice = match submit::submit(wallet, plan, sealed, inserted).await? {
            End::Again(Again::BankKeyRetired) if reseals < RESEALS_MAX => {
                reseals += 1;
                Again::BankKeyRetired
            }
            End::Again(Again::PinWanted) if rule == PinRule::AsTheCardSays => {
                rule = PinRule::Always;
                Again::PinWanted
            }
            end => return Ok(end),
        };
        wallet.core.checkout.update(plan.number, |running| {
            running.view.progress = CheckoutStage::WaitingForCard;
            running.view.notice = Some(ErrorCode::Declined(notice.code()));
            running.view.attempt_id = None;
        });
    }
}

/// Waits for the card and reads it, anew for a new attempt after everything a person can put right there and then.
pub(super) async fn read_card(wallet: &Wallet, plan: &Plan, places: &Arc<Vec<Place>>) -> Result<ReadCard> {
    let checkout = &wallet.core.checkout;
    let deadline = Instant::now() + wallet.core.config.card_wait;
    let order = plan.order.order();
    let mut notice = None;
    let mut unreadable = 0;
    for _ in 0..READS_MAX {
        let draw = Draw::new(plan, wallet.core.server.now_ms());
        let terminal = Terminal {
            amount: order.amount,
            country: wallet.core.config.terminal_country,
            attempt_hash: draw.hash,
            merchant_name: order.payee_name.clone(),
            now_ms: wallet.core.server.now_ms(),
            ca_keys: wallet.core.ca_keys.clone(),
        };
        match read_once(wallet, plan, places, terminal, deadline).await {
            Ok((reading, inserted)) => {
                let presented = reading.read;
                checkout.update(plan.number, |running| running.view.reader = Some(reading.reader.clone()));
                let facts = json!({
                    "reader": reading.reader,
                    "scheme": presented.scheme(),
                    "card_label": presented.label(),
                    "interface": match presented.entry_mode() {
                        EntryMode::ContactChip => "contact",
                        EntryMode::ContactlessChip | EntryMode::ContactlessMagStripe => "contactless",
                        EntryMode::MagStripe => "stripe",
                    },
                    "exchanges": presented.exchanges(),
                    "authenticity": presented.authenticity(),
                });
                plan.trace.tell("reading", reading.took, facts);
                let took_ms = u32::try_from(reading.took.as_millis()).unwrap_or(u32::MAX);
                return Ok(ReadCard { draw, presented, inserted, took_ms });
            }
            Err(_) if plan.stop.token.is_cancelled() => return Err(WalletError::Code(ErrorCode::Stopped)),
            // The last reading problem says more than "no card came after that".
            Err(WalletError::Reader(ReaderError::Absent)) if notice.is_some() => break,
            Err(error) if may_come_again(error.code()) => {
                tracing::info!(%error, "the card may come again");
                notice = Some(error.code());
                unreadable += u32::from(error.code() == ErrorCode::CardUnreadable);
                if unreadable == UNREADABLE_MAX {
                    break;
                }
                checkout.update(plan.number, |running| {
                    running.view.progress = CheckoutStage::WaitingForCard;
                    running.view.notice = notice;
                });
                if error.code() != ErrorCode::CardRemoved {
                    tokio::select! {
                        () = tokio::time::sleep(AGAIN_PAUSE) => {}
                        () = plan.stop.token.cancelled() => return Err(WalletError::Code(ErrorCode::Stopped)),
                    }
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(WalletError::Code(notice.unwrap_or(ErrorCode::CardAbsent)))
}

/// Whether the person can put it right by presenting the card again, so that the checkout goes on waiting.
fn may_come_again(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::CardRemoved
            | ErrorCode::CardTimeout
            | ErrorCode::CardUnreadable
            | ErrorCode::CardSeePhone
            | ErrorCode::SeveralCards
            | ErrorCode::SwipeUnreadable
            | ErrorCode::CardUseChip
            | ErrorCode::ReaderBusy
    )
}

/// Reads on a thread of its own and shows how far it is.
async fn read_once(
    wallet: &Wallet,
    plan: &Plan,
    places: &Arc<Vec<Place>>,
    terminal: Terminal,
    deadline: Instant,
) -> Result<(Reading<Presented>, Option<InsertedCard>)> {
    let (events, mut told) = tokio::sync::mpsc::unbounded_channel();
    let watcher = Watcher { events, stop: Arc::clone(&plan.stop.flag) };
    let places = Arc::clone(places);
    let reading = tokio::task::spawn_blocking(move || card::read_to_pay(&places, &terminal, deadline, &watcher));
    let checkout = &wallet.core.checkout;
    // The channel closes when the reading ends.
    while let Some(event) = told.recv().await {
        checkout.update(plan.number, |running| match event {
            CardEvent::Waiting(trouble) => {
                running.view.progress = CheckoutStage::WaitingForCard;
                running.view.notice = trouble;
            }
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
    let read = reading.await.map_err(|_| ReaderError::Failed("the reading stopped".to_owned()))?;
    match &read {
        // A bank knows its stripe by track 2; a swipe that only gave the other one has to be repeated.
        Ok((reading, _)) if !reading.read.can_be_sealed() => Err(ErrorCode::SwipeUnreadable.into()),
        _ => read,
    }
}

/// Asks for the PIN, unless the card has verified its owner itself and nobody else wants it. Sealing begins with it.
async fn prove(wallet: &Wallet, plan: &Plan, presented: &Presented, rule: PinRule, held: Held) -> Result<Proof> {
    if presented.has_verified_owner() && rule == PinRule::AsTheCardSays {
        wallet.core.checkout.seal_without_pin(plan.number)?;
        plan.trace.tell("pin", Duration::ZERO, json!({ "asked": false }));
        return Ok(Proof::Device);
    }
    let pin = ask_pin(wallet, plan, presented.label(), held).await?;
    wallet.core.checkout.stage(plan.number, CheckoutStage::Sealing);
    Ok(Proof::Pin(pin))
}

pub(super) async fn ask_pin(wallet: &Wallet, plan: &Plan, card_label: String, held: Held) -> Result<Pin> {
    let entered = wallet.core.checkout.ask_pin(plan.number, card_label, held.stay, held.took_ms);
    entered_pin(plan, entered).await
}

/// The PIN, once it is confirmed on the pad; a person has a while for it, and can stop.
pub(super) async fn entered_pin(plan: &Plan, entered: oneshot::Receiver<Pin>) -> Result<Pin> {
    let asked = Instant::now();
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
    proof: Proof,
) -> Result<Sealed> {
    let started = Instant::now();
    let issuer_iin = issuer_prefix(&read)?;
    let (bank, bank_certificate) = keys.bank_for(&issuer_iin)?;
    let bank_key = sealing_key(wallet, bank)?;
    let card = read.to_seal()?;
    drop(read);
    let inner = match &proof {
        Proof::Pin(pin) => inner::seal(bank_key, draw.hash.as_bytes(), &card, pin, PinKind::CardPin)?,
        Proof::Device => inner::seal_without_pin(bank_key, draw.hash.as_bytes(), &card)?,
    };
    drop((card, proof));
    let capsule = Sealing { started, bank, bank_certificate, route: Route::Card { issuer_iin }, inner };
    write_down(wallet, plan, keys, order, &draw, capsule).await
}

/// What is sealed to a front, and which front that is.
pub(super) struct Sealing<'a> {
    pub(super) started: Instant,
    pub(super) bank: &'a BankCertificate,
    pub(super) bank_certificate: &'a str,
    pub(super) route: Route,
    pub(super) inner: Capsule,
}

/// The key of this moment that a front opens capsules with.
pub(crate) fn sealing_key<'a>(wallet: &Wallet, bank: &'a BankCertificate) -> Result<&'a BankSealingKey> {
    let now_ms = clock::signed(wallet.core.server.now_ms());
    bank.sealing_key_at(now_ms).ok_or(WalletError::Code(ErrorCode::KeysetInvalid))
}

/// Seals what is sealed to the bank to the payment server, and writes the attempt down.
pub(super) async fn write_down(
    wallet: &Wallet,
    plan: &Plan,
    keys: &Keys,
    order: VerifiedOrder,
    draw: &Draw,
    sealing: Sealing<'_>,
) -> Result<Sealed> {
    let Sealing { started, bank, bank_certificate, route, inner } = sealing;
    let now_ms = wallet.core.server.now_ms();
    let routing = Routing {
        request_id: *order.order().request_id.as_bytes(),
        attempt_id: *draw.attempt_id.as_bytes(),
        order_number: order.order().order_number.clone(),
        merchant_id: order.order().merchant_id.to_string(),
        amount_minor: u64::try_from(order.order().amount.minor()).unwrap_or(0),
        currency: order.order().amount.currency().code().to_owned(),
        wallet_nonce: *draw.nonce.as_bytes(),
        route,
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
    wallet.core.checkout.attempt_is(plan.number, row.attempt_id, bank.bank_name.clone());
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
    let keys = wallet.core.device.keys()?;
    let signature = DeviceSignature::sign(keys.signing(), &routing.request_id, &routing.attempt_id, &capsule);
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
pub(super) fn issuer_prefix(read: &Presented) -> Result<String> {
    let unusable = |_| WalletError::Card(emv::CardError::Malformed { at: "5A" });
    Ok(envelope::Pan::from_ascii(read.card_number().expose_digits().as_bytes()).map_err(unusable)?.iin())
}

impl Draw {
    pub(super) fn new(plan: &Plan, now_ms: u64) -> Self {
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

//! Paying with a voucher: by its code alone, and where the bank says that so much needs a card, once more with the card of
//! whoever bought it.
//!
//! What was typed stays in this task from the bank's question to the second sealing, so that nobody types it twice. It is
//! wiped there, and when the payment is stopped, the lock closes, or the time for card or PIN is over.
//!
//! The card pays nothing here: its cryptogram and PIN show the bank who is there, and this device signs the attempt. So a
//! phone's own word for its owner is not enough, and a stripe is nothing.

use std::sync::Arc;
use std::time::Instant;

use envelope::inner::PinKind;
use envelope::inner::large_voucher::{self, LargeVoucher, SignedByDevice, Statement, card_hash};
use envelope::means::voucher::Voucher;
use envelope::means::{Means, MeansKind};
use envelope::outer::Route;
use envelope::{Capsule, Pin};
use payment::DeclineCode;
use protocol::ErrorCode;
use protocol::ipc::{CardStay, CheckoutStage};

use super::means::{self, Payable};
use super::run::{Draw, Held, Plan, ReadCard, Sealing};
use super::run::{RESEALS_MAX, ask_pin, begin, issuer_prefix, read_card, sealing_key, write_down};
use super::settle::{Again, End};
use super::submit;
use crate::card::Presented;
use crate::error::{Result, WalletError};
use crate::readers::Place;
use crate::wallet::Wallet;

/// When the card of a large payment is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardTime {
    /// When the bank asks for it.
    WhenAsked,
    /// At once: somebody knows that the amount is large.
    AtOnce,
}

/// A voucher to pay with. The code has no `Debug`; so neither has this.
pub struct VoucherWish {
    /// Number and code.
    pub voucher: Voucher,
    /// The bank that sold it.
    pub bank_id: String,
    /// When its card is asked for.
    pub card: CardTime,
}

impl VoucherWish {
    pub(super) fn first_stage(&self) -> CheckoutStage {
        match self.card {
            CardTime::WhenAsked => CheckoutStage::Sealing,
            CardTime::AtOnce => CheckoutStage::WaitingForCard,
        }
    }
}

/// Pays to the end, waiting for a card at these places where one is needed.
pub(super) async fn pay(wallet: &Wallet, plan: &Plan, wish: VoucherWish, places: &Arc<Vec<Place>>) -> Result<End> {
    if wish.card == CardTime::WhenAsked {
        let voucher = copy_of(&wish.voucher);
        let alone = Payable { means: Means::Voucher(voucher), front: wish.bank_id.clone() };
        match means::pay_once(wallet, plan, alone).await? {
            End::Again(Again::CardWanted) => ask_card(wallet, plan, Again::CardWanted),
            End::Again(again) => return Ok(End::refused(ErrorCode::Declined(again.code()))),
            end => return Ok(end),
        }
    }
    // A payment needs the reader more than a look at a card does.
    wallet.core.reader_test.stop().await;
    let mut reseals = 0;
    loop {
        match pay_with_card(wallet, plan, &wish, places).await? {
            End::Again(Again::BankKeyRetired) if reseals < RESEALS_MAX => {
                reseals += 1;
                ask_card(wallet, plan, Again::BankKeyRetired);
            }
            End::Again(again) => return Ok(End::refused(ErrorCode::Declined(again.code()))),
            end => return Ok(end),
        }
    }
}

/// Shows that a card is waited for, and why. It can be stopped from here on.
fn ask_card(wallet: &Wallet, plan: &Plan, why: Again) {
    wallet.core.checkout.update(plan.number, |running| {
        running.view.progress = CheckoutStage::WaitingForCard;
        running.view.notice = Some(ErrorCode::Declined(why.code()));
        running.view.attempt_id = None;
    });
}

/// The second of the two that are sealed.
fn copy_of(voucher: &Voucher) -> Voucher {
    let code = envelope::SecretBytes::copy_of(voucher.code.expose());
    Voucher { customer_number: voucher.customer_number.clone(), code }
}

async fn pay_with_card(wallet: &Wallet, plan: &Plan, wish: &VoucherWish, places: &Arc<Vec<Place>>) -> Result<End> {
    let (keys, order) = begin(wallet, plan).await?;
    let (bank, bank_certificate) = keys.front(&wish.bank_id).ok_or(WalletError::Code(ErrorCode::BankUnreachable))?;
    let ReadCard { draw, presented, inserted, took_ms } = read_card(wallet, plan, places).await?;
    // Known before the PIN is asked for: nobody should type one for nothing.
    if matches!(presented, Presented::Stripe(_)) {
        return Err(ErrorCode::CardUseChip.into());
    }
    if keys.bank_for(&issuer_prefix(&presented)?)?.0.bank_id != bank.bank_id {
        return Ok(End::refused(ErrorCode::Declined(DeclineCode::VoucherWrongCard)));
    }
    let stay = if inserted.is_some() { CardStay::ShouldStay } else { CardStay::MayGo };
    let pin = ask_pin(wallet, plan, presented.label(), Held { stay, took_ms }).await?;
    wallet.core.checkout.stage(plan.number, CheckoutStage::Sealing);
    let started = Instant::now();
    let inner = seal(wallet, &draw, wish, presented, &pin, (&bank.bank_id, sealing_key(wallet, bank)?))?;
    drop(pin);
    let route = Route::Means { kind: MeansKind::Voucher, front: wish.bank_id.clone() };
    let sealing = Sealing { started, bank, bank_certificate, route, inner };
    let sealed = write_down(wallet, plan, &keys, order, &draw, sealing).await?;
    submit::submit(wallet, plan, sealed, inserted).await
}

/// Signs the attempt, and seals voucher, card, PIN and signature to the bank; wipes card and PIN.
fn seal(
    wallet: &Wallet,
    draw: &Draw,
    wish: &VoucherWish,
    read: Presented,
    pin: &Pin,
    (bank_id, key): (&str, &envelope::BankSealingKey),
) -> Result<Capsule> {
    let card = read.to_seal()?;
    drop(read);
    let attempt_hash = draw.hash.as_bytes();
    let statement = Statement {
        bank_id,
        attempt_hash,
        customer_number: &wish.voucher.customer_number,
        card_hash: &card_hash(&card),
    };
    let signed = SignedByDevice::sign(wallet.core.device.keys()?.signing(), statement);
    let (voucher, pin_kind) = (&wish.voucher, PinKind::CardPin);
    let large = LargeVoucher { voucher, card: &card, pin, pin_kind, signed: &signed };
    Ok(large_voucher::seal(key, attempt_hash, &large)?)
}

//! The decision on one attempt: a pure function of the card, what was presented, and the account.
//!
//! The order of the checks is the order of what each would tell a stranger. A cryptogram that does
//! not verify says nothing of the PIN; a used counter ends the check before a PIN try is counted, so a replay
//! never costs one; only a genuine card with a fresh cryptogram, or a stripe that is as its issuer wrote it, learns
//! whether the PIN was right. Whoever brings no PIN and is not verified otherwise is asked for it, and has lost no try.

use payment::{Amount, DeclineCode};

use super::card::{Card, CardStatus, CardUse, PIN_TRIES_MAX, PinValue, StripeUse};

/// What the payer presented, as the HSM has checked it: the seal opened and the proof is right.
#[derive(Debug, Clone)]
pub struct Presented {
    /// What proves that the card was there.
    pub proof: Proof,
    /// The expiry the card told, `YYMM`.
    pub expiry_yymm: [u8; 4],
    /// What tells that the payer is the cardholder.
    pub cardholder: Cardholder,
}

/// What proves that the card was there.
#[derive(Debug, Clone)]
pub enum Proof {
    /// A right cryptogram, made for this attempt.
    Chip {
        /// The application transaction counter under it.
        atc: u16,
        /// The sequence number of the card that made it, if it told one.
        psn: Option<u8>,
        /// The application that made it.
        application: Application,
        /// What the payer's device found wrong with the card, if anything.
        objection: Option<DeclineCode>,
    },
    /// A stripe as its issuer wrote it; it may be a copy.
    Stripe(StripeSays),
    /// None of this moment: a vault that is believed released the card, which was there when it was enrolled.
    Released {
        /// The sequence number of the card that was enrolled, if it told one.
        psn: Option<u8>,
        /// The application that was used then.
        application: Application,
        /// What the payer's device found wrong with the card then, if anything.
        objection: Option<DeclineCode>,
        /// The most the cardholder lets one such payment take.
        limit: Amount,
    },
    /// None: number and expiry were typed in, which anybody can who has seen the card.
    Keyed,
}

/// The application used, by its identifier.
#[derive(Debug, Clone)]
pub enum Application {
    /// One of the scheme that the card number belongs to.
    OfTheScheme(Vec<u8>),
    /// A domestic one, which is only on the cards whose record names it.
    CoBadged(Vec<u8>),
}

/// What a stripe's service code says (ISO/IEC 7813).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StripeSays {
    /// The card has no chip.
    NoChip,
    /// It has one, which must be used where it can be.
    HasChip,
    /// Nothing can be bought with it.
    CashOnly,
}

/// What tells that the payer is the cardholder.
#[derive(Debug, Clone)]
pub enum Cardholder {
    /// A PIN, as the value by which it is verified. A PIN of another length has another value.
    Pin(PinValue),
    /// The block did not decipher to a PIN: a fault of sealing, not a wrong PIN (ISO 9564-1, 9.4).
    MalformedPin,
    /// No PIN; the card's cryptogram says that the phone or watch has verified its owner.
    Device,
    /// No PIN; a vault says that it knows its owner by password and second factor.
    Vouched,
    /// Nothing: no PIN, and the card does not say so.
    Unverified,
}

/// The account and the day, beside the card.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances {
    /// What the payment asks for.
    pub amount: Amount,
    /// What the account may spend.
    pub available: Amount,
    /// What the card has spent this UTC day already.
    pub spent_today: Amount,
    /// How many payments the card made within its window, when they are counted.
    pub payments_in_window: u32,
    /// The month it is, `YYMM`.
    pub month_yymm: [u8; 4],
}

/// What the bank decided, and what that does to the card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Approved, or why not.
    pub verdict: Verdict,
    /// What to store on the card; nothing when its counter was not fresh.
    pub card_use: Option<CardUse>,
}

/// Approved, or why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The money moves.
    Approve,
    /// It does not.
    Decline(Refusal),
}

/// Why the bank refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The code told to everybody.
    pub code: DeclineCode,
    /// PIN tries left, after a wrong PIN.
    pub pin_tries_left: Option<u8>,
}

impl From<DeclineCode> for Refusal {
    fn from(code: DeclineCode) -> Self {
        Self { code, pin_tries_left: None }
    }
}

impl Verdict {
    /// A refusal that says nothing of PIN tries.
    fn decline(code: DeclineCode) -> Self {
        Self::Decline(code.into())
    }
}

/// Decides.
pub fn decide(card: &Card, presented: &Presented, now: &Circumstances) -> Decision {
    with_card(card, presented, |unchanged| match cardholder(card, presented, now, unchanged) {
        Err(refused) => refused,
        Ok(card_use) => (spend(card, presented, now), card_use),
    })
}

/// Decides whether a card shows who its holder is, for a payment that it does not make itself. Only a chip and a PIN do:
/// that a device verified its owner is no personal code. What the card may spend is not asked.
pub fn identify(card: &Card, presented: &Presented, month_yymm: [u8; 4]) -> Decision {
    with_card(card, presented, |unchanged| match (&presented.proof, &presented.cardholder) {
        (Proof::Stripe(_) | Proof::Keyed | Proof::Released { .. }, _) => {
            (Verdict::decline(DeclineCode::ChipRequired), unchanged)
        }
        (Proof::Chip { .. }, Cardholder::MalformedPin) => (Verdict::decline(DeclineCode::OrderMismatch), unchanged),
        (Proof::Chip { .. }, Cardholder::Device | Cardholder::Vouched | Cardholder::Unverified) => {
            (Verdict::decline(DeclineCode::PinRequired), unchanged)
        }
        (Proof::Chip { .. }, Cardholder::Pin(value)) => match by_pin(card, value, unchanged) {
            Err(refused) => refused,
            Ok(card_use) if has_expired(card, presented, month_yymm) => {
                (Verdict::decline(DeclineCode::CardExpired), card_use)
            }
            Ok(card_use) => (Verdict::Approve, card_use),
        },
    })
}

/// Decides about a card that is in use, fresh and not objected to; `then` is told what it is as long as nobody was wrong.
fn with_card(card: &Card, presented: &Presented, then: impl FnOnce(CardUse) -> (Verdict, CardUse)) -> Decision {
    let atc = match &presented.proof {
        // Its counter is not that of the card in use, and must not be taken for it.
        Proof::Chip { psn, .. } | Proof::Released { psn, .. } if !card.is_in_use(*psn) => {
            return Decision { verdict: Verdict::decline(DeclineCode::CardReplaced), card_use: None };
        }
        Proof::Chip { atc, .. } if card.atc.is_some_and(|last| *atc <= last) => {
            return Decision { verdict: Verdict::decline(DeclineCode::Replay), card_use: None };
        }
        Proof::Chip { atc, .. } => Some(*atc),
        Proof::Stripe(_) | Proof::Keyed | Proof::Released { .. } => None,
    };
    let unchanged = CardUse { atc, pin_tries_left: card.pin_tries_left, status: card.status };
    if let Some(code) = standing(card).or_else(|| objection(card, presented)) {
        return Decision { verdict: Verdict::decline(code), card_use: Some(unchanged) };
    }
    let (verdict, card_use) = then(unchanged);
    Decision { verdict, card_use: Some(card_use) }
}

/// Why a card may not be used at all.
fn standing(card: &Card) -> Option<DeclineCode> {
    match card.status {
        CardStatus::Active => None,
        CardStatus::Blocked => Some(DeclineCode::CardBlocked),
        CardStatus::PinLocked => Some(DeclineCode::PinTriesExceeded),
        CardStatus::Lost => Some(DeclineCode::CardLost),
        CardStatus::Stolen => Some(DeclineCode::CardStolen),
    }
}

/// Why a card may not be used in this way, whoever holds it.
fn objection(card: &Card, presented: &Presented) -> Option<DeclineCode> {
    match &presented.proof {
        Proof::Chip { application, .. } | Proof::Released { application, .. } if !card.carries(application) => {
            Some(DeclineCode::Cryptogram)
        }
        Proof::Chip { objection, .. } | Proof::Released { objection, .. } => *objection,
        Proof::Stripe(says) => match (card.stripe_use, says) {
            (StripeUse::Never, _) | (_, StripeSays::CashOnly) => Some(DeclineCode::NotPermitted),
            (StripeUse::WithoutChip, StripeSays::HasChip) => Some(DeclineCode::ChipRequired),
            (StripeUse::WithoutChip, StripeSays::NoChip)
            | (StripeUse::Fallback, StripeSays::NoChip | StripeSays::HasChip) => None,
        },
        // Less than a stripe, so only where a stripe may stand in for a chip.
        Proof::Keyed => (card.stripe_use != StripeUse::Fallback).then_some(DeclineCode::NotPermitted),
    }
}

/// Whether the payer is the cardholder: what the card becomes, or the refusal with it.
fn cardholder(
    card: &Card,
    presented: &Presented,
    now: &Circumstances,
    unchanged: CardUse,
) -> Result<CardUse, (Verdict, CardUse)> {
    match &presented.cardholder {
        Cardholder::Pin(value) => by_pin(card, value, unchanged),
        Cardholder::MalformedPin => Err((Verdict::decline(DeclineCode::OrderMismatch), unchanged)),
        // Both must say so: the card under its cryptogram, and the bank's own record of it. Nobody was wrong about
        // a PIN, so no try is counted.
        Cardholder::Device if is_within(now.amount, card.device_limit) => Ok(unchanged),
        // The cardholder told the bank that a vault's word shall do, which is the proof's limit.
        Cardholder::Vouched if matches!(presented.proof, Proof::Released { .. }) => Ok(unchanged),
        Cardholder::Device | Cardholder::Vouched | Cardholder::Unverified => {
            Err((Verdict::decline(DeclineCode::PinRequired), unchanged))
        }
    }
}

/// Whether a PIN is the card's: what the card becomes, or the refusal with it. A wrong one costs a try.
fn by_pin(card: &Card, value: &PinValue, unchanged: CardUse) -> Result<CardUse, (Verdict, CardUse)> {
    if *value == card.pin_value {
        return Ok(CardUse { pin_tries_left: PIN_TRIES_MAX, ..unchanged });
    }
    let left = card.pin_tries_left.saturating_sub(1);
    let (code, status) = if left == 0 {
        (DeclineCode::PinTriesExceeded, CardStatus::PinLocked)
    } else {
        (DeclineCode::WrongPin, CardStatus::Active)
    };
    let verdict = Verdict::Decline(Refusal { code, pin_tries_left: Some(left) });
    Err((verdict, CardUse { pin_tries_left: left, status, ..unchanged }))
}

/// Expiry, currency, limits, velocity and balance, for a payer who has proved to be the cardholder.
fn spend(card: &Card, presented: &Presented, now: &Circumstances) -> Verdict {
    if has_expired(card, presented, now.month_yymm) {
        return Verdict::decline(DeclineCode::CardExpired);
    }
    if now.amount.currency() != card.currency {
        return Verdict::decline(DeclineCode::DoNotHonour);
    }
    let by_stripe = matches!(presented.proof, Proof::Stripe(_) | Proof::Keyed);
    let of_alias = match presented.proof {
        Proof::Released { limit, .. } => Some(limit),
        Proof::Chip { .. } | Proof::Stripe(_) | Proof::Keyed => None,
    };
    let spent_with_this = now.spent_today.checked_add(now.amount);
    let within_limits = is_within(now.amount, card.payment_limit)
        && (!by_stripe || is_within(now.amount, card.stripe_limit))
        && of_alias.is_none_or(|limit| is_within(now.amount, limit))
        && spent_with_this.is_ok_and(|spent| is_within(spent, card.day_limit));
    if !within_limits {
        return Verdict::decline(DeclineCode::Limit);
    }
    if card.velocity.is_some_and(|most| now.payments_in_window >= most.payments) {
        return Verdict::decline(DeclineCode::TooManyPayments);
    }
    if !is_within(now.amount, now.available) {
        return Verdict::decline(DeclineCode::InsufficientFunds);
    }
    Verdict::Approve
}

/// Whether the month is after the card's last, by the bank's record or by the card's own word.
fn has_expired(card: &Card, presented: &Presented, month_yymm: [u8; 4]) -> bool {
    month_yymm > card.expiry_yymm || month_yymm > presented.expiry_yymm
}

/// Whether an amount is at most the other, in the same currency.
fn is_within(amount: Amount, most: Amount) -> bool {
    amount.currency() == most.currency() && amount.minor() <= most.minor()
}

#[cfg(test)]
mod tests;

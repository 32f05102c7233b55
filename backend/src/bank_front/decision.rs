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
    let (verdict, card_use) = match cardholder(card, presented, now, unchanged) {
        Err(refused) => refused,
        Ok(card_use) => (spend(card, presented, now), card_use),
    };
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
    let right = match &presented.cardholder {
        Cardholder::Pin(value) => *value == card.pin_value,
        Cardholder::MalformedPin => return Err((Verdict::decline(DeclineCode::OrderMismatch), unchanged)),
        // Both must say so: the card under its cryptogram, and the bank's own record of it. Nobody was wrong about
        // a PIN, so no try is counted.
        Cardholder::Device if is_within(now.amount, card.device_limit) => return Ok(unchanged),
        // The cardholder told the bank that a vault's word shall do, which is the proof's limit.
        Cardholder::Vouched if matches!(presented.proof, Proof::Released { .. }) => return Ok(unchanged),
        Cardholder::Device | Cardholder::Vouched | Cardholder::Unverified => {
            return Err((Verdict::decline(DeclineCode::PinRequired), unchanged));
        }
    };
    if right {
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
    let expired = now.month_yymm > card.expiry_yymm || now.month_yymm > presented.expiry_yymm;
    if expired {
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

/// Whether an amount is at most the other, in the same currency.
fn is_within(amount: Amount, most: Amount) -> bool {
    amount.currency() == most.currency() && amount.minor() <= most.minor()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank_front::account::AccountId;
    use crate::bank_front::card::{PanReference, Velocity};

    const VISA: &[u8] = &[0xA0, 0x00, 0x00, 0x00, 0x03, 0x10, 0x10];

    fn usd(minor: i64) -> Amount {
        Amount::new(minor, "USD".parse().unwrap())
    }

    fn pvv(digits: [u8; 4]) -> PinValue {
        PinValue::visa_pvv(digits)
    }

    fn card() -> Card {
        Card {
            pan_reference: PanReference::from_hmac(&[1; 32]),
            last_four: "0050".to_owned(),
            scheme: "visa".to_owned(),
            account_id: AccountId::of_cardholder("ann"),
            currency: usd(0).currency(),
            status: CardStatus::Active,
            expiry_yymm: *b"2612",
            pin_value: pvv([6, 0, 5, 8]),
            pin_tries_left: PIN_TRIES_MAX,
            atc: Some(41),
            payment_limit: usd(50_000),
            day_limit: usd(80_000),
            velocity: None,
            device_limit: usd(0),
            stripe_limit: usd(10_000),
            stripe_use: StripeUse::WithoutChip,
            psn: None,
            applications: Vec::new(),
        }
    }

    fn presented() -> Presented {
        Presented { proof: chip(42), expiry_yymm: *b"2612", cardholder: Cardholder::Pin(pvv([6, 0, 5, 8])) }
    }

    fn chip(atc: u16) -> Proof {
        Proof::Chip { atc, psn: Some(1), application: Application::OfTheScheme(VISA.to_vec()), objection: None }
    }

    fn now() -> Circumstances {
        Circumstances {
            amount: usd(1_280),
            available: usd(100_000),
            spent_today: usd(0),
            payments_in_window: 0,
            month_yymm: *b"2611",
        }
    }

    fn code(decision: &Decision) -> Option<DeclineCode> {
        match decision.verdict {
            Verdict::Approve => None,
            Verdict::Decline(refusal) => Some(refusal.code),
        }
    }

    #[test]
    fn a_good_payment_is_approved_and_consumes_its_counter() {
        let decision = decide(&card(), &presented(), &now());
        assert_eq!(decision.verdict, Verdict::Approve);
        let used = CardUse { atc: Some(42), pin_tries_left: 3, status: CardStatus::Active };
        assert_eq!(decision.card_use, Some(used));
    }

    #[test]
    fn a_used_counter_is_refused_without_touching_the_card() {
        let wrong_pin = Cardholder::Pin(pvv([0; 4]));
        for atc in [41, 40, 0] {
            let decision =
                decide(&card(), &Presented { proof: chip(atc), cardholder: wrong_pin.clone(), ..presented() }, &now());
            assert_eq!(code(&decision), Some(DeclineCode::Replay));
            assert_eq!(decision.card_use, None);
        }
    }

    #[test]
    fn the_first_counter_may_be_zero() {
        let fresh = Card { atc: None, ..card() };
        assert_eq!(decide(&fresh, &Presented { proof: chip(0), ..presented() }, &now()).verdict, Verdict::Approve);
    }

    #[test]
    fn wrong_pins_count_down_and_the_third_locks() {
        let mut card = card();
        for (left, expected) in
            [(2, DeclineCode::WrongPin), (1, DeclineCode::WrongPin), (0, DeclineCode::PinTriesExceeded)]
        {
            let cardholder = if left == 1 {
                Cardholder::Pin(PinValue::ibm3624_offset(&[6, 0, 5, 8, 0]))
            } else {
                Cardholder::Pin(pvv([0; 4]))
            };
            let atc = card.atc.unwrap() + 1;
            let decision = decide(&card, &Presented { proof: chip(atc), cardholder, ..presented() }, &now());
            let verdict = Verdict::Decline(Refusal { code: expected, pin_tries_left: Some(left) });
            assert_eq!(decision.verdict, verdict);
            let used = decision.card_use.unwrap();
            card = Card { atc: used.atc, pin_tries_left: used.pin_tries_left, status: used.status, ..card };
        }
        assert_eq!(card.status, CardStatus::PinLocked);
        let decision = decide(&card, &Presented { proof: chip(60), ..presented() }, &now());
        assert_eq!(code(&decision), Some(DeclineCode::PinTriesExceeded), "the right PIN no longer helps");
    }

    #[test]
    fn a_right_pin_gives_all_tries_back() {
        let used_up = Card { pin_tries_left: 1, ..card() };
        assert_eq!(decide(&used_up, &presented(), &now()).card_use.unwrap().pin_tries_left, 3);
    }

    #[test]
    fn a_malformed_pin_block_is_no_wrong_pin() {
        let decision = decide(&card(), &Presented { cardholder: Cardholder::MalformedPin, ..presented() }, &now());
        assert_eq!(code(&decision), Some(DeclineCode::OrderMismatch));
        assert_eq!(decision.card_use.unwrap().pin_tries_left, PIN_TRIES_MAX);
    }

    #[test]
    fn each_refusal_has_its_own_code() {
        let check = |card: Card, presented: Presented, now: Circumstances, expected: DeclineCode| {
            assert_eq!(code(&decide(&card, &presented, &now)), Some(expected));
        };
        check(Card { status: CardStatus::Blocked, ..card() }, presented(), now(), DeclineCode::CardBlocked);
        check(Card { status: CardStatus::Lost, ..card() }, presented(), now(), DeclineCode::CardLost);
        check(Card { status: CardStatus::Stolen, ..card() }, presented(), now(), DeclineCode::CardStolen);
        let busy = || Card { velocity: Some(Velocity { payments: 5, window_s: 60 }), ..card() };
        let often = |payments_in_window| Circumstances { payments_in_window, ..now() };
        check(busy(), presented(), often(5), DeclineCode::TooManyPayments);
        assert_eq!(decide(&busy(), &presented(), &often(4)).verdict, Verdict::Approve);
        check(card(), presented(), Circumstances { month_yymm: *b"2701", ..now() }, DeclineCode::CardExpired);
        check(card(), Presented { expiry_yymm: *b"2610", ..presented() }, now(), DeclineCode::CardExpired);
        let euros = Amount::new(1, "EUR".parse().unwrap());
        check(card(), presented(), Circumstances { amount: euros, ..now() }, DeclineCode::DoNotHonour);
        check(card(), presented(), Circumstances { amount: usd(50_001), ..now() }, DeclineCode::Limit);
        check(card(), presented(), Circumstances { spent_today: usd(78_721), ..now() }, DeclineCode::Limit);
        check(card(), presented(), Circumstances { available: usd(1_279), ..now() }, DeclineCode::InsufficientFunds);
    }

    #[test]
    fn the_last_cent_of_every_bound_is_allowed() {
        let at_bounds =
            Circumstances { spent_today: usd(78_720), available: usd(1_280), month_yymm: *b"2612", ..now() };
        assert_eq!(decide(&card(), &presented(), &at_bounds).verdict, Verdict::Approve);
        let most = Circumstances { amount: usd(50_000), ..now() };
        assert_eq!(decide(&card(), &presented(), &most).verdict, Verdict::Approve);
    }

    #[test]
    fn a_wrong_pin_is_told_before_funds_are() {
        let decision = decide(
            &card(),
            &Presented { cardholder: Cardholder::Pin(pvv([1; 4])), ..presented() },
            &Circumstances { available: usd(0), ..now() },
        );
        assert_eq!(code(&decision), Some(DeclineCode::WrongPin));
    }
    /// What a refusal is, and that it counted no PIN try.
    fn assert_refused(card: &Card, presented: &Presented, now: &Circumstances, expected: DeclineCode) {
        let decision = decide(card, presented, now);
        assert_eq!(code(&decision), Some(expected), "{presented:?}");
        assert_eq!(decision.card_use.unwrap().pin_tries_left, card.pin_tries_left);
    }

    #[test]
    fn no_pin_is_enough_only_when_card_and_record_both_say_so() {
        let by_device = Presented { cardholder: Cardholder::Device, ..presented() };
        let phone = Card { device_limit: usd(1_280), ..card() };
        let decision = decide(&phone, &by_device, &now());
        assert_eq!(decision.verdict, Verdict::Approve);
        assert_eq!(decision.card_use.unwrap().pin_tries_left, PIN_TRIES_MAX);
        // A plastic card, a card that does not say so, one minor unit too much.
        assert_refused(&card(), &by_device, &now(), DeclineCode::PinRequired);
        let unverified = Presented { cardholder: Cardholder::Unverified, ..presented() };
        assert_refused(&phone, &unverified, &now(), DeclineCode::PinRequired);
        assert_refused(&Card { device_limit: usd(1_279), ..card() }, &by_device, &now(), DeclineCode::PinRequired);
        // Tries that a thief used up are not given back without the PIN.
        let tried = Card { pin_tries_left: 1, ..phone };
        assert_eq!(decide(&tried, &by_device, &now()).card_use.unwrap().pin_tries_left, 1);
    }

    #[test]
    fn a_stripe_has_a_rule_and_a_limit_of_its_own_and_no_counter() {
        let swiped = |says| Presented { proof: Proof::Stripe(says), ..presented() };
        let decision = decide(&card(), &swiped(StripeSays::NoChip), &now());
        assert_eq!((decision.verdict, decision.card_use.unwrap().atc), (Verdict::Approve, None));
        assert_refused(&card(), &swiped(StripeSays::HasChip), &now(), DeclineCode::ChipRequired);
        assert_refused(&card(), &swiped(StripeSays::CashOnly), &now(), DeclineCode::NotPermitted);
        let never = Card { stripe_use: StripeUse::Never, ..card() };
        assert_refused(&never, &swiped(StripeSays::NoChip), &now(), DeclineCode::NotPermitted);
        let fallback = Card { stripe_use: StripeUse::Fallback, ..card() };
        assert_eq!(decide(&fallback, &swiped(StripeSays::HasChip), &now()).verdict, Verdict::Approve);
        let dear = Circumstances { amount: usd(10_001), ..now() };
        assert_refused(&card(), &swiped(StripeSays::NoChip), &dear, DeclineCode::Limit);
        assert_eq!(decide(&card(), &presented(), &dear).verdict, Verdict::Approve, "the chip may take more");
        let without_pin = Presented { cardholder: Cardholder::Unverified, ..swiped(StripeSays::NoChip) };
        assert_refused(&card(), &without_pin, &now(), DeclineCode::PinRequired);
    }

    #[test]
    fn a_released_card_has_the_limit_its_holder_set_and_no_counter() {
        let released = |limit| Presented {
            proof: Proof::Released {
                psn: Some(1),
                application: Application::OfTheScheme(VISA.to_vec()),
                objection: None,
                limit,
            },
            cardholder: Cardholder::Vouched,
            ..presented()
        };
        let decision = decide(&card(), &released(usd(1_280)), &now());
        assert_eq!((decision.verdict, decision.card_use.unwrap().atc), (Verdict::Approve, None));
        assert_refused(&card(), &released(usd(1_279)), &now(), DeclineCode::Limit);
        let euros = Amount::new(9_999, "EUR".parse().unwrap());
        assert_refused(&card(), &released(euros), &now(), DeclineCode::Limit);
        let blocked = Card { status: CardStatus::Blocked, ..card() };
        assert_refused(&blocked, &released(usd(1_280)), &now(), DeclineCode::CardBlocked);
        let replaced = decide(&Card { psn: Some(2), ..card() }, &released(usd(1_280)), &now());
        assert_eq!((code(&replaced), replaced.card_use), (Some(DeclineCode::CardReplaced), None));
        // A vault's word is nothing beside a card that was read, and a PIN is nothing beside a vault.
        let vouched = Presented { cardholder: Cardholder::Vouched, ..presented() };
        assert_refused(&card(), &vouched, &now(), DeclineCode::PinRequired);
        let unverified = Presented { cardholder: Cardholder::Unverified, ..released(usd(1_280)) };
        assert_refused(&card(), &unverified, &now(), DeclineCode::PinRequired);
    }

    #[test]
    fn a_typed_number_pays_only_where_a_stripe_may_stand_in_for_a_chip() {
        let typed = Presented { proof: Proof::Keyed, ..presented() };
        assert_refused(&card(), &typed, &now(), DeclineCode::NotPermitted);
        let fallback = Card { stripe_use: StripeUse::Fallback, ..card() };
        assert_eq!(decide(&fallback, &typed, &now()).verdict, Verdict::Approve);
        let dear = Circumstances { amount: usd(10_001), ..now() };
        assert_refused(&fallback, &typed, &dear, DeclineCode::Limit);
        let without_pin = Presented { cardholder: Cardholder::Unverified, ..typed };
        assert_refused(&fallback, &without_pin, &now(), DeclineCode::PinRequired);
    }

    #[test]
    fn a_card_that_was_replaced_is_refused_however_right_its_cryptogram() {
        let told = |psn| Presented {
            proof: Proof::Chip { atc: 42, psn, application: Application::OfTheScheme(VISA.to_vec()), objection: None },
            ..presented()
        };
        let second = Card { psn: Some(2), ..card() };
        assert_eq!(decide(&second, &told(Some(2)), &now()).verdict, Verdict::Approve);
        for other in [Some(1), Some(0), None] {
            let decision = decide(&second, &told(other), &now());
            assert_eq!((code(&decision), decision.card_use), (Some(DeclineCode::CardReplaced), None), "{other:?}");
        }
        // A card that tells no number is number zero; where the record has none, any card will do.
        assert_eq!(decide(&Card { psn: Some(0), ..card() }, &told(None), &now()).verdict, Verdict::Approve);
        assert_eq!(decide(&card(), &told(Some(7)), &now()).verdict, Verdict::Approve);
    }

    #[test]
    fn an_application_that_is_not_on_the_card_is_refused() {
        let used = |application, objection| Presented {
            proof: Proof::Chip { atc: 42, psn: Some(1), application, objection },
            ..presented()
        };
        let interac = || Application::CoBadged(vec![0xA0, 0x00, 0x00, 0x02, 0x77, 0x10, 0x10]);
        assert_refused(&card(), &used(interac(), None), &now(), DeclineCode::Cryptogram);
        let both = Card { applications: vec![VISA.to_vec(), vec![0xA0, 0x00, 0x00, 0x02, 0x77, 0x10, 0x10]], ..card() };
        assert_eq!(decide(&both, &used(interac(), None), &now()).verdict, Verdict::Approve);
        let electron = Application::OfTheScheme(vec![0xA0, 0x00, 0x00, 0x00, 0x03, 0x20, 0x10]);
        assert_refused(&both, &used(electron, None), &now(), DeclineCode::Cryptogram);
        let seen = used(Application::OfTheScheme(VISA.to_vec()), Some(DeclineCode::CardExpired));
        assert_refused(&both, &seen, &now(), DeclineCode::CardExpired);
    }
}

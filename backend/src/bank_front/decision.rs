//! The decision on one attempt: a pure function of the card, what was presented, and the account.
//!
//! The order of the checks is the order of what each would tell a stranger. A cryptogram that does
//! not verify says nothing of the PIN; a used counter ends the check before a PIN try is counted, so a replay
//! never costs one; only a genuine card with a fresh cryptogram learns whether the PIN was right.

use payment::{Amount, DeclineCode};

use super::card::{Card, CardStatus, CardUse, PIN_TRIES_MAX, PinValue};

/// What the payer presented, as the HSM has checked it: the seal opened and the cryptogram is right.
#[derive(Debug, Clone)]
pub struct Presented {
    /// The application transaction counter under the cryptogram.
    pub atc: u16,
    /// The expiry the card told, `YYMM`.
    pub expiry_yymm: [u8; 4],
    /// The PIN, as what verifies it.
    pub pin: PresentedPin,
}

/// What the PIN block held.
#[derive(Debug, Clone)]
pub enum PresentedPin {
    /// A PIN, as the value by which it is verified. A PIN of another length has another value.
    Value(PinValue),
    /// The block did not decipher to a PIN: a fault of sealing, not a wrong PIN (ISO 9564-1, 9.4).
    Malformed,
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
    if card.atc.is_some_and(|last| presented.atc <= last) {
        return Decision { verdict: Verdict::decline(DeclineCode::Replay), card_use: None };
    }
    let (verdict, card_use) = match pin_of(card, presented) {
        Err(refused) => refused,
        Ok(card_use) => (spend(card, presented, now), card_use),
    };
    Decision { verdict, card_use: Some(card_use) }
}

/// Status and PIN: what the card becomes, or the refusal with it.
fn pin_of(card: &Card, presented: &Presented) -> Result<CardUse, (Verdict, CardUse)> {
    let unchanged = CardUse { atc: presented.atc, pin_tries_left: card.pin_tries_left, status: card.status };
    match card.status {
        CardStatus::Active => {}
        CardStatus::Blocked => return Err((Verdict::decline(DeclineCode::CardBlocked), unchanged)),
        CardStatus::PinLocked => return Err((Verdict::decline(DeclineCode::PinTriesExceeded), unchanged)),
    }
    let right = match &presented.pin {
        PresentedPin::Value(value) => *value == card.pin_value,
        PresentedPin::Malformed => return Err((Verdict::decline(DeclineCode::OrderMismatch), unchanged)),
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

/// Expiry, currency, limits and balance, for a payer who has proved to be the cardholder.
fn spend(card: &Card, presented: &Presented, now: &Circumstances) -> Verdict {
    let expired = now.month_yymm > card.expiry_yymm || now.month_yymm > presented.expiry_yymm;
    if expired {
        return Verdict::decline(DeclineCode::CardExpired);
    }
    if now.amount.currency() != card.currency {
        return Verdict::decline(DeclineCode::DoNotHonour);
    }
    let spent_with_this = now.spent_today.checked_add(now.amount);
    let within_limits = now.amount.minor() <= card.payment_limit.minor()
        && spent_with_this.is_ok_and(|spent| spent.minor() <= card.day_limit.minor());
    if !within_limits {
        return Verdict::decline(DeclineCode::Limit);
    }
    if now.amount.minor() > now.available.minor() {
        return Verdict::decline(DeclineCode::InsufficientFunds);
    }
    Verdict::Approve
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank_front::account::AccountId;
    use crate::bank_front::card::PanReference;

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
        }
    }

    fn presented() -> Presented {
        Presented { atc: 42, expiry_yymm: *b"2612", pin: PresentedPin::Value(pvv([6, 0, 5, 8])) }
    }

    fn now() -> Circumstances {
        Circumstances { amount: usd(1_280), available: usd(100_000), spent_today: usd(0), month_yymm: *b"2611" }
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
        let used = CardUse { atc: 42, pin_tries_left: 3, status: CardStatus::Active };
        assert_eq!(decision.card_use, Some(used));
    }

    #[test]
    fn a_used_counter_is_refused_without_touching_the_card() {
        let wrong_pin = PresentedPin::Value(pvv([0; 4]));
        for atc in [41, 40, 0] {
            let decision = decide(&card(), &Presented { atc, pin: wrong_pin.clone(), ..presented() }, &now());
            assert_eq!(code(&decision), Some(DeclineCode::Replay));
            assert_eq!(decision.card_use, None);
        }
    }

    #[test]
    fn the_first_counter_may_be_zero() {
        let fresh = Card { atc: None, ..card() };
        assert_eq!(decide(&fresh, &Presented { atc: 0, ..presented() }, &now()).verdict, Verdict::Approve);
    }

    #[test]
    fn wrong_pins_count_down_and_the_third_locks() {
        let mut card = card();
        for (left, expected) in
            [(2, DeclineCode::WrongPin), (1, DeclineCode::WrongPin), (0, DeclineCode::PinTriesExceeded)]
        {
            let pin = if left == 1 {
                PresentedPin::Value(PinValue::ibm3624_offset(&[6, 0, 5, 8, 0]))
            } else {
                PresentedPin::Value(pvv([0; 4]))
            };
            let atc = card.atc.unwrap() + 1;
            let decision = decide(&card, &Presented { atc, pin, ..presented() }, &now());
            let verdict = Verdict::Decline(Refusal { code: expected, pin_tries_left: Some(left) });
            assert_eq!(decision.verdict, verdict);
            let used = decision.card_use.unwrap();
            card = Card { atc: Some(used.atc), pin_tries_left: used.pin_tries_left, status: used.status, ..card };
        }
        assert_eq!(card.status, CardStatus::PinLocked);
        let decision = decide(&card, &Presented { atc: 60, ..presented() }, &now());
        assert_eq!(code(&decision), Some(DeclineCode::PinTriesExceeded), "the right PIN no longer helps");
    }

    #[test]
    fn a_right_pin_gives_all_tries_back() {
        let used_up = Card { pin_tries_left: 1, ..card() };
        assert_eq!(decide(&used_up, &presented(), &now()).card_use.unwrap().pin_tries_left, 3);
    }

    #[test]
    fn a_malformed_pin_block_is_no_wrong_pin() {
        let decision = decide(&card(), &Presented { pin: PresentedPin::Malformed, ..presented() }, &now());
        assert_eq!(code(&decision), Some(DeclineCode::OrderMismatch));
        assert_eq!(decision.card_use.unwrap().pin_tries_left, PIN_TRIES_MAX);
    }

    #[test]
    fn each_refusal_has_its_own_code() {
        let check = |card: Card, presented: Presented, now: Circumstances, expected: DeclineCode| {
            assert_eq!(code(&decide(&card, &presented, &now)), Some(expected));
        };
        check(Card { status: CardStatus::Blocked, ..card() }, presented(), now(), DeclineCode::CardBlocked);
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
            &Presented { pin: PresentedPin::Value(pvv([1; 4])), ..presented() },
            &Circumstances { available: usd(0), ..now() },
        );
        assert_eq!(code(&decision), Some(DeclineCode::WrongPin));
    }
}

//! What the bank decides about a card: one check at a time, and their order.

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
    for (left, expected) in [(2, DeclineCode::WrongPin), (1, DeclineCode::WrongPin), (0, DeclineCode::PinTriesExceeded)]
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
    let at_bounds = Circumstances { spent_today: usd(78_720), available: usd(1_280), month_yymm: *b"2612", ..now() };
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

#[test]
fn a_card_shows_its_holder_by_chip_and_pin_and_spends_nothing() {
    let month = *b"2611";
    let decision = identify(&card(), &presented(), month);
    let used = CardUse { atc: Some(42), pin_tries_left: 3, status: CardStatus::Active };
    assert_eq!((decision.verdict, decision.card_use), (Verdict::Approve, Some(used)));
    // What the card may spend, and how often, is not asked.
    let poor = Card { payment_limit: usd(0), day_limit: usd(0), device_limit: usd(99_999), ..card() };
    assert_eq!(identify(&poor, &presented(), month).verdict, Verdict::Approve);
    let refused = |card: &Card, presented: &Presented, expected: DeclineCode| {
        let decision = identify(card, presented, month);
        assert_eq!(code(&decision), Some(expected), "{presented:?}");
        decision.card_use
    };
    let wrong = Presented { cardholder: Cardholder::Pin(pvv([0; 4])), ..presented() };
    assert_eq!(refused(&card(), &wrong, DeclineCode::WrongPin).unwrap().pin_tries_left, 2);
    let last = Card { pin_tries_left: 1, ..card() };
    let locked = refused(&last, &wrong, DeclineCode::PinTriesExceeded).unwrap();
    assert_eq!((locked.pin_tries_left, locked.status), (0, CardStatus::PinLocked));
    let unproven = [Cardholder::Device, Cardholder::Vouched, Cardholder::Unverified];
    for cardholder in unproven {
        let used = refused(&poor, &Presented { cardholder, ..presented() }, DeclineCode::PinRequired);
        assert_eq!(used.unwrap().pin_tries_left, PIN_TRIES_MAX);
    }
    let malformed = Presented { cardholder: Cardholder::MalformedPin, ..presented() };
    refused(&card(), &malformed, DeclineCode::OrderMismatch);
    let swiped = Presented { proof: Proof::Stripe(StripeSays::NoChip), ..presented() };
    refused(&card(), &swiped, DeclineCode::ChipRequired);
    refused(&Card { status: CardStatus::Stolen, ..card() }, &presented(), DeclineCode::CardStolen);
    refused(&card(), &Presented { expiry_yymm: *b"2610", ..presented() }, DeclineCode::CardExpired);
    assert_eq!(refused(&card(), &Presented { proof: chip(41), ..presented() }, DeclineCode::Replay), None);
}

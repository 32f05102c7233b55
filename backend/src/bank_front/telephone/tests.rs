//! The conversation, keyed through.

use payment::{Amount, VoucherNumber};

use super::menu::{Call, Caller, Deed, Errand, Event, Found, Language, Menu, Next, Offer, Refusal, Remark};
use super::speech::speech;
use crate::bank_front::hsm::VoucherCodes;
use vouchers::{BackupCode, VoucherCode};

const IDENTITY: &str = "079400000009";

fn usd(minor: i64) -> Amount {
    Amount::new(minor, "USD".parse().unwrap())
}

fn number() -> VoucherNumber {
    VoucherNumber::from_parts(&"420001".parse().unwrap(), 7).unwrap()
}

fn offer() -> Offer {
    Offer { fixed: "420001".parse().unwrap(), payee: "Blue Door".into(), amounts: vec![usd(2_000), usd(5_000)] }
}

/// Keys something that leads to a question.
fn asks(call: Call, digits: &str) -> Call {
    let (call, next) = call.apply(Event::Keyed(digits));
    assert!(matches!(next, Next::Speak(Remark::Nothing)), "{digits}");
    call
}

/// Keys something that leads to a deed.
fn does(call: Call, digits: &str) -> (Call, Deed) {
    let (call, next) = call.apply(Event::Keyed(digits));
    let Next::Do(deed) = next else { panic!("{digits} leads to no deed") };
    (call, deed)
}

fn finds(call: Call, found: Found) -> (Call, Remark) {
    let (call, next) = call.apply(Event::Found(found));
    let Next::Speak(remark) = next else { panic!("there is more to do") };
    (call, remark)
}

fn let_in(language: Language) -> Call {
    let call = asks(asks(Call::new(language), "1"), IDENTITY);
    let (call, deed) = does(call, "739182");
    assert!(matches!(deed, Deed::LetIn { pin, .. } if pin.expose() == b"739182"));
    finds(call, Found::LetIn(Caller("payer".into()))).0
}

/// At the question whether to buy for fifty.
fn at_the_till() -> Call {
    let (call, deed) = does(let_in(Language::English), "420001");
    assert!(matches!(deed, Deed::LookUp(fixed) if fixed.as_str() == "420001"));
    let (call, remark) = finds(call, Found::Offer(offer()));
    assert_eq!(remark, Remark::Nothing);
    asks(call, "2")
}

#[test]
fn a_voucher_is_bought_after_a_yes_to_its_amount_and_its_codes_are_heard_again_until_the_menu() {
    let call = at_the_till();
    let asked = speech(&call, &Remark::Nothing);
    assert!(asked.contains("50.00 US dollars") && asked.contains("Blue Door"), "{}", asked.as_str());
    let (call, deed) = does(call, "1");
    assert!(matches!(deed, Deed::Buy { amount, .. } if amount == usd(5_000)));
    let codes = VoucherCodes { code: VoucherCode::generate(&number()), backup: BackupCode::generate(&number()) };
    let spoken: String = codes.code.expose_ascii().iter().map(|digit| char::from(*digit)).collect();
    let (call, remark) = finds(call, Found::Sold(number(), codes));
    let heard = speech(&call, &remark);
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    assert!(digits(&heard).contains(&spoken), "the code is spoken");
    let again = asks(call, "1");
    assert_eq!(*speech(&again, &Remark::Nothing), *heard);
    let main = asks(again, "2");
    assert!(!digits(&speech(&main, &Remark::Nothing)).contains(&spoken), "the menu forgets it");
}

#[test]
fn nothing_is_bought_but_by_the_yes() {
    for digits in ["0", "2", "3", "9", "11", ""] {
        let (_, next) = at_the_till().apply(Event::Keyed(digits));
        assert!(matches!(next, Next::Speak(_)), "{digits} buys");
    }
    // A third amount was not offered.
    let (call, _) = does(let_in(Language::Chinese), "420001");
    let (call, _) = finds(call, Found::Offer(offer()));
    let (call, next) = call.apply(Event::Keyed("3"));
    assert!(matches!((call.menu, next), (Menu::Amount(..), Next::Speak(Remark::NotUnderstood))));
}

#[test]
fn a_slip_in_the_identity_code_is_told_like_a_wrong_pin() {
    let call = asks(asks(Call::new(Language::English), "1"), "111111111111");
    let (call, deed) = does(call, "739182");
    assert!(matches!(deed, Deed::LetIn { identity: None, .. }), "nobody is asked for, and as much is done");
    let (call, remark) = finds(call, Found::Refused(Refusal::NotLetIn));
    assert_eq!(remark, Remark::Refused(Refusal::NotLetIn));
    assert!(matches!(call.menu, Menu::Main));
}

#[test]
fn a_slip_in_a_code_is_no_try_and_a_call_has_few_of_both() {
    let code = VoucherCode::generate(&number());
    let typed = String::from_utf8(code.expose_ascii().to_vec()).unwrap();
    let slip = if typed.ends_with('0') { format!("{}1", &typed[..9]) } else { format!("{}0", &typed[..9]) };
    let call = asks(asks(Call::new(Language::English), "2"), number().as_str());
    let (call, next) = call.apply(Event::Keyed(&slip));
    assert!(matches!(next, Next::Speak(Remark::NotUnderstood)), "the bank is not asked");
    let (mut call, deed) = does(call, &typed);
    assert!(matches!(deed, Deed::Ask { errand: Errand::Balance, .. }));
    let mut heard = Remark::Nothing;
    for _ in 0..4 {
        (call, heard) = finds(call, Found::Refused(Refusal::WrongCode));
    }
    assert_eq!(heard, Remark::TooManyMistakes);
    assert!(matches!(call.menu, Menu::Over) && call.digits().is_none());
    // Whatever is keyed then, the call stays over.
    let (call, next) = call.apply(Event::Keyed("1"));
    assert!(matches!((call.menu, next), (Menu::Over, Next::Speak(Remark::TooManyMistakes))));
}

#[test]
fn every_question_is_worded_in_both_languages() {
    for language in [Language::English, Language::Chinese] {
        let main = Call::new(language);
        let other = asks(Call::new(language), "9");
        assert_ne!(other.language, language);
        let batch = let_in(language);
        let (looking, _) = does(let_in(language), "420001");
        let amount = finds(looking, Found::Offer(offer())).0;
        let number_asked = asks(Call::new(language), "3");
        let code_asked = asks(asks(Call::new(language), "3"), number().as_str());
        for call in [main, batch, amount, number_asked, code_asked] {
            assert!(!speech(&call, &Remark::NotUnderstood).is_empty() && call.digits().is_some());
            let is_chinese = speech(&call, &Remark::NotUnderstood).contains('请');
            assert_eq!(is_chinese, language == Language::Chinese);
        }
    }
}

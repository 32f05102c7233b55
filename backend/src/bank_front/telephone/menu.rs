//! The conversation as an enum and one pure `apply`: what was keyed, or found out, leads to the next question or deed.
//!
//! ```text
//! main ─1─► identity ─► PIN ─► letting in ─► batch ─► looking up ─► amount ─► confirm ─► buying ─► told
//!   ├──2──► number ─► code ─► asking ─► (balance) main
//!   ├──3──► number ─► code ─► asking ─► told
//!   └──9──► the other language
//! told ─1─► again   told ─2─► main
//! ```

use envelope::SecretBytes;
use payment::{Amount, FixedPart, IdentityCode, VoucherNumber};

use crate::bank_front::binding::TELEPHONE_PIN_DIGITS;
use crate::bank_front::hsm::VoucherCodes;
use vouchers::{CODE_DIGITS, VoucherCode};

/// What a call may be wrong about before it is ended: nobody sits there to help.
const MISTAKES_MAX: u8 = 5;
/// The most amounts that are offered: one key each.
pub(super) const OFFERS_MAX: usize = 8;

/// A language that the menu speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) enum Language {
    /// English.
    #[serde(rename = "en")]
    English,
    /// Chinese, spoken as Mandarin.
    #[serde(rename = "zh-Hans")]
    Chinese,
}

impl Language {
    const fn other(self) -> Self {
        match self {
            Self::English => Self::Chinese,
            Self::Chinese => Self::English,
        }
    }
}

/// What is done with a voucher that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Errand {
    /// What is on it.
    Balance,
    /// Another code for the old one.
    ChangeCode,
}

/// Somebody who was let in, by its id at the bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caller(pub(super) String);

/// What can be bought of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) fixed: FixedPart,
    /// Where its vouchers are good.
    pub(super) payee: String,
    /// What they are for, the smallest first; not empty.
    pub(super) amounts: Vec<Amount>,
}

/// Codes that were told, for whoever wants to hear them again.
pub(super) enum Told {
    /// A voucher was bought.
    Sold(VoucherNumber, VoucherCodes),
    /// It has another code.
    Changed(VoucherNumber, VoucherCode),
}

/// Where a call stands.
pub(super) enum Menu {
    Main,
    Identity,
    Pin(Option<IdentityCode>),
    LettingIn,
    Batch(Caller),
    LookingUp(Caller),
    Amount(Caller, Offer),
    Confirm(Caller, Offer, Amount),
    Buying,
    Number(Errand),
    Code(Errand, VoucherNumber),
    Asking,
    Told(Told),
    Over,
}

/// What has to be done before the caller hears more.
pub(super) enum Deed {
    LetIn { identity: Option<IdentityCode>, pin: SecretBytes },
    LookUp(FixedPart),
    Buy { caller: Caller, fixed: FixedPart, amount: Amount },
    Ask { errand: Errand, number: VoucherNumber, code: VoucherCode },
}

/// What came of it.
pub(super) enum Found {
    LetIn(Caller),
    Offer(Offer),
    Sold(VoucherNumber, VoucherCodes),
    Balance(Amount),
    Changed(VoucherNumber, VoucherCode),
    Refused(Refusal),
}

/// Why something was not done. No money moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Identity code or PIN are not right, or locked.
    NotLetIn,
    /// There is no such batch, or nothing left of it.
    NothingOffered,
    /// Above what the payer set for a payment or a day.
    Limit,
    /// The account does not hold enough.
    NotEnough,
    /// The code is not this voucher's.
    WrongCode,
    /// The voucher is locked: its backup code opens it.
    Locked,
    /// The voucher is locked: only the bank's counter opens it.
    BankLocked,
    /// The voucher is over.
    Ended,
    /// The bank cannot do it now.
    Unavailable,
}

/// What happened in a call.
pub(super) enum Event<'a> {
    /// Digits were keyed.
    Keyed(&'a str),
    /// A deed was done.
    Found(Found),
}

/// What the caller hears before the question that the call stands at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Remark {
    Nothing,
    /// What was keyed is none of what can be, or was mistyped.
    NotUnderstood,
    Refused(Refusal),
    Balance(Amount),
    /// There were too many mistakes.
    TooManyMistakes,
}

/// What comes next.
pub(super) enum Next {
    /// The caller hears this, and is asked what the call stands at.
    Speak(Remark),
    /// First this is done.
    Do(Deed),
}

/// A call.
pub(super) struct Call {
    pub(super) menu: Menu,
    pub(super) language: Language,
    mistakes: u8,
}

/// Fewest and most digits that are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(super) struct Digits {
    pub(super) min: usize,
    pub(super) max: usize,
}

impl Digits {
    const fn exactly(count: usize) -> Self {
        Self { min: count, max: count }
    }
}

impl Call {
    pub(super) const fn new(language: Language) -> Self {
        Self { menu: Menu::Main, language, mistakes: 0 }
    }

    /// How many digits the question takes; none when there is nothing to answer.
    pub(super) const fn digits(&self) -> Option<Digits> {
        match self.menu {
            Menu::Main | Menu::Amount(..) | Menu::Confirm(..) | Menu::Told(_) => Some(Digits::exactly(1)),
            Menu::Identity => Some(Digits::exactly(payment::identity_code::IDENTITY_CODE_DIGITS)),
            Menu::Pin(_) => Some(Digits::exactly(TELEPHONE_PIN_DIGITS)),
            Menu::Batch(_) => Some(Digits::exactly(payment::voucher::FIXED_DIGITS)),
            Menu::Number(_) => Some(Digits::exactly(payment::voucher::NUMBER_DIGITS)),
            Menu::Code(..) => Some(Digits::exactly(CODE_DIGITS)),
            Menu::LettingIn | Menu::LookingUp(_) | Menu::Buying | Menu::Asking | Menu::Over => None,
        }
    }

    /// What an event makes of the call.
    pub(super) fn apply(mut self, event: Event<'_>) -> (Self, Next) {
        let menu = std::mem::replace(&mut self.menu, Menu::Over);
        match event {
            Event::Keyed(digits) => self.keyed(menu, digits),
            Event::Found(found) => self.found(menu, found),
        }
    }

    fn keyed(self, menu: Menu, digits: &str) -> (Self, Next) {
        match (menu, digits) {
            (Menu::Main, "1") => self.asks(Menu::Identity),
            (Menu::Main, "2") => self.asks(Menu::Number(Errand::Balance)),
            (Menu::Main, "3") => self.asks(Menu::Number(Errand::ChangeCode)),
            (Menu::Main, "9") => Self { language: self.language.other(), ..self }.asks(Menu::Main),
            // A slip is not told here: whoever tries codes through learns nothing from the check digit.
            (Menu::Identity, digits) => self.asks(Menu::Pin(digits.parse().ok())),
            (Menu::Pin(identity), digits) => {
                self.does(Menu::LettingIn, Deed::LetIn { identity, pin: SecretBytes::copy_of(digits.as_bytes()) })
            }
            (Menu::Batch(caller), digits) => match digits.parse() {
                Ok(fixed) => self.does(Menu::LookingUp(caller), Deed::LookUp(fixed)),
                Err(_) => self.mistaken(Menu::Batch(caller)),
            },
            (Menu::Amount(caller, offer), digits) => {
                let place = digits.parse::<usize>().ok().and_then(|place| place.checked_sub(1));
                match place.and_then(|place| offer.amounts.get(place)).copied() {
                    Some(amount) => self.asks(Menu::Confirm(caller, offer, amount)),
                    None => self.mistaken(Menu::Amount(caller, offer)),
                }
            }
            (Menu::Confirm(caller, Offer { fixed, .. }, amount), "1") => {
                self.does(Menu::Buying, Deed::Buy { caller, fixed, amount })
            }
            (Menu::Confirm(..) | Menu::Told(_), "2") => self.asks(Menu::Main),
            (Menu::Number(errand), digits) => match digits.parse() {
                Ok(number) => self.asks(Menu::Code(errand, number)),
                Err(_) => self.mistaken(Menu::Number(errand)),
            },
            (Menu::Code(errand, number), digits) => match VoucherCode::parse(&number, digits.as_bytes()) {
                Ok(code) => self.does(Menu::Asking, Deed::Ask { errand, number, code }),
                // The check digits tell a slip, which costs no try.
                Err(_) => self.mistaken(Menu::Code(errand, number)),
            },
            (Menu::Told(told), "1") => self.asks(Menu::Told(told)),
            (menu @ (Menu::Main | Menu::Confirm(..) | Menu::Told(_)), _) => self.mistaken(menu),
            // Nothing is asked there: the gateway spoke out of turn.
            (menu @ (Menu::LettingIn | Menu::LookingUp(_) | Menu::Buying | Menu::Asking | Menu::Over), _) => {
                self.mistaken(menu)
            }
        }
    }

    fn found(self, menu: Menu, found: Found) -> (Self, Next) {
        match (menu, found) {
            (Menu::LettingIn, Found::LetIn(caller)) => self.asks(Menu::Batch(caller)),
            (Menu::LookingUp(caller), Found::Offer(offer)) => self.asks(Menu::Amount(caller, offer)),
            (Menu::LookingUp(caller), Found::Refused(refusal)) => {
                self.remarks(Menu::Batch(caller), Remark::Refused(refusal))
            }
            (Menu::Buying, Found::Sold(number, codes)) => self.asks(Menu::Told(Told::Sold(number, codes))),
            (Menu::Asking, Found::Changed(number, code)) => self.asks(Menu::Told(Told::Changed(number, code))),
            (Menu::Asking, Found::Balance(amount)) => self.remarks(Menu::Main, Remark::Balance(amount)),
            // Each refused try is a mistake too, so a call has few of them whatever is tried.
            (_, Found::Refused(refusal)) => {
                let (call, next) = self.mistaken(Menu::Main);
                let Next::Speak(Remark::NotUnderstood) = next else { return (call, next) };
                (call, Next::Speak(Remark::Refused(refusal)))
            }
            (_, Found::LetIn(_) | Found::Offer(_) | Found::Sold(..) | Found::Changed(..) | Found::Balance(_)) => {
                self.remarks(Menu::Main, Remark::Refused(Refusal::Unavailable))
            }
        }
    }

    fn asks(self, menu: Menu) -> (Self, Next) {
        self.remarks(menu, Remark::Nothing)
    }

    fn remarks(self, menu: Menu, remark: Remark) -> (Self, Next) {
        (Self { menu, ..self }, Next::Speak(remark))
    }

    fn does(self, menu: Menu, deed: Deed) -> (Self, Next) {
        (Self { menu, ..self }, Next::Do(deed))
    }

    fn mistaken(self, menu: Menu) -> (Self, Next) {
        let mistakes = self.mistakes.saturating_add(1);
        if mistakes >= MISTAKES_MAX {
            return (Self { menu: Menu::Over, mistakes, ..self }, Next::Speak(Remark::TooManyMistakes));
        }
        (Self { menu, mistakes, ..self }, Next::Speak(Remark::NotUnderstood))
    }
}

//! Cardholder verification: which method the card's list and this terminal agree on (Book 3 section 10.5; Book 4
//! section 6.3.4).
//!
//! Book 3 table 43 codes the methods, table 44 the conditions. Offline PIN is never done, whatever the terminal says of
//! itself: a phone is no place for a card's own PIN (ISO 9564-4), and a wrong one would cost a try.

/// How the cardholder is verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CardholderVerification {
    /// The PIN goes to the bank, enciphered.
    OnlinePin,
    /// The phone or watch has verified its owner.
    ConsumerDevice,
    /// The card asks for a signature.
    Signature,
    /// The card asks for nothing.
    NotRequired,
    /// No method of the list can be done here; the bank decides.
    Failed,
}

impl CardholderVerification {
    /// A stable code for interfaces and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::OnlinePin => "online_pin",
            Self::ConsumerDevice => "consumer_device",
            Self::Signature => "signature",
            Self::NotRequired => "not_required",
            Self::Failed => "failed",
        }
    }
}

/// Why the PIN was not chosen to go to the bank.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoOnlinePin {
    /// The phone or watch has verified its owner, so that no PIN is wanted.
    DeviceVerified,
    /// The card says it supports no cardholder verification at all (AIP byte 1 bit 5).
    CardDoesNotSupport,
    /// The card gives no list, or one without a rule.
    NoList,
    /// The list, or the card's qualifiers, do not have the method.
    NotInList,
    /// The list has it, under conditions this payment does not meet.
    ConditionNotMet,
    /// Another rule came first.
    AnotherFirst,
    /// This terminal has no way to take a PIN.
    TerminalCannot,
}

impl NoOnlinePin {
    /// A stable code for interfaces and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::DeviceVerified => "device_verified",
            Self::CardDoesNotSupport => "card_does_not_support",
            Self::NoList => "no_list",
            Self::NotInList => "not_in_list",
            Self::ConditionNotMet => "condition_not_met",
            Self::AnotherFirst => "another_first",
            Self::TerminalCannot => "terminal_cannot",
        }
    }
}

/// Result of a CVM list evaluation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CvmOutcome {
    /// What was chosen.
    pub verification: CardholderVerification,
    /// Tag 9F34: method, condition, result (Book 4 annex A4).
    pub results: [u8; 3],
    /// Bits for TVR byte 3 (Book 3 annex C5).
    pub tvr_3: u8,
    /// Why the PIN does not go to the bank; `None` when it does.
    pub no_online_pin: Option<NoOnlinePin>,
    /// Whether there was a list to perform, as TSI byte 1 bit 7 wants to know.
    pub performed: Performed,
}

/// Whether cardholder verification was performed (Book 4 section 6.3.4.5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Performed {
    /// A list was gone through.
    Yes,
    /// There was none.
    No,
}

/// The facts the conditions of a CVM list look at (Book 3 table 44).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CvmConditions {
    /// Amount, in minor units.
    pub amount_minor: u64,
    /// Whether the payment is in the application's own currency: X and Y are in that one.
    pub currency: CvmCurrency,
}

/// Whether amounts of the list can be compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CvmCurrency {
    /// The same as the application's.
    Application,
    /// Another, or unknown.
    Other,
}

/// What a terminal can do and what it is used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CvmTerminal {
    /// 9F33 byte 2: bit 7 online PIN, bit 6 signature, bit 4 no CVM (Book 4 annex A2).
    pub capabilities: u8,
    /// What is paid for.
    pub service: CvmService,
}

/// What the conditions 01, 02, 04 and 05 ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CvmService {
    /// Goods or services.
    Purchase,
    /// Goods or services, with cash.
    Cashback,
    /// Cash from a machine.
    UnattendedCash,
    /// Cash from a person.
    ManualCash,
}

impl CvmTerminal {
    /// This product: online PIN and no CVM, for purchases.
    pub const PURCHASE: Self = Self { capabilities: 0x48, service: CvmService::Purchase };
}

/// TVR byte 3.
const NOT_SUCCESSFUL: u8 = 0x80;
const UNRECOGNISED: u8 = 0x40;
const PIN_PAD_MISSING: u8 = 0x10;
const ONLINE_PIN_ENTERED: u8 = 0x04;

/// Method codes, bits 6 to 1 of a rule's first byte (Book 3 table 43).
const FAIL: u8 = 0x00;
const ONLINE_PIN: u8 = 0x02;
const SIGNATURE: u8 = 0x1E;
const NO_CVM: u8 = 0x1F;

/// What became of one rule.
enum Attempt {
    /// This is it.
    Done(CardholderVerification, u8),
    /// The terminal cannot do the method.
    NotSupported,
    /// Nobody knows the method.
    NotRecognised,
    /// The method is to fail.
    Fails,
}

/// Evaluates tag 8E for a purchase with this product's abilities.
///
/// A list that is absent, too short or of odd length gives no method.
pub fn choose(list: Option<&[u8]>, conditions: CvmConditions) -> CvmOutcome {
    evaluate(list, conditions, CvmTerminal::PURCHASE)
}

/// Evaluates tag 8E.
pub fn evaluate(list: Option<&[u8]>, conditions: CvmConditions, terminal: CvmTerminal) -> CvmOutcome {
    let Some((amounts, rules)) = list.and_then(parse) else {
        return CvmOutcome {
            verification: CardholderVerification::NotRequired,
            results: [0x3F, 0x00, 0x00],
            tvr_3: 0,
            no_online_pin: Some(NoOnlinePin::NoList),
            performed: Performed::No,
        };
    };
    let mut tvr_3 = 0;
    // What 9F34 says when nothing succeeds: the rule that failed, or that no rule could be performed (Book 4 table 2).
    let mut failed = [0x3F, 0x00, 0x01];
    for [method, condition] in rules.iter().copied() {
        if !applies(method, condition, conditions, terminal, amounts) {
            continue;
        }
        match attempt(method, terminal) {
            Attempt::Done(verification, result) => {
                let online = verification == CardholderVerification::OnlinePin;
                return CvmOutcome {
                    verification,
                    results: [method, condition, result],
                    tvr_3: tvr_3 | if online { ONLINE_PIN_ENTERED } else { 0 },
                    no_online_pin: (!online).then(|| reason(rules, terminal)),
                    performed: Performed::Yes,
                };
            }
            Attempt::NotSupported if is_pin(method) => tvr_3 |= PIN_PAD_MISSING,
            Attempt::NotSupported => {}
            Attempt::NotRecognised => tvr_3 |= UNRECOGNISED,
            Attempt::Fails => failed = [method, condition, 0x01],
        }
        // Bit 7: whether the next rule may be tried when this one does not succeed.
        if method & 0x40 == 0 {
            break;
        }
    }
    CvmOutcome {
        verification: CardholderVerification::Failed,
        results: failed,
        tvr_3: tvr_3 | NOT_SUCCESSFUL,
        no_online_pin: Some(reason(rules, terminal)),
        performed: Performed::Yes,
    }
}

/// The amounts X and Y, in minor units.
type Amounts = (u64, u64);

/// X and Y, then the rules.
fn parse(list: &[u8]) -> Option<(Amounts, &[[u8; 2]])> {
    let (amounts, rules) = list.split_at_checked(8)?;
    let (rules, rest) = rules.as_chunks::<2>();
    let number = |from: usize| amounts[from..from + 4].iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
    (rest.is_empty() && !rules.is_empty()).then(|| ((number(0), number(4)), rules))
}

fn attempt(method: u8, terminal: CvmTerminal) -> Attempt {
    let can = |bit: u8| terminal.capabilities & bit != 0;
    match method & 0x3F {
        FAIL => Attempt::Fails,
        ONLINE_PIN if can(0x40) => Attempt::Done(CardholderVerification::OnlinePin, 0x00),
        SIGNATURE if can(0x20) => Attempt::Done(CardholderVerification::Signature, 0x00),
        NO_CVM if can(0x08) => Attempt::Done(CardholderVerification::NotRequired, 0x02),
        // Offline PIN, plain or enciphered, with or without signature.
        0x01 | ONLINE_PIN | 0x03..=0x05 | SIGNATURE | NO_CVM => Attempt::NotSupported,
        _ => Attempt::NotRecognised,
    }
}

/// Whether a method needs a PIN pad.
fn is_pin(method: u8) -> bool {
    (0x01..=0x05).contains(&(method & 0x3F))
}

/// Whether a rule's condition holds (Book 3 table 44). An unknown condition never does.
fn applies(method: u8, condition: u8, facts: CvmConditions, terminal: CvmTerminal, (x, y): Amounts) -> bool {
    let comparable = facts.currency == CvmCurrency::Application;
    match condition {
        0x00 => true,
        0x01 => terminal.service == CvmService::UnattendedCash,
        0x02 => terminal.service == CvmService::Purchase,
        // If the terminal supports the method.
        0x03 => matches!(attempt(method, terminal), Attempt::Done(..) | Attempt::Fails),
        0x04 => terminal.service == CvmService::ManualCash,
        0x05 => terminal.service == CvmService::Cashback,
        0x06 => comparable && facts.amount_minor < x,
        0x07 => comparable && facts.amount_minor > x,
        0x08 => comparable && facts.amount_minor < y,
        0x09 => comparable && facts.amount_minor > y,
        _ => false,
    }
}

/// Why online PIN was not what came out.
fn reason(rules: &[[u8; 2]], terminal: CvmTerminal) -> NoOnlinePin {
    let listed = || rules.iter().filter(|[method, _]| method & 0x3F == ONLINE_PIN);
    if listed().next().is_none() {
        NoOnlinePin::NotInList
    } else if terminal.capabilities & 0x40 == 0 {
        NoOnlinePin::TerminalCannot
    } else if listed().any(|[_, condition]| matches!(condition, 0x00 | 0x02 | 0x03)) {
        // It would have been possible in any purchase, so a rule before it ended the search.
        NoOnlinePin::AnotherFirst
    } else {
        NoOnlinePin::ConditionNotMet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(list: &str, terminal: CvmTerminal) -> CvmOutcome {
        let conditions = CvmConditions { amount_minor: 1000, currency: CvmCurrency::Application };
        evaluate(Some(&hex::decode(list).unwrap()), conditions, terminal)
    }

    fn check(list: &str, expected: CardholderVerification, results: [u8; 3], tvr_3: u8) {
        let outcome = outcome(list, CvmTerminal::PURCHASE);
        assert_eq!((outcome.verification, outcome.results, outcome.tvr_3), (expected, results, tvr_3), "{list}");
        assert_eq!(outcome.no_online_pin.is_none(), expected == CardholderVerification::OnlinePin, "{list}");
    }

    const NONE: &str = "0000000000000000";

    #[test]
    fn picks_the_first_method_both_can_do() {
        use CardholderVerification::{Failed, NotRequired, OnlinePin};
        check(&format!("{NONE}410342031E031F02"), OnlinePin, [0x42, 0x03, 0x00], 0x04);
        check(&format!("{NONE}02031E031F03"), OnlinePin, [0x02, 0x03, 0x00], 0x04);
        check(&format!("{NONE}5E031F03"), NotRequired, [0x1F, 0x03, 0x02], 0x00);
        check(&format!("{NONE}1E03"), Failed, [0x3F, 0x00, 0x01], 0x80);
        check(&format!("{NONE}1E00"), Failed, [0x3F, 0x00, 0x01], 0x80);
        check("00002710000000005F0602000000", NotRequired, [0x5F, 0x06, 0x02], 0x00);
    }

    #[test]
    fn a_rule_that_does_not_succeed_ends_the_list_or_not() {
        use CardholderVerification::{Failed, NotRequired, OnlinePin};
        // Offline PIN always, then online PIN: bit 7 decides.
        check(&format!("{NONE}41000200"), OnlinePin, [0x02, 0x00, 0x00], 0x14);
        check(&format!("{NONE}01000200"), Failed, [0x3F, 0x00, 0x01], 0x90);
        // A method nobody knows.
        check(&format!("{NONE}60001F00"), NotRequired, [0x1F, 0x00, 0x02], 0x40);
        check(&format!("{NONE}20001F00"), Failed, [0x3F, 0x00, 0x01], 0xC0);
        check(&format!("{NONE}60031F03"), NotRequired, [0x1F, 0x03, 0x02], 0x00);
        // Fail CVM processing says which rule it was.
        check(&format!("{NONE}0000"), Failed, [0x00, 0x00, 0x01], 0x80);
        check(&format!("{NONE}40001F00"), NotRequired, [0x1F, 0x00, 0x02], 0x00);
        // Conditions nobody knows never hold.
        check(&format!("{NONE}020A02FF"), Failed, [0x3F, 0x00, 0x01], 0x80);
    }

    #[test]
    fn conditions_look_at_service_amount_and_currency() {
        use CardholderVerification::{NotRequired, OnlinePin};
        let cash = |service| CvmTerminal { capabilities: 0x48, service };
        let chosen = |rules: &str, terminal| outcome(&format!("000003E8000007D0{rules}"), terminal).verification;
        for (condition, service) in
            [("01", CvmService::UnattendedCash), ("04", CvmService::ManualCash), ("05", CvmService::Cashback)]
        {
            let rules = format!("42{condition}1F00");
            assert_eq!(chosen(&rules, cash(service)), OnlinePin, "{condition}");
            assert_eq!(chosen(&rules, CvmTerminal::PURCHASE), NotRequired, "{condition}");
            assert_eq!(chosen("42021F00", cash(service)), NotRequired, "not for cash");
        }
        // X is 1000 and Y 2000; the amount is 1000.
        for (condition, holds) in [("06", false), ("07", false), ("08", true), ("09", false)] {
            let expected = if holds { OnlinePin } else { NotRequired };
            assert_eq!(chosen(&format!("42{condition}1F00"), CvmTerminal::PURCHASE), expected, "{condition}");
        }
        let other = CvmConditions { amount_minor: 1, currency: CvmCurrency::Other };
        let list = hex::decode("000003E8000007D0420842061F00").unwrap();
        assert_eq!(choose(Some(&list), other).verification, NotRequired);
    }

    #[test]
    fn says_why_no_pin_goes_to_the_bank() {
        let why = |rules: &str, capabilities| {
            let terminal = CvmTerminal { capabilities, service: CvmService::Purchase };
            outcome(&format!("{NONE}{rules}"), terminal).no_online_pin
        };
        assert_eq!(why("1F00", 0x48), Some(NoOnlinePin::NotInList));
        assert_eq!(why("42011F00", 0x48), Some(NoOnlinePin::ConditionNotMet));
        assert_eq!(why("1F000200", 0x48), Some(NoOnlinePin::AnotherFirst));
        assert_eq!(why("42031F03", 0x08), Some(NoOnlinePin::TerminalCannot));
        assert_eq!(why("42031F03", 0x48), None);
        assert_eq!(
            choose(None, CvmConditions { amount_minor: 0, currency: CvmCurrency::Other }).no_online_pin,
            Some(NoOnlinePin::NoList)
        );
    }

    #[test]
    fn a_terminal_with_signature_takes_one() {
        let terminal = CvmTerminal { capabilities: 0x68, service: CvmService::Purchase };
        let outcome = outcome(&format!("{NONE}1E031F03"), terminal);
        assert_eq!((outcome.verification, outcome.results[2]), (CardholderVerification::Signature, 0x00));
        assert!(outcome.performed == Performed::Yes);
    }

    #[test]
    fn no_usable_list_is_no_method() {
        for list in ["000186A0000003E81E0342", "000186A0", "", NONE] {
            let outcome = outcome(list, CvmTerminal::PURCHASE);
            assert_eq!(outcome.verification, CardholderVerification::NotRequired, "{list}");
            assert_eq!((outcome.results, outcome.tvr_3), ([0x3F, 0x00, 0x00], 0x00));
            assert_eq!(outcome.performed, Performed::No);
        }
        check(&format!("{NONE}4103"), CardholderVerification::Failed, [0x3F, 0x00, 0x01], 0x80);
    }
}

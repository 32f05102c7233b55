//! Cardholder verification: which method the card's list and this terminal agree on (Book 3 section 10.5).

/// How the cardholder is verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CardholderVerification {
    /// The PIN goes to the bank, enciphered.
    OnlinePin,
    /// The phone or watch has verified its owner.
    ConsumerDevice,
    /// The card asks for a signature, which this terminal cannot take; the bank decides.
    Signature,
    /// The card asks for nothing.
    NotRequired,
    /// No method of the list can be done here; the bank decides.
    Failed,
}

/// Rule and result of a CVM list evaluation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CvmOutcome {
    /// What was chosen.
    pub verification: CardholderVerification,
    /// Tag 9F34: method, condition, result (Book 4 annex A4).
    pub results: [u8; 3],
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

/// Evaluates tag 8E for a purchase without cashback at a terminal with online PIN and no CVM.
///
/// A list that is absent, too short or of odd length gives no method.
pub fn choose(list: Option<&[u8]>, conditions: CvmConditions) -> CvmOutcome {
    let nothing = CvmOutcome { verification: CardholderVerification::NotRequired, results: [0x3F, 0x00, 0x00] };
    let Some((amounts, rules)) = list.and_then(|list| list.split_at_checked(8)) else {
        return nothing;
    };
    let (rules, rest) = rules.as_chunks::<2>();
    if !rest.is_empty() || rules.is_empty() {
        return nothing;
    }
    let field = |from: usize| amounts[from..from + 4].iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
    let (x, y) = (field(0), field(4));
    for [method, condition] in rules.iter().copied() {
        if !applies(condition, conditions, x, y) {
            continue;
        }
        // Bits 6 to 1 are the method, bit 7 says whether the next rule may be tried (Book 3 table 43).
        let verification = match method & 0x3F {
            0x02 => Some(CardholderVerification::OnlinePin),
            0x1E => Some(CardholderVerification::Signature),
            0x1F => Some(CardholderVerification::NotRequired),
            _ => None,
        };
        // Signature is a method this terminal has no way to take, so its rule counts as not successful.
        match verification {
            Some(CardholderVerification::OnlinePin) => {
                return CvmOutcome {
                    verification: CardholderVerification::OnlinePin,
                    results: [method, condition, 0x00],
                };
            }
            Some(CardholderVerification::NotRequired) => {
                return CvmOutcome {
                    verification: CardholderVerification::NotRequired,
                    results: [method, condition, 0x02],
                };
            }
            _ if method & 0x40 != 0 => {}
            other => {
                let verification = other.unwrap_or(CardholderVerification::Failed);
                return CvmOutcome { verification, results: [method, condition, 0x01] };
            }
        }
    }
    CvmOutcome { verification: CardholderVerification::Failed, results: [0x3F, 0x00, 0x01] }
}

/// Whether a rule's condition holds for a purchase (Book 3 table 44).
fn applies(condition: u8, facts: CvmConditions, x: u64, y: u64) -> bool {
    let comparable = facts.currency == CvmCurrency::Application;
    match condition {
        // Always; not unattended cash, manual cash or cashback; terminal supports the method.
        0x00 | 0x02 | 0x03 => true,
        0x06 => comparable && facts.amount_minor < x,
        0x07 => comparable && facts.amount_minor > x,
        0x08 => comparable && facts.amount_minor < y,
        0x09 => comparable && facts.amount_minor > y,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(list: &str, expected: CardholderVerification, results: [u8; 3]) {
        let conditions = CvmConditions { amount_minor: 1000, currency: CvmCurrency::Application };
        let outcome = choose(Some(&hex::decode(list).unwrap()), conditions);
        assert_eq!((outcome.verification, outcome.results), (expected, results), "{list}");
    }

    #[test]
    fn picks_the_first_method_both_can_do() {
        check("0000000000000000410342031E031F02", CardholderVerification::OnlinePin, [0x42, 0x03, 0x00]);
        check("000000000000000002031E031F03", CardholderVerification::OnlinePin, [0x02, 0x03, 0x00]);
        check("00000000000000005E031F03", CardholderVerification::NotRequired, [0x1F, 0x03, 0x02]);
        check("00000000000000001E03", CardholderVerification::Signature, [0x1E, 0x03, 0x01]);
        check("00002710000000005F0602000000", CardholderVerification::NotRequired, [0x5F, 0x06, 0x02]);
    }

    #[test]
    fn no_usable_list_is_no_method() {
        check("000186A0000003E81E0342", CardholderVerification::NotRequired, [0x3F, 0x00, 0x00]);
        check("000186A0", CardholderVerification::NotRequired, [0x3F, 0x00, 0x00]);
        check("00000000000000004103", CardholderVerification::Failed, [0x3F, 0x00, 0x01]);
    }
}

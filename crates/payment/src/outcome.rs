//! The bank's signed word on one attempt: approved or declined, for exactly which order.

use serde::{Deserialize, Serialize};

use crate::amount::Amount;
use crate::decline::DeclineCode;
use crate::hash::{AttemptHash, OrderHash};
use crate::id::{AttemptId, MerchantId, RequestId};

/// The only outcome version there is.
pub const OUTCOME_VERSION: u8 = 1;

/// What the bank decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case", deny_unknown_fields)]
pub enum BankResult {
    /// The money moved.
    Approved {
        /// ISO 8583 DE 38.
        approval_code: String,
    },
    /// No money moved.
    Declined {
        /// Why.
        code: DeclineCode,
        /// How many PIN tries the bank still allows, after a wrong PIN.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pin_tries_left: Option<u8>,
    },
    /// An approval was undone by a reversal: no money moved in the end.
    Reversed,
}

/// What the bank signs. Its canonical JSON is the payload of a JWS by the bank's outcome key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Always [`OUTCOME_VERSION`].
    pub version: u8,
    /// The bank that decided; names the root that certifies the signing key.
    pub bank_id: String,
    /// The request.
    pub request_id: RequestId,
    /// The attempt.
    pub attempt_id: AttemptId,
    /// What the order hashed to at the bank.
    pub order_hash: OrderHash,
    /// What the attempt hashed to at the bank.
    pub attempt_hash: AttemptHash,
    /// Who is paid.
    pub merchant_id: MerchantId,
    /// How much.
    pub amount: Amount,
    /// The decision.
    pub decision: BankResult,
    /// ISO 8583 DE 37.
    pub rrn: String,
    /// The card's scheme and last four digits, such as `visa ••0050`; empty when the card was not read.
    pub card_label: String,
    /// When the bank decided, in ms since the Unix epoch, by the bank's clock.
    pub decided_ms: u64,
}

impl Outcome {
    /// The canonical JSON form (RFC 8785) that the bank signs.
    pub fn canonical(&self) -> Vec<u8> {
        serde_json_canonicalizer::to_vec(self).expect("an outcome has only strings, integers and maps")
    }

    /// Reads an outcome back from its canonical bytes; any other spelling is refused.
    pub fn from_canonical(bytes: &[u8]) -> Option<Self> {
        let outcome: Self = serde_json::from_slice(bytes).ok()?;
        (outcome.version == OUTCOME_VERSION && outcome.canonical() == bytes).then_some(outcome)
    }

    /// Whether the money moved.
    pub const fn is_approved(&self) -> bool {
        matches!(self.decision, BankResult::Approved { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_form_round_trips_and_is_stable() {
        let outcome = Outcome {
            version: OUTCOME_VERSION,
            bank_id: "first".into(),
            request_id: RequestId::from_bytes([1; 16]),
            attempt_id: AttemptId::from_bytes([2; 16]),
            order_hash: OrderHash::from_bytes([3; 32]),
            attempt_hash: AttemptHash::from_bytes([4; 32]),
            merchant_id: "blue-door".parse().unwrap(),
            amount: Amount::new(1280, "USD".parse().unwrap()),
            decision: BankResult::Declined { code: DeclineCode::WrongPin, pin_tries_left: Some(2) },
            rrn: "632600000001".into(),
            card_label: "visa ••0050".into(),
            decided_ms: 1_795_000_010_000,
        };
        let canonical = outcome.canonical();
        insta::assert_snapshot!(String::from_utf8(canonical.clone()).unwrap());
        assert_eq!(Outcome::from_canonical(&canonical), Some(outcome));
        let mut spaced = canonical;
        spaced.push(b' ');
        assert_eq!(Outcome::from_canonical(&spaced), None);
    }
}

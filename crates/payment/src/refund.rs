//! Refunds: what a merchant signs to give money back, how far that has come, and the bank's signed word on it.
//!
//! ```text
//! pending ─┬─ (the bank signed that it gave back) → refunded
//!          ├─ (the bank signed that it refuses)   → refused
//!          └─ (the bank contradicts the order)    → needs_manual_review → pending | refunded | refused
//! ```
//!
//! A refund order is whole in the database, and the bank keeps its answer to it. So a refund that is not answered is
//! asked for again, as the same message, until it is: it never has to be undone, and no timer ends it. While it is
//! pending or in review its amount counts as given back.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::amount::Amount;
use crate::decline::DeclineCode;
use crate::hash::RefundHash;
use crate::id::{AttemptId, MerchantId, RefundId, RequestId};
use crate::order::{JSON_INTEGER_MAX, is_hidden};
use crate::{InvalidTransition, Standing};

/// The only version there is of a refund order and of its outcome.
pub const REFUND_VERSION: u8 = 1;
/// The longest reason, in characters.
pub const REASON_CHARS_MAX: usize = 140;
/// The largest canonical refund order, in bytes.
pub const CANONICAL_BYTES_MAX: usize = 2 * 1024;

/// Why bytes are not a refund order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundError {
    /// The JSON is malformed, has unknown members, or is not of version 1.
    #[error("the refund is malformed")]
    Malformed,
    /// The bytes are not the RFC 8785 canonical form of the refund order they hold.
    #[error("the refund is not in canonical form")]
    NotCanonical,
    /// A field is outside its bounds; the field's name is given.
    #[error("the refund's {0} is out of bounds")]
    OutOfBounds(&'static str),
}

/// What a merchant signs to give back of a paid request, in full or in part.
///
/// Fields are public to read; a value is made only by [`RefundOrder::new`] or [`RefundOrder::from_canonical`], which
/// both check every bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RefundOrder {
    /// Always [`REFUND_VERSION`].
    pub version: u8,
    /// This refund; made by the merchant, and its idempotency key.
    pub refund_id: RefundId,
    /// The request it gives back of.
    pub request_id: RequestId,
    /// Who gives back.
    pub merchant_id: MerchantId,
    /// How much.
    pub amount: Amount,
    /// When the merchant made it, in ms since the Unix epoch.
    pub created_ms: u64,
    /// Why, for the merchant's own books.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// The fields of a new refund order.
#[derive(Clone, Debug)]
pub struct RefundDraft {
    /// See [`RefundOrder::refund_id`].
    pub refund_id: RefundId,
    /// See [`RefundOrder::request_id`].
    pub request_id: RequestId,
    /// See [`RefundOrder::merchant_id`].
    pub merchant_id: MerchantId,
    /// See [`RefundOrder::amount`].
    pub amount: Amount,
    /// See [`RefundOrder::created_ms`].
    pub created_ms: u64,
    /// See [`RefundOrder::reason`].
    pub reason: Option<String>,
}

impl RefundOrder {
    /// A refund order from its fields, each within its bounds.
    pub fn new(draft: RefundDraft) -> Result<Self, RefundError> {
        let RefundDraft { refund_id, request_id, merchant_id, amount, created_ms, reason } = draft;
        let order = Self { version: REFUND_VERSION, refund_id, request_id, merchant_id, amount, created_ms, reason };
        order.check_bounds()?;
        Ok(order)
    }

    /// Reads a refund order back from its canonical bytes; any other spelling of the same is refused.
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, RefundError> {
        if bytes.len() > CANONICAL_BYTES_MAX {
            return Err(RefundError::OutOfBounds("size"));
        }
        let order: Self = serde_json::from_slice(bytes).map_err(|_| RefundError::Malformed)?;
        if order.version != REFUND_VERSION {
            return Err(RefundError::Malformed);
        }
        order.check_bounds()?;
        if order.canonical() == bytes { Ok(order) } else { Err(RefundError::NotCanonical) }
    }

    /// The canonical JSON form (RFC 8785): what the merchant signs and what is hashed.
    pub fn canonical(&self) -> Vec<u8> {
        serde_json_canonicalizer::to_vec(self).expect("a refund order has only strings and integers")
    }

    /// SHA-256 over [`RefundOrder::canonical`].
    pub fn hash(&self) -> RefundHash {
        RefundHash::of_canonical(&self.canonical())
    }

    fn check_bounds(&self) -> Result<(), RefundError> {
        let is_reason = |text: &str| {
            let count = text.chars().count();
            (1..=REASON_CHARS_MAX).contains(&count) && text.trim() == text && !text.chars().any(is_hidden)
        };
        let bounds = [
            ("amount", self.amount.is_payable()),
            ("created_ms", self.created_ms <= JSON_INTEGER_MAX),
            ("reason", self.reason.as_deref().is_none_or(is_reason)),
        ];
        match bounds.into_iter().find(|(_, holds)| !holds) {
            Some((field, _)) => Err(RefundError::OutOfBounds(field)),
            None => Ok(()),
        }
    }
}

/// Where a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum RefundState {
    /// Stored; asked of the bank until the bank answers. Its amount counts as given back.
    Pending,
    /// The bank gave the money back.
    Refunded,
    /// The bank refused; nothing was given back.
    Refused {
        /// Why.
        code: DeclineCode,
    },
    /// The bank contradicts the order or itself; a person must decide. Its amount counts as given back.
    NeedsManualReview,
}

/// What can happen to a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundEvent {
    /// The bank signed that it gave back.
    Refunded,
    /// The bank signed that it refuses.
    Refused(DeclineCode),
    /// The bank's word contradicts the order or itself.
    Contradiction,
    /// A person has the bank asked again; what it says is settled as usual.
    ReviewedAskAgain,
    /// A person knows in writing that the money is back.
    ReviewedRefunded,
    /// A person knows in writing that nothing was given back.
    ReviewedNotRefunded,
}

impl RefundState {
    /// The state's stable name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Refunded => "refunded",
            Self::Refused { .. } => "refused",
            Self::NeedsManualReview => "needs_manual_review",
        }
    }

    /// Why the bank refused, in state `refused`.
    pub const fn decline_code(&self) -> Option<DeclineCode> {
        match self {
            Self::Refused { code } => Some(*code),
            Self::Pending | Self::Refunded | Self::NeedsManualReview => None,
        }
    }

    /// The state with this name and code, as a database row holds them.
    pub fn from_parts(name: &str, code: Option<DeclineCode>) -> Option<Self> {
        let state = match (name, code) {
            ("pending", None) => Self::Pending,
            ("refunded", None) => Self::Refunded,
            ("refused", Some(code)) => Self::Refused { code },
            ("needs_manual_review", None) => Self::NeedsManualReview,
            _ => return None,
        };
        Some(state)
    }

    /// Whether the amount counts as given back: all that is not refused.
    pub const fn counts(&self) -> bool {
        !matches!(self, Self::Refused { .. })
    }

    /// What the state asks of whoever restarts.
    pub const fn standing(&self) -> Standing {
        match self {
            Self::Pending => Standing::Active,
            Self::NeedsManualReview => Standing::Awaiting,
            Self::Refunded | Self::Refused { .. } => Standing::Final,
        }
    }

    /// The state after `event`, or why the event cannot happen here.
    pub const fn apply(self, event: RefundEvent) -> Result<Self, InvalidTransition> {
        use RefundEvent as E;
        match (self, event) {
            (Self::Pending, E::Refunded) | (Self::NeedsManualReview, E::ReviewedRefunded) => Ok(Self::Refunded),
            (Self::Pending, E::Refused(code)) => Ok(Self::Refused { code }),
            (Self::Pending, E::Contradiction) => Ok(Self::NeedsManualReview),
            (Self::NeedsManualReview, E::ReviewedAskAgain) => Ok(Self::Pending),
            (Self::NeedsManualReview, E::ReviewedNotRefunded) => Ok(Self::Refused { code: DeclineCode::DoNotHonour }),
            _ => Err(InvalidTransition { state: self.name(), event: event.name() }),
        }
    }
}

impl RefundEvent {
    /// The event's stable name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Refunded => "refunded",
            Self::Refused(_) => "refused",
            Self::Contradiction => "contradiction",
            Self::ReviewedAskAgain => "reviewed_ask_again",
            Self::ReviewedRefunded => "reviewed_refunded",
            Self::ReviewedNotRefunded => "reviewed_not_refunded",
        }
    }
}

impl fmt::Display for RefundState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the bank decided about a refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case", deny_unknown_fields)]
pub enum RefundResult {
    /// The money is back.
    Refunded {
        /// ISO 8583 DE 38.
        approval_code: String,
    },
    /// Nothing was given back.
    Refused {
        /// Why.
        code: DeclineCode,
    },
}

/// What the bank signs about a refund. Its canonical JSON is the payload of a JWS by the bank's outcome key, of a type of
/// its own: it can never be taken for the outcome of a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundOutcome {
    /// Always [`REFUND_VERSION`].
    pub version: u8,
    /// The bank that decided; names the root that certifies the signing key.
    pub bank_id: String,
    /// The refund.
    pub refund_id: RefundId,
    /// What the refund order hashed to at the bank.
    pub refund_hash: RefundHash,
    /// The request it gives back of.
    pub request_id: RequestId,
    /// The attempt that paid it.
    pub attempt_id: AttemptId,
    /// Who gives back.
    pub merchant_id: MerchantId,
    /// How much.
    pub amount: Amount,
    /// The decision.
    pub decision: RefundResult,
    /// ISO 8583 DE 37 of the refund.
    pub rrn: String,
    /// When the bank decided, in ms since the Unix epoch, by the bank's clock.
    pub decided_ms: u64,
}

impl RefundOutcome {
    /// The canonical JSON form (RFC 8785) that the bank signs.
    pub fn canonical(&self) -> Vec<u8> {
        serde_json_canonicalizer::to_vec(self).expect("an outcome has only strings, integers and maps")
    }

    /// Reads an outcome back from its canonical bytes; any other spelling is refused.
    pub fn from_canonical(bytes: &[u8]) -> Option<Self> {
        let outcome: Self = serde_json::from_slice(bytes).ok()?;
        (outcome.version == REFUND_VERSION && outcome.canonical() == bytes).then_some(outcome)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    fn draft() -> RefundDraft {
        RefundDraft {
            refund_id: RefundId::from_bytes([5; 16]),
            request_id: RequestId::from_bytes([7; 16]),
            merchant_id: "blue-door".parse().unwrap(),
            amount: Amount::new(300, "USD".parse().unwrap()),
            created_ms: 1_795_000_100_000,
            reason: Some("Cold croissant".into()),
        }
    }

    #[test]
    fn the_canonical_form_is_stable() {
        let order = RefundOrder::new(draft()).unwrap();
        insta::assert_snapshot!(String::from_utf8(order.canonical()).unwrap());
        assert_eq!(RefundOrder::from_canonical(&order.canonical()), Ok(order));
        let bare = RefundOrder::new(RefundDraft { reason: None, ..draft() }).unwrap();
        assert_eq!(RefundOrder::from_canonical(&bare.canonical()), Ok(bare));
    }

    #[test]
    fn any_other_spelling_is_refused() {
        let canonical = String::from_utf8(RefundOrder::new(draft()).unwrap().canonical()).unwrap();
        let check = |changed: String, error| {
            assert_ne!(changed, canonical);
            assert_eq!(RefundOrder::from_canonical(changed.as_bytes()), Err(error));
        };
        check(canonical.replace(":300", ": 300"), RefundError::NotCanonical);
        check(canonical.replacen('{', "{\"extra\":1,", 1), RefundError::Malformed);
        check(canonical.replace("\"version\":1", "\"version\":2"), RefundError::Malformed);
        check(canonical.replace(":300", ":0"), RefundError::OutOfBounds("amount"));
    }

    #[test]
    fn every_bound_refuses() {
        let check = |change: fn(&mut RefundDraft), field: &'static str| {
            let mut draft = draft();
            change(&mut draft);
            assert_eq!(RefundOrder::new(draft), Err(RefundError::OutOfBounds(field)));
        };
        check(|d| d.amount = Amount::new(0, d.amount.currency()), "amount");
        check(|d| d.amount = Amount::new(-1, d.amount.currency()), "amount");
        check(|d| d.created_ms = u64::MAX, "created_ms");
        check(|d| d.reason = Some(String::new()), "reason");
        check(|d| d.reason = Some("x".repeat(141)), "reason");
        check(|d| d.reason = Some("evil\u{202E}".into()), "reason");
    }

    #[test]
    fn an_outcome_is_stable_and_has_one_spelling() {
        let order = RefundOrder::new(draft()).unwrap();
        let outcome = RefundOutcome {
            version: REFUND_VERSION,
            bank_id: "first".into(),
            refund_id: order.refund_id,
            refund_hash: order.hash(),
            request_id: order.request_id,
            attempt_id: AttemptId::from_bytes([2; 16]),
            merchant_id: order.merchant_id,
            amount: order.amount,
            decision: RefundResult::Refused { code: DeclineCode::AboveOriginal },
            rrn: "632600000002".into(),
            decided_ms: 1_795_000_110_000,
        };
        let canonical = outcome.canonical();
        insta::assert_snapshot!(String::from_utf8(canonical.clone()).unwrap());
        assert_eq!(RefundOutcome::from_canonical(&canonical), Some(outcome));
        let mut spaced = canonical;
        spaced.push(b' ');
        assert_eq!(RefundOutcome::from_canonical(&spaced), None);
    }

    fn states() -> [RefundState; 4] {
        use RefundState as S;
        [S::Pending, S::Refunded, S::Refused { code: DeclineCode::AboveOriginal }, S::NeedsManualReview]
    }

    fn events() -> [RefundEvent; 6] {
        use RefundEvent as E;
        [
            E::Refunded,
            E::Refused(DeclineCode::AboveOriginal),
            E::Contradiction,
            E::ReviewedAskAgain,
            E::ReviewedRefunded,
            E::ReviewedNotRefunded,
        ]
    }

    #[test]
    fn transition_table() {
        let mut table = String::new();
        for state in states() {
            writeln!(table, "{} ({:?})", state.name(), state.standing()).unwrap();
            for event in events() {
                if let Ok(next) = state.apply(event) {
                    writeln!(table, "  {} -> {}", event.name(), next.name()).unwrap();
                }
            }
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn final_states_are_final_and_rows_round_trip() {
        for state in states() {
            assert_eq!(RefundState::from_parts(state.name(), state.decline_code()), Some(state));
            if state.standing() == Standing::Final {
                assert!(events().into_iter().all(|event| state.apply(event).is_err()));
            }
        }
        assert_eq!(RefundState::from_parts("refused", None), None);
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..512)) {
            let _ = RefundOrder::from_canonical(&bytes);
        }
    }
}

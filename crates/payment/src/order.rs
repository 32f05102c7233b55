//! The order a merchant signs: its fields, their bounds, its canonical form and hash.

use serde::{Deserialize, Serialize};

use crate::amount::Amount;
use crate::hash::OrderHash;
use crate::id::{MerchantId, RequestId};
use crate::method::Methods;

/// The only order version there is.
pub const ORDER_VERSION: u8 = 1;
/// The most items an order may list.
pub const ITEMS_MAX: usize = 50;
/// The longest order number, in characters.
pub const ORDER_NUMBER_CHARS_MAX: usize = 40;
/// The longest payee or item name, in characters.
pub const NAME_CHARS_MAX: usize = 64;
/// The longest life of a request, in milliseconds: 31 days.
pub const LIFE_MS_MAX: u64 = 31 * 24 * 60 * 60 * 1_000;
/// The largest canonical order, in bytes.
pub const CANONICAL_BYTES_MAX: usize = 8 * 1024;

/// Why bytes are not an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// The JSON is malformed, has unknown members, or is not of version 1.
    #[error("the order is malformed")]
    Malformed,
    /// The bytes are not the RFC 8785 canonical form of the order they hold.
    #[error("the order is not in canonical form")]
    NotCanonical,
    /// A field is outside its bounds; the field's name is given.
    #[error("the order's {0} is out of bounds")]
    OutOfBounds(&'static str),
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderItem {
    /// What it is, as shown to the payer.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// The line's total in minor units of the order's currency; below zero for a discount.
    pub total_minor: i64,
}

/// What a merchant asks for, exactly as signed.
///
/// Fields are public to read; a value is made only by [`Order::new`] or [`Order::from_canonical`], which
/// both check every bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Order {
    /// Always [`ORDER_VERSION`].
    pub version: u8,
    /// The request this order is.
    pub request_id: RequestId,
    /// Who asks.
    pub merchant_id: MerchantId,
    /// The merchant's own reference.
    pub order_number: String,
    /// How much.
    pub amount: Amount,
    /// When the merchant made it, in ms since the Unix epoch.
    pub created_ms: u64,
    /// When it stops being payable, in ms since the Unix epoch.
    pub expires_ms: u64,
    /// The payee's name as shown to the payer; must equal the keyset's entry.
    pub payee_name: String,
    /// The lines; empty, or summing to the amount.
    pub items: Vec<OrderItem>,
    /// The ways it may be paid; none for every way its merchant takes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub methods: Option<Methods>,
}

/// The fields of a new order.
#[derive(Clone, Debug)]
pub struct OrderDraft {
    /// See [`Order::request_id`].
    pub request_id: RequestId,
    /// See [`Order::merchant_id`].
    pub merchant_id: MerchantId,
    /// See [`Order::order_number`].
    pub order_number: String,
    /// See [`Order::amount`].
    pub amount: Amount,
    /// See [`Order::created_ms`].
    pub created_ms: u64,
    /// See [`Order::expires_ms`].
    pub expires_ms: u64,
    /// See [`Order::payee_name`].
    pub payee_name: String,
    /// See [`Order::items`].
    pub items: Vec<OrderItem>,
    /// See [`Order::methods`].
    pub methods: Option<Methods>,
}

impl Order {
    /// An order from its fields, each within its bounds.
    pub fn new(draft: OrderDraft) -> Result<Self, OrderError> {
        let order = Self {
            version: ORDER_VERSION,
            request_id: draft.request_id,
            merchant_id: draft.merchant_id,
            order_number: draft.order_number,
            amount: draft.amount,
            created_ms: draft.created_ms,
            expires_ms: draft.expires_ms,
            payee_name: draft.payee_name,
            items: draft.items,
            methods: draft.methods,
        };
        order.check_bounds()?;
        Ok(order)
    }

    /// Reads an order back from its canonical bytes; any other spelling of the same order is refused.
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, OrderError> {
        if bytes.len() > CANONICAL_BYTES_MAX {
            return Err(OrderError::OutOfBounds("size"));
        }
        let order: Self = serde_json::from_slice(bytes).map_err(|_| OrderError::Malformed)?;
        if order.version != ORDER_VERSION {
            return Err(OrderError::Malformed);
        }
        order.check_bounds()?;
        if order.canonical() == bytes { Ok(order) } else { Err(OrderError::NotCanonical) }
    }

    /// The canonical JSON form (RFC 8785): what the merchant signs and what is hashed.
    pub fn canonical(&self) -> Vec<u8> {
        serde_json_canonicalizer::to_vec(self).expect("an order has only strings, integers and lists")
    }

    /// SHA-256 over [`Order::canonical`].
    pub fn hash(&self) -> OrderHash {
        OrderHash::of_canonical(&self.canonical())
    }

    /// Whether the order can no longer be paid at `now_ms`.
    pub const fn is_expired(&self, now_ms: u64) -> bool {
        now_ms >= self.expires_ms
    }

    /// The ways it may be paid, of those its merchant takes. There may be none.
    pub fn payable_by(&self, merchant_takes: Methods) -> Methods {
        self.methods.map_or(merchant_takes, |methods| methods.and(merchant_takes))
    }

    fn check_bounds(&self) -> Result<(), OrderError> {
        let printable = |text: &str, max: usize| {
            let count = text.chars().count();
            count >= 1 && count <= max && text.trim() == text && !text.chars().any(is_hidden)
        };
        let bounds = [
            ("amount", self.amount.is_payable()),
            ("order_number", printable(&self.order_number, ORDER_NUMBER_CHARS_MAX)),
            ("payee_name", printable(&self.payee_name, NAME_CHARS_MAX)),
            ("created_ms", self.created_ms <= JSON_INTEGER_MAX),
            ("expires_ms", self.expires_ms > self.created_ms && self.expires_ms - self.created_ms <= LIFE_MS_MAX),
            ("items", self.items.len() <= ITEMS_MAX && self.items_sum_up()),
            ("item name", self.items.iter().all(|item| printable(&item.name, NAME_CHARS_MAX))),
            ("item quantity", self.items.iter().all(|item| item.quantity > 0)),
        ];
        match bounds.into_iter().find(|(_, holds)| !holds) {
            Some((field, _)) => Err(OrderError::OutOfBounds(field)),
            None => Ok(()),
        }
    }

    fn items_sum_up(&self) -> bool {
        let total = self.items.iter().try_fold(0i64, |sum, item| sum.checked_add(item.total_minor));
        self.items.is_empty() || total == Some(self.amount.minor())
    }
}

/// The largest integer RFC 8785 (through ECMAScript numbers) can carry exactly.
pub(crate) const JSON_INTEGER_MAX: u64 = (1 << 53) - 1;

/// Characters that change how a name reads without being seen: controls, and bidirectional overrides.
pub(crate) fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> OrderDraft {
        OrderDraft {
            request_id: RequestId::from_bytes([7; 16]),
            merchant_id: "blue-door".parse().unwrap(),
            order_number: "A-1042".into(),
            amount: Amount::new(1280, "USD".parse().unwrap()),
            created_ms: 1_795_000_000_000,
            expires_ms: 1_795_000_300_000,
            payee_name: "Blue Door Café".into(),
            items: vec![
                OrderItem { name: "Flat white".into(), quantity: 2, total_minor: 980 },
                OrderItem { name: "Croissant".into(), quantity: 1, total_minor: 300 },
            ],
            methods: None,
        }
    }

    #[test]
    fn the_canonical_form_is_stable() {
        let order = Order::new(draft()).unwrap();
        insta::assert_snapshot!(String::from_utf8(order.canonical()).unwrap());
        assert_eq!(Order::from_canonical(&order.canonical()), Ok(order));
    }

    #[test]
    fn ways_to_pay_are_signed_and_an_order_without_them_is_what_it_always_was() {
        let every = Order::new(draft()).unwrap();
        assert!(!String::from_utf8(every.canonical()).unwrap().contains("methods"));
        let mut some = draft();
        some.methods = Some([crate::Method::Code, crate::Method::Card].into_iter().collect());
        let some = Order::new(some).unwrap();
        assert!(String::from_utf8(some.canonical()).unwrap().contains(r#""methods":["card","code"],"#));
        assert_eq!(Order::from_canonical(&some.canonical()).as_ref(), Ok(&some));
        assert_ne!(some.hash(), every.hash());
        let swapped = String::from_utf8(some.canonical()).unwrap().replace(r#""card","code""#, r#""code","card""#);
        assert_eq!(Order::from_canonical(swapped.as_bytes()), Err(OrderError::Malformed));
        let takes = [crate::Method::Voucher, crate::Method::Card].into_iter().collect();
        assert_eq!(some.payable_by(takes).iter().collect::<Vec<_>>(), [crate::Method::Card]);
        assert_eq!(every.payable_by(takes), takes);
    }

    #[test]
    fn any_other_spelling_is_refused() {
        let canonical = String::from_utf8(Order::new(draft()).unwrap().canonical()).unwrap();
        let spaced = canonical.replace(":1280", ": 1280");
        assert_eq!(Order::from_canonical(spaced.as_bytes()), Err(OrderError::NotCanonical));
        let extended = canonical.replacen('{', "{\"extra\":1,", 1);
        assert_eq!(Order::from_canonical(extended.as_bytes()), Err(OrderError::Malformed));
        let newer = canonical.replace("\"version\":1", "\"version\":2");
        assert_eq!(Order::from_canonical(newer.as_bytes()), Err(OrderError::Malformed));
    }

    #[test]
    fn every_bound_refuses() {
        let check = |change: fn(&mut OrderDraft), field: &'static str| {
            let mut draft = draft();
            change(&mut draft);
            assert_eq!(Order::new(draft), Err(OrderError::OutOfBounds(field)));
        };
        check(|d| d.amount = Amount::new(0, d.amount.currency()), "amount");
        check(|d| d.order_number = String::new(), "order_number");
        check(|d| d.order_number = "x".repeat(41), "order_number");
        check(|d| d.payee_name = "Evil\u{202E}Shop".into(), "payee_name");
        check(|d| d.payee_name = " Shop".into(), "payee_name");
        check(|d| d.expires_ms = d.created_ms, "expires_ms");
        check(|d| d.expires_ms = d.created_ms + LIFE_MS_MAX + 1, "expires_ms");
        check(|d| d.items[0].total_minor += 1, "items");
        check(|d| d.items[0].quantity = 0, "item quantity");
        check(|d| d.items[0].name = String::new(), "item name");
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..512)) {
            let _ = Order::from_canonical(&bytes);
        }

        #[test]
        fn one_changed_byte_is_another_order_or_none(index in 0usize..400, flip in 1u8..=255) {
            let order = Order::new(draft()).unwrap();
            let mut bytes = order.canonical();
            let index = index % bytes.len();
            bytes[index] ^= flip;
            if let Ok(other) = Order::from_canonical(&bytes) {
                proptest::prop_assert_ne!(other.hash(), order.hash());
            }
        }
    }
}

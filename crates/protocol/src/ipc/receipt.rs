//! A receipt, checked.

use payment::{Amount, AttemptId};
use serde::{Deserialize, Serialize};

use super::ItemView;

/// What a receipt says in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptSummary {
    /// The attempt it proves.
    pub attempt_id: AttemptId,
    /// How much.
    pub amount: Amount,
    /// Whom.
    pub payee: String,
    /// When the bank decided, ms since the Unix epoch.
    pub decided_ms: u64,
    /// Scheme and last four digits.
    pub card_label: String,
}

/// A receipt, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptView {
    /// The list's line.
    pub summary: ReceiptSummary,
    /// The merchant's own reference.
    pub order_number: String,
    /// The lines.
    pub items: Vec<ItemView>,
    /// ISO 8583 DE 38.
    pub approval_code: String,
    /// ISO 8583 DE 37.
    pub rrn: String,
    /// The bank's id.
    pub bank: String,
    /// Its name, as its root certified it; empty when it is not known.
    #[serde(default)]
    pub bank_name: String,
    /// Whether the merchant's signature verifies under a keyset signed by the pinned root.
    pub merchant_seal: bool,
    /// Whether the bank's signature verifies under a certificate signed by that bank's pinned root.
    pub bank_seal: bool,
    /// What was given back, in minor units; none of a receipt that is not this wallet's own.
    #[serde(default)]
    pub refunded_minor: Option<i64>,
    /// The receipt file's text.
    pub json: String,
    /// A QR of the receipt's short proof, as SVG, for another wallet to check.
    pub qr_svg: String,
}

impl ReceiptView {
    /// What a person is told of the bank: its name, or its id where there is none.
    pub fn bank_called(&self) -> &str {
        if self.bank_name.is_empty() { &self.bank } else { &self.bank_name }
    }
}

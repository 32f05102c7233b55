//! A request as a person may see it: one that was verified.

use payment::{Amount, AttemptId, MerchantId, Method, RequestId};
use serde::{Deserialize, Serialize};

use super::pay;

/// What a request asks of the payer now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestPhase {
    /// It can be paid.
    Open,
    /// It can be paid; the payer put it off.
    Postponed,
    /// An attempt is under way.
    Paying,
    /// The bank has not answered.
    Unknown,
    /// Paid.
    Paid,
    /// Refused by the payer.
    Rejected,
    /// Withdrawn by the merchant.
    Cancelled,
    /// Its time ran out.
    Expired,
    /// Ended in another way.
    Closed,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemView {
    /// What it is.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// The line's total.
    pub total: Amount,
}

/// A verified request: one whose merchant signature and keyset entry did not verify never becomes a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestView {
    /// The request.
    pub request_id: RequestId,
    /// Who asks.
    pub merchant_id: MerchantId,
    /// How much.
    pub amount: Amount,
    /// The payee's verified name.
    pub payee: String,
    /// Whether this merchant was paid or shown before.
    pub first_contact: bool,
    /// Whether it came by itself from a merchant that the payer has not accepted: it can be looked at and not paid.
    #[serde(default)]
    pub new_sender: bool,
    /// The merchant's own reference.
    pub order_number: String,
    /// The lines.
    pub items: Vec<ItemView>,
    /// The ways it may be paid, whether or not this wallet has them.
    #[serde(default)]
    pub methods: Vec<Method>,
    /// Two words to compare with the shop's, in English.
    pub match_words: [String; 2],
    /// The same in Simplified Chinese.
    pub match_words_zh: [String; 2],
    /// When the merchant made it, ms since the Unix epoch.
    pub created_ms: u64,
    /// When it stops being payable, ms since the Unix epoch.
    pub expires_ms: u64,
    /// The wallet's clock when the view was made, corrected to the server's, ms since the Unix epoch.
    pub now_ms: u64,
    /// What it asks of the payer now.
    pub phase: RequestPhase,
    /// When it comes back by itself, ms since the Unix epoch, while it is put off until then.
    #[serde(default)]
    pub postponed_until_ms: Option<u64>,
    /// Whether it is paid, or being paid, from elsewhere: another device of the payer, or another person.
    #[serde(default)]
    pub elsewhere: bool,
    /// What is being done about an unknown outcome.
    #[serde(default)]
    pub doubt: Option<pay::Doubt>,
    /// Who is asked about it, by the name that its root certified; none of an attempt of somebody else's.
    #[serde(default)]
    pub asked: Option<String>,
    /// When an unknown outcome will be known or undone, at the latest.
    pub deadline_ms: Option<u64>,
    /// The attempt whose receipt is kept, once paid.
    pub receipt: Option<AttemptId>,
    /// What the merchant gave back of it, in minor units.
    #[serde(default)]
    pub refunded_minor: i64,
    /// When the last of it was given back, ms since the Unix epoch.
    #[serde(default)]
    pub refunded_ms: Option<u64>,
}

//! The history: receipts found, counted, kept as files, and anybody's receipt checked.
//!
//! **Invariant:** no list of everything crosses the bridge. The window is told how many there are in each month, and
//! reads the lines it shows.

use payment::{Amount, AttemptId, Currency, MerchantId};
use serde::{Deserialize, Serialize};

use super::{Command, Language, ReceiptView};

/// The most lines one call answers.
pub const LINES_MAX: u32 = 200;
/// The longest search text that is looked at, in characters.
pub const SEARCH_CHARS_MAX: usize = 100;

commands! {
    /// How many receipts answer a query, by month, and what they come to.
    History {
        /// Which.
        query: HistoryQuery,
    } = "history" -> HistoryView;
    /// Some of their lines, newest first.
    HistoryLines {
        /// Which receipts.
        query: HistoryQuery,
        /// How many newer ones are passed over.
        from: u32,
        /// How many at most, up to [`LINES_MAX`].
        count: u32,
    } = "history_lines" -> Vec<HistoryLine>;
    /// What there is to filter by.
    HistoryChoices {} = "history_choices" -> HistoryChoicesView;
    /// Keeps the receipts of a query as one file.
    HistoryExport {
        /// Which.
        query: HistoryQuery,
        /// As what.
        format: ListFormat,
        /// The file's language.
        language: Language,
        /// Where; none to be asked, or to be given the file where there is nobody to ask.
        path: Option<String>,
    } = "history_export" -> ExportView;
    /// Keeps one receipt as a file.
    ReceiptExport {
        /// The attempt it proves.
        attempt_id: AttemptId,
        /// As what.
        format: ReceiptFormat,
        /// The file's language.
        language: Language,
        /// Where; none to be asked, or to be given the file where there is nobody to ask.
        path: Option<String>,
    } = "receipt_export" -> ExportView;
    /// Checks anybody's receipt, without a network.
    CheckReceipt {
        /// What was given.
        given: GivenReceipt,
    } = "check_receipt" -> CheckedView;
}

/// Which receipts are asked for. What is left out does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HistoryQuery {
    /// Words that all occur: in payee, order number, items, amount, card or date.
    pub text: String,
    /// Decided at this time or later, ms since the Unix epoch.
    pub from_ms: Option<u64>,
    /// Decided before this time, ms since the Unix epoch.
    pub to_ms: Option<u64>,
    /// In this currency.
    pub currency: Option<Currency>,
    /// Paid to this merchant.
    pub payee: Option<MerchantId>,
    /// Paid with this, as [`HistoryLine::method`] says it.
    pub method: Option<String>,
    /// By what was given back.
    pub refunds: RefundFilter,
}

impl HistoryQuery {
    /// Whether it asks for every receipt there is.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }
}

/// Receipts by what was given back of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundFilter {
    /// It does not matter.
    #[default]
    Any,
    /// Something was given back.
    Refunded,
    /// Nothing was.
    Untouched,
}

/// What receipts of one currency come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SumView {
    /// What was paid.
    pub paid: Amount,
    /// What was given back of it, in minor units.
    pub refunded_minor: i64,
}

/// The receipts of one month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthView {
    /// The year.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// How many.
    pub count: u32,
    /// What they come to, a currency each.
    pub sums: Vec<SumView>,
}

/// What answers a query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryView {
    /// How many receipts.
    pub count: u32,
    /// By month of this device's calendar, newest first; months without a receipt are left out.
    pub months: Vec<MonthView>,
    /// What they come to, a currency each.
    pub sums: Vec<SumView>,
    /// Receipts of an older version's wallet that are still to be entered.
    pub waiting: u32,
}

/// One receipt in the list: what its index entry says. Opening it checks its seals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryLine {
    /// The attempt it proves.
    pub attempt_id: AttemptId,
    /// How much.
    pub amount: Amount,
    /// Whom.
    pub payee: String,
    /// The merchant's own reference.
    pub order_number: String,
    /// When the bank decided, ms since the Unix epoch.
    pub decided_ms: u64,
    /// What it was paid with: scheme and last four digits.
    pub method: String,
    /// What was given back, in minor units.
    pub refunded_minor: i64,
}

/// A payee of the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayeeChoice {
    /// The merchant.
    pub merchant_id: MerchantId,
    /// Its name on the latest receipt.
    pub name: String,
}

/// What there is to filter by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryChoicesView {
    /// Currencies, in their codes' order.
    pub currencies: Vec<Currency>,
    /// Payees, those paid most often first; a bounded number of them.
    pub payees: Vec<PayeeChoice>,
    /// What was paid with, most used first; a bounded number.
    pub methods: Vec<String>,
}

/// What a list of receipts is kept as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListFormat {
    /// Comma-separated values, for a spreadsheet.
    Csv,
    /// A document to print.
    Pdf,
}

/// What one receipt is kept as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptFormat {
    /// The receipt itself, which anybody can check.
    Json,
    /// A document to print, with the receipt inside.
    Pdf,
}

/// What became of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ExportView {
    /// It was written.
    Saved {
        /// Its name.
        name: String,
        /// How many receipts are in it.
        count: u32,
    },
    /// It is handed over, for whoever asked to keep it.
    Given {
        /// The name it should have.
        name: String,
        /// Its media type.
        media_type: String,
        /// Its bytes in base64.
        data: String,
        /// How many receipts are in it.
        count: u32,
    },
    /// The person chose no place for it after all.
    Dropped,
}

/// What a person gives to be checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum GivenReceipt {
    /// A receipt's text, or the text of a short proof.
    Text {
        /// The text.
        text: String,
    },
    /// A file: a receipt, a document with one inside, or a picture of a short proof's QR.
    File {
        /// Its bytes in base64.
        data: String,
    },
}

/// One thing that is checked of a receipt, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptCheck {
    /// It is a receipt of a version this wallet knows.
    Form,
    /// A pinned root of the bank certifies the key, for the time of the decision.
    BankRoot,
    /// That key signed what the bank decided.
    BankSeal,
    /// A pinned root of the operator signed the list of merchants, for that time.
    OperatorRoot,
    /// A merchant of that list signed the order under its own name.
    MerchantSeal,
    /// The bank's decision is about exactly this order and this attempt.
    SameOrder,
    /// The bank approved.
    Approved,
    /// Of a purchase on a phone bill: the operator's root certifies the subscriber's key, for that time.
    SubscriberKey,
    /// And that key signed exactly this payment.
    SubscriberSignature,
}

impl ReceiptCheck {
    /// Every check of a receipt, in its order.
    pub const ALL: [Self; 7] = [
        Self::Form,
        Self::BankRoot,
        Self::BankSeal,
        Self::OperatorRoot,
        Self::MerchantSeal,
        Self::SameOrder,
        Self::Approved,
    ];

    /// What is checked besides when a purchase on a phone bill is proved.
    pub const OF_A_PURCHASE: [Self; 2] = [Self::SubscriberKey, Self::SubscriberSignature];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::BankRoot => "bank_root",
            Self::BankSeal => "bank_seal",
            Self::OperatorRoot => "operator_root",
            Self::MerchantSeal => "merchant_seal",
            Self::SameOrder => "same_order",
            Self::Approved => "approved",
            Self::SubscriberKey => "subscriber_key",
            Self::SubscriberSignature => "subscriber_signature",
        }
    }
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckFinding {
    /// It holds.
    Holds,
    /// It does not.
    Fails,
    /// An earlier one failed, or a short proof does not bring what it needs.
    NotChecked,
}

/// Why a receipt is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptFault {
    /// There is no receipt in what was given.
    NotAReceipt,
    /// It is larger than any receipt.
    TooLarge,
    /// It is of a version this wallet does not know.
    OtherVersion,
    /// The bank's decision is not a signed message, or malformed.
    MalformedOutcome,
    /// No pinned root certifies the bank's key, or not for that time.
    BankNotCertified,
    /// The certificate does not name the key that signed, or names another bank.
    BankKeyUnknown,
    /// This wallet has no certificate of that bank to check a short proof against.
    BankUnknownHere,
    /// The bank's signature is wrong.
    BankSignature,
    /// No pinned root signed the list of merchants, or not for that time.
    KeysetNotSigned,
    /// The merchant's signature is wrong, or the merchant is not in the list under that name.
    MerchantSignature,
    /// The decision is about another request, attempt, order, merchant or amount.
    AnotherOrder,
    /// The bank did not approve.
    NotApproved,
    /// No pinned root certifies the subscriber's key, or not for that time, or another operator does.
    SubscriberKey,
    /// The subscriber did not sign this payment.
    SubscriberSignature,
}

impl ReceiptFault {
    /// The check that fails with it.
    pub const fn check(self) -> ReceiptCheck {
        match self {
            Self::NotAReceipt | Self::TooLarge | Self::OtherVersion | Self::MalformedOutcome => ReceiptCheck::Form,
            Self::BankNotCertified | Self::BankKeyUnknown | Self::BankUnknownHere => ReceiptCheck::BankRoot,
            Self::BankSignature => ReceiptCheck::BankSeal,
            Self::KeysetNotSigned => ReceiptCheck::OperatorRoot,
            Self::MerchantSignature => ReceiptCheck::MerchantSeal,
            Self::AnotherOrder => ReceiptCheck::SameOrder,
            Self::NotApproved => ReceiptCheck::Approved,
            Self::SubscriberKey => ReceiptCheck::SubscriberKey,
            Self::SubscriberSignature => ReceiptCheck::SubscriberSignature,
        }
    }
}

/// One check and what it found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckLine {
    /// What was checked.
    pub check: ReceiptCheck,
    /// What it found.
    pub finding: CheckFinding,
}

/// What a short proof says: the bank's signed word alone, without order lines and without the merchant's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofView {
    /// The attempt it proves.
    pub attempt_id: AttemptId,
    /// How much.
    pub amount: Amount,
    /// Whom, by the operator's list as this wallet has it; none when the merchant is not in it.
    pub payee: Option<String>,
    /// The merchant's id.
    pub merchant_id: MerchantId,
    /// When the bank decided, ms since the Unix epoch.
    pub decided_ms: u64,
    /// Scheme and last four digits.
    pub card_label: String,
    /// The bank's name, as its root certified it.
    pub bank: String,
    /// ISO 8583 DE 38.
    pub approval_code: String,
    /// ISO 8583 DE 37.
    pub rrn: String,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum CheckVerdict {
    /// A whole receipt, and everything holds.
    Receipt {
        /// It.
        receipt: Box<ReceiptView>,
    },
    /// A short proof, and what it holds is true.
    Proof {
        /// It.
        proof: ProofView,
    },
    /// It is not to be believed.
    Refused {
        /// Why.
        fault: ReceiptFault,
    },
}

/// A checked receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedView {
    /// What came of it.
    pub verdict: CheckVerdict,
    /// What was checked, in this order.
    pub checks: Vec<CheckLine>,
    /// The fingerprint of the operator's root that is pinned, grouped for reading.
    pub operator_root: String,
    /// The fingerprint of the pinned root of the bank that the receipt names, once it names one that is pinned.
    pub bank_root: Option<String>,
    /// The fingerprint of the subscriber's key, when a purchase on a phone bill is proved.
    #[serde(default)]
    pub signed_by: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_that_leaves_everything_out_asks_for_everything() {
        let query: HistoryQuery = serde_json::from_str("{}").unwrap();
        assert!(query.is_all());
        let query: HistoryQuery = serde_json::from_str(r#"{"refunds":"refunded","currency":"CNY"}"#).unwrap();
        assert!(!query.is_all());
        assert!(serde_json::from_str::<HistoryQuery>(r#"{"limit":5}"#).is_err());
    }

    #[test]
    fn a_fault_belongs_to_a_check() {
        assert_eq!(ReceiptFault::BankSignature.check(), ReceiptCheck::BankSeal);
        for check in ReceiptCheck::ALL.into_iter().chain(ReceiptCheck::OF_A_PURCHASE) {
            let name = serde_json::to_value(check).unwrap();
            assert_eq!(name, check.name());
        }
    }
}

//! A merchant's own vouchers: making a batch for a bank, telling a voucher of one's own, and comparing with the bank's file.
//!
//! **Invariant:** nothing the wallet answers here can hold a code.

use payment::{Amount, FixedPart, VoucherNumber};
use serde::{Deserialize, Serialize};

use super::Command;
use super::history::ExportView;
use super::means::{TypedSecret, means_commands};

/// The most kinds of voucher in one batch.
pub const LOTS_MAX: usize = 6;
/// The most vouchers in one batch.
pub const BATCH_VOUCHERS_MAX: u32 = 20_000;
/// The most differences that are named; the others are counted.
pub const DIFFERENCES_MAX: usize = 100;

means_commands! {
    /// The batches that this till made for its merchant, the newest first.
    VoucherBatches {} = "voucher_batches" -> Vec<VoucherBatchView>;
    /// Reads a bank's key for vouchers, which a root of its must have signed. Nothing is kept.
    VoucherBankKey {
        /// The bank's file, in base64.
        file: String,
    } = "voucher_bank_key" -> BankKeyView;
    /// Makes a batch, and keeps it. Its codes are sealed to the bank and forgotten.
    VoucherBatchMake {
        /// The six digits that its numbers begin with.
        batch: FixedPart,
        /// How many of how much.
        lots: Vec<LotView>,
        /// From which amount on a payment needs a card's proof besides the code.
        large_from: Amount,
        /// The file of the bank's key, in base64.
        bank_key: String,
    } = "voucher_batch_make" -> VoucherBatchView;
    /// Writes the bank's file of a batch, which only the bank opens. It can be written again until the bank has been heard.
    VoucherBatchSave {
        /// Which batch.
        batch: FixedPart,
        /// Where; none to be asked, or to be given the file where there is nobody to ask.
        path: Option<String>,
    } = "voucher_batch_save" -> ExportView;
    /// Whether a voucher of this number was made here, with this payment code.
    VoucherCheck {
        /// Its number; groups may have spaces or hyphens between them.
        number: String,
        /// The payment code, likewise.
        code: TypedSecret,
    } = "voucher_check" -> VoucherCheckView;
    /// Compares a batch with what its bank wrote about it.
    VoucherReconcile {
        /// Which batch.
        batch: FixedPart,
        /// The bank's CSV, in base64.
        file: String,
    } = "voucher_reconcile" -> ReconciliationView;
}

/// So many vouchers of so much each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LotView {
    /// How many.
    pub count: u32,
    /// For how much each.
    pub amount: Amount,
}

/// A bank's key that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankKeyView {
    /// The bank's id.
    pub bank_id: String,
    /// Its name, as its root certified it; its id where that is not known here.
    pub bank_name: String,
    /// The key's fingerprint, to be compared with what the bank says.
    pub fingerprint: String,
}

/// A batch as its merchant has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoucherBatchView {
    /// The six digits that its numbers begin with.
    pub batch: FixedPart,
    /// The bank that sells it.
    pub bank_id: String,
    /// Its name, as when the batch was made.
    pub bank_name: String,
    /// How many vouchers.
    pub vouchers: u32,
    /// What they are worth together.
    pub total: Amount,
    /// From which amount on a payment needs a card's proof besides the code.
    pub large_from: Amount,
    /// When it was made, ms since the Unix epoch.
    pub created_ms: u64,
    /// Whether the bank's file is still here to be written.
    pub has_file: bool,
    /// Whether codes can still be told here: a till that was another merchant's meanwhile has forgotten their key.
    pub can_check: bool,
    /// What came of the last comparison.
    pub compared: Option<ComparedView>,
}

/// What came of a comparison with the bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComparedView {
    /// When, ms since the Unix epoch.
    pub at_ms: u64,
    /// How many vouchers differ.
    pub differences: u32,
    /// What buyers paid.
    pub sold: Amount,
    /// What was spent.
    pub spent: Amount,
    /// What is left on the vouchers.
    pub left: Amount,
}

/// What is known of a voucher that somebody shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "snake_case")]
pub enum VoucherCheckView {
    /// It was made here, with this code. What is on it the bank knows.
    Made {
        /// In this batch.
        batch: FixedPart,
        /// For so much.
        amount: Amount,
    },
    /// No voucher of this number was made here with this code.
    NotMade,
    /// A voucher of this number was made here, but the key that tells its code was forgotten.
    CannotTell,
}

/// How the two sides of a voucher differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// The merchant made it and the bank does not have it.
    NotAtBank,
    /// The bank has it, or has it twice, and the merchant did not make it.
    NotMade,
    /// They say other amounts.
    Amount,
    /// What the bank says of it does not add up.
    DoesNotAddUp,
}

/// One voucher about which the sides differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifferenceView {
    /// Which.
    pub number: VoucherNumber,
    /// How.
    pub kind: DifferenceKind,
}

/// A comparison, with what differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconciliationView {
    /// The batch as it is now.
    pub batch: VoucherBatchView,
    /// How many lines the bank's file has.
    pub listed: u32,
    /// What differs, at most [`DIFFERENCES_MAX`] of it.
    pub differences: Vec<DifferenceView>,
}

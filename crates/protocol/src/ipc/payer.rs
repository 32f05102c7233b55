//! Commands about the payer themself: identifiers, payment numbers, and who may ask them for money.

use payment::{Amount, MerchantId, RequestId};
use serde::{Deserialize, Serialize};

use super::{Command, RequestView, WalletStatus};
use crate::wallet_api::{PaymentNumberStatus, ReportReason};

commands! {
    /// Confirms an identifier with the code, and has every other device that answered for it answer no more.
    ClaimTransfer {
        /// An e-mail address or a phone number.
        identifier: String,
        /// The six digits.
        code: String,
    } = "claim_transfer" -> WalletStatus;
    /// From now on this device answers for the identifier no more.
    ClaimRelease {
        /// An identifier of [`WalletStatus::identifiers`].
        identifier: String,
    } = "claim_release" -> WalletStatus;
    /// Payment numbers of the last day, newest first.
    PaymentNumbers {} = "payment_numbers" -> Vec<NumberView>;
    /// Makes a payment number.
    PaymentNumberCreate {
        /// The most that may be asked for under it; none for any amount.
        max: Option<Amount>,
        /// The only merchant that may use it; none for the first to do so.
        merchant_id: Option<MerchantId>,
        /// How long it can be used: 1 to 60.
        minutes: u32,
    } = "payment_number_create" -> NumberView;
    /// Takes a payment number back.
    PaymentNumberRevoke {
        /// Which.
        id: String,
    } = "payment_number_revoke" -> Vec<NumberView>;
    /// Accepts a request's merchant: this request can be paid, and the next ones come straight.
    AcceptSender {
        /// A request of the merchant's.
        request_id: RequestId,
    } = "accept_sender" -> RequestView;
    /// Merchants that this wallet knows by name: those it was asked by and did not block.
    Senders {} = "senders" -> Vec<SenderName>;
    /// Merchants that are blocked.
    Blocked {} = "blocked" -> Vec<SenderName>;
    /// Takes a block back.
    Unblock {
        /// Whose.
        merchant_id: MerchantId,
    } = "unblock" -> Vec<SenderName>;
    /// Reports a request as fraud, and blocks its merchant.
    ReportRequest {
        /// Which.
        request_id: RequestId,
        /// What is wrong.
        reason: ReportReason,
        /// In the payer's own words, for the operator only.
        note: Option<String>,
    } = "report_request" -> Vec<RequestView>;
}

/// A merchant and its verified name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SenderName {
    /// The merchant.
    pub merchant_id: MerchantId,
    /// Its name in the keyset, or its id when it is there no more.
    pub name: String,
}

/// A payment number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberView {
    /// Its id.
    pub id: String,
    /// The digits as people read them, while it is open and was made since the wallet was opened: they are not kept.
    pub number: Option<String>,
    /// The digits as a QR, as SVG.
    pub qr_svg: Option<String>,
    /// The digits as a bar code (Code 128), as SVG.
    pub barcode_svg: Option<String>,
    /// The most that may be asked for under it.
    pub max: Option<Amount>,
    /// The merchant it is for, or that used it.
    pub payee: Option<String>,
    /// When it was made, ms since the Unix epoch.
    pub created_ms: u64,
    /// When its time runs out, ms since the Unix epoch.
    pub expires_ms: u64,
    /// The wallet's clock when the view was made, corrected to the server's, ms since the Unix epoch.
    pub now_ms: u64,
    /// What became of it.
    pub status: PaymentNumberStatus,
    /// The request that came under it.
    pub request_id: Option<RequestId>,
}

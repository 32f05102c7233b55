//! The receipt: everything anyone needs to check a payment offline, apart from the trust roots.

use serde::{Deserialize, Serialize};

/// The only receipt version there is.
pub const RECEIPT_VERSION: u8 = 1;

/// A payment's evidence. Each member is a compact JWS; nothing in it is secret.
///
/// It is verified against two pinned roots: the operator's (which signs the keyset that names the
/// merchant's key) and the bank's (which certifies the key that signed the outcome).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Always [`RECEIPT_VERSION`].
    pub version: u8,
    /// The order, signed by the merchant.
    pub order: String,
    /// The wallet nonce of the attempt, in hexadecimal: with it the attempt hash can be recomputed.
    pub wallet_nonce: crate::hash::WalletNonce,
    /// The outcome, signed by the bank.
    pub outcome: String,
    /// The keyset in force, signed by the operator's root.
    pub keyset: String,
    /// The bank's certificate in force, signed by the bank's root.
    pub bank_certificate: String,
}

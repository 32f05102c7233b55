//! What proves a purchase on a phone bill to a third party, offline, apart from the trust roots.

use serde::{Deserialize, Serialize};

use crate::receipt::Receipt;

/// A purchase's evidence: the receipt, and the subscriber's own signature over what was paid. Nothing in it is secret, and
/// it names neither number nor name.
///
/// It is verified as a receipt is, and then: the operator's root certifies the subscriber's key, and that key signed attempt,
/// amount, payee and operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurchaseProof {
    /// What merchant and operator signed.
    pub receipt: Receipt,
    /// The certificate of the subscriber's key, signed by the operator's root.
    pub certificate: String,
    /// The subscriber's signature, in base64url.
    pub signature: String,
}

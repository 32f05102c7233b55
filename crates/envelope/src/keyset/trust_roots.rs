//! The roots a wallet pins: a small JSON file that people can check by fingerprint.

use serde::{Deserialize, Serialize};

use crate::error::KeysetError;
use crate::signing_key::{BankRoot, OperatorRoot, VerifyingKey};

/// One bank's pinned root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankTrust {
    /// The bank it may vouch for, and no other.
    pub bank_id: String,
    /// The root.
    pub key: VerifyingKey<BankRoot>,
}

/// Everything a wallet trusts without being told by the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustRoots {
    /// Roots that sign keysets; more than one while rolling over.
    pub operator: Vec<VerifyingKey<OperatorRoot>>,
    /// Roots that sign bank certificates.
    pub banks: Vec<BankTrust>,
}

impl TrustRoots {
    /// The roots of a trust file. A key that is not of its role is refused.
    pub fn from_json(json: &str) -> Result<Self, KeysetError> {
        serde_json::from_str(json).map_err(|_| KeysetError::Malformed("the trust file"))
    }

    /// The trust file, indented for people to read.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("strings are always JSON")
    }

    /// Who is trusted (`operator`, or the bank's id) and the fingerprint of their root, in file order.
    pub fn fingerprints(&self) -> Vec<(&str, String)> {
        let operator = self.operator.iter().map(|key| ("operator", key.fingerprint()));
        let banks = self.banks.iter().map(|bank| (bank.bank_id.as_str(), bank.key.fingerprint()));
        operator.chain(banks).collect()
    }
}

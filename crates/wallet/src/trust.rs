//! What the wallet trusts without being told by the network: the pinned trust file.

use std::fs;
use std::path::Path;

use envelope::keyset::{BankTrust, TrustRoots};
use envelope::{OperatorRoot, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::error::{Result, WalletError};

/// The pinned copy's name in the wallet's folder.
pub const TRUST_FILE: &str = "trust.json";
/// The largest trust file that is read, in bytes.
const TRUST_FILE_BYTES_MAX: u64 = 256 * 1024;

/// A trust file: where the payment server is, and who vouches for whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trust {
    /// The payment server's base URL.
    pub server_url: String,
    /// The certificate authority of the payment server's TLS certificate, in PEM. Only it is accepted.
    pub tls_ca_pem: String,
    /// Roots that sign keysets.
    #[serde(alias = "operator_roots")]
    pub operator: Vec<VerifyingKey<OperatorRoot>>,
    /// Roots that sign bank certificates.
    pub banks: Vec<BankTrust>,
}

impl Trust {
    /// Reads a trust file.
    pub fn read(path: &Path) -> Result<Self> {
        let fault = |what: &str| WalletError::Trust(format!("{}: {what}", path.display()));
        let length = fs::metadata(path).map_err(|error| fault(&error.to_string()))?.len();
        if length > TRUST_FILE_BYTES_MAX {
            return Err(fault("too large"));
        }
        let text = fs::read_to_string(path).map_err(|error| fault(&error.to_string()))?;
        let trust: Self = serde_json::from_str(&text).map_err(|error| fault(&error.to_string()))?;
        if trust.operator.is_empty() || !trust.server_url.starts_with("https://") {
            return Err(fault("no operator root, or no https server"));
        }
        Ok(trust)
    }

    /// The trust pinned in the wallet's folder. The first file given is copied there and stays: a different
    /// one later is refused, since whoever can swap roots can fake every merchant and bank.
    pub fn pinned(home: &Path, given: Option<&Path>) -> Result<Self> {
        let pinned_path = home.join(TRUST_FILE);
        let pinned = if pinned_path.exists() { Some(Self::read(&pinned_path)?) } else { None };
        match (pinned, given.map(Self::read).transpose()?) {
            (Some(pinned), None) => Ok(pinned),
            (Some(pinned), Some(given)) if pinned == given => Ok(pinned),
            (Some(_), Some(_)) => {
                Err(WalletError::Trust("this wallet is already pinned to another trust file".to_owned()))
            }
            (None, Some(given)) => {
                Self::pin(home, &given)?;
                Ok(given)
            }
            (None, None) => {
                Err(WalletError::Trust("no trust file is pinned yet; name one with --trust FILE".to_owned()))
            }
        }
    }

    /// Pins this trust in the wallet's folder, which has none yet.
    pub(crate) fn pin(home: &Path, trust: &Self) -> Result<()> {
        let fault = |error: std::io::Error| WalletError::Trust(error.to_string());
        let text = serde_json::to_string_pretty(trust).expect("strings are always JSON");
        fs::create_dir_all(home).map_err(fault)?;
        fs::write(home.join(TRUST_FILE), text).map_err(fault)
    }

    /// The roots alone.
    pub fn roots(&self) -> TrustRoots {
        TrustRoots { operator: self.operator.clone(), banks: self.banks.clone() }
    }

    /// The payment server's host and port, for people.
    pub fn server_host(&self) -> &str {
        self.server_url.trim_start_matches("https://").trim_end_matches('/')
    }

    /// Every operator root's fingerprint, grouped for reading.
    pub fn operator_fingerprints(&self) -> Vec<String> {
        self.operator.iter().map(VerifyingKey::fingerprint).collect()
    }

    /// The first operator root's fingerprint, grouped for reading.
    pub fn operator_fingerprint(&self) -> String {
        self.operator.first().map(VerifyingKey::fingerprint).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use envelope::SigningKey;

    use super::*;

    fn trust(server_url: &str) -> Trust {
        let operator = vec![SigningKey::generate().public().clone()];
        Trust { server_url: server_url.into(), tls_ca_pem: String::new(), operator, banks: Vec::new() }
    }

    fn write(path: &Path, trust: &Trust) {
        fs::write(path, serde_json::to_string(trust).unwrap()).unwrap();
    }

    #[test]
    fn the_first_trust_file_is_pinned_and_another_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let (first, second) = (home.path().join("first.json"), home.path().join("second.json"));
        write(&first, &trust("https://127.0.0.1:8443"));
        write(&second, &trust("https://127.0.0.1:8443"));
        assert!(Trust::pinned(home.path(), None).is_err(), "nothing is pinned yet");
        let pinned = Trust::pinned(home.path(), Some(&first)).unwrap();
        assert_eq!(Trust::pinned(home.path(), None).unwrap(), pinned);
        assert_eq!(Trust::pinned(home.path(), Some(&first)).unwrap(), pinned);
        assert!(Trust::pinned(home.path(), Some(&second)).is_err(), "other roots");
    }

    #[test]
    fn a_server_without_tls_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("plain.json");
        write(&file, &trust("http://127.0.0.1:8443"));
        assert!(Trust::read(&file).is_err());
    }
}

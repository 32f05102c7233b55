//! What a wallet is told about a vault: where it is, and who vouches for its TLS certificate.

use super::{is_display_name, is_identifier};
use crate::error::KeysetError;
use crate::kept_card::is_vault_id;

/// Longest address of a vault, in bytes.
const URL_LEN_MAX: usize = 256;
/// Longest certificate of a vault's authority, in bytes of PEM.
const TLS_CA_LEN_MAX: usize = 8 * 1024;

/// A vault that the operator lists. It is run by somebody else, so it brings a TLS authority of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultProfile {
    /// Its id.
    pub vault_id: String,
    /// Its name, for the payer.
    pub display_name: String,
    /// Its address, `https://…` without a path.
    pub url: String,
    /// The certificate that signs its TLS certificate, in PEM. Only it is accepted.
    pub tls_ca_pem: String,
}

impl VaultProfile {
    pub(super) fn validate(&self) -> Result<(), KeysetError> {
        if !is_vault_id(&self.vault_id) || !is_identifier(&self.vault_id) {
            return Err(KeysetError::Malformed("a vault id"));
        }
        if !is_display_name(&self.display_name) {
            return Err(KeysetError::Malformed("a vault's name"));
        }
        let host = self.url.strip_prefix("https://").unwrap_or_default();
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || ".-:[]".contains(letter);
        if host.is_empty() || self.url.len() > URL_LEN_MAX || !host.chars().all(is_plain) {
            return Err(KeysetError::Malformed("a vault's address"));
        }
        if self.tls_ca_pem.is_empty() || self.tls_ca_pem.len() > TLS_CA_LEN_MAX {
            return Err(KeysetError::Malformed("a vault's authority"));
        }
        Ok(())
    }
}

//! A vault as it shows itself to the operator, who lists it in the keyset, and to banks, which believe its word.

use std::path::Path;

use envelope::keyset::{Dated, Keyset, KeysetKey, VaultProfile};
use envelope::{OperatorRoot, SigningKey, VaultRelease, VaultSealingKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use super::{BACKDATE_MS, DataFolder, KEYSET_LIFE_MS, KeysError, TrustFile, read_json, read_text, signing_key};
use crate::clock::{now_ms, signed_ms};
use crate::private_file;

/// What a vault publishes. Whoever takes it on compares the fingerprint by another way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultEntry {
    /// Its id.
    pub vault_id: String,
    /// Its name, for payers.
    pub display_name: String,
    /// Its address.
    pub url: String,
    /// The certificate that signs its TLS certificate, in PEM.
    pub tls_ca_pem: String,
    /// What wallets seal to.
    pub sealing_key: VaultSealingKey,
    /// What signs its releases.
    pub release_key: VerifyingKey<VaultRelease>,
}

/// Lists a vault in the keyset, in the place of what was listed of it before, and raises the keyset's version. A payment
/// server that is running serves it when it starts next.
///
/// # Errors
/// When the folder's keyset or operator's root cannot be used, or nobody would accept the new keyset.
pub fn list_vault(folder: &DataFolder, entry: &VaultEntry) -> Result<u64, KeysError> {
    let trust: TrustFile = read_json(&folder.trust())?;
    let operator: SigningKey<OperatorRoot> = signing_key(&folder.path().join("operator/root.key"))?;
    let path = folder.payment_server("keyset.jws");
    let now_ms = signed_ms(now_ms());
    let mut keyset = Keyset::verify_at(read_text(&path)?.trim(), &trust.roots.operator, now_ms)?;
    keyset.keys.retain(|listed| match &listed.key {
        KeysetKey::Vault { profile, .. } => profile.vault_id != entry.vault_id,
        KeysetKey::PaymentServer(_) | KeysetKey::Merchant { .. } => true,
    });
    let profile = VaultProfile {
        vault_id: entry.vault_id.clone(),
        display_name: entry.display_name.clone(),
        url: entry.url.clone(),
        tls_ca_pem: entry.tls_ca_pem.clone(),
    };
    let not_before_ms = now_ms - BACKDATE_MS;
    let key = KeysetKey::Vault { key: entry.sealing_key.clone(), profile };
    keyset.keys.push(Dated { key, not_before_ms, not_after_ms: not_before_ms + KEYSET_LIFE_MS });
    keyset.version += 1;
    keyset.issued_ms = now_ms;
    keyset.validate()?;
    replace(&path, keyset.sign(&operator).as_bytes())?;
    Ok(keyset.version)
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), KeysError> {
    private_file::replace(path, bytes).map_err(|source| KeysError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use envelope::VaultSealingKeySecret;

    use super::*;
    use crate::keys::{InitOptions, init};

    #[test]
    fn a_vault_is_listed_once_and_wallets_accept_the_new_keyset() {
        let dir = tempfile::tempdir().unwrap();
        let options = InitOptions {
            dir: dir.path().to_owned(),
            hosts: vec!["127.0.0.1".into()],
            merchants: vec!["blue-door:Blue Door Café:5814:US:USD".parse().unwrap()],
            banks: vec!["first".parse().unwrap()],
            operators: Vec::new(),
            public_url: "https://127.0.0.1:8443".into(),
            json: false,
        };
        init(&options).unwrap();
        let folder = DataFolder::new(dir.path());
        let entry = |url: &str| VaultEntry {
            vault_id: "card-vault".to_owned(),
            display_name: "Card Vault".to_owned(),
            url: url.to_owned(),
            tls_ca_pem: "-----BEGIN CERTIFICATE-----".to_owned(),
            sealing_key: VaultSealingKeySecret::generate().public().clone(),
            release_key: SigningKey::generate().public().clone(),
        };
        assert!(list_vault(&folder, &entry("http://vault.example")).is_err());
        let (first, second) = (entry("https://old.example"), entry("https://new.example"));
        assert_eq!(list_vault(&folder, &first).unwrap(), 2);
        assert_eq!(list_vault(&folder, &second).unwrap(), 3);
        let trust: TrustFile = read_json(&folder.trust()).unwrap();
        let jws = read_text(&folder.payment_server("keyset.jws")).unwrap();
        let now_ms = signed_ms(now_ms());
        let keyset = Keyset::verify(&jws, &trust.roots.operator, now_ms, 3).unwrap();
        let (key, profile) = keyset.vault(None, now_ms).unwrap();
        assert_eq!((key, profile.url.as_str()), (&second.sealing_key, "https://new.example"));
        assert!(keyset.merchant("blue-door").is_some());
    }
}

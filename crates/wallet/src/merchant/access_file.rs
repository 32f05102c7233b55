//! The access file: everything that makes a wallet a merchant's till, in one secret file.
//!
//! JSON with `version` 1; `tapseal merchant access` writes it. Whoever has it can ask for payments and give money back
//! in the merchant's name, so it is to be deleted once a till has taken it in.

use std::fs;
use std::path::Path;

use envelope::{Merchant, SigningKey};
use payment::{Currency, MerchantId};
use protocol::ErrorCode;
use protocol::merchant_api::Scope;
use serde::Deserialize;
use zeroize::{Zeroize, Zeroizing};

use super::{KEY_LEN, MerchantFacts, unusable};
use crate::error::{Result, WalletError};
use crate::trust::Trust;

/// The only version there is.
const VERSION: u8 = 1;
/// The largest file that is read, in bytes.
const BYTES_MAX: u64 = 256 * 1024;
/// What stands for a city where the file names none: the code that merchants present must have one.
const NO_CITY: &str = "N/A";

/// A secret text of the file, wiped when dropped.
#[derive(Deserialize)]
#[serde(transparent)]
struct SecretText(String);

impl Drop for SecretText {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// What stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccessFile {
    version: u8,
    /// The merchant API's address.
    server: String,
    /// The authority of its TLS certificate in PEM; none for the payment server's own.
    tls_ca: Option<String>,
    /// What a wallet pins.
    pub(crate) trust: Trust,
    merchant_id: MerchantId,
    display_name: String,
    country: String,
    mcc: String,
    #[serde(default)]
    city: Option<String>,
    currency: Currency,
    /// Ed25519 seed, base64url.
    signing_key: SecretText,
    kid: String,
    api_key: SecretText,
    /// What the API key may do; all when it is not said.
    #[serde(default)]
    scopes: Option<Vec<Scope>>,
}

impl AccessFile {
    /// Reads a file. No message repeats what is in it.
    pub fn read(path: &Path) -> Result<Self> {
        let fault = |error: std::io::Error| unusable(&error.to_string());
        if fs::metadata(path).map_err(fault)?.len() > BYTES_MAX {
            return Err(unusable("it is too large"));
        }
        let text = Zeroizing::new(fs::read(path).map_err(fault)?);
        let file: Self = serde_json::from_slice(&text).map_err(|_| unusable("it is not an access file"))?;
        if file.version != VERSION {
            return Err(unusable("it is of a version that this wallet does not know"));
        }
        if !file.server.starts_with("https://") {
            return Err(unusable("its server is not an https address"));
        }
        Ok(file)
    }

    /// Whether the file is of the operator and the server that this wallet pinned.
    pub fn trusts(&self, pinned: &Trust) -> bool {
        self.trust == *pinned
    }

    /// What is known of the merchant, its signing key and its API key.
    pub fn into_parts(self) -> Result<(MerchantFacts, SigningKey<Merchant>, Zeroizing<String>)> {
        let seed = seed(&self.signing_key.0).ok_or_else(|| unusable("its signing key is malformed"))?;
        let signing = SigningKey::from_bytes(&seed);
        if signing.kid() != self.kid {
            return Err(unusable("its signing key is not the one it names"));
        }
        if self.api_key.0.is_empty() || !self.api_key.0.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(unusable("its API key is malformed"));
        }
        let facts = MerchantFacts {
            merchant_id: self.merchant_id,
            display_name: self.display_name,
            country: self.country,
            mcc: self.mcc,
            city: self.city.unwrap_or_else(|| NO_CITY.to_owned()),
            currency: self.currency,
            server: self.server.trim_end_matches('/').to_owned(),
            tls_ca_pem: self.tls_ca.unwrap_or(self.trust.tls_ca_pem),
            kid: self.kid,
            scopes: self.scopes.unwrap_or_else(|| Scope::ALL.to_vec()),
        };
        Ok((facts, signing, Zeroizing::new(self.api_key.0.clone())))
    }
}

fn seed(text: &str) -> Option<Zeroizing<[u8; KEY_LEN]>> {
    use base64::Engine;
    let bytes = Zeroizing::new(base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).ok()?);
    bytes.as_slice().try_into().ok().map(Zeroizing::new)
}

impl From<AccessFile> for Trust {
    fn from(file: AccessFile) -> Self {
        file.trust
    }
}

/// The trust in an access file: what a wallet without any may pin when its owner hands it the file.
pub(crate) fn trust_in(path: &Path) -> Result<Trust> {
    let trust: Trust = AccessFile::read(path)?.into();
    if trust.operator.is_empty() || !trust.server_url.starts_with("https://") {
        return Err(WalletError::Code(ErrorCode::AccessFileInvalid));
    }
    Ok(trust)
}

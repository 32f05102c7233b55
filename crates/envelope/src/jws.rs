//! Compact JWS (RFC 7515) with `EdDSA` only (RFC 8037): `alg`, `kid` and `typ` are required, nothing else is allowed.

use serde::{Deserialize, Serialize};

use crate::encoding::{array_from_base64url, base64url, from_base64url};
use crate::error::JwsError;
use crate::signing_key::{SIGNATURE_LEN, SigningKey, SigningRole, VerifyingKey};

/// `typ` of an order signed by its merchant.
pub const TYP_ORDER: &str = "tapseal-order+jws";
/// `typ` of a refund order signed by its merchant.
pub const TYP_REFUND: &str = "tapseal-refund+jws";
/// `typ` of an outcome signed by the bank.
pub const TYP_OUTCOME: &str = "tapseal-outcome+jws";
/// `typ` of a refund's outcome signed by the bank.
pub const TYP_REFUND_OUTCOME: &str = "tapseal-refund-outcome+jws";
/// `typ` of a keyset signed by the operator's root.
pub const TYP_KEYSET: &str = "tapseal-keyset+jws";
/// `typ` of a bank certificate signed by that bank's root.
pub const TYP_BANK_CERTIFICATE: &str = "tapseal-bank-certificate+jws";
/// `typ` of the key to which vouchers are sealed, signed by the bank's root.
pub const TYP_VOUCHER_KEY: &str = "tapseal-voucher-key+jws";
/// `typ` of a batch of vouchers signed by the merchant who made it.
pub const TYP_VOUCHER_BATCH: &str = "tapseal-voucher-batch+jws";
/// `typ` of the certificate of a subscriber's key, signed by its operator's root.
pub const TYP_SUBSCRIBER: &str = "tapseal-subscriber+jws";

/// The longest JWS that is looked at, in bytes: a keyset of a few thousand merchants.
pub const JWS_LEN_MAX: usize = 2 * 1024 * 1024;
/// The longest header that is looked at, in base64url characters.
const HEADER_LEN_MAX: usize = 512;
/// The only algorithm.
const ALG: &str = "EdDSA";

/// The protected header. Foreign members (`jwk`, `crit`, `b64` …) make the message malformed, so that no
/// header can bring its own key or change what the signature covers.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    kid: String,
    typ: String,
}

/// Signs `payload` as a message of type `typ`.
pub fn sign<R: SigningRole>(key: &SigningKey<R>, typ: &str, payload: &[u8]) -> String {
    let header = Header { alg: ALG.to_owned(), kid: key.kid().to_owned(), typ: typ.to_owned() };
    let header = serde_json::to_vec(&header).expect("three strings are always JSON");
    let mut jws = format!("{}.{}", base64url(&header), base64url(payload));
    let signature = key.sign(jws.as_bytes());
    jws.push('.');
    jws.push_str(&base64url(&signature));
    jws
}

/// The payload, once `alg`, `typ`, `kid` and the signature are right, in that order.
pub fn verify<R: SigningRole>(key: &VerifyingKey<R>, typ: &str, jws: &str) -> Result<Vec<u8>, JwsError> {
    let parts = Parts::of(jws)?;
    let header = parts.header()?;
    if header.typ != typ {
        return Err(JwsError::WrongType);
    }
    if header.kid != key.kid() {
        return Err(JwsError::UnknownKid);
    }
    let signature: [u8; SIGNATURE_LEN] = array_from_base64url(parts.signature).ok_or(JwsError::Malformed)?;
    if !key.verifies(parts.signed.as_bytes(), &signature) {
        return Err(JwsError::Signature);
    }
    from_base64url(parts.payload).ok_or(JwsError::Malformed)
}

/// The `kid` that claims to have signed, to choose the key that [`verify`] then checks.
pub fn peek_kid(jws: &str) -> Result<String, JwsError> {
    Ok(Parts::of(jws)?.header()?.kid)
}

/// The payload without any check of the signature: to find a merchant's name for a refusal, never to act on.
pub fn peek_payload_unverified(jws: &str) -> Result<Vec<u8>, JwsError> {
    let parts = Parts::of(jws)?;
    parts.header()?;
    from_base64url(parts.payload).ok_or(JwsError::Malformed)
}

struct Parts<'a> {
    /// Header and payload with the dot between them: what the signature covers.
    signed: &'a str,
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    fn of(jws: &'a str) -> Result<Self, JwsError> {
        if jws.len() > JWS_LEN_MAX {
            return Err(JwsError::TooLong);
        }
        let (signed, signature) = jws.rsplit_once('.').ok_or(JwsError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(JwsError::Malformed)?;
        if payload.contains('.') || header.len() > HEADER_LEN_MAX {
            return Err(JwsError::Malformed);
        }
        Ok(Self { signed, header, payload, signature })
    }

    fn header(&self) -> Result<Header, JwsError> {
        let bytes = from_base64url(self.header).ok_or(JwsError::Malformed)?;
        let header: Header = serde_json::from_slice(&bytes).map_err(|_| JwsError::Malformed)?;
        if header.alg != ALG {
            return Err(JwsError::Algorithm);
        }
        Ok(header)
    }
}

//! How a device signs its calls: Ed25519 over method, path, time and body.
//!
//! The signature does not stop a replay by itself: the server also checks that the time is near
//! ([`is_fresh`]), and every call that changes something carries an id of its own.

use sha2::{Digest, Sha256};

use crate::encoding::{array_from_base64url, base64url};
use crate::error::SignatureError;
use crate::signing_key::{Device, SIGNATURE_LEN, SigningKey, VerifyingKey};

/// What the signed text begins with.
const HTTP_LABEL: &str = "tapseal/1 http";
/// How far a signed time may be from the server's, in milliseconds: a phone's clock and a slow network.
pub const HTTP_SIGNATURE_SKEW_MS_MAX: i64 = 5 * 60 * 1000;

/// Signs a call; the signature in base64url without padding. `path_and_query` is as sent, `time_ms` is the
/// device's clock. A line break in method or path cannot be sent over HTTP and makes the signature unverifiable.
pub fn sign_http(key: &SigningKey<Device>, method: &str, path_and_query: &str, time_ms: i64, body: &[u8]) -> String {
    base64url(&key.sign(string_to_sign(method, path_and_query, time_ms, body).as_bytes()))
}

/// Whether `key` signed this call.
pub fn verify_http(
    key: &VerifyingKey<Device>,
    method: &str,
    path_and_query: &str,
    time_ms: i64,
    body: &[u8],
    signature: &str,
) -> Result<(), SignatureError> {
    // The text is split by line breaks: a part that contains one would be ambiguous.
    if method.contains(['\n', '\r']) || path_and_query.contains(['\n', '\r']) {
        return Err(SignatureError::Malformed);
    }
    let signature: [u8; SIGNATURE_LEN] = array_from_base64url(signature).ok_or(SignatureError::Malformed)?;
    let text = string_to_sign(method, path_and_query, time_ms, body);
    if key.verifies(text.as_bytes(), &signature) { Ok(()) } else { Err(SignatureError::Wrong) }
}

/// Whether a signed time is near enough to now.
pub fn is_fresh(time_ms: i64, now_ms: i64) -> bool {
    now_ms.abs_diff(time_ms) <= HTTP_SIGNATURE_SKEW_MS_MAX.unsigned_abs()
}

fn string_to_sign(method: &str, path_and_query: &str, time_ms: i64, body: &[u8]) -> String {
    let digest = hex::encode(Sha256::digest(body));
    format!("{HTTP_LABEL}\n{method}\n{path_and_query}\n{time_ms}\n{digest}")
}

//! How a message is signed: Standard Webhooks 1.0.0, symmetric (`v1`), with two signatures while a secret is replaced.
//!
//! An endpoint's secret is derived from a key of the server's, the endpoint and a number that goes up with each
//! rotation. So the database holds no secret, and every replica knows it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// How long the secret before the present one signs as well, in milliseconds: a day.
pub(super) const OVERLAP_MS: i64 = 24 * 60 * 60 * 1_000;
/// What every secret begins with (Standard Webhooks, "Symmetric").
const PREFIX: &str = "whsec_";
/// What a derivation begins with.
const LABEL: &str = "tapseal/1 webhook secret";

/// A signing secret of one endpoint.
pub(super) struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    /// The endpoint's secret of this number.
    pub(super) fn derive(server_key: &[u8; 32], webhook_id: &str, number: i64) -> Self {
        let mut mac = mac(server_key);
        for part in [LABEL, webhook_id, &number.to_string()] {
            mac.update(part.as_bytes());
            mac.update(b"\n");
        }
        Self(Zeroizing::new(mac.finalize().into_bytes().into()))
    }

    /// The secret as its merchant is told it, once.
    pub(super) fn expose_text(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0[..]))
    }

    /// `v1,` and the base64 of the HMAC-SHA256 over id, timestamp in seconds and body.
    fn sign(&self, id: &str, timestamp_s: u64, body: &str) -> String {
        let mut mac = mac(&self.0);
        mac.update(format!("{id}.{timestamp_s}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

fn mac(key: &[u8; 32]) -> Hmac<Sha256> {
    <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// The `webhook-signature` header: a signature by each secret, the newest first.
pub(super) fn header(secrets: &[Secret], id: &str, timestamp_s: u64, body: &str) -> String {
    let signatures: Vec<String> = secrets.iter().map(|secret| secret.sign(id, timestamp_s, body)).collect();
    signatures.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_librarys_known_answer() {
        // From the test suite of the reference libraries.
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).unwrap();
        mac.update(b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}");
        let known = "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(STANDARD.encode(mac.finalize().into_bytes()), known);
    }

    #[test]
    fn every_endpoint_and_every_rotation_has_its_own_secret() {
        let text = |key: u8, id: &str, number| Secret::derive(&[key; 32], id, number).expose_text();
        let secrets = [text(1, "a", 1), text(2, "a", 1), text(1, "b", 1), text(1, "a", 2)];
        assert_eq!(secrets.iter().collect::<std::collections::BTreeSet<_>>().len(), secrets.len());
        assert!(secrets.iter().all(|secret| secret.starts_with(PREFIX) && secret.len() == PREFIX.len() + 44));
    }

    #[test]
    fn a_rotation_signs_twice() {
        let secrets = [2, 1].map(|number| Secret::derive(&[7; 32], "a", number));
        let both = header(&secrets, "msg_1", 1_795_000_000, "{}");
        let each: Vec<String> = secrets.iter().map(|secret| secret.sign("msg_1", 1_795_000_000, "{}")).collect();
        assert_eq!(both, each.join(" "));
        assert_ne!(each[0], each[1]);
    }
}

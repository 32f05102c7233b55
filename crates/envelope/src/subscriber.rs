//! A subscriber's own key: certified by its operator, it signs every payment on the phone bill, so that none can be denied.
//!
//! The key pair is made in the wallet and its secret half never leaves it. The certificate names the subscriber by a random
//! serial only: number and name stand in the operator's books.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::encoding::{array_from_base64url, base64url};
use crate::error::{KeysetError, SignatureError};
use crate::jws::{self, TYP_SUBSCRIBER};
use crate::keyset::{BankTrust, check_period};
use crate::signing_key::{BankRoot, SIGNATURE_LEN, SigningKey, Subscriber, VerifyingKey};

/// Length of a certificate's serial, in bytes.
pub const SERIAL_LEN: usize = 16;
/// The longest certificate that is looked at, in characters.
pub const CERTIFICATE_LEN_MAX: usize = 4 * 1024;
/// What a signature over a payment begins with, and one over an enrolment.
const PAYMENT_LABEL: &[u8] = b"tapseal/1 phone bill payment";
const ENROLMENT_LABEL: &[u8] = b"tapseal/1 phone bill key";

/// What an operator's root certifies of a subscriber's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscriberCertificate {
    /// The operator's id.
    pub operator_id: String,
    /// Which certificate, drawn at random: sixteen bytes in base64url.
    pub serial: String,
    /// The key.
    pub key: VerifyingKey<Subscriber>,
    /// First millisecond of validity.
    pub not_before_ms: i64,
    /// First millisecond after it.
    pub not_after_ms: i64,
}

impl SubscriberCertificate {
    /// Signs it.
    pub fn sign(&self, root: &SigningKey<BankRoot>) -> String {
        let payload = serde_json::to_vec(self).expect("strings and integers are always JSON");
        jws::sign(root, TYP_SUBSCRIBER, &payload)
    }

    /// The certificate in `jws`, if the pinned root of the operator it names signed it and it is valid at this time.
    ///
    /// # Errors
    /// [`KeysetError`] says which of these it is not.
    pub fn verify_at(jws: &str, roots: &[BankTrust], at_ms: i64) -> Result<Self, KeysetError> {
        if jws.len() > CERTIFICATE_LEN_MAX {
            return Err(KeysetError::Malformed("the length"));
        }
        let kid = jws::peek_kid(jws)?;
        let root = roots.iter().find(|root| root.key.kid() == kid).ok_or(KeysetError::UnknownRoot)?;
        let payload = jws::verify(&root.key, TYP_SUBSCRIBER, jws)?;
        let certificate: Self = serde_json::from_slice(&payload).map_err(|_| KeysetError::Malformed("the JSON"))?;
        // One operator's root must not vouch for another operator's subscribers.
        if certificate.operator_id != root.bank_id {
            return Err(KeysetError::WrongBank);
        }
        certificate.serial_bytes().ok_or(KeysetError::Malformed("the serial"))?;
        check_period(certificate.not_before_ms, certificate.not_after_ms)?;
        if at_ms < certificate.not_before_ms {
            return Err(KeysetError::NotYetValid);
        }
        if at_ms >= certificate.not_after_ms {
            return Err(KeysetError::Expired);
        }
        Ok(certificate)
    }

    /// The serial's bytes; none when it is not one.
    pub fn serial_bytes(&self) -> Option<[u8; SERIAL_LEN]> {
        array_from_base64url(&self.serial)
    }

    /// What a certificate says that was verified when it was taken in; none when it is not one.
    pub fn peek(jws: &str) -> Option<Self> {
        serde_json::from_slice(&jws::peek_payload_unverified(jws).ok()?).ok()
    }

    /// The serial of such a certificate.
    pub fn peek_serial(jws: &str) -> Option<[u8; SERIAL_LEN]> {
        Self::peek(jws)?.serial_bytes()
    }

    /// The text of a serial.
    pub fn serial_text(serial: &[u8; SERIAL_LEN]) -> String {
        base64url(serial)
    }
}

/// What a subscriber signs when it pays: everything that a dispute could be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BillPayment<'a> {
    /// Whose bill it goes on.
    pub operator_id: &'a str,
    /// Which attempt at which order.
    pub attempt_hash: &'a [u8; 32],
    /// How much, in minor units of `currency`.
    pub amount_minor: u64,
    /// ISO 4217, three letters.
    pub currency: &'a str,
    /// To whom.
    pub merchant_id: &'a str,
}

impl BillPayment<'_> {
    /// Label, attempt hash and amount have fixed lengths; each text is preceded by its own.
    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = [PAYMENT_LABEL, self.attempt_hash, &self.amount_minor.to_be_bytes()].concat();
        for text in [self.currency, self.merchant_id, self.operator_id] {
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }
}

/// A subscriber's Ed25519 signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubscriberSignature([u8; SIGNATURE_LEN]);

impl SubscriberSignature {
    /// Signs a payment.
    pub fn of_payment(key: &SigningKey<Subscriber>, payment: &BillPayment<'_>) -> Self {
        Self(key.sign(&payment.to_bytes()))
    }

    /// Whether `key` signed this payment.
    ///
    /// # Errors
    /// [`SignatureError::Wrong`] when it did not.
    pub fn verify_payment(
        &self,
        key: &VerifyingKey<Subscriber>,
        payment: &BillPayment<'_>,
    ) -> Result<(), SignatureError> {
        self.verify(key, &payment.to_bytes())
    }

    /// Signs an enrolment, by its hash: whoever enrols the key holds it.
    pub fn of_enrolment(key: &SigningKey<Subscriber>, enrolment_hash: &[u8; 32]) -> Self {
        Self(key.sign(&[ENROLMENT_LABEL, enrolment_hash].concat()))
    }

    /// Whether `key` signed this enrolment.
    ///
    /// # Errors
    /// [`SignatureError::Wrong`] when it did not.
    pub fn verify_enrolment(
        &self,
        key: &VerifyingKey<Subscriber>,
        enrolment_hash: &[u8; 32],
    ) -> Result<(), SignatureError> {
        self.verify(key, &[ENROLMENT_LABEL, enrolment_hash].concat())
    }

    fn verify(&self, key: &VerifyingKey<Subscriber>, message: &[u8]) -> Result<(), SignatureError> {
        if key.verifies(message, &self.0) { Ok(()) } else { Err(SignatureError::Wrong) }
    }

    /// The signature's 64 bytes.
    pub fn to_bytes(&self) -> [u8; SIGNATURE_LEN] {
        self.0
    }

    /// The signature with these bytes.
    pub fn from_bytes(bytes: [u8; SIGNATURE_LEN]) -> Self {
        Self(bytes)
    }

    /// The signature in base64url without padding.
    pub fn to_base64url(&self) -> String {
        base64url(&self.0)
    }

    /// The signature from base64url without padding.
    ///
    /// # Errors
    /// [`SignatureError::Malformed`] when it is none.
    pub fn from_base64url(text: &str) -> Result<Self, SignatureError> {
        array_from_base64url(text).map(Self).ok_or(SignatureError::Malformed)
    }
}

impl Serialize for SubscriberSignature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_base64url())
    }
}

impl<'de> Deserialize<'de> for SubscriberSignature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_base64url(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

    fn certificate(operator_id: &str, key: &SigningKey<Subscriber>) -> SubscriberCertificate {
        SubscriberCertificate {
            operator_id: operator_id.to_owned(),
            serial: SubscriberCertificate::serial_text(&[7; SERIAL_LEN]),
            key: key.public().clone(),
            not_before_ms: DAY_MS,
            not_after_ms: 2 * DAY_MS,
        }
    }

    #[test]
    fn a_certificate_counts_under_its_own_operators_root_and_in_its_time() {
        let (north, south) = (SigningKey::<BankRoot>::generate(), SigningKey::<BankRoot>::generate());
        let roots = [("north", &north), ("south", &south)]
            .map(|(id, root)| BankTrust { bank_id: id.to_owned(), key: root.public().clone() });
        let key = SigningKey::generate();
        let jws = certificate("north", &key).sign(&north);
        let verify = |jws: &str, at_ms| SubscriberCertificate::verify_at(jws, &roots, at_ms);
        assert_eq!(verify(&jws, DAY_MS).unwrap().key, *key.public());
        assert_eq!(verify(&jws, DAY_MS - 1), Err(KeysetError::NotYetValid));
        assert_eq!(verify(&jws, 2 * DAY_MS), Err(KeysetError::Expired));
        assert_eq!(verify(&certificate("south", &key).sign(&north), DAY_MS), Err(KeysetError::WrongBank));
        assert!(SubscriberCertificate::verify_at(&jws, &roots[1..], DAY_MS).is_err());
        for at in 0..jws.len() {
            let mut changed = jws.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(verify(&String::from_utf8(changed).unwrap(), DAY_MS).is_err(), "character {at}");
        }
    }

    #[test]
    fn a_signature_is_of_one_payment_by_one_key() {
        let key = SigningKey::<Subscriber>::generate();
        let payment = BillPayment {
            operator_id: "north",
            attempt_hash: &[1; 32],
            amount_minor: 1_280,
            currency: "USD",
            merchant_id: "blue-door",
        };
        let signature = SubscriberSignature::of_payment(&key, &payment);
        assert!(signature.verify_payment(key.public(), &payment).is_ok());
        for other in [
            BillPayment { operator_id: "south", ..payment },
            BillPayment { attempt_hash: &[2; 32], ..payment },
            BillPayment { amount_minor: 1_281, ..payment },
            BillPayment { currency: "EUR", ..payment },
            BillPayment { merchant_id: "red-door", ..payment },
            // The same characters, divided in another place.
            BillPayment { merchant_id: "blue-doorn", operator_id: "orth", ..payment },
        ] {
            assert!(signature.verify_payment(key.public(), &other).is_err(), "{other:?}");
        }
        assert!(signature.verify_payment(SigningKey::generate().public(), &payment).is_err());
        assert!(signature.verify_enrolment(key.public(), &[1; 32]).is_err());
        let enrolment = SubscriberSignature::of_enrolment(&key, &[1; 32]);
        assert!(enrolment.verify_enrolment(key.public(), &[1; 32]).is_ok());
        assert!(enrolment.verify_enrolment(key.public(), &[2; 32]).is_err());
    }
}

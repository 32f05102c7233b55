//! The outer seal: what the payment server needs to match and route an attempt, with the inner capsule inside.
//!
//! It holds no card data: the issuer is named by the prefix of the card number only, and another front by its id. Base mode does not say who
//! sealed, so the device signs the capsule ([`DeviceSignature`]).

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::capsule::Capsule;
use crate::encoding::{Full, Reader, Writer, array_from_base64url, base64url};
use crate::error::{OpenError, SealError, SignatureError};
use crate::means::MeansKind;
use crate::sealing_key::{PaymentServerSealingKey, PaymentServerSealingKeySecret};
use crate::secret::wiped_buffer;
use crate::signing_key::{Device, SIGNATURE_LEN, SigningKey, VerifyingKey};
use crate::suite::{OUTER_LABEL, Sender};

/// Length of the plaintext, in bytes, padding included.
pub const OUTER_PLAINTEXT_LEN: usize = 2048;
/// Longest order number and merchant identifier, in bytes.
pub const REFERENCE_LEN_MAX: usize = 64;
/// Longest issuer prefix, in digits: more would begin to be a card number.
pub const ISSUER_IIN_LEN_MAX: usize = 8;
/// Shortest issuer prefix, in digits.
const ISSUER_IIN_LEN_MIN: usize = 6;
/// Longest inner capsule in its compact form, in bytes.
const INNER_CAPSULE_LEN_MAX: usize = 1280;
/// Longest id of a front, in bytes.
pub const FRONT_LEN_MAX: usize = 32;
/// First byte of the plaintext when a card pays, and when something else does.
const VERSION_CARD: u8 = 1;
const VERSION_MEANS: u8 = 2;
/// What the device's signature over a submission begins with.
const SUBMIT_LABEL: &[u8] = b"tapseal/1 submit";

/// What the payment server reads: enough to find the order and the bank, nothing of the card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routing {
    /// The payment request.
    pub request_id: [u8; 16],
    /// The attempt at it.
    pub attempt_id: [u8; 16],
    /// The merchant's order number.
    pub order_number: String,
    /// The merchant.
    pub merchant_id: String,
    /// The amount, in minor units of `currency`.
    pub amount_minor: u64,
    /// ISO 4217, three letters.
    pub currency: String,
    /// The wallet's random part of the attempt hash.
    pub wallet_nonce: [u8; 32],
    /// What pays, and so who decides.
    pub route: Route,
    /// The inner seal, for the bank.
    pub inner: Capsule,
}

/// What pays, as far as the payment server must know to find who decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// A card of the bank that answers for this prefix.
    Card {
        /// The issuer's prefix, six to eight digits.
        issuer_iin: String,
    },
    /// Something else, which its front knows.
    Means {
        /// What it is.
        kind: MeansKind,
        /// The front that decides: a bank's or an operator's id, in lower case.
        front: String,
    },
}

/// Seals `routing` to the payment server for one attempt at one request.
pub fn seal(
    to: &PaymentServerSealingKey,
    request_id: &[u8; 16],
    attempt_id: &[u8; 16],
    routing: &Routing,
) -> Result<Capsule, SealError> {
    if routing.request_id != *request_id || routing.attempt_id != *attempt_id {
        return Err(SealError::Malformed("the request or attempt id"));
    }
    check(routing)?;
    let sender = Sender::to(&to.to_bytes(), OUTER_LABEL)?;
    let mut plaintext = wiped_buffer(OUTER_PLAINTEXT_LEN);
    write(&mut plaintext, routing).map_err(|Full| SealError::TooLong("the routing"))?;
    Capsule::seal(to, sender, &aad(request_id, attempt_id), &plaintext)
}

/// Opens an outer seal made for this key, this request and this attempt.
pub fn open(
    secret: &PaymentServerSealingKeySecret,
    request_id: &[u8; 16],
    attempt_id: &[u8; 16],
    capsule: &Capsule,
) -> Result<Routing, OpenError> {
    let receiver = capsule.receiver(secret, OUTER_LABEL)?;
    let plaintext = receiver.open(&aad(request_id, attempt_id), &capsule.ciphertext)?;
    let routing = read(&plaintext).ok_or(OpenError::Refused)?;
    if routing.request_id != *request_id || routing.attempt_id != *attempt_id {
        return Err(OpenError::Refused);
    }
    Ok(routing)
}

fn aad(request_id: &[u8; 16], attempt_id: &[u8; 16]) -> [u8; 32] {
    let mut aad = [0; 32];
    aad[..16].copy_from_slice(request_id);
    aad[16..].copy_from_slice(attempt_id);
    aad
}

fn check(routing: &Routing) -> Result<(), SealError> {
    for (text, field) in [(&routing.order_number, "the order number"), (&routing.merchant_id, "the merchant id")] {
        if text.is_empty() {
            return Err(SealError::Malformed(field));
        }
        if text.len() > REFERENCE_LEN_MAX {
            return Err(SealError::TooLong(field));
        }
    }
    if !is_currency(&routing.currency) {
        return Err(SealError::Malformed("the currency"));
    }
    match &routing.route {
        Route::Card { issuer_iin } if !is_issuer_iin(issuer_iin) => Err(SealError::Malformed("the issuer prefix")),
        Route::Means { front, .. } if !is_front(front) => Err(SealError::Malformed("the front")),
        Route::Card { .. } | Route::Means { .. } => Ok(()),
    }
}

fn is_currency(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_issuer_iin(text: &str) -> bool {
    (ISSUER_IIN_LEN_MIN..=ISSUER_IIN_LEN_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_front(text: &str) -> bool {
    (1..=FRONT_LEN_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn write(plaintext: &mut [u8], routing: &Routing) -> Result<(), Full> {
    let mut writer = Writer::new(plaintext);
    writer.put(&[match routing.route {
        Route::Card { .. } => VERSION_CARD,
        Route::Means { .. } => VERSION_MEANS,
    }])?;
    writer.put(&routing.request_id)?;
    writer.put(&routing.attempt_id)?;
    writer.put_short(routing.order_number.as_bytes(), REFERENCE_LEN_MAX)?;
    writer.put_short(routing.merchant_id.as_bytes(), REFERENCE_LEN_MAX)?;
    writer.put(&routing.amount_minor.to_be_bytes())?;
    writer.put(routing.currency.as_bytes())?;
    writer.put(&routing.wallet_nonce)?;
    match &routing.route {
        Route::Card { issuer_iin } => writer.put_short(issuer_iin.as_bytes(), ISSUER_IIN_LEN_MAX)?,
        Route::Means { kind, front } => {
            writer.put(&[kind.code()])?;
            writer.put_short(front.as_bytes(), FRONT_LEN_MAX)?;
        }
    }
    writer.put_long(&routing.inner.to_bytes(), INNER_CAPSULE_LEN_MAX)
}

fn read(plaintext: &[u8]) -> Option<Routing> {
    if plaintext.len() != OUTER_PLAINTEXT_LEN {
        return None;
    }
    let mut reader = Reader::new(plaintext);
    let version = reader.byte()?;
    let routing = Routing {
        request_id: reader.array()?,
        attempt_id: reader.array()?,
        order_number: reader.text(REFERENCE_LEN_MAX)?,
        merchant_id: reader.text(REFERENCE_LEN_MAX)?,
        amount_minor: u64::from_be_bytes(reader.array()?),
        currency: std::str::from_utf8(reader.take(3)?).ok()?.to_owned(),
        wallet_nonce: reader.array()?,
        route: match version {
            VERSION_CARD => Route::Card { issuer_iin: reader.text(ISSUER_IIN_LEN_MAX)? },
            VERSION_MEANS => {
                Route::Means { kind: MeansKind::from_code(reader.byte()?)?, front: reader.text(FRONT_LEN_MAX)? }
            }
            _ => return None,
        },
        inner: Capsule::from_bytes(reader.long(INNER_CAPSULE_LEN_MAX)?).ok()?,
    };
    reader.only_padding()?;
    check(&routing).ok()?;
    Some(routing)
}

/// The device's Ed25519 signature over one submission: which request, which attempt, which capsule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceSignature([u8; SIGNATURE_LEN]);

impl DeviceSignature {
    /// Signs a submission.
    pub fn sign(key: &SigningKey<Device>, request_id: &[u8; 16], attempt_id: &[u8; 16], capsule: &Capsule) -> Self {
        Self(key.sign(&submission(request_id, attempt_id, capsule)))
    }

    /// Whether `key` signed this submission.
    pub fn verify(
        &self,
        key: &VerifyingKey<Device>,
        request_id: &[u8; 16],
        attempt_id: &[u8; 16],
        capsule: &Capsule,
    ) -> Result<(), SignatureError> {
        if key.verifies(&submission(request_id, attempt_id, capsule), &self.0) {
            Ok(())
        } else {
            Err(SignatureError::Wrong)
        }
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
    pub fn from_base64url(text: &str) -> Result<Self, SignatureError> {
        array_from_base64url(text).map(Self).ok_or(SignatureError::Malformed)
    }
}

/// `"tapseal/1 submit" ‖ request id ‖ attempt id ‖ SHA-256(capsule)`: every part has a fixed length.
fn submission(request_id: &[u8; 16], attempt_id: &[u8; 16], capsule: &Capsule) -> Vec<u8> {
    let digest = Sha256::digest(capsule.to_bytes());
    [SUBMIT_LABEL, request_id, attempt_id, &digest[..]].concat()
}

impl Serialize for DeviceSignature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_base64url())
    }
}

impl<'de> Deserialize<'de> for DeviceSignature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_base64url(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;

//! The capsule: a sealed message as it travels, in JSON and in the compact bytes that ISO 8583 fields carry.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::encoding::{Reader, array_from_base64url, base64url, from_base64url};
use crate::error::{CapsuleError, OpenError, SealError};
use crate::sealing_key::{SealingKey, SealingKeySecret, SealingRole};
use crate::suite::{KEY_LEN, Receiver, Sender, TAG_LEN};

/// The longest ciphertext a capsule may carry, in bytes, tag included.
pub const CAPSULE_CIPHERTEXT_LEN_MAX: usize = 64 * 1024;
/// The longest key identifier a capsule may carry, in bytes.
pub(crate) const KID_LEN_MAX: usize = 64;
/// First byte of the compact form.
const COMPACT_VERSION: u8 = 1;

/// A sealed message: which key opens it, the encapsulated key, and the ciphertext with its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capsule {
    /// The identifier of the key it is sealed to.
    pub kid: String,
    /// The ephemeral X25519 public key (RFC 9180, section 4.1).
    pub enc: [u8; KEY_LEN],
    /// Ciphertext and tag.
    pub ciphertext: Vec<u8>,
}

impl Capsule {
    /// Version byte, `kid` with a length byte, `enc`, ciphertext with four length bytes (big-endian).
    pub fn to_bytes(&self) -> Vec<u8> {
        let kid_len = u8::try_from(self.kid.len()).expect("a kid is at most 64 bytes long");
        let ciphertext_len = u32::try_from(self.ciphertext.len()).expect("a ciphertext is at most 64 KiB long");
        let mut bytes = Vec::with_capacity(2 + self.kid.len() + KEY_LEN + 4 + self.ciphertext.len());
        bytes.extend_from_slice(&[COMPACT_VERSION, kid_len]);
        bytes.extend_from_slice(self.kid.as_bytes());
        bytes.extend_from_slice(&self.enc);
        bytes.extend_from_slice(&ciphertext_len.to_be_bytes());
        bytes.extend_from_slice(&self.ciphertext);
        bytes
    }

    /// The counterpart of [`Capsule::to_bytes`]: another version, a length out of bounds, a missing or a
    /// trailing byte are all refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CapsuleError> {
        Self::read(bytes).ok_or(CapsuleError)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if reader.byte()? != COMPACT_VERSION {
            return None;
        }
        let kid = reader.text(KID_LEN_MAX)?;
        let enc = reader.array()?;
        let ciphertext_len = usize::try_from(u32::from_be_bytes(reader.array()?)).ok()?;
        if ciphertext_len > CAPSULE_CIPHERTEXT_LEN_MAX {
            return None;
        }
        let ciphertext = reader.take(ciphertext_len)?.to_vec();
        reader.finished()?;
        Self::checked(kid, enc, ciphertext)
    }

    /// The one way in from outside, whatever the encoding was.
    fn checked(kid: String, enc: [u8; KEY_LEN], ciphertext: Vec<u8>) -> Option<Self> {
        let kid_fits = !kid.is_empty() && kid.len() <= KID_LEN_MAX && kid.bytes().all(|byte| byte.is_ascii_graphic());
        let ciphertext_fits = (TAG_LEN..=CAPSULE_CIPHERTEXT_LEN_MAX).contains(&ciphertext.len());
        (kid_fits && ciphertext_fits).then_some(Self { kid, enc, ciphertext })
    }

    /// Finishes a context into a capsule for `to`.
    pub(crate) fn seal<R: SealingRole>(
        to: &SealingKey<R>,
        sender: Sender,
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Self, SealError> {
        let (enc, ciphertext) = sender.seal(aad, plaintext)?;
        Ok(Self { kid: to.kid().to_owned(), enc, ciphertext })
    }

    /// Compares the identifiers, then decapsulates.
    pub(crate) fn receiver<R: SealingRole>(
        &self,
        secret: &SealingKeySecret<R>,
        label: &[u8],
    ) -> Result<Receiver, OpenError> {
        if self.kid != secret.kid() {
            return Err(OpenError::UnknownKid);
        }
        Receiver::from(secret.private(), &self.enc, label)
    }
}

/// The JSON form: `enc` and `ciphertext` in base64url without padding.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CapsuleJson {
    kid: String,
    enc: String,
    ciphertext: String,
}

impl Serialize for Capsule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        CapsuleJson { kid: self.kid.clone(), enc: base64url(&self.enc), ciphertext: base64url(&self.ciphertext) }
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Capsule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = CapsuleJson::deserialize(deserializer)?;
        let read = || {
            if json.ciphertext.len() > CAPSULE_CIPHERTEXT_LEN_MAX.div_ceil(3) * 4 {
                return None;
            }
            let enc = array_from_base64url(&json.enc)?;
            let ciphertext = from_base64url(&json.ciphertext)?;
            Self::checked(json.kid, enc, ciphertext)
        };
        read().ok_or_else(|| D::Error::custom(CapsuleError))
    }
}

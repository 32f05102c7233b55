//! What can go wrong, one enum a verb; none of them carries a secret or says which check inside a seal failed.

use thiserror::Error;

/// A key, or the text form of one, is not what its role asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not canonical base64url without padding, or not the JSON of an OKP JWK (RFC 8037).
    #[error("the key is not encoded as it must be")]
    Encoding,
    /// Not 32 bytes.
    #[error("the key is not 32 bytes long")]
    Length,
    /// The curve point has a small order: anybody could forge for it.
    #[error("the key is a weak point of its curve")]
    Weak,
    /// The `kid` is not the one this key has in this role: another role's key, or another key.
    #[error("the key identifier does not belong to this key in this role")]
    WrongRole,
}

/// A message could not be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealError {
    /// The recipient's key makes an all-zero shared secret (RFC 9180, section 7.1.4).
    #[error("the recipient's key is unusable")]
    UnusableKey,
    /// A field is longer than its bound; the field is named.
    #[error("{0} is too long to be sealed")]
    TooLong(&'static str),
    /// A field does not have the form it must have; the field is named.
    #[error("{0} is malformed")]
    Malformed(&'static str),
}

/// A capsule was not opened. Which check failed is not told, on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The capsule names another key. Decided by comparing identifiers, before any secret is used, so that
    /// the holder can answer "this key is retired, refresh and seal again".
    #[error("the capsule is sealed to another key")]
    UnknownKid,
    /// The capsule does not open.
    #[error("the capsule does not open")]
    Refused,
}

/// Bytes or JSON are not a capsule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a capsule")]
pub struct CapsuleError;

/// A compact JWS was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum JwsError {
    /// Longer than [`crate::jws::JWS_LEN_MAX`].
    #[error("the signed message is too long")]
    TooLong,
    /// Not three canonical base64url parts, or the header has missing, repeated or foreign members.
    #[error("the signed message is malformed")]
    Malformed,
    /// `alg` is not `EdDSA`.
    #[error("the signature algorithm is not accepted")]
    Algorithm,
    /// `typ` is not the kind of message expected here.
    #[error("the signed message is of another type")]
    WrongType,
    /// `kid` is not the key asked to verify.
    #[error("the message is signed by another key")]
    UnknownKid,
    /// The signature is not this key's signature over this message.
    #[error("the signature is wrong")]
    Signature,
}

/// A detached Ed25519 signature was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// Not 64 bytes of canonical base64url, or a field that would make the signed text ambiguous.
    #[error("the signature is malformed")]
    Malformed,
    /// Not this key's signature over these values.
    #[error("the signature is wrong")]
    Wrong,
}

/// A keyset or a bank certificate was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeysetError {
    /// The signature around it was not accepted.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// No pinned root has the `kid` that signed it.
    #[error("not signed by a trusted root")]
    UnknownRoot,
    /// The content breaks a rule; the rule's subject is named.
    #[error("the content is malformed: {0}")]
    Malformed(&'static str),
    /// A key in it is not what its role asks for.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Two entries carry the same `kid`.
    #[error("a key identifier occurs twice")]
    DuplicateKid,
    /// Older than what was already accepted.
    #[error("version {found} is older than version {floor}, which was already accepted")]
    VersionBelowFloor {
        /// The version offered.
        found: u64,
        /// The lowest version still acceptable.
        floor: u64,
    },
    /// Issued later than now, beyond the clock difference allowed.
    #[error("not valid yet")]
    NotYetValid,
    /// Its validity is over.
    #[error("expired")]
    Expired,
    /// Issued for another bank than the one whose root signed it.
    #[error("signed by another bank's root")]
    WrongBank,
}

/// A PIN block could not be made or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PinBlockError {
    /// The deciphered block is not a format 4 block for this PAN under this key. Which field was wrong is
    /// not told. The caller answers a format error and does not count a PIN try.
    #[error("the PIN block is not format 4")]
    Format,
    /// The PIN is shorter than 4 digits.
    #[error("the PIN is too short")]
    PinTooShort,
    /// The key is neither 16 nor 32 bytes.
    #[error("the PIN key has the wrong length")]
    KeyLength,
}

/// Digits of a PIN or a PAN were refused. The digits themselves are not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DigitsError {
    /// Something else than a decimal digit.
    #[error("not a digit")]
    NotADigit,
    /// Too few or too many digits.
    #[error("the wrong number of digits")]
    Length,
}

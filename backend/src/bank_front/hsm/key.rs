//! Keys as the module holds them: each of one kind, and given out for that kind's one use only (PCI PIN requirement
//! 19: a key has a single purpose).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{FILE_NAME, key_block, tdes};
use crate::bank_front::error::BankError;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What the check value of a key without a standard's is made of.
const CHECK_LABEL: &[u8] = b"tapseal/1 key check";

/// What a key is for. Its second name in [`KeyKind::usage`] is the key usage of ANSI X9.143 (TR-31), by which other
/// modules know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// Signs the bank's word on an attempt (Ed25519).
    OutcomeSigning,
    /// Opens capsules for one epoch (X25519).
    Sealing,
    /// Names cards without their numbers (HMAC-SHA-256).
    PanReference,
    /// An issuer's master key for application cryptograms (triple DES).
    IssuerCryptogram,
    /// An issuer's master key for the MACs of scripts (triple DES).
    IssuerScript,
    /// An issuer's key for the values on its stripes (a pair of DES keys).
    CardVerification,
    /// The key of the Visa PIN verification value (a pair of DES keys).
    PinVerification,
    /// The key of the IBM 3624 offset (triple DES).
    PinOffset,
    /// What keys travel under between this bank and one other system (triple DES).
    ZoneMaster,
    /// What key blocks are protected by between this bank and one other system (AES).
    ZoneMasterAes,
    /// What PIN blocks of formats 0 and 3 travel under (triple DES).
    ZonePin,
    /// What PIN blocks of format 4 travel under (AES).
    ZonePinAes,
    /// What messages are authenticated by (ISO/IEC 9797-1 algorithm 3).
    ZoneMac,
    /// What the keys of terminals are derived from (ANSI X9.24-1, triple DES).
    BaseDerivation,
    /// What the keys of terminals are derived from (ANSI X9.24-3, AES).
    BaseDerivationAes,
    /// Tells a voucher's right code from a wrong one (HMAC-SHA-256).
    VoucherVerification,
    /// Keeps a voucher's codes until they are handed over (AES-256-GCM).
    VoucherStorage,
    /// Opens batches of vouchers that merchants made (X25519).
    VoucherSealing,
}

impl KeyKind {
    /// The stored name, and that on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OutcomeSigning => "outcome_signing",
            Self::Sealing => "sealing",
            Self::PanReference => "pan_reference",
            Self::IssuerCryptogram => "issuer_cryptogram",
            Self::IssuerScript => "issuer_script",
            Self::CardVerification => "card_verification",
            Self::PinVerification => "pin_verification",
            Self::PinOffset => "pin_offset",
            Self::ZoneMaster => "zone_master",
            Self::ZoneMasterAes => "zone_master_aes",
            Self::ZonePin => "zone_pin",
            Self::ZonePinAes => "zone_pin_aes",
            Self::ZoneMac => "zone_mac",
            Self::BaseDerivation => "base_derivation",
            Self::BaseDerivationAes => "base_derivation_aes",
            Self::VoucherVerification => "voucher_verification",
            Self::VoucherStorage => "voucher_storage",
            Self::VoucherSealing => "voucher_sealing",
        }
    }

    /// The key usage of ANSI X9.143, table 6.
    pub const fn usage(self) -> &'static str {
        match self {
            Self::OutcomeSigning => "S0",
            Self::Sealing | Self::VoucherSealing => "K3",
            Self::PanReference | Self::VoucherVerification => "M7",
            Self::VoucherStorage => "D0",
            Self::IssuerCryptogram => "E0",
            Self::IssuerScript => "E2",
            Self::CardVerification => "C0",
            Self::PinVerification => "V2",
            Self::PinOffset => "V1",
            Self::ZoneMaster => "K0",
            Self::ZoneMasterAes => "K1",
            Self::ZonePin | Self::ZonePinAes => "P0",
            Self::ZoneMac => "M3",
            Self::BaseDerivation | Self::BaseDerivationAes => "B0",
        }
    }
}

/// A key as the file holds it. Wiped when dropped.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredKey {
    kind: KeyKind,
    secret: Secret,
}

/// Key bytes as text: base64url, wiped when dropped.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub(super) struct Secret(String);

impl Secret {
    /// The text of a file that holds nothing else.
    pub(super) fn of_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The key's bytes.
    pub(super) fn expose<const N: usize>(&self) -> Result<Zeroizing<[u8; N]>, BankError> {
        let bytes = self.decode()?;
        let mut exposed = Zeroizing::new([0; N]);
        if bytes.len() != N {
            return Err(BankError::Malformed(FILE_NAME));
        }
        exposed.copy_from_slice(&bytes);
        Ok(exposed)
    }

    fn decode(&self) -> Result<Zeroizing<Vec<u8>>, BankError> {
        let bytes = URL_SAFE_NO_PAD.decode(&self.0).map_err(|_| BankError::Malformed(FILE_NAME))?;
        Ok(Zeroizing::new(bytes))
    }
}

impl StoredKey {
    /// A key of this kind; the caller wipes its own copy.
    pub(super) fn of(kind: KeyKind, bytes: &[u8]) -> Self {
        Self { kind, secret: Secret(URL_SAFE_NO_PAD.encode(bytes)) }
    }

    /// A new random key of this kind.
    pub(super) fn generate<const N: usize>(kind: KeyKind) -> Self {
        let mut bytes = Zeroizing::new([0; N]);
        getrandom::fill(&mut *bytes).expect("the operating system has randomness");
        Self::of(kind, &*bytes)
    }

    /// What it is for.
    pub(super) fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The key's bytes, for the use of this kind.
    ///
    /// # Errors
    /// [`BankError::KeyUse`] when the key is of another kind, [`BankError::Malformed`] when it has another length.
    pub(super) fn expose<const N: usize>(&self, wanted: KeyKind) -> Result<Zeroizing<[u8; N]>, BankError> {
        self.must_be(wanted)?;
        self.secret.expose()
    }

    /// The same of a key that comes in more than one length.
    ///
    /// # Errors
    /// [`BankError::KeyUse`] when the key is of another kind.
    pub(super) fn expose_any(&self, wanted: KeyKind) -> Result<Zeroizing<Vec<u8>>, BankError> {
        self.must_be(wanted)?;
        self.secret.decode()
    }

    /// What tells that two sides have the same key, and nothing else of it: three bytes. Of a DES key a block of zeros
    /// enciphered (ANSI X9.24-1), of an AES key its CMAC (annex A there), of others an HMAC of ours.
    pub(super) fn check_value(&self) -> Result<String, BankError> {
        let key = self.secret.decode()?;
        let short = || <&[u8; 16]>::try_from(key.as_slice()).map_err(|_| BankError::Malformed(FILE_NAME));
        let value = match self.kind {
            KeyKind::OutcomeSigning
            | KeyKind::Sealing
            | KeyKind::PanReference
            | KeyKind::VoucherVerification
            | KeyKind::VoucherStorage
            | KeyKind::VoucherSealing => {
                let mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| BankError::Malformed(FILE_NAME))?;
                let mac = mac.chain_update(CHECK_LABEL).finalize().into_bytes();
                [mac[0], mac[1], mac[2]]
            }
            KeyKind::ZoneMasterAes | KeyKind::ZonePinAes | KeyKind::BaseDerivationAes => {
                key_block::kcv(&key).ok_or(BankError::Malformed(FILE_NAME))?
            }
            KeyKind::IssuerCryptogram
            | KeyKind::IssuerScript
            | KeyKind::CardVerification
            | KeyKind::PinVerification
            | KeyKind::PinOffset
            | KeyKind::ZoneMaster
            | KeyKind::ZonePin
            | KeyKind::ZoneMac
            | KeyKind::BaseDerivation => tdes::kcv(short()?),
        };
        Ok(hex::encode_upper(value))
    }

    fn must_be(&self, wanted: KeyKind) -> Result<(), BankError> {
        if self.kind == wanted {
            return Ok(());
        }
        Err(BankError::KeyUse { kind: self.kind.as_str(), wanted: wanted.as_str() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [KeyKind; 18] = [
        KeyKind::OutcomeSigning,
        KeyKind::Sealing,
        KeyKind::PanReference,
        KeyKind::IssuerCryptogram,
        KeyKind::IssuerScript,
        KeyKind::CardVerification,
        KeyKind::PinVerification,
        KeyKind::PinOffset,
        KeyKind::ZoneMaster,
        KeyKind::ZoneMasterAes,
        KeyKind::ZonePin,
        KeyKind::ZonePinAes,
        KeyKind::ZoneMac,
        KeyKind::BaseDerivation,
        KeyKind::BaseDerivationAes,
        KeyKind::VoucherVerification,
        KeyKind::VoucherStorage,
        KeyKind::VoucherSealing,
    ];

    #[test]
    fn a_key_of_one_kind_is_refused_for_every_other_use() {
        for kind in KINDS {
            let key = StoredKey::generate::<16>(kind);
            for wanted in KINDS {
                match key.expose::<16>(wanted) {
                    Ok(_) => assert_eq!(kind, wanted),
                    Err(BankError::KeyUse { .. }) => assert_ne!(kind, wanted),
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        let key = StoredKey::generate::<16>(KeyKind::ZonePin);
        assert!(key.expose::<32>(KeyKind::ZonePin).is_err());
        assert!(key.expose::<15>(KeyKind::ZonePin).is_err());
    }
}

//! Vouchers' codes: verified by an HMAC, kept sealed until they are handed over, opened from a merchant's batch.
//!
//! A code has eight random digits. A hash of it, however slow, is tried through by whoever has the database; an HMAC
//! under a key that only this module has is not. Each of the three keys has its one use.

use envelope::{RestKey, VerifyingKey, VoucherSealingKeySecret};
use hmac::KeyInit;
use payment::VoucherNumber;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::key::{KeyKind, StoredKey};
use super::key_file::KeyFile;
use super::{Hsm, KeyFolder};
use crate::bank_front::error::BankError;
use crate::mac::{self, MacKey};
use vouchers::{
    BACKUP_DIGITS, BackupCode, BankKey, BatchError, BatchFile, BatchHeader, CODE_DIGITS, CodeDigits, NewVoucher,
    VoucherCode,
};

const NO_KEYS: BankError = BankError::NoVoucherKeys;

/// The keys as the file holds them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredVoucherKeys {
    verification: StoredKey,
    storage: StoredKey,
    sealing: StoredKey,
}

impl StoredVoucherKeys {
    /// New ones.
    pub(super) fn generate() -> Self {
        let sealing = VoucherSealingKeySecret::generate();
        Self {
            verification: StoredKey::generate::<32>(KeyKind::VoucherVerification),
            storage: StoredKey::generate::<32>(KeyKind::VoucherStorage),
            sealing: StoredKey::of(KeyKind::VoucherSealing, sealing.expose_bytes()),
        }
    }

    /// All of them.
    pub(super) fn keys(&self) -> [&StoredKey; 3] {
        [&self.verification, &self.storage, &self.sealing]
    }

    /// The keys for use.
    pub(super) fn load(&self) -> Result<VoucherKeys, BankError> {
        let verification = self.verification.expose::<32>(KeyKind::VoucherVerification)?;
        Ok(VoucherKeys {
            verification: MacKey::new_from_slice(&*verification).map_err(|_| NO_KEYS)?,
            storage: RestKey::from_bytes(&*self.storage.expose(KeyKind::VoucherStorage)?),
            sealing: VoucherSealingKeySecret::from_bytes(&*self.sealing.expose(KeyKind::VoucherSealing)?),
        })
    }
}

/// The keys for use.
pub(super) struct VoucherKeys {
    verification: MacKey,
    storage: RestKey,
    sealing: VoucherSealingKeySecret,
}

/// What the bank stores of a code: it tells a right one from a wrong one, and no code from it. It stays out of every log
/// all the same.
#[derive(Clone)]
pub struct CodeVerifier([u8; 32]);

impl CodeVerifier {
    /// The stored text.
    pub(in crate::bank_front) fn to_text(&self) -> String {
        hex::encode(self.0)
    }

    /// A stored one.
    pub(in crate::bank_front) fn parse(text: &str) -> Result<Self, BankError> {
        let bytes = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(BankError::Stored("voucher.code_verifier"))
    }
}

impl PartialEq for CodeVerifier {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for CodeVerifier {}

/// Both codes of a voucher, as they are handed over once.
pub struct VoucherCodes {
    /// What spends it.
    pub code: VoucherCode,
    /// What opens it again.
    pub backup: BackupCode,
}

impl Hsm {
    /// The key that merchants seal vouchers to, signed by the bank's root.
    ///
    /// # Errors
    /// [`BankError::NoVoucherKeys`].
    pub fn voucher_sealing_key(&self) -> Result<String, BankError> {
        Ok(BankKey::sign(&self.bank_id(), self.voucher_keys()?.sealing.public(), &self.root))
    }

    /// That key's fingerprint, for merchants to compare.
    ///
    /// # Errors
    /// [`BankError::NoVoucherKeys`].
    pub fn voucher_sealing_fingerprint(&self) -> Result<String, BankError> {
        Ok(self.voucher_keys()?.sealing.public().fingerprint())
    }

    /// Opens a batch that this merchant made.
    ///
    /// # Errors
    /// [`BankError::NoVoucherKeys`], [`BankError::VoucherBatch`].
    pub fn open_vouchers(
        &self,
        file: &BatchFile,
        merchant: &VerifyingKey<envelope::Merchant>,
    ) -> Result<(BatchHeader, Vec<NewVoucher>), BankError> {
        file.open(&self.bank_id(), &self.voucher_keys()?.sealing, merchant).map_err(BankError::VoucherBatch)
    }

    /// What to store of a payment code or a backup code, or to compare with what is stored. The same digits of another
    /// voucher, or as the other kind of code, have another.
    ///
    /// # Errors
    /// [`BankError::NoVoucherKeys`].
    pub fn voucher_verifier<const N: usize>(
        &self,
        number: &VoucherNumber,
        code: &CodeDigits<N>,
    ) -> Result<CodeVerifier, BankError> {
        // The lengths differ, and the number has always sixteen digits: no two meanings have the same bytes.
        let parts: [&[u8]; 2] = [number.as_str().as_bytes(), code.expose_ascii()];
        Ok(CodeVerifier(mac::tag(&self.voucher_keys()?.verification, &parts)))
    }

    /// Seals the codes of a voucher that is still to be handed over.
    ///
    /// # Errors
    /// [`BankError::NoVoucherKeys`].
    pub fn keep_voucher_codes(
        &self,
        number: &VoucherNumber,
        code: &VoucherCode,
        backup: &BackupCode,
    ) -> Result<String, BankError> {
        let mut both = Zeroizing::new([0; CODE_DIGITS + BACKUP_DIGITS]);
        both[..CODE_DIGITS].copy_from_slice(code.expose_ascii());
        both[CODE_DIGITS..].copy_from_slice(backup.expose_ascii());
        let sealed = self.voucher_keys()?.storage.seal(number.as_str().as_bytes(), &*both);
        sealed.map(hex::encode).map_err(|_| BankError::Range)
    }

    /// The codes that [`Hsm::keep_voucher_codes`] sealed for this voucher.
    ///
    /// # Errors
    /// [`BankError::NoVoucherKeys`]; [`BankError::Stored`] when they are another voucher's, or were changed.
    pub fn kept_voucher_codes(&self, number: &VoucherNumber, sealed: &str) -> Result<VoucherCodes, BankError> {
        let stored = || BankError::Stored("voucher.sealed_codes");
        let sealed = hex::decode(sealed).map_err(|_| stored())?;
        let both = self.voucher_keys()?.storage.open(number.as_str().as_bytes(), &sealed).map_err(|_| stored())?;
        let (code, backup) = both.split_at_checked(CODE_DIGITS).ok_or_else(stored)?;
        Ok(VoucherCodes {
            code: VoucherCode::parse(number, code).map_err(|_| stored())?,
            backup: BackupCode::parse(number, backup).map_err(|_| stored())?,
        })
    }

    fn voucher_keys(&self) -> Result<&VoucherKeys, BankError> {
        self.voucher_keys.as_ref().ok_or(NO_KEYS)
    }
}

/// Adds the keys for vouchers to the keys of a bank that was set up before there were any, durably; whether they are new.
/// A bank that is serving learns of them when it starts next.
///
/// # Errors
/// When the key file does not open or cannot be written.
pub fn add_voucher_keys(folder: impl Into<KeyFolder>) -> Result<bool, BankError> {
    let folder = folder.into();
    let _turn = folder.turn()?;
    let (mut keys, file_key) = KeyFile::load(&folder)?;
    if keys.voucher_keys.is_some() {
        return Ok(false);
    }
    keys.voucher_keys = Some(StoredVoucherKeys::generate());
    keys.save(&folder, &file_key)?;
    Ok(true)
}

impl From<BatchError> for BankError {
    fn from(error: BatchError) -> Self {
        Self::VoucherBatch(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank_front::hsm::testing::Shared;

    fn number(from: u32) -> VoucherNumber {
        let fixed = "420001".parse().unwrap();
        (from..).find_map(|variable| VoucherNumber::from_parts(&fixed, variable)).unwrap()
    }

    #[test]
    fn a_verifier_is_of_one_voucher_one_code_and_one_bank() {
        let (one, other) = (Shared::new(), Shared::new());
        let (mine, yours) = (number(1), number(500));
        let code = VoucherCode::generate(&mine);
        let verifier = one.hsm.voucher_verifier(&mine, &code).unwrap();
        assert!(verifier == one.hsm.voucher_verifier(&mine, &code).unwrap());
        assert!(verifier == CodeVerifier::parse(&verifier.to_text()).unwrap());
        assert!(verifier != one.hsm.voucher_verifier(&yours, &code).unwrap());
        assert!(verifier != one.hsm.voucher_verifier(&mine, &VoucherCode::generate(&mine)).unwrap());
        assert!(verifier != other.hsm.voucher_verifier(&mine, &code).unwrap());
        assert!(CodeVerifier::parse("00").is_err());
    }

    #[test]
    fn kept_codes_open_for_their_voucher_at_their_bank_only() {
        let (one, other) = (Shared::new(), Shared::new());
        let number = number(1);
        let (code, backup) = (VoucherCode::generate(&number), BackupCode::generate(&number));
        let kept = one.hsm.keep_voucher_codes(&number, &code, &backup).unwrap();
        let opened = one.hsm.kept_voucher_codes(&number, &kept).unwrap();
        assert_eq!(opened.code.expose_ascii(), code.expose_ascii());
        assert_eq!(opened.backup.expose_ascii(), backup.expose_ascii());
        assert!(one.hsm.kept_voucher_codes(&self::number(500), &kept).is_err());
        assert!(other.hsm.kept_voucher_codes(&number, &kept).is_err());
        assert!(!kept.contains(&hex::encode(code.expose_ascii())));
    }
}

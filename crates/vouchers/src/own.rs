//! What a merchant makes and keeps: a batch for its bank, and a list of its own with verifiers in the place of codes.

use std::collections::BTreeSet;

use envelope::{Merchant, SigningKey, VoucherSealingKey};
use hmac::{Hmac, KeyInit, Mac};
use payment::{FixedPart, VoucherNumber};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::batch::{BATCH_VOUCHERS_MAX, BatchError, BatchFile, BatchHeader, NewVoucher};
use crate::code::CodeDigits;

/// So many vouchers of so much each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lot {
    /// How many.
    pub count: usize,
    /// For how much each, in minor units of the batch's currency.
    pub amount_minor: i64,
}

/// A voucher in the merchant's own list: its number, its amount, and what tells whether somebody has its codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnVoucher {
    /// Its number.
    pub number: VoucherNumber,
    /// What it is sold for, in minor units.
    pub amount_minor: i64,
    /// HMAC-SHA-256 over number and payment code, in hexadecimal.
    pub code_verifier: String,
    /// The same of the backup code.
    pub backup_verifier: String,
}

/// The key of a merchant's verifiers. Whoever has it and the list can try every code there is, so it rests apart from the
/// list, where the merchant's other keys do. No `Debug`, `Clone` or `==`; wiped when dropped.
pub struct VerifierKey(Zeroizing<[u8; VerifierKey::LEN]>);

impl VerifierKey {
    /// Its length, in bytes.
    pub const LEN: usize = 32;

    /// A new one from the operating system's generator.
    pub fn generate() -> Self {
        let mut key = Zeroizing::new([0; Self::LEN]);
        getrandom::fill(key.as_mut_slice()).expect("the operating system has randomness");
        Self(key)
    }

    /// The one that is kept. The caller wipes its own copy.
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// The bytes, for the key store.
    pub fn expose_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    fn verifier<const N: usize>(&self, number: &VoucherNumber, code: &CodeDigits<N>) -> [u8; 32] {
        let mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice()).expect("HMAC takes keys of any length");
        mac.chain_update(number.as_str()).chain_update(code.expose_ascii()).finalize().into_bytes().into()
    }
}

impl OwnVoucher {
    fn of(voucher: &NewVoucher, key: &VerifierKey) -> Self {
        Self {
            number: voucher.number.clone(),
            amount_minor: voucher.amount_minor,
            code_verifier: hex::encode(key.verifier(&voucher.number, &voucher.code)),
            backup_verifier: hex::encode(key.verifier(&voucher.number, &voucher.backup)),
        }
    }

    /// Whether this is the payment code that the voucher was made with. It may have been changed at the bank since.
    pub fn was_made_with<const N: usize>(&self, key: &VerifierKey, code: &CodeDigits<N>) -> bool {
        let Ok(expected) = hex::decode(&self.code_verifier) else { return false };
        bool::from(expected.ct_eq(&key.verifier(&self.number, code)))
    }
}

/// A batch as its merchant made it: what is kept, and what the bank is handed.
pub struct MadeBatch {
    /// The merchant's own list.
    pub own: Vec<OwnVoucher>,
    /// The bank's file, which only the bank opens.
    pub file: BatchFile,
    /// What the vouchers are worth together, in minor units.
    pub total_minor: i64,
}

impl MadeBatch {
    /// Draws the vouchers of a batch, seals them to the bank and forgets their codes.
    ///
    /// # Errors
    /// [`BatchError::Size`] and [`BatchError::Full`].
    pub fn make(
        header: BatchHeader,
        lots: &[Lot],
        key: &VerifierKey,
        to: &VoucherSealingKey,
        merchant: &SigningKey<Merchant>,
    ) -> Result<Self, BatchError> {
        let vouchers = draw(&header.fixed_part, lots)?;
        let file = BatchFile::seal(header, &vouchers, to, merchant)?;
        let own = vouchers.iter().map(|voucher| OwnVoucher::of(voucher, key)).collect();
        let total_minor = vouchers.iter().map(|voucher| voucher.amount_minor).sum();
        Ok(Self { own, file, total_minor })
    }
}

fn draw(fixed: &FixedPart, lots: &[Lot]) -> Result<Vec<NewVoucher>, BatchError> {
    let (mut taken, mut vouchers) = (BTreeSet::new(), Vec::new());
    for lot in lots {
        let is_right = lot.count > 0 && (1..=payment::AMOUNT_MINOR_MAX).contains(&lot.amount_minor);
        if !is_right || lot.count > BATCH_VOUCHERS_MAX - vouchers.len() {
            return Err(BatchError::Size);
        }
        for _ in 0..lot.count {
            let voucher = NewVoucher::generate(fixed, lot.amount_minor, &mut taken);
            vouchers.push(voucher.ok_or(BatchError::Full)?);
        }
    }
    Ok(vouchers)
}

#[cfg(test)]
mod tests {
    use envelope::VoucherSealingKeySecret;

    use super::*;
    use crate::code::VoucherCode;

    fn header() -> BatchHeader {
        let (merchant, fixed) = ("blue-door".parse().unwrap(), "420001".parse().unwrap());
        BatchHeader::new(merchant, "first".to_owned(), fixed, "USD".parse().unwrap(), 50_000, 1)
    }

    fn lot(count: usize, amount_minor: i64) -> Lot {
        Lot { count, amount_minor }
    }

    #[test]
    fn the_bank_gets_the_codes_and_the_merchant_keeps_what_tells_them() {
        let (bank, merchant) = (VoucherSealingKeySecret::generate(), SigningKey::<Merchant>::generate());
        let (key, other) = (VerifierKey::generate(), VerifierKey::generate());
        let made = MadeBatch::make(header(), &[lot(3, 5_000), lot(1, 60_000)], &key, bank.public(), &merchant).unwrap();
        assert_eq!((made.own.len(), made.total_minor), (4, 75_000));
        let (header, opened) = made.file.open("first", &bank, merchant.public()).unwrap();
        assert_eq!((header.vouchers, header.total_minor), (4, 75_000));
        let kept = serde_json::to_string(&made.own).unwrap();
        for (own, sold) in made.own.iter().zip(&opened) {
            assert_eq!((&own.number, own.amount_minor), (&sold.number, sold.amount_minor));
            let again = VerifierKey::from_bytes(key.expose_bytes());
            assert!(own.was_made_with(&again, &sold.code));
            assert!(!own.was_made_with(&other, &sold.code), "under another key it tells nothing");
            let changed = VoucherCode::generate(&sold.number);
            assert_eq!(own.was_made_with(&key, &changed), changed.expose_ascii() == sold.code.expose_ascii());
            for code in [&sold.code.expose_ascii()[..], &sold.backup.expose_ascii()[..]] {
                assert!(!kept.contains(std::str::from_utf8(code).unwrap()));
            }
        }
    }

    #[test]
    fn a_lot_of_nothing_or_of_too_many_is_no_batch() {
        for lots in [
            &[][..],
            &[lot(0, 5_000)],
            &[lot(1, 0)],
            &[lot(1, -5)],
            &[lot(1, i64::MAX)],
            &[lot(BATCH_VOUCHERS_MAX + 1, 1)],
            &[lot(1, 1), lot(BATCH_VOUCHERS_MAX, 1)],
            &[lot(usize::MAX, 1), lot(usize::MAX, 1)],
        ] {
            let (bank, merchant) = (VoucherSealingKeySecret::generate(), SigningKey::<Merchant>::generate());
            let made = MadeBatch::make(header(), lots, &VerifierKey::generate(), bank.public(), &merchant);
            assert!(made.is_err_and(|error| error == BatchError::Size), "{lots:?}");
        }
    }
}

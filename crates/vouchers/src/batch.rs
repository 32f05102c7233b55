//! The file of a batch: what the merchant says of it, signed, and the vouchers, sealed to the bank part by part.
//!
//! Nobody between them learns a code, and nobody but the merchant can make a batch of its vouchers. The key it is sealed to
//! is signed by the bank's root, which the merchant has from its trust file.

use std::collections::BTreeSet;
use std::ops::Range;

use envelope::keyset::BankTrust;
use envelope::voucher::{open_part, seal_part};
use envelope::{
    BankRoot, Capsule, Jwk, Merchant, SigningKey, VerifyingKey, VoucherSealingKey, VoucherSealingKeySecret, jws,
};
use payment::{Currency, FixedPart, MerchantId, VoucherNumber};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::code::{BACKUP_DIGITS, BackupCode, CODE_DIGITS, VoucherCode, random_digit};

/// The most vouchers of one batch.
pub const BATCH_VOUCHERS_MAX: usize = 20_000;
/// The most vouchers sealed together.
const PART_VOUCHERS_MAX: usize = 1_000;
/// How often a variable part is drawn again before a batch is given up as full.
const DRAWS_MAX: usize = 1_000;

const AMOUNT_LEN: usize = 8;
const NUMBER: Range<usize> = 0..payment::voucher::NUMBER_DIGITS;
const CODE: Range<usize> = NUMBER.end..NUMBER.end + CODE_DIGITS;
const BACKUP: Range<usize> = CODE.end..CODE.end + BACKUP_DIGITS;
const AMOUNT: Range<usize> = BACKUP.end..BACKUP.end + AMOUNT_LEN;
/// Bytes of one voucher in a part: number, code, backup code, amount (big-endian).
const RECORD_LEN: usize = AMOUNT.end;

/// Why a batch is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// It cannot be read.
    #[error("this is no batch of vouchers")]
    Malformed,
    /// The bank's key is not signed by the root that is trusted for the bank.
    #[error("the bank's key for vouchers is not signed by a root that is trusted for it")]
    UntrustedKey,
    /// The merchant did not sign it, or it was changed since.
    #[error("the batch is not signed by its merchant, or was changed since")]
    Signature,
    /// It is sealed to another bank, or to a key that this bank does not have.
    #[error("the batch does not open with this bank's key")]
    Sealed,
    /// It says other totals than it has, or has a voucher twice or of another batch.
    #[error("the batch does not add up")]
    Totals,
    /// No number that begins so is left.
    #[error("the batch has no numbers left")]
    Full,
    /// Nothing, or more than a batch may have.
    #[error("a batch has from 1 to {BATCH_VOUCHERS_MAX} vouchers, each with an amount above nothing")]
    Size,
}

/// A voucher as its merchant made it: customer number, payment code, backup code, amount.
pub struct NewVoucher {
    /// Its number.
    pub number: VoucherNumber,
    /// What spends it.
    pub code: VoucherCode,
    /// What opens it again.
    pub backup: BackupCode,
    /// What it is sold for, in minor units of the batch's currency.
    pub amount_minor: i64,
}

impl NewVoucher {
    /// A voucher of a batch, with codes that nobody can guess; none when no number is left that was not `taken`.
    pub fn generate(fixed: &FixedPart, amount_minor: i64, taken: &mut BTreeSet<VoucherNumber>) -> Option<Self> {
        let number = (0..DRAWS_MAX)
            .filter_map(|_| VoucherNumber::from_parts(fixed, random_variable_part()))
            .find(|number| taken.insert(number.clone()))?;
        let (code, backup) = (VoucherCode::generate(&number), BackupCode::generate(&number));
        Some(Self { number, code, backup, amount_minor })
    }

    fn write(&self, record: &mut [u8]) {
        record[NUMBER].copy_from_slice(self.number.as_str().as_bytes());
        record[CODE].copy_from_slice(self.code.expose_ascii());
        record[BACKUP].copy_from_slice(self.backup.expose_ascii());
        record[AMOUNT].copy_from_slice(&self.amount_minor.to_be_bytes());
    }

    fn read(record: &[u8; RECORD_LEN]) -> Option<Self> {
        let number: VoucherNumber = std::str::from_utf8(&record[NUMBER]).ok()?.parse().ok()?;
        let amount_minor = i64::from_be_bytes(record[AMOUNT].try_into().ok()?);
        if !(1..=payment::AMOUNT_MINOR_MAX).contains(&amount_minor) {
            return None;
        }
        Some(Self {
            code: VoucherCode::parse(&number, &record[CODE]).ok()?,
            backup: BackupCode::parse(&number, &record[BACKUP]).ok()?,
            number,
            amount_minor,
        })
    }
}

fn random_variable_part() -> u32 {
    (0..payment::voucher::VARIABLE_DIGITS).fold(0, |part, _| part * 10 + u32::from(random_digit() - b'0'))
}

/// The key a bank's merchants seal vouchers to, as it hands it out: signed by its root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankKey {
    /// Which bank.
    pub bank_id: String,
    key: Jwk,
}

impl BankKey {
    /// Signs a bank's key.
    pub fn sign(bank_id: &str, key: &VoucherSealingKey, root: &SigningKey<BankRoot>) -> String {
        let payload = Self { bank_id: bank_id.to_owned(), key: key.to_jwk() };
        let payload = serde_json::to_vec(&payload).expect("strings are always JSON");
        jws::sign(root, jws::TYP_VOUCHER_KEY, &payload)
    }

    /// The key in a file of a bank's, once one of these roots vouches for it.
    ///
    /// # Errors
    /// [`BatchError::UntrustedKey`].
    pub fn verify(text: &str, trust: &[BankTrust]) -> Result<(String, VoucherSealingKey), BatchError> {
        let signed = trust.iter().find_map(|root| {
            let payload = jws::verify(&root.key, jws::TYP_VOUCHER_KEY, text.trim()).ok()?;
            let key: Self = serde_json::from_slice(&payload).ok()?;
            // A root vouches for its own bank and for no other.
            (key.bank_id == root.bank_id).then_some(key)
        });
        let signed = signed.ok_or(BatchError::UntrustedKey)?;
        let key = VoucherSealingKey::from_jwk(&signed.key).map_err(|_| BatchError::UntrustedKey)?;
        Ok((signed.bank_id, key))
    }
}

/// What the merchant says of a batch, and signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchHeader {
    /// Who made it, and where its vouchers are spent.
    pub merchant_id: MerchantId,
    /// The bank that sells them.
    pub bank_id: String,
    /// What every number of it begins with.
    pub fixed_part: FixedPart,
    /// In which currency they are.
    pub currency: Currency,
    /// From which amount on a payment needs a card's proof besides the code, in minor units.
    pub large_from_minor: i64,
    /// How many vouchers there are.
    pub vouchers: usize,
    /// What they are worth together, in minor units.
    pub total_minor: i64,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// SHA-256 of each sealed part, in hexadecimal and in order.
    parts_sha256: Vec<String>,
}

/// A batch as it is handed to the bank.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchFile {
    /// The header, signed by the merchant.
    header: String,
    parts: Vec<Capsule>,
}

impl BatchFile {
    /// Seals and signs a batch. What `header` says of count, total and parts is set here.
    ///
    /// # Errors
    /// [`BatchError::Size`].
    pub fn seal(
        mut header: BatchHeader,
        vouchers: &[NewVoucher],
        to: &VoucherSealingKey,
        merchant: &SigningKey<Merchant>,
    ) -> Result<Self, BatchError> {
        if !(1..=BATCH_VOUCHERS_MAX).contains(&vouchers.len()) {
            return Err(BatchError::Size);
        }
        let parts: Vec<_> = (vouchers.chunks(PART_VOUCHERS_MAX).enumerate())
            .map(|(at, vouchers)| {
                let mut part = Zeroizing::new(vec![0; vouchers.len() * RECORD_LEN]);
                part.chunks_exact_mut(RECORD_LEN).zip(vouchers).for_each(|(record, voucher)| voucher.write(record));
                seal_part(to, &place(&header.bank_id, &header.fixed_part, at), &part).map_err(|_| BatchError::Size)
            })
            .collect::<Result<_, _>>()?;
        header.vouchers = vouchers.len();
        header.total_minor = total(vouchers).ok_or(BatchError::Size)?;
        header.parts_sha256 = parts.iter().map(digest).collect();
        let payload = serde_json::to_vec(&header).expect("strings and numbers are always JSON");
        Ok(Self { header: jws::sign(merchant, jws::TYP_VOUCHER_BATCH, &payload), parts })
    }

    /// Whose batch this says it is: what to look the merchant's key up by, and nothing more.
    ///
    /// # Errors
    /// [`BatchError::Malformed`].
    pub fn peek_merchant_unverified(&self) -> Result<MerchantId, BatchError> {
        let payload = jws::peek_payload_unverified(&self.header).map_err(|_| BatchError::Malformed)?;
        let header: BatchHeader = serde_json::from_slice(&payload).map_err(|_| BatchError::Malformed)?;
        Ok(header.merchant_id)
    }

    /// Checks signature, seals and totals; everything in the batch, or nothing of it.
    ///
    /// # Errors
    /// [`BatchError`].
    pub fn open(
        &self,
        bank_id: &str,
        secret: &VoucherSealingKeySecret,
        merchant: &VerifyingKey<Merchant>,
    ) -> Result<(BatchHeader, Vec<NewVoucher>), BatchError> {
        let payload = jws::verify(merchant, jws::TYP_VOUCHER_BATCH, &self.header).map_err(|_| BatchError::Signature)?;
        let header: BatchHeader = serde_json::from_slice(&payload).map_err(|_| BatchError::Malformed)?;
        if header.bank_id != bank_id {
            return Err(BatchError::Sealed);
        }
        if !self.parts.iter().map(digest).eq(header.parts_sha256.iter().cloned()) {
            return Err(BatchError::Signature);
        }
        if header.parts_sha256.len() > BATCH_VOUCHERS_MAX.div_ceil(PART_VOUCHERS_MAX) {
            return Err(BatchError::Size);
        }
        let mut vouchers = Vec::new();
        for (at, part) in self.parts.iter().enumerate() {
            let part = open_part(secret, &place(bank_id, &header.fixed_part, at), part);
            let part = part.map_err(|_| BatchError::Sealed)?;
            let (records, rest) = part.as_chunks::<RECORD_LEN>();
            if !rest.is_empty() {
                return Err(BatchError::Malformed);
            }
            for record in records {
                vouchers.push(NewVoucher::read(record).ok_or(BatchError::Malformed)?);
            }
        }
        let numbers: BTreeSet<_> = vouchers.iter().map(|voucher| &voucher.number).collect();
        let adds_up = (vouchers.len(), total(&vouchers)) == (header.vouchers, Some(header.total_minor))
            && numbers.len() == vouchers.len()
            && numbers.iter().all(|number| number.fixed_part() == header.fixed_part)
            && header.large_from_minor > 0;
        if adds_up { Ok((header, vouchers)) } else { Err(BatchError::Totals) }
    }
}

impl BatchHeader {
    /// What a merchant says of a batch that is still to be sealed.
    pub fn new(
        merchant_id: MerchantId,
        bank_id: String,
        fixed_part: FixedPart,
        currency: Currency,
        large_from_minor: i64,
        created_ms: u64,
    ) -> Self {
        Self {
            merchant_id,
            bank_id,
            fixed_part,
            currency,
            large_from_minor,
            vouchers: 0,
            total_minor: 0,
            created_ms,
            parts_sha256: Vec::new(),
        }
    }
}

fn total(vouchers: &[NewVoucher]) -> Option<i64> {
    vouchers.iter().try_fold(0_i64, |total, voucher| {
        if voucher.amount_minor > 0 { total.checked_add(voucher.amount_minor) } else { None }
    })
}

fn digest(part: &Capsule) -> String {
    hex::encode(Sha256::digest(part.to_bytes()))
}

fn place(bank_id: &str, fixed: &FixedPart, part: usize) -> Vec<u8> {
    format!("{bank_id}/{fixed}/{part}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Side {
        bank: VoucherSealingKeySecret,
        merchant: SigningKey<Merchant>,
    }

    impl Side {
        fn new() -> Self {
            Self { bank: VoucherSealingKeySecret::generate(), merchant: SigningKey::generate() }
        }

        fn header() -> BatchHeader {
            let (merchant, fixed) = ("blue-door".parse().unwrap(), "420001".parse().unwrap());
            BatchHeader::new(merchant, "first".to_owned(), fixed, "USD".parse().unwrap(), 50_000, 1)
        }

        fn seal(&self, vouchers: &[NewVoucher]) -> BatchFile {
            BatchFile::seal(Self::header(), vouchers, self.bank.public(), &self.merchant).unwrap()
        }

        fn open(&self, file: &BatchFile) -> Result<(BatchHeader, Vec<NewVoucher>), BatchError> {
            file.open("first", &self.bank, self.merchant.public())
        }
    }

    fn vouchers(count: usize) -> Vec<NewVoucher> {
        let mut taken = BTreeSet::new();
        let fixed = "420001".parse().unwrap();
        (0..count).map(|_| NewVoucher::generate(&fixed, 5_000, &mut taken).unwrap()).collect()
    }

    #[test]
    fn a_batch_of_several_parts_arrives_whole() {
        let (side, made) = (Side::new(), vouchers(PART_VOUCHERS_MAX + 3));
        let file = side.seal(&made);
        let json = serde_json::to_string(&file).unwrap();
        let read: BatchFile = serde_json::from_str(&json).unwrap();
        assert_eq!(read.peek_merchant_unverified().unwrap().as_str(), "blue-door");
        let (header, opened) = side.open(&read).unwrap();
        assert_eq!((header.vouchers, header.total_minor), (made.len(), 5_000 * 1_003));
        for (opened, made) in opened.iter().zip(&made) {
            assert_eq!((&opened.number, opened.amount_minor), (&made.number, made.amount_minor));
            assert_eq!(opened.code.expose_ascii(), made.code.expose_ascii());
            assert_eq!(opened.backup.expose_ascii(), made.backup.expose_ascii());
        }
        for voucher in &made {
            for secret in [&voucher.code.expose_ascii()[..], &voucher.backup.expose_ascii()[..]] {
                assert!(!json.contains(std::str::from_utf8(secret).unwrap()));
            }
        }
    }

    #[test]
    fn a_part_left_out_repeated_or_of_another_batch_is_known() {
        let (side, made) = (Side::new(), vouchers(PART_VOUCHERS_MAX + 3));
        let spoiled = |spoil: fn(&mut BatchFile)| {
            let mut file = side.seal(&made);
            spoil(&mut file);
            side.open(&file).err()
        };
        assert_eq!(spoiled(|file| drop(file.parts.pop())), Some(BatchError::Signature));
        assert_eq!(spoiled(|file| file.parts.reverse()), Some(BatchError::Signature));
        assert_eq!(spoiled(|file| file.parts[0].ciphertext[0] ^= 1), Some(BatchError::Signature));
        assert_eq!(spoiled(|file| file.header.push('A')), Some(BatchError::Signature));
        assert_eq!(spoiled(|_| ()), None);
    }

    #[test]
    fn only_its_bank_opens_it_and_only_its_merchant_signs_it() {
        let (side, other) = (Side::new(), Side::new());
        let file = side.seal(&vouchers(2));
        assert_eq!(file.open("first", &other.bank, side.merchant.public()).err(), Some(BatchError::Sealed));
        assert_eq!(file.open("second", &side.bank, side.merchant.public()).err(), Some(BatchError::Sealed));
        assert_eq!(file.open("first", &side.bank, other.merchant.public()).err(), Some(BatchError::Signature));
    }

    #[test]
    fn a_batch_that_does_not_add_up_is_refused() {
        let side = Side::new();
        let mut twice = vouchers(1);
        let [again] = vouchers(1).try_into().unwrap_or_else(|_| panic!("one"));
        twice.push(NewVoucher { number: twice[0].number.clone(), ..again });
        // The codes of the second are another number's: one time in 97 the part reads all the same.
        let told = side.open(&side.seal(&twice)).err();
        assert!(matches!(told, Some(BatchError::Malformed | BatchError::Totals)), "{told:?}");
        let foreign = NewVoucher::generate(&"420002".parse().unwrap(), 5_000, &mut BTreeSet::new()).unwrap();
        assert_eq!(side.open(&side.seal(&[foreign])).err(), Some(BatchError::Totals));
        let nothing = NewVoucher { amount_minor: 0, ..vouchers(1).pop().unwrap() };
        let sealed = BatchFile::seal(Side::header(), &[nothing], side.bank.public(), &side.merchant);
        assert_eq!(sealed.err(), Some(BatchError::Size));
        assert_eq!(
            BatchFile::seal(Side::header(), &[], side.bank.public(), &side.merchant).err(),
            Some(BatchError::Size)
        );
    }

    #[test]
    fn a_bank_vouches_for_its_own_key_only() {
        let root = SigningKey::<BankRoot>::generate();
        let key = VoucherSealingKeySecret::generate();
        let trust = |bank_id: &str, root: &SigningKey<BankRoot>| BankTrust {
            bank_id: bank_id.to_owned(),
            key: root.public().clone(),
        };
        let signed = BankKey::sign("first", key.public(), &root);
        let verified = BankKey::verify(&format!("{signed}\n"), &[trust("first", &root)]).unwrap();
        assert_eq!(verified, ("first".to_owned(), key.public().clone()));
        assert!(BankKey::verify(&signed, &[trust("second", &root)]).is_err());
        assert!(BankKey::verify(&signed, &[trust("first", &SigningKey::generate())]).is_err());
        assert!(BankKey::verify("x", &[trust("first", &root)]).is_err());
    }
}

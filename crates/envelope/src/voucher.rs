//! Batches of vouchers on their way from the merchant who made them to the bank that sells them: sealed, part by part.

use zeroize::Zeroizing;

use crate::capsule::Capsule;
use crate::error::{OpenError, SealError};
use crate::sealing_key::{VoucherSealingKey, VoucherSealingKeySecret};
use crate::suite::{Sender, VOUCHER_BATCH_LABEL};

/// The longest part, in bytes.
pub const PART_LEN_MAX: usize = 60 * 1024;

/// Seals a part to the bank. `place` says which part of which batch it is: it opens as no other.
///
/// # Errors
/// When it is longer than [`PART_LEN_MAX`].
pub fn seal_part(to: &VoucherSealingKey, place: &[u8], part: &[u8]) -> Result<Capsule, SealError> {
    if part.len() > PART_LEN_MAX {
        return Err(SealError::TooLong("the part of a batch"));
    }
    Capsule::seal(to, Sender::to(&to.to_bytes(), VOUCHER_BATCH_LABEL)?, place, part)
}

/// Opens a part that was sealed for this place, or fails without saying why.
///
/// # Errors
/// [`OpenError`].
pub fn open_part(
    secret: &VoucherSealingKeySecret,
    place: &[u8],
    capsule: &Capsule,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    capsule.receiver(secret, VOUCHER_BATCH_LABEL)?.open(place, &capsule.ciphertext)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_opens_in_its_place_with_its_key_and_nowhere_else() {
        let secret = VoucherSealingKeySecret::generate();
        let sealed = seal_part(secret.public(), b"420001/0", b"vouchers").unwrap();
        assert_eq!(open_part(&secret, b"420001/0", &sealed).unwrap().as_slice(), b"vouchers");
        assert!(open_part(&secret, b"420001/1", &sealed).is_err());
        assert!(open_part(&VoucherSealingKeySecret::generate(), b"420001/0", &sealed).is_err());
        for at in 0..sealed.ciphertext.len() {
            let mut changed = sealed.clone();
            changed.ciphertext[at] ^= 1;
            assert!(open_part(&secret, b"420001/0", &changed).is_err(), "byte {at}");
        }
        assert!(seal_part(secret.public(), b"", &vec![0; PART_LEN_MAX + 1]).is_err());
    }
}

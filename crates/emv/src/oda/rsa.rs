//! RSA with a public key, the only kind a terminal does (Book 2 annex A2.1 and B2.1).
//!
//! Nothing here is secret, so no care is taken to hide how long it takes.

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};

/// Shortest and longest modulus, in bytes: what Book 2 annex D1 allows at most, with the 256 bytes that two
/// published keys have, and the least a recovered certificate needs.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 64..=256;

/// A public key, checked once for what the standard allows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicKey {
    modulus: Vec<u8>,
    exponent: u32,
}

impl PublicKey {
    /// Takes modulus and exponent as bytes; the exponent is 3 or 65537 (Book 2 annex B2.1).
    pub fn new(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let exponent = match exponent {
            [3] => 3,
            [1, 0, 1] => 65_537,
            _ => return None,
        };
        let usable = MODULUS_BYTES.contains(&modulus.len())
            && modulus.first().is_some_and(|first| *first != 0)
            && modulus.last().is_some_and(|last| last % 2 == 1);
        usable.then(|| Self { modulus: modulus.to_vec(), exponent })
    }

    /// Length of the modulus, in bytes: that of every signature under the key.
    pub fn length(&self) -> usize {
        self.modulus.len()
    }

    /// The modulus.
    pub fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// What was signed; `None` when the signature has another length than the key or is no number below its modulus.
    pub fn recover(&self, signature: &[u8]) -> Option<Vec<u8>> {
        if signature.len() != self.length() || signature >= self.modulus.as_slice() {
            return None;
        }
        let bits = u32::try_from(self.length() * 8).ok()?;
        let number = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, bits).ok();
        let modulus: Odd<BoxedUint> = number(&self.modulus)?.into_odd().into_option()?;
        let parameters = BoxedMontyParams::new_vartime(modulus);
        let base = BoxedMontyForm::new(number(signature)?, &parameters);
        let mut power = base.clone();
        // Square and multiply over the exponent's bits: all but the first and the last of 3 and 65537 are zeros.
        for _ in 0..self.exponent.ilog2() {
            power = power.square();
        }
        let recovered = power.mul(&base).retrieve().to_be_bytes();
        Some(recovered[recovered.len().checked_sub(self.length())?..].to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_outside_the_standard_are_refused() {
        let modulus = [&[0xC1][..], &[0x55; 126], &[0x01]].concat();
        assert!(PublicKey::new(&modulus, &[3]).is_some());
        assert!(PublicKey::new(&modulus, &[1, 0, 1]).is_some());
        for exponent in [&[][..], &[2], &[0, 3], &[1], &[1, 0, 0], &[1, 0, 1, 0]] {
            assert!(PublicKey::new(&modulus, exponent).is_none(), "{exponent:?}");
        }
        let mut even = modulus.clone();
        even[127] = 0x02;
        assert!(PublicKey::new(&even, &[3]).is_none());
        let mut short = modulus.clone();
        short[0] = 0;
        assert!(PublicKey::new(&short, &[3]).is_none());
        assert!(PublicKey::new(&modulus[..63], &[3]).is_none());
        assert!(PublicKey::new(&[0xFF; 257], &[3]).is_none());
    }

    #[test]
    fn small_numbers_can_be_checked_by_hand() {
        let modulus = [&[0xC1][..], &[0x55; 126], &[0x01]].concat();
        let number = |value: u64| [&[0; 120][..], &value.to_be_bytes()].concat();
        let cube = PublicKey::new(&modulus, &[3]).unwrap();
        assert_eq!(cube.recover(&number(5)).unwrap(), number(125));
        let fermat = PublicKey::new(&modulus, &[1, 0, 1]).unwrap();
        assert_eq!(fermat.recover(&number(1)).unwrap(), number(1));
        assert_eq!(fermat.recover(&number(0)).unwrap(), number(0));
        assert!(cube.recover(&number(5)[1..]).is_none());
        for length in 65..=72 {
            let modulus = [&[0xC1][..], &vec![0x55; length - 2], &[0x01]].concat();
            let number = |value: u64| [&vec![0; length - 8][..], &value.to_be_bytes()].concat();
            let key = PublicKey::new(&modulus, &[3]).unwrap();
            assert_eq!(key.recover(&number(7)).unwrap(), number(343), "{length} bytes are no whole words");
        }
        assert!(cube.recover(&modulus).is_none());
    }
}

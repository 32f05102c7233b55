//! Public keys of certification authorities, as data (Book 2 section 11.2).

use std::sync::{Arc, OnceLock};

use sha1::{Digest, Sha1};

use crate::oda::rsa::PublicKey;

/// Keys of the schemes, as they give them to every terminal.
const SCHEMES: &str = include_str!("../../data/ca_keys.txt");
/// Keys of the schemes' test authorities.
const TEST: &str = include_str!("../../data/ca_keys_test.txt");

/// Most keys one terminal keeps.
pub const CA_KEYS_MAX: usize = 128;

/// One authority's key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CaKey {
    /// Registered identifier: the first five bytes of the AIDs it stands for.
    pub rid: [u8; 5],
    /// Index, tag 8F.
    pub index: u8,
    key: PublicKey,
}

/// A line that is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not a certification authority's key")]
pub struct CaKeyError {
    /// Which line, from 1.
    pub line: usize,
}

/// The keys a terminal knows. Cheap to copy: copies share the keys.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CaKeys(Arc<Vec<CaKey>>);

impl CaKey {
    /// Takes modulus and exponent; `None` for what is no key of the standard.
    pub fn new(rid: [u8; 5], index: u8, modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        Some(Self { rid, index, key: PublicKey::new(modulus, exponent)? })
    }

    /// The key.
    pub fn public_key(&self) -> &PublicKey {
        &self.key
    }
}

impl CaKeys {
    /// No key at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// The schemes' own keys.
    pub fn schemes() -> Self {
        static KEYS: OnceLock<CaKeys> = OnceLock::new();
        KEYS.get_or_init(|| Self::parse(SCHEMES).expect("the file is checked by a test")).clone()
    }

    /// The schemes' own keys and those of their test authorities: for looking at test cards, never for a payment.
    pub fn with_scheme_tests() -> Self {
        static KEYS: OnceLock<CaKeys> = OnceLock::new();
        let both = || Self::schemes().and(&Self::parse(TEST).expect("the file is checked by a test"));
        KEYS.get_or_init(both).clone()
    }

    /// Reads keys, one a line: registered identifier, index, exponent, modulus and SHA-1 check sum over identifier,
    /// index, modulus and exponent, all hexadecimal (Book 2 section 11.2.2). Empty lines and lines from `#` are
    /// passed over.
    ///
    /// # Errors
    /// [`CaKeyError`] for the first line that is no key or whose check sum is wrong, and for more than
    /// [`CA_KEYS_MAX`].
    pub fn parse(text: &str) -> Result<Self, CaKeyError> {
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = parse_line(line).filter(|_| keys.len() < CA_KEYS_MAX);
            keys.push(key.ok_or(CaKeyError { line: index + 1 })?);
        }
        Ok(Self(Arc::new(keys)))
    }

    /// Adds keys; one already there for the same identifier and index stands.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        let mut keys = Arc::unwrap_or_clone(self.0);
        for key in other.0.iter() {
            let known = keys.iter().any(|present| (present.rid, present.index) == (key.rid, key.index));
            if !known && keys.len() < CA_KEYS_MAX {
                keys.push(key.clone());
            }
        }
        Self(Arc::new(keys))
    }

    /// Adds one key, in front of all others.
    #[must_use]
    pub fn with(self, key: CaKey) -> Self {
        let mut keys = Arc::unwrap_or_clone(self.0);
        keys.insert(0, key);
        keys.truncate(CA_KEYS_MAX);
        Self(Arc::new(keys))
    }

    /// The key a card names.
    pub fn find(&self, rid: [u8; 5], index: u8) -> Option<&PublicKey> {
        self.0.iter().find(|key| key.rid == rid && key.index == index).map(CaKey::public_key)
    }

    /// Whether there is any key for an application.
    pub fn serve(&self, aid: &[u8]) -> bool {
        self.0.iter().any(|key| aid.starts_with(&key.rid))
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn parse_line(line: &str) -> Option<CaKey> {
    let mut fields = line.split_ascii_whitespace().map(bytes);
    let (rid, index) = (fields.next()??, fields.next()??);
    let (exponent, modulus, sum) = (fields.next()??, fields.next()??, fields.next()??);
    if fields.next().is_some() {
        return None;
    }
    let computed = Sha1::new().chain_update(&rid).chain_update(&index).chain_update(&modulus).chain_update(&exponent);
    if computed.finalize().as_slice() != sum {
        return None;
    }
    let [index] = index.as_slice() else { return None };
    CaKey::new(rid.try_into().ok()?, *index, &modulus, &exponent)
}

/// Hexadecimal digits, two to a byte.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_good() {
        assert_eq!(CaKeys::parse(SCHEMES).unwrap().len(), 12);
        assert_eq!(CaKeys::parse(TEST).unwrap().len(), 7);
        assert_eq!(CaKeys::with_scheme_tests().len(), 19);
        let visa = CaKeys::schemes().find([0xA0, 0, 0, 0, 3], 0x09).unwrap().clone();
        assert_eq!(visa.length(), 248);
        assert!(CaKeys::schemes().find([0xA0, 0, 0, 0, 4], 0xEF).is_none(), "no test key among the schemes' own");
        assert!(CaKeys::schemes().serve(&[0xA0, 0, 0, 0, 0x65, 0x10, 0x10]));
        assert!(!CaKeys::schemes().serve(&[0xA0, 0, 0, 2, 0x77, 0x10, 0x10]));
    }

    #[test]
    fn lines_that_are_no_key_are_refused() {
        let good = SCHEMES.lines().find(|line| !line.starts_with('#')).unwrap();
        assert_eq!(CaKeys::parse(&format!("\n# note\n  {good}\n")).unwrap().len(), 1);
        let mut changed = good.to_owned();
        changed.replace_range(20..21, if &changed[20..21] == "0" { "1" } else { "0" });
        for line in [changed.as_str(), &good[..good.len() - 2], &format!("{good} 00"), "A0", &good[1..]] {
            assert_eq!(CaKeys::parse(&format!("#\n{line}")), Err(CaKeyError { line: 2 }), "{line}");
        }
        assert!(CaKeys::parse(&format!("{good}\n").repeat(CA_KEYS_MAX + 1)).is_err());
    }
}

//! Bounds-checked reading and writing of the crate's binary forms, and strict base64url.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// base64url without padding (RFC 4648, section 5).
pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of canonical base64url: no padding, no stray bits in the last character.
pub(crate) fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Exactly `N` bytes of canonical base64url.
pub(crate) fn array_from_base64url<const N: usize>(text: &str) -> Option<[u8; N]> {
    // The bound comes first: a long text is refused before it is decoded.
    if text.len() > N.div_ceil(3) * 4 {
        return None;
    }
    from_base64url(text)?.try_into().ok()
}

/// SHA-256 over a key, as sixteen groups of four hexadecimal digits, for people to compare.
pub(crate) fn fingerprint(key: &[u8]) -> String {
    let digits = hex::encode_upper(Sha256::digest(key));
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 4);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// The field did not fit into the space left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

/// Writes fields one after the other into a buffer of fixed size.
pub(crate) struct Writer<'a> {
    space: &'a mut [u8],
}

impl<'a> Writer<'a> {
    pub(crate) fn new(space: &'a mut [u8]) -> Self {
        Self { space }
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let space = std::mem::take(&mut self.space);
        let (here, rest) = space.split_at_mut_checked(bytes.len()).ok_or(Full)?;
        here.copy_from_slice(bytes);
        self.space = rest;
        Ok(())
    }

    /// How much space is left, in bytes.
    pub(crate) fn left(&self) -> usize {
        self.space.len()
    }

    /// One length byte, then the bytes; at most `len_max`.
    pub(crate) fn put_short(&mut self, bytes: &[u8], len_max: usize) -> Result<(), Full> {
        if bytes.len() > len_max {
            return Err(Full);
        }
        self.put(&[u8::try_from(bytes.len()).map_err(|_| Full)?])?;
        self.put(bytes)
    }

    /// Two length bytes, big-endian, then the bytes; at most `len_max`.
    pub(crate) fn put_long(&mut self, bytes: &[u8], len_max: usize) -> Result<(), Full> {
        if bytes.len() > len_max {
            return Err(Full);
        }
        self.put(&u16::try_from(bytes.len()).map_err(|_| Full)?.to_be_bytes())?;
        self.put(bytes)
    }
}

/// Reads fields one after the other; every read may fail, none may panic.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (here, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(here)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// The counterpart of [`Writer::put_short`].
    pub(crate) fn short(&mut self, len_max: usize) -> Option<&'a [u8]> {
        let len = usize::from(self.byte()?);
        if len > len_max {
            return None;
        }
        self.take(len)
    }

    /// The counterpart of [`Writer::put_long`].
    pub(crate) fn long(&mut self, len_max: usize) -> Option<&'a [u8]> {
        let len = usize::from(u16::from_be_bytes(self.array()?));
        if len > len_max {
            return None;
        }
        self.take(len)
    }

    /// A short field of UTF-8 text.
    pub(crate) fn text(&mut self, len_max: usize) -> Option<String> {
        std::str::from_utf8(self.short(len_max)?).ok().map(str::to_owned)
    }

    /// Everything was read and nothing follows.
    pub(crate) fn finished(&self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }

    /// Only zero padding follows: padding that could hold something else would be a covert channel.
    pub(crate) fn only_padding(&self) -> Option<()> {
        self.rest.iter().all(|byte| *byte == 0).then_some(())
    }
}

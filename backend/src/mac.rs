//! HMAC-SHA-256 over secrets such as PINs and codes, which are not left behind in memory by it.
//!
//! What is handed on by value leaves its bytes where it was, and a MAC has the last of what it was fed in its buffer. So this
//! one stays in one place from the first secret byte to the last, and is wiped there.

use hmac::{HmacReset, Mac};
use sha2::Sha256;

/// The key, ready for use.
pub type MacKey = HmacReset<Sha256>;

/// The tag over these parts, one after the other. The caller sees to it that no two meanings have the same bytes.
pub fn tag(key: &MacKey, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Box::new(key.clone());
    for part in parts {
        mac.update(part);
    }
    mac.finalize_reset().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit};

    use super::*;

    #[test]
    fn a_tag_is_that_of_the_parts_together_however_often_it_is_asked_for() {
        let key = MacKey::new_from_slice(b"key").unwrap();
        let plain = Hmac::<Sha256>::new_from_slice(b"key").unwrap().chain_update(b"some parts").finalize().into_bytes();
        for _ in 0..2 {
            assert_eq!(tag(&key, &[b"some ", b"", b"parts"]), <[u8; 32]>::from(plain));
        }
        assert_ne!(tag(&key, &[b"some parts", b"!"]), <[u8; 32]>::from(plain));
    }
}

//! What an inner capsule holds: whoever pays seals it, so a bank reads anybody's bytes. There is one length, and nothing but
//! zeros behind what is read.

use envelope::inner::{INNER_PLAINTEXT_LEN, is_plaintext};

/// A plaintext, as a payer's device might have sealed it.
pub fn check(bytes: &[u8]) {
    if !is_plaintext(bytes) {
        return;
    }
    assert_eq!(bytes.len(), INNER_PLAINTEXT_LEN, "the length tells what pays");
    let mut marked = bytes.to_vec();
    marked[INNER_PLAINTEXT_LEN - 1] = 1;
    assert!(!is_plaintext(&marked), "there is room for a message behind it");
    assert!(!is_plaintext(&bytes[..INNER_PLAINTEXT_LEN - 1]), "a part is taken for the whole");
}

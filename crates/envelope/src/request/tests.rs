//! Requests that are sealed rightly but padded or written otherwise than ours.

use super::{HEADER_LEN, OpenError, REQUEST_PADDING_STEP, Sender, open_as_device, open_from_link, seal_to_counter};
use crate::capsule::Capsule;
use crate::sealing_key::{DeviceSealingKeySecret, LinkKey, LinkSealingKey};
use crate::suite::{OUTER_LABEL, REQUEST_LABEL};

/// What opening bytes sealed as they are gives.
fn opened(label: &[u8], padded: &[u8]) -> Result<Vec<u8>, OpenError> {
    let secret = DeviceSealingKeySecret::generate();
    let sender = Sender::to(&secret.public().to_bytes(), label).expect("a key");
    let capsule = Capsule::seal(secret.public(), sender, b"", padded).expect("sealed");
    open_as_device(&secret, b"", &capsule).map(|plaintext| plaintext.to_vec())
}

/// `pay`, as it is written, in a buffer of `len` bytes.
fn written(len: usize) -> Vec<u8> {
    let mut padded = vec![0; len];
    padded[..HEADER_LEN + 3].copy_from_slice(b"\x01\x00\x03pay");
    padded
}

#[test]
fn the_written_form_is_read_back() {
    let padded = written(REQUEST_PADDING_STEP);
    assert_eq!(opened(REQUEST_LABEL, &padded), Ok(b"pay".to_vec()));
}

#[test]
fn another_layers_label_is_refused() {
    let padded = written(REQUEST_PADDING_STEP);
    assert_eq!(opened(OUTER_LABEL, &padded), Err(OpenError::Refused));
}

#[test]
fn another_padded_length_is_refused() {
    for len in [HEADER_LEN + 3, REQUEST_PADDING_STEP - 1, REQUEST_PADDING_STEP + 1, 2 * REQUEST_PADDING_STEP] {
        assert_eq!(opened(REQUEST_LABEL, &written(len)), Err(OpenError::Refused), "{len}");
    }
    for short in [&b""[..], b"\x01", b"\x01\x00", b"\x01\x00\x03pa"] {
        assert_eq!(opened(REQUEST_LABEL, short), Err(OpenError::Refused));
    }
}

#[test]
fn another_version_length_or_padding_is_refused() {
    for (place, byte) in [(0, 0), (0, 2), (1, 0xFF), (2, 2), (HEADER_LEN + 3, 1), (1023, 1)] {
        let mut padded = written(REQUEST_PADDING_STEP);
        padded[place] = byte;
        assert_eq!(opened(REQUEST_LABEL, &padded), Err(OpenError::Refused), "{place} {byte}");
    }
}

#[test]
fn a_counters_code_opens_what_was_sealed_to_its_public_half() {
    let key = LinkKey::generate();
    let public = LinkSealingKey::from_base64url(&key.public().to_base64url()).expect("a key");
    let capsule = seal_to_counter(&public, b"request", b"an order").expect("sealed");
    assert_eq!(open_from_link(&key, b"request", &capsule).expect("it opens").as_slice(), b"an order");
    assert!(open_from_link(&LinkKey::generate(), b"request", &capsule).is_err());
    assert!(open_from_link(&key, b"another", &capsule).is_err());
}

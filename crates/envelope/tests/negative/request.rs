//! Sealed requests: wrong device, wrong link, changed bytes, sizes.

use envelope::request::{
    REQUEST_LEN_MAX, REQUEST_PADDING_STEP, open_as_device, open_from_link, seal_to_device, seal_to_link,
};
use envelope::{DeviceSealingKeySecret, LinkKey, OpenError, SealError};
use proptest::prelude::*;

const AAD: &[u8] = b"request 1";

#[test]
fn another_device_or_link() {
    let device = DeviceSealingKeySecret::generate();
    let mut capsule = seal_to_device(device.public(), AAD, b"pay").unwrap();
    let other = DeviceSealingKeySecret::generate();
    assert_eq!(open_as_device(&other, AAD, &capsule), Err(OpenError::UnknownKid));
    other.kid().clone_into(&mut capsule.kid);
    assert_eq!(open_as_device(&other, AAD, &capsule), Err(OpenError::Refused));

    let link = LinkKey::generate();
    let mut capsule = seal_to_link(&link, AAD, b"pay").unwrap();
    let other = LinkKey::generate();
    assert_eq!(open_from_link(&other, AAD, &capsule), Err(OpenError::UnknownKid));
    other.kid().clone_into(&mut capsule.kid);
    assert_eq!(open_from_link(&other, AAD, &capsule), Err(OpenError::Refused));
}

#[test]
fn a_link_key_is_not_a_device_key() {
    // Not even when its seed is used as one.
    let link = LinkKey::generate();
    let device = DeviceSealingKeySecret::from_bytes(link.expose_bytes());
    let mut capsule = seal_to_link(&link, AAD, b"pay").unwrap();
    assert_eq!(open_as_device(&device, AAD, &capsule), Err(OpenError::UnknownKid));
    device.kid().clone_into(&mut capsule.kid);
    assert_eq!(open_as_device(&device, AAD, &capsule), Err(OpenError::Refused));
}

#[test]
fn changed_bytes_and_additional_data() {
    let link = LinkKey::generate();
    let capsule = seal_to_link(&link, AAD, b"pay").unwrap();
    for place in 0..capsule.ciphertext.len() {
        let mut changed = capsule.clone();
        changed.ciphertext[place] ^= 1 << (place % 8);
        assert_eq!(open_from_link(&link, AAD, &changed), Err(OpenError::Refused), "{place}");
    }
    for aad in [&b""[..], b"request 2", b"request 1 "] {
        assert_eq!(open_from_link(&link, aad, &capsule), Err(OpenError::Refused));
    }
}

#[test]
fn a_request_too_long_is_not_sealed() {
    let link = LinkKey::generate();
    let longest = vec![b'x'; REQUEST_LEN_MAX];
    let capsule = seal_to_link(&link, AAD, &longest).unwrap();
    assert_eq!(*open_from_link(&link, AAD, &capsule).unwrap(), longest);
    assert_eq!(seal_to_link(&link, AAD, &vec![b'x'; REQUEST_LEN_MAX + 1]), Err(SealError::TooLong("the request")));
}

proptest! {
    #[test]
    fn every_request_comes_back_and_shows_only_its_size_step(
        plaintext in prop::collection::vec(any::<u8>(), 0..3000),
        aad in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let device = DeviceSealingKeySecret::generate();
        let capsule = seal_to_device(device.public(), &aad, &plaintext).unwrap();
        prop_assert_eq!((capsule.ciphertext.len() - 16) % REQUEST_PADDING_STEP, 0);
        prop_assert!(capsule.ciphertext.len() - 16 <= plaintext.len() + 3 + REQUEST_PADDING_STEP);
        prop_assert_eq!(&*open_as_device(&device, &aad, &capsule).unwrap(), &plaintext);
    }
}

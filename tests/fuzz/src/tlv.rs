//! BER-TLV (Book 3 annex B): the strict reader takes a subset of what the lenient one takes, and reads it alike.

use emv::tlv::{self, DEPTH_MAX, Mode, OBJECTS_MAX, Tlv};

/// How many of the objects found are searched for.
const SEARCHED: usize = 4;

/// Reads the bytes every way there is.
pub fn check(bytes: &[u8]) {
    let lenient = tlv::read(bytes, Mode::Lenient);
    if let Ok(strict) = tlv::read(bytes, Mode::Strict) {
        let lenient = lenient.as_ref().expect("the lenient reader takes what the strict one takes");
        assert!(*lenient == strict, "both readers see the same objects");
        check_rewritten(&strict);
    }
    if let Ok(objects) = &lenient {
        assert!(objects.len() <= OBJECTS_MAX);
        check_rewritten(objects);
    }
    check_flattened(bytes);
}

/// What was read can be written, and reads back the same.
fn check_rewritten(objects: &[Tlv<'_>]) {
    let mut written = Vec::new();
    for object in objects {
        tlv::write(&mut written, object.tag, object.value);
    }
    let again = tlv::read(&written, Mode::Strict).expect("what we write is strict TLV");
    assert!(again == objects, "writing and reading is the identity");
}

fn check_flattened(bytes: &[u8]) {
    let lenient = tlv::flatten(bytes, Mode::Lenient);
    if let Ok(strict) = tlv::flatten(bytes, Mode::Strict) {
        let lenient = lenient.as_ref().expect("the lenient reader takes what the strict one takes");
        assert!(*lenient == strict, "both readers see the same objects at every depth");
    }
    let Ok(objects) = lenient else { return };
    assert!(objects.len() <= OBJECTS_MAX * (DEPTH_MAX + 1));
    assert!(!objects.iter().any(|object| object.tag.is_constructed()), "only primitive objects are left");
    // Each search walks everything again: a few say enough, and leave time for more inputs.
    for object in objects.iter().take(SEARCHED) {
        assert!(tlv::find_all(bytes, object.tag).contains(&object.value), "what was flattened can be found");
        assert_eq!(tlv::find(bytes, object.tag), tlv::find_all(bytes, object.tag).first().copied());
    }
}

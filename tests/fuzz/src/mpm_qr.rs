//! EMVCo's merchant-presented code: whatever a scanned text holds, reading it ends, and what is read of ours is written
//! as it was.

use protocol::mpm::{CodeLink, MerchantCode, MpmError, looks_like_a_code};

/// Reads the text, and what was read of ours again.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let read = MerchantCode::read(text);
    // The engine cannot guess a checksum: the same text with the right one is read too.
    if let Err(MpmError::Checksum) = read {
        check(with_checksum(text).as_bytes());
    }
    let Ok(code) = read else { return };
    assert!(looks_like_a_code(text), "what reads as a code begins as one");
    let Some(link) = &code.link else { return };
    let deep_link = link.deep_link();
    let again = CodeLink::of_deep_link(&deep_link).expect("a link of ours has its parts");
    assert_eq!(again.deep_link(), deep_link, "a link has one spelling");
    // Some of what others may write we never do: a name in foreign letters, or an amount without its cents.
    if let Ok(written) = code.text() {
        assert_eq!(MerchantCode::read(&written).as_ref(), Ok(&code), "writing and reading is the identity");
    }
}

/// The text with the checksum that it should have.
fn with_checksum(text: &str) -> String {
    let covered = &text[..text.len() - 4];
    let checksum = crc::Crc::<u16>::new(&crc::CRC_16_IBM_3740).checksum(covered.as_bytes());
    format!("{covered}{checksum:04X}")
}

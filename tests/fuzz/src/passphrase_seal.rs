//! What opens with a passphrase: whatever the bytes, what deriving would cost is bounded, and nothing opens.

use envelope::passphrase::{Cost, cost_of, open};

/// A sealed text, as a key store or a file might give it back.
pub fn check(bytes: &[u8]) {
    match cost_of(bytes) {
        // Deriving is slow on purpose; the cheapest is enough to reach what comes after it.
        Some(Cost::LEAST) => {}
        Some(_) => return,
        None => assert!(bytes.len() < 37 || !is_sealed(bytes) || !is_within_bounds(bytes), "a cost was not read"),
    }
    assert!(open("amber lantern", b"fuzz", bytes).is_err(), "nobody sealed this");
}

fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(b"TAPSEALP\x01")
}

/// The bounds, read by another hand: memory in KiB, passes, lanes.
fn is_within_bounds(bytes: &[u8]) -> bool {
    let number = |at: usize| bytes[at..at + 4].iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
    (8_192..=1_048_576).contains(&number(9)) && (1..=16).contains(&number(13)) && (1..=16).contains(&number(17))
}

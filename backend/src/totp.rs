//! Codes that a device makes by itself: TOTP (RFC 6238) with HMAC-SHA-256, eight digits, steps of thirty seconds.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Digits of a code.
pub const CODE_DIGITS: usize = 8;
/// How many codes there are of so many digits.
const CODES: u32 = 100_000_000;
/// How long a step is, in seconds.
pub const STEP_S: i64 = 30;
/// How many steps a device's clock may be off in each direction (RFC 6238, section 5.2 recommends one).
const STEPS_OFF_MAX: i64 = 1;

/// The code of one step (RFC 4226, section 5.3, with SHA-256).
fn code_at(secret: &[u8], step: i64) -> u32 {
    let mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    let hash = mac.chain_update(step.to_be_bytes()).finalize().into_bytes();
    let offset = usize::from(hash[hash.len() - 1] & 0x0f);
    let binary = u32::from_be_bytes([hash[offset] & 0x7f, hash[offset + 1], hash[offset + 2], hash[offset + 3]]);
    binary % CODES
}

/// The step whose code this is, if it is near now and later than the last that was taken.
pub fn matching_step(secret: &[u8], code: &str, last_step: i64, now_ms: i64) -> Option<i64> {
    let now = now_ms.div_euclid(1_000 * STEP_S);
    let is_code = |step: &i64| {
        let expected = format!("{:0CODE_DIGITS$}", code_at(secret, *step));
        bool::from(expected.as_bytes().ct_eq(code.as_bytes()))
    };
    (now - STEPS_OFF_MAX..=now + STEPS_OFF_MAX).filter(|step| *step > last_step).find(is_code)
}

/// What the device shows now; for the tests that hold one.
#[cfg(test)]
pub(crate) fn shown(secret: &[u8], now_ms: i64) -> String {
    format!("{:0CODE_DIGITS$}", code_at(secret, now_ms.div_euclid(1_000 * STEP_S)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8; 32] = b"12345678901234567890123456789012";

    /// RFC 6238, appendix B, the rows of SHA-256.
    #[test]
    fn the_standards_own_codes_come_out() {
        let rows = [
            (59, "46119246"),
            (1_111_111_109, "68084774"),
            (1_111_111_111, "67062674"),
            (1_234_567_890, "91819424"),
            (2_000_000_000, "90698825"),
            (20_000_000_000, "77737706"),
        ];
        for (seconds, code) in rows {
            assert_eq!(shown(SECRET, seconds * 1_000), code);
            assert_eq!(matching_step(SECRET, code, 0, seconds * 1_000), Some(seconds / STEP_S));
        }
    }

    #[test]
    fn a_code_serves_once_and_near_its_time() {
        let now_ms = 1_234_567_890_000;
        let step = 1_234_567_890 / STEP_S;
        let taken = |last, seconds: i64| matching_step(SECRET, "91819424", last, now_ms + seconds * 1_000);
        assert_eq!(taken(0, STEP_S), Some(step));
        assert_eq!(taken(0, -STEP_S), Some(step));
        assert_eq!(taken(0, 2 * STEP_S), None, "too late");
        assert_eq!(taken(step, 0), None, "it was taken");
    }
}

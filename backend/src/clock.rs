//! The one place where the servers read the clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in ms since the Unix epoch.
///
/// # Panics
/// When the clock is set before 1970.
pub fn now_ms() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    u64::try_from(elapsed.as_millis()).expect("ms since 1970 fit into 64 bits for another 500 million years")
}

/// A time as the database and the seals count it: ms since the Unix epoch, signed.
///
/// # Panics
/// When the time is beyond the year 292 million, which no parser lets in.
pub fn signed_ms(time_ms: u64) -> i64 {
    i64::try_from(time_ms).unwrap_or(i64::MAX)
}

/// A time as the database holds it, back in the form of the wire.
pub fn unsigned_ms(time_ms: i64) -> u64 {
    u64::try_from(time_ms).unwrap_or(0)
}

//! The device's clock, in milliseconds since the Unix epoch.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, by this device's clock; 0 before 1970.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A time as the envelope and the database take it.
pub fn signed(time_ms: u64) -> i64 {
    i64::try_from(time_ms).unwrap_or(i64::MAX)
}

/// A time as the wire types take it; nothing lies before the epoch.
pub fn unsigned(time_ms: i64) -> u64 {
    u64::try_from(time_ms).unwrap_or(0)
}

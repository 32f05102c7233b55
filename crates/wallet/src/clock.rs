//! The device's clock, in milliseconds since the Unix epoch; and two clocks at once, to tell how long somebody was away.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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

/// One moment on two clocks: the steady one may stop while the machine sleeps, the other may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Of the clock that only goes forward, in milliseconds from anywhere.
    pub steady_ms: u64,
    /// Of the clock on the wall, in milliseconds since the Unix epoch.
    pub wall_ms: u64,
}

impl Moment {
    /// How long ago `earlier` was, by whichever clock says more.
    pub fn since(self, earlier: Self) -> Duration {
        let steady_ms = self.steady_ms.saturating_sub(earlier.steady_ms);
        Duration::from_millis(steady_ms.max(self.wall_ms.saturating_sub(earlier.wall_ms)))
    }
}

/// What tells the lock the time: the machine's clocks, or a test's.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Moment + Send + Sync>);

impl Clock {
    /// The machine's own.
    pub fn system() -> Self {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        Self::made_of(|| Moment {
            steady_ms: u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX),
            wall_ms: now_ms(),
        })
    }

    /// One that reads what the function says.
    pub fn made_of(read: impl Fn() -> Moment + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    /// Now.
    pub fn now(&self) -> Moment {
        (self.0)()
    }
}

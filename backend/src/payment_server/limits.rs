//! How many calls a caller may make: a bucket for each merchant, and one for each address that shows no credentials.
//!
//! This protects the server from load and merchants from each other. It guards no secret: what can be guessed is
//! counted in the database. Each replica has buckets of its own, so behind an address shared by `n` of them a caller
//! may get up to `n` times as much.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use payment::MerchantId;

/// The most buckets kept of one kind; beyond that the full ones go, which remember nothing.
const BUCKETS_MAX: usize = 100_000;
/// The usual quotas: five hundred calls a second on average.
const CALLS_PER_MINUTE: u32 = 30_000;
/// The time that a policy speaks of.
const WINDOW: Duration = Duration::from_mins(1);
/// The fields of draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4.
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// How many calls each caller may make within a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Args)]
pub struct LimitOptions {
    /// Calls of one merchant within a minute.
    #[arg(long, default_value_t = CALLS_PER_MINUTE, value_parser = clap::value_parser!(u32).range(1..))]
    pub merchant_calls_per_minute: u32,
    /// Calls without a merchant's credentials from one address within a minute.
    #[arg(long, default_value_t = CALLS_PER_MINUTE, value_parser = clap::value_parser!(u32).range(1..))]
    pub address_calls_per_minute: u32,
}

impl Default for LimitOptions {
    fn default() -> Self {
        Self { merchant_calls_per_minute: CALLS_PER_MINUTE, address_calls_per_minute: CALLS_PER_MINUTE }
    }
}

/// How a caller stands after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    policy: &'static str,
    quota: u32,
    left: u32,
    /// Until there is one more, when none is left; else until the bucket is full again.
    wait_s: u64,
    is_over: bool,
}

impl Standing {
    /// Whether this call was one too many.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Tells the caller.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        let Self { policy, quota, left, wait_s, .. } = self;
        let window_s = WINDOW.as_secs();
        let set = |headers: &mut HeaderMap, name, text: String| {
            headers.insert(name, HeaderValue::try_from(text).expect("names and numbers are a header's text"));
        };
        set(headers, RATE_LIMIT_POLICY, format!("\"{policy}\";q={quota};w={window_s}"));
        set(headers, RATE_LIMIT, format!("\"{policy}\";r={left};t={wait_s}"));
        if self.is_over {
            set(headers, header::RETRY_AFTER, wait_s.to_string());
        }
    }
}

/// Who a call turned out to come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// A merchant, whose call was counted.
    Merchant(Standing),
    /// A registered device. Its calls are bounded by what it does and not by its address, which many may share.
    Device,
}

/// A place in a call where its caller is noted once it is known.
#[derive(Clone, Default)]
pub(super) struct CallerSlot(Arc<OnceLock<Caller>>);

impl CallerSlot {
    /// Notes the caller; the first one stays.
    pub(super) fn note(&self, caller: Caller) {
        let _ = self.0.set(caller);
    }

    /// The caller, if it is known.
    pub(super) fn get(&self) -> Option<&Caller> {
        self.0.get()
    }
}

/// All buckets of this process.
pub(super) struct Limits {
    merchants: Buckets<MerchantId>,
    addresses: Buckets<IpAddr>,
}

impl Limits {
    /// Full buckets.
    pub(super) fn new(options: LimitOptions) -> Self {
        Self {
            merchants: Buckets::new("merchant", options.merchant_calls_per_minute),
            addresses: Buckets::new("address", options.address_calls_per_minute),
        }
    }

    /// Counts a merchant's call.
    pub(super) fn count_merchant(&self, merchant: &MerchantId) -> Standing {
        self.merchants.count(merchant.clone(), Instant::now())
    }

    /// Counts a call of nobody known.
    pub(super) fn count_address(&self, address: IpAddr) -> Standing {
        self.addresses.count(network(address), Instant::now())
    }
}

/// What one subscriber holds: an IPv4 address, or an IPv6 network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

/// Buckets that hold a minute's calls and fill evenly (the generic cell rate algorithm): of each, only the time is kept
/// at which it is full again.
struct Buckets<K> {
    policy: &'static str,
    quota: u32,
    /// How long one call takes to come back.
    each: Duration,
    full_at: Mutex<HashMap<K, Instant>>,
}

impl<K: Eq + Hash> Buckets<K> {
    fn new(policy: &'static str, quota: u32) -> Self {
        Self { policy, quota, each: WINDOW / quota, full_at: Mutex::default() }
    }

    fn count(&self, key: K, now: Instant) -> Standing {
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= BUCKETS_MAX {
            buckets.retain(|_, full_at| *full_at > now);
        }
        // Still too many that are not full: a flood from as many addresses is not for this to stop.
        if buckets.len() >= BUCKETS_MAX {
            buckets.clear();
        }
        let full_at = buckets.entry(key).or_insert(now);
        let missing = full_at.saturating_duration_since(now);
        let after = missing + self.each;
        let is_over = after > WINDOW;
        if !is_over {
            *full_at = now + after;
        }
        let missing = if is_over { missing } else { after };
        let left = (WINDOW.saturating_sub(missing).as_nanos() / self.each.as_nanos().max(1)).min(self.quota.into());
        let left = u32::try_from(left).unwrap_or(self.quota);
        let wait = if is_over { after.saturating_sub(WINDOW) } else { missing };
        Standing { policy: self.policy, quota: self.quota, left, wait_s: ceil_s(wait), is_over }
    }
}

/// Whole seconds, at least one.
fn ceil_s(wait: Duration) -> u64 {
    let started = u64::from(wait.subsec_nanos() > 0);
    (wait.as_secs() + started).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minutes_calls_may_come_at_once_and_come_back_evenly() {
        let buckets = Buckets::new("merchant", 60);
        let start = Instant::now();
        for n in 1..=60 {
            let standing = buckets.count("a", start);
            assert_eq!((standing.is_over(), standing.left), (false, 60 - n));
        }
        let over = buckets.count("a", start);
        assert_eq!((over.is_over(), over.left, over.wait_s), (true, 0, 1));
        assert!(!buckets.count("b", start).is_over(), "another's bucket is its own");
        let later = start + Duration::from_secs(2);
        assert!(!buckets.count("a", later).is_over());
        assert!(!buckets.count("a", later).is_over());
        assert!(buckets.count("a", later).is_over(), "two came back within two seconds");
        assert!(!buckets.count("a", start + Duration::from_mins(10)).is_over());
    }

    #[test]
    fn the_headers_are_structured_fields() {
        let mut headers = HeaderMap::new();
        Buckets::new("merchant", 100).count(1, Instant::now()).tell(&mut headers);
        assert_eq!(headers[RATE_LIMIT_POLICY], "\"merchant\";q=100;w=60");
        assert_eq!(headers[RATE_LIMIT], "\"merchant\";r=99;t=1");
        assert!(!headers.contains_key(header::RETRY_AFTER));
    }

    #[test]
    fn one_subscribers_addresses_share_a_bucket() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3::4"), of("2001:db8:1:2:ffff::"));
        assert_ne!(of("2001:db8:1:2::"), of("2001:db8:1:3::"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}

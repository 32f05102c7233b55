//! How many failures are borne: of one address, and of all together. It stops passwords from being tried through many names.
//!
//! What is kept is in memory: whoever tries cannot restart the server. The tries at one name are counted in the database.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

/// The time in which so many failures are borne, in milliseconds.
const WINDOW_MS: i64 = 10 * 60 * 1_000;
/// Of one address, or IPv6 network of 64 bits.
pub(crate) const FAILURES_OF_ONE: i64 = 20;
/// Of all: with codes of eight digits, three of which are right at a time, whoever had the right passwords would hit one in
/// a year.
pub(crate) const FAILURES_OF_ALL: i64 = 600;
/// How long an address that was let in is known, in milliseconds: a flood from elsewhere does not shut it out.
const KNOWN_MS: i64 = 30 * 24 * 60 * 60 * 1_000;
/// The most addresses that are remembered; beyond that those go that are forgiven.
const ADDRESSES_MAX: usize = 100_000;

/// Failures, each kept as the time at which they are all forgiven (the generic cell rate algorithm).
#[derive(Default)]
pub(crate) struct Guard(Mutex<Kept>);

/// Times in milliseconds since the Unix epoch.
#[derive(Default)]
struct Kept {
    /// When an address is forgiven.
    addresses: HashMap<IpAddr, i64>,
    /// When somebody was let in from an address last.
    known: HashMap<IpAddr, i64>,
    /// When all together are forgiven.
    together: i64,
}

impl Guard {
    /// How long a caller from here must wait, in seconds; nothing when it may try.
    pub(crate) fn wait_s(&self, from: IpAddr, now_ms: i64) -> Option<u64> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from = network(from);
        let of_one = kept.addresses.get(&from).copied().unwrap_or(0);
        let is_known = kept.known.get(&from).is_some_and(|let_in_ms| now_ms - let_in_ms < KNOWN_MS);
        let of_all = if is_known { 0 } else { kept.together };
        let over = [(of_one, FAILURES_OF_ONE), (of_all, FAILURES_OF_ALL)].map(|(forgiven_ms, most)| {
            let next_ms = forgiven_ms.max(now_ms) + WINDOW_MS / most;
            (next_ms - now_ms - WINDOW_MS).max(0)
        });
        let wait_ms = over[0].max(over[1]);
        (wait_ms > 0).then(|| u64::try_from(wait_ms).unwrap_or(0).div_ceil(1_000))
    }

    /// Remembers that somebody was let in from here.
    pub(crate) fn let_in(&self, from: IpAddr, now_ms: i64) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.known.len() >= ADDRESSES_MAX {
            kept.known.retain(|_, let_in_ms| now_ms - *let_in_ms < KNOWN_MS);
        }
        if kept.known.len() < ADDRESSES_MAX {
            kept.known.insert(network(from), now_ms);
        }
    }

    /// Counts a failure.
    pub(crate) fn failed(&self, from: IpAddr, now_ms: i64) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.together = kept.together.max(now_ms) + WINDOW_MS / FAILURES_OF_ALL;
        if kept.addresses.len() >= ADDRESSES_MAX {
            kept.addresses.retain(|_, forgiven_ms| *forgiven_ms > now_ms);
        }
        let of_one = kept.addresses.entry(network(from)).or_default();
        *of_one = (*of_one).max(now_ms) + WINDOW_MS / FAILURES_OF_ONE;
    }
}

/// What one subscriber holds: an IPv4 address, or an IPv6 network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_795_000_000_000;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_so_many_failures_and_gets_them_back_one_by_one() {
        let guard = Guard::default();
        let (here, there) = (address("192.0.2.1"), address("192.0.2.2"));
        for _ in 0..FAILURES_OF_ONE {
            assert_eq!(guard.wait_s(here, NOW_MS), None);
            guard.failed(here, NOW_MS);
        }
        let each_s = u64::try_from(WINDOW_MS / FAILURES_OF_ONE / 1_000).unwrap();
        assert_eq!(guard.wait_s(here, NOW_MS), Some(each_s));
        assert_eq!(guard.wait_s(there, NOW_MS), None);
        assert_eq!(guard.wait_s(here, NOW_MS + WINDOW_MS / FAILURES_OF_ONE), None);
        guard.failed(here, NOW_MS + WINDOW_MS / FAILURES_OF_ONE);
        assert_eq!(guard.wait_s(here, NOW_MS + WINDOW_MS / FAILURES_OF_ONE), Some(each_s));
    }

    #[test]
    fn all_together_have_a_bound_and_a_network_counts_as_one() {
        let guard = Guard::default();
        let owner = address("198.51.100.7");
        guard.let_in(owner, NOW_MS - 1);
        for number in 0..FAILURES_OF_ALL {
            let from = address(&format!("2001:db8:{number:x}::1"));
            assert_eq!(guard.wait_s(from, NOW_MS), None, "{number}");
            guard.failed(from, NOW_MS);
        }
        assert_eq!(guard.wait_s(address("192.0.2.1"), NOW_MS), Some(1));
        assert_eq!(guard.wait_s(owner, NOW_MS), None, "whoever was let in before is not shut out by a flood");
        let guard = Guard::default();
        for number in 0..FAILURES_OF_ONE {
            guard.failed(address(&format!("2001:db8:1:2:{number:x}::1")), NOW_MS);
        }
        assert!(guard.wait_s(address("2001:db8:1:2:ffff::9"), NOW_MS).is_some());
    }
}

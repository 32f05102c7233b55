//! HID magnetic-stripe readers (USB HID usage tables, page 8E hexadecimal and, before it, 8D): which device is one, and
//! where in a report the tracks are.
//!
//! Makers lay their reports out differently: status bytes, lengths, then each track in a field of fixed size padded
//! with zeros. What they have in common is that a track is readable characters from its start sentinel to its end
//! sentinel, so that is what is looked for.
//!
//! This file stands alone, for it reads what any device may send: the fuzzing engine builds it without the rest of
//! the wallet.

/// The usage pages of magnetic-stripe readers: 8E since version 1.12 of the usage tables, and 8D, which readers of
/// before use.
const STRIPE_PAGES: [u32; 2] = [0x8E, 0x8D];

/// The two bits of an item's prefix that say how long its data is, in bytes (HID 1.11 section 6.2.2.2).
const ITEM_BYTES: [usize; 4] = [0, 1, 2, 4];
/// Prefix of a global item "usage page", without its length.
const USAGE_PAGE: u8 = 0x04;
/// Prefix of a long item: its data length follows.
const LONG_ITEM: u8 = 0xFE;

/// Whether a report descriptor is that of a magnetic-stripe reader.
pub(super) fn is_stripe_reader(descriptor: &[u8]) -> bool {
    let mut rest = descriptor;
    while let [prefix, after @ ..] = rest {
        if *prefix == LONG_ITEM {
            let length = after.first().map_or(0, |length| usize::from(*length) + 2);
            rest = after.get(length..).unwrap_or_default();
            continue;
        }
        let length = ITEM_BYTES[usize::from(prefix & 0x03)];
        let Some((data, following)) = after.split_at_checked(length) else { return false };
        let value = data.iter().rev().fold(0, |value: u32, byte| value << 8 | u32::from(*byte));
        if prefix & 0xFC == USAGE_PAGE && STRIPE_PAGES.contains(&value) {
            return true;
        }
        rest = following;
    }
    false
}

/// Appends the tracks in a report to `tracks`, a line each.
pub(super) fn tracks_in(report: &[u8], tracks: &mut Vec<u8>) {
    let mut rest = report;
    while let Some(start) = rest.iter().position(|byte| matches!(byte, b'%' | b';' | b'+')) {
        rest = &rest[start..];
        let end = rest.iter().position(|byte| *byte == b'?' || !(b' '..=b'_').contains(byte));
        match end {
            Some(end) if rest[end] == b'?' => {
                tracks.extend_from_slice(&rest[..=end]);
                tracks.push(b'\n');
                rest = &rest[end + 1..];
            }
            // A length or status byte that looks like a sentinel.
            Some(_) => rest = &rest[1..],
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_says_what_a_device_is() {
        // Usage page 8D (one byte), then two bytes, then a keyboard's.
        assert!(is_stripe_reader(&[0x05, 0x8D, 0x09, 0x01, 0xA1, 0x01]));
        assert!(is_stripe_reader(&[0x09, 0x01, 0x06, 0x8E, 0x00, 0x09, 0x01]));
        assert!(!is_stripe_reader(&[0x05, 0x01, 0x09, 0x06, 0xA1, 0x01, 0x05, 0x07]));
        // A vendor's own page, and one that ends in the middle.
        assert!(!is_stripe_reader(&[0x06, 0x00, 0xFF, 0x09, 0x8D, 0x06, 0x8D]));
        // Inside a long item the same bytes mean nothing.
        assert!(!is_stripe_reader(&[0xFE, 0x02, 0x00, 0x05, 0x8D, 0x09, 0x01]));
    }

    #[test]
    fn tracks_are_found_between_lengths_and_padding() {
        let (track1, track2) = (b"%B4111111111111111^DOE/JOHN^30121010?", b";4111111111111111=30121010?");
        let mut report = vec![0, 0, 1, 37, 27, 0, 0];
        report.extend(track1);
        report.resize(7 + 110, 0);
        report.extend(track2);
        report.resize(337, 0);
        let mut tracks = Vec::new();
        tracks_in(&report, &mut tracks);
        assert_eq!(tracks, [&track1[..], b"\n", track2, b"\n"].concat());
    }

    #[test]
    fn a_report_without_tracks_gives_none() {
        for report in [&[][..], &[0; 337], b"%B411", &[b'%', 0, b';', b'1', 0xFF]] {
            let mut tracks = Vec::new();
            tracks_in(report, &mut tracks);
            assert!(tracks.is_empty(), "{report:?}");
        }
    }
}

//! HID stripe readers: any descriptor is told apart, and what is taken out of a report is tracks of printable
//! characters that were in it.

use emv::stripe::Swipe;

#[path = "../../../crates/wallet/src/readers/stripe/hid.rs"]
mod reports;

/// A report descriptor, and a report.
pub fn check(bytes: &[u8]) {
    let _ = reports::is_stripe_reader(bytes);
    let mut tracks = Vec::new();
    reports::tracks_in(bytes, &mut tracks);
    assert!(tracks.len() <= 2 * bytes.len(), "a report holds no more than itself");
    for track in tracks.split_inclusive(|byte| *byte == b'\n') {
        let [track @ .., b'?', b'\n'] = track else { panic!("a track ends with its sentinel") };
        assert!(matches!(track, [b'%' | b';' | b'+', ..]), "a track begins with its sentinel");
        assert!(track.iter().all(|byte| (b' '..=b'_').contains(byte)), "a track is readable");
    }
    if let Ok(swipe) = Swipe::parse(&tracks) {
        assert!(swipe.card_number().is_complete());
    }
}

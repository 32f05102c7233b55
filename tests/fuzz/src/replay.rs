//! Recorded cards (the `replay:` reader): a transcript is refused, or a card that a whole session can read.

#[path = "../../../crates/wallet/src/readers/replay/transcript.rs"]
mod transcript;

use transcript::{Answer, Transcript};

use crate::session::{WAYS, drive};

/// The bytes of a transcript file.
pub fn check(bytes: &[u8]) {
    let Ok(transcript) = Transcript::parse(bytes) else { return };
    assert!(transcript.name.len() <= bytes.len());
    let ways = WAYS.into_iter().filter(|(interface, _)| *interface == transcript.interface);
    for way in ways {
        let mut position = 0;
        drive(way, 0, |c_apdu| match transcript.answer(c_apdu, &mut position) {
            Answer::Recorded(r_apdu) => r_apdu.to_vec(),
            // Whoever reads the card ends here; an answer without a status word ends the session too.
            Answer::Removed => Vec::new(),
            Answer::Unknown => vec![0x6A, 0x82],
        });
    }
}

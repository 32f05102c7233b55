//! ISO 8583 messages and frames: what unpacks packs again to the same message, in every encoding.

use iso8583::frame::Decoder;
use iso8583::{MESSAGE_BYTES_MAX, Message, Spec};

const SPECS: [Spec; 4] = [Spec::ASCII, Spec::ASCII_HEX, Spec::BCD, Spec::TAPSEAL];

/// The first byte chooses the encoding and the size of the pieces a stream arrives in; the rest is read as a
/// message and as a stream of frames.
pub fn check(bytes: &[u8]) {
    let Some((&how, rest)) = bytes.split_first() else { return };
    let spec = &SPECS[usize::from(how & 0x03)];
    check_message(spec, rest);
    let mut decoder = Decoder::new();
    for piece in rest.chunks(usize::from(how >> 2) + 1) {
        decoder.push(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => {
                    assert!((1..=MESSAGE_BYTES_MAX).contains(&frame.len()));
                    check_message(spec, &frame);
                }
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

fn check_message(spec: &Spec, bytes: &[u8]) {
    let Ok(message) = Message::unpack(spec, bytes) else { return };
    let packed = message.pack(spec).expect("what was unpacked can be packed");
    assert!(packed.len() <= MESSAGE_BYTES_MAX);
    let again = Message::unpack(spec, &packed).expect("what was packed unpacks");
    assert!(again == message, "packing and unpacking is the identity");
}

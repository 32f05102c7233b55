//! ISO 8583 messages and frames: what unpacks packs again to the same message, in every encoding and every framing.

use iso8583::frame::{Decoder, Framing};
use iso8583::private::Composite;
use iso8583::{MESSAGE_BYTES_MAX, Message, OriginalData, Spec};

const SPECS: [Spec; 4] = [Spec::ASCII, Spec::ASCII_HEX, Spec::BCD, Spec::TAPSEAL];

/// The first byte chooses the encoding (two bits), the framing (two bits) and the size of the pieces a stream arrives in;
/// the rest is read as a message and as a stream of frames.
pub fn check(bytes: &[u8]) {
    let Some((&how, rest)) = bytes.split_first() else { return };
    let spec = &SPECS[usize::from(how & 0x03)];
    let framing = Framing::ALL[usize::from(how >> 2 & 0x03)];
    check_message(spec, rest);
    let mut decoder = Decoder::with(framing);
    for piece in rest.chunks(usize::from(how >> 4) + 1) {
        decoder.push(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => {
                    assert!((1..=MESSAGE_BYTES_MAX).contains(&frame.len()));
                    check_frame(framing, &frame);
                    check_message(spec, &frame);
                }
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

fn check_frame(framing: Framing, frame: &[u8]) {
    let mut decoder = Decoder::with(framing);
    decoder.push(&framing.encode(frame).expect("a frame that came can be sent"));
    assert!(decoder.next_frame().is_ok_and(|again| again.as_deref() == Some(frame)));
    assert!(decoder.is_between_frames());
}

fn check_message(spec: &Spec, bytes: &[u8]) {
    let Ok(message) = Message::unpack(spec, bytes) else { return };
    let packed = message.pack(spec).expect("what was unpacked can be packed");
    assert!(packed.len() <= MESSAGE_BYTES_MAX);
    let again = Message::unpack(spec, &packed).expect("what was packed unpacks");
    assert!(again == message, "packing and unpacking is the identity");
    if let Ok(composite) = Composite::of(&message) {
        let bytes = composite.to_bytes().expect("what was read can be written");
        assert!(message.binary(127).is_ok_and(|element| element == bytes.as_slice()), "there is one way to write it");
    }
    if let Ok(Ok(original)) = message.text(90).map(OriginalData::parse) {
        assert!(original.to_text().is_ok_and(|text| message.text(90) == Ok(text.as_str())));
    }
}

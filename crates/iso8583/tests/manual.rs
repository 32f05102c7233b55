//! The manuals' messages, byte for byte: what a newcomer types must be what the codec reads and writes.

#![allow(clippy::unwrap_used, reason = "the whole file is tests, their plumbing included")]

use iso8583::frame::{Decoder, Framing};
use iso8583::private::{CAPSULE_ELEMENT, Composite};
use iso8583::{Message, OriginalData, Spec};

const BANK_FRONT: &str = include_str!("../../../docs/bank-front.md");
const PROFILE: &str = include_str!("../../../docs/iso8583.md");
/// A 0200 as the payment server sent it to a bank in a test, its card and keys made for that.
const SEALED_0200: &str = include_str!("data/sealed_0200.hex");

/// The lines of every fenced block of a kind.
fn blocks<'a>(manual: &'a str, kind: &str) -> Vec<&'a str> {
    let opening = format!("```{kind}\n");
    manual.split(opening.as_str()).skip(1).flat_map(|rest| rest.split("```").next().unwrap().lines()).collect()
}

#[test]
fn every_frame_of_the_manual_is_read_and_written_as_it_stands() {
    let frames = blocks(BANK_FRONT, "frames");
    let mut types = Vec::new();
    for line in &frames {
        let mut decoder = Decoder::with(Framing::Ascii4);
        decoder.push(line.as_bytes());
        let frame = decoder.next_frame().unwrap().unwrap();
        assert!(decoder.is_between_frames(), "{line}");
        let message = Message::unpack(&Spec::ASCII_HEX, &frame).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(message.pack(&Spec::ASCII_HEX).unwrap(), frame, "{line}");
        assert_eq!(message.text(32).unwrap(), "000042");
        if let Ok(original) = message.text(90) {
            assert_eq!(OriginalData::parse(original).unwrap().mti.to_string(), "0100");
        }
        types.push(message.mti().to_string());
    }
    assert_eq!(types, ["0800", "0810", "0100", "0420"]);
    assert!(BANK_FRONT.contains(&format!("printf {} | nc", frames[0])), "what is typed is what is shown");
}

#[test]
fn the_sealed_example_is_a_real_message_and_its_parts_are_where_the_profile_says() {
    let bytes = hex::decode(SEALED_0200.trim()).unwrap();
    let message = Message::unpack(&Spec::TAPSEAL, &bytes).unwrap();
    assert_eq!(message.pack(&Spec::TAPSEAL).unwrap(), bytes);
    let composite = Composite::of(&message).unwrap();
    assert!(composite.order.is_some() && composite.attempt_id.is_some() && composite.wallet_nonce.is_some());
    assert_eq!(message.binary(CAPSULE_ELEMENT).unwrap()[0], 1, "the capsule's version");
    let lines = blocks(PROFILE, "offsets");
    assert!(lines.len() > 12, "the example is there");
    for line in lines {
        let mut words = line.split_whitespace();
        let offset: usize = words.next().unwrap().parse().unwrap();
        let shown = words.next().unwrap();
        let expected = hex::decode(shown.trim_end_matches('…')).unwrap();
        assert_eq!(hex::encode_upper(&bytes[offset..offset + expected.len()]), shown.trim_end_matches('…'), "{line}");
    }
}

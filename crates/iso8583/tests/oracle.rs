//! Every message and every decode error of an independent implementation, in each encoding.

#![allow(clippy::unwrap_used, reason = "the whole file is tests, their plumbing included")]

use iso8583::{Error, Message, Mti, Place, Spec, Value};
use serde_json::Value as Json;

const VECTORS: &str = include_str!("data/iso8583_messages.json");

fn vectors() -> Json {
    serde_json::from_str(VECTORS).unwrap()
}

fn spec(encoding: &str) -> Spec {
    match encoding {
        "ascii_binary_bitmap" => Spec::ASCII,
        "ascii_hex" => Spec::ASCII_HEX,
        "bcd" => Spec::BCD,
        other => panic!("encoding {other}"),
    }
}

fn text<'a>(json: &'a Json, key: &str) -> &'a str {
    json[key].as_str().unwrap()
}

/// The message the vector describes, its binary elements told apart by the specification.
fn message_of(fields: &Json, spec: &Spec) -> Message {
    let fields = fields.as_object().unwrap();
    let mut message = Message::new(Mti::parse(fields["t"].as_str().unwrap()).unwrap());
    for (number, value) in fields.iter().filter(|(number, _)| *number != "t") {
        let number = number.parse().unwrap();
        let value = value.as_str().unwrap();
        message = if spec.element(number).unwrap().format == iso8583::Format::B {
            message.with_binary(number, hex::decode(value).unwrap())
        } else {
            // The oracle's packed track data keeps its separator as the nibble D; ours is
            // always the character of ISO 7813.
            let track_separator = if number == 35 { "=" } else { "D" };
            message.with_text(number, value.replace('D', track_separator))
        };
    }
    message
}

#[test]
fn every_message_packs_to_the_oracles_bytes_and_back() {
    let vectors = vectors();
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 27);
    for case in cases {
        let label = format!("{} in {}", text(case, "name"), text(case, "encoding"));
        let spec = spec(text(case, "encoding"));
        let raw = hex::decode(text(case, "raw")).unwrap();
        let message = message_of(&case["fields"], &spec);
        assert_eq!(hex::encode(message.pack(&spec).unwrap()), hex::encode(&raw), "{label}");
        assert!(Message::unpack(&spec, &raw).unwrap() == message, "{label}");
    }
}

/// Field and byte of one of our errors, in the oracle's words.
fn field_and_position(error: &Error) -> (String, usize) {
    let (place, offset) = match error {
        Error::Truncated { place, offset, .. }
        | Error::TooLong { place, offset, .. }
        | Error::LengthPrefix { place, offset }
        | Error::Character { place, offset }
        | Error::UnknownElement { place, offset } => (*place, *offset),
        Error::Trailing { after, offset, .. } => (*after, *offset),
        other => panic!("{other:?}"),
    };
    let field = match place {
        Place::Mti => "t".to_owned(),
        Place::PrimaryBitmap => "p".to_owned(),
        Place::SecondaryBitmap => "1".to_owned(),
        Place::Element(number) => number.to_string(),
    };
    (field, offset)
}

#[test]
fn every_decode_error_names_the_oracles_field_and_byte() {
    let vectors = vectors();
    let cases = vectors["decode_errors"].as_array().unwrap();
    assert!(cases.len() >= 6);
    for case in cases {
        let spec = spec(text(case, "encoding"));
        let raw = hex::decode(text(case, "raw")).unwrap();
        let error = Message::unpack(&spec, &raw).unwrap_err();
        let expected = &case["error"];
        let position = usize::try_from(expected["pos"].as_u64().unwrap()).unwrap();
        assert_eq!(
            field_and_position(&error),
            (text(expected, "field").to_owned(), position),
            "{}: {error}",
            text(case, "name")
        );
    }
}

#[test]
fn a_published_sample_with_a_reserved_element_reads() {
    let vectors = vectors();
    let sample = &vectors["found_samples"][0];
    let spec = Spec::ASCII_HEX;
    let raw = text(sample, "raw_ascii").as_bytes();
    let message = Message::unpack(&spec, raw).unwrap();
    assert!(message == message_of(&sample["fields"], &spec));
    assert_eq!(message.pack(&spec).unwrap(), raw);
}

#[test]
fn a_message_cut_anywhere_is_refused() {
    let vectors = vectors();
    for case in vectors["cases"].as_array().unwrap() {
        let spec = spec(text(case, "encoding"));
        let raw = hex::decode(text(case, "raw")).unwrap();
        for end in 0..raw.len() {
            assert!(Message::unpack(&spec, &raw[..end]).is_err(), "cut at {end}");
        }
    }
}

#[test]
fn values_of_the_wrong_kind_or_length_are_not_packed() {
    let of = |message: Message| message.pack(&Spec::ASCII).unwrap_err();
    let new = || Message::new(Mti::FINANCIAL_REQUEST);
    assert!(matches!(of(new().with_text(4, "1000")), Error::WrongLength { length: 4, expected: 12, .. }));
    assert!(matches!(of(new().with_text(11, "00004x")), Error::Character { .. }));
    assert!(matches!(of(new().with_text(2, "1".repeat(20))), Error::TooLong { length: 20, max: 19, .. }));
    assert!(matches!(of(new().with_text(52, "12345678")), Error::WrongKind { .. }));
    assert!(matches!(of(new().with_binary(11, *b"000041")), Error::WrongKind { .. }));
    assert!(matches!(of(new().with_text(43, "é".repeat(20))), Error::Character { .. }));
    assert!(matches!(of(new().with_text(65, "1")), Error::UnknownElement { .. }));
    assert!(matches!(of(new().with_text(1, "1")), Error::UnknownElement { .. }));
    assert!(matches!(of(new().with_text(200, "1")), Error::UnknownElement { .. }));
}

#[test]
fn packed_padding_must_be_padding() {
    // DE 23 is three digits: 0|000. DE 35 of an odd length ends in F.
    let message = Message::new(Mti::FINANCIAL_REQUEST).with_text(23, "001").with_text(35, "1=2");
    let raw = message.pack(&Spec::BCD).unwrap();
    assert_eq!(hex::encode(&raw), "02000000020020000000000103".to_owned() + "1d2f");
    assert!(Message::unpack(&Spec::BCD, &raw).unwrap() == message);
    for (at, byte) in [(10, 0x10), (11, 0x0a), (13, 0x1f), (14, 0x20), (14, 0x2d)] {
        let mut bad = raw.clone();
        bad[at] = byte;
        let error = Message::unpack(&Spec::BCD, &bad).unwrap_err();
        assert!(matches!(error, Error::Character { offset, .. } if offset == at), "{at}: {error}");
    }
}

#[test]
fn odd_hexadecimal_lengths_are_refused() {
    let message = Message::new(Mti::FINANCIAL_REQUEST).with_binary(55, [0x91, 0]);
    let mut raw = message.pack(&Spec::ASCII_HEX).unwrap();
    assert_eq!(&raw[20..], b"0049100");
    raw[22] = b'3';
    let error = Message::unpack(&Spec::ASCII_HEX, &raw).unwrap_err();
    let place = Place::Element(55);
    assert_eq!(error, Error::LengthPrefix { place, offset: 20 });
}

#[test]
fn large_private_elements_only_exist_where_agreed() {
    let message = Message::new(Mti::FINANCIAL_REQUEST).with_binary(127, vec![1; 5000]);
    let raw = message.pack(&Spec::TAPSEAL).unwrap();
    assert!(Message::unpack(&Spec::TAPSEAL, &raw).unwrap() == message);
    assert_eq!(message.value(127), Some(Value::Binary(&[1; 5000])));
    assert!(message.pack(&Spec::ASCII).is_err());
}

#[test]
fn packed_track_data_of_an_odd_length_is_padded_behind_or_in_front() {
    let message = Message::new(Mti::FINANCIAL_REQUEST).with_text(35, "4761340000000050=3112201");
    let odd = message.clone().with_text(35, "4761340000000050=31122011");
    let packed = hex::encode(odd.pack(&Spec::BCD).unwrap());
    assert!(packed.ends_with("254761340000000050d31122011f"), "{packed}");
    let in_front = hex::decode(packed.replace("254761340000000050d31122011f", "2504761340000000050d31122011")).unwrap();
    assert!(Message::unpack(&Spec::BCD, &in_front).unwrap() == odd);
    assert!(message.with_text(35, "4761340000000050D3112201").pack(&Spec::BCD).is_ok(), "as it is packed");
}

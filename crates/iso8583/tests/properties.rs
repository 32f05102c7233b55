//! Properties over random messages and random bytes.

#![allow(clippy::unwrap_used, reason = "the whole file is tests, their plumbing included")]

use iso8583::{Format, Length, Message, Mti, Spec};
use proptest::prelude::*;

const SPECS: [Spec; 5] = [Spec::ASCII, Spec::ASCII_HEX, Spec::BCD, Spec::BCD_CURRENCY_CHARACTERS, Spec::TAPSEAL];

/// The content of an element.
#[derive(Debug, Clone)]
enum Value {
    Text(String),
    Binary(Vec<u8>),
}

fn content(format: Format, length: Length) -> BoxedStrategy<Value> {
    let (least, most) = match length {
        Length::Fixed(length) => (length, length),
        _ => (0, length.max().min(120)),
    };
    let text = |pattern: &str| {
        prop::string::string_regex(&format!("{pattern}{{{least},{most}}}")).unwrap().prop_map(Value::Text).boxed()
    };
    match format {
        Format::N => text("[0-9]"),
        Format::An => text("[A-Za-z0-9 ]"),
        Format::Ans => text("[ -~]"),
        Format::Z => text("[0-9=]"),
        Format::Xn => {
            prop::string::string_regex(&format!("[CD][0-9]{{{}}}", most - 1)).unwrap().prop_map(Value::Text).boxed()
        }
        Format::B => prop::collection::vec(any::<u8>(), least..=most).prop_map(Value::Binary).boxed(),
    }
}

fn message(spec: Spec) -> impl Strategy<Value = Message> {
    let numbers: Vec<u8> = (2..=128).filter(|n| spec.element(*n).is_some()).collect();
    let field = prop::sample::select(numbers).prop_flat_map(move |number| {
        let element = spec.element(number).unwrap();
        content(element.format, element.length).prop_map(move |value| (number, value))
    });
    let fields = prop::collection::vec(field, 0..24);
    ("[0-9]{4}", fields).prop_map(|(mti, fields)| {
        fields.into_iter().fold(Message::new(Mti::parse(&mti).unwrap()), |message, (number, value)| match value {
            Value::Text(text) => message.with_text(number, text),
            Value::Binary(bytes) => message.with_binary(number, bytes),
        })
    })
}

fn spec_and_message() -> impl Strategy<Value = (Spec, Message)> {
    prop::sample::select(SPECS.to_vec()).prop_flat_map(|spec| message(spec).prop_map(move |message| (spec, message)))
}

proptest! {
    #[test]
    fn what_is_packed_unpacks_to_the_same((spec, message) in spec_and_message()) {
        let bytes = message.pack(&spec).unwrap();
        prop_assert!(Message::unpack(&spec, &bytes).unwrap() == message);
    }

    #[test]
    fn one_byte_more_or_less_is_refused((spec, message) in spec_and_message()) {
        let mut bytes = message.pack(&spec).unwrap();
        prop_assert!(Message::unpack(&spec, &bytes[..bytes.len() - 1]).is_err());
        bytes.push(b'0');
        prop_assert!(Message::unpack(&spec, &bytes).is_err());
    }

    #[test]
    fn one_changed_byte_never_panics_and_stays_readable(
        (spec, message) in spec_and_message(),
        at: prop::sample::Index,
        byte: u8,
    ) {
        let mut bytes = message.pack(&spec).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = Message::unpack(&spec, &bytes) {
            let again = read.pack(&spec).unwrap();
            prop_assert!(Message::unpack(&spec, &again).unwrap() == read);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for spec in SPECS {
            let _ = Message::unpack(&spec, &bytes);
        }
    }
}

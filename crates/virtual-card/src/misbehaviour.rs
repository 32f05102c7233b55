//! What a card does wrong on demand: what happens to cards in the field, and what broken or hostile ones send.

use std::time::Duration;

use emv::tlv;
use serde::{Deserialize, Serialize};

/// What the card does wrong. The default is a card that behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Misbehaviour {
    /// The card is taken away after answering this many commands.
    pub remove_after: Option<u32>,
    /// How long each answer takes; in TOML in milliseconds.
    #[serde(default, rename = "delay_ms", with = "milliseconds")]
    pub delay: Duration,
    /// One answer that takes longer.
    pub pause: Option<Pause>,
    /// One thing that is wrong with what the card sends.
    pub fault: Option<Fault>,
}

/// One long wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// The answer after this many commands takes longer.
    pub after: u32,
    /// How long it takes; in TOML in milliseconds.
    #[serde(rename = "pause_ms", with = "milliseconds")]
    pub pause: Duration,
}

/// One thing that is wrong with what the card sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// It begins after this many commands were answered well.
    pub after: u32,
    /// What it is.
    pub kind: FaultKind,
    /// The status word of [`FaultKind::WrongStatus`].
    #[serde(default = "technical_problem")]
    pub status: u16,
}

/// What can be wrong with what a card sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// One command is answered with another status word and nothing else.
    WrongStatus,
    /// One answer lacks its last byte.
    TruncatedTlv,
    /// From then on every command is answered with some bytes and 61xx.
    EndlessMoreData,
    /// From then on every command is answered with 6Cxx and another length.
    RepeatedWrongLength,
    /// One answer is far longer than a record may be and comes in pieces, as 61xx and GET RESPONSE.
    OversizedRecord,
    /// One answer names a data object twice.
    DuplicateTag,
    /// One answer is bytes of no meaning, as many as it should have had.
    Garbage,
    /// From then on nothing is answered, but the card stays where it is.
    Silence,
}

impl FaultKind {
    /// Every kind, for tests and help texts.
    pub const ALL: [Self; 8] = [
        Self::WrongStatus,
        Self::TruncatedTlv,
        Self::EndlessMoreData,
        Self::RepeatedWrongLength,
        Self::OversizedRecord,
        Self::DuplicateTag,
        Self::Garbage,
        Self::Silence,
    ];
}

/// 6F00: no precise diagnosis (ISO/IEC 7816-4).
pub(crate) fn technical_problem() -> u16 {
    0x6F00
}

/// Length of an answer with [`FaultKind::OversizedRecord`], in bytes.
const OVERSIZED_BYTES: usize = 700;

/// Leaves the last byte out.
pub(crate) fn truncated(data: &[u8]) -> Vec<u8> {
    data.split_last().map_or_else(Vec::new, |(_, rest)| rest.to_vec())
}

/// Bytes of no meaning, the same every time.
pub(crate) fn garbage(length: usize) -> Vec<u8> {
    let mut state = 0x5EED_u32;
    let mut next = || {
        // Numerical Recipes' linear congruential generator: tests need the same bytes again.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// The first object of the answer's template once more at its end.
pub(crate) fn with_duplicate(data: &[u8]) -> Vec<u8> {
    rewritten(data, |content| {
        let first = tlv::read(content, tlv::Mode::Lenient).ok().and_then(|objects| objects.first().copied());
        let mut out = content.to_vec();
        if let Some(object) = first {
            tlv::write(&mut out, object.tag, object.value);
        }
        out
    })
}

/// The answer's template filled up with an object of no known meaning.
pub(crate) fn oversized(data: &[u8]) -> Vec<u8> {
    rewritten(data, |content| {
        let mut out = content.to_vec();
        tlv::write(&mut out, emv::tag::Tag(0xDF01), &vec![0xA5; OVERSIZED_BYTES]);
        out
    })
}

/// The same template with other content; what is no template stays as it is.
fn rewritten(data: &[u8], content: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    match tlv::read(data, tlv::Mode::Lenient).ok().and_then(|objects| objects.first().copied()) {
        Some(template) if template.tag.is_constructed() => {
            let mut out = Vec::new();
            tlv::write(&mut out, template.tag, &content(template.value));
            out
        }
        _ => data.to_vec(),
    }
}

/// Durations as whole milliseconds.
mod milliseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_spoilt_as_named() {
        let record = hex::decode("70055A0347613F").unwrap();
        assert_eq!(hex::encode_upper(truncated(&record)), "70055A034761");
        assert_eq!(hex::encode_upper(with_duplicate(&record)), "700A5A0347613F5A0347613F");
        assert_eq!(oversized(&record).len(), 5 + 4 + 1 + OVERSIZED_BYTES + 4);
        assert_eq!(garbage(7), garbage(7));
        assert_ne!(garbage(7), record);
    }

    #[test]
    fn a_profile_may_name_its_misbehaviour() {
        let read = |text: &str| toml::from_str::<Misbehaviour>(text);
        let text = "remove_after = 3\ndelay_ms = 20\npause = { after = 1, pause_ms = 900 }\n\
                    fault = { after = 2, kind = \"wrong-status\", status = 0x6985 }";
        let misbehaviour = read(text).unwrap();
        assert_eq!((misbehaviour.remove_after, misbehaviour.delay), (Some(3), Duration::from_millis(20)));
        assert_eq!(misbehaviour.fault, Some(Fault { after: 2, kind: FaultKind::WrongStatus, status: 0x6985 }));
        assert_eq!(read("").unwrap(), Misbehaviour::default());
        assert!(read("fault = { after = 2, kind = \"nothing\" }").is_err());
    }
}

//! Delivery receipts of SMPP 3.4 as text (appendix B): `id:… sub:… dlvrd:… submit date:… done date:… stat:… err:… text:…`.

/// The longest name a message may have (SMPP 3.4, section 5.2.23: 65 octets with their end).
const ID_BYTES_MAX: usize = 64;

/// How far a message has come (SMPP 3.4, appendix B, table B-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// On its way, or taken by a person for the subscriber.
    UnderWay,
    /// It arrived.
    Delivered,
    /// It did not, because time ran out.
    Expired,
    /// It did not, because the number or its phone cannot be reached.
    Undeliverable,
    /// It did not, because the network would not take it or removed it.
    Rejected,
}

/// A receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The centre's name for the message.
    pub message_id: String,
    /// How far it has come.
    pub stage: Stage,
}

/// Reads the text of a receipt; none if it is something else.
pub fn parse(text: &[u8]) -> Option<Receipt> {
    let text = std::str::from_utf8(text).ok()?;
    let message_id = field(text, "id:")?;
    let fits = (1..=ID_BYTES_MAX).contains(&message_id.len()) && message_id.bytes().all(|byte| byte.is_ascii_graphic());
    let stage = Stage::of(field(text, "stat:")?)?;
    fits.then(|| Receipt { message_id: message_id.to_owned(), stage })
}

/// The value after a field's name, which stands at the start or after a space: in the message's own text, which comes last,
/// nothing is looked for.
fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let fields = match find(text, "text:") {
        Some(end) => text.get(..end)?,
        None => text,
    };
    let value = fields.get(find(fields, name)? + name.len()..)?;
    value.split_ascii_whitespace().next()
}

fn find(text: &str, name: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let starts = |place: &usize| *place == 0 || bytes[place - 1] == b' ';
    let named = |place: &usize| {
        bytes.get(*place..place + name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes()))
    };
    (0..bytes.len()).find(|place| starts(place) && named(place))
}

impl Stage {
    /// From the text's abbreviation; centres shorten the words in more than one way.
    fn of(word: &str) -> Option<Self> {
        match word.to_ascii_uppercase().as_str() {
            "ENROUTE" | "ACCEPTD" | "BUFFRED" => Some(Self::UnderWay),
            "DELIVRD" => Some(Self::Delivered),
            "EXPIRED" => Some(Self::Expired),
            "UNDELIV" | "UNKNOWN" => Some(Self::Undeliverable),
            "REJECTD" | "DELETED" | "CANCELED" => Some(Self::Rejected),
            _ => None,
        }
    }

    /// From `message_state` (SMPP 3.4, section 5.2.28).
    pub const fn of_state(state: u8) -> Option<Self> {
        match state {
            1 | 6 => Some(Self::UnderWay),
            2 => Some(Self::Delivered),
            3 => Some(Self::Expired),
            5 | 7 => Some(Self::Undeliverable),
            4 | 8 => Some(Self::Rejected),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<(String, Stage)> {
        parse(text.as_bytes()).map(|receipt| (receipt.message_id, receipt.stage))
    }

    #[test]
    fn the_usual_receipt_is_read() {
        let text =
            "id:0123456789 sub:001 dlvrd:001 submit date:2611260101 done date:2611260102 stat:DELIVRD err:000 text:Tap";
        assert_eq!(of(text), Some(("0123456789".into(), Stage::Delivered)));
        assert_eq!(of(&text.replace("DELIVRD", "undeliv")), Some(("0123456789".into(), Stage::Undeliverable)));
        assert_eq!(of(&text.replace("DELIVRD", "ENROUTE")), Some(("0123456789".into(), Stage::UnderWay)));
    }

    #[test]
    fn the_messages_own_text_says_nothing() {
        assert_eq!(of("id:7 stat:REJECTD text:id:8 stat:DELIVRD"), Some(("7".into(), Stage::Rejected)));
        assert_eq!(of("text:id:8 stat:DELIVRD"), None);
        assert_eq!(of("grid:8 stat:DELIVRD"), None);
    }

    #[test]
    fn anything_else_is_none() {
        for text in ["", "hello", "id: stat:", "id:7", "stat:DELIVRD", "id:7 stat:MAYBE", "id:\u{7} stat:DELIVRD"] {
            assert_eq!(of(text), None, "{text}");
        }
        assert_eq!(of(&format!("id:{} stat:DELIVRD", "7".repeat(65))), None);
        assert_eq!(parse(&[0xff, 0xfe]), None);
    }
}

//! A message: its type and its data elements, read and written by number.

use std::collections::BTreeMap;

use crate::element::{ELEMENTS, Format, Length};
use crate::{Error, Mti, Place, Spec, codec};

/// The content of a data element. Its `Debug` shows how much there is, not what.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Characters, for every format but `b`.
    Text(String),
    /// Bytes, for format `b`.
    Binary(Vec<u8>),
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} characters)", text.len()),
            Self::Binary(bytes) => write!(f, "Binary({} bytes)", bytes.len()),
        }
    }
}

/// A message that could not be read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// What is wrong, and where.
    pub error: Error,
    /// The message up to there, when at least its type could be read.
    pub read: Option<Message>,
}

/// A message type and its data elements, ascending by number.
///
/// Its `Debug` names the elements and shows none of their content: data elements 2, 35, 45, 52
/// and 55 are card data, and a log is the last place they may reach.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    mti: Mti,
    fields: BTreeMap<u8, Value>,
}

impl Message {
    /// A message without data elements.
    pub const fn new(mti: Mti) -> Self {
        Self { mti, fields: BTreeMap::new() }
    }

    /// The message type.
    pub const fn mti(&self) -> Mti {
        self.mti
    }

    /// The same message under another type: how a repeat is made from what was stored.
    #[must_use]
    pub fn with_mti(mut self, mti: Mti) -> Self {
        self.mti = mti;
        self
    }

    /// Sets a data element to characters. Its format is checked by [`Message::pack`].
    #[must_use]
    pub fn with_text(mut self, number: u8, text: impl Into<String>) -> Self {
        self.fields.insert(number, Value::Text(text.into()));
        self
    }

    /// Sets a binary data element. Its length is checked by [`Message::pack`].
    #[must_use]
    pub fn with_binary(mut self, number: u8, bytes: impl Into<Vec<u8>>) -> Self {
        self.fields.insert(number, Value::Binary(bytes.into()));
        self
    }

    /// Sets a numeric data element of fixed length, with leading zeros.
    pub fn with_number(self, number: u8, value: u64) -> Result<Self, Error> {
        let place = Place::Element(number);
        let row = ELEMENTS
            .iter()
            .find(|element| element.number == number)
            .ok_or(Error::UnknownElement { place, offset: 0 })?;
        let (Format::N, Length::Fixed(width)) = (row.format, row.length) else {
            return Err(Error::WrongKind { place });
        };
        let text = format!("{value:0width$}");
        if text.len() > width {
            return Err(Error::TooLong { place, offset: 0, length: text.len(), max: width });
        }
        Ok(self.with_text(number, text))
    }

    /// Copies data elements of another message, those of them it has: an answer echoes much of
    /// its request.
    #[must_use]
    pub fn echoing(mut self, from: &Self, numbers: &[u8]) -> Self {
        for number in numbers {
            if let Some(value) = from.fields.get(number) {
                self.fields.insert(*number, value.clone());
            }
        }
        self
    }

    /// The same message without these data elements.
    #[must_use]
    pub fn without(mut self, numbers: &[u8]) -> Self {
        for number in numbers {
            self.fields.remove(number);
        }
        self
    }

    /// Whether the message has a data element.
    pub fn has(&self, number: u8) -> bool {
        self.fields.contains_key(&number)
    }

    /// A data element's content, if it is there.
    pub fn value(&self, number: u8) -> Option<&Value> {
        self.fields.get(&number)
    }

    /// The characters of a data element that must be there.
    pub fn text(&self, number: u8) -> Result<&str, Error> {
        let place = Place::Element(number);
        match self.fields.get(&number).ok_or(Error::Missing { place })? {
            Value::Text(text) => Ok(text),
            Value::Binary(_) => Err(Error::WrongKind { place }),
        }
    }

    /// The bytes of a binary data element that must be there.
    pub fn binary(&self, number: u8) -> Result<&[u8], Error> {
        let place = Place::Element(number);
        match self.fields.get(&number).ok_or(Error::Missing { place })? {
            Value::Binary(bytes) => Ok(bytes),
            Value::Text(_) => Err(Error::WrongKind { place }),
        }
    }

    /// The value of a numeric data element that must be there.
    pub fn number(&self, number: u8) -> Result<u64, Error> {
        let place = Place::Element(number);
        self.text(number)?.parse().map_err(|_| Error::Content { place })
    }

    /// Every data element, ascending.
    pub fn fields(&self) -> impl Iterator<Item = (u8, &Value)> {
        self.fields.iter().map(|(number, value)| (*number, value))
    }

    /// The message's bytes under a specification, without a length prefix (see [`crate::frame`]).
    pub fn pack(&self, spec: &Spec) -> Result<Vec<u8>, Error> {
        codec::pack(self, spec)
    }

    /// Reads one whole message; bytes after its last data element are refused.
    pub fn unpack(spec: &Spec, bytes: &[u8]) -> Result<Self, Error> {
        codec::unpack(spec, bytes).map_err(|unreadable| unreadable.error)
    }

    /// The same, and what could be read before the fault: enough, mostly, to answer by.
    pub fn unpack_as_far_as_it_goes(spec: &Spec, bytes: &[u8]) -> Result<Self, Unreadable> {
        codec::unpack(spec, bytes)
    }

    pub(crate) fn set(&mut self, number: u8, value: Value) {
        self.fields.insert(number, value);
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("mti", &self.mti)
            .field("elements", &self.fields.keys().collect::<Vec<_>>())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_padded_to_their_field_and_refused_beyond_it() {
        let message = Message::new(Mti::FINANCIAL_REQUEST).with_number(4, 1000).unwrap();
        assert_eq!(message.text(4).unwrap(), "000000001000");
        assert_eq!(message.number(4), Ok(1000));
        let place = Place::Element(11);
        assert_eq!(
            Message::new(Mti::FINANCIAL_REQUEST).with_number(11, 1_000_000),
            Err(Error::TooLong { place, offset: 0, length: 7, max: 6 })
        );
        assert!(Message::new(Mti::FINANCIAL_REQUEST).with_number(55, 1).is_err());
        assert!(Message::new(Mti::FINANCIAL_REQUEST).with_number(65, 1).is_err());
    }

    #[test]
    fn debug_shows_no_content() {
        let message = Message::new(Mti::FINANCIAL_REQUEST).with_text(2, "4761340000000050").with_binary(52, [0x12; 8]);
        let shown = format!("{message:?}");
        assert!(shown.contains("52") && !shown.contains("4761") && !shown.contains("18, 18"));
    }

    #[test]
    fn a_missing_and_a_mixed_up_element_are_told_apart() {
        let message = Message::new(Mti::FINANCIAL_REQUEST).with_text(11, "000041");
        let place = Place::Element(37);
        assert_eq!(message.text(37), Err(Error::Missing { place }));
        let place = Place::Element(11);
        assert_eq!(message.binary(11), Err(Error::WrongKind { place }));
    }
}

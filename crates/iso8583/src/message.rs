//! A message: its type and its data elements, read and written by number.
//!
//! The content of every data element lies in one run of bytes, in which each element knows its place. So a message is
//! two allocations however many elements it has, and one run to wipe when it held card data.

use zeroize::Zeroize;

use crate::element::{Format, Length, standard};
use crate::{Error, Mti, Place, Spec, codec};

/// Data elements that are card data or secret: 2, 34, 35, 36, 45, 52 and 55. Their content is
/// wiped when the message is dropped.
const SENSITIVE: [u8; 7] = [2, 34, 35, 36, 45, 52, 55];

/// The content of a data element. Its `Debug` shows how much there is, not what.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// Characters, for every format but `b`.
    Text(&'a str),
    /// Bytes, for format `b`.
    Binary(&'a [u8]),
}

impl std::fmt::Debug for Value<'_> {
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

/// Whether an element is characters or bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Binary,
}

/// Where an element's content lies.
#[derive(Clone, Copy)]
struct Span {
    number: u8,
    kind: Kind,
    start: usize,
    end: usize,
}

/// A message type and its data elements, ascending by number.
///
/// Its `Debug` names the elements and shows none of their content: data elements 2, 35, 45, 52
/// and 55 are card data, and a log is the last place they may reach.
#[derive(Clone)]
pub struct Message {
    mti: Mti,
    /// Ascending by number.
    spans: Vec<Span>,
    /// The elements' content, in the order it was set; text is UTF-8.
    content: Vec<u8>,
}

impl Message {
    /// A message without data elements.
    pub const fn new(mti: Mti) -> Self {
        Self { mti, spans: Vec::new(), content: Vec::new() }
    }

    /// A message without data elements, with room for some.
    pub(crate) fn with_room(mti: Mti, elements: usize, bytes: usize) -> Self {
        Self { mti, spans: Vec::with_capacity(elements), content: Vec::with_capacity(bytes) }
    }

    /// The message type.
    pub const fn mti(&self) -> Mti {
        self.mti
    }

    /// The same message under another type: how a repeat is made from what was stored.
    #[must_use]
    pub const fn with_mti(mut self, mti: Mti) -> Self {
        self.mti = mti;
        self
    }

    /// Sets a data element to characters. Its format is checked by [`Message::pack`].
    #[must_use]
    pub fn with_text(mut self, number: u8, text: impl AsRef<str>) -> Self {
        self.set(number, Kind::Text, text.as_ref().as_bytes());
        self
    }

    /// Sets a binary data element. Its length is checked by [`Message::pack`].
    #[must_use]
    pub fn with_binary(mut self, number: u8, bytes: impl AsRef<[u8]>) -> Self {
        self.set(number, Kind::Binary, bytes.as_ref());
        self
    }

    /// Sets a numeric data element of fixed length, with leading zeros.
    pub fn with_number(self, number: u8, value: u64) -> Result<Self, Error> {
        let place = Place::Element(number);
        let row = standard(number).ok_or(Error::UnknownElement { place, offset: 0 })?;
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
            if let Some(span) = from.span(*number) {
                self.set(*number, span.kind, &from.content[span.start..span.end]);
            }
        }
        self
    }

    /// The same message without these data elements, whose content is wiped.
    #[must_use]
    pub fn without(mut self, numbers: &[u8]) -> Self {
        let Self { spans, content, .. } = &mut self;
        spans.retain(|span| {
            let goes = numbers.contains(&span.number);
            if goes {
                content[span.start..span.end].zeroize();
            }
            !goes
        });
        self
    }

    /// Whether the message has a data element.
    pub fn has(&self, number: u8) -> bool {
        self.span(number).is_some()
    }

    /// A data element's content, if it is there.
    pub fn value(&self, number: u8) -> Option<Value<'_>> {
        self.span(number).map(|span| self.value_of(span))
    }

    /// The characters of a data element that must be there.
    pub fn text(&self, number: u8) -> Result<&str, Error> {
        let place = Place::Element(number);
        match self.value(number).ok_or(Error::Missing { place })? {
            Value::Text(text) => Ok(text),
            Value::Binary(_) => Err(Error::WrongKind { place }),
        }
    }

    /// The bytes of a binary data element that must be there.
    pub fn binary(&self, number: u8) -> Result<&[u8], Error> {
        let place = Place::Element(number);
        match self.value(number).ok_or(Error::Missing { place })? {
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
    pub fn fields(&self) -> impl Iterator<Item = (u8, Value<'_>)> {
        self.spans.iter().map(|span| (span.number, self.value_of(span)))
    }

    /// Every data element as the codec wants it, ascending: number, kind and bytes.
    pub(crate) fn raw_fields(&self) -> impl Iterator<Item = (u8, Kind, &[u8])> {
        self.spans.iter().map(|span| (span.number, span.kind, &self.content[span.start..span.end]))
    }

    /// Bytes of all content together: what a packed message is a little larger than.
    pub(crate) const fn content_bytes(&self) -> usize {
        self.content.len()
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

    /// Appends an element that comes after all there are, with content that `write` appends.
    pub(crate) fn push_with<E>(
        &mut self,
        number: u8,
        kind: Kind,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.content.len();
        write(&mut self.content)?;
        self.spans.push(Span { number, kind, start, end: self.content.len() });
        Ok(())
    }

    fn set(&mut self, number: u8, kind: Kind, bytes: &[u8]) {
        let at = self.spans.partition_point(|span| span.number < number);
        let start = self.content.len();
        self.make_room(bytes.len());
        self.content.extend_from_slice(bytes);
        let span = Span { number, kind, start, end: self.content.len() };
        match self.spans.get_mut(at).filter(|old| old.number == number) {
            Some(old) => {
                self.content[old.start..old.end].zeroize();
                *old = span;
            }
            None => self.spans.insert(at, span),
        }
    }

    /// Grows by hand where card data would be left behind in the memory given back.
    fn make_room(&mut self, more: usize) {
        if self.content.capacity() - self.content.len() >= more || !self.is_sensitive() {
            return;
        }
        let mut larger = Vec::with_capacity((self.content.len() + more) * 2);
        larger.extend_from_slice(&self.content);
        std::mem::replace(&mut self.content, larger).zeroize();
    }

    fn is_sensitive(&self) -> bool {
        self.spans.iter().any(|span| SENSITIVE.contains(&span.number))
    }

    fn span(&self, number: u8) -> Option<&Span> {
        let at = self.spans.partition_point(|span| span.number < number);
        self.spans.get(at).filter(|span| span.number == number)
    }

    fn value_of(&self, span: &Span) -> Value<'_> {
        let bytes = &self.content[span.start..span.end];
        match span.kind {
            Kind::Binary => Value::Binary(bytes),
            // Text was checked when it was set.
            Kind::Text => Value::Text(std::str::from_utf8(bytes).unwrap_or_default()),
        }
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        self.mti == other.mti && self.raw_fields().eq(other.raw_fields())
    }
}

impl Eq for Message {}

impl Drop for Message {
    fn drop(&mut self) {
        let Self { spans, content, .. } = self;
        for span in spans.iter().filter(|span| SENSITIVE.contains(&span.number)) {
            content[span.start..span.end].zeroize();
        }
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("mti", &self.mti)
            .field("elements", &self.spans.iter().map(|span| span.number).collect::<Vec<_>>())
            .finish_non_exhaustive()
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

    #[test]
    fn an_element_set_again_or_taken_out_leaves_the_others_as_they_are() {
        let message = Message::new(Mti::FINANCIAL_REQUEST)
            .with_text(11, "000041")
            .with_text(2, "4761340000000050")
            .with_binary(55, [1, 2, 3])
            .with_text(2, "5413330089020011")
            .with_text(3, "000000")
            .with_text(11, "42");
        let numbers: Vec<_> = message.fields().map(|(number, _)| number).collect();
        assert_eq!(numbers, [2, 3, 11, 55]);
        assert_eq!((message.text(2).unwrap(), message.text(11).unwrap()), ("5413330089020011", "42"));
        let less = message.clone().without(&[2, 55, 90]);
        assert_eq!((less.has(2), less.has(55), less.text(3)), (false, false, Ok("000000")));
        let same = Message::new(Mti::FINANCIAL_REQUEST).with_text(3, "000000").with_text(11, "42");
        assert!(less == same && less != message);
    }

    #[test]
    fn what_is_taken_out_or_replaced_is_wiped() {
        let message = Message::new(Mti::FINANCIAL_REQUEST).with_text(2, "4761340000000050").with_text(11, "000041");
        let holds = |message: &Message| message.content.windows(16).any(|window| window == b"4761340000000050");
        assert!(holds(&message));
        assert!(!holds(&message.clone().with_text(2, "5413330089020011")));
        assert!(!holds(&message.without(&[2])));
    }
}

//! Data object lists: which terminal values the card wants, in which order and length (Book 3 section 5.4).

use crate::apdu::COMMAND_DATA_BYTES_MAX;
use crate::error::CardError;
use crate::tag::{Format, Tag};
use crate::tlv;

/// How many entries a DOL may have: a DOL is at most 252 bytes of at least two-byte entries.
pub const ENTRIES_MAX: usize = 126;

/// One entry: a tag and the number of bytes wanted for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DolEntry {
    /// What is wanted.
    pub tag: Tag,
    /// How many bytes of it.
    pub length: u8,
}

/// A parsed data object list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dol(Vec<DolEntry>);

/// The bytes sent for a DOL, and what each entry became.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DolData {
    /// The concatenated values.
    pub bytes: Vec<u8>,
    /// Each tag with the exact bytes sent for it.
    pub sent: Vec<(Tag, Vec<u8>)>,
}

impl Dol {
    /// Parses a DOL.
    ///
    /// # Errors
    /// [`CardError::Malformed`] when a tag has no length byte, or when the data would not fit a command.
    pub fn parse(bytes: &[u8]) -> Result<Self, CardError> {
        let malformed = CardError::Malformed { at: "data object list" };
        let mut entries = Vec::new();
        let mut total = 0_usize;
        let mut offset = 0;
        while offset < bytes.len() {
            let (tag, length_at) = tlv::read_tag(bytes, offset).map_err(|_| malformed.clone())?;
            let length = *bytes.get(length_at).ok_or_else(|| malformed.clone())?;
            total += usize::from(length);
            if entries.len() == ENTRIES_MAX || total > COMMAND_DATA_BYTES_MAX {
                return Err(malformed);
            }
            entries.push(DolEntry { tag, length });
            offset = length_at + 1;
        }
        Ok(Self(entries))
    }

    /// The entries, in order.
    pub fn entries(&self) -> &[DolEntry] {
        &self.0
    }

    /// Whether the list asks for a tag.
    pub fn asks_for(&self, tag: Tag) -> bool {
        self.0.iter().any(|entry| entry.tag == tag && entry.length > 0)
    }

    /// Builds the data field. A tag that `value_of` does not know, or a template, becomes zeros.
    pub fn build(&self, value_of: impl Fn(Tag) -> Option<Vec<u8>>) -> DolData {
        let mut data = DolData::default();
        for entry in &self.0 {
            let length = usize::from(entry.length);
            let value = if entry.tag.is_constructed() { None } else { value_of(entry.tag) };
            let fitted = value.map_or_else(|| vec![0; length], |value| fit(&value, length, entry.tag.format()));
            data.bytes.extend_from_slice(&fitted);
            if length > 0 {
                data.sent.push((entry.tag, fitted));
            }
        }
        data
    }

    /// Splits a data field the way this list lays it out; the card's side of [`Dol::build`].
    ///
    /// # Errors
    /// [`CardError::Malformed`] when the field has another length than the list asks for.
    pub fn split(&self, data: &[u8]) -> Result<Vec<(Tag, Vec<u8>)>, CardError> {
        let mut rest = data;
        let mut values = Vec::with_capacity(self.0.len());
        for entry in &self.0 {
            let (value, after) = rest
                .split_at_checked(usize::from(entry.length))
                .ok_or(CardError::Malformed { at: "data object list data" })?;
            values.push((entry.tag, value.to_vec()));
            rest = after;
        }
        if rest.is_empty() { Ok(values) } else { Err(CardError::Malformed { at: "data object list data" }) }
    }
}

/// Cuts or pads a value to the length asked for (Book 3 section 5.4, step 2).
fn fit(value: &[u8], length: usize, format: Format) -> Vec<u8> {
    if value.len() >= length {
        let from = if format == Format::Numeric { value.len() - length } else { 0 };
        return value[from..from + length].to_vec();
    }
    let missing = length - value.len();
    match format {
        Format::Numeric => [vec![0x00; missing], value.to_vec()].concat(),
        Format::CompressedNumeric => [value.to_vec(), vec![0xFF; missing]].concat(),
        Format::Binary => [value.to_vec(), vec![0x00; missing]].concat(),
    }
}

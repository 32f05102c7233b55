//! What can be wrong with a message, and where in its bytes.

use crate::Mti;

/// The part of a message an error or an offset belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The message type indicator, the first thing in every message.
    Mti,
    /// The bitmap of data elements 1 to 64.
    PrimaryBitmap,
    /// Data element 1, the bitmap of data elements 65 to 128.
    SecondaryBitmap,
    /// A data element by its number.
    Element(u8),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Mti => f.write_str("message type"),
            Self::PrimaryBitmap => f.write_str("primary bitmap"),
            Self::SecondaryBitmap => f.write_str("secondary bitmap"),
            Self::Element(number) => write!(f, "DE {number}"),
        }
    }
}

/// Why a message could not be packed, unpacked or read.
///
/// Offsets count bytes from the start of the message. No variant holds field content, so an
/// error may be logged whatever the message carried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The message ends inside a field.
    #[error("{place} at byte {offset}: {found} bytes left, {needed} needed")]
    Truncated {
        /// The field that is cut.
        place: Place,
        /// Where its content (or its length prefix) starts.
        offset: usize,
        /// Bytes the field needs.
        needed: usize,
        /// Bytes there are.
        found: usize,
    },
    /// Bytes follow the last field.
    #[error("{extra} bytes after {after}, from byte {offset}")]
    Trailing {
        /// The last field of the message.
        after: Place,
        /// Where the first byte too many is.
        offset: usize,
        /// How many bytes are too many.
        extra: usize,
    },
    /// A field is longer than the specification allows, or than its prefix can say.
    #[error("{place} at byte {offset}: length {length}, at most {max}")]
    TooLong {
        /// The field.
        place: Place,
        /// Where its length prefix (or content, when fixed) starts.
        offset: usize,
        /// The length found.
        length: usize,
        /// The largest length allowed.
        max: usize,
    },
    /// A fixed field does not have its one length.
    #[error("{place}: length {length}, must be {expected}")]
    WrongLength {
        /// The field.
        place: Place,
        /// The length given.
        length: usize,
        /// The length the specification fixes.
        expected: usize,
    },
    /// A length prefix is not a number, or counts half a byte of a hexadecimal field.
    #[error("{place} at byte {offset}: bad length prefix")]
    LengthPrefix {
        /// The field.
        place: Place,
        /// Where the prefix starts.
        offset: usize,
    },
    /// A character the format of the field does not allow, or a padding that is not padding.
    #[error("{place} at byte {offset}: character not allowed by its format")]
    Character {
        /// The field.
        place: Place,
        /// The byte that is wrong.
        offset: usize,
    },
    /// The specification has no such data element.
    #[error("{place} at byte {offset}: not in the specification")]
    UnknownElement {
        /// The field.
        place: Place,
        /// Where the field starts, or would start.
        offset: usize,
    },
    /// The message is larger than [`crate::MESSAGE_BYTES_MAX`].
    #[error("message of {length} bytes, at most {max}")]
    MessageTooLong {
        /// Bytes of the message.
        length: usize,
        /// The bound.
        max: usize,
    },
    /// A field is text where binary was asked for, or the other way round.
    #[error("{place}: text and binary mixed up")]
    WrongKind {
        /// The field.
        place: Place,
    },
    /// A field the reader needs is not in the message.
    #[error("{place}: missing")]
    Missing {
        /// The field.
        place: Place,
    },
    /// A field's content has the right characters but no meaning.
    #[error("{place}: content has no meaning")]
    Content {
        /// The field.
        place: Place,
    },
    /// A message type indicator that is not four digits.
    #[error("message type is not four digits")]
    BadMti,
    /// There is no answer to a message of this type.
    #[error("messages of type {mti} are not answered")]
    NoAnswer {
        /// The message type.
        mti: Mti,
    },
    /// A private composite (data element 127) is malformed at this byte of its value.
    #[error("private composite: {what} at byte {offset}")]
    Composite {
        /// What is wrong.
        what: &'static str,
        /// Byte within the value of the data element.
        offset: usize,
    },
}

impl Error {
    /// The field that is at fault, where it is one.
    pub const fn place(&self) -> Option<Place> {
        match self {
            Self::Truncated { place, .. }
            | Self::Trailing { after: place, .. }
            | Self::TooLong { place, .. }
            | Self::WrongLength { place, .. }
            | Self::LengthPrefix { place, .. }
            | Self::Character { place, .. }
            | Self::UnknownElement { place, .. }
            | Self::Missing { place }
            | Self::WrongKind { place }
            | Self::Content { place } => Some(*place),
            Self::Composite { .. } => Some(Place::Element(crate::private::COMPOSITE_ELEMENT)),
            Self::BadMti | Self::NoAnswer { .. } => Some(Place::Mti),
            Self::MessageTooLong { .. } => None,
        }
    }
}

//! ISO 8583:1987 message codec: specifications as data, messages as values, no I/O.
//!
//! The pieces, from the wire inwards:
//! - [`frame`]: the length prefix that cuts a byte stream into messages;
//! - [`Spec`] and [`Element`]: what each data element looks like, as a table;
//! - [`Message`]: a message type and its data elements, packed and unpacked by a [`Spec`];
//! - [`OriginalData`]: data element 90, by which an inquiry or a reversal names its original;
//! - [`private`]: the Tapseal composites in data elements 126 and 127.
//!
//! `docs/iso8583.md` describes the profile the payment server and the bank front speak.
//!
//! **Invariant:** no input makes this crate panic, and nothing it decodes is larger than
//! [`MESSAGE_BYTES_MAX`].

mod codec;
mod element;
mod error;
pub mod frame;
mod message;
mod mti;
mod original;
pub mod private;
mod spec;

pub use element::{ELEMENTS, Element, Format, Length};
pub use error::{Error, Place};
pub use message::{Message, Unreadable, Value};
pub use mti::Mti;
pub use original::OriginalData;
pub use spec::{BinaryEncoding, DigitEncoding, Spec};

/// The largest message this crate packs or unpacks, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// Network management information codes (data element 70) that a 0800 carries.
pub mod network {
    /// The link's first message: the acquirer signs on.
    pub const SIGN_ON: &str = "001";
    /// The acquirer will send nothing more on this link.
    pub const SIGN_OFF: &str = "002";
    /// The sender asks for, or announces, a new key.
    pub const KEY_CHANGE: &str = "101";
    /// Is anybody there?
    pub const ECHO: &str = "301";
    /// What became of payers by code after the event that data element 48 names.
    pub const PAYERS: &str = "601";
}

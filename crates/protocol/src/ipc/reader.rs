//! Card readers, and what a person does with a card at them.

use serde::{Deserialize, Serialize};

use crate::error::ErrorCode;

/// How a reader is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReaderKind {
    /// Through the system's smart-card service.
    Pcsc,
    /// An NFC chip that the wallet drives itself.
    Nfc,
    /// A magnetic-stripe reader.
    Stripe,
    /// The phone's own.
    Phone,
    /// A virtual card's.
    Simulated,
    /// A recording.
    Replay,
}

/// What a person does with the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardGesture {
    /// Puts it into the slot, and leaves it there until told.
    Insert,
    /// Holds it to the reader.
    Tap,
    /// Pulls its stripe through.
    Swipe,
}

/// A card reader that is connected now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReaderView {
    /// Its id, to pass back.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How it is connected.
    pub kind: ReaderKind,
    /// What it takes, likeliest first; empty when nobody can know before a card is there.
    pub gestures: Vec<CardGesture>,
    /// Whether a card is there now.
    pub card_present: bool,
    /// Why it cannot be used now, such as `reader_busy`.
    pub trouble: Option<ErrorCode>,
}

//! The magnetic stripe: what a swipe reader types or sends, as ISO/IEC 7811-6 characters (ISO/IEC 7813 for their
//! meaning).
//!
//! ```text
//! %B<number>^<name>^<YYMM><service code><discretionary>?<LRC>    track 1, format B
//! ;<number>=<YYMM><service code><discretionary>?<LRC>            track 2
//! ```
//!
//! A stripe can be copied, so a card that also has a chip says so in its service code, and
//! [`Swipe::use_chip_instead`] is what a payment has to ask first (Book 4 section 10.1).

mod service_code;
mod track1;

use crate::card_number::CardNumber;
use crate::track2::Track2;

pub use service_code::{Authorisation, PinRule, ServiceCode};
pub(crate) use track1::expiry_of;
pub use track1::{HolderName, Track1};

/// Most bytes one swipe may give: 79, 40 and 107 characters of three tracks, and line ends.
pub const SWIPE_BYTES_MAX: usize = 256;

/// Which track.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TrackNumber {
    /// Letters and digits.
    One,
    /// Digits only; the one a payment uses.
    Two,
}

/// Why a swipe could not be used. No variant carries card data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StripeError {
    /// Nothing that starts like a track, or far too much of it.
    #[error("the reader sent no stripe data")]
    NoTrack,
    /// The reader could not read the track and said so.
    #[error("the reader could not read the stripe")]
    Unreadable,
    /// The track stops in the middle.
    #[error("the stripe was not read to its end")]
    Incomplete,
    /// The longitudinal redundancy check failed: swiped too fast, or worn.
    #[error("the stripe was misread")]
    Misread,
    /// The track is none of a payment card.
    #[error("the stripe is not that of a payment card")]
    NotPayment,
    /// The tracks name different cards.
    #[error("the tracks of the stripe contradict each other")]
    Contradiction,
}

impl StripeError {
    /// A stable code for interfaces and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoTrack => "stripe.no_track",
            Self::Unreadable => "stripe.unreadable",
            Self::Incomplete => "stripe.incomplete",
            Self::Misread => "stripe.misread",
            Self::NotPayment => "stripe.not_payment",
            Self::Contradiction => "stripe.contradiction",
        }
    }
}

/// A card that was swiped. It holds secrets, so it has no Debug.
pub struct Swipe {
    track1: Option<Track1>,
    track2: Option<Track2>,
    number: CardNumber,
    expiry_yymm: [u8; 4],
    service_code: ServiceCode,
}

impl Swipe {
    /// Reads what a swipe reader gave: track 1, track 2 or both, with or without LRC, line ends between them.
    /// Track 3 is passed over.
    ///
    /// One good track is enough: readers often miss the other. When neither is good, the error is track 2's.
    ///
    /// # Errors
    /// [`StripeError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, StripeError> {
        let pieces = pieces(bytes)?;
        let mut track1 = Err(StripeError::NoTrack);
        let mut track2 = Err(StripeError::NoTrack);
        for piece in pieces {
            match piece.first() {
                Some(b'%') if matches!(track1, Err(StripeError::NoTrack)) => {
                    track1 = checked(piece, TrackNumber::One).and_then(Track1::parse);
                }
                Some(b';') if matches!(track2, Err(StripeError::NoTrack)) => {
                    track2 = checked(piece, TrackNumber::Two)
                        .and_then(|text| Track2::from_stripe(text).ok_or(StripeError::NotPayment));
                }
                _ => {}
            }
        }
        match (track1, track2) {
            (Err(first), Err(second)) => Err(if second == StripeError::NoTrack { first } else { second }),
            (track1, track2) => Self::of(track1.ok(), track2.ok()),
        }
    }

    fn of(track1: Option<Track1>, track2: Option<Track2>) -> Result<Self, StripeError> {
        if let (Some(one), Some(two)) = (&track1, &track2)
            && !(one.card_number().same_as(&two.card_number()) && one.expiry_yymm() == two.expiry_yymm())
        {
            return Err(StripeError::Contradiction);
        }
        let facts = match (&track2, &track1) {
            (Some(two), _) => (two.card_number(), two.expiry_yymm(), two.service_code().and_then(ServiceCode::parse)),
            (None, Some(one)) => (one.card_number().duplicate(), one.expiry_yymm(), one.service_code()),
            (None, None) => return Err(StripeError::NoTrack),
        };
        let (number, Some(expiry_yymm), Some(service_code)) = facts else { return Err(StripeError::NotPayment) };
        if !number.is_complete() {
            return Err(StripeError::NotPayment);
        }
        Ok(Self { track1, track2, number, expiry_yymm, service_code })
    }

    /// The card number.
    pub fn card_number(&self) -> &CardNumber {
        &self.number
    }

    /// Expiry, ASCII digits YYMM.
    pub fn expiry_yymm(&self) -> [u8; 4] {
        self.expiry_yymm
    }

    /// What the issuer allows.
    pub fn service_code(&self) -> ServiceCode {
        self.service_code
    }

    /// Track 2, when it was read: what the bank wants to see.
    pub fn track2(&self) -> Option<&Track2> {
        self.track2.as_ref()
    }

    /// Track 1, when it was read.
    pub fn track1(&self) -> Option<&Track1> {
        self.track1.as_ref()
    }

    /// Whether the card has a chip, which must be used where it can be.
    pub fn use_chip_instead(&self) -> bool {
        self.service_code.has_chip()
    }
}

/// Cuts what a reader sent into tracks, each from its start sentinel on, its LRC included.
fn pieces(bytes: &[u8]) -> Result<Vec<&[u8]>, StripeError> {
    if bytes.len() > SWIPE_BYTES_MAX {
        return Err(StripeError::NoTrack);
    }
    let mut pieces = Vec::new();
    let mut rest = bytes;
    while let Some(start) = rest.iter().position(|byte| matches!(byte, b'%' | b';' | b'+')) {
        rest = &rest[start..];
        let Some(end) = rest.iter().position(|byte| *byte == b'?') else {
            pieces.push(rest);
            break;
        };
        // Behind the end sentinel comes an LRC, a line end, or the next track. Every LRC is one character, and the
        // one that looks like a start sentinel is told from a track by what follows it.
        let behind = &rest[end + 1..];
        let starts_track = matches!(behind, [b'%', b'A'..=b'Z', ..] | [b';' | b'+', b'0'..=b'9' | b'E', ..]);
        let is_lrc = !starts_track && !matches!(behind, [] | [b'\r' | b'\n', ..]);
        let length = end + 1 + usize::from(is_lrc);
        pieces.push(&rest[..length]);
        rest = &rest[length..];
    }
    if pieces.is_empty() { Err(StripeError::NoTrack) } else { Ok(pieces) }
}

/// Checks sentinels, character set and LRC; gives what is between the sentinels.
fn checked(piece: &[u8], track: TrackNumber) -> Result<&str, StripeError> {
    // Track 1 has six bits a character and counts from a space, track 2 four and counts from 0 (ISO/IEC 7811-6).
    let (first, last, longest) = match track {
        TrackNumber::One => (b' ', b'_', 79),
        TrackNumber::Two => (b'0', b'?', 40),
    };
    let end = piece.iter().position(|byte| *byte == b'?').ok_or(StripeError::Incomplete)?;
    let (track, lrc) = piece.split_at(end + 1);
    let text = track.get(1..end).filter(|text| !text.is_empty()).ok_or(StripeError::Incomplete)?;
    // Readers type %E? or ;E? for a track they could not read.
    if text == b"E" {
        return Err(StripeError::Unreadable);
    }
    if track.len() >= longest || !track.iter().all(|byte| (first..=last).contains(byte) || *byte == b'%') {
        return Err(StripeError::NotPayment);
    }
    if let [lrc] = lrc {
        let sum = track.iter().fold(0, |sum, byte| sum ^ byte.wrapping_sub(first));
        if sum.wrapping_add(first) != *lrc {
            return Err(StripeError::Misread);
        }
    }
    std::str::from_utf8(text).map_err(|_| StripeError::NotPayment)
}

//! Frames: a length, then that many bytes of message.
//!
//! The decoder takes bytes as a socket gives them, in pieces of any size, and gives back whole
//! frames. It does no I/O and holds at most one incomplete frame plus what was pushed last.
//!
//! The standard leaves framing to the parties, so there are several; [`Framing`] has those that are met most.

use crate::MESSAGE_BYTES_MAX;

/// Bytes of the length that [`encode`] writes.
pub const PREFIX_BYTES: usize = Framing::Binary2.prefix_bytes();

/// How a length is written in front of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// Two bytes, big-endian: what the payment server and the bank front speak, and most others.
    #[default]
    Binary2,
    /// Two bytes, big-endian, that count themselves.
    Binary2Inclusive,
    /// Four bytes, big-endian.
    Binary4,
    /// Four ASCII digits.
    Ascii4,
}

impl Framing {
    /// Every framing.
    pub const ALL: [Self; 4] = [Self::Binary2, Self::Binary2Inclusive, Self::Binary4, Self::Ascii4];

    /// Its name on a command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Binary2 => "binary2",
            Self::Binary2Inclusive => "binary2-inclusive",
            Self::Binary4 => "binary4",
            Self::Ascii4 => "ascii4",
        }
    }

    /// Bytes of the length.
    pub const fn prefix_bytes(self) -> usize {
        match self {
            Self::Binary2 | Self::Binary2Inclusive => 2,
            Self::Binary4 | Self::Ascii4 => 4,
        }
    }

    /// The message with its length in front.
    ///
    /// # Errors
    /// When the message is empty or longer than [`MESSAGE_BYTES_MAX`].
    pub fn encode(self, message: &[u8]) -> Result<Vec<u8>, FrameError> {
        let length = checked(message.len())?;
        let mut out = Vec::with_capacity(self.prefix_bytes() + message.len());
        match self {
            Self::Binary2 => out.extend_from_slice(&length.to_be_bytes()),
            // The bound on messages leaves room for two more.
            Self::Binary2Inclusive => out.extend_from_slice(&(length + 2).to_be_bytes()),
            Self::Binary4 => out.extend_from_slice(&u32::from(length).to_be_bytes()),
            // Four digits say less than the bound on messages.
            Self::Ascii4 if length > ASCII4_MAX => {
                return Err(FrameError::TooLong { length: length.into(), max: ASCII4_MAX.into() });
            }
            Self::Ascii4 => out.extend_from_slice(format!("{length:04}").as_bytes()),
        }
        out.extend_from_slice(message);
        Ok(out)
    }

    /// The message's length that a prefix announces; `prefix` has [`Framing::prefix_bytes`] bytes.
    fn announced(self, prefix: &[u8]) -> Result<usize, FrameError> {
        let binary = || prefix.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        let length = match self {
            Self::Binary2 | Self::Binary4 => binary(),
            Self::Binary2Inclusive => binary().checked_sub(2).ok_or(FrameError::Empty)?,
            Self::Ascii4 if prefix.iter().all(u8::is_ascii_digit) => {
                prefix.iter().fold(0, |length, digit| length * 10 + usize::from(digit - b'0'))
            }
            Self::Ascii4 => return Err(FrameError::NotALength),
        };
        checked(length).map(usize::from)
    }
}

/// The largest length that four digits say.
const ASCII4_MAX: u16 = 9_999;

/// What is wrong with a frame. A stream that gave one cannot be read any further: where the
/// next frame starts is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A length beyond [`MESSAGE_BYTES_MAX`], or beyond what the framing can say.
    #[error("frame of {length} bytes, at most {max}")]
    TooLong {
        /// The length announced or given.
        length: usize,
        /// The bound.
        max: usize,
    },
    /// A length of zero, which no message has.
    #[error("empty frame")]
    Empty,
    /// A length of digits that are none.
    #[error("the length of a frame is not in digits")]
    NotALength,
}

/// The message with a length of two bytes in front.
///
/// # Errors
/// When the message is empty or longer than [`MESSAGE_BYTES_MAX`].
pub fn encode(message: &[u8]) -> Result<Vec<u8>, FrameError> {
    Framing::Binary2.encode(message)
}

fn checked(length: usize) -> Result<u16, FrameError> {
    match u16::try_from(length) {
        Ok(0) => Err(FrameError::Empty),
        Ok(fits) if length <= MESSAGE_BYTES_MAX => Ok(fits),
        _ => Err(FrameError::TooLong { length, max: MESSAGE_BYTES_MAX }),
    }
}

/// Cuts a stream into frames.
///
/// ```
/// use iso8583::frame::{Decoder, encode};
/// let mut decoder = Decoder::new();
/// let bytes = encode(b"0800").unwrap();
/// decoder.push(&bytes[..3]);
/// assert_eq!(decoder.next_frame(), Ok(None));
/// decoder.push(&bytes[3..]);
/// assert_eq!(decoder.next_frame(), Ok(Some(b"0800".to_vec())));
/// assert!(decoder.is_between_frames());
/// ```
#[derive(Default)]
pub struct Decoder {
    framing: Framing,
    buffer: Vec<u8>,
}

impl Decoder {
    /// A decoder at the start of a stream with lengths of two bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// A decoder at the start of a stream.
    pub const fn with(framing: Framing) -> Self {
        Self { framing, buffer: Vec::new() }
    }

    /// Takes the next bytes of the stream. Call [`Decoder::next_frame`] until it gives nothing
    /// before pushing more, so that the buffer stays small.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, without its length, or nothing until more bytes arrive.
    ///
    /// # Errors
    /// When the next bytes are no length of a message.
    pub fn next_frame(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        let Some((prefix, rest)) = self.buffer.split_at_checked(self.framing.prefix_bytes()) else {
            return Ok(None);
        };
        let length = self.framing.announced(prefix)?;
        let Some(frame) = rest.get(..length) else {
            return Ok(None);
        };
        let frame = frame.to_vec();
        self.buffer.drain(..self.framing.prefix_bytes() + length);
        Ok(Some(frame))
    }

    /// Whether the stream may end here without cutting a message.
    pub fn is_between_frames(&self) -> bool {
        self.buffer.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_out_of_bounds_are_refused_both_ways() {
        assert_eq!(encode(&[]), Err(FrameError::Empty));
        let most = vec![0u8; MESSAGE_BYTES_MAX];
        assert!(encode(&most).is_ok());
        for length in [MESSAGE_BYTES_MAX + 1, 65_535, 65_536] {
            let too_long = FrameError::TooLong { length, max: MESSAGE_BYTES_MAX };
            assert_eq!(encode(&vec![0u8; length]), Err(too_long));
        }
        let mut decoder = Decoder::new();
        decoder.push(&[0x40, 0x01]);
        assert!(matches!(decoder.next_frame(), Err(FrameError::TooLong { length: 16_385, .. })));
        let mut decoder = Decoder::new();
        decoder.push(&[0, 0, 1]);
        assert_eq!(decoder.next_frame(), Err(FrameError::Empty));
    }

    #[test]
    fn each_framing_writes_its_length_its_way() {
        for (framing, expected) in [
            (Framing::Binary2, &b"\x00\x040800"[..]),
            (Framing::Binary2Inclusive, b"\x00\x060800"),
            (Framing::Binary4, b"\x00\x00\x00\x040800"),
            (Framing::Ascii4, b"00040800"),
        ] {
            assert_eq!(framing.encode(b"0800").unwrap(), expected, "{}", framing.as_str());
        }
        let max = usize::from(ASCII4_MAX);
        assert!(Framing::Ascii4.encode(&vec![0; max]).is_ok());
        assert_eq!(Framing::Ascii4.encode(&vec![0; max + 1]), Err(FrameError::TooLong { length: max + 1, max }));
    }

    #[test]
    fn what_is_no_length_ends_the_stream() {
        let next = |framing, bytes: &[u8]| {
            let mut decoder = Decoder::with(framing);
            decoder.push(bytes);
            decoder.next_frame()
        };
        assert_eq!(next(Framing::Ascii4, b"00x4"), Err(FrameError::NotALength));
        assert_eq!(next(Framing::Ascii4, b"0000"), Err(FrameError::Empty));
        for counts_less_than_itself in [[0, 0], [0, 1], [0, 2]] {
            assert_eq!(next(Framing::Binary2Inclusive, &counts_less_than_itself), Err(FrameError::Empty));
        }
        assert!(matches!(next(Framing::Binary4, &[0, 1, 0, 0]), Err(FrameError::TooLong { .. })));
    }

    proptest! {
        #[test]
        fn frames_survive_any_cut(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..8),
            cut in 1usize..97,
            framing in prop::sample::select(Framing::ALL.to_vec()),
        ) {
            let stream: Vec<u8> =
                messages.iter().flat_map(|message| framing.encode(message).unwrap()).collect();
            let mut decoder = Decoder::with(framing);
            let mut seen = Vec::new();
            for piece in stream.chunks(cut) {
                decoder.push(piece);
                while let Some(frame) = decoder.next_frame().unwrap() {
                    seen.push(frame);
                }
            }
            prop_assert_eq!(seen, messages);
            prop_assert!(decoder.is_between_frames());
        }

        #[test]
        fn no_stream_makes_the_decoder_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..600),
            framing in prop::sample::select(Framing::ALL.to_vec()),
        ) {
            let mut decoder = Decoder::with(framing);
            decoder.push(&bytes);
            while let Ok(Some(frame)) = decoder.next_frame() {
                prop_assert!(!frame.is_empty() && frame.len() <= MESSAGE_BYTES_MAX);
            }
        }
    }
}

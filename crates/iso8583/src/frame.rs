//! Frames: a two-byte big-endian length, then that many bytes of message.
//!
//! The decoder takes bytes as a socket gives them, in pieces of any size, and gives back whole
//! frames. It does no I/O and holds at most one incomplete frame plus what was pushed last.

use crate::MESSAGE_BYTES_MAX;

/// Bytes of the length prefix.
pub const PREFIX_BYTES: usize = 2;

/// What is wrong with a frame. A stream that gave one cannot be read any further: where the
/// next frame starts is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A length beyond [`MESSAGE_BYTES_MAX`].
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
}

/// The message with its length in front.
pub fn encode(message: &[u8]) -> Result<Vec<u8>, FrameError> {
    let length = checked(message.len())?;
    let mut out = Vec::with_capacity(PREFIX_BYTES + message.len());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(message);
    Ok(out)
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
    buffer: Vec<u8>,
}

impl Decoder {
    /// A decoder at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the stream. Call [`Decoder::next_frame`] until it gives nothing
    /// before pushing more, so that the buffer stays small.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, without its prefix, or nothing until more bytes arrive.
    pub fn next_frame(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        let Some((prefix, rest)) = self.buffer.split_first_chunk::<PREFIX_BYTES>() else {
            return Ok(None);
        };
        let length = usize::from(checked(usize::from(u16::from_be_bytes(*prefix)))?);
        let Some(frame) = rest.get(..length) else {
            return Ok(None);
        };
        let frame = frame.to_vec();
        self.buffer.drain(..PREFIX_BYTES + length);
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

    proptest! {
        #[test]
        fn frames_survive_any_cut(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..8),
            cut in 1usize..97,
        ) {
            let stream: Vec<u8> =
                messages.iter().flat_map(|message| encode(message).unwrap()).collect();
            let mut decoder = Decoder::new();
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
        fn no_stream_makes_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let mut decoder = Decoder::new();
            decoder.push(&bytes);
            while let Ok(Some(frame)) = decoder.next_frame() {
                prop_assert!(!frame.is_empty() && frame.len() <= MESSAGE_BYTES_MAX);
            }
        }
    }
}

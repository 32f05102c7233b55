//! Frames of the PN532's serial line: acknowledge, normal, extended, error (UM0701-02 section 6.2.1).

/// The chip or the host has received a frame.
pub(super) const ACKNOWLEDGE: [u8; 6] = [0x00, 0x00, 0xFF, 0x00, 0xFF, 0x00];

/// The command is not known or not well-formed.
const SYNTAX_ERROR: [u8; 8] = [0x00, 0x00, 0xFF, 0x01, 0xFF, 0x7F, 0x81, 0x00];

/// Frame identifier of what the host sends.
const HOST_TO_CHIP: u8 = 0xD4;

/// Frame identifier of what the chip sends.
const CHIP_TO_HOST: u8 = 0xD5;

/// Longest data of a normal frame; longer ones are extended.
const NORMAL_BYTES_MAX: usize = 255;

/// Longest data of an extended frame: a whole command with its identifier.
const EXTENDED_BYTES_MAX: usize = 265;

/// Most bytes that may wait for the rest of their frame; more is noise.
const WAITING_BYTES_MAX: usize = 1_024;

/// What the host sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// It acknowledges, or gives up the command it sent last.
    Acknowledge,
    /// A command code and its parameters.
    Command(Vec<u8>),
}

/// Takes the bytes of the line as they come.
#[derive(Default)]
pub(super) struct Decoder(Vec<u8>);

/// What stands at the front of the bytes that wait.
enum Front {
    /// Not yet a whole frame.
    Partial,
    /// A frame of this many bytes, and what it says; nothing when a checksum is wrong.
    Frame(usize, Option<Received>),
}

impl Decoder {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The next whole frame. Bytes between frames, such as the wake-up, are passed over.
    pub(super) fn next(&mut self) -> Option<Received> {
        loop {
            let start = self.0.windows(2).position(|pair| pair == [0x00, 0xFF]);
            let Some(start) = start else {
                // The last byte may be the first of a start code.
                self.0.drain(..self.0.len().saturating_sub(1));
                return None;
            };
            self.0.drain(..start);
            match front(&self.0) {
                Front::Partial if self.0.len() > WAITING_BYTES_MAX => drop(self.0.drain(..2)),
                Front::Partial => return None,
                Front::Frame(length, received) => {
                    self.0.drain(..length);
                    if received.is_some() {
                        return received;
                    }
                }
            }
        }
    }
}

/// Reads the frame that begins with the start code 00 FF.
fn front(bytes: &[u8]) -> Front {
    let (length, header) = match *bytes {
        [_, _, 0x00, 0xFF, ..] => return Front::Frame(4, Some(Received::Acknowledge)),
        [_, _, 0xFF, 0x00, ..] => return Front::Frame(4, None),
        [_, _, 0xFF, 0xFF, high, low, check, ..] => {
            let length = usize::from(high) << 8 | usize::from(low);
            if length > EXTENDED_BYTES_MAX || high.wrapping_add(low).wrapping_add(check) != 0 {
                return Front::Frame(2, None);
            }
            (length, 7)
        }
        [_, _, 0xFF, 0xFF, ..] => return Front::Partial,
        [_, _, length, check, ..] => {
            if length.wrapping_add(check) != 0 {
                return Front::Frame(2, None);
            }
            (usize::from(length), 4)
        }
        _ => return Front::Partial,
    };
    let Some(rest) = bytes.get(header..header + length + 1) else { return Front::Partial };
    let whole = header + length + 1;
    match rest {
        [HOST_TO_CHIP, command @ .., _] if sum(rest) == 0 && !command.is_empty() => {
            Front::Frame(whole, Some(Received::Command(command.to_vec())))
        }
        _ => Front::Frame(2, None),
    }
}

/// The frame of an answer: the command's code plus one, and its data.
pub(super) fn answer(code: u8, data: &[u8]) -> Vec<u8> {
    let content = [&[CHIP_TO_HOST, code.wrapping_add(1)][..], data].concat();
    let length = content.len();
    let mut out = vec![0x00, 0x00, 0xFF];
    match u8::try_from(length) {
        Ok(short) if length <= NORMAL_BYTES_MAX => out.extend([short, short.wrapping_neg()]),
        _ => {
            let [high, low] = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
            out.extend([0xFF, 0xFF, high, low, high.wrapping_add(low).wrapping_neg()]);
        }
    }
    out.extend_from_slice(&content);
    out.extend([sum(&content).wrapping_neg(), 0x00]);
    out
}

/// The frame that says a command was not understood.
pub(super) fn syntax_error() -> Vec<u8> {
    SYNTAX_ERROR.to_vec()
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> Vec<Received> {
        let mut decoder = Decoder::default();
        // One byte at a time: a serial line gives them as they come.
        bytes
            .iter()
            .flat_map(|byte| {
                decoder.push(&[*byte]);
                std::iter::from_fn(|| decoder.next()).collect::<Vec<_>>()
            })
            .collect()
    }

    #[test]
    fn a_wake_up_and_a_command() {
        let sent = hex::decode("5555000000000000000000000000000000000000FF03FDD414011700").unwrap();
        assert_eq!(decoded(&sent), [Received::Command(vec![0x14, 0x01])]);
    }

    #[test]
    fn acknowledgements_and_noise_are_told_from_commands() {
        let sent = hex::decode("0000FF00FF00A5A50000FF02FED4022A00").unwrap();
        assert_eq!(decoded(&sent), [Received::Acknowledge, Received::Command(vec![0x02])]);
        let wrong_sum = hex::decode("0000FF02FED4022B000000FF02FED4022A00").unwrap();
        assert_eq!(decoded(&wrong_sum), [Received::Command(vec![0x02])]);
    }

    #[test]
    fn extended_frames_go_both_ways() {
        let data: Vec<u8> = (0..=255).chain(0..4).collect();
        let mut sent = answer(0x3F, &data);
        assert_eq!(sent[..8], [0x00, 0x00, 0xFF, 0xFF, 0xFF, 0x01, 0x06, 0xF9]);
        // The same frame the other way round: another identifier and so another sum.
        sent[8] = HOST_TO_CHIP;
        let check = sent.len() - 2;
        sent[check] = sent[check].wrapping_add(1);
        assert_eq!(decoded(&sent), [Received::Command([&[0x40][..], &data].concat())]);
    }

    #[test]
    fn endless_noise_is_not_kept() {
        let mut decoder = Decoder::default();
        for _ in 0..100 {
            decoder.push(&[0x00, 0xFF, 0xFF, 0xFF, 0x01, 0x00, 0xFF, 0x55].repeat(64));
            while decoder.next().is_some() {}
            assert!(decoder.0.len() <= 2 * WAITING_BYTES_MAX, "{}", decoder.0.len());
        }
    }
}

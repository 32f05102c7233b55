//! The transmission protocol T=0 from the card's side (ISO/IEC 7816-3 section 10; Book 1 section 9.3.1): data goes
//! out only with the length it has, so the card answers 61xx and 6Cxx itself.

use super::status::{self, Reply};

/// Most bytes one answer carries.
const ANSWER_BYTES_MAX: usize = 256;

/// What waits to be collected by GET RESPONSE.
#[derive(Default)]
pub(super) struct Waiting(Vec<u8>);

impl Waiting {
    /// Forgets what waits.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// GET RESPONSE (00 C0 00 00 Le).
    pub(super) fn collect(&mut self, c_apdu: &[u8]) -> Vec<u8> {
        let [_, _, 0x00, 0x00, le] = *c_apdu else { return status::WRONG_PARAMETERS.to_vec() };
        if self.0.is_empty() {
            return status::CONDITIONS_NOT_SATISFIED.to_vec();
        }
        let wanted = if le == 0 { ANSWER_BYTES_MAX } else { usize::from(le) };
        let most = self.0.len().min(ANSWER_BYTES_MAX);
        if wanted > most {
            return vec![0x6C, short(most)];
        }
        let rest = self.0.split_off(wanted);
        let given = std::mem::replace(&mut self.0, rest);
        self.status_after(given)
    }

    /// Turns a finished answer into what T=0 lets the card say to this command.
    pub(super) fn answer(&mut self, c_apdu: &[u8], reply: Reply) -> Vec<u8> {
        if reply.data.is_empty() {
            return reply.status.to_vec();
        }
        if reply.status != status::OK && c_apdu.len() > 5 {
            // A warning in answer to a command with data: what waits is collected next (Book 1 section 9.3.1.2).
            self.0 = reply.data;
            return reply.status.to_vec();
        }
        if let [_, _, _, _, le] = *c_apdu {
            let wanted = if le == 0 { ANSWER_BYTES_MAX } else { usize::from(le) };
            let most = reply.data.len().min(ANSWER_BYTES_MAX);
            if wanted != most {
                return vec![0x6C, short(most)];
            }
            self.0 = reply.data[most..].to_vec();
            return self.status_after(reply.data[..most].to_vec());
        }
        self.0 = reply.data;
        vec![0x61, short(self.0.len())]
    }

    fn status_after(&self, mut given: Vec<u8>) -> Vec<u8> {
        match self.0.len() {
            0 => given.extend(status::OK),
            left => given.extend([0x61, short(left)]),
        }
        given
    }
}

/// A length in SW2: zero is 256 or more.
fn short(length: usize) -> u8 {
    u8::try_from(length).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SELECT: [u8; 12] = [0x00, 0xA4, 0x04, 0x00, 0x07, 0xA0, 0, 0, 0, 3, 0x10, 0x10];

    #[test]
    fn data_waits_for_get_response() {
        let mut waiting = Waiting::default();
        assert_eq!(waiting.answer(&SELECT, vec![7; 20].into()), [0x61, 20]);
        assert_eq!(waiting.collect(&[0x00, 0xC0, 0, 0, 21]), [0x6C, 20]);
        assert_eq!(waiting.collect(&[0x00, 0xC0, 0, 0, 15]), [vec![7; 15], vec![0x61, 5]].concat());
        assert_eq!(waiting.collect(&[0x00, 0xC0, 0, 0, 5]), [vec![7; 5], vec![0x90, 0x00]].concat());
        assert_eq!(waiting.collect(&[0x00, 0xC0, 0, 0, 5]), [0x69, 0x85]);
    }

    #[test]
    fn a_command_without_data_is_told_the_right_length() {
        let mut waiting = Waiting::default();
        assert_eq!(waiting.answer(&[0x00, 0xB2, 1, 0x0C, 0], vec![7; 20].into()), [0x6C, 20]);
        let right = waiting.answer(&[0x00, 0xB2, 1, 0x0C, 20], vec![7; 20].into());
        assert_eq!(right, [vec![7; 20], vec![0x90, 0x00]].concat());
        let long = waiting.answer(&[0x00, 0xB2, 1, 0x0C, 0], vec![7; 300].into());
        assert_eq!((long.len(), &long[256..]), (258, &[0x61, 44][..]));
        assert_eq!(waiting.collect(&[0x00, 0xC0, 0, 0, 44]).len(), 46);
    }
}

//! The chip: its registers, and the commands libnfc uses (UM0701-02 section 7).

use std::collections::HashMap;
use std::io;

use super::{FRAME_WAITING_TIME, frame};
use crate::presented::{CardRemoved, PresentedCard, Said};

/// Firmware 1.6 of a PN532 that does ISO/IEC 14443 A and B and ISO/IEC 18092.
const FIRMWARE: [u8; 4] = [0x32, 0x01, 0x06, 0x07];

/// Answer to request: a card with a four-byte number that does not collide (ISO/IEC 14443-3 section 6.5.2).
const ATQA: [u8; 2] = [0x00, 0x04];

/// Select acknowledge: ISO/IEC 14443-4 compliant.
const SAK: u8 = 0x20;

/// Answer to select, its length byte included: 256-byte frames, frame waiting integer 7, card number supported
/// (ISO/IEC 14443-4 section 5.2).
const ATS: [u8; 5] = [0x05, 0x78, 0x80, 0x70, 0x02];

/// The number the chip gives the card.
const TARGET: u8 = 0x01;

/// More of the data follows, in a target number or a status.
const MORE: u8 = 0x40;

/// The card did not answer in time.
const TIME_OUT: u8 = 0x01;

/// The command does not fit the state: no card is selected.
const WRONG_CONTEXT: u8 = 0x27;

/// Most bytes of card data in one answer: what fits the chip's buffer with frame identifier, code and status.
const PIECE_BYTES_MAX: usize = 262;

/// Most bytes of a command that come in pieces.
const COMMAND_BYTES_MAX: usize = 1_024;

/// A PN532 with a card in its field.
pub(super) struct Chip<'a> {
    card: &'a mut PresentedCard,
    number: [u8; 4],
    registers: HashMap<u16, u8>,
    state: State,
    /// Pieces of a command that is not complete.
    from_host: Vec<u8>,
    /// The rest of an answer that does not fit one frame.
    to_host: Vec<u8>,
}

/// What is in the field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// A card nobody asked for yet.
    Idle,
    /// The card, selected.
    Selected,
    /// Nothing: it was taken away.
    CardRemoved,
}

impl<'a> Chip<'a> {
    /// A chip whose card has a number made up for this field, as cards do that do not want to be recognised.
    pub(super) fn new(card: &'a mut PresentedCard) -> io::Result<Self> {
        // 08 says that the number is a random one (ISO/IEC 14443-3 section 6.5.4).
        let mut number = [0x08, 0, 0, 0];
        getrandom::fill(&mut number[1..]).map_err(io::Error::other)?;
        let (registers, from_host, to_host) = (HashMap::new(), Vec::new(), Vec::new());
        Ok(Self { card, number, registers, state: State::Idle, from_host, to_host })
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    /// The frame that answers a command.
    pub(super) fn answer(&mut self, command: &[u8]) -> Vec<u8> {
        let Some((code, parameters)) = command.split_first() else { return frame::syntax_error() };
        self.perform(*code, parameters).map_or_else(frame::syntax_error, |data| frame::answer(*code, &data))
    }

    /// What the command gives; `None` when the chip does not understand it.
    fn perform(&mut self, code: u8, parameters: &[u8]) -> Option<Vec<u8>> {
        match (code, parameters) {
            // Diagnose: the line's own test gives back what it got, the attention request asks for the card.
            (0x00, [0x00, ..]) => Some(parameters.to_vec()),
            (0x00, [0x06, ..]) => Some(vec![self.presence()]),
            (0x00, [_, ..]) => Some(vec![0x00]),
            (0x02, []) => Some(FIRMWARE.to_vec()),
            // GetGeneralStatus: no error, field, targets, no security module.
            (0x04, []) => Some(self.general_status()),
            (0x06, addresses) => Some(self.read_registers(addresses)),
            (0x08, writes) => self.write_registers(writes),
            // SetParameters, SAMConfiguration.
            (0x12 | 0x14, [_, ..]) => Some(Vec::new()),
            // PowerDown.
            (0x16, [_, ..]) => Some(vec![0x00]),
            (0x32, [item, values @ ..]) => {
                // Item 1 is the field: switched off, the card forgets everything.
                if *item == 0x01 && values.first().is_some_and(|value| value & 0x01 == 0) {
                    self.release();
                }
                Some(Vec::new())
            }
            (0x4A, [most, modulation, ..]) => Some(self.list_targets(*most, *modulation)),
            (0x40, [target, data @ ..]) => Some(self.exchange(*target, data)),
            // InCommunicateThru of a negative acknowledgement R(NAK) is how libnfc asks whether the card is there: the
            // card answers R(ACK) with the same block number (ISO/IEC 14443-4 section 7.5.5.2).
            (0x42, [block @ (0xB2 | 0xB3)]) => Some(match self.presence() {
                0x00 => vec![0x00, block ^ 0x11],
                status => vec![status],
            }),
            (0x42, _) => Some(vec![TIME_OUT]),
            // InDeselect, InRelease.
            (0x44 | 0x52, [_]) => {
                self.release();
                Some(vec![0x00])
            }
            // InSelect.
            (0x54, [_]) => Some(vec![self.presence()]),
            // InAutoPoll finds nothing: libnfc polls by itself.
            (0x60, [_, _, ..]) => Some(vec![0x00]),
            _ => None,
        }
    }

    fn general_status(&self) -> Vec<u8> {
        match self.state {
            State::Selected => vec![0x00, 0x01, 0x01, TARGET, 0x00, 0x00, 0x00, 0x80],
            State::Idle | State::CardRemoved => vec![0x00, 0x00, 0x00, 0x80],
        }
    }

    fn read_registers(&self, addresses: &[u8]) -> Vec<u8> {
        let (addresses, _) = addresses.as_chunks::<2>();
        addresses
            .iter()
            .map(|address| self.registers.get(&u16::from_be_bytes(*address)).copied().unwrap_or_default())
            .collect()
    }

    fn write_registers(&mut self, writes: &[u8]) -> Option<Vec<u8>> {
        let (writes, rest) = writes.as_chunks::<3>();
        for [high, low, value] in writes {
            self.registers.insert(u16::from_be_bytes([*high, *low]), *value);
        }
        rest.is_empty().then(Vec::new)
    }

    /// `InListPassiveTarget`: the card speaks type A at 106 kbit/s and nothing else.
    fn list_targets(&mut self, most: u8, modulation: u8) -> Vec<u8> {
        if modulation != 0x00 || most == 0 || self.check_presence().is_err() {
            return vec![0x00];
        }
        self.card.reset();
        self.forget_pieces();
        self.state = State::Selected;
        let mut out = vec![0x01, TARGET];
        out.extend(ATQA);
        out.extend([SAK, 0x04]);
        out.extend(self.number);
        out.extend(ATS);
        out
    }

    /// `InDataExchange`, in pieces both ways when the data does not fit one frame.
    fn exchange(&mut self, target: u8, data: &[u8]) -> Vec<u8> {
        if self.state != State::Selected || target & !MORE != TARGET {
            return vec![if self.state == State::CardRemoved { TIME_OUT } else { WRONG_CONTEXT }];
        }
        if target & MORE != 0 {
            self.from_host.extend_from_slice(data);
            self.from_host.truncate(COMMAND_BYTES_MAX);
            return vec![0x00];
        }
        if data.is_empty() && self.from_host.is_empty() {
            return self.next_piece();
        }
        let mut c_apdu = std::mem::take(&mut self.from_host);
        c_apdu.extend_from_slice(data);
        match self.card.exchange(&c_apdu) {
            Ok(Said::Answer(r_apdu)) => {
                self.to_host = r_apdu;
                self.next_piece()
            }
            Ok(Said::Nothing) => {
                std::thread::sleep(FRAME_WAITING_TIME);
                vec![TIME_OUT]
            }
            Err(CardRemoved) => {
                self.removed();
                vec![TIME_OUT]
            }
        }
    }

    fn next_piece(&mut self) -> Vec<u8> {
        let rest = self.to_host.split_off(self.to_host.len().min(PIECE_BYTES_MAX));
        let piece = std::mem::replace(&mut self.to_host, rest);
        let status = if self.to_host.is_empty() { 0x00 } else { MORE };
        [&[status][..], &piece].concat()
    }

    /// Status of a presence check.
    fn presence(&mut self) -> u8 {
        match (self.check_presence(), self.state) {
            (Ok(()), State::Selected) => 0x00,
            _ => TIME_OUT,
        }
    }

    fn check_presence(&mut self) -> Result<(), CardRemoved> {
        self.card.check_presence().inspect_err(|_| self.state = State::CardRemoved)
    }

    fn removed(&mut self) {
        self.forget_pieces();
        self.state = State::CardRemoved;
    }

    fn release(&mut self) {
        self.forget_pieces();
        self.card.reset();
        if self.state == State::Selected {
            self.state = State::Idle;
        }
    }

    fn forget_pieces(&mut self) {
        self.from_host.clear();
        self.to_host.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fault, FaultKind, Misbehaviour, Profile, VirtualCard};

    fn card(misbehaviour: Misbehaviour) -> PresentedCard {
        let card = VirtualCard::new(Profile::built_in("visa").unwrap()).over(emv::Interface::Contactless);
        PresentedCard::new(card, misbehaviour)
    }

    fn select_ppse() -> Vec<u8> {
        [&[0x00, 0xA4, 0x04, 0x00, 0x0E][..], emv::application::PPSE, &[0x00]].concat()
    }

    #[test]
    fn the_commands_of_libnfc_are_answered_as_by_a_chip() {
        let mut card = card(Misbehaviour::default());
        let mut chip = Chip::new(&mut card).unwrap();
        let mut check = |command: &str, answer: &str| {
            let command = hex::decode(command).unwrap();
            let code = command[0];
            assert_eq!(
                hex::encode_upper(chip.answer(&command)),
                hex::encode_upper(frame::answer(code, &hex::decode(answer).unwrap())),
                "{command:02X?}"
            );
        };
        check("1401", "");
        check("00006C69626E6663", "006C69626E6663");
        check("02", "32010607");
        check("1214", "");
        check("066302630363 0D".replace(' ', "").as_str(), "000000");
        check("08630280630385", "");
        check("0663026303", "8085");
        check("320100", "");
        check("4A010300", "00");
        check("4A010100FFFF0100", "00");
        check("4001", "27");
        check("42B2", "01");
        check("16F0", "00");
    }

    #[test]
    fn a_card_is_listed_and_answers_in_pieces_both_ways() {
        let fault = Some(Fault { after: 0, kind: FaultKind::EndlessMoreData, status: 0 });
        for misbehaviour in [Misbehaviour::default(), Misbehaviour { fault, ..Misbehaviour::default() }] {
            let mut card = card(misbehaviour);
            let mut chip = Chip::new(&mut card).unwrap();
            let listed = chip.perform(0x4A, &[1, 0]).unwrap();
            assert_eq!((listed[..6].to_vec(), listed[6]), (vec![1, 1, 0, 4, 0x20, 4], 0x08));
            assert_eq!(listed[10..], ATS);
            let c_apdu = select_ppse();
            let (first, rest) = c_apdu.split_at(7);
            assert_eq!(chip.perform(0x40, &[&[0x41][..], first].concat()).unwrap(), [0x00]);
            let answer = chip.perform(0x40, &[&[0x01][..], rest].concat()).unwrap();
            assert_eq!(answer[0], 0x00);
            assert!(answer.len() > 10);
            assert_eq!(chip.perform(0x42, &[0xB2]).unwrap(), [0x00, 0xA3]);
            assert_eq!(chip.perform(0x52, &[0x00]).unwrap(), [0x00]);
            assert_eq!(chip.perform(0x40, &[&[0x01][..], &c_apdu].concat()).unwrap(), [WRONG_CONTEXT]);
        }
    }

    #[test]
    fn a_long_answer_is_handed_over_in_pieces() {
        let mut card = card(Misbehaviour::default());
        let mut chip = Chip::new(&mut card).unwrap();
        chip.perform(0x4A, &[1, 0]).unwrap();
        chip.to_host = vec![0xA5; 300];
        assert_eq!(chip.perform(0x40, &[0x01]).unwrap(), [vec![MORE], vec![0xA5; 262]].concat());
        assert_eq!(chip.perform(0x40, &[0x01]).unwrap(), [vec![0x00], vec![0xA5; 38]].concat());
    }

    #[test]
    fn a_card_that_is_taken_away_leaves_an_empty_field() {
        let mut card = card(Misbehaviour { remove_after: Some(1), ..Misbehaviour::default() });
        let mut chip = Chip::new(&mut card).unwrap();
        chip.perform(0x4A, &[1, 0]).unwrap();
        let select = [&[0x01][..], &select_ppse()].concat();
        assert_eq!(chip.perform(0x40, &select).unwrap()[0], 0x00);
        assert_eq!(chip.perform(0x40, &select).unwrap(), [TIME_OUT]);
        assert_eq!(chip.state(), State::CardRemoved);
        assert_eq!(chip.perform(0x42, &[0xB2]).unwrap(), [TIME_OUT]);
        assert_eq!(chip.perform(0x4A, &[1, 0]).unwrap(), [0x00]);
    }

    #[test]
    fn a_silent_card_is_a_time_out_and_an_unknown_command_a_syntax_error() {
        let fault = Some(Fault { after: 0, kind: FaultKind::Silence, status: 0 });
        let mut card = card(Misbehaviour { fault, ..Misbehaviour::default() });
        let mut chip = Chip::new(&mut card).unwrap();
        chip.perform(0x4A, &[1, 0]).unwrap();
        assert_eq!(chip.perform(0x40, &[&[0x01][..], &select_ppse()].concat()).unwrap(), [TIME_OUT]);
        assert_eq!(chip.answer(&[0x99]), frame::syntax_error());
        assert_eq!(chip.answer(&[0x08, 0x63]), frame::syntax_error());
    }
}

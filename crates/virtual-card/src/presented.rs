//! A card in somebody's hand: it answers slowly or wrongly and goes away in the middle.

use std::time::Duration;

use crate::card::VirtualCard;
use crate::misbehaviour::{Fault, FaultKind, Misbehaviour, garbage, oversized, truncated, with_duplicate};

/// Most bytes of data one answer carries (ISO/IEC 7816-4, short commands).
const ANSWER_BYTES_MAX: usize = 256;

/// How many bytes of data an endless answer gives each time.
const ENDLESS_BYTES: u8 = 16;

/// The card has been taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the card has been taken away")]
pub struct CardRemoved;

/// What a card that is there says to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// An R-APDU.
    Answer(Vec<u8>),
    /// Nothing at all; it is the reader that stops waiting.
    Nothing,
}

/// A card with its misbehaviour.
pub struct PresentedCard {
    card: VirtualCard,
    misbehaviour: Misbehaviour,
    answered: u32,
    fault: FaultState,
    /// The rest of an answer that comes in pieces.
    pieces: Vec<u8>,
}

/// Whether a fault that happens once has happened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FaultState {
    Ahead,
    Over,
}

impl PresentedCard {
    /// Presents a card.
    pub fn new(card: VirtualCard, misbehaviour: Misbehaviour) -> Self {
        Self { card, misbehaviour, answered: 0, fault: FaultState::Ahead, pieces: Vec::new() }
    }

    /// Sends a command to the card, for a caller that has no reader's patience: a card that says nothing is as good as
    /// taken away.
    ///
    /// # Errors
    /// [`CardRemoved`], from the exchange the misbehaviour names on.
    pub fn transmit(&mut self, c_apdu: &[u8]) -> Result<Vec<u8>, CardRemoved> {
        match self.exchange(c_apdu)? {
            Said::Answer(r_apdu) => Ok(r_apdu),
            Said::Nothing => Err(CardRemoved),
        }
    }

    /// Sends a command to the card.
    ///
    /// # Errors
    /// [`CardRemoved`], from the exchange the misbehaviour names on.
    pub fn exchange(&mut self, c_apdu: &[u8]) -> Result<Said, CardRemoved> {
        self.check_presence()?;
        self.wait();
        let index = self.answered;
        self.answered += 1;
        Ok(match self.misbehaviour.fault {
            Some(fault) if index >= fault.after => self.spoilt(fault, c_apdu),
            _ => Said::Answer(self.card.respond(c_apdu)),
        })
    }

    fn wait(&self) {
        let pause = self.misbehaviour.pause.filter(|pause| pause.after == self.answered);
        let wait = self.misbehaviour.delay + pause.map_or(Duration::ZERO, |pause| pause.pause);
        if !wait.is_zero() {
            std::thread::sleep(wait);
        }
    }

    /// The answer once the fault has begun.
    fn spoilt(&mut self, fault: Fault, c_apdu: &[u8]) -> Said {
        match fault.kind {
            FaultKind::Silence => return Said::Nothing,
            FaultKind::EndlessMoreData => {
                let data = garbage(usize::from(ENDLESS_BYTES));
                return Said::Answer([&data[..], &[0x61, ENDLESS_BYTES]].concat());
            }
            FaultKind::RepeatedWrongLength => {
                let le = c_apdu.last().copied().unwrap_or_default();
                return Said::Answer(vec![0x6C, le.wrapping_add(1)]);
            }
            FaultKind::WrongStatus
            | FaultKind::TruncatedTlv
            | FaultKind::OversizedRecord
            | FaultKind::DuplicateTag
            | FaultKind::Garbage => {}
        }
        if !self.pieces.is_empty() && c_apdu.starts_with(&[0x00, 0xC0]) {
            return Said::Answer(self.next_piece());
        }
        self.pieces.clear();
        let r_apdu = self.card.respond(c_apdu);
        if self.fault == FaultState::Over {
            return Said::Answer(r_apdu);
        }
        if fault.kind == FaultKind::WrongStatus {
            self.fault = FaultState::Over;
            return Said::Answer(fault.status.to_be_bytes().to_vec());
        }
        // The others spoil data, so they wait for an answer that has some.
        let Some((data, [0x90, 0x00])) = r_apdu.split_last_chunk::<2>().filter(|(data, _)| !data.is_empty()) else {
            return Said::Answer(r_apdu);
        };
        self.fault = FaultState::Over;
        self.pieces = match fault.kind {
            FaultKind::TruncatedTlv => truncated(data),
            FaultKind::OversizedRecord => oversized(data),
            FaultKind::DuplicateTag => with_duplicate(data),
            _ => garbage(data.len()),
        };
        Said::Answer(self.next_piece())
    }

    /// As much as one answer carries, and how much is left.
    fn next_piece(&mut self) -> Vec<u8> {
        let rest = self.pieces.split_off(self.pieces.len().min(ANSWER_BYTES_MAX));
        let mut piece = std::mem::replace(&mut self.pieces, rest);
        match self.pieces.len() {
            0 => piece.extend([0x90, 0x00]),
            left => piece.extend([0x61, u8::try_from(left).unwrap_or(0)]),
        }
        piece
    }

    /// Whether the card is still there.
    ///
    /// # Errors
    /// [`CardRemoved`].
    pub fn check_presence(&self) -> Result<(), CardRemoved> {
        match self.misbehaviour.remove_after {
            Some(limit) if self.answered >= limit => Err(CardRemoved),
            _ => Ok(()),
        }
    }

    /// How many commands were answered.
    pub fn answered(&self) -> u32 {
        self.answered
    }

    /// The reader switches the card off or resets it.
    pub fn reset(&mut self) {
        self.pieces.clear();
        self.card.reset();
    }

    /// Answer to reset.
    pub fn atr(&self) -> Vec<u8> {
        self.card.atr()
    }
}

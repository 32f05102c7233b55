//! A card in somebody's hand: it answers slowly and goes away in the middle.

use std::time::Duration;

use crate::card::VirtualCard;

/// What the card does wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Misbehaviour {
    /// The card is taken away after answering this many commands.
    pub remove_after: Option<u32>,
    /// How long each answer takes.
    pub delay: Duration,
}

/// The card has been taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the card has been taken away")]
pub struct CardRemoved;

/// A card with its misbehaviour.
pub struct PresentedCard {
    card: VirtualCard,
    misbehaviour: Misbehaviour,
    answered: u32,
}

impl PresentedCard {
    /// Presents a card.
    pub fn new(card: VirtualCard, misbehaviour: Misbehaviour) -> Self {
        Self { card, misbehaviour, answered: 0 }
    }

    /// Sends a command to the card.
    ///
    /// # Errors
    /// [`CardRemoved`], from the exchange the misbehaviour names on.
    pub fn transmit(&mut self, c_apdu: &[u8]) -> Result<Vec<u8>, CardRemoved> {
        self.check_presence()?;
        if !self.misbehaviour.delay.is_zero() {
            std::thread::sleep(self.misbehaviour.delay);
        }
        self.answered += 1;
        Ok(self.card.respond(c_apdu))
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
        self.card.reset();
    }

    /// Answer to reset.
    pub fn atr(&self) -> Vec<u8> {
        self.card.atr()
    }
}

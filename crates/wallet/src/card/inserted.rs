//! A card that stays in the slot until its bank has answered, and what is done with it then (Book 3 sections 10.9 to
//! 10.11). The payment does not hang on it: the bank's answer stands whatever the card makes of it.

use std::sync::atomic::AtomicBool;
use std::time::Instant;

use emv::{Completion, CompletionResult, CompletionStep, IssuerAnswer};

use super::ANSWER_WAIT;
use crate::error::Result;
use crate::readers::HeldCard;

/// A card in the slot that gave its ARQC. Dropping it lets go of the card unfinished.
pub struct InsertedCard {
    card: HeldCard,
    completion: Box<Completion>,
}

impl InsertedCard {
    pub(super) fn new(card: HeldCard, completion: Box<Completion>) -> Self {
        Self { card, completion }
    }

    /// Tells the card what its bank answered: issuer authentication, scripts, second GENERATE AC; then lets go of it.
    /// Blocks until `deadline` at most.
    ///
    /// # Errors
    /// [`crate::readers::ReaderError::Removed`] when the card is gone, [`crate::readers::ReaderError::Timeout`] when
    /// it does not answer, [`emv::CardError`] when it cannot be understood. None of them changes the payment.
    pub fn complete(self, answer: &IssuerAnswer, deadline: Instant) -> Result<CompletionResult> {
        let Self { mut card, completion } = self;
        let outcome = drive(&mut card, *completion, answer, deadline);
        card.release();
        outcome
    }

    /// Lets go of the card unfinished: nothing was sent to its bank, or nothing came back that it should know.
    pub fn release(self) {
        self.card.release();
    }
}

fn drive(
    card: &mut HeldCard,
    completion: Completion,
    answer: &IssuerAnswer,
    deadline: Instant,
) -> Result<CompletionResult> {
    // Finishing is not stopped by the person: taking the card away does that.
    let never = AtomicBool::new(false);
    let mut step = completion.start(answer)?;
    loop {
        match step {
            CompletionStep::Transmit { completion, c_apdu } => {
                let r_apdu = card.transceive(&c_apdu, deadline.min(Instant::now() + ANSWER_WAIT), &never)?;
                step = completion.advance(&r_apdu)?;
            }
            CompletionStep::Done(result) => return Ok(result),
        }
    }
}

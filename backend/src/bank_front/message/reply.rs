//! What the link does with a message's answer, and how a script spoils it.

use envelope::{BankOutcome, SigningKey, jws};
use iso8583::private::{COMPOSITE_ELEMENT, Composite};
use iso8583::{Message, Mti};

use crate::bank_front::error::BankError;
use crate::bank_front::scenario::deed::{Echo, Malformation};

/// Characters of DE 42.
const MERCHANT_CHARS: usize = 15;
/// Bytes that no specification reads as a message.
const NOISE: [u8; 24] = [0xA5; 24];
/// A length above the longest frame, and the beginning of what it promises.
const IMPOSSIBLE_FRAME: [u8; 4] = [0xFF, 0xFF, b'0', b'2'];
/// A composite whose one entry is longer than what follows.
const BROKEN_COMPOSITE: [u8; 5] = [0x01, 0x11, 0xFF, 0xFF, 0x00];

/// What the link does for a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nothing is sent.
    Silence,
    /// The answer is sent.
    Once(Message),
    /// Each of these is sent, in this order.
    Each(Vec<Message>),
    /// The answer is sent after the next one, or alone when none follows.
    AfterNext(Message),
    /// A part of the answer is sent; then the connection ends.
    Cut(Message),
    /// A frame of these bytes is sent.
    Frame(Vec<u8>),
    /// These bytes are sent as they are, without a frame.
    Raw(Vec<u8>),
}

impl Reply {
    /// The one answer of an honest bank.
    pub fn once(self) -> Option<Message> {
        match self {
            Self::Once(answer) => Some(answer),
            Self::Silence | Self::Each(_) | Self::AfterNext(_) | Self::Cut(_) | Self::Frame(_) | Self::Raw(_) => None,
        }
    }
}

/// The answer with another echo.
pub(super) fn echoing_wrongly(mut answer: Message, echo: &Echo) -> Result<Message, BankError> {
    if let Some(minor) = echo.amount_minor {
        answer = answer.with_number(4, minor)?;
    }
    if let Some(currency) = echo.currency {
        answer = answer.with_number(49, u64::from(currency.numeric()))?;
    }
    if let Some(merchant) = &echo.merchant {
        let code: String = merchant.chars().take(MERCHANT_CHARS).collect();
        answer = answer.with_text(42, format!("{code:<MERCHANT_CHARS$}"));
    }
    Ok(answer)
}

/// The answer whose outcome is signed by a key nobody knows.
pub(super) fn signed_by_a_stranger(answer: Message) -> Result<Message, BankError> {
    let composite = Composite::of(&answer)?;
    let Some(outcome) = &composite.outcome else { return Ok(answer) };
    let payload = jws::peek_payload_unverified(outcome).map_err(|_| BankError::Stored("attempt.outcome"))?;
    let stranger = SigningKey::<BankOutcome>::generate();
    let outcome = Some(jws::sign(&stranger, jws::TYP_OUTCOME, &payload));
    Ok(answer.with_binary(COMPOSITE_ELEMENT, Composite { outcome, ..composite }.to_bytes()?))
}

/// What is sent in place of an answer.
pub(super) fn malformed(answer: Message, how: Malformation) -> Reply {
    match how {
        Malformation::Noise => Reply::Frame(NOISE.to_vec()),
        Malformation::Length => Reply::Raw(IMPOSSIBLE_FRAME.to_vec()),
        Malformation::Composite => Reply::Once(answer.with_binary(COMPOSITE_ELEMENT, BROKEN_COMPOSITE)),
        Malformation::Type => {
            let is_debit = answer.mti() == Mti::FINANCIAL_ANSWER;
            Reply::Once(answer.with_mti(if is_debit { Mti::REVERSAL_ADVICE_ANSWER } else { Mti::FINANCIAL_ANSWER }))
        }
    }
}

//! What a bank can do wrong, one deed a variant.

use std::time::Duration;

use payment::{Currency, DeclineCode};

use crate::bank_front::hsm::CardOrder;

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Nothing wrong: it is handled and answered.
    Honest,
    /// It is neither handled nor answered, as if it never arrived.
    Silent,
    /// It is handled, and the answer is kept.
    Unanswered,
    /// It is handled at once and answered later.
    Slow(Duration),
    /// It is handled later, as if it had been long on its way.
    Late(Duration),
    /// The answer is sent twice.
    Twice,
    /// The answer echoes something else than was asked for.
    Echo(Echo),
    /// A debit is put aside. When its reversal comes, the bank acknowledges that, makes the debit all the same and
    /// answers it.
    ApproveAfterReversal,
    /// The connection ends in the middle of the answer.
    Cut,
    /// What is sent in place of the answer cannot be read.
    Malformed(Malformation),
    /// The answer is sent after the next one.
    Swap,
    /// The outcome in the answer is signed by a key nobody knows. What is stored is signed rightly.
    WrongKey,
    /// A debit that is in order is declined all the same.
    Decline(DeclineCode),
    /// The message is not handled, and answered with DE 39 = 91 (issuer inoperative) or 96 (system malfunction).
    Busy(Busy),
    /// The sealing keys are forgotten and a new one is made; then the message is handled.
    RollKey,
    /// The answer to an inserted card carries an order for it, as an issuer script.
    CardOrder(CardOrder),
}

/// What an answer echoes wrongly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Echo {
    /// DE 4, minor units.
    pub amount_minor: Option<u64>,
    /// DE 49.
    pub currency: Option<Currency>,
    /// DE 42.
    pub merchant: Option<String>,
}

/// How an answer is spoilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformation {
    /// A frame of bytes that are no message.
    Noise,
    /// A frame whose length no frame may have.
    Length,
    /// A composite (DE 127) that breaks its own rules.
    Composite,
    /// The right answer under the wrong message type.
    Type,
}

/// Why a bank answers without having decided anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Busy {
    /// DE 39 = 91.
    Inoperative,
    /// DE 39 = 96.
    Malfunction,
}

impl Malformation {
    /// Every one with its name.
    pub(super) const NAMED: [(&'static str, Self); 4] =
        [("noise", Self::Noise), ("length", Self::Length), ("composite", Self::Composite), ("type", Self::Type)];
}

impl Busy {
    /// Every one by its response code.
    pub(super) const NAMED: [(&'static str, Self); 2] = [("91", Self::Inoperative), ("96", Self::Malfunction)];

    /// ISO 8583 DE 39.
    pub const fn response_code(self) -> &'static str {
        match self {
            Self::Inoperative => "91",
            Self::Malfunction => "96",
        }
    }
}

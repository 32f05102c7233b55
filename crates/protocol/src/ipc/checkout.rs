//! A payment on its way: where it stands, and the PIN pad that belongs to it.

use payment::{Amount, AttemptId, Method, RequestId};
use serde::{Deserialize, Serialize};

use super::{CardGesture, PinLayout};
use crate::error::{ErrorCode, MoneyMoved};

/// One application on a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationView {
    /// Its label, such as `VISA CREDIT`.
    pub label: String,
    /// Its scheme, such as `visa`.
    pub scheme: String,
}

/// What is being read of the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadPhase {
    /// Which applications there are.
    Directory,
    /// Opening one.
    Application,
    /// Telling it amount and place.
    Options,
    /// Its records.
    Records,
    /// Its cryptogram.
    Cryptogram,
}

/// Whether a card that was read is still needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardStay {
    /// It may be taken away.
    MayGo,
    /// It should stay in the slot until the bank has answered: the bank's answer goes back to the chip. Taking it
    /// away does not change the payment.
    ShouldStay,
}

/// Where a checkout stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum CheckoutStage {
    /// Waiting for a card on the reader.
    WaitingForCard,
    /// Reading the card: step `step` of `steps`.
    Reading {
        /// From 1.
        step: u8,
        /// How many there will be.
        steps: u8,
        /// What the step is.
        phase: ReadPhase,
    },
    /// The card has several applications; the person chooses.
    Choose {
        /// In the card's order of priority.
        applications: Vec<ApplicationView>,
    },
    /// The card is read; waiting for the PIN.
    Pin {
        /// Scheme and last four digits, such as `visa ••0050`.
        card_label: String,
        /// Whether the card may go.
        card: CardStay,
        /// How long the card had to be held, in ms.
        read_ms: u32,
    },
    /// Sealing card and PIN twice.
    Sealing,
    /// Sending to the payment server.
    Sending,
    /// The bank has it.
    AskingBank,
    /// The bank approved and the receipt verified.
    Paid {
        /// The attempt whose receipt is kept.
        attempt_id: AttemptId,
        /// ISO 8583 DE 38.
        approval_code: String,
        /// When the bank decided, ms since the Unix epoch.
        decided_ms: u64,
    },
    /// The bank has not answered. Do not pay again.
    Unknown {
        /// When it will be known or undone, at the latest; ms since the Unix epoch.
        deadline_ms: u64,
    },
    /// It ended without a payment, or must be looked at by a person.
    Refused {
        /// Why.
        code: ErrorCode,
        /// Whether money moved.
        money_moved: MoneyMoved,
        /// PIN tries left at the bank, after a wrong PIN.
        pin_tries_left: Option<u8>,
        /// Whether the same request can be tried again now.
        may_retry: bool,
    },
}

/// The running checkout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckoutView {
    /// The request being paid.
    pub request_id: RequestId,
    /// In which way.
    pub method: Method,
    /// How much.
    pub amount: Amount,
    /// Whom.
    pub payee: String,
    /// Where it stands.
    pub progress: CheckoutStage,
    /// The reader in use, once known.
    pub reader: Option<String>,
    /// How the card reached it, once it did.
    pub gesture: Option<CardGesture>,
    /// The attempt, once sealed.
    pub attempt_id: Option<AttemptId>,
    /// The bank or operator it is sealed to, by the name its root certified, once it is.
    #[serde(default)]
    pub asked: Option<String>,
    /// The last reading problem while still waiting for a card, such as `card_removed`.
    pub notice: Option<ErrorCode>,
}

/// One key of a PIN pad.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinKeyView {
    /// The position to press.
    pub position: u8,
    /// A PNG as a `data:` URL that shows the digit; the window never learns which.
    pub image: Option<String>,
    /// The digit as text, with [`PinLayout::Standard`] only.
    pub label: Option<String>,
}

/// A PIN pad: ten keys in reading order, the last one alone in its row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinPadView {
    /// How the keys are laid out.
    pub layout: PinLayout,
    /// The keys.
    pub keys: Vec<PinKeyView>,
    /// The fewest digits.
    pub digits_min: u8,
    /// The most digits.
    pub digits_max: u8,
}

/// How much of the PIN is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinEntryView {
    /// How many digits.
    pub filled: u8,
    /// Whether that is enough to go on.
    pub complete: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_reads_well_on_the_wire() {
        let stage = CheckoutStage::Refused {
            code: ErrorCode::Declined(payment::DeclineCode::WrongPin),
            money_moved: MoneyMoved::No,
            pin_tries_left: Some(2),
            may_retry: true,
        };
        let json = serde_json::to_string(&stage).unwrap();
        assert!(json.contains(r#""stage":"refused","code":"declined_wrong_pin","money_moved":"no""#), "{json}");
        assert_eq!(serde_json::from_str::<CheckoutStage>(&json).unwrap(), stage);
    }
}

//! How the person confirmed a payment, as far as this window saw it: with a PIN, or on the device that is the card.

use protocol::ipc::{CardStay, CheckoutStage};

/// What was seen of the confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// Nothing: there is no payment, or the window opened in the middle of it.
    Unseen,
    /// The card is being waited for, read or asked.
    AtCard,
    /// The PIN is, or was, asked for.
    Pin(CardStay),
    /// No PIN was asked for after the card was read: a phone or watch had its owner confirm.
    OnDevice,
}

impl Confirmation {
    /// What is known at a stage, given what was known before it.
    pub const fn at(self, stage: Option<&CheckoutStage>) -> Self {
        match stage {
            Some(CheckoutStage::WaitingForCard | CheckoutStage::Reading { .. } | CheckoutStage::Choose { .. }) => {
                Self::AtCard
            }
            Some(CheckoutStage::Pin { card, .. }) => Self::Pin(*card),
            Some(CheckoutStage::Sealing | CheckoutStage::Sending | CheckoutStage::AskingBank) => match self {
                Self::AtCard => Self::OnDevice,
                Self::Unseen | Self::Pin(_) | Self::OnDevice => self,
            },
            Some(CheckoutStage::Paid { .. } | CheckoutStage::Unknown { .. } | CheckoutStage::Refused { .. }) | None => {
                Self::Unseen
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::ipc::ReadPhase;

    use super::*;

    fn after(stages: &[CheckoutStage]) -> Confirmation {
        stages.iter().fold(Confirmation::Unseen, |known, stage| known.at(Some(stage)))
    }

    const READING: CheckoutStage = CheckoutStage::Reading { step: 5, steps: 5, phase: ReadPhase::Cryptogram };

    fn pin(card: CardStay) -> CheckoutStage {
        CheckoutStage::Pin { card_label: "visa ••0050".to_owned(), card, read_ms: 400 }
    }

    #[test]
    fn a_payment_without_a_pin_was_confirmed_on_the_device() {
        assert_eq!(after(&[READING, CheckoutStage::Sealing]), Confirmation::OnDevice);
        assert_eq!(after(&[READING, CheckoutStage::Sealing, CheckoutStage::AskingBank]), Confirmation::OnDevice);
    }

    #[test]
    fn a_pin_and_whether_the_card_stays_are_remembered_until_the_result() {
        let stay = pin(CardStay::ShouldStay);
        assert_eq!(after(&[READING, stay.clone(), CheckoutStage::Sending]), Confirmation::Pin(CardStay::ShouldStay));
        assert_eq!(after(&[stay, CheckoutStage::Unknown { deadline_ms: 1 }]), Confirmation::Unseen);
    }

    #[test]
    fn a_window_opened_in_the_middle_claims_nothing() {
        assert_eq!(after(&[CheckoutStage::AskingBank]), Confirmation::Unseen);
    }
}

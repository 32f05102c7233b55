//! Paying on a phone bill: its PIN is typed on the pad, then it is sealed as everything that stands in a card's place.

use envelope::{Pin, SecretBytes};
use protocol::ipc::{CardStay, CheckoutStage};
use tokio::sync::oneshot;

use super::means;
use super::run::{Plan, entered_pin};
use super::settle::End;
use crate::carrier::PhoneBill;
use crate::error::Result;
use crate::wallet::Wallet;

/// The most digits of a phone bill's PIN.
pub(super) const PIN_DIGITS_MAX: u8 = 8;

/// A bill that shall pay, once its PIN is typed.
pub(crate) struct BillWish {
    bill: PhoneBill,
    asked: Option<oneshot::Sender<Pin>>,
    entered: oneshot::Receiver<Pin>,
}

impl BillWish {
    /// On this bill.
    pub(crate) fn new(bill: PhoneBill) -> Self {
        let (asked, entered) = oneshot::channel();
        Self { bill, asked: Some(asked), entered }
    }

    /// The PIN is asked for, and there is no card that could stay or go.
    pub(super) fn first_stage(&self) -> CheckoutStage {
        CheckoutStage::Pin { card_label: self.bill.label(), card: CardStay::MayGo, read_ms: 0 }
    }

    /// Where the pad hands the PIN in.
    pub(super) fn asked(&mut self) -> Option<oneshot::Sender<Pin>> {
        self.asked.take()
    }
}

/// Waits for the PIN, and pays to the end. A wrong one is typed anew by whoever pays, so it is never sealed twice.
pub(super) async fn pay(wallet: &Wallet, plan: &Plan, wish: BillWish) -> Result<End> {
    let BillWish { bill, entered, .. } = wish;
    let pin = entered_pin(plan, entered).await?;
    let payable = bill.payable(SecretBytes::copy_of(pin.expose_ascii()))?;
    drop(pin);
    means::pay(wallet, plan, payable).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pad_takes_as_many_digits_as_are_sealed() {
        assert_eq!(usize::from(PIN_DIGITS_MAX), *envelope::means::carrier::PIN_LEN.end());
    }
}

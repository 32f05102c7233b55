//! The commands of a checkout, and what a start must ask about.

use payment::{AttemptId, Method, RequestId};
use protocol::ipc::{CheckoutStage, CheckoutView, PinEntryView, PinLayout, PinPadView, RequestPhase, RequestView};
use protocol::{ErrorCode, Problem};

use super::Wallet;
use crate::checkout::{AliasWish, BillWish, How, Payable, Trace, VoucherWish, settle};
use crate::error::{Result, WalletError};
use crate::inbox::VerifiedOrder;

#[allow(clippy::unused_async, reason = "every command is called alike, whether or not it waits")]
impl Wallet {
    /// Starts paying a request with a card: waits for the card on the reader.
    pub async fn checkout_start(
        &self,
        request_id: RequestId,
        reader: Option<String>,
    ) -> std::result::Result<CheckoutView, Problem> {
        self.checkout_start_traced(request_id, reader, Trace::silent()).await
    }

    /// The same, with times and sizes of every stage told to `trace`.
    pub async fn checkout_start_traced(
        &self,
        request_id: RequestId,
        reader: Option<String>,
        trace: Trace,
    ) -> std::result::Result<CheckoutView, Problem> {
        let order = self.payable(request_id, Method::Card).await?;
        // A payment needs the reader more than a look at a card does.
        self.core.reader_test.stop().await;
        let how = How::card(self, reader.as_deref())?;
        self.start(order, how, reader, trace).await
    }

    /// Starts paying a request with what stands in a card's place. Sealing begins at once, so it cannot be stopped.
    pub async fn checkout_pay(
        &self,
        request_id: RequestId,
        payable: Payable,
        trace: Trace,
    ) -> std::result::Result<CheckoutView, Problem> {
        let order = self.payable(request_id, payable.method()).await?;
        self.start(order, How::Means(payable), None, trace).await
    }

    /// Starts paying a request with a voucher. It can be stopped while its card, where one is needed, is waited for at the
    /// reader named, or at any.
    pub async fn checkout_pay_voucher(
        &self,
        request_id: RequestId,
        wish: VoucherWish,
        reader: Option<&str>,
        trace: Trace,
    ) -> std::result::Result<CheckoutView, Problem> {
        let order = self.payable(request_id, Method::Voucher).await?;
        let how = How::voucher(self, wish, reader)?;
        self.start(order, how, None, trace).await
    }

    /// Starts paying a request with a card that a vault keeps. The vault is asked at once, so it cannot be stopped.
    pub async fn checkout_pay_alias(
        &self,
        request_id: RequestId,
        wish: AliasWish,
        trace: Trace,
    ) -> std::result::Result<CheckoutView, Problem> {
        let order = self.payable(request_id, Method::Alias).await?;
        self.start(order, How::Alias(wish), None, trace).await
    }

    /// Starts paying a request on a phone bill: its PIN is asked for on the pad, and until it is typed it can be stopped.
    pub(crate) async fn checkout_pay_bill(
        &self,
        request_id: RequestId,
        wish: BillWish,
    ) -> std::result::Result<CheckoutView, Problem> {
        let order = self.payable(request_id, Method::Carrier).await?;
        self.start(order, How::Bill(wish), None, Trace::silent()).await
    }

    /// The verified order of a request that may be paid now, and this way.
    pub(crate) async fn payable(
        &self,
        request_id: RequestId,
        method: Method,
    ) -> std::result::Result<VerifiedOrder, Problem> {
        let order = self.verified(request_id).await?;
        order.require(method)?;
        self.require_accepted(request_id).await?;
        self.require_payable(request_id).await?;
        Ok(order)
    }

    async fn start(
        &self,
        order: VerifiedOrder,
        how: How,
        reader: Option<String>,
        trace: Trace,
    ) -> std::result::Result<CheckoutView, Problem> {
        let started = self.core.checkout.start(self, order, how, reader, trace)?;
        // Whoever closes the lock looks for a payment after it said so: one of the two sees the other.
        if let Err(problem) = self.unlocked() {
            let _ = self.core.checkout.stop().await;
            return Err(problem);
        }
        Ok(started)
    }

    /// Refuses to pay what is paid, being paid or in doubt, here or elsewhere, or has ended: in the server's own words.
    pub(crate) async fn require_payable(&self, request_id: RequestId) -> Result<()> {
        let code = match self.view_of(request_id).await?.phase {
            RequestPhase::Open | RequestPhase::Postponed => return Ok(()),
            RequestPhase::Paying | RequestPhase::Unknown => ErrorCode::RequestInFlight,
            RequestPhase::Paid => ErrorCode::RequestAlreadyPaid,
            RequestPhase::Rejected => ErrorCode::RequestRejected,
            RequestPhase::Cancelled => ErrorCode::RequestCancelled,
            RequestPhase::Expired => ErrorCode::RequestExpired,
            RequestPhase::Closed => ErrorCode::RequestClosed,
        };
        Err(WalletError::Code(code))
    }

    /// The request that a receipt is of, as it stands now.
    pub async fn request_of_receipt(&self, attempt_id: AttemptId) -> std::result::Result<Option<RequestView>, Problem> {
        match self.core.store.request_of_attempt(attempt_id).await? {
            Some(request_id) => Ok(Some(self.view_of(request_id).await?)),
            None => Ok(None),
        }
    }

    /// Chooses among several applications on the card.
    pub async fn checkout_choose(&self, index: usize) -> std::result::Result<CheckoutView, Problem> {
        Ok(self.core.checkout.choose(index)?)
    }

    /// A fresh PIN pad for the running checkout; clears what was entered.
    pub async fn pin_pad(&self, layout: PinLayout) -> std::result::Result<PinPadView, Problem> {
        Ok(self.core.checkout.pin_pad(layout)?)
    }

    /// Presses the key at a position.
    pub async fn pin_press(&self, position: u8) -> std::result::Result<PinEntryView, Problem> {
        Ok(self.core.checkout.pin_press(position)?)
    }

    /// Takes the last digit back.
    pub async fn pin_erase(&self) -> std::result::Result<PinEntryView, Problem> {
        Ok(self.core.checkout.pin_erase()?)
    }

    /// Ends PIN entry: seals, submits and waits for the bank.
    pub async fn pin_submit(&self) -> std::result::Result<CheckoutView, Problem> {
        Ok(self.core.checkout.pin_submit()?)
    }

    /// Ends PIN entry with a PIN from a keyboard the caller trusts, such as a terminal.
    pub async fn pin_submit_typed(&self, pin: envelope::Pin) -> std::result::Result<CheckoutView, Problem> {
        Ok(self.core.checkout.pin_submit_typed(pin)?)
    }

    /// Stops the checkout while nothing has been sent; afterwards it is refused.
    pub async fn checkout_stop(&self) -> std::result::Result<CheckoutView, Problem> {
        Ok(self.core.checkout.stop().await?)
    }

    /// Waits until the running checkout is no longer one of unknown outcome.
    pub(crate) async fn outcome(&self) {
        loop {
            let seq = self.core.changes.now().seq;
            let progress = self.core.checkout.view().map(|view| view.progress);
            if !matches!(progress, Some(CheckoutStage::Unknown { .. })) {
                return;
            }
            self.core.changes.wait(seq).await;
        }
    }

    /// Forgets a finished checkout.
    pub async fn checkout_done(&self) -> std::result::Result<Vec<RequestView>, Problem> {
        self.core.checkout.done()?;
        self.inbox().await
    }

    /// Asks the server about every attempt whose end is not known. Nothing is ever sent again from here.
    pub(crate) async fn recover(&self) -> Result<()> {
        let running: Option<AttemptId> = self.core.checkout.view().and_then(|view| view.attempt_id);
        for row in self.core.store.unsettled_attempts().await? {
            if Some(row.attempt_id) != running {
                settle::ask(self, &row).await?;
            }
        }
        Ok(())
    }
}

//! The commands about phone bills: enrolling in two steps, paying, forgetting, and looking a purchase up.

use std::time::Duration;

use payment::{AttemptId, ConfirmationNumber, PhoneNumber, RequestId};
use protocol::ipc::CheckoutView;
use protocol::ipc::carrier::{BillEntryView, PhoneBillView};
use protocol::ipc::means::TypedSecret;
use protocol::{ErrorCode, Problem};

use super::Wallet;
use super::means::{mistyped, without_gaps};
use crate::carrier::{BILL_LABEL, BillClaim, PhoneBill};
use crate::checkout::BillWish;
use crate::error::Result;

type Answer<T> = std::result::Result<T, Problem>;

/// How long what was typed to enrol is kept: the life of a code that was sent.
const CLAIM_LIFE: Duration = Duration::from_mins(15);

impl Wallet {
    /// The lines on whose bills this wallet pays.
    pub async fn bill_views(&self) -> Answer<Vec<PhoneBillView>> {
        Ok(self.bills().await?.iter().map(PhoneBill::view).collect())
    }

    /// Asks an operator for the code that enrols this wallet. What was typed waits here for a quarter of an hour at most.
    pub async fn bill_ask(
        &self,
        operator: String,
        number: String,
        name: String,
        pin: TypedSecret,
    ) -> Answer<BillEntryView> {
        let number: PhoneNumber = number.parse().map_err(|error| mistyped(&error))?;
        self.core.bill_desk.forget();
        let operator_name = self.operator_name(&operator).await?;
        let claim =
            BillClaim { operator, operator_name, number, name: name.trim().to_owned(), pin: without_gaps(&pin) };
        self.carrier_ask(&claim).await?;
        let view = entry_view(&claim);
        self.lay_down(|core| &core.bill_desk, claim, CLAIM_LIFE)?;
        Ok(view)
    }

    /// What was begun.
    #[allow(clippy::unused_async, reason = "every command is called alike, whether or not it waits")]
    pub async fn bill_entry(&self) -> Answer<Option<BillEntryView>> {
        Ok(self.core.bill_desk.with(|_, claim| entry_view(claim)))
    }

    /// Has another code sent.
    pub async fn bill_again(&self) -> Answer<BillEntryView> {
        let (turn, claim) = self.core.bill_desk.take().ok_or(ErrorCode::CheckoutNotReady)?;
        let asked = self.carrier_ask(&claim).await;
        let view = entry_view(&claim);
        self.core.bill_desk.put(turn, claim);
        asked.map(|()| view)
    }

    /// Enrols this wallet. After a code that was mistyped the claim stays; an operator that knows nobody so ends it.
    pub async fn bill_enrol(&self, code: TypedSecret) -> Answer<PhoneBillView> {
        let (turn, claim) = self.core.bill_desk.take().ok_or(ErrorCode::CheckoutNotReady)?;
        match self.carrier_enrol(&claim, without_gaps(&code)).await {
            Ok(bill) => Ok(bill.view()),
            Err(problem) => {
                if problem.code != ErrorCode::Declined(payment::DeclineCode::WrongSubscriber) {
                    self.core.bill_desk.put(turn, claim);
                }
                Err(problem)
            }
        }
    }

    /// Forgets what was begun.
    #[allow(clippy::unused_async, reason = "every command is called alike, whether or not it waits")]
    pub async fn bill_stop(&self) -> Answer<()> {
        self.core.bill_desk.forget();
        Ok(())
    }

    /// Pays on this bill no more.
    pub async fn bill_forget(&self, operator: String, number: String) -> Answer<Vec<PhoneBillView>> {
        let number: PhoneNumber = number.parse().map_err(|error| mistyped(&error))?;
        self.carrier_forget(&operator, &number).await?;
        self.bill_views().await
    }

    /// Starts paying a request on a bill.
    pub async fn bill_pay(&self, request_id: RequestId, operator: String, number: String) -> Answer<CheckoutView> {
        let number: PhoneNumber = number.parse().map_err(|error| mistyped(&error))?;
        let bill = self.bill_of(&operator, &number).await?;
        // Known before the PIN is asked for: nobody should type one for nothing.
        let keys = self.core.keys.refresh(&self.core.server).await?;
        keys.front(&operator).ok_or(ErrorCode::OperatorUnreachable)?;
        self.checkout_pay_bill(request_id, BillWish::new(bill)).await
    }

    /// The purchase of this wallet that a confirmation number is of. It is looked for in the receipts themselves.
    pub async fn bill_find(&self, confirmation: String) -> Answer<Option<AttemptId>> {
        let number: ConfirmationNumber = confirmation.parse().map_err(|error| mistyped(&error))?;
        Ok(self.purchase_of(&number).await?)
    }

    async fn purchase_of(&self, number: &ConfirmationNumber) -> Result<Option<AttemptId>> {
        let mut before = None;
        loop {
            let some = self.core.store.receipts_labelled(BILL_LABEL, before).await?;
            let Some((oldest, _)) = some.last() else { return Ok(None) };
            before = Some(*oldest);
            for (_, attempt_id) in some {
                // One that does not verify any more is no proof of anything.
                let Ok(receipt) = self.kept_receipt(attempt_id).await else { continue };
                if receipt.approval_code() == number.as_str() {
                    return Ok(Some(attempt_id));
                }
            }
        }
    }
}

fn entry_view(claim: &BillClaim) -> BillEntryView {
    BillEntryView { operator_name: claim.operator_name.clone(), number: claim.number.to_string() }
}

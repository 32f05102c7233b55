//! A code decides: the account it was ordered for pays, if the code is right for this order.

use envelope::means::code::TypedCode;
use payment::DeclineCode;

use super::{Authorization, Checked, Debited, Decided};
use crate::bank_front::error::BankError;
use crate::bank_front::{BankFront, code};
use crate::storage::DbConnection;

impl Authorization {
    pub(super) async fn decide_code(
        &self,
        db_tx: &mut DbConnection,
        front: &BankFront,
        checked: &Checked,
        typed: &TypedCode,
    ) -> Result<Decided, BankError> {
        // Only an order that its merchant signed can be what a code was ordered for.
        let Some(sealed) = self.profile.sealed() else {
            return Ok(self.decline(front, DeclineCode::OrderMismatch.into()));
        };
        if let Some(code) = self.asked.orders.decline {
            return Ok(self.decline(front, code.into()));
        }
        if !self.asked.payee.is_paid_in(self.asked.amount.currency()) {
            return Ok(self.decline(front, DeclineCode::DoNotHonour.into()));
        }
        let (order, attempt_id) = (&sealed.order, sealed.attempt_id);
        match code::spend(db_tx, &front.hsm, order, attempt_id, typed, self.now_ms).await? {
            Ok(spent) => {
                let from = Debited { account: &spent.account, pan_reference: None, issuer_answer: Vec::new() };
                self.approve(db_tx, checked, from).await
            }
            Err(refusal) => Ok(self.decline(front, refusal)),
        }
    }
}

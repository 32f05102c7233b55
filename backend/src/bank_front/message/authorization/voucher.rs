//! A voucher pays in a card's place: its books say which account is debited, count a wrong code, and ask for a card where
//! the amount is large.

use envelope::means::voucher::Voucher;
use payment::DeclineCode;

use super::{Authorization, Checked, Debited, Decided};
use crate::bank_front::BankFront;
use crate::bank_front::error::BankError;
use crate::bank_front::voucher::{self, Shown, Spending, TypedCode};
use crate::storage::DbConnection;

impl Authorization {
    /// Decides in the writer's step, so that of many tries at the last of a voucher one wins.
    pub(super) async fn decide_voucher(
        &self,
        db_tx: &mut DbConnection,
        front: &BankFront,
        checked: &Checked,
        presented: &Voucher,
    ) -> Result<Decided, BankError> {
        if let Some(code) = self.asked.orders.decline {
            return Ok(self.decline(front, code.into()));
        }
        let typed = match TypedCode::read(&front.hsm, &presented.customer_number, presented.code.expose()) {
            Ok(typed) => typed,
            Err(code) => return Ok(self.decline(front, code.into())),
        };
        let payee = self.asked.payee.account();
        match voucher::spend(db_tx, &typed, Shown::CodeAlone, payee, self.asked.amount, self.now_ms).await? {
            Spending::Refused(code) => Ok(self.decline(front, code.into())),
            Spending::From(_) if !self.asked.payee.is_paid_in(self.asked.amount.currency()) => {
                Ok(self.decline(front, DeclineCode::DoNotHonour.into()))
            }
            Spending::From(account) => {
                let from = Debited { account: &account, pan_reference: None, issuer_answer: Vec::new() };
                self.approve(db_tx, checked, from).await
            }
        }
    }
}

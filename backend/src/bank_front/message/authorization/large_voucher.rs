//! A voucher pays a large amount: card, personal code and signature first, then the voucher's own code.
//!
//! The order of the checks is the order of what each would tell a stranger. Without a right cryptogram nothing here is
//! asked. With it, a wrong PIN costs a try of the card and ends it there; so who has no card of the account that bought the
//! voucher, or not its PIN, learns nothing of the code and costs it no try. Who has the card and no code learns what every
//! payment by card tells: whether the PIN was right, at the same price.

use payment::DeclineCode;

use super::{Authorization, Checked, Debited, Decided};
use crate::bank_front::card::Card;
use crate::bank_front::decision::{Decision, Verdict, identify};
use crate::bank_front::error::BankError;
use crate::bank_front::hsm::ProvenVoucher;
use crate::bank_front::voucher::signer::{self, Evidence};
use crate::bank_front::voucher::{self, Shown, Spending, TypedCode};
use crate::bank_front::{BankFront, calendar};
use crate::storage::DbConnection;

impl Authorization {
    /// Decides in the writer's step: tries of card and voucher are counted where the money moves.
    pub(super) async fn decide_large_voucher(
        &self,
        db_tx: &mut DbConnection,
        front: &BankFront,
        checked: &Checked,
        proven: &ProvenVoucher,
    ) -> Result<Decided, BankError> {
        let refuse = |code: DeclineCode| Ok(self.decline(front, code.into()));
        // Only for an order that its merchant signed can a device have signed.
        let Some(sealed) = self.profile.sealed() else { return refuse(DeclineCode::OrderMismatch) };
        let Some(card) = Card::find(db_tx, &proven.card.pan_reference).await? else {
            return refuse(DeclineCode::UnknownCard);
        };
        let month_yymm = calendar::month_yymm(self.now_ms).ok_or(BankError::Range)?;
        let Decision { verdict, card_use } = identify(&card, &proven.card.presented, month_yymm);
        if let Some(card_use) = &card_use {
            card.store_use(db_tx, card_use).await?;
        }
        if let Some(code) = self.asked.orders.decline {
            return refuse(code);
        }
        if let Verdict::Decline(refusal) = verdict {
            return Ok(self.decline(front, refusal));
        }
        if !signer::may_sign(db_tx, &card.pan_reference, proven.signed.key()).await? {
            return refuse(DeclineCode::VoucherSignature);
        }
        let presented = &proven.voucher;
        let typed = match TypedCode::read(&front.hsm, &presented.customer_number, presented.code.expose()) {
            Ok(typed) => typed,
            Err(code) => return refuse(code),
        };
        let (shown, payee) = (Shown::CardOf(&card.account_id), self.asked.payee.account());
        match voucher::spend(db_tx, &typed, shown, payee, self.asked.amount, self.now_ms).await? {
            Spending::Refused(code) => refuse(code),
            Spending::From(_) if !self.asked.payee.is_paid_in(self.asked.amount.currency()) => {
                refuse(DeclineCode::DoNotHonour)
            }
            Spending::From(account) => {
                let evidence = Evidence {
                    attempt_id: sealed.attempt_id.to_string(),
                    number: presented.customer_number.clone(),
                    attempt_hash: proven.attempt_hash.to_string(),
                    card_hash: hex::encode(proven.card_hash),
                    device_key: proven.signed.key().to_base64url(),
                    signature: proven.signed.signature_base64url(),
                };
                signer::keep(db_tx, &card.pan_reference, &evidence, self.now_ms).await?;
                // The card shows who pays; what it may spend, and has spent, is another matter.
                let issuer_answer = proven.card.issuer_answer.approve.clone();
                self.approve(db_tx, checked, Debited { account: &account, pan_reference: None, issuer_answer }).await
            }
        }
    }
}

//! An alias decides: the card that a vault released pays, if vault, cardholder and card all allow it.

use payment::{Amount, DeclineCode};

use super::{Authorization, Checked, Debited, Decided};
use crate::bank_front::BankFront;
use crate::bank_front::alias::{self, Occasion};
use crate::bank_front::card::Card;
use crate::bank_front::decision::{Cardholder, Decision, Presented, Proof, Verdict, decide};
use crate::bank_front::error::BankError;
use crate::bank_front::hsm::ReleasedCard;
use crate::storage::DbConnection;

impl Authorization {
    pub(super) async fn decide_alias(
        &self,
        db_tx: &mut DbConnection,
        front: &BankFront,
        checked: &Checked,
        released: &ReleasedCard,
    ) -> Result<Decided, BankError> {
        let refuse = |code: DeclineCode| Ok(self.decline(front, code.into()));
        let occasion = Occasion {
            bank_id: &front.hsm.bank_id(),
            attempt_hash: released.attempt_hash,
            amount: self.asked.amount,
            now_ms: self.now_ms,
        };
        if let Err(code) = alias::believe(db_tx, &released.word, &occasion).await? {
            return refuse(code);
        }
        let Some(card) = Card::find(db_tx, &released.pan_reference).await? else {
            return refuse(DeclineCode::UnknownCard);
        };
        let vault_id = &released.word.release.vault_id;
        let Some(limit_minor) = alias::limit(db_tx, &card.pan_reference, vault_id).await? else {
            return refuse(DeclineCode::NotPermitted);
        };
        let presented = Presented {
            proof: Proof::Released {
                psn: released.psn,
                application: released.application.clone(),
                objection: released.objection,
                limit: Amount::new(limit_minor, card.currency),
            },
            expiry_yymm: released.expiry_yymm,
            cardholder: Cardholder::Vouched,
        };
        let now = self.circumstances(db_tx, &card).await?;
        let Decision { verdict, card_use } = decide(&card, &presented, &now);
        if let Some(card_use) = &card_use {
            card.store_use(db_tx, card_use).await?;
        }
        if let Some(code) = self.asked.orders.decline {
            return refuse(code);
        }
        match verdict {
            Verdict::Approve if !self.asked.payee.is_paid_in(self.asked.amount.currency()) => {
                refuse(DeclineCode::DoNotHonour)
            }
            Verdict::Approve => {
                let (account, pan_reference) = (&card.account_id, Some(card.pan_reference.clone()));
                self.approve(db_tx, checked, Debited { account, pan_reference, issuer_answer: Vec::new() }).await
            }
            Verdict::Decline(refusal) => Ok(self.decline(front, refusal)),
        }
    }
}

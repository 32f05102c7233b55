//! A card and its PIN checked at a terminal, 0100 with processing code 33: nothing is asked for, and no money is held.
//!
//! The card's counter and PIN tries are counted as in a payment. What was right lets the terminal's channel open one visit
//! ([`CardCheck`]); the message names it, so no secret goes back over this port.

use std::sync::Arc;

use iso8583::{Error, Message, Place};
use payment::{Amount, DeclineCode};

use super::presentment::ClearCard;
use super::{Asked, Fault, Sent};
use crate::bank_front::card::Card;
use crate::bank_front::channel::CardCheck;
use crate::bank_front::decision::{Cardholder, Circumstances, Decision, Proof, Verdict, decide};
use crate::bank_front::error::BankError;
use crate::bank_front::hsm::{Examined, Refused};
use crate::bank_front::message::authorization::answered_before;
use crate::bank_front::message::{DONE, Orders, refusal_of, response};
use crate::bank_front::{BankFront, account, calendar};
use crate::front::answer::amount;
use crate::storage::DbConnection;

/// Answers a 0100 or 0101 that asks for a check.
pub(super) async fn answer(front: &Arc<BankFront>, message: &Message) -> Result<Message, Fault> {
    let sent = Sent::read(front, message)?;
    if let Some(answer) = sent.answered_before(front, message).await? {
        return Ok(answer);
    }
    let card = ClearCard::read(message)?;
    if let Asked::Amount(_) = super::asked(message)? {
        return Err(Error::Content { place: Place::Element(4) }.into());
    }
    let nothing = amount(message).ok_or(Error::Content { place: Place::Element(49) })?;
    let now_ms = front.now_ms();
    let examined = card.examine(front, nothing, (&sent.acquirer, Orders::default()), now_ms);
    let check = Check { message: message.clone(), sent, examined, nothing };
    Ok(front.db.write(move |db_tx| Box::pin(async move { check.run(db_tx, now_ms).await })).await?)
}

struct Check {
    message: Message,
    sent: Sent,
    examined: Result<Examined, Refused>,
    nothing: Amount,
}

impl Check {
    async fn run(self, db_tx: &mut DbConnection, now_ms: i64) -> Result<Message, BankError> {
        let Sent { reference, message_hash, .. } = &self.sent;
        if let Some(answer) = answered_before(db_tx, &self.message, reference, message_hash).await? {
            return Ok(answer);
        }
        let answer = match self.check(db_tx, now_ms).await? {
            Ok(()) => response(&self.message, DONE)?,
            Err(code) => refusal_of(&self.message, code)?,
        };
        self.sent.store_answer(db_tx, answer, now_ms).await
    }

    async fn check(&self, db_tx: &mut DbConnection, now_ms: i64) -> Result<Result<(), DeclineCode>, BankError> {
        let examined = match &self.examined {
            Ok(examined) => examined,
            Err(refused) => return Ok(Err(refused.code)),
        };
        // A stripe can be copied, and a phone that verified its owner did not ask for the PIN.
        if !matches!(examined.presented.proof, Proof::Chip { .. }) {
            return Ok(Err(DeclineCode::ChipRequired));
        }
        if matches!(examined.presented.cardholder, Cardholder::Device | Cardholder::Unverified | Cardholder::Vouched) {
            return Ok(Err(DeclineCode::PinRequired));
        }
        let Some(card) = Card::find(db_tx, &examined.pan_reference).await? else {
            return Ok(Err(DeclineCode::UnknownCard));
        };
        let available = account::available(db_tx, &card.account_id).await?;
        let Decision { verdict, card_use } = decide(
            &card,
            &examined.presented,
            &Circumstances {
                amount: self.nothing,
                available: available.ok_or_else(|| BankError::NoAccount(card.account_id.to_string()))?,
                spent_today: self.nothing,
                payments_in_window: 0,
                month_yymm: calendar::month_yymm(now_ms).ok_or(BankError::Range)?,
            },
        );
        if let Some(card_use) = &card_use {
            card.store_use(db_tx, card_use).await?;
        }
        match verdict {
            Verdict::Approve => {
                CardCheck { reference: &self.sent.reference, account_id: &card.account_id }
                    .insert(db_tx, now_ms)
                    .await?;
                Ok(Ok(()))
            }
            Verdict::Decline(refusal) => Ok(Err(refusal.code)),
        }
    }
}

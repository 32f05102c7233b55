//! Inquiry by an ordinary client, 0600: what became of an original, by its state's name in DE 44.

use std::sync::Arc;

use iso8583::Message;
use payment::DeclineCode;

use super::Fault;
use crate::bank_front::BankFront;
use crate::bank_front::message::attempt::{State, StoredAttempt, StoredExchange};
use crate::bank_front::message::{DONE, refusal_of, response};

/// Answers a 0600 or a 0601: 00, the state in DE 44, and the approval code (DE 38) of what is approved or held.
pub(super) async fn answer(front: &Arc<BankFront>, message: &Message) -> Result<Message, Fault> {
    let acquirer = super::acquirer(message)?;
    let original = super::original(message, &acquirer)?;
    let mut connection = front.db.reader().acquire().await?;
    let attempt = StoredAttempt::find(&mut connection, &original, None).await?;
    let exchange = StoredExchange::find(&mut connection, &original).await?;
    let state = match (&attempt, &exchange) {
        (Some(attempt), _) if attempt.state != State::Tombstoned => attempt.state,
        // A refusal of card data that proved nothing bound no attempt.
        (_, Some(_)) => State::Declined,
        (_, None) => return Ok(refusal_of(message, DeclineCode::OriginalNotFound)?),
    };
    let told = response(message, DONE)?.with_text(44, state.as_str().to_uppercase());
    let approval_code = attempt.filter(|_| matches!(state, State::Approved | State::Held));
    Ok(match approval_code.and_then(|attempt| attempt.approval_code) {
        Some(approval_code) => told.with_text(38, approval_code),
        None => told,
    })
}

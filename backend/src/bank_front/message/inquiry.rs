//! Inquiry, 0600: what became of an original? Asking changes nothing.

use iso8583::Message;
use iso8583::private::Composite;
use payment::AttemptId;
use payment::outcome::BankResult;

use super::attempt::{State, StoredAttempt, StoredExchange, outcome_of};
use super::{DONE, NOT_FOUND, Reference, format_error, response, response_with};
use crate::bank_front::BankFront;
use crate::bank_front::error::BankError;

/// Answers a 0600.
///
/// An original that is still being decided is not found: should the asker then reverse it, the tombstone or
/// the undoing wins, whichever comes first.
pub(super) async fn answer(front: &BankFront, message: &Message) -> Result<Message, BankError> {
    let (Ok(reference), Ok(composite)) = (Reference::of_original(message), Composite::of(message)) else {
        return format_error(message);
    };
    let attempt_id = composite.attempt_id.map(AttemptId::from_bytes);
    let mut connection = front.db.reader().acquire().await?;
    let attempt = StoredAttempt::find(&mut connection, &reference, attempt_id).await?;
    if let Some(refund) = attempt.as_ref().filter(|attempt| attempt.is_signed_refund()) {
        let outcome = refund.outcome.clone();
        return response_with(message, DONE, &Composite { outcome, ..Composite::default() });
    }
    let stands = attempt.and_then(|attempt| match attempt.state {
        State::Approved | State::Held | State::Declined | State::Reversed | State::Expired => attempt.outcome,
        State::Tombstoned => None,
    });
    let exchange = StoredExchange::find(&mut connection, &reference).await?;
    let outcome = match (stands, &exchange) {
        (Some(outcome), _) => Some(outcome),
        // A refusal that bound no attempt, such as that of a late original, is told from its answer.
        (None, Some(exchange)) => Composite::of(&exchange.answer)?.outcome,
        (None, None) => None,
    };
    let Some(outcome) = outcome else { return response(message, NOT_FOUND) };
    let decision = outcome_of(&outcome)?.decision;
    let told = response_with(message, DONE, &Composite { outcome: Some(outcome), ..Composite::default() })?;
    // The card may still be in its slot, waiting for what the lost answer said.
    let for_the_card = exchange.and_then(|exchange| exchange.answer.binary(55).ok().map(<[u8]>::to_vec));
    let with_card = |told: Message| match for_the_card {
        Some(icc_data) => told.with_binary(55, icc_data),
        None => told,
    };
    Ok(match decision {
        BankResult::Approved { approval_code } => with_card(told.with_text(38, approval_code)),
        BankResult::Declined { .. } => with_card(told),
        BankResult::Reversed => told,
    })
}

//! Messages in, answers out: what each ISO 8583 message type makes the operator do. `docs/iso8583.md` is the profile, the
//! sealed port's.

use std::sync::Arc;

use iso8583::private::Composite;
use iso8583::{Message, Mti, Spec, network};
use payment::AttemptId;
use payment::outcome::BankResult;

use super::CarrierFront;
use super::error::CarrierError;
use super::purchase::{Decided, Purchase, PurchaseState, Question};
use crate::front::answer::{format_error, response, response_with};
use crate::front::{Reference, SealedRequest};
use crate::storage::DbConnection;

mod enrolment;
mod refund;
mod reversal;
mod totals;

/// DE 39: done, or told.
const DONE: &str = "00";
/// DE 39: this front does not do that.
const NOT_SUPPORTED: &str = "12";
/// DE 39: the original is not known.
const NOT_FOUND: &str = "25";
/// Processing code (DE 3): money back to the account it came from.
const REFUND: &str = "200000";

/// The answer, or none when the operator could not do its work: after a failed commit a refusal would be a guess.
pub async fn answer(front: &Arc<CarrierFront>, message: &Message) -> Option<Message> {
    let answered = match message.mti().original() {
        other if other.is_answer() => return None,
        Mti::NETWORK_REQUEST => network(front, message),
        Mti::FINANCIAL_REQUEST if message.text(3) == Ok(REFUND) => refund::answer(front, message).await,
        Mti::FINANCIAL_REQUEST => purchase(front, message).await,
        Mti::AUTHORIZATION_REQUEST => enrolment::answer(front, message).await,
        Mti::REVERSAL_REQUEST | Mti::REVERSAL_ADVICE => reversal::answer(front, message).await,
        Mti::INQUIRY => inquiry(front, message).await,
        Mti::RECONCILIATION_REQUEST | Mti::RECONCILIATION_ADVICE => totals::answer(front, message).await,
        _ => response(message, NOT_SUPPORTED).map_err(CarrierError::from),
    };
    answered
        .inspect_err(|error| {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::error!(mti = %message.mti(), %error, cause, "a message is not answered");
        })
        .ok()
}

/// 0800: sign-on and echo are answered with the operator's certificate.
fn network(front: &CarrierFront, message: &Message) -> Result<Message, CarrierError> {
    Ok(match message.text(70) {
        Ok(network::SIGN_ON | network::ECHO) => {
            let certificate = front.keys.certificate(front.now_ms())?.to_string();
            response_with(message, DONE, &Composite { bank_certificate: Some(certificate), ..Composite::default() })?
        }
        Ok(network::SIGN_OFF) => response(message, DONE)?,
        Ok(_) => response(message, NOT_SUPPORTED)?,
        Err(_) => format_error(message)?,
    })
}

/// 0200: put something on a bill.
async fn purchase(front: &Arc<CarrierFront>, message: &Message) -> Result<Message, CarrierError> {
    let (Ok(request), Ok(composite)) = (SealedRequest::read(message), Composite::of(message)) else {
        return Ok(format_error(message)?);
    };
    let (Some(order_jws), Some(wallet_nonce)) = (composite.order, composite.wallet_nonce) else {
        return Ok(format_error(message)?);
    };
    let now_ms = front.now_ms();
    let opened = request.check_order(message, &front.merchants, now_ms).and_then(|merchant| {
        let carrier = front.keys.open(&request.capsule, request.attempt_hash.as_bytes(), now_ms)?;
        Ok((merchant.currency, carrier))
    });
    let acquirer = message.text(32).ok().map(str::to_owned);
    let question = Question { request, order_jws, wallet_nonce, acquirer, opened, now_ms };
    let (writing, message) = (Arc::clone(front), message.clone());
    front
        .db
        .write(move |db_tx| {
            Box::pin(async move {
                let SealedRequest { reference, message_hash, .. } = &question.request;
                if let Some(answer) = answered_before(db_tx, &message, reference, message_hash).await? {
                    return Ok(answer);
                }
                let decided: Decided = question.decide(db_tx, &writing).await?;
                let certificate = || Ok(writing.keys.certificate(question.now_ms)?.to_string());
                let answer = decided.answer(&message, certificate)?;
                keep_answer(db_tx, reference, message_hash, &answer, question.now_ms).await?;
                Ok(answer)
            })
        })
        .await
}

/// 0600: what became of an original? Asking changes nothing.
async fn inquiry(front: &CarrierFront, message: &Message) -> Result<Message, CarrierError> {
    let (Ok(reference), Ok(composite)) = (Reference::of_original(message), Composite::of(message)) else {
        return Ok(format_error(message)?);
    };
    let mut connection = front.db.reader().acquire().await?;
    if let Some(outcome) = refund::outcome_of(&mut connection, &reference).await? {
        return Ok(response_with(message, DONE, &Composite { outcome: Some(outcome), ..Composite::default() })?);
    }
    let attempt_id = composite.attempt_id.map(AttemptId::from_bytes);
    let found = Purchase::find(&mut connection, &reference, attempt_id).await?;
    let stands = found.filter(|found| found.state != PurchaseState::Tombstoned).and_then(|found| found.outcome);
    // A refusal that bound no attempt, such as that of a late original, is told from its answer.
    let outcome = match (stands, stored_answer(&mut connection, &reference).await?) {
        (Some(outcome), _) => Some(outcome),
        (None, Some((_, answer))) => Composite::of(&answer)?.outcome,
        (None, None) => None,
    };
    let Some(outcome) = outcome else { return Ok(response(message, NOT_FOUND)?) };
    let decision = decision_of(&outcome)?;
    let told = response_with(message, DONE, &Composite { outcome: Some(outcome), ..Composite::default() })?;
    Ok(match decision {
        BankResult::Approved { approval_code } => told.with_text(38, approval_code),
        BankResult::Declined { .. } | BankResult::Reversed => told,
    })
}

fn decision_of(outcome: &str) -> Result<BankResult, CarrierError> {
    let stored = || CarrierError::Stored("purchase.outcome");
    let payload = envelope::jws::peek_payload_unverified(outcome).map_err(|_| stored())?;
    Ok(payment::Outcome::from_canonical(&payload).ok_or_else(stored)?.decision)
}

/// The answer that a message got before, if it did. Another message under the same reference is a fault of the sender.
async fn answered_before(
    connection: &mut DbConnection,
    message: &Message,
    reference: &Reference,
    message_hash: &str,
) -> Result<Option<Message>, CarrierError> {
    Ok(match stored_answer(connection, reference).await? {
        Some((hash, answer)) if hash == message_hash => Some(answer),
        Some(_) => Some(format_error(message)?),
        None => None,
    })
}

async fn stored_answer(
    connection: &mut DbConnection,
    reference: &Reference,
) -> Result<Option<(String, Message)>, CarrierError> {
    let row: Option<(String, String)> =
        sqlx::query_as("SELECT message_hash, answer FROM exchange WHERE reference = $1")
            .bind(reference)
            .fetch_optional(connection)
            .await?;
    let Some((hash, answer)) = row else { return Ok(None) };
    let bytes = hex::decode(answer).map_err(|_| CarrierError::Stored("exchange.answer"))?;
    Ok(Some((hash, Message::unpack(&Spec::TAPSEAL, &bytes)?)))
}

/// Stores an answer before it leaves.
async fn keep_answer(
    db_tx: &mut DbConnection,
    reference: &Reference,
    message_hash: &str,
    answer: &Message,
    now_ms: i64,
) -> Result<(), CarrierError> {
    sqlx::query("INSERT INTO exchange (reference, message_hash, answer, answered_ms) VALUES ($1, $2, $3, $4)")
        .bind(reference)
        .bind(message_hash)
        .bind(hex::encode(answer.pack(&Spec::TAPSEAL)?))
        .bind(now_ms)
        .execute(db_tx)
        .await?;
    Ok(())
}

//! 0400 and 0420: an original is undone, or will never be. A reversal is the same however often it comes.

use std::sync::Arc;

use iso8583::Message;
use iso8583::private::Composite;
use payment::outcome::BankResult;
use payment::{AttemptId, Outcome, RequestId};

use super::{DONE, refund};
use crate::carrier_front::CarrierFront;
use crate::carrier_front::error::CarrierError;
use crate::carrier_front::ledger::Kind;
use crate::carrier_front::purchase::{Purchase, PurchaseState};
use crate::carrier_front::subscriber;
use crate::carrier_front::texting::{self, Said};
use crate::front::Reference;
use crate::front::answer::{format_error, response, response_with};
use crate::storage::DbConnection;

/// What a reversal names.
struct Reversal {
    reference: Reference,
    attempt_id: Option<AttemptId>,
    request_id: Option<RequestId>,
    acquirer: Option<String>,
}

pub(super) async fn answer(front: &Arc<CarrierFront>, message: &Message) -> Result<Message, CarrierError> {
    let (Ok(reference), Ok(composite)) = (Reference::of_original(message), Composite::of(message)) else {
        return Ok(format_error(message)?);
    };
    let reversal = Reversal {
        reference,
        attempt_id: composite.attempt_id.map(AttemptId::from_bytes),
        request_id: composite.request_id.map(RequestId::from_bytes),
        acquirer: message.text(32).ok().map(str::to_owned),
    };
    let writing = Arc::clone(front);
    let outcome =
        front.db.write(move |db_tx| Box::pin(async move { reverse(db_tx, &writing, &reversal).await })).await?;
    Ok(match outcome {
        Some(outcome) => response_with(message, DONE, &Composite { outcome: Some(outcome), ..Composite::default() })?,
        None => response(message, DONE)?,
    })
}

/// Undoes the original or makes sure it never happens; the word on it, if there is one.
async fn reverse(
    db_tx: &mut DbConnection,
    front: &CarrierFront,
    reversal: &Reversal,
) -> Result<Option<String>, CarrierError> {
    // What a merchant signed to give back stays given back: it is asked for again, never undone.
    if let Some(outcome) = refund::outcome_of(db_tx, &reversal.reference).await? {
        return Ok(Some(outcome));
    }
    let now_ms = front.now_ms();
    let Some(purchase) = Purchase::find(db_tx, &reversal.reference, reversal.attempt_id).await? else {
        let Reversal { reference, attempt_id, request_id, .. } = reversal;
        Purchase::tombstone(db_tx, reference, *attempt_id, *request_id, now_ms).await?;
        return Ok(None);
    };
    match purchase.state {
        PurchaseState::Approved => undo(db_tx, front, &purchase, reversal.acquirer.as_deref(), now_ms).await.map(Some),
        PurchaseState::Declined | PurchaseState::Reversed => Ok(purchase.outcome),
        PurchaseState::Tombstoned => Ok(None),
    }
}

/// Takes it off the bill, as far as a refund has not done so already.
async fn undo(
    db_tx: &mut DbConnection,
    front: &CarrierFront,
    purchase: &Purchase,
    acquirer: Option<&str>,
    now_ms: i64,
) -> Result<String, CarrierError> {
    let left = purchase.left(db_tx).await?;
    if left.minor() > 0 {
        purchase.give_back(db_tx, Kind::Reversal, left, acquirer, now_ms).await?;
    }
    let outcome = front.keys.sign_outcome(&Outcome {
        decision: BankResult::Reversed,
        decided_ms: u64::try_from(now_ms).unwrap_or_default(),
        ..purchase.outcome()?
    });
    purchase.undo(db_tx, &outcome, now_ms).await?;
    if let Some(asked) = &purchase.asked
        && let Some(id) = &asked.subscriber_id
        && let Some(subscriber) = subscriber::find_by_id(db_tx, id).await?
    {
        let said = Said::Undone { amount: asked.amount, payee: &asked.payee_name };
        texting::queue(db_tx, &subscriber, &said.text(front.keys.operator_name()), now_ms).await?;
    }
    Ok(outcome)
}

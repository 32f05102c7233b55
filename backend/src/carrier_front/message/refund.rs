//! 0200 with processing code 20: something is given back, by the order its merchant signed. It lowers the bill.

use std::sync::Arc;

use iso8583::Message;
use iso8583::private::Composite;
use payment::refund::REFUND_VERSION;
use payment::{Amount, ConfirmationNumber, DeclineCode, RefundOutcome, RefundResult};

use super::{DONE, answered_before, keep_answer};
use crate::carrier_front::CarrierFront;
use crate::carrier_front::error::CarrierError;
use crate::carrier_front::ledger::Kind;
use crate::carrier_front::purchase::{Purchase, PurchaseState};
use crate::carrier_front::subscriber;
use crate::carrier_front::texting::{self, Said};
use crate::front::answer::{format_error, response_with};
use crate::front::{Reference, SignedRefund};
use crate::storage::DbConnection;

/// Answers a 0200 or a 0201 that asks for a refund.
pub(super) async fn answer(front: &Arc<CarrierFront>, message: &Message) -> Result<Message, CarrierError> {
    let Ok(refund) = SignedRefund::read(message) else {
        return Ok(format_error(message)?);
    };
    let checked = refund.check(message, &front.merchants);
    let (writing, message) = (Arc::clone(front), message.clone());
    front.db.write(move |db_tx| Box::pin(run(db_tx, refund, writing, message, checked))).await
}

/// The word on the refund that a message with this reference asked for.
pub(super) async fn outcome_of(
    connection: &mut DbConnection,
    reference: &Reference,
) -> Result<Option<String>, CarrierError> {
    let outcome = sqlx::query_scalar("SELECT outcome FROM refund WHERE reference = $1")
        .bind(reference)
        .fetch_optional(connection)
        .await?;
    Ok(outcome)
}

async fn run(
    db_tx: &mut DbConnection,
    refund: SignedRefund,
    front: Arc<CarrierFront>,
    message: Message,
    checked: Result<(), DeclineCode>,
) -> Result<Message, CarrierError> {
    let now_ms = front.now_ms();
    let SignedRefund { reference, message_hash, .. } = &refund;
    if let Some(answer) = answered_before(db_tx, &message, reference, message_hash).await? {
        return Ok(answer);
    }
    let told_before: Option<String> = match checked {
        Ok(()) => {
            sqlx::query_scalar("SELECT outcome FROM refund WHERE refund_id = $1")
                .bind(refund.order.refund_id.to_string())
                .fetch_optional(&mut *db_tx)
                .await?
        }
        Err(_) => None,
    };
    let answer = if let Some(outcome) = told_before {
        // Another message about a refund that was decided: the word on it stands, and there is no second.
        let composite = Composite { outcome: Some(outcome), ..Composite::default() };
        response_with(&message, DeclineCode::Replay.response_code(), &composite)?
    } else {
        let acquirer = message.text(32).ok();
        let (decision, purchase) = match checked {
            Ok(()) => give_back(db_tx, &front, &refund, acquirer, now_ms).await?,
            Err(code) => (RefundResult::Refused { code }, None),
        };
        let outcome = word(&front, &refund, decision.clone(), now_ms);
        if checked.is_ok() {
            insert(db_tx, &refund, &decision, purchase.as_ref(), &outcome, now_ms).await?;
        }
        let composite = Composite { outcome: Some(outcome), ..Composite::default() };
        match decision {
            RefundResult::Refunded { approval_code } => {
                response_with(&message, DONE, &composite)?.with_text(38, approval_code)
            }
            RefundResult::Refused { code } => {
                let reason = Some(code.as_str().to_owned());
                response_with(&message, code.response_code(), &Composite { reason, ..composite })?
            }
        }
    };
    keep_answer(db_tx, reference, message_hash, &answer, now_ms).await?;
    Ok(answer)
}

/// Takes it off the bill, or says why not; and the purchase, where there is one that fits.
async fn give_back(
    db_tx: &mut DbConnection,
    front: &CarrierFront,
    refund: &SignedRefund,
    acquirer: Option<&str>,
    now_ms: i64,
) -> Result<(RefundResult, Option<Reference>), CarrierError> {
    let refused = |code| RefundResult::Refused { code };
    if Purchase::find(db_tx, &refund.reference, None).await?.is_some() {
        // Reversed before it arrived.
        return Ok((refused(DeclineCode::AlreadyReversed), None));
    }
    let found = Purchase::find_attempt(db_tx, refund.attempt_id).await?;
    let Some(purchase) = found.filter(|purchase| is_of(refund, purchase)) else {
        return Ok((refused(DeclineCode::OriginalNotFound), None));
    };
    let reference = Some(purchase.reference.clone());
    match purchase.state {
        PurchaseState::Approved => {}
        PurchaseState::Declined => return Ok((refused(DeclineCode::OriginalNotFound), reference)),
        PurchaseState::Reversed | PurchaseState::Tombstoned => {
            return Ok((refused(DeclineCode::AlreadyReversed), reference));
        }
    }
    let (left, wanted) = (purchase.left(db_tx).await?, refund.order.amount);
    if left.currency() != wanted.currency() {
        return Ok((refused(DeclineCode::InvalidAmount), reference));
    }
    if wanted.minor() > left.minor() {
        return Ok((refused(DeclineCode::AboveOriginal), reference));
    }
    purchase.give_back(db_tx, Kind::Refund, wanted, acquirer, now_ms).await?;
    tell(db_tx, front, &purchase, wanted, now_ms).await?;
    let approval_code = ConfirmationNumber::from_random(&crate::keys::random()).to_string();
    Ok((RefundResult::Refunded { approval_code }, reference))
}

async fn tell(
    db_tx: &mut DbConnection,
    front: &CarrierFront,
    purchase: &Purchase,
    amount: Amount,
    now_ms: i64,
) -> Result<(), CarrierError> {
    let Some(asked) = &purchase.asked else { return Ok(()) };
    let Some(id) = &asked.subscriber_id else { return Ok(()) };
    let Some(subscriber) = subscriber::find_by_id(db_tx, id).await? else { return Ok(()) };
    let said = Said::GivenBack { amount, payee: &asked.payee_name };
    texting::queue(db_tx, &subscriber, &said.text(front.keys.operator_name()), now_ms).await
}

/// Whether a stored purchase is the one this refund gives back of: by DE 90, and by what the operator signed about it.
fn is_of(refund: &SignedRefund, purchase: &Purchase) -> bool {
    refund.names(&purchase.reference)
        && purchase.outcome().is_ok_and(|outcome| {
            outcome.request_id == refund.order.request_id && outcome.merchant_id == refund.order.merchant_id
        })
}

/// The operator's word on this refund, with everything taken from what the operator itself derived, and signed.
fn word(front: &CarrierFront, refund: &SignedRefund, decision: RefundResult, now_ms: i64) -> String {
    front.keys.sign_refund_outcome(&RefundOutcome {
        version: REFUND_VERSION,
        bank_id: front.keys.operator_id().to_owned(),
        refund_id: refund.order.refund_id,
        refund_hash: refund.refund_hash,
        request_id: refund.order.request_id,
        attempt_id: refund.attempt_id,
        merchant_id: refund.order.merchant_id.clone(),
        amount: refund.order.amount,
        decision,
        rrn: refund.rrn.clone(),
        decided_ms: u64::try_from(now_ms).unwrap_or_default(),
    })
}

async fn insert(
    db_tx: &mut DbConnection,
    refund: &SignedRefund,
    decision: &RefundResult,
    purchase: Option<&Reference>,
    outcome: &str,
    now_ms: i64,
) -> Result<(), CarrierError> {
    sqlx::query(
        "INSERT INTO refund (refund_id, reference, purchase, amount_minor, is_made, outcome, decided_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(refund.order.refund_id.to_string())
    .bind(&refund.reference)
    .bind(purchase)
    .bind(refund.order.amount.minor())
    .bind(i64::from(matches!(decision, RefundResult::Refunded { .. })))
    .bind(outcome)
    .bind(now_ms)
    .execute(db_tx)
    .await?;
    Ok(())
}

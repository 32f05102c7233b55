//! What the bank says to a card that is still in its slot, after the payment is decided and kept.
//!
//! Nothing here can change the payment: an answer the card does not believe, a card that was taken away or does not
//! answer are told to whoever looks, and that is all.

use std::time::{Duration, Instant};

use emv::{CompletionResult, CryptogramKind, IssuerAnswer, IssuerAuthentication, OnlineDecision};
use payment::AttemptId;
use protocol::wallet_api::AttemptView;
use serde_json::{Value, json};

use super::Trace;
use crate::card::InsertedCard;
use crate::error::Result;

/// How long telling the card may take. A person waits for the result meanwhile.
const CARD_WAIT: Duration = Duration::from_secs(5);
/// Script results begin with this half when the script was performed to its end (Book 4 annex A5).
const SCRIPT_PERFORMED: u8 = 0x2;

/// Tells the card what the bank decided, if the bank said anything to it, and lets go of it.
pub(super) async fn tell(card: InsertedCard, view: &AttemptView, decision: OnlineDecision, trace: &Trace) {
    let Some(answer) = answer_of(view, decision) else {
        // Letting go blocks for a moment. Whatever comes of it, the payment is decided.
        let _ = tokio::task::spawn_blocking(move || card.release()).await;
        return;
    };
    let started = Instant::now();
    let told = tokio::task::spawn_blocking(move || card.complete(&answer, started + CARD_WAIT)).await;
    let facts = match told {
        Ok(outcome) => facts(&outcome, decision, view.attempt_id),
        Err(_) => json!({ "trouble": "the card's thread ended" }),
    };
    trace.tell("card_told", started.elapsed(), facts);
}

/// The bank's answer, when there is one that can be read.
fn answer_of(view: &AttemptView, decision: OnlineDecision) -> Option<IssuerAnswer> {
    let icc_data = hex::decode(view.icc_response.as_ref()?);
    let answer = icc_data.ok().and_then(|icc_data| IssuerAnswer::from_icc_data(decision, &icc_data).ok());
    if answer.is_none() {
        tracing::warn!(attempt = %view.attempt_id, "what the bank says to the card cannot be read");
    }
    let code = view.state.decline_code().map(payment::DeclineCode::response_code);
    match (answer?, code.and_then(|code| <[u8; 2]>::try_from(code.as_bytes()).ok())) {
        (answer, Some(code)) => Some(answer.with_response_code(code)),
        (answer, None) => Some(answer),
    }
}

/// What came of it, for the trace; and a line in the log when the card did not do as its bank said.
fn facts(outcome: &Result<CompletionResult>, decision: OnlineDecision, attempt_id: AttemptId) -> Value {
    let result = match outcome {
        Ok(result) => result,
        Err(error) => {
            tracing::info!(attempt = %attempt_id, %error, "the card was not told; the payment stands as decided");
            return json!({ "trouble": error.code().as_str() });
        }
    };
    let kind = result.cryptogram.as_ref().map(|cryptogram| cryptogram.kind);
    if decision == OnlineDecision::Approved && kind != Some(CryptogramKind::Tc) {
        tracing::warn!(attempt = %attempt_id, "the card did not follow its bank's approval; the payment stands");
    }
    let performed = result.script_results.iter().filter(|result| result[0] >> 4 == SCRIPT_PERFORMED).count();
    json!({
        "cryptogram": kind.map(|kind| match kind {
            CryptogramKind::Tc => "tc",
            CryptogramKind::Arqc => "arqc",
            CryptogramKind::Aac => "aac",
        }),
        "issuer_authentication": match result.issuer_authentication {
            IssuerAuthentication::NotPerformed => "not_performed",
            IssuerAuthentication::Passed => "passed",
            IssuerAuthentication::Failed => "failed",
            IssuerAuthentication::WithCryptogram => "with_cryptogram",
        },
        "scripts": result.script_results.len(),
        "scripts_performed": performed,
        "exchanges": result.exchanges,
        "trouble": result.trouble.as_ref().map(emv::CardError::code),
    })
}

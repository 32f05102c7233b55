//! Sending a sealed attempt, and staying with it until its end is known or the person need not wait.

use std::time::{Duration, Instant};

use protocol::ipc::CheckoutStage;
use protocol::wallet_api::AttemptView;
use protocol::{ErrorCode, Problem};
use serde_json::json;

use super::last_word;
use super::run::{Plan, Sealed, seal_outer};
use super::settle::{End, Step, UNKNOWN_FOR_MS, not_sent, refuse, take_in};
use crate::card::InsertedCard;
use crate::error::{Result, WalletError};
use crate::wallet::Wallet;

/// How long the same submission is repeated while its answer is lost.
const SUBMIT_TOTAL: Duration = Duration::from_secs(20);
/// The first wait between two tries.
const TRY_WAIT_MIN: Duration = Duration::from_millis(300);
/// The longest wait between two tries, or two questions.
const TRY_WAIT_MAX: Duration = Duration::from_secs(8);
/// After this long without an answer the bank is probably thinking.
const BANK_AFTER: Duration = Duration::from_millis(400);
/// How long an attempt is asked about before that is left to the next start.
const FOLLOW_TOTAL: Duration = Duration::from_hours(1);
/// How often the server must say that it never had the attempt, over about two seconds, before that is believed: what
/// was sent last may still be arriving.
const ABSENT_MIN: u32 = 3;
/// How often the outer seal is made anew because the server's key was retired.
const OUTER_RESEALS_MAX: u32 = 1;

/// What sending came to.
enum Sent {
    /// The server has it.
    Stored(Box<AttemptView>),
    /// The server refused it, and it never went to a bank.
    Refused(ErrorCode),
    /// It never left this device.
    Never,
    /// Nobody knows.
    Lost,
}

/// Sends the attempt and follows it; tells the card in the slot what its bank said.
pub(super) async fn submit(
    wallet: &Wallet,
    plan: &Plan,
    mut sealed: Sealed,
    inserted: Option<InsertedCard>,
) -> Result<End> {
    wallet.core.checkout.stage(plan.number, CheckoutStage::Sending);
    let started = Instant::now();
    let first = match send(wallet, plan, &mut sealed).await? {
        Sent::Stored(view) => Some(*view),
        Sent::Refused(code) => return refuse(wallet, &sealed.row, code).await,
        Sent::Never => return refuse(wallet, &sealed.row, ErrorCode::ServerUnreachable).await,
        Sent::Lost => None,
    };
    let exchange = first.as_ref().and_then(|view| view.exchange.clone());
    plan.trace.tell("bank", started.elapsed(), json!({ "exchange": exchange }));
    match follow(wallet, plan, &sealed, first, inserted).await {
        Ok(end) => Ok(end),
        // It was sent: whatever failed on this side, only the bank knows whether money moved.
        Err(error) => {
            tracing::warn!(attempt = %sealed.row.attempt_id, %error, "an attempt that was sent could not be followed");
            Ok(End::Unknown { deadline_ms: sealed.row.created_ms + UNKNOWN_FOR_MS })
        }
    }
}

/// Posts the same bytes until there is an answer. A lost answer is no reason to make another attempt.
async fn send(wallet: &Wallet, plan: &Plan, sealed: &mut Sealed) -> Result<Sent> {
    let deadline = Instant::now() + SUBMIT_TOTAL;
    let mut wait = TRY_WAIT_MIN;
    let mut lost = false;
    let mut reseals = 0;
    loop {
        match post(wallet, plan, sealed).await {
            Ok(view) => return Ok(Sent::Stored(Box::new(view))),
            Err(WalletError::NotReached) => {}
            Err(WalletError::Lost) => lost = true,
            Err(WalletError::Server(problem))
                if problem.code == ErrorCode::ServerKeyRetired && !lost && reseals < OUTER_RESEALS_MAX =>
            {
                reseals += 1;
                let keys = wallet.core.keys.refresh(&wallet.core.server).await?;
                (sealed.submission, _) = seal_outer(wallet, &keys, &sealed.routing)?;
                continue;
            }
            Err(WalletError::Server(problem)) if may_repeat(&problem) => {}
            Err(WalletError::Server(problem)) => return what_became(wallet, sealed, &problem, lost).await,
            Err(error) => return Err(error),
        }
        if Instant::now() + wait > deadline {
            return Ok(if lost { Sent::Lost } else { Sent::Never });
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(TRY_WAIT_MAX);
    }
}

/// One post; after a moment the person is told that the bank is being asked.
async fn post(wallet: &Wallet, plan: &Plan, sealed: &Sealed) -> Result<AttemptView> {
    let posting = wallet.core.server.submit(sealed.row.request_id, &sealed.submission);
    tokio::pin!(posting);
    tokio::select! {
        answer = &mut posting => return answer,
        () = tokio::time::sleep(BANK_AFTER) => wallet.core.checkout.stage(plan.number, CheckoutStage::AskingBank),
    }
    posting.await
}

/// Problems that say nothing about the attempt and go away by themselves.
fn may_repeat(problem: &Problem) -> bool {
    matches!(problem.code, ErrorCode::IdempotencyInProgress | ErrorCode::RateLimited)
}

/// What a refusal means. After a lost answer, or when the server itself failed, the attempt may be stored all the
/// same: only the server's word about this attempt id counts then.
async fn what_became(wallet: &Wallet, sealed: &Sealed, problem: &Problem, lost: bool) -> Result<Sent> {
    let failed = matches!(problem.code, ErrorCode::Internal | ErrorCode::Unavailable);
    if !lost && !failed {
        return Ok(Sent::Refused(problem.code));
    }
    match wallet.core.server.attempt(sealed.row.request_id, sealed.row.attempt_id).await {
        Ok(Some(view)) => Ok(Sent::Stored(Box::new(view))),
        Ok(None) => Ok(Sent::Refused(problem.code)),
        Err(error) => {
            tracing::warn!(%error, "it could not be learned what became of the attempt");
            Ok(Sent::Lost)
        }
    }
}

/// Asks about the attempt until its end is known. While the bank is silent the person is told not to wait, and a card
/// in its slot is let go: what it should be told is not known.
async fn follow(
    wallet: &Wallet,
    plan: &Plan,
    sealed: &Sealed,
    first: Option<AttemptView>,
    mut inserted: Option<InsertedCard>,
) -> Result<End> {
    let deadline = Instant::now() + FOLLOW_TOTAL;
    let mut wait = TRY_WAIT_MIN;
    let mut known = first.is_some();
    let mut absent = 0;
    let mut told = None;
    let mut view = first;
    if view.is_none() {
        drop(inserted.take());
        show_unknown(wallet, plan, sealed, None);
    }
    loop {
        if let Some(view) = &view {
            match take_in(wallet, &sealed.row, &sealed.order, view).await? {
                Step::Ended(end) => {
                    if let (Some(card), Some(decision)) = (inserted.take(), end.said_to_card()) {
                        last_word::tell(card, view, decision, &plan.trace).await;
                    }
                    return Ok(end);
                }
                Step::Unknown { deadline_ms } => {
                    drop(inserted.take());
                    show_unknown(wallet, plan, sealed, Some(deadline_ms));
                    // What is being done about it is told with the request.
                    if told.replace(view.state) != Some(view.state) {
                        wallet.core.changes.inbox_changed();
                    }
                }
                Step::AskingBank => wallet.core.checkout.stage(plan.number, CheckoutStage::AskingBank),
            }
        }
        if Instant::now() + wait > deadline {
            return Ok(End::Unknown { deadline_ms: sealed.row.created_ms + UNKNOWN_FOR_MS });
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(TRY_WAIT_MAX);
        view = match wallet.core.server.attempt(sealed.row.request_id, sealed.row.attempt_id).await {
            Ok(None) if !known => {
                absent += 1;
                if absent == ABSENT_MIN {
                    return not_sent(wallet, &sealed.row).await;
                }
                None
            }
            Ok(answer) => {
                known = known || answer.is_some();
                answer
            }
            Err(_) => None,
        };
    }
}

fn show_unknown(wallet: &Wallet, plan: &Plan, sealed: &Sealed, deadline_ms: Option<u64>) {
    let deadline_ms = deadline_ms.unwrap_or(sealed.row.created_ms + UNKNOWN_FOR_MS);
    wallet.core.checkout.stage(plan.number, CheckoutStage::Unknown { deadline_ms });
}

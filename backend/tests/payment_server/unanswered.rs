//! The bank is silent, late or gone, the server stops in between: what became of the attempt.

use iso8583::Mti;
use payment::{AttemptState, Order, RequestState};
use protocol::wallet_api::SubmitAttempt;
use tapseal::payment_server::Error;

use crate::bank::{OnFollowUp, OnPayment};
use crate::deployment::Deployment;
use crate::payer::Payer;
use crate::refused;

/// Submits to a bank that does not answer.
async fn unanswered(deployment: &Deployment, payer: &Payer, behaviour: OnPayment) -> (Order, SubmitAttempt) {
    use AttemptState::{Approved, Inquiring, NoAnswer, NotFound, Reversed, Reversing};
    deployment.bank.on_payment(behaviour);
    let order = deployment.requested().await;
    let attempt = payer.seal(&order).await;
    let view = payer.submit(&order, &attempt).await.unwrap();
    // Any of the states that an attempt without an answer goes through: the inquiry may have begun, or be through.
    assert!(
        matches!(view.state, NoAnswer | Inquiring | NotFound | Reversing | Reversed | Approved),
        "{:?}",
        view.state
    );
    (order, attempt)
}

async fn reaches(deployment: &Deployment, payer: &Payer, order: &Order, attempt: &SubmitAttempt, state: AttemptState) {
    deployment.eventually(async || (payer.attempt(order, attempt).await.unwrap().state == state).then_some(())).await;
}

#[tokio::test]
async fn an_attempt_the_bank_never_saw_is_reversed_and_the_request_reopens() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let (order, attempt) = unanswered(&deployment, &payer, OnPayment::Lose).await;
    reaches(&deployment, &payer, &order, &attempt, AttemptState::Reversed).await;
    assert_eq!(deployment.state(&order).await, RequestState::Seen);
    let events = deployment.events(&order).await;
    let attempts: Vec<&str> = events.iter().filter_map(|event| event.strip_prefix("attempt.")).collect();
    assert_eq!(attempts, ["forwarded", "no_answer", "inquiring", "not_found", "reversing", "reversed"]);

    let reversals = deployment.bank.messages(Mti::REVERSAL_ADVICE);
    let original = &deployment.bank.messages(Mti::FINANCIAL_REQUEST)[0];
    assert_eq!(reversals.len(), 1);
    assert_eq!(reversals[0].text(37).unwrap(), original.text(37).unwrap());
    let original_data = iso8583::OriginalData::parse(reversals[0].text(90).unwrap()).unwrap();
    assert_eq!(u64::from(original_data.stan), original.number(11).unwrap());
    assert_eq!(original_data.transmitted, original.text(7).unwrap());

    deployment.bank.on_payment(OnPayment::Approve);
    let again = payer.seal(&order).await;
    assert_eq!(payer.submit(&order, &again).await.unwrap().state, AttemptState::Approved);
    // The reversed attempt stays what it is.
    assert_eq!(payer.submit(&order, &attempt).await.unwrap().state, AttemptState::Reversed);
}

#[tokio::test]
async fn an_approval_that_was_not_heard_is_found_by_inquiry() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let (order, attempt) = unanswered(&deployment, &payer, OnPayment::ApproveUnheard).await;
    reaches(&deployment, &payer, &order, &attempt, AttemptState::Approved).await;
    assert_eq!(deployment.state(&order).await, RequestState::Paid { attempt_id: attempt.attempt_id });
    assert!(deployment.show(&order).await.outcome.is_some());
    assert!(deployment.bank.messages(Mti::REVERSAL_ADVICE).is_empty());
    assert_eq!(deployment.bank.messages(Mti::FINANCIAL_REQUEST).len(), 1);
}

#[tokio::test]
async fn an_approval_without_a_signature_moves_nothing_on_the_banks_word_alone() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let (order, attempt) = unanswered(&deployment, &payer, OnPayment::ApproveUnsigned).await;
    reaches(&deployment, &payer, &order, &attempt, AttemptState::Reversed).await;
    assert_eq!(deployment.state(&order).await, RequestState::Seen);
}

#[tokio::test]
async fn while_the_outcome_is_unknown_nobody_pays_again_and_nobody_cancels() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    deployment.bank.on_inquiry(OnFollowUp::Ignore);
    deployment.bank.ignore_reversals(usize::MAX);
    let (order, attempt) = unanswered(&deployment, &payer, OnPayment::Lose).await;
    let view = deployment.show(&order).await;
    assert_eq!(view.state, RequestState::OutcomeUnknown { attempt_id: attempt.attempt_id });
    assert!(view.deadline_ms.unwrap() > view.created_ms);
    assert!(payer.attempt(&order, &attempt).await.unwrap().deadline_ms.is_some());
    assert_eq!(payer.submit(&order, &payer.seal(&order).await).await, refused(409, "request_in_flight"));
    assert_eq!(deployment.cancel(&order).await, refused(409, "request_in_flight"));
    let rejected = payer.post(&format!("/v1/requests/{}/reject", order.request_id), &()).await;
    assert_eq!(rejected, refused(409, "request_in_flight"));
}

#[tokio::test]
async fn a_bank_silent_to_two_inquiries_gets_reversals_until_it_acknowledges() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    deployment.bank.on_inquiry(OnFollowUp::Ignore);
    deployment.bank.ignore_reversals(1);
    let (order, attempt) = unanswered(&deployment, &payer, OnPayment::ApproveUnheard).await;
    reaches(&deployment, &payer, &order, &attempt, AttemptState::Reversed).await;
    assert_eq!(deployment.bank.messages(Mti::INQUIRY).len(), 2);
    assert_eq!(deployment.bank.messages(Mti::REVERSAL_ADVICE).len(), 1);
    assert_eq!(deployment.bank.messages(Mti::REVERSAL_ADVICE_REPEAT).len(), 1);
    // The approval the bank undid comes with its signed word.
    assert!(payer.attempt(&order, &attempt).await.unwrap().outcome.is_some());
    assert_eq!(deployment.state(&order).await, RequestState::Seen);
}

#[tokio::test]
async fn an_approval_after_its_reversal_is_undone_again_and_both_sides_are_told() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let (order, attempt) = unanswered(&deployment, &payer, OnPayment::ApproveTooLate).await;
    // The late answer left the bank right behind the acknowledgement, on the same line.
    deployment.bank.has_seen(Mti::REVERSAL_ADVICE, 2).await;
    reaches(&deployment, &payer, &order, &attempt, AttemptState::Reversed).await;
    assert_eq!(deployment.state(&order).await, RequestState::Seen);
    let events = deployment.events(&order).await;
    let late = events.iter().position(|event| event == "attempt.late_approval").expect("the merchant is told");
    assert_eq!(
        events[late + 1..],
        ["attempt.reversing", "request.outcome_unknown", "attempt.reversed", "request.seen"]
    );
    // What the payer is told at the end rests on the bank's signed word.
    assert!(payer.attempt(&order, &attempt).await.unwrap().outcome.is_some());
    deployment.bank.on_payment(OnPayment::Approve);
    let again = payer.seal(&order).await;
    assert_eq!(payer.submit(&order, &again).await.unwrap().state, AttemptState::Approved);
}

#[tokio::test]
async fn while_a_late_approval_is_not_undone_nobody_pays_again() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let (order, attempt) = unanswered(&deployment, &payer, OnPayment::ApproveTooLate).await;
    deployment.bank.has_seen(Mti::REVERSAL_ADVICE, 1).await;
    deployment.bank.ignore_reversals(usize::MAX);
    deployment
        .eventually(async || {
            deployment.events(&order).await.iter().any(|event| event == "attempt.late_approval").then_some(())
        })
        .await;
    assert_eq!(deployment.state(&order).await, RequestState::OutcomeUnknown { attempt_id: attempt.attempt_id });
    assert_eq!(payer.attempt(&order, &attempt).await.unwrap().state, AttemptState::Reversing);
    assert_eq!(payer.submit(&order, &payer.seal(&order).await).await, refused(409, "request_in_flight"));
    deployment.bank.ignore_reversals(0);
    reaches(&deployment, &payer, &order, &attempt, AttemptState::Reversed).await;
}

#[tokio::test]
async fn a_late_approval_is_undone_after_a_restart_too() {
    let mut deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let (order, attempt) = unanswered(&deployment, &payer, OnPayment::ApproveTooLate).await;
    deployment.bank.has_seen(Mti::REVERSAL_ADVICE, 1).await;
    deployment.bank.ignore_reversals(usize::MAX);
    deployment.bank.has_seen(Mti::REVERSAL_ADVICE, 2).await;
    deployment.stop_server().await;
    deployment.bank.ignore_reversals(0);
    deployment.start_server().await;
    let payer = payer.moved_to(&deployment.base);
    reaches(&deployment, &payer, &order, &attempt, AttemptState::Reversed).await;
    assert_eq!(deployment.state(&order).await, RequestState::Seen);
}

#[tokio::test]
async fn an_outcome_past_its_deadline_is_told_of_and_never_decided() {
    let mut deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    deployment.stop_server().await;
    deployment.with_unknown_deadline(1_000);
    deployment.start_server().await;
    let payer = payer.moved_to(&deployment.base);
    deployment.bank.on_inquiry(OnFollowUp::Ignore);
    deployment.bank.ignore_reversals(usize::MAX);
    let (order, attempt) = unanswered(&deployment, &payer, OnPayment::ApproveUnheard).await;
    deployment
        .eventually(async || {
            deployment.events(&order).await.iter().any(|event| event == "attempt.taking_longer").then_some(())
        })
        .await;
    let view = deployment.show(&order).await;
    assert_eq!(view.state, RequestState::OutcomeUnknown { attempt_id: attempt.attempt_id });
    assert!(view.deadline_ms.unwrap() <= tapseal::clock::now_ms());
    deployment.bank.ignore_reversals(0);
    reaches(&deployment, &payer, &order, &attempt, AttemptState::Reversed).await;
    let told = deployment.events(&order).await.iter().filter(|event| *event == "attempt.taking_longer").count();
    assert_eq!(told, 1);
}

#[tokio::test]
async fn a_server_stopped_in_between_takes_up_what_it_left() {
    let mut deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    deployment.bank.on_inquiry(OnFollowUp::Ignore);
    let (approved, first) = unanswered(&deployment, &payer, OnPayment::ApproveUnheard).await;
    let (lost, second) = unanswered(&deployment, &payer, OnPayment::Lose).await;
    deployment.stop_server().await;
    deployment.bank.on_inquiry(OnFollowUp::Answer);
    deployment.start_server().await;
    let payer = payer.moved_to(&deployment.base);
    reaches(&deployment, &payer, &approved, &first, AttemptState::Approved).await;
    reaches(&deployment, &payer, &lost, &second, AttemptState::Reversed).await;
    assert_eq!(deployment.bank.messages(Mti::FINANCIAL_REQUEST).len(), 2);
    // The wallet that lost its answer gets it by submitting the same attempt again.
    assert_eq!(payer.submit(&approved, &first).await.unwrap().state, AttemptState::Approved);
}

#[tokio::test]
async fn an_attempt_reversed_after_its_requests_time_does_not_reopen_it() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    deployment.bank.on_payment(OnPayment::Lose);
    let order = Deployment::order_with(|draft| draft.expires_ms = draft.created_ms + 600);
    deployment.create("short", &deployment.signed(&order)).await.unwrap();
    deployment.bank.on_inquiry(OnFollowUp::Ignore);
    let attempt = payer.seal(&order).await;
    payer.submit(&order, &attempt).await.unwrap();
    deployment.bank.has_seen(Mti::INQUIRY, 2).await;
    reaches(&deployment, &payer, &order, &attempt, AttemptState::Reversed).await;
    assert_eq!(deployment.state(&order).await, RequestState::Reversed { attempt_id: attempt.attempt_id });
}

#[tokio::test]
async fn a_server_whose_journal_was_touched_refuses_to_start() {
    let mut deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    let order = deployment.requested().await;
    payer.submit(&order, &payer.seal(&order).await).await.unwrap();
    deployment.stop_server().await;
    deployment.start_server().await;
    deployment.stop_server().await;
    let db = deployment.database.open(&deployment.folder).await;
    let changed = db.write(|db_tx| {
        Box::pin(async move {
            let update = sqlx::query("UPDATE event SET kind = 'request.rejected' WHERE kind = 'request.paid'");
            Ok::<_, sqlx::Error>(update.execute(db_tx).await?.rows_affected())
        })
    });
    assert_eq!(changed.await.unwrap(), 1);
    drop(db);
    assert!(matches!(deployment.start_error().await, Error::Journal(5)));
}

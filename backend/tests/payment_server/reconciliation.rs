//! Reconciliation: the server's totals of a day, and what its bank says to them.

use iso8583::{Message, Mti};
use payment::{AttemptState, DeclineCode};
use tapseal::payment_server::Error;
use tapseal::payment_server::reconciliation::tool;

use crate::bank::{OnPayment, OnTotals};
use crate::deployment::Deployment;
use crate::payer::Payer;

/// How long the tool waits for the server, in seconds, when an answer is to come.
const WAIT_S: u64 = 20;

async fn reconcile(deployment: &Deployment, wait_s: u64) -> Result<(), Error> {
    let data = deployment.folder.path().to_owned();
    let database = deployment.database.option();
    tool::run(tool::Options { data, database, date: None, bank: None, wait_s, json: true }).await
}

async fn pay(deployment: &Deployment, payer: &Payer, behaviour: OnPayment) -> AttemptState {
    deployment.bank.on_payment(behaviour);
    let order = deployment.requested().await;
    payer.submit(&order, &payer.seal(&order).await).await.unwrap().state
}

fn figures(message: &Message) -> [u64; 5] {
    [74, 76, 77, 88, 89].map(|element| message.number(element).unwrap())
}

#[tokio::test]
async fn the_days_totals_are_what_the_bank_signed_and_nothing_else() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    for _ in 0..3 {
        pay(&deployment, &payer, OnPayment::Approve).await;
    }
    pay(&deployment, &payer, OnPayment::Decline(DeclineCode::WrongPin)).await;
    reconcile(&deployment, WAIT_S).await.unwrap();
    let told = deployment.bank.messages(Mti::RECONCILIATION_REQUEST);
    assert_eq!(told.iter().map(figures).collect::<Vec<_>>(), [[0, 3, 0, 3 * 1280, 0]]);
    assert_eq!(told[0].text(97), Ok("C0000000000003840"));
    assert_eq!((told[0].text(50), told[0].text(32)), (Ok("840"), Ok("000001")));

    // One more payment, lost on its way back and undone: it was made, and it was reversed.
    deployment.bank.on_inquiry(crate::bank::OnFollowUp::Ignore);
    let order = deployment.requested().await;
    deployment.bank.on_payment(OnPayment::ApproveUnheard);
    payer.submit(&order, &payer.seal(&order).await).await.unwrap();
    deployment.eventually(async || deployment.state(&order).await.is_open().then_some(())).await;
    reconcile(&deployment, WAIT_S).await.unwrap();
    let told = deployment.bank.messages(Mti::RECONCILIATION_REQUEST).pop().unwrap();
    assert_eq!(figures(&told), [0, 4, 1, 4 * 1280, 1280]);
}

#[tokio::test]
async fn a_bank_that_counts_otherwise_does_not_agree_whatever_it_says() {
    let deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    pay(&deployment, &payer, OnPayment::Approve).await;
    for behaviour in [OnTotals::Differ, OnTotals::DifferAndAgree] {
        deployment.bank.on_totals(behaviour);
        let refused = reconcile(&deployment, WAIT_S).await;
        assert!(matches!(refused, Err(Error::NotReconciled(_))), "{behaviour:?}: {refused:?}");
    }
    deployment.bank.on_totals(OnTotals::Agree);
    reconcile(&deployment, WAIT_S).await.expect("asked again, it agrees");
}

#[tokio::test]
async fn a_day_that_is_not_answered_stays_wanted_and_is_asked_about_after_a_restart() {
    let mut deployment = Deployment::start().await;
    let payer = deployment.payer().await;
    pay(&deployment, &payer, OnPayment::Approve).await;
    deployment.bank.on_totals(OnTotals::Ignore);
    let refused = reconcile(&deployment, 0).await;
    assert!(matches!(refused, Err(Error::NotReconciled(_))), "{refused:?}");
    deployment.bank.has_seen(Mti::RECONCILIATION_REQUEST, 1).await;
    deployment.stop_server().await;
    deployment.bank.on_totals(OnTotals::Agree);
    deployment.start_server().await;
    deployment.bank.has_seen(Mti::RECONCILIATION_REQUEST, 2).await;
}

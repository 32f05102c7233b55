//! The queue of refunds that the bank has not answered: each is sent as the same message until it is. The queue is the
//! refunds' own rows, leased, so that of several servers one sends a refund at a time; and were it two, the bank gives
//! back once.

use std::time::Duration;

use futures::{StreamExt, stream};
use iso8583::{Message, Mti};
use payment::RefundId;

use super::evidence::{KnownRefund, judge};
use crate::clock::{now_ms, signed_ms};
use crate::keys::BankId;
use crate::payment_server::bank_link::BankLink;
use crate::payment_server::bank_messages::{self, GiveBack};
use crate::payment_server::inquiry::{is_alarming, wait_ms};
use crate::payment_server::{App, CrashPoint, Error};
use crate::storage::DbConnection;

/// How many refunds are taken up together, and how many at once.
const BATCH_MAX: i64 = 64;
const AT_ONCE_MAX: usize = 8;
/// How much longer than the bank's time a refund is in one server's hand, in milliseconds.
const LEASE_GRACE_MS: i64 = 5_000;
/// How often the queue is looked at without being woken.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Drives one bank's part of the queue until the server stops.
pub(in crate::payment_server) async fn run(app: App, bank: BankId) {
    let Some(line) = app.banks.of(&bank) else { return };
    loop {
        let woken = app.refunds_wake.notified();
        if let Err(error) = drive_due(&app, &bank, line).await {
            tracing::error!(%error, "the queue of refunds could not be read");
        }
        tokio::select! {
            () = app.shutdown.cancelled() => return,
            () = woken => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

#[derive(sqlx::FromRow)]
struct Due {
    id: String,
    /// How often it was sent before.
    tries: i64,
}

async fn drive_due(app: &App, bank: &BankId, line: &BankLink) -> Result<(), Error> {
    if !line.is_up() {
        return Ok(());
    }
    let answer_ms = i64::try_from(app.answer_timeout.as_millis()).unwrap_or(i64::MAX);
    let lease_ms = answer_ms.saturating_add(LEASE_GRACE_MS);
    let leased = bank.clone();
    let due = app.db.write(move |db_tx| Box::pin(async move { lease(db_tx, &leased, lease_ms).await })).await?;
    stream::iter(due)
        .for_each_concurrent(AT_ONCE_MAX, |due| async move {
            let id = due.id.clone();
            match drive(app, line, due).await {
                Ok(()) => {}
                // Its answer came in between.
                Err(Error::Transition(refused)) => tracing::info!(%refused, refund_id = id, "settled meanwhile"),
                Err(error) => tracing::error!(%error, refund_id = id, "a refund could not be driven on"),
            }
        })
        .await;
    Ok(())
}

async fn lease(db_tx: &mut DbConnection, bank: &BankId, lease_ms: i64) -> Result<Vec<Due>, Error> {
    let now_ms = signed_ms(now_ms());
    let due = sqlx::query_as(
        "UPDATE refund SET lease_until_ms = $1, tries = tries + 1 WHERE id IN (SELECT id FROM refund \
         WHERE state = 'pending' AND bank_id = $2 AND due_ms <= $3 AND lease_until_ms <= $3 \
         ORDER BY due_ms, id LIMIT $4) RETURNING id, tries - 1 AS tries",
    )
    .bind(now_ms.saturating_add(lease_ms))
    .bind(bank.as_str())
    .bind(now_ms)
    .bind(BATCH_MAX)
    .fetch_all(db_tx)
    .await?;
    Ok(due)
}

/// Sends a refund once, and settles it if the bank answers.
async fn drive(app: &App, line: &BankLink, due: Due) -> Result<(), Error> {
    let id: RefundId = due.id.parse().map_err(|_| Error::Row("refund"))?;
    let known = KnownRefund::read(app, id).await?;
    if is_alarming(due.tries) {
        tracing::error!(refund_id = %id, tries = due.tries + 1, "ALARM: the bank has not answered a refund; it is sent again");
    }
    let mti = if due.tries == 0 { Mti::FINANCIAL_REQUEST } else { Mti::FINANCIAL_REPEAT };
    let message = message(app, &known, mti)?;
    app.crash_point(CrashPoint::BeforeRefund);
    match line.exchange(&message).await {
        Ok(exchange) => {
            app.crash_point(CrashPoint::AfterRefundAnswer);
            settle(app, &known, &exchange.answer).await?;
        }
        Err(reason) => tracing::warn!(?reason, refund_id = %id, "the bank has not answered a refund"),
    }
    put_back(app, id, due.tries).await
}

fn message(app: &App, known: &KnownRefund, mti: Mti) -> Result<Message, Error> {
    let profile = app.keys.merchant(&known.merchant_id).ok_or(Error::Row("merchant"))?;
    Ok(bank_messages::refund(
        &GiveBack {
            profile,
            merchant_id: &known.merchant_id,
            amount: known.amount,
            refund_jws: &known.refund_jws,
            attempt_id: known.attempt_id,
            original: &known.original,
        },
        &known.reference,
        mti,
    )?)
}

async fn settle(app: &App, known: &KnownRefund, answer: &Message) -> Result<(), Error> {
    let verdict = judge(&app.keys, known, answer);
    tracing::info!(refund_id = %known.id, ?verdict, "the bank answered a refund");
    let Some((event, evidence)) = verdict.event() else { return Ok(()) };
    if let Some((what, _)) = evidence.contradiction {
        tracing::error!(what, refund_id = %known.id, "ALARM: the bank contradicts a refund; a person must decide");
    }
    app.change_refund(known.request_id, known.id, event, evidence, now_ms()).await.map(drop)
}

/// Lets a refund that is still pending wait for its next try.
async fn put_back(app: &App, id: RefundId, tries: i64) -> Result<(), Error> {
    app.db
        .write(move |db_tx| {
            Box::pin(async move {
                sqlx::query("UPDATE refund SET due_ms = $1, lease_until_ms = 0 WHERE id = $2 AND state = 'pending'")
                    .bind(signed_ms(now_ms()).saturating_add(wait_ms(tries)))
                    .bind(id.to_string())
                    .execute(db_tx)
                    .await?;
                Ok(())
            })
        })
        .await
}

/// Takes an answer that nobody waits for any more, if it is to a refund. Whether it is.
pub(in crate::payment_server) async fn take_late(
    app: &App,
    bank: &BankId,
    rrn: &str,
    answer: &Message,
) -> Result<bool, Error> {
    let id: Option<String> = sqlx::query_scalar("SELECT id FROM refund WHERE rrn = $1 AND bank_id = $2")
        .bind(rrn)
        .bind(bank.as_str())
        .fetch_optional(app.db.reader())
        .await?;
    let Some(id) = id else { return Ok(false) };
    let known = KnownRefund::read(app, id.parse().map_err(|_| Error::Row("refund"))?).await?;
    match settle(app, &known, answer).await {
        // It says what is known, or a person has it in hand.
        Ok(()) | Err(Error::Transition(_)) => Ok(true),
        Err(error) => Err(error),
    }
}

//! Enrolling a wallet: number, name and PIN, then a code that only whoever has the line gets; the operator certifies the
//! wallet's key.
//!
//! A mobile gets its code as a text message. For a line in a house it is printed at the counter, for whoever shows who it is.

use std::sync::Arc;

use envelope::means::carrier::{CarrierEnrolment, ENROLMENT_CODE_LEN, SubscriberClaim};
use envelope::{Subscriber as SubscriberRole, VerifyingKey};
use payment::{DeclineCode, LineKind, PhoneNumber};
use zeroize::Zeroizing;

use super::CarrierFront;
use super::error::CarrierError;
use super::keys::OperatorKeys;
use super::subscriber::{self, Identity, Subscriber, SubscriberEvent};
use super::texting::{self, Said};
use crate::storage::DbConnection;

/// How often a code may be wrong.
const CODE_TRIES: i64 = 3;
/// How long a code that was sent serves, in milliseconds.
const SENT_LIFE_MS: i64 = 15 * 60 * 1_000;
/// How long one from the counter serves, in milliseconds: until it is carried home.
const COUNTER_LIFE_MS: i64 = 24 * 60 * 60 * 1_000;

/// A code, and where it goes.
pub struct DrawnCode {
    /// The number it is for.
    pub number: PhoneNumber,
    /// Its digits.
    pub code: Zeroizing<String>,
}

/// Answers somebody who wants to enrol a wallet. A mobile's code is on its way when this returns; for a line in a house
/// there is nothing to do but come to the counter.
///
/// # Errors
/// When the database fails.
pub async fn ask(
    front: &Arc<CarrierFront>,
    claim: SubscriberClaim,
    now_ms: i64,
) -> Result<Result<(), DeclineCode>, CarrierError> {
    let writing = Arc::clone(front);
    let drawn = front
        .db
        .write(move |db_tx| {
            Box::pin(async move {
                let Some(subscriber) = identified(db_tx, &writing, &claim, now_ms).await? else {
                    return Ok(Err(DeclineCode::WrongSubscriber));
                };
                let drawn = match subscriber.line {
                    LineKind::Mobile => Some(draw(db_tx, &writing.keys, &subscriber, SENT_LIFE_MS, now_ms).await?),
                    LineKind::Fixed => None,
                };
                Ok::<_, CarrierError>(Ok(drawn))
            })
        })
        .await?;
    Ok(drawn.map(|drawn| {
        if let Some(DrawnCode { number, code }) = drawn {
            front.texting.send_soon(number.as_str(), texting::code_text(front.keys.operator_name(), &code));
        }
    }))
}

/// Enrols a wallet's key: the certificate, or why not.
///
/// # Errors
/// When the database fails.
pub async fn enrol(
    front: &Arc<CarrierFront>,
    enrolment: CarrierEnrolment,
    enrolment_hash: [u8; 32],
    now_ms: i64,
) -> Result<Result<String, DeclineCode>, CarrierError> {
    // Whoever enrols a key must hold it: otherwise somebody else's signatures could be made to look like this subscriber's.
    let Some(key) = held_key(&enrolment, &enrolment_hash) else { return Ok(Err(DeclineCode::OrderMismatch)) };
    let writing = Arc::clone(front);
    front
        .db
        .write(move |db_tx| {
            Box::pin(async move {
                let Some(mut subscriber) = identified(db_tx, &writing, &enrolment.who, now_ms).await? else {
                    return Ok(Err(DeclineCode::WrongSubscriber));
                };
                if let Err(code) = take(db_tx, &writing.keys, &subscriber, enrolment.code.expose(), now_ms).await? {
                    return Ok(Err(code));
                }
                subscriber.note(db_tx, SubscriberEvent::EnrolmentRight).await?;
                let certificate = certify(db_tx, &writing.keys, &subscriber, key, now_ms).await?;
                texting::queue(db_tx, &subscriber, &Said::Enrolled.text(writing.keys.operator_name()), now_ms).await?;
                Ok(Ok(certificate))
            })
        })
        .await
}

/// A code that somebody who showed who it is takes home, printed.
///
/// # Errors
/// When the database fails.
pub async fn draw_at_counter(
    db_tx: &mut DbConnection,
    keys: &OperatorKeys,
    subscriber: &Subscriber,
    now_ms: i64,
) -> Result<DrawnCode, CarrierError> {
    draw(db_tx, keys, subscriber, COUNTER_LIFE_MS, now_ms).await
}

/// Revokes what certificates a subscriber has; how many.
///
/// # Errors
/// When the database fails.
pub async fn revoke(db_tx: &mut DbConnection, subscriber_id: &str, now_ms: i64) -> Result<u64, CarrierError> {
    let revoked = sqlx::query(
        "UPDATE subscriber_certificate SET revoked_ms = $2 WHERE subscriber_id = $1 AND revoked_ms IS NULL",
    )
    .bind(subscriber_id)
    .bind(now_ms)
    .execute(db_tx)
    .await?;
    Ok(revoked.rows_affected())
}

fn held_key(enrolment: &CarrierEnrolment, hash: &[u8; 32]) -> Option<VerifyingKey<SubscriberRole>> {
    let key = VerifyingKey::from_bytes(&enrolment.key).ok()?;
    enrolment.signature.verify_enrolment(&key, hash).ok()?;
    Some(key)
}

/// The subscriber, once it has shown that it is it. The last wrong try is told to the line itself.
async fn identified(
    db_tx: &mut DbConnection,
    front: &CarrierFront,
    claim: &SubscriberClaim,
    now_ms: i64,
) -> Result<Option<Subscriber>, CarrierError> {
    let Ok(number) = claim.number.parse() else { return Ok(None) };
    let Some(mut subscriber) = subscriber::find(db_tx, &number).await? else {
        // As much is computed for a number that nobody has.
        front.keys.is_pin("", claim.pin.expose(), "");
        return Ok(None);
    };
    match subscriber.identify_enroller(db_tx, &front.keys, claim).await? {
        Identity::Proved => Ok(Some(subscriber)),
        Identity::Refused => Ok(None),
        Identity::JustLocked => {
            texting::queue(db_tx, &subscriber, &Said::EnrolmentLocked.text(front.keys.operator_name()), now_ms).await?;
            Ok(None)
        }
    }
}

async fn draw(
    db_tx: &mut DbConnection,
    keys: &OperatorKeys,
    subscriber: &Subscriber,
    life_ms: i64,
    now_ms: i64,
) -> Result<DrawnCode, CarrierError> {
    let code = random_code();
    sqlx::query(
        "INSERT INTO enrolment_code (subscriber_id, code_mac, tries_left, expires_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (subscriber_id) DO UPDATE SET code_mac = excluded.code_mac, tries_left = excluded.tries_left,
         expires_ms = excluded.expires_ms",
    )
    .bind(&subscriber.subscriber_id)
    .bind(keys.code_mac(&subscriber.subscriber_id, code.as_bytes()))
    .bind(CODE_TRIES)
    .bind(now_ms.saturating_add(life_ms))
    .execute(db_tx)
    .await?;
    Ok(DrawnCode { number: subscriber.number.clone(), code })
}

/// Six digits, each as likely as the other: bytes that would favour some are drawn again.
fn random_code() -> Zeroizing<String> {
    let mut code = Zeroizing::new(String::with_capacity(ENROLMENT_CODE_LEN));
    while code.len() < ENROLMENT_CODE_LEN {
        let [byte] = crate::keys::random::<1>();
        if byte < 250 {
            code.push(char::from(b'0' + byte % 10));
        }
    }
    code
}

/// Takes a code in: it serves once.
async fn take(
    db_tx: &mut DbConnection,
    keys: &OperatorKeys,
    subscriber: &Subscriber,
    code: &[u8],
    now_ms: i64,
) -> Result<Result<(), DeclineCode>, CarrierError> {
    let id = &subscriber.subscriber_id;
    let row: Option<(String, i64, i64)> =
        sqlx::query_as("SELECT code_mac, tries_left, expires_ms FROM enrolment_code WHERE subscriber_id = $1")
            .bind(id)
            .fetch_optional(&mut *db_tx)
            .await?;
    let Some((mac, tries_left, _)) = row.filter(|(_, tries_left, expires_ms)| *tries_left > 0 && now_ms < *expires_ms)
    else {
        return Ok(Err(DeclineCode::CodeOver));
    };
    if keys.is_code(id, code, &mac) {
        sqlx::query("DELETE FROM enrolment_code WHERE subscriber_id = $1").bind(id).execute(db_tx).await?;
        return Ok(Ok(()));
    }
    sqlx::query("UPDATE enrolment_code SET tries_left = tries_left - 1 WHERE subscriber_id = $1")
        .bind(id)
        .execute(db_tx)
        .await?;
    Ok(Err(if tries_left > 1 { DeclineCode::WrongCode } else { DeclineCode::CodeOver }))
}

/// One wallet pays on a bill: enrolling another ends the one before.
async fn certify(
    db_tx: &mut DbConnection,
    keys: &OperatorKeys,
    subscriber: &Subscriber,
    key: VerifyingKey<SubscriberRole>,
    now_ms: i64,
) -> Result<String, CarrierError> {
    revoke(db_tx, &subscriber.subscriber_id, now_ms).await?;
    let certified = keys.certify_subscriber(key, now_ms);
    sqlx::query(
        "INSERT INTO subscriber_certificate (serial, subscriber_id, certificate, issued_ms) VALUES ($1, $2, $3, $4)",
    )
    .bind(&certified.serial)
    .bind(&subscriber.subscriber_id)
    .bind(&certified.certificate)
    .bind(now_ms)
    .execute(db_tx)
    .await?;
    Ok(certified.certificate)
}

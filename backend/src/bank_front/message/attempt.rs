//! What the bank keeps of attempts and of the messages it answered.

use iso8583::{Message, Spec};
use payment::{AttemptId, Outcome};
use sqlx::SqliteConnection;

use super::Reference;
use crate::bank_front::error::BankError;
use crate::bank_front::ledger::TransferId;

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The money moved.
    Approved,
    /// It did not.
    Declined,
    /// It moved and was moved back.
    Reversed,
    /// A reversal came before the attempt: it will never be approved.
    Tombstoned,
}

impl State {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::Reversed => "reversed",
            Self::Tombstoned => "tombstoned",
        }
    }

    fn parse(text: &str) -> Result<Self, BankError> {
        [Self::Approved, Self::Declined, Self::Reversed, Self::Tombstoned]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(BankError::Stored("attempt.state"))
    }
}

/// An attempt as stored.
#[derive(Debug, Clone)]
pub(super) struct StoredAttempt {
    pub(super) reference: Reference,
    pub(super) state: State,
    pub(super) attempt_hash: Option<String>,
    pub(super) transfer_id: Option<TransferId>,
    pub(super) outcome: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    reference: Reference,
    state: String,
    attempt_hash: Option<String>,
    transfer_id: Option<TransferId>,
    outcome: Option<String>,
}

impl StoredAttempt {
    /// The attempt a reference or, failing that, an attempt id names. A payment server that lost its
    /// counters still finds its attempt by the id the wallet gave it.
    pub(super) async fn find(
        connection: &mut SqliteConnection,
        reference: &Reference,
        attempt_id: Option<AttemptId>,
    ) -> Result<Option<Self>, BankError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT reference, state, attempt_hash, transfer_id, outcome FROM attempt
             WHERE reference = $1 OR attempt_id = $2
             ORDER BY CASE WHEN reference = $1 THEN 0 ELSE 1 END LIMIT 1",
        )
        .bind(reference)
        .bind(attempt_id.map(|id| id.to_string()))
        .fetch_optional(connection)
        .await?;
        row.map(|row| {
            Ok(Self {
                reference: row.reference,
                state: State::parse(&row.state)?,
                attempt_hash: row.attempt_hash,
                transfer_id: row.transfer_id,
                outcome: row.outcome,
            })
        })
        .transpose()
    }

    /// The outcome the bank signed for it. It is our own signature, so it is only read.
    pub(super) fn outcome(&self) -> Result<Outcome, BankError> {
        outcome_of(self.outcome.as_deref().ok_or(BankError::Stored("attempt.outcome"))?)
    }
}

/// The outcome inside a JWS that this bank signed.
pub(super) fn outcome_of(jws: &str) -> Result<Outcome, BankError> {
    let payload = envelope::jws::peek_payload_unverified(jws).map_err(|_| BankError::Stored("attempt.outcome"))?;
    Outcome::from_canonical(&payload).ok_or(BankError::Stored("attempt.outcome"))
}

/// The answer a financial message got, and the hash of the message it answered.
pub(super) struct StoredExchange {
    pub(super) message_hash: String,
    pub(super) answer: Message,
}

impl StoredExchange {
    /// The exchange under a reference.
    pub(super) async fn find(
        connection: &mut SqliteConnection,
        reference: &Reference,
    ) -> Result<Option<Self>, BankError> {
        let row: Option<(String, String)> =
            sqlx::query_as("SELECT message_hash, answer FROM exchange WHERE reference = $1")
                .bind(reference)
                .fetch_optional(connection)
                .await?;
        let Some((message_hash, answer)) = row else { return Ok(None) };
        let bytes = hex::decode(answer).map_err(|_| BankError::Stored("exchange.answer"))?;
        Ok(Some(Self { message_hash, answer: Message::unpack(&Spec::TAPSEAL, &bytes)? }))
    }

    /// Stores an answer before it leaves.
    pub(super) async fn insert(
        &self,
        db_tx: &mut SqliteConnection,
        reference: &Reference,
        now_ms: i64,
    ) -> Result<(), BankError> {
        sqlx::query("INSERT INTO exchange (reference, message_hash, answer, answered_ms) VALUES ($1, $2, $3, $4)")
            .bind(reference)
            .bind(&self.message_hash)
            .bind(hex::encode(self.answer.pack(&Spec::TAPSEAL)?))
            .bind(now_ms)
            .execute(db_tx)
            .await?;
        Ok(())
    }
}

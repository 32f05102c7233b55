//! What the bank keeps of attempts and of the messages it answered.

use iso8583::{Message, Spec};
use payment::{Amount, AttemptHash, AttemptId, Outcome, RefundId, RequestId};

use super::Reference;
use crate::bank_front::calendar;
use crate::bank_front::card::PanReference;
use crate::bank_front::error::BankError;
use crate::bank_front::ledger::TransferId;
use crate::storage::DbConnection;

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The money moved.
    Approved,
    /// It is held.
    Held,
    /// It did not move.
    Declined,
    /// It moved, or was held, and was given back.
    Reversed,
    /// It was held until its time was over.
    Expired,
    /// A reversal came before the attempt: it will never be approved.
    Tombstoned,
}

impl State {
    const ALL: [Self; 6] =
        [Self::Approved, Self::Held, Self::Declined, Self::Reversed, Self::Expired, Self::Tombstoned];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Held => "held",
            Self::Declined => "declined",
            Self::Reversed => "reversed",
            Self::Expired => "expired",
            Self::Tombstoned => "tombstoned",
        }
    }

    fn parse(text: &str) -> Result<Self, BankError> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(BankError::Stored("attempt.state"))
    }
}

/// What an attempt asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The card is debited.
    Debit,
    /// Money is held, and moves with a completion.
    Hold,
    /// Money comes back to the card.
    Refund,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Debit => "debit",
            Self::Hold => "hold",
            Self::Refund => "refund",
        }
    }

    fn parse(text: &str) -> Result<Self, BankError> {
        [Self::Debit, Self::Hold, Self::Refund]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(BankError::Stored("attempt.kind"))
    }
}

/// An attempt to be stored.
pub(super) struct NewAttempt<'a> {
    pub(super) reference: &'a Reference,
    pub(super) kind: Kind,
    pub(super) state: State,
    pub(super) amount: Amount,
    pub(super) transfer_id: Option<&'a TransferId>,
    pub(super) pan_reference: Option<&'a PanReference>,
    pub(super) approval_code: Option<&'a str>,
    pub(super) outcome: Option<&'a str>,
    /// When a hold ends by itself, in milliseconds since the Unix epoch.
    pub(super) expires_ms: Option<i64>,
    pub(super) sealed: Option<SealedBinding<'a>>,
    /// The attempt that a refund gives back of.
    pub(super) refund_of: Option<&'a Reference>,
    /// The refund that its merchant signed.
    pub(super) refund_id: Option<RefundId>,
}

/// What ties an attempt by capsule to its order.
pub(super) struct SealedBinding<'a> {
    pub(super) attempt_id: AttemptId,
    pub(super) request_id: RequestId,
    pub(super) attempt_hash: AttemptHash,
    pub(super) capsule_hash: &'a str,
}

impl NewAttempt<'_> {
    /// Stores the attempt, which is new.
    pub(super) async fn insert(&self, db_tx: &mut DbConnection, now_ms: i64) -> Result<(), BankError> {
        let sealed = self.sealed.as_ref();
        sqlx::query(
            "INSERT INTO attempt (reference, kind, attempt_id, request_id, state, attempt_hash, capsule_hash,
             pan_reference, amount_minor, currency, day_utc, transfer_id, approval_code, outcome, expires_ms,
             refund_of, refund_id, decided_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        )
        .bind(self.reference)
        .bind(self.kind.as_str())
        .bind(sealed.map(|sealed| sealed.attempt_id.to_string()))
        .bind(sealed.map(|sealed| sealed.request_id.to_string()))
        .bind(self.state.as_str())
        .bind(sealed.map(|sealed| sealed.attempt_hash.to_string()))
        .bind(sealed.map(|sealed| sealed.capsule_hash))
        .bind(self.pan_reference)
        .bind(self.amount.minor())
        .bind(self.amount.currency().code())
        .bind(calendar::day_utc(now_ms))
        .bind(self.transfer_id)
        .bind(self.approval_code)
        .bind(self.outcome)
        .bind(self.expires_ms)
        .bind(self.refund_of)
        .bind(self.refund_id.map(|id| id.to_string()))
        .bind(now_ms)
        .execute(db_tx)
        .await?;
        Ok(())
    }
}

/// An attempt as stored.
#[derive(Debug, Clone)]
pub(super) struct StoredAttempt {
    pub(super) reference: Reference,
    /// None for a tombstone.
    pub(super) kind: Option<Kind>,
    pub(super) state: State,
    pub(super) attempt_hash: Option<String>,
    pub(super) transfer_id: Option<TransferId>,
    /// What was asked for, or what of it a completion took, in minor units.
    pub(super) moved_minor: Option<i64>,
    pub(super) approval_code: Option<String>,
    pub(super) outcome: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    reference: Reference,
    kind: Option<String>,
    state: String,
    attempt_hash: Option<String>,
    transfer_id: Option<TransferId>,
    moved_minor: Option<i64>,
    approval_code: Option<String>,
    outcome: Option<String>,
}

impl TryFrom<Row> for StoredAttempt {
    type Error = BankError;

    fn try_from(row: Row) -> Result<Self, BankError> {
        Ok(Self {
            reference: row.reference,
            kind: row.kind.as_deref().map(Kind::parse).transpose()?,
            state: State::parse(&row.state)?,
            attempt_hash: row.attempt_hash,
            transfer_id: row.transfer_id,
            moved_minor: row.moved_minor,
            approval_code: row.approval_code,
            outcome: row.outcome,
        })
    }
}

impl StoredAttempt {
    /// The attempt a reference or, failing that, an attempt id names. A payment server that lost its
    /// counters still finds its attempt by the id the wallet gave it.
    pub(super) async fn find(
        connection: &mut DbConnection,
        reference: &Reference,
        attempt_id: Option<AttemptId>,
    ) -> Result<Option<Self>, BankError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT reference, kind, state, attempt_hash, transfer_id,
             COALESCE(completed_minor, amount_minor) AS moved_minor, approval_code, outcome FROM attempt
             WHERE reference = $1 OR attempt_id = $2
             ORDER BY CASE WHEN reference = $1 THEN 0 ELSE 1 END LIMIT 1",
        )
        .bind(reference)
        .bind(attempt_id.map(|id| id.to_string()))
        .fetch_optional(connection)
        .await?;
        row.map(Self::try_from).transpose()
    }

    /// The hold that a completion with this reference took.
    pub(super) async fn find_completed_by(
        connection: &mut DbConnection,
        completion: &Reference,
    ) -> Result<Option<Self>, BankError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT reference, kind, state, attempt_hash, transfer_id, completed_minor AS moved_minor,
             approval_code, outcome FROM attempt WHERE completed_by = $1",
        )
        .bind(completion)
        .fetch_optional(connection)
        .await?;
        row.map(Self::try_from).transpose()
    }

    /// The debit by capsule with this attempt id.
    pub(super) async fn find_sealed(
        connection: &mut DbConnection,
        attempt_id: AttemptId,
    ) -> Result<Option<Self>, BankError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT reference, kind, state, attempt_hash, transfer_id, amount_minor AS moved_minor, approval_code,
             outcome FROM attempt WHERE attempt_id = $1",
        )
        .bind(attempt_id.to_string())
        .fetch_optional(connection)
        .await?;
        row.map(Self::try_from).transpose()
    }

    /// The refund that its merchant gave this id.
    pub(super) async fn find_refund(
        connection: &mut DbConnection,
        refund_id: RefundId,
    ) -> Result<Option<Self>, BankError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT reference, kind, state, attempt_hash, transfer_id, amount_minor AS moved_minor, approval_code,
             outcome FROM attempt WHERE refund_id = $1",
        )
        .bind(refund_id.to_string())
        .fetch_optional(connection)
        .await?;
        row.map(Self::try_from).transpose()
    }

    /// Whether it is a refund that its merchant signed. Its outcome is of another kind than a payment's.
    pub(super) fn is_signed_refund(&self) -> bool {
        self.kind == Some(Kind::Refund) && self.outcome.is_some()
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
    pub(super) async fn find(connection: &mut DbConnection, reference: &Reference) -> Result<Option<Self>, BankError> {
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
        db_tx: &mut DbConnection,
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

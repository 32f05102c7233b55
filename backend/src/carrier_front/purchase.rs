//! Purchases: what a subscriber put on its bill, what became of it, and how it is looked up later.

use payment::{Amount, AttemptId, ConfirmationNumber, Currency, MerchantId, Outcome, RequestId};

use super::error::CarrierError;
use super::ledger::{Account, Kind, NewPosting};
use crate::front::Reference;
use crate::storage::DbConnection;

mod decision;

pub(super) use decision::{Decided, Question};

/// What became of a purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PurchaseState {
    /// It is on the bill.
    Approved,
    /// It was refused.
    Declined,
    /// It was on the bill and is off again.
    Reversed,
    /// A reversal came before it: it will never be approved.
    Tombstoned,
}

impl PurchaseState {
    const ALL: [Self; 4] = [Self::Approved, Self::Declined, Self::Reversed, Self::Tombstoned];

    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::Reversed => "reversed",
            Self::Tombstoned => "tombstoned",
        }
    }

    fn parse(text: &str) -> Result<Self, CarrierError> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(CarrierError::Stored("purchase.state"))
    }
}

/// A purchase as stored.
#[derive(Debug, Clone)]
pub struct Purchase {
    /// The message that asked for it.
    pub reference: Reference,
    /// What became of it.
    pub state: PurchaseState,
    pub(super) attempt_hash: Option<String>,
    /// The operator's word on it.
    pub outcome: Option<String>,
    /// Everything that only a purchase which was asked for has, and a tombstone has not.
    pub asked: Option<AskedFor>,
}

/// What was asked for.
#[derive(Debug, Clone)]
pub struct AskedFor {
    /// Whose bill; none when nobody's was found.
    pub subscriber_id: Option<String>,
    /// Who is paid.
    pub merchant_id: MerchantId,
    /// Its name.
    pub payee_name: String,
    /// Its number for the order.
    pub order_number: String,
    /// How much.
    pub amount: Amount,
    /// What it is looked up by, if it was approved.
    pub confirmation: Option<ConfirmationNumber>,
    /// When it was decided, in milliseconds since the Unix epoch.
    pub decided_ms: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    reference: Reference,
    state: String,
    attempt_hash: Option<String>,
    subscriber_id: Option<String>,
    merchant_id: Option<String>,
    payee_name: Option<String>,
    order_number: Option<String>,
    amount_minor: Option<i64>,
    currency: Option<String>,
    confirmation_number: Option<String>,
    outcome: Option<String>,
    decided_ms: i64,
}

const COLUMNS: &str = "SELECT reference, state, attempt_hash, subscriber_id, merchant_id, payee_name, order_number,
     amount_minor, currency, confirmation_number, outcome, decided_ms FROM purchase";

impl TryFrom<Row> for Purchase {
    type Error = CarrierError;

    fn try_from(row: Row) -> Result<Self, CarrierError> {
        let asked = match (row.merchant_id, row.payee_name, row.order_number, row.amount_minor, row.currency) {
            (Some(merchant_id), Some(payee_name), Some(order_number), Some(minor), Some(currency)) => {
                let currency: Currency = currency.parse().map_err(|_| CarrierError::Stored("purchase.currency"))?;
                let confirmation = row.confirmation_number.map(|number| number.parse()).transpose();
                Some(AskedFor {
                    subscriber_id: row.subscriber_id,
                    merchant_id: merchant_id.parse().map_err(|_| CarrierError::Stored("purchase.merchant_id"))?,
                    payee_name,
                    order_number,
                    amount: Amount::new(minor, currency),
                    confirmation: confirmation.map_err(|_| CarrierError::Stored("purchase.confirmation_number"))?,
                    decided_ms: row.decided_ms,
                })
            }
            _ => None,
        };
        Ok(Self {
            reference: row.reference,
            state: PurchaseState::parse(&row.state)?,
            attempt_hash: row.attempt_hash,
            outcome: row.outcome,
            asked,
        })
    }
}

impl Purchase {
    /// The purchase a reference or, failing that, an attempt id names. A payment server that lost its counters still finds
    /// its attempt by the id the wallet gave it.
    pub(super) async fn find(
        connection: &mut DbConnection,
        reference: &Reference,
        attempt_id: Option<AttemptId>,
    ) -> Result<Option<Self>, CarrierError> {
        let query = format!(
            "{COLUMNS} WHERE reference = $1 OR attempt_id = $2
             ORDER BY CASE WHEN reference = $1 THEN 0 ELSE 1 END LIMIT 1"
        );
        let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(query))
            .bind(reference)
            .bind(attempt_id.map(|id| id.to_string()))
            .fetch_optional(connection)
            .await?;
        row.map(Self::try_from).transpose()
    }

    /// The purchase with this attempt id.
    pub(super) async fn find_attempt(
        connection: &mut DbConnection,
        attempt_id: AttemptId,
    ) -> Result<Option<Self>, CarrierError> {
        let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE attempt_id = $1")))
            .bind(attempt_id.to_string())
            .fetch_optional(connection)
            .await?;
        row.map(Self::try_from).transpose()
    }

    /// The purchase with this confirmation number.
    ///
    /// # Errors
    /// [`CarrierError::NoPurchase`] when there is none.
    pub async fn find_confirmed(
        connection: &mut DbConnection,
        number: &ConfirmationNumber,
    ) -> Result<Self, CarrierError> {
        let query = format!("{COLUMNS} WHERE confirmation_number = $1");
        let row: Option<Row> =
            sqlx::query_as(sqlx::AssertSqlSafe(query)).bind(number.as_str()).fetch_optional(connection).await?;
        row.map(Self::try_from).transpose()?.ok_or(CarrierError::NoPurchase)
    }

    /// The operator's word on it. It is our own signature, so it is only read.
    pub(super) fn outcome(&self) -> Result<Outcome, CarrierError> {
        let stored = CarrierError::Stored("purchase.outcome");
        let jws = self.outcome.as_deref().ok_or(CarrierError::Stored("purchase.outcome"))?;
        let payload =
            envelope::jws::peek_payload_unverified(jws).map_err(|_| CarrierError::Stored("purchase.outcome"))?;
        Outcome::from_canonical(&payload).ok_or(stored)
    }

    /// What of it was not given back yet.
    ///
    /// # Errors
    /// [`CarrierError::NoPurchase`] of a tombstone.
    pub async fn left(&self, connection: &mut DbConnection) -> Result<Amount, CarrierError> {
        let asked = self.asked.as_ref().ok_or(CarrierError::NoPurchase)?;
        let given_back: i64 = sqlx::query_scalar(
            "SELECT CAST(COALESCE(SUM(amount_minor), 0) AS BIGINT) FROM refund WHERE purchase = $1 AND is_made = 1",
        )
        .bind(&self.reference)
        .fetch_one(connection)
        .await?;
        let left = asked.amount.minor().checked_sub(given_back).ok_or(CarrierError::Range)?;
        Ok(Amount::new(left, asked.amount.currency()))
    }

    /// Takes an amount of it off the bill again, as this kind of posting.
    pub(super) async fn give_back(
        &self,
        db_tx: &mut DbConnection,
        kind: Kind,
        amount: Amount,
        acquirer: Option<&str>,
        now_ms: i64,
    ) -> Result<(), CarrierError> {
        let asked = self.asked.as_ref().ok_or(CarrierError::NoPurchase)?;
        let subscriber_id = asked.subscriber_id.as_deref().ok_or(CarrierError::Stored("purchase.subscriber_id"))?;
        let minor = amount.minor();
        let posting = NewPosting {
            kind,
            currency: amount.currency(),
            acquirer,
            narrative: &narrative(&asked.payee_name, &asked.order_number),
            confirmation: asked.confirmation.as_ref(),
            entries: &[
                (Account::of_subscriber(subscriber_id), -minor),
                (Account::of_merchant(&asked.merchant_id), minor),
            ],
        };
        posting.insert(db_tx, now_ms).await
    }

    /// Makes it undone, with the operator's word that it is.
    pub(super) async fn undo(&self, db_tx: &mut DbConnection, outcome: &str, now_ms: i64) -> Result<(), CarrierError> {
        let changed = sqlx::query(
            "UPDATE purchase SET state = 'reversed', outcome = $2, reversed_ms = $3
             WHERE reference = $1 AND state = 'approved'",
        )
        .bind(&self.reference)
        .bind(outcome)
        .bind(now_ms)
        .execute(db_tx)
        .await?;
        if changed.rows_affected() == 1 { Ok(()) } else { Err(CarrierError::Conflict("a purchase")) }
    }

    /// Makes sure that a purchase which never came is never approved.
    pub(super) async fn tombstone(
        db_tx: &mut DbConnection,
        reference: &Reference,
        attempt_id: Option<AttemptId>,
        request_id: Option<RequestId>,
        now_ms: i64,
    ) -> Result<(), CarrierError> {
        sqlx::query(
            "INSERT INTO purchase (reference, attempt_id, request_id, state, decided_ms, reversed_ms)
             VALUES ($1, $2, $3, 'tombstoned', $4, $4)",
        )
        .bind(reference)
        .bind(attempt_id.map(|id| id.to_string()))
        .bind(request_id.map(|id| id.to_string()))
        .bind(now_ms)
        .execute(db_tx)
        .await?;
        Ok(())
    }
}

/// What a bill's line says of a purchase.
fn narrative(payee_name: &str, order_number: &str) -> String {
    format!("{payee_name}, {order_number}")
}

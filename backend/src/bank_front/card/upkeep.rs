//! What the bank's staff do to cards: find them, set their limits, change their PIN.

use super::{Card, CardRow, PIN_TRIES_MAX, PinValue, StripeUse, Velocity};
use crate::bank_front::account::AccountId;
use crate::bank_front::error::BankError;
use crate::storage::DbConnection;

/// The most cards listed.
const CARDS_MAX: i64 = 100_000;

/// Limits to be set; what is none stays as it is. Amounts are minor units of the card's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// The most one payment may take.
    pub payment_minor: Option<i64>,
    /// The most one UTC day may take.
    pub day_minor: Option<i64>,
    /// The most one payment may take without a PIN, by phone.
    pub device_minor: Option<i64>,
    /// The most one swipe may take.
    pub stripe_minor: Option<i64>,
    /// What a swipe is worth.
    pub stripe_use: Option<StripeUse>,
    /// How often it may pay, or that this is not bounded.
    pub velocity: Option<Option<Velocity>>,
}

impl Card {
    /// Every card, by account and number.
    ///
    /// # Errors
    /// When the database fails, or a row means nothing.
    pub async fn all(connection: &mut DbConnection) -> Result<Vec<Self>, BankError> {
        let rows: Vec<CardRow> = sqlx::query_as(
            "SELECT card.*, account.currency AS currency FROM card
             JOIN account ON account.account_id = card.account_id
             ORDER BY card.account_id, card.last_four, card.pan_reference LIMIT $1",
        )
        .bind(CARDS_MAX)
        .fetch_all(connection)
        .await?;
        rows.into_iter().map(Self::try_from).collect()
    }

    /// The one card with these last four digits, on this account if one is named.
    ///
    /// # Errors
    /// [`BankError::NoCard`] when there is none, or more than one.
    pub async fn named(
        connection: &mut DbConnection,
        last_four: &str,
        account_id: Option<&AccountId>,
    ) -> Result<Self, BankError> {
        let mut rows: Vec<CardRow> = sqlx::query_as(
            "SELECT card.*, account.currency AS currency FROM card
             JOIN account ON account.account_id = card.account_id
             WHERE card.last_four = $1 AND card.account_id = COALESCE($2, card.account_id) LIMIT 2",
        )
        .bind(last_four)
        .bind(account_id)
        .fetch_all(connection)
        .await?;
        match (rows.pop(), rows.pop()) {
            (Some(row), None) => row.try_into(),
            _ => Err(BankError::NoCard),
        }
    }

    /// Sets the limits that are named.
    ///
    /// # Errors
    /// [`BankError::NoCard`] when the card is gone.
    pub async fn set_limits(&self, db_tx: &mut DbConnection, limits: Limits) -> Result<(), BankError> {
        let velocity = limits.velocity.unwrap_or(self.velocity);
        let stored = sqlx::query(
            "UPDATE card SET payment_limit_minor = $2, day_limit_minor = $3, device_limit_minor = $4,
             stripe_limit_minor = $5, stripe_use = $6, velocity_payments = $7, velocity_window_s = $8
             WHERE pan_reference = $1",
        )
        .bind(&self.pan_reference)
        .bind(limits.payment_minor.unwrap_or(self.payment_limit.minor()))
        .bind(limits.day_minor.unwrap_or(self.day_limit.minor()))
        .bind(limits.device_minor.unwrap_or(self.device_limit.minor()))
        .bind(limits.stripe_minor.unwrap_or(self.stripe_limit.minor()))
        .bind(limits.stripe_use.unwrap_or(self.stripe_use).as_str())
        .bind(velocity.map(|velocity| i64::from(velocity.payments)))
        .bind(velocity.map(|velocity| i64::from(velocity.window_s)))
        .execute(db_tx)
        .await?;
        if stored.rows_affected() == 1 { Ok(()) } else { Err(BankError::NoCard) }
    }

    /// Gives the card another PIN and all tries; one that was locked by wrong PINs can be used again.
    ///
    /// # Errors
    /// [`BankError::NoCard`] when the card is gone.
    pub async fn set_pin(&self, db_tx: &mut DbConnection, pin: &PinValue) -> Result<(), BankError> {
        let stored = sqlx::query(
            "UPDATE card SET pin_method = $2, pin_value = $3, pin_tries_left = $4,
             status = CASE status WHEN 'pin_locked' THEN 'active' ELSE status END WHERE pan_reference = $1",
        )
        .bind(&self.pan_reference)
        .bind(pin.method())
        .bind(pin.as_text())
        .bind(i64::from(PIN_TRIES_MAX))
        .execute(db_tx)
        .await?;
        if stored.rows_affected() == 1 { Ok(()) } else { Err(BankError::NoCard) }
    }
}

//! The PIN a payer buys by telephone with: six digits of this purpose only, since a keypad has no letters.
//!
//! Wrong tries are counted apart from those at paying by code, so a stranger who guesses on the telephone locks the
//! telephone and nothing else. Only the bank's counter sets another PIN.

use zeroize::Zeroizing;

use super::notice::Said;
use super::payer::{Payer, PayerState};
use crate::bank_front::calendar;
use crate::bank_front::error::BankError;
use crate::password::{Password, PasswordVerifier, Pepper};
use crate::storage::DbConnection;

/// Digits of a PIN.
pub const TELEPHONE_PIN_DIGITS: usize = 6;
/// Wrong PINs that lock buying by telephone.
const TRIES_MAX: i64 = 3;

/// What to store of the PIN somebody chose. It takes a tenth of a second.
///
/// # Errors
/// [`BankError::Malformed`] when it is not six digits, or they are all alike or in a row.
pub fn telephone_pin(typed: &str, pepper: &Pepper) -> Result<PasswordVerifier, BankError> {
    let digits = typed.trim_end_matches(['\r', '\n']);
    let steps =
        Zeroizing::new(digits.as_bytes().windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect::<Vec<_>>());
    let is_row = [0, 1, u8::MAX].iter().any(|step| steps.iter().all(|other| other == step));
    if digits.len() != TELEPHONE_PIN_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) || is_row {
        return Err(BankError::Malformed("the telephone PIN (six digits, not all alike and not in a row)"));
    }
    Ok(PasswordVerifier::of(&Password::typed(digits), pepper))
}

/// What is stored of one.
pub(in crate::bank_front) struct TelephonePin {
    payer_id: String,
    pub(in crate::bank_front) pin: PasswordVerifier,
    tries_left: i64,
    day_utc: i64,
    spent_minor: i64,
}

#[derive(sqlx::FromRow)]
struct DbRow {
    pin: String,
    tries_left: i64,
    day_utc: i64,
    spent_minor: i64,
}

impl TelephonePin {
    /// That of a payer, if it has one.
    pub(in crate::bank_front) async fn find(
        connection: &mut DbConnection,
        payer_id: &str,
    ) -> Result<Option<Self>, BankError> {
        let row: Option<DbRow> =
            sqlx::query_as("SELECT pin, tries_left, day_utc, spent_minor FROM payer_telephone WHERE payer_id = $1")
                .bind(payer_id)
                .fetch_optional(connection)
                .await?;
        let Some(DbRow { pin, tries_left, day_utc, spent_minor }) = row else { return Ok(None) };
        let pin = PasswordVerifier::parse(&pin).ok_or(BankError::Stored("payer_telephone.pin"))?;
        Ok(Some(Self { payer_id: payer_id.to_owned(), pin, tries_left, day_utc, spent_minor }))
    }

    /// Lets its payer in, or counts a wrong try; whether it was let in. The try that locks is told to the payer.
    pub(in crate::bank_front) async fn enter(
        &self,
        db_tx: &mut DbConnection,
        payer: &Payer,
        is_right: bool,
        now_ms: i64,
    ) -> Result<bool, BankError> {
        if self.tries_left == 0 || payer.state != PayerState::Active {
            return Ok(false);
        }
        let left = if is_right { TRIES_MAX } else { self.tries_left - 1 };
        sqlx::query("UPDATE payer_telephone SET tries_left = $2 WHERE payer_id = $1")
            .bind(&self.payer_id)
            .bind(left)
            .execute(&mut *db_tx)
            .await?;
        if left == 0 {
            payer.changed(db_tx, Said::TelephoneLocked, now_ms).await?;
        }
        Ok(is_right)
    }

    /// Whether so much may be bought today still, besides what was.
    pub(in crate::bank_front) fn allows(&self, payer: &Payer, minor: i64, now_ms: i64) -> bool {
        minor <= payer.payment_limit.minor() && self.spent_on(now_ms).saturating_add(minor) <= payer.day_limit.minor()
    }

    /// Notes what was bought, and tells the payer on its terminals.
    pub(in crate::bank_front) async fn bought(
        &self,
        db_tx: &mut DbConnection,
        payer: &Payer,
        minor: i64,
        now_ms: i64,
    ) -> Result<(), BankError> {
        sqlx::query("UPDATE payer_telephone SET day_utc = $2, spent_minor = $3 WHERE payer_id = $1")
            .bind(&self.payer_id)
            .bind(calendar::day_utc(now_ms))
            .bind(self.spent_on(now_ms).saturating_add(minor))
            .execute(&mut *db_tx)
            .await?;
        payer.changed(db_tx, Said::BoughtByTelephone, now_ms).await
    }

    fn spent_on(&self, now_ms: i64) -> i64 {
        if self.day_utc == calendar::day_utc(now_ms) { self.spent_minor } else { 0 }
    }
}

impl Payer {
    /// Lets it buy by telephone with this PIN, in the place of one before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn set_telephone_pin(
        &self,
        db_tx: &mut DbConnection,
        pin: &PasswordVerifier,
        now_ms: i64,
    ) -> Result<(), BankError> {
        sqlx::query(
            "INSERT INTO payer_telephone (payer_id, pin, tries_left, day_utc, spent_minor) VALUES ($1, $2, $3, 0, 0)
             ON CONFLICT (payer_id) DO UPDATE SET pin = excluded.pin, tries_left = excluded.tries_left",
        )
        .bind(&self.payer_id)
        .bind(pin.to_text())
        .bind(TRIES_MAX)
        .execute(&mut *db_tx)
        .await?;
        self.changed(db_tx, Said::TelephonePinSet, now_ms).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_six_digits_that_are_not_guessed_first() {
        let pepper = Pepper::new([1; 32]);
        for wrong in ["", "12345", "1234567", "12345a", "123456", "654321", "000000", "999999"] {
            assert!(telephone_pin(wrong, &pepper).is_err(), "{wrong}");
        }
        let pin = telephone_pin("739182\n", &pepper).unwrap();
        assert!(pin.verifies(&Password::typed("739182"), &pepper));
        assert!(!pin.verifies(&Password::typed("739183"), &pepper));
    }
}

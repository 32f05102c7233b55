//! The terms a merchant or an acquirer is settled on: what is taken for a sale, and when is paid out.

use std::str::FromStr;

use jiff::civil::Date;

use super::business_day::BusinessDate;
use crate::bank_front::account::{self, AccountId, AccountKind};
use crate::bank_front::error::BankError;
use crate::storage::DbConnection;

/// Basis points of a whole.
const WHOLE_BASIS_POINTS: i128 = 10_000;

/// What is taken for each sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct FeePlan {
    /// Of the amount, in hundredths of a percent.
    pub basis_points: u16,
    /// For each sale, in minor units of the account's currency.
    pub fixed_minor: i64,
}

impl FeePlan {
    /// Nothing is taken.
    pub const NONE: Self = Self { basis_points: 0, fixed_minor: 0 };

    /// The fee of one sale, in minor units. The part that goes with the amount is rounded to the nearest minor
    /// unit, and a half goes to whoever pays the fee: the bank does not earn by rounding.
    ///
    /// # Errors
    /// When the fee is out of range.
    pub fn fee_minor(self, sale_minor: i64) -> Result<i64, BankError> {
        let exact = i128::from(sale_minor) * i128::from(self.basis_points);
        let half_down = (exact + (WHOLE_BASIS_POINTS / 2 - 1)).div_euclid(WHOLE_BASIS_POINTS);
        let part = i64::try_from(half_down).map_err(|_| BankError::Range)?;
        part.checked_add(self.fixed_minor).ok_or(BankError::Range)
    }
}

/// When is paid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayoutSchedule {
    /// With every business day.
    Daily,
    /// With the business days of this day of the week; 1 is Monday.
    Weekly(i8),
    /// With the business days of this day of the month, 1 to 28.
    Monthly(i8),
    /// Not at all, until the bank says otherwise.
    Never,
}

impl PayoutSchedule {
    /// Whether a business day is one that is paid out with.
    pub fn is_due(self, date: BusinessDate) -> bool {
        let date: Date = date.date();
        match self {
            Self::Daily => true,
            Self::Weekly(day) => date.weekday().to_monday_one_offset() == day,
            Self::Monthly(day) => date.day() == day,
            Self::Never => false,
        }
    }

    fn stored(self) -> (&'static str, Option<i64>) {
        match self {
            Self::Daily => ("daily", None),
            Self::Weekly(day) => ("weekly", Some(i64::from(day))),
            Self::Monthly(day) => ("monthly", Some(i64::from(day))),
            Self::Never => ("never", None),
        }
    }

    fn of_stored(name: &str, day: Option<i64>) -> Result<Self, BankError> {
        let day = day.map(|day| i8::try_from(day).unwrap_or_default());
        match (name, day) {
            ("daily", None) => Ok(Self::Daily),
            ("weekly", Some(day @ 1..=7)) => Ok(Self::Weekly(day)),
            ("monthly", Some(day @ 1..=28)) => Ok(Self::Monthly(day)),
            ("never", None) => Ok(Self::Never),
            _ => Err(BankError::Stored("settlement_terms.payout")),
        }
    }
}

impl FromStr for PayoutSchedule {
    type Err = String;

    /// Reads `daily`, `weekly:1` (Monday) to `weekly:7`, `monthly:1` to `monthly:28`, or `never`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, day) = text.split_once(':').map_or((text, None), |(name, day)| (name, Some(day)));
        let day = day.map(|day| day.parse().unwrap_or_default());
        Self::of_stored(name, day)
            .map_err(|_| "daily, weekly:1 (Monday) to weekly:7, monthly:1 to monthly:28, or never".to_owned())
    }
}

impl std::fmt::Display for PayoutSchedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.stored() {
            (name, Some(day)) => write!(f, "{name}:{day}"),
            (name, None) => f.write_str(name),
        }
    }
}

impl serde::Serialize for PayoutSchedule {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The terms of one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Terms {
    /// What is taken for each sale.
    pub fee: FeePlan,
    /// When is paid out.
    pub payout: PayoutSchedule,
    /// The least that is paid out, in minor units.
    pub payout_least_minor: i64,
}

impl Default for Terms {
    /// The terms nobody agreed on: no fee, and what is there is paid out every day.
    fn default() -> Self {
        Self { fee: FeePlan::NONE, payout: PayoutSchedule::Daily, payout_least_minor: 0 }
    }
}

type Row = (i64, i64, i64, String, Option<i64>, i64);

/// The terms of an account over time, and which are the newest at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TermsHistory(Vec<(i64, Terms)>);

impl TermsHistory {
    /// Every terms of an account so far.
    pub(super) async fn of(connection: &mut DbConnection, account_id: &AccountId) -> Result<Self, BankError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT since_ms, fee_basis_points, fee_fixed_minor, payout, payout_day, payout_least_minor
             FROM settlement_terms WHERE account_id = $1 ORDER BY since_ms",
        )
        .bind(account_id)
        .fetch_all(connection)
        .await?;
        let terms = rows.into_iter().map(|(since_ms, basis_points, fixed_minor, payout, day, least_minor)| {
            let basis_points =
                u16::try_from(basis_points).map_err(|_| BankError::Stored("settlement_terms.fee_basis_points"))?;
            let fee = FeePlan { basis_points, fixed_minor };
            let payout = PayoutSchedule::of_stored(&payout, day)?;
            Ok((since_ms, Terms { fee, payout, payout_least_minor: least_minor }))
        });
        terms.collect::<Result<_, BankError>>().map(Self)
    }

    /// The terms that were the newest at a moment.
    pub(super) fn at(&self, moment_ms: i64) -> Terms {
        let known = self.0.iter().rfind(|(since_ms, _)| *since_ms <= moment_ms);
        known.map(|(_, terms)| *terms).unwrap_or_default()
    }
}

/// The terms of an account now.
///
/// # Errors
/// When the database fails.
pub async fn current(connection: &mut DbConnection, account_id: &AccountId) -> Result<Terms, BankError> {
    Ok(TermsHistory::of(connection, account_id).await?.at(i64::MAX))
}

/// Sets the terms of a merchant's or an acquirer's account for sales from now on.
///
/// # Errors
/// When the account is neither, or an amount or a rate is out of range.
pub async fn set(db_tx: &mut DbConnection, account_id: &AccountId, terms: Terms, now_ms: i64) -> Result<(), BankError> {
    match account::kind_of(db_tx, account_id).await? {
        Some(AccountKind::Merchant | AccountKind::Acquirer) => {}
        Some(AccountKind::Cardholder | AccountKind::Fees | AccountKind::Payouts | AccountKind::Opening) | None => {
            return Err(BankError::NoAccount(account_id.to_string()));
        }
    }
    let is_rate = i128::from(terms.fee.basis_points) <= WHOLE_BASIS_POINTS;
    if !is_rate || terms.fee.fixed_minor < 0 || terms.payout_least_minor < 0 {
        return Err(BankError::Range);
    }
    let (payout, day) = terms.payout.stored();
    sqlx::query(
        "INSERT INTO settlement_terms (account_id, since_ms, fee_basis_points, fee_fixed_minor, payout, payout_day,
         payout_least_minor) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(account_id)
    .bind(now_ms)
    .bind(i64::from(terms.fee.basis_points))
    .bind(terms.fee.fixed_minor)
    .bind(payout)
    .bind(day)
    .bind(terms.payout_least_minor)
    .execute(db_tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fee(basis_points: u16, fixed_minor: i64, sale_minor: i64) -> i64 {
        FeePlan { basis_points, fixed_minor }.fee_minor(sale_minor).unwrap()
    }

    #[test]
    fn a_half_goes_to_whoever_pays_the_fee() {
        assert_eq!(fee(290, 30, 1_280), 37 + 30, "2.9 % of 12.80 is 37.12");
        assert_eq!(fee(50, 0, 100), 0, "a half");
        assert_eq!(fee(50, 0, 101), 1, "just above a half");
        assert_eq!(fee(50, 0, 300), 1, "one and a half");
        assert_eq!(fee(10_000, 0, 999_999_999_999), 999_999_999_999);
        assert_eq!(FeePlan::NONE.fee_minor(5).unwrap(), 0);
        assert!(FeePlan { basis_points: 10_000, fixed_minor: 1 }.fee_minor(i64::MAX).is_err());
    }

    proptest::proptest! {
        #[test]
        fn rounding_moves_a_fee_by_at_most_half_a_minor_unit(bps in 0_u16..=10_000, sale in 1_i64..=999_999_999_999) {
            let rounded = i128::from(fee(bps, 0, sale)) * 10_000;
            let exact = i128::from(sale) * i128::from(bps);
            proptest::prop_assert!(rounded - exact < 5_000 && exact - rounded <= 5_000);
        }
    }

    #[test]
    fn a_schedule_is_read_as_it_is_written_and_due_on_its_days() {
        for text in ["daily", "weekly:1", "weekly:7", "monthly:1", "monthly:28", "never"] {
            assert_eq!(text.parse::<PayoutSchedule>().unwrap().to_string(), text);
        }
        for wrong in ["", "weekly", "weekly:0", "weekly:8", "monthly:29", "daily:1", "monthly:x"] {
            assert!(wrong.parse::<PayoutSchedule>().is_err(), "{wrong}");
        }
        let due = |schedule: &str, date: &str| {
            schedule.parse::<PayoutSchedule>().unwrap().is_due(date.parse::<BusinessDate>().unwrap())
        };
        assert!(due("weekly:3", "2026-11-25") && !due("weekly:4", "2026-11-25"));
        assert!(due("monthly:25", "2026-11-25") && !due("monthly:25", "2026-11-26"));
        assert!(due("daily", "2026-11-26") && !due("never", "2026-11-26"));
    }
}

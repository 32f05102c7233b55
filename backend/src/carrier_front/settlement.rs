//! Settlement: merchants get what subscribers put on their bills for them, less the share they agreed on.
//!
//! The share is taken of everything a run pays a merchant at once, and is rounded to the nearest minor unit, a half to the
//! merchant: the operator does not earn by rounding. The merchant gets the rest, so that nothing is lost or made. A merchant that owes more than it is owed waits for the next run.

use payment::{Currency, MerchantId};

use super::error::CarrierError;
use super::ledger::{Account, Kind, NewPosting};
use super::month;
use crate::storage::DbConnection;

/// Basis points of everything.
const WHOLE: i64 = 10_000;

/// On which way a merchant gets its money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Route {
    /// By a file of transfers for the bank, from the operator's account there.
    Bank,
    /// From the operator itself.
    Direct,
}

impl Route {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bank => "bank",
            Self::Direct => "direct",
        }
    }
}

/// A merchant that was paid.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Settled {
    /// What names it, at the bank too.
    pub settlement_id: String,
    /// Who was paid.
    pub merchant_id: String,
    /// The currency.
    pub currency: String,
    /// On which way.
    pub route: String,
    /// What subscribers bought, less what came back, in minor units.
    pub gross_minor: i64,
    /// The agreed share, in hundredths of a percent.
    pub share_basis_points: i64,
    /// The operator's share, in minor units.
    pub share_minor: i64,
    /// What the merchant gets, in minor units.
    pub net_minor: i64,
    /// When, in milliseconds since the Unix epoch.
    pub settled_ms: i64,
}

/// Writes down what a merchant agreed to.
///
/// # Errors
/// [`CarrierError::Malformed`] when the share is more than everything.
pub async fn agree(
    db_tx: &mut DbConnection,
    merchant: &MerchantId,
    share_basis_points: i64,
    route: Route,
) -> Result<(), CarrierError> {
    if !(0..=WHOLE).contains(&share_basis_points) {
        return Err(CarrierError::Malformed("a share is 0 to 10000 basis points"));
    }
    sqlx::query(
        "INSERT INTO merchant_terms (merchant_id, share_basis_points, route) VALUES ($1, $2, $3)
         ON CONFLICT (merchant_id) DO UPDATE SET share_basis_points = excluded.share_basis_points, route = excluded.route",
    )
    .bind(merchant.as_str())
    .bind(share_basis_points)
    .bind(route.as_str())
    .execute(db_tx)
    .await?;
    Ok(())
}

/// The share of an amount, rounded to the nearest minor unit; a half is not taken.
///
/// # Errors
/// [`CarrierError::Range`] beyond the range.
pub fn share_of(gross_minor: i64, basis_points: i64) -> Result<i64, CarrierError> {
    let share = (i128::from(gross_minor) * i128::from(basis_points) + i128::from(WHOLE / 2 - 1)) / i128::from(WHOLE);
    i64::try_from(share).map_err(|_| CarrierError::Range)
}

/// Pays every merchant that is owed something and has agreed on a share.
///
/// # Errors
/// When the books cannot be read or written.
pub async fn run(db_tx: &mut DbConnection, operator_id: &str, now_ms: i64) -> Result<Vec<Settled>, CarrierError> {
    let owed: Vec<(String, String, i64, i64, i64, String)> = sqlx::query_as(
        "SELECT merchant_terms.merchant_id, account.currency, account.posted_minor, account.entries,
         merchant_terms.share_basis_points, merchant_terms.route FROM merchant_terms
         JOIN account ON account.account = 'merchant:' || merchant_terms.merchant_id
         WHERE account.posted_minor < 0 ORDER BY merchant_terms.merchant_id, account.currency",
    )
    .fetch_all(&mut *db_tx)
    .await?;
    let mut settled = Vec::with_capacity(owed.len());
    for (merchant_id, currency, posted_minor, last_sequence, share_basis_points, route) in owed {
        let gross_minor = posted_minor.checked_neg().ok_or(CarrierError::Range)?;
        let share_minor = share_of(gross_minor, share_basis_points)?;
        let one = Settled {
            settlement_id: format!("{operator_id}-{merchant_id}-{}-{last_sequence}", currency.to_lowercase()),
            merchant_id,
            currency,
            route,
            gross_minor,
            share_basis_points,
            share_minor,
            net_minor: gross_minor - share_minor,
            settled_ms: now_ms,
        };
        one.insert(db_tx, last_sequence).await?;
        settled.push(one);
    }
    Ok(settled)
}

impl Settled {
    async fn insert(&self, db_tx: &mut DbConnection, last_sequence: i64) -> Result<(), CarrierError> {
        let merchant: MerchantId = self.merchant_id.parse().map_err(|_| CarrierError::Stored("account"))?;
        let currency: Currency = self.currency.parse().map_err(|_| CarrierError::Stored("account.currency"))?;
        let posting = NewPosting {
            kind: Kind::Settlement,
            currency,
            acquirer: None,
            narrative: &format!("Settlement {} {}", self.settlement_id, month::minute(self.settled_ms)),
            confirmation: None,
            entries: &[
                (Account::of_merchant(&merchant), self.gross_minor),
                (Account::shares(), -self.share_minor),
                (Account::payouts(), -self.net_minor),
            ],
        };
        posting.insert(db_tx, self.settled_ms).await?;
        sqlx::query(
            "INSERT INTO settlement (settlement_id, merchant_id, currency, route, last_sequence, gross_minor,
             share_basis_points, share_minor, net_minor, settled_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(&self.settlement_id)
        .bind(&self.merchant_id)
        .bind(&self.currency)
        .bind(&self.route)
        .bind(last_sequence)
        .bind(self.gross_minor)
        .bind(self.share_basis_points)
        .bind(self.share_minor)
        .bind(self.net_minor)
        .bind(self.settled_ms)
        .execute(db_tx)
        .await?;
        Ok(())
    }
}

/// Everything that was paid since, oldest first: to write a run's file again.
///
/// # Errors
/// When the database fails.
pub async fn since(connection: &mut DbConnection, from_ms: i64) -> Result<Vec<Settled>, CarrierError> {
    let settled = sqlx::query_as(
        "SELECT settlement_id, merchant_id, currency, route, gross_minor, share_basis_points, share_minor, net_minor,
         settled_ms FROM settlement WHERE settled_ms >= $1 ORDER BY settled_ms, settlement_id",
    )
    .bind(from_ms)
    .fetch_all(connection)
    .await?;
    Ok(settled)
}

/// The file of transfers that the bank is given: only what goes by the bank.
///
/// # Errors
/// When a line cannot be written.
pub fn transfers_csv(settled: &[Settled]) -> Result<Vec<u8>, CarrierError> {
    let failed = |_| CarrierError::Malformed("the file of transfers could not be written");
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["reference", "merchant_id", "currency", "amount_minor"]).map_err(failed)?;
    for one in settled.iter().filter(|one| one.route == Route::Bank.as_str() && one.net_minor > 0) {
        csv.write_record([&one.settlement_id, &one.merchant_id, &one.currency, &one.net_minor.to_string()])
            .map_err(failed)?;
    }
    csv.into_inner().map_err(|_| CarrierError::Malformed("the file of transfers could not be written"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_of_a_share_is_not_taken() {
        for (gross, basis_points, share) in [
            (10_000, 250, 250),
            (1, 5_000, 0),
            (1, 5_001, 1),
            (333, 300, 10),
            (350, 300, 10),
            (351, 300, 11),
            (1_280, 0, 0),
            (7, 10_000, 7),
        ] {
            assert_eq!(share_of(gross, basis_points).unwrap(), share, "{gross} at {basis_points}");
        }
        assert_eq!(share_of(i64::MAX, 10_000).unwrap(), i64::MAX);
    }
}

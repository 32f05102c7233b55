//! What a till keeps of the vouchers its merchant made.

use ::vouchers::OwnVoucher;
use payment::{Currency, FixedPart, MerchantId, VoucherNumber};
use sqlx::FromRow;

use super::Store;
use crate::clock::{signed, unsigned};
use crate::error::{Result, WalletError};

/// A batch.
#[derive(Clone, Debug)]
pub struct BatchRow {
    /// The six digits that its numbers begin with.
    pub batch: FixedPart,
    /// The bank that sells it.
    pub bank_id: String,
    /// Its name.
    pub bank_name: String,
    /// In which currency.
    pub currency: Currency,
    /// From which amount on a payment needs a card's proof, in minor units.
    pub large_from_minor: i64,
    /// How many vouchers.
    pub vouchers: u32,
    /// What they are worth together, in minor units.
    pub total_minor: i64,
    /// When it was made.
    pub created_ms: u64,
    /// Whether the bank's file is still here.
    pub has_file: bool,
    /// Whether its verifiers are.
    pub has_verifiers: bool,
    /// What came of the last comparison with the bank.
    pub compared: Option<ComparedRow>,
}

/// What came of a comparison with the bank, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComparedRow {
    /// When.
    pub at_ms: u64,
    /// How many vouchers differ.
    pub differences: u32,
    /// What buyers paid.
    pub sold_minor: i64,
    /// What was spent.
    pub spent_minor: i64,
    /// What is left on the vouchers.
    pub left_minor: i64,
}

/// A voucher as the list has it.
#[derive(Clone, Debug)]
pub struct VoucherEntry {
    /// Of which batch.
    pub batch: FixedPart,
    /// In which currency.
    pub currency: Currency,
    /// For how much, in minor units.
    pub amount_minor: i64,
    /// Number, amount and verifiers, unless these were forgotten.
    pub own: Option<OwnVoucher>,
}

#[derive(FromRow)]
struct RawBatch {
    batch: String,
    bank_id: String,
    bank_name: String,
    currency: String,
    large_from_minor: i64,
    vouchers: i64,
    total_minor: i64,
    created_ms: i64,
    has_file: bool,
    has_verifiers: bool,
    compared_ms: Option<i64>,
    differences: Option<i64>,
    sold_minor: Option<i64>,
    spent_minor: Option<i64>,
    left_minor: Option<i64>,
}

#[derive(FromRow)]
struct RawVoucher {
    number: String,
    batch: String,
    currency: String,
    amount_minor: i64,
    code_verifier: Option<String>,
    backup_verifier: Option<String>,
}

fn unreadable() -> WalletError {
    WalletError::Row("voucher")
}

fn count(value: i64) -> Result<u32> {
    u32::try_from(value).map_err(|_| unreadable())
}

impl TryFrom<RawBatch> for BatchRow {
    type Error = WalletError;

    fn try_from(raw: RawBatch) -> Result<Self> {
        let compared = match (raw.compared_ms, raw.differences, raw.sold_minor, raw.spent_minor, raw.left_minor) {
            (Some(at_ms), Some(differences), Some(sold_minor), Some(spent_minor), Some(left_minor)) => {
                let (at_ms, differences) = (unsigned(at_ms), count(differences)?);
                Some(ComparedRow { at_ms, differences, sold_minor, spent_minor, left_minor })
            }
            _ => None,
        };
        Ok(Self {
            batch: raw.batch.parse().map_err(|_| unreadable())?,
            bank_id: raw.bank_id,
            bank_name: raw.bank_name,
            currency: raw.currency.parse().map_err(|_| unreadable())?,
            large_from_minor: raw.large_from_minor,
            vouchers: count(raw.vouchers)?,
            total_minor: raw.total_minor,
            created_ms: unsigned(raw.created_ms),
            has_file: raw.has_file,
            has_verifiers: raw.has_verifiers,
            compared,
        })
    }
}

impl TryFrom<RawVoucher> for VoucherEntry {
    type Error = WalletError;

    fn try_from(raw: RawVoucher) -> Result<Self> {
        let number: VoucherNumber = raw.number.parse().map_err(|_| unreadable())?;
        let amount_minor = raw.amount_minor;
        let verifiers = raw.code_verifier.zip(raw.backup_verifier);
        let own =
            |(code_verifier, backup_verifier)| OwnVoucher { number, amount_minor, code_verifier, backup_verifier };
        Ok(Self {
            batch: raw.batch.parse().map_err(|_| unreadable())?,
            currency: raw.currency.parse().map_err(|_| unreadable())?,
            amount_minor,
            own: verifiers.map(own),
        })
    }
}

/// The columns of a batch, and whether its verifiers are there.
const BATCHES: &str = "SELECT batch, bank_id, bank_name, currency, large_from_minor, vouchers, total_minor, created_ms, \
     bank_file IS NOT NULL AS has_file, compared_ms, differences, sold_minor, spent_minor, left_minor, \
     EXISTS (SELECT 1 FROM voucher WHERE voucher.merchant_id = voucher_batch.merchant_id \
     AND voucher.batch = voucher_batch.batch AND code_verifier IS NOT NULL) AS has_verifiers \
     FROM voucher_batch WHERE merchant_id = $1";

impl Store {
    /// Keeps a batch with its list and the bank's file, all of it or nothing. Answers false when there is one of these digits.
    pub async fn insert_batch(
        &self,
        merchant_id: &MerchantId,
        batch: &BatchRow,
        own: &[OwnVoucher],
        bank_file: &str,
    ) -> Result<bool> {
        let mut step = self.pool.begin().await?;
        let inserted = sqlx::query(
            "INSERT INTO voucher_batch (merchant_id, batch, bank_id, bank_name, currency, large_from_minor, vouchers, \
             total_minor, created_ms, bank_file) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT (merchant_id, batch) DO NOTHING",
        )
        .bind(merchant_id.as_str())
        .bind(batch.batch.as_str())
        .bind(&batch.bank_id)
        .bind(&batch.bank_name)
        .bind(batch.currency.code())
        .bind(batch.large_from_minor)
        .bind(i64::from(batch.vouchers))
        .bind(batch.total_minor)
        .bind(signed(batch.created_ms))
        .bind(bank_file)
        .execute(&mut *step)
        .await?;
        if inserted.rows_affected() == 0 {
            return Ok(false);
        }
        for voucher in own {
            sqlx::query(
                "INSERT INTO voucher (merchant_id, number, batch, amount_minor, code_verifier, backup_verifier) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(merchant_id.as_str())
            .bind(voucher.number.as_str())
            .bind(batch.batch.as_str())
            .bind(voucher.amount_minor)
            .bind(&voucher.code_verifier)
            .bind(&voucher.backup_verifier)
            .execute(&mut *step)
            .await?;
        }
        step.commit().await?;
        Ok(true)
    }

    /// A merchant's batches, the newest first.
    pub async fn batches(&self, merchant_id: &MerchantId) -> Result<Vec<BatchRow>> {
        let rows: Vec<RawBatch> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("{BATCHES} ORDER BY created_ms DESC, batch DESC")))
                .bind(merchant_id.as_str())
                .fetch_all(&self.pool)
                .await?;
        rows.into_iter().map(BatchRow::try_from).collect()
    }

    /// One of them.
    pub async fn batch(&self, merchant_id: &MerchantId, batch: &FixedPart) -> Result<Option<BatchRow>> {
        let row: Option<RawBatch> = sqlx::query_as(sqlx::AssertSqlSafe(format!("{BATCHES} AND batch = $2")))
            .bind(merchant_id.as_str())
            .bind(batch.as_str())
            .fetch_optional(&self.pool)
            .await?;
        row.map(BatchRow::try_from).transpose()
    }

    /// The bank's file of a batch, while it is here.
    pub async fn bank_file(&self, merchant_id: &MerchantId, batch: &FixedPart) -> Result<Option<String>> {
        let row: Option<(Option<String>,)> =
            sqlx::query_as("SELECT bank_file FROM voucher_batch WHERE merchant_id = $1 AND batch = $2")
                .bind(merchant_id.as_str())
                .bind(batch.as_str())
                .fetch_optional(&self.pool)
                .await?;
        Ok(row.and_then(|(file,)| file))
    }

    /// Numbers and amounts of a batch, in minor units.
    pub async fn batch_amounts(
        &self,
        merchant_id: &MerchantId,
        batch: &FixedPart,
    ) -> Result<Vec<(VoucherNumber, i64)>> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT number, amount_minor FROM voucher WHERE merchant_id = $1 AND batch = $2")
                .bind(merchant_id.as_str())
                .bind(batch.as_str())
                .fetch_all(&self.pool)
                .await?;
        let read =
            |(number, amount_minor): (String, i64)| Ok((number.parse().map_err(|_| unreadable())?, amount_minor));
        rows.into_iter().map(read).collect()
    }

    /// A voucher of a merchant's by its number.
    pub async fn voucher(&self, merchant_id: &MerchantId, number: &VoucherNumber) -> Result<Option<VoucherEntry>> {
        let row: Option<RawVoucher> = sqlx::query_as(
            "SELECT number, voucher.batch AS batch, currency, amount_minor, code_verifier, backup_verifier FROM voucher \
             JOIN voucher_batch ON voucher_batch.merchant_id = voucher.merchant_id AND voucher_batch.batch = voucher.batch \
             WHERE voucher.merchant_id = $1 AND number = $2",
        )
        .bind(merchant_id.as_str())
        .bind(number.as_str())
        .fetch_optional(&self.pool)
        .await?;
        row.map(VoucherEntry::try_from).transpose()
    }

    /// Keeps what came of a comparison. Once the bank has listed vouchers of the batch it has the file, and the copy here goes.
    pub async fn save_comparison(
        &self,
        merchant_id: &MerchantId,
        batch: &FixedPart,
        compared: &ComparedRow,
        listed: u32,
    ) -> Result<()> {
        sqlx::query(
            "UPDATE voucher_batch SET compared_ms = $3, differences = $4, sold_minor = $5, spent_minor = $6, \
             left_minor = $7, bank_file = CASE WHEN $8 > 0 THEN NULL ELSE bank_file END \
             WHERE merchant_id = $1 AND batch = $2",
        )
        .bind(merchant_id.as_str())
        .bind(batch.as_str())
        .bind(signed(compared.at_ms))
        .bind(i64::from(compared.differences))
        .bind(compared.sold_minor)
        .bind(compared.spent_minor)
        .bind(compared.left_minor)
        .bind(i64::from(listed))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Forgets every verifier, before the key they are made with is.
    pub async fn forget_voucher_verifiers(&self) -> Result<()> {
        sqlx::query("UPDATE voucher SET code_verifier = NULL, backup_verifier = NULL").execute(&self.pool).await?;
        Ok(())
    }
}

//! Merchants that the payer accepted or blocked.

use payment::{MerchantId, RequestId};

use super::Store;
use crate::clock::signed;
use crate::error::{Result, WalletError};

impl Store {
    /// Accepts a merchant.
    pub async fn accept_merchant(&self, merchant_id: &MerchantId, now_ms: u64) -> Result<()> {
        sqlx::query(
            "INSERT INTO accepted_merchant (merchant_id, accepted_ms) VALUES ($1, $2) ON CONFLICT (merchant_id) DO NOTHING",
        )
        .bind(merchant_id.as_str())
        .bind(signed(now_ms))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Remembers that the payer asked for a request: opened its link, or told the number it came under.
    pub async fn set_asked(&self, request_id: RequestId) -> Result<()> {
        sqlx::query("UPDATE request SET asked = 1 WHERE request_id = $1")
            .bind(request_id.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Never lists this merchant's requests again.
    pub async fn block_merchant(&self, merchant_id: &MerchantId, now_ms: u64) -> Result<()> {
        sqlx::query("DELETE FROM accepted_merchant WHERE merchant_id = $1")
            .bind(merchant_id.as_str())
            .execute(&self.pool)
            .await?;
        sqlx::query(
            "INSERT INTO blocked_merchant (merchant_id, blocked_ms) VALUES ($1, $2) ON CONFLICT (merchant_id) DO NOTHING",
        )
        .bind(merchant_id.as_str())
        .bind(signed(now_ms))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Takes a block back.
    pub async fn unblock_merchant(&self, merchant_id: &MerchantId) -> Result<()> {
        sqlx::query("DELETE FROM blocked_merchant WHERE merchant_id = $1")
            .bind(merchant_id.as_str())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The payment server knows of a block.
    pub async fn set_block_told(&self, merchant_id: &MerchantId, now_ms: u64) -> Result<()> {
        sqlx::query("UPDATE blocked_merchant SET told_ms = $2 WHERE merchant_id = $1")
            .bind(merchant_id.as_str())
            .bind(signed(now_ms))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Whether this merchant is blocked.
    pub async fn is_blocked(&self, merchant_id: &MerchantId) -> Result<bool> {
        let row: Option<(i64,)> = sqlx::query_as("SELECT 1 FROM blocked_merchant WHERE merchant_id = $1")
            .bind(merchant_id.as_str())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.is_some())
    }

    /// Every blocked merchant, and whether the payment server knows.
    pub async fn blocked_merchants(&self) -> Result<Vec<(MerchantId, bool)>> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("SELECT merchant_id, told_ms IS NOT NULL FROM blocked_merchant ORDER BY merchant_id")
                .fetch_all(&self.pool)
                .await?;
        rows.into_iter().map(|(id, told)| Ok((merchant(&id)?, told != 0))).collect()
    }

    /// Every accepted merchant, the latest first.
    pub async fn accepted_merchants(&self) -> Result<Vec<MerchantId>> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT merchant_id FROM accepted_merchant ORDER BY accepted_ms DESC, merchant_id LIMIT 500",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(|(id,)| merchant(&id)).collect()
    }

    /// Merchants that asked and are not blocked.
    pub async fn known_merchants(&self) -> Result<Vec<MerchantId>> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "SELECT DISTINCT merchant_id FROM request WHERE merchant_id NOT IN (SELECT merchant_id FROM blocked_merchant) \
             ORDER BY merchant_id LIMIT 500",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(|(id,)| merchant(&id)).collect()
    }

    /// Forgets a claimed identifier.
    pub async fn forget_identifier(&self, identifier: &str) -> Result<()> {
        sqlx::query("DELETE FROM identifier WHERE identifier = $1").bind(identifier).execute(&self.pool).await?;
        Ok(())
    }
}

fn merchant(id: &str) -> Result<MerchantId> {
    id.parse().map_err(|_| WalletError::Row("merchant"))
}

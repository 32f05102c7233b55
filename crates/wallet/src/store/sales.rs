//! What a till remembers: the merchant, the sales it made, and what is on its way.

use payment::{MerchantId, RequestId};
use protocol::merchant_api::{PaymentRequestView, Scope};
use sqlx::FromRow;

use super::Store;
use crate::clock::{signed, unsigned};
use crate::error::{Result, WalletError};
use crate::merchant::MerchantFacts;

/// Whether the server has an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaleStage {
    /// It may or may not: the order is sent again, the same, until there is an answer.
    Sending,
    /// It has.
    Sent,
    /// It will not take it.
    Refused,
}

impl SaleStage {
    const fn name(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Refused => "refused",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Sending, Self::Sent, Self::Refused].into_iter().find(|stage| stage.name() == name)
    }
}

/// A sale this till made.
#[derive(Clone, Debug)]
pub struct SaleRow {
    /// Its request.
    pub request_id: RequestId,
    /// Whose.
    pub merchant_id: MerchantId,
    /// The merchant's own reference.
    pub order_number: String,
    /// The order as signed.
    pub order_jws: String,
    /// Whether the server has it.
    pub stage: SaleStage,
    /// The bytes to send, while there is no answer.
    pub body: Option<String>,
    /// What was asked for.
    pub fingerprint: String,
    /// Links and their key, sealed, in base64.
    pub sealed_links: Option<String>,
    /// The server's last word.
    pub view: Option<PaymentRequestView>,
    /// When the order was made.
    pub created_ms: u64,
}

#[derive(FromRow)]
struct RawSale {
    request_id: String,
    merchant_id: String,
    order_number: String,
    order_jws: String,
    stage: String,
    body: Option<String>,
    fingerprint: String,
    sealed_links: Option<String>,
    view: Option<String>,
    created_ms: i64,
}

impl TryFrom<RawSale> for SaleRow {
    type Error = WalletError;

    fn try_from(raw: RawSale) -> Result<Self> {
        let unreadable = || WalletError::Row("sale");
        Ok(Self {
            request_id: raw.request_id.parse().map_err(|_| unreadable())?,
            merchant_id: raw.merchant_id.parse().map_err(|_| unreadable())?,
            order_number: raw.order_number,
            order_jws: raw.order_jws,
            stage: SaleStage::from_name(&raw.stage).ok_or_else(unreadable)?,
            body: raw.body,
            fingerprint: raw.fingerprint,
            sealed_links: raw.sealed_links,
            view: raw.view.map(|view| serde_json::from_str(&view)).transpose().map_err(|_| unreadable())?,
            created_ms: unsigned(raw.created_ms),
        })
    }
}

#[derive(FromRow)]
struct RawTill {
    merchant_id: String,
    display_name: String,
    country: String,
    mcc: String,
    city: String,
    currency: String,
    server: String,
    tls_ca_pem: String,
    kid: String,
    scopes: String,
}

impl TryFrom<RawTill> for MerchantFacts {
    type Error = WalletError;

    fn try_from(raw: RawTill) -> Result<Self> {
        let unreadable = || WalletError::Row("merchant");
        Ok(Self {
            merchant_id: raw.merchant_id.parse().map_err(|_| unreadable())?,
            display_name: raw.display_name,
            country: raw.country,
            mcc: raw.mcc,
            city: raw.city,
            currency: raw.currency.parse().map_err(|_| unreadable())?,
            server: raw.server,
            tls_ca_pem: raw.tls_ca_pem,
            kid: raw.kid,
            scopes: raw.scopes.split(' ').filter_map(Scope::from_name).collect(),
        })
    }
}

impl Store {
    /// The merchant this wallet takes payments for.
    pub async fn till(&self) -> Result<Option<MerchantFacts>> {
        let row: Option<RawTill> = sqlx::query_as(
            "SELECT merchant_id, display_name, country, mcc, city, currency, server, tls_ca_pem, kid, scopes FROM till",
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(MerchantFacts::try_from).transpose()
    }

    /// Makes this wallet the till of a merchant, and of no other.
    pub async fn save_till(&self, facts: &MerchantFacts, now_ms: u64) -> Result<()> {
        let mut step = self.pool.begin().await?;
        sqlx::query("DELETE FROM till").execute(&mut *step).await?;
        sqlx::query(
            "INSERT INTO till (merchant_id, display_name, country, mcc, city, currency, server, tls_ca_pem, kid, \
             scopes, connected_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(facts.merchant_id.as_str())
        .bind(&facts.display_name)
        .bind(&facts.country)
        .bind(&facts.mcc)
        .bind(&facts.city)
        .bind(facts.currency.code())
        .bind(&facts.server)
        .bind(&facts.tls_ca_pem)
        .bind(&facts.kid)
        .bind(facts.scopes.iter().map(|scope| scope.name()).collect::<Vec<_>>().join(" "))
        .bind(signed(now_ms))
        .execute(&mut *step)
        .await?;
        Ok(step.commit().await?)
    }

    /// Forgets the merchant, and what was sealed with its keys.
    pub async fn remove_till(&self) -> Result<()> {
        let mut step = self.pool.begin().await?;
        for sql in ["DELETE FROM till", "UPDATE sale SET sealed_links = NULL", "DELETE FROM counter"] {
            sqlx::query(sql).execute(&mut *step).await?;
        }
        Ok(step.commit().await?)
    }

    /// Writes a sale down before it is sent.
    pub async fn insert_sale(&self, sale: &SaleRow) -> Result<()> {
        sqlx::query(
            "INSERT INTO sale (request_id, merchant_id, order_number, order_jws, stage, body, fingerprint, created_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(sale.request_id.to_string())
        .bind(sale.merchant_id.as_str())
        .bind(&sale.order_number)
        .bind(&sale.order_jws)
        .bind(sale.stage.name())
        .bind(&sale.body)
        .bind(&sale.fingerprint)
        .bind(signed(sale.created_ms))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// A sale this till made.
    pub async fn sale(&self, request_id: RequestId) -> Result<Option<SaleRow>> {
        let row: Option<RawSale> = sqlx::query_as(
            "SELECT request_id, merchant_id, order_number, order_jws, stage, body, fingerprint, sealed_links, view, \
             created_ms FROM sale WHERE request_id = $1",
        )
        .bind(request_id.to_string())
        .fetch_optional(&self.pool)
        .await?;
        row.map(SaleRow::try_from).transpose()
    }

    /// Sales of which nobody knows whether the server has them, oldest first.
    pub async fn unanswered_sales(&self, merchant_id: &MerchantId, limit: i64) -> Result<Vec<SaleRow>> {
        let rows: Vec<RawSale> = sqlx::query_as(
            "SELECT request_id, merchant_id, order_number, order_jws, stage, body, fingerprint, sealed_links, view, \
             created_ms FROM sale WHERE stage = 'sending' AND merchant_id = $1 ORDER BY created_ms, request_id LIMIT $2",
        )
        .bind(merchant_id.as_str())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(SaleRow::try_from).collect()
    }

    /// Sales that the server has, newest first, made before this time.
    pub async fn sales_before(&self, merchant_id: &MerchantId, before_ms: u64, limit: i64) -> Result<Vec<SaleRow>> {
        let rows: Vec<RawSale> = sqlx::query_as(
            "SELECT request_id, merchant_id, order_number, order_jws, stage, body, fingerprint, sealed_links, view, \
             created_ms FROM sale WHERE stage = 'sent' AND merchant_id = $1 AND created_ms < $2 \
             ORDER BY created_ms DESC, request_id DESC LIMIT $3",
        )
        .bind(merchant_id.as_str())
        .bind(signed(before_ms))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(SaleRow::try_from).collect()
    }

    /// Remembers the server's word about a sale. `links` are kept from the answer that brings them until the end.
    pub async fn save_sale_view(&self, view: &PaymentRequestView, sealed_links: Option<&str>) -> Result<()> {
        let mut kept = view.clone();
        (kept.link, kept.deep_link) = (None, None);
        let ended = view.state.standing() == payment::Standing::Final;
        sqlx::query(
            "UPDATE sale SET stage = 'sent', body = NULL, view = $2, \
             sealed_links = CASE WHEN $4 = 1 THEN NULL ELSE coalesce($3, sealed_links) END WHERE request_id = $1",
        )
        .bind(view.id.to_string())
        .bind(serde_json::to_string(&kept).expect("wire types are always JSON"))
        .bind(sealed_links)
        .bind(i64::from(ended))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Remembers that the server will not take a sale.
    pub async fn refuse_sale(&self, request_id: RequestId) -> Result<()> {
        sqlx::query("UPDATE sale SET stage = 'refused', body = NULL WHERE request_id = $1")
            .bind(request_id.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Forgets a sale that was never sent.
    pub async fn remove_sale(&self, request_id: RequestId) -> Result<()> {
        sqlx::query("DELETE FROM sale WHERE request_id = $1 AND stage = 'sending'")
            .bind(request_id.to_string())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Writes a refund down before it is sent.
    pub async fn insert_refund(&self, refund_id: &str, request_id: RequestId, body: &str, now_ms: u64) -> Result<()> {
        sqlx::query("INSERT INTO refund_order (refund_id, request_id, body, created_ms) VALUES ($1, $2, $3, $4)")
            .bind(refund_id)
            .bind(request_id.to_string())
            .bind(body)
            .bind(signed(now_ms))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Refunds of which nobody knows whether the server has them: id, request and the bytes to send.
    pub async fn unanswered_refunds(&self, limit: i64) -> Result<Vec<(String, RequestId, String)>> {
        let rows: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT refund_id, request_id, body FROM refund_order ORDER BY created_ms, refund_id LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let read = |(refund_id, request_id, body): (String, String, String)| {
            let request_id = request_id.parse().map_err(|_| WalletError::Row("refund"))?;
            Ok((refund_id, request_id, body))
        };
        rows.into_iter().map(read).collect()
    }

    /// Forgets a refund that the server has, or will not take.
    pub async fn remove_refund(&self, refund_id: &str) -> Result<()> {
        sqlx::query("DELETE FROM refund_order WHERE refund_id = $1").bind(refund_id).execute(&self.pool).await?;
        Ok(())
    }

    /// The sealed link of a counter this till made.
    pub async fn counter_link(&self, counter_id: &str) -> Result<Option<String>> {
        let row: Option<(String,)> = sqlx::query_as("SELECT sealed_link FROM counter WHERE counter_id = $1")
            .bind(counter_id)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|(link,)| link))
    }

    /// Keeps the sealed link of a counter.
    pub async fn save_counter_link(&self, counter_id: &str, merchant_id: &MerchantId, sealed: &str) -> Result<()> {
        sqlx::query("INSERT INTO counter (counter_id, merchant_id, sealed_link) VALUES ($1, $2, $3)")
            .bind(counter_id)
            .bind(merchant_id.as_str())
            .bind(sealed)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

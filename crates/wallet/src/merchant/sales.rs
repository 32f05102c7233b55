//! The sales: one, many, and what a merchant does with them apart from selling.

use payment::{Amount, RequestId};
use protocol::Problem;
use protocol::ipc::merchant::{FileView, SaleView, SalesFilter, SalesPage, TimelineEntry};
use protocol::merchant_api::{Channel, EventView, EventsPage, PaymentRequestView, PaymentRequestsPage, RefundsView};

use super::sell::nothing;
use super::view::{self, Known};
use super::{Till, table};
use crate::error::{Result, WalletError};
use crate::wallet::Wallet;

/// Sales on one page.
const PAGE_MAX: usize = 50;
/// The most sales in a file.
const FILE_SALES_MAX: usize = 10_000;

impl Wallet {
    /// One sale with everything known of it.
    pub async fn sale(&self, request_id: RequestId) -> std::result::Result<SaleView, Problem> {
        let till = self.till()?;
        Ok(self.sale_of(&till, request_id).await?)
    }

    /// Sales, newest first. While the server cannot be reached: those this till made, as last heard.
    pub async fn sales(&self, filter: SalesFilter, cursor: Option<String>) -> std::result::Result<SalesPage, Problem> {
        let till = self.till()?;
        match page(&till, &filter, cursor.as_deref()).await {
            Ok(page) => Ok(SalesPage {
                sales: page.requests.iter().map(view::summary).collect(),
                next_cursor: page.next_cursor,
            }),
            Err(WalletError::NotReached | WalletError::Lost) => Ok(self.own_sales(&till, &filter, cursor).await?),
            Err(error) => Err(error.into()),
        }
    }

    /// The sales of a filter as a file for a spreadsheet.
    pub async fn sales_csv(&self, filter: SalesFilter) -> std::result::Result<FileView, Problem> {
        let till = self.till()?;
        let sales = all(&till, &filter, FILE_SALES_MAX).await?;
        Ok(table::file(&sales, self.core.server.now_ms())?)
    }

    /// Withdraws a request.
    pub async fn sale_cancel(&self, request_id: RequestId) -> std::result::Result<SaleView, Problem> {
        let till = self.till()?;
        let view = self.cancelled(&till, request_id).await?;
        self.core.store.save_sale_view(&view, None).await?;
        self.core.changes.sales_changed();
        Ok(self.sale_of(&till, request_id).await?)
    }

    /// Sends a request again over a channel.
    pub async fn sale_resend(&self, request_id: RequestId, channel: Channel) -> std::result::Result<SaleView, Problem> {
        let till = self.till()?;
        let path = format!("/v1/payment-requests/{request_id}/resend");
        let body = serde_json::json!({ "channel": channel.name() }).to_string();
        till.api.post::<serde_json::Value>(&path, &super::new_key(), body.as_bytes()).await.map_err(Problem::from)?;
        self.core.changes.sales_changed();
        Ok(self.sale_of(&till, request_id).await?)
    }

    /// The view of a sale; as last heard, while the server cannot be reached.
    pub(super) async fn sale_of(&self, till: &Till, request_id: RequestId) -> Result<SaleView> {
        let now_ms = self.core.server.now_ms();
        let view = match till.api.request(request_id).await {
            Ok(view) => view,
            Err(error @ (WalletError::NotReached | WalletError::Lost)) => {
                let row = self.core.store.sale(request_id).await?;
                let Some(kept) = row.as_ref().and_then(|row| row.view.clone()) else { return Err(error) };
                return view::sale(till, &kept, Known::offline(row, &kept), now_ms);
            }
            Err(error) => return Err(error),
        };
        self.core.store.save_sale_view(&view, None).await?;
        // The state is worth showing without them.
        let (refunds, refundable) = refunds(till, &view).await.unwrap_or_else(|error| {
            tracing::info!(request = %request_id, %error, "the refunds could not be read");
            (Vec::new(), nothing(view.amount))
        });
        let timeline = timeline(till, &view).await.unwrap_or_else(|error| {
            tracing::info!(request = %request_id, %error, "the timeline could not be read");
            Vec::new()
        });
        let row = self.core.store.sale(request_id).await?;
        view::sale(till, &view, Known { row, refunds, refundable, timeline }, now_ms)
    }

    /// This till's own sales, as last heard. The cursor is the time of the last one.
    async fn own_sales(&self, till: &Till, filter: &SalesFilter, cursor: Option<String>) -> Result<SalesPage> {
        let before_ms = cursor.and_then(|cursor| cursor.strip_prefix("own:")?.parse().ok()).unwrap_or(u64::MAX);
        let limit = i64::try_from(PAGE_MAX).unwrap_or(i64::MAX);
        let rows = self.core.store.sales_before(&till.facts.merchant_id, before_ms, limit).await?;
        let last = rows.last().filter(|_| rows.len() == PAGE_MAX).map(|row| format!("own:{}", row.created_ms));
        let views = rows.iter().filter_map(|row| row.view.as_ref());
        let sales = views.filter(|view| fits(view, filter)).map(view::summary).collect();
        Ok(SalesPage { sales, next_cursor: last })
    }
}

/// Whether a sale is one of a filter's.
fn fits(view: &PaymentRequestView, filter: &SalesFilter) -> bool {
    view.order_number.to_lowercase().contains(&filter.text.trim().to_lowercase())
        && (filter.status.is_empty() || view.state.name() == filter.status)
        && filter.from_ms.is_none_or(|from_ms| view.created_ms >= from_ms)
        && filter.to_ms.is_none_or(|to_ms| view.created_ms < to_ms)
}

/// A page of the server's list.
async fn page(till: &Till, filter: &SalesFilter, cursor: Option<&str>) -> Result<PaymentRequestsPage> {
    let mut query = vec![("limit", PAGE_MAX.to_string())];
    let mut add = |name: &'static str, value: Option<String>| query.extend(value.map(|value| (name, value)));
    let given = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
    add("order_number", given(&filter.text));
    add("status", given(&filter.status));
    add("created_from_ms", filter.from_ms.map(|time_ms| time_ms.to_string()));
    add("created_to_ms", filter.to_ms.map(|time_ms| time_ms.to_string()));
    add("cursor", cursor.map(str::to_owned));
    till.api.get("/v1/payment-requests", &query).await
}

/// Every sale of a filter, up to a bound.
pub async fn all(till: &Till, filter: &SalesFilter, max: usize) -> Result<Vec<PaymentRequestView>> {
    let mut sales = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = page(till, filter, cursor.as_deref()).await?;
        sales.extend(page.requests);
        cursor = page.next_cursor;
        if cursor.is_none() || sales.len() >= max {
            sales.truncate(max);
            return Ok(sales);
        }
    }
}

/// What was given back of a request, and what still can be.
async fn refunds(till: &Till, view: &PaymentRequestView) -> Result<(Vec<protocol::merchant_api::RefundView>, Amount)> {
    if !matches!(view.state, payment::RequestState::Paid { .. }) {
        return Ok((Vec::new(), nothing(view.amount)));
    }
    let answer: RefundsView = till.api.get(&format!("/v1/payment-requests/{}/refunds", view.id), &[]).await?;
    Ok((answer.refunds, answer.refundable))
}

/// What happened to a request, oldest first.
async fn timeline(till: &Till, view: &PaymentRequestView) -> Result<Vec<TimelineEntry>> {
    let page: EventsPage = till.api.get(&format!("/v1/payment-requests/{}/events", view.id), &[]).await?;
    let entry = |event: EventView| TimelineEntry { time_ms: event.time_ms, kind: event.kind };
    Ok(page.events.into_iter().map(entry).collect())
}

//! From the server's word and the till's own notes to what the window shows of a sale.

use payment::{Amount, Order, RequestId};
use protocol::ipc::merchant::{SaleQr, SaleSummary, SaleView, TimelineEntry};
use protocol::merchant_api::{PaymentRequestView, RefundView};

use super::Till;
use super::link::Links;
use super::sell::nothing;
use crate::error::Result;
use crate::inbox;
use crate::merchant_code;
use crate::qr::{self, Damage};
use crate::store::SaleRow;

/// The list's line.
pub fn summary(view: &PaymentRequestView) -> SaleSummary {
    SaleSummary {
        request_id: view.id,
        order_number: view.order_number.clone(),
        amount: view.amount,
        refunded: Amount::new(view.refunded_minor, view.amount.currency()),
        state: view.state,
        created_ms: view.created_ms,
    }
}

/// What is known of a sale besides the server's view.
pub struct Known {
    /// The till's own notes, if it made the sale.
    pub row: Option<SaleRow>,
    /// What was given back.
    pub refunds: Vec<RefundView>,
    /// What can still be given back.
    pub refundable: Amount,
    /// What happened, oldest first.
    pub timeline: Vec<TimelineEntry>,
}

impl Known {
    /// What can be said without asking the server.
    pub fn offline(row: Option<SaleRow>, view: &PaymentRequestView) -> Self {
        Self { row, refunds: Vec::new(), refundable: nothing(view.amount), timeline: Vec::new() }
    }
}

/// The whole view.
pub fn sale(till: &Till, view: &PaymentRequestView, known: Known, now_ms: u64) -> Result<SaleView> {
    let order = known.row.as_ref().and_then(|row| order_of(&row.order_jws));
    Ok(SaleView {
        summary: summary(view),
        items: order.as_ref().map(inbox::items).unwrap_or_default(),
        expires_ms: view.expires_ms,
        now_ms,
        match_words: view.match_words.clone(),
        match_words_zh: view.match_words_zh.clone(),
        qr: if view.state.is_open() { code(till, view.id, known.row.as_ref(), order.as_ref())? } else { None },
        deliveries: view.deliveries.clone(),
        refunds: known.refunds,
        refundable: known.refundable,
        timeline: known.timeline,
        deadline_ms: view.deadline_ms,
        method: view.method,
    })
}

/// The order this till signed.
pub fn order_of(order_jws: &str) -> Option<Order> {
    Order::from_canonical(&envelope::jws::peek_payload_unverified(order_jws).ok()?).ok()
}

/// The codes to scan, while the till has the link.
fn code(till: &Till, request_id: RequestId, row: Option<&SaleRow>, order: Option<&Order>) -> Result<Option<SaleQr>> {
    let (Some(sealed), Some(order)) = (row.and_then(|row| row.sealed_links.as_deref()), order) else {
        return Ok(None);
    };
    let links = Links::open(&till.rest, request_id, sealed)?;
    Ok(Some(SaleQr {
        link_svg: qr::svg(&links.link, Damage::Some),
        emv_svg: emv_svg(till, order, &links.deep_link),
        link: links.link.clone(),
    }))
}

/// The merchant-presented code; none when the server's name is too long for one. The link alone does as well.
fn emv_svg(till: &Till, order: &Order, deep_link: &str) -> String {
    match merchant_code::text(&till.facts, order, deep_link) {
        Ok(text) => qr::svg(&text, Damage::Some),
        Err(error) => {
            tracing::warn!(%error, "a sale has no merchant-presented code");
            String::new()
        }
    }
}

//! Taking payments: what the window asks of the wallet when it is a merchant's, and what it is shown.

use payment::{Amount, Method, RequestId, RequestState};
use serde::{Deserialize, Serialize};

use super::{Command, ItemView, RequestView};
use crate::merchant_api::{
    AccessView, ApiKeyView, Channel, DeliveryView, RefundView, Scope, WebhookDeliveriesPage, WebhookView,
};

commands! {
    /// The merchant this wallet takes payments for; none when it is a payer's only.
    Merchant {} = "merchant" -> Option<MerchantView>;
    /// Makes this wallet a merchant's till, from an access file.
    MerchantConnect {
        /// Where the file is; none to let the person choose.
        path: Option<String>,
    } = "merchant_connect" -> Option<MerchantView>;
    /// Forgets the merchant and its keys.
    MerchantDisconnect {} = "merchant_disconnect" -> ();
    /// Signs an order and asks for its payment.
    Sell {
        /// What is sold.
        sale: NewSale,
    } = "sell" -> SaleView;
    /// One sale with everything known of it.
    Sale {
        /// Its request.
        request_id: RequestId,
    } = "sale" -> SaleView;
    /// Sales, newest first.
    Sales {
        /// Which.
        filter: SalesFilter,
        /// The last page's [`SalesPage::next_cursor`].
        cursor: Option<String>,
    } = "sales" -> SalesPage;
    /// The sales of a filter as a file for a spreadsheet.
    SalesCsv {
        /// Which.
        filter: SalesFilter,
    } = "sales_csv" -> FileView;
    /// Withdraws a request.
    SaleCancel {
        /// Which.
        request_id: RequestId,
    } = "sale_cancel" -> SaleView;
    /// Sends a request again over a channel.
    SaleResend {
        /// Which.
        request_id: RequestId,
        /// How.
        channel: Channel,
    } = "sale_resend" -> SaleView;
    /// Gives money back, all or part.
    SaleRefund {
        /// Of which request.
        request_id: RequestId,
        /// How much.
        amount: Amount,
        /// Why, for the merchant's own books; empty for no reason.
        reason: String,
    } = "sale_refund" -> SaleView;
    /// A business day's totals.
    DayClose {
        /// The local day, `YYYY-MM-DD`; empty for today.
        date: String,
    } = "day_close" -> DayCloseView;
    /// The things that are sold with one tap.
    Catalogue {} = "catalogue" -> Vec<CatalogueItem>;
    /// Keeps the things that are sold with one tap, in this order.
    SaveCatalogue {
        /// All of them.
        items: Vec<CatalogueItem>,
    } = "save_catalogue" -> Vec<CatalogueItem>;
    /// The printed counter codes.
    Counters {} = "counters" -> Vec<CounterQrView>;
    /// Makes a counter code.
    CounterCreate {
        /// What it is called, such as `Till 2`.
        name: String,
    } = "counter_create" -> CounterQrView;
    /// The webhook endpoints.
    Webhooks {} = "webhooks" -> Vec<WebhookView>;
    /// Makes an endpoint; its secret is in this answer only.
    WebhookCreate {
        /// Where to.
        url: String,
        /// Which events; none for all.
        events: Vec<String>,
    } = "webhook_create" -> WebhookView;
    /// Gives an endpoint another secret, which is in this answer only. For a day both sign.
    WebhookRotate {
        /// Which.
        webhook_id: String,
    } = "webhook_rotate" -> WebhookView;
    /// Removes an endpoint.
    WebhookDelete {
        /// Which.
        webhook_id: String,
    } = "webhook_delete" -> Vec<WebhookView>;
    /// Sends a test event to an endpoint.
    WebhookTest {
        /// Which.
        webhook_id: String,
    } = "webhook_test" -> WebhookDeliveriesPage;
    /// An endpoint's deliveries, newest first.
    WebhookDeliveries {
        /// Which.
        webhook_id: String,
        /// The last page's cursor.
        cursor: Option<String>,
    } = "webhook_deliveries" -> WebhookDeliveriesPage;
    /// Delivers a message again.
    WebhookRedeliver {
        /// The endpoint.
        webhook_id: String,
        /// The message.
        delivery_id: String,
    } = "webhook_redeliver" -> WebhookDeliveriesPage;
    /// API keys and certificates.
    Access {} = "access" -> AccessView;
    /// Makes an API key; the key itself is in this answer only.
    ApiKeyCreate {
        /// What it is called.
        name: String,
        /// What it may do.
        scopes: Vec<Scope>,
    } = "api_key_create" -> ApiKeyView;
    /// Ends an API key at once.
    ApiKeyRevoke {
        /// Which.
        key_id: String,
    } = "api_key_revoke" -> AccessView;
    /// Finds a request in a picture of a QR: a Tapseal link or an EMVCo merchant-presented QR. Shows it; never acts.
    ScanImage {
        /// PNG, JPEG or WebP, base64, at most 8 MiB decoded.
        image: String,
    } = "scan_image" -> RequestView;
}

/// The merchant this wallet takes payments for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MerchantView {
    /// Its id.
    pub merchant_id: String,
    /// The name payers see.
    pub display_name: String,
    /// The currency the keypad begins with, ISO 4217.
    pub currency: String,
    /// The currencies it sells in.
    pub currencies: Vec<String>,
    /// The payment server's host.
    pub server: String,
    /// What this till may do.
    pub scopes: Vec<Scope>,
}

/// What is sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewSale {
    /// How much.
    pub amount: Amount,
    /// The lines; none for an amount alone.
    pub items: Vec<ItemView>,
    /// The merchant's own reference; empty for the next number.
    pub order_number: String,
    /// A phone number, an e-mail address or a payment number; empty for a QR alone.
    pub payer: String,
    /// The counter whose printed code shall lead to it.
    pub counter_id: Option<String>,
    /// How long it can be paid, in seconds.
    pub expires_s: u32,
}

/// The two codes a payer can scan, as SVG: dark on white with a quiet zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleQr {
    /// The link alone: for any phone's camera.
    pub link_svg: String,
    /// EMVCo merchant-presented QR that carries the same link; empty when the server's name is too long for one.
    pub emv_svg: String,
    /// The link itself, for sharing.
    pub link: String,
}

/// What happened to a sale, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// When, ms since the Unix epoch.
    pub time_ms: u64,
    /// What, as the events feed names it, such as `request.paid`.
    pub kind: String,
}

/// A sale in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleSummary {
    /// Its request.
    pub request_id: RequestId,
    /// The merchant's own reference.
    pub order_number: String,
    /// How much.
    pub amount: Amount,
    /// What was given back or is on its way back.
    pub refunded: Amount,
    /// Where it stands.
    #[serde(flatten)]
    pub state: RequestState,
    /// When it was made, ms since the Unix epoch.
    pub created_ms: u64,
}

/// A sale with everything known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleView {
    /// The list's line.
    pub summary: SaleSummary,
    /// The lines.
    pub items: Vec<ItemView>,
    /// When it stops being payable, ms since the Unix epoch.
    pub expires_ms: u64,
    /// The wallet's clock when the view was made, corrected to the server's.
    pub now_ms: u64,
    /// The words the payer's wallet shows too, in English.
    pub match_words: [String; 2],
    /// The same in Simplified Chinese.
    pub match_words_zh: [String; 2],
    /// The codes to scan, while this wallet still has the link's key.
    pub qr: Option<SaleQr>,
    /// How it travels to its payer.
    pub deliveries: Vec<DeliveryView>,
    /// What was given back.
    pub refunds: Vec<RefundView>,
    /// What can still be given back.
    pub refundable: Amount,
    /// What happened, oldest first.
    pub timeline: Vec<TimelineEntry>,
    /// When an unknown outcome will be known or undone, at the latest.
    pub deadline_ms: Option<u64>,
    /// In which way it was paid, or is being.
    #[serde(default)]
    pub method: Option<Method>,
}

/// Which sales.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SalesFilter {
    /// Part of an order number; empty for any.
    pub text: String,
    /// A state's name; empty for any.
    pub status: String,
    /// From this time on, ms since the Unix epoch.
    pub from_ms: Option<u64>,
    /// Until before this time.
    pub to_ms: Option<u64>,
}

/// A page of sales.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SalesPage {
    /// Newest first.
    pub sales: Vec<SaleSummary>,
    /// For the next page; none on the last.
    pub next_cursor: Option<String>,
}

/// A file for the person to keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileView {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// What one currency came to on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayTotal {
    /// Payments received.
    pub sales: u32,
    /// What they came to.
    pub sold: Amount,
    /// Refunds given.
    pub refunds: u32,
    /// What they came to.
    pub refunded: Amount,
    /// The one less the other; may be negative.
    pub net: Amount,
}

/// A business day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayCloseView {
    /// The local day, `YYYY-MM-DD`.
    pub date: String,
    /// By currency.
    pub totals: Vec<DayTotal>,
    /// Requests of the day that can still be paid.
    pub open: u32,
    /// Sales and refunds whose outcome is not known yet: the totals may still change.
    pub in_doubt: u32,
}

/// Something sold with one tap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueItem {
    /// What it is.
    pub name: String,
    /// What one costs.
    pub price: Amount,
}

/// A printed counter code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterQrView {
    /// The counter.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The code, as SVG to print; none on a till that did not make it.
    pub qr_svg: Option<String>,
    /// What stands in the code.
    pub link: Option<String>,
    /// The request shown there now.
    pub request_id: Option<RequestId>,
}

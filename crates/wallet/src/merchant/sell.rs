//! Selling: an order is built, signed, written down, and then sent until there is an answer.
//!
//! ```text
//! written down ──sent──► answered: `sent`       the answer that makes a request brings its links, once
//!                 │      refused:  `refused`    nothing was made
//!                 │      not reached, at first: forgotten, nothing was sent
//!                 └────► lost:     `sending`    if asked for once more, sent again: the same bytes, the same idempotency key
//! ```
//!
//! Asking again for the same while an order's answer is lost goes on with that order: a cashier who presses twice
//! sells once. Without that, the till asks what became of it, and sends nothing by itself. Where the code was the only way to the payer and its answer was lost, the order is withdrawn and made
//! anew, since nobody can have opened it.

use envelope::jws;
use payment::order::OrderDraft;
use payment::{Amount, Order, OrderItem, RequestId};
use protocol::ErrorCode;
use protocol::ipc::merchant::{NewSale, SaleView};
use protocol::merchant_api::{CreatePaymentRequest, PayerIdentifier, PaymentRequestView};
use protocol::wallet_api::payment_number_digits;
use sha2::{Digest, Sha256};

use super::api::not_there;
use super::link::Links;
use super::{Till, number};
use crate::error::{Result, WalletError};
use crate::store::{SaleRow, SaleStage};
use crate::wallet::{Wallet, payer_identifier};

/// How many unanswered orders are looked at.
const UNANSWERED_MAX: i64 = 100;

/// How many orders one sale may take when answers are lost.
const NEW_ORDERS_MAX: u32 = 3;
/// How long a call that was cut off may still reach the server, in milliseconds.
pub(super) const ON_ITS_WAY_MS_MAX: u64 = 60_000;

/// What became of sending an order.
enum Sent {
    /// The server has it, and this is its word.
    Answered(Box<PaymentRequestView>),
    /// The server has it since an earlier time, without the code that would lead to it, and it is withdrawn.
    Withdrawn,
}

impl Wallet {
    /// Signs an order and asks for its payment.
    pub async fn sell(&self, sale: NewSale) -> std::result::Result<SaleView, protocol::Problem> {
        let till = self.till()?;
        let _turn = till.selling.lock().await;
        let request_id = self.sold(&till, &sale).await?;
        self.core.changes.sales_changed();
        Ok(self.sale_of(&till, request_id).await?)
    }

    async fn sold(&self, till: &Till, sale: &NewSale) -> Result<RequestId> {
        let fingerprint = fingerprint(sale);
        let unanswered = self.core.store.unanswered_sales(&till.facts.merchant_id, UNANSWERED_MAX).await?;
        if let Some(row) = unanswered.into_iter().find(|row| row.fingerprint == fingerprint)
            && let Some(Sent::Answered(view)) = self.send_again(till, &row).await?
        {
            return Ok(view.id);
        }
        for _ in 0..NEW_ORDERS_MAX {
            let row = self.new_sale(till, sale, fingerprint.clone()).await?;
            self.core.store.insert_sale(&row).await?;
            match self.send(till, &row).await {
                Ok(Sent::Answered(view)) => return Ok(view.id),
                // Its first answer was lost, and with it the code: another order takes its place.
                Ok(Sent::Withdrawn) => {}
                Err(WalletError::NotReached) => {
                    self.core.store.remove_sale(row.request_id).await?;
                    return Err(WalletError::NotReached);
                }
                Err(error) => return Err(error),
            }
        }
        Err(WalletError::Lost)
    }

    /// Builds and signs the order.
    async fn new_sale(&self, till: &Till, sale: &NewSale, fingerprint: String) -> Result<SaleRow> {
        let core = &self.core;
        let payer = payer(sale)?;
        let created_ms = core.server.now_ms();
        let order_number = match sale.order_number.trim() {
            "" => number::next(&core.store, core.device.id(), created_ms).await?,
            given => given.to_owned(),
        };
        let mut random = [0; 10];
        getrandom::fill(&mut random).expect("the operating system's random generator answers");
        let order = Order::new(OrderDraft {
            request_id: RequestId::from_parts(created_ms, &random),
            merchant_id: till.facts.merchant_id.clone(),
            order_number,
            amount: sale.amount,
            created_ms,
            expires_ms: created_ms.saturating_add(u64::from(sale.expires_s) * 1_000),
            payee_name: till.facts.display_name.clone(),
            items: items(sale)?,
            methods: None,
        })
        .map_err(|error| WalletError::Detailed(ErrorCode::OrderInvalid, error.to_string()))?;
        let order_jws = jws::sign(&till.signing, jws::TYP_ORDER, &order.canonical());
        let body = CreatePaymentRequest { order: order_jws.clone(), payer };
        Ok(SaleRow {
            request_id: order.request_id,
            merchant_id: order.merchant_id,
            order_number: order.order_number,
            order_jws,
            stage: SaleStage::Sending,
            body: Some(serde_json::to_string(&body).expect("wire types are always JSON")),
            fingerprint,
            sealed_links: None,
            view: None,
            created_ms,
        })
    }

    /// Sends an order that is written down, and writes down what came of it.
    async fn send(&self, till: &Till, row: &SaleRow) -> Result<Sent> {
        let store = &self.core.store;
        let body = row.body.as_deref().ok_or(WalletError::Row("sale"))?;
        let key = row.request_id.to_string();
        match till.api.post::<PaymentRequestView>("/v1/payment-requests", &key, body.as_bytes()).await {
            Ok(view) if view.id != row.request_id => Err(WalletError::Lost),
            Ok(view) => {
                let links = Links::in_answer(&view);
                let sealed = links.as_ref().map(|links| links.seal(&till.rest, view.id)).transpose()?;
                store.save_sale_view(&view, sealed.as_deref()).await?;
                if sealed.is_none() && needs_its_code(body) {
                    self.withdraw(till, view.id).await?;
                    return Ok(Sent::Withdrawn);
                }
                Ok(Sent::Answered(Box::new(view)))
            }
            Err(WalletError::Server(problem)) if !problem.retryable => {
                store.refuse_sale(row.request_id).await?;
                Err(WalletError::Server(problem))
            }
            Err(error) => Err(error),
        }
    }

    /// Sends an unanswered order again; none when the server will not take it any more.
    async fn send_again(&self, till: &Till, row: &SaleRow) -> Result<Option<Sent>> {
        match self.send(till, row).await {
            Ok(sent) => Ok(Some(sent)),
            Err(WalletError::Server(problem)) if !problem.retryable => {
                tracing::info!(request = %row.request_id, code = %problem.code, "an unanswered order was not taken");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Asks what became of every unanswered order: at a start, and when the server is back. Nothing is sent again here:
    /// the cashier was told that it failed, and may have been paid in cash since.
    pub(super) async fn look_up_unanswered_sales(&self, till: &Till) -> Result<()> {
        let _turn = till.selling.lock().await;
        for row in self.core.store.unanswered_sales(&till.facts.merchant_id, UNANSWERED_MAX).await? {
            match till.api.request(row.request_id).await {
                Ok(view) => {
                    self.core.store.save_sale_view(&view, None).await?;
                    if row.body.as_deref().is_some_and(needs_its_code) && view.state.is_open() {
                        self.withdraw(till, view.id).await?;
                    }
                }
                Err(error) if !not_there(&error) => return Err(error),
                // A call that was cut off may still be on its way.
                Err(_) if self.core.server.now_ms() < row.created_ms + ON_ITS_WAY_MS_MAX => continue,
                Err(_) => self.core.store.refuse_sale(row.request_id).await?,
            }
            self.core.changes.sales_changed();
        }
        Ok(())
    }

    async fn withdraw(&self, till: &Till, request_id: RequestId) -> Result<()> {
        let view = self.cancelled(till, request_id).await?;
        self.core.store.save_sale_view(&view, None).await
    }

    /// Withdraws a request at the server.
    pub(super) async fn cancelled(&self, till: &Till, request_id: RequestId) -> Result<PaymentRequestView> {
        let path = format!("/v1/payment-requests/{request_id}/cancel");
        till.api.post(&path, &format!("cancel-{request_id}"), &[]).await
    }
}

/// Whom to ask.
fn payer(sale: &NewSale) -> Result<Option<PayerIdentifier>> {
    match (sale.payer.trim(), &sale.counter_id) {
        ("", None) => Ok(None),
        (text, None) => named_payer(text).map(Some),
        ("", Some(counter_id)) => Ok(Some(PayerIdentifier::Counter(counter_id.clone()))),
        (_, Some(_)) => {
            Err(WalletError::Detailed(ErrorCode::InvalidInput, "either a payer or a counter, not both".to_owned()))
        }
    }
}

/// A payment number, an e-mail address or a phone number: they cannot be taken for one another.
fn named_payer(text: &str) -> Result<PayerIdentifier> {
    match payment_number_digits(text) {
        Some(digits) => Ok(PayerIdentifier::PaymentNumber(digits)),
        None => payer_identifier(text),
    }
}

/// The order's lines; each in the order's currency.
fn items(sale: &NewSale) -> Result<Vec<OrderItem>> {
    let currency = sale.amount.currency();
    let item = |item: &protocol::ipc::ItemView| {
        if item.total.currency() != currency {
            let why = "a line is in another currency".to_owned();
            return Err(WalletError::Detailed(ErrorCode::OrderInvalid, why));
        }
        Ok(OrderItem { name: item.name.clone(), quantity: item.quantity, total_minor: item.total.minor() })
    };
    sale.items.iter().map(item).collect()
}

/// Whether nothing but the code on the till's screen leads to the request.
fn needs_its_code(body: &str) -> bool {
    serde_json::from_str(body).is_ok_and(|body: CreatePaymentRequest| body.payer.is_none())
}

/// SHA-256 over what is asked for: asking again for the same is known by it.
fn fingerprint(sale: &NewSale) -> String {
    hex::encode(Sha256::digest(serde_json::to_vec(sale).expect("wire types are always JSON")))
}

/// An amount of nothing in this currency.
pub(super) fn nothing(amount: Amount) -> Amount {
    Amount::new(0, amount.currency())
}

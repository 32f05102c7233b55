//! What a merchant can do: every button's command, one at a time, with its problem shown.

use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::{Amount, RequestId};
use protocol::ipc::Command;
use protocol::ipc::merchant::{
    ApiKeyCreate, ApiKeyRevoke, CatalogueItem, CounterCreate, MerchantConnect, MerchantDisconnect, SaleCancel,
    SaleRefund, SaleResend, SaleView, Sales, SalesCsv, SaveCatalogue, Sell, WebhookCreate, WebhookDelete,
    WebhookDeliveries, WebhookRedeliver, WebhookRotate, WebhookTest, Webhooks,
};
use protocol::merchant_api::{Channel, Scope, WebhookDeliveriesPage};

use super::period::{Day, Question};
use super::place::SellScreen;
use super::till::{CodeKind, Fetched, SalesRead, ShownSecret, sale_of};
use crate::browser;
use crate::feedback;
use crate::format;
use crate::ipc::invoke;
use crate::place::Screen;
use crate::state::App;

impl App {
    /// Makes this wallet a till.
    pub fn connect_till(self) {
        self.while_busy(async move {
            // No merchant: the person chose no file after all.
            if let Some(Some(merchant)) = self.ask(MerchantConnect { path: None }).await {
                self.till.set_merchant(Some(merchant));
                self.sell(SellScreen::Keypad);
            }
        });
    }

    /// Makes this wallet a payer's again.
    pub fn disconnect_till(self) {
        self.while_busy(async move {
            if self.ask(MerchantDisconnect {}).await.is_some() {
                self.till.set_merchant(None);
                self.till.clear_bench();
                self.till.sales.set(Fetched::Awaited);
                self.till.catalogue.set(Fetched::Awaited);
                self.go(Screen::Settings);
            }
        });
    }

    /// Charges what is on the bench.
    pub fn charge(self) {
        let Some(sale) = untrack(|| self.till.new_sale()) else { return };
        // A web view lets a page sound only after a person did something on it: this is the moment.
        feedback::prepare();
        self.while_busy(async move {
            let Some(sale) = self.ask(Sell { sale }).await else { return };
            self.till.clear_bench();
            self.till.code.set(CodeKind::Link);
            let request_id = sale.summary.request_id;
            self.take_sale(sale);
            self.sell(SellScreen::Pos(request_id));
        });
    }

    /// Asks a payer by number or address for what the code on the screen asks for: the old request is withdrawn
    /// first, so that no two can be paid.
    pub fn tell_payer(self, request_id: RequestId, payer: String) {
        self.while_busy(async move {
            let Some(withdrawn) = self.ask(SaleCancel { request_id }).await else { return };
            let again = sale_of(withdrawn.summary.amount, withdrawn.items.clone(), payer, None);
            let Some(sale) = self.ask(Sell { sale: again }).await else { return self.take_sale(withdrawn) };
            let request_id = sale.summary.request_id;
            self.take_sale(sale);
            self.sell(SellScreen::Pos(request_id));
        });
    }

    /// Withdraws a request.
    pub fn cancel_sale(self, request_id: RequestId) {
        self.change_sale(SaleCancel { request_id });
    }

    /// Sends a request again.
    pub fn resend(self, request_id: RequestId, channel: Channel) {
        self.change_sale(SaleResend { request_id, channel });
    }

    /// Gives money back.
    pub fn refund(self, request_id: RequestId, amount: Amount, reason: String) {
        self.while_busy(async move {
            match self.ask(SaleRefund { request_id, amount, reason }).await {
                Some(sale) => self.take_sale(sale),
                None => self.read_sale(request_id).await,
            }
        });
    }

    fn change_sale(self, command: impl Command<Answer = SaleView> + 'static) {
        self.while_busy(async move {
            if let Some(sale) = self.ask(command).await {
                self.take_sale(sale);
            }
        });
    }

    /// Lists other sales.
    pub fn ask_sales(self, question: Question) {
        if self.till.question.get_untracked() != question {
            self.till.question.set(question);
            spawn_local(self.read_sales());
        }
    }

    /// Reads on in the list.
    pub fn more_sales(self) {
        let next = self.till.sales.with_untracked(|sales| sales.here().and_then(|read| read.next_cursor.clone()));
        let Some(cursor) = next else { return };
        let asked = self.till.asked.get_value();
        let filter = self.till.question.get_untracked().filter(format::today(), format::midnight_ms);
        self.while_busy(async move {
            let Some(page) = self.ask(Sales { filter, cursor: Some(cursor) }).await else { return };
            if self.till.asked.get_value() != asked {
                return;
            }
            self.till.sales.update(|sales| {
                if let Fetched::Here(SalesRead { sales, next_cursor }) = sales {
                    sales.extend(page.sales);
                    *next_cursor = page.next_cursor;
                }
            });
        });
    }

    /// Keeps the listed sales as a file; `failed` is told when the web view does not allow it.
    pub fn save_sales(self, failed: impl FnOnce() + 'static) {
        let filter = self.till.question.get_untracked().filter(format::today(), format::midnight_ms);
        self.while_busy(async move {
            let Some(file) = self.ask(SalesCsv { filter }).await else { return };
            if browser::save(&file.name, &file.text, "text/csv;charset=utf-8").is_err() {
                failed();
            }
        });
    }

    /// Shows another day's totals.
    pub fn show_day(self, day: Option<Day>) {
        self.till.day.set(day);
        self.till.day_close.set(Fetched::Awaited);
        spawn_local(self.read_day());
    }

    /// Keeps the things that are sold with one tap.
    pub fn save_catalogue(self, items: Vec<CatalogueItem>, then: impl FnOnce() + 'static) {
        self.while_busy(async move {
            if let Some(items) = self.ask(SaveCatalogue { items }).await {
                self.till.catalogue.set(Fetched::Here(items));
                then();
            }
        });
    }

    /// Makes a printed code, and shows it.
    pub fn create_counter(self, name: String) {
        self.while_busy(async move {
            let Some(counter) = self.ask(CounterCreate { name }).await else { return };
            self.till.counter.set(Some(counter.id.clone()));
            self.till.counters.update(|counters| {
                if let Fetched::Here(counters) = counters {
                    counters.push(counter);
                }
            });
            self.sell(SellScreen::Counter);
        });
    }

    /// Makes an endpoint; its secret is shown once.
    pub fn create_webhook(self, url: String, events: Vec<String>) {
        self.while_busy(async move {
            let Some(webhook) = self.ask(WebhookCreate { url, events }).await else { return };
            self.read_webhooks().await;
            self.look_at_webhook(webhook.id);
            let owner = webhook.url;
            self.till.secret.set(webhook.secret.map(|secret| ShownSecret { owner, secret }));
        });
    }

    /// Looks at an endpoint's deliveries.
    pub fn look_at_webhook(self, webhook_id: String) {
        self.till.webhook_log.set(Fetched::Awaited);
        self.till.webhook.set(Some(webhook_id));
        self.sell(SellScreen::Webhook);
        spawn_local(self.read_webhook_log());
    }

    /// Reads an endpoint's deliveries, and then the endpoint: a delivery that ended it is not shown beside one that is on.
    pub async fn read_webhook_log(self) {
        let Some(webhook_id) = self.till.webhook.get_untracked() else { return };
        let page = invoke(WebhookDeliveries { webhook_id: webhook_id.clone(), cursor: None }).await;
        if self.till.webhook.get_untracked() == Some(webhook_id) {
            self.till.webhook_log.set(Fetched::from(page));
            self.renew_webhooks().await;
        }
    }

    /// Reads the endpoints again; what was known of them stays when that fails.
    async fn renew_webhooks(self) {
        if let Ok(webhooks) = invoke(Webhooks {}).await {
            self.till.webhooks.set(Fetched::Here(webhooks));
        }
    }

    /// Reads on in an endpoint's deliveries.
    pub fn more_deliveries(self) {
        let next = self.till.webhook_log.with_untracked(|log| log.here().and_then(|page| page.next_cursor.clone()));
        let (Some(webhook_id), Some(cursor)) = (self.till.webhook.get_untracked(), next) else { return };
        self.while_busy(async move {
            let Some(page) = self.ask(WebhookDeliveries { webhook_id, cursor: Some(cursor) }).await else { return };
            self.till.webhook_log.update(|log| {
                if let Fetched::Here(known) = log {
                    known.deliveries.extend(page.deliveries);
                    known.next_cursor = page.next_cursor;
                }
            });
        });
    }

    /// Sends a test event.
    pub fn test_webhook(self, webhook_id: String) {
        self.change_log(WebhookTest { webhook_id });
    }

    /// Delivers a message again.
    pub fn redeliver(self, webhook_id: String, delivery_id: String) {
        self.change_log(WebhookRedeliver { webhook_id, delivery_id });
    }

    fn change_log(self, command: impl Command<Answer = WebhookDeliveriesPage> + 'static) {
        self.while_busy(async move {
            if let Some(page) = self.ask(command).await {
                self.till.webhook_log.set(Fetched::Here(page));
                self.renew_webhooks().await;
            }
        });
    }

    /// Gives an endpoint another secret, which is shown once.
    pub fn rotate_webhook(self, webhook_id: String) {
        self.while_busy(async move {
            let Some(webhook) = self.ask(WebhookRotate { webhook_id }).await else { return };
            let owner = webhook.url;
            self.till.secret.set(webhook.secret.map(|secret| ShownSecret { owner, secret }));
        });
    }

    /// Removes an endpoint.
    pub fn delete_webhook(self, webhook_id: String) {
        self.while_busy(async move {
            if let Some(webhooks) = self.ask(WebhookDelete { webhook_id }).await {
                self.till.webhooks.set(Fetched::Here(webhooks));
                self.sell(SellScreen::Webhooks);
            }
        });
    }

    /// Makes an API key; it is shown once.
    pub fn create_api_key(self, name: String, scopes: Vec<Scope>, then: impl FnOnce() + 'static) {
        self.while_busy(async move {
            let Some(key) = self.ask(ApiKeyCreate { name, scopes }).await else { return };
            self.read_access().await;
            let owner = key.name;
            self.till.secret.set(key.secret.map(|secret| ShownSecret { owner, secret }));
            then();
        });
    }

    /// Ends an API key at once.
    pub fn revoke_api_key(self, key_id: String) {
        self.while_busy(async move {
            if let Some(access) = self.ask(ApiKeyRevoke { key_id }).await {
                self.till.access.set(Fetched::Here(access));
            }
        });
    }
}

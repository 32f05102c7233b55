//! The scenes of a till that really sells: the counter, the books, the business.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use axum::routing::post;
use payment::Amount;
use protocol::ipc::ItemView;
use protocol::ipc::merchant::{NewSale, Sell};
use protocol::ipc::vouchers::VoucherBatchSave;

use super::merchant::{Shop, shown_sale};
use super::pay_album::{ANSWER_TIMEOUT_MS, HANGS_UP, play};
use crate::album::{Held, Tour, Walk};
use crate::card::Card;
use crate::system::{System, Wishes, texts};
use crate::till::{access_file, path};
use crate::voucher;

/// Walks through all of it.
pub async fn walk(tour: &Tour) {
    let is_gone = Arc::new(AtomicBool::new(false));
    let hook = receiver(Arc::clone(&is_gone)).await;
    let server = ["--answer-timeout-ms", ANSWER_TIMEOUT_MS, "--webhook-allow-http", "--webhook-allow-private"];
    let system = System::start(Wishes { server: texts(&server), ..Wishes::default() }).await;
    let shop = Shop::closed(&system, "till").await;
    let album = Album { walk: tour.enter(&system, &shop.till).await, shop: &shop, hook, is_gone };
    album.connect().await;
    album.counter_top().await;
    album.books().await;
    album.business().await;
    album.walk.end().await;
}

/// A merchant's own server: `/events` takes every event, `/failing` none, and says of itself that it is gone once it is. The
/// address of the first.
async fn receiver(is_gone: Arc<AtomicBool>) -> String {
    let failing = move || {
        let is_gone = is_gone.load(Ordering::Relaxed);
        std::future::ready(if is_gone { StatusCode::GONE } else { StatusCode::INTERNAL_SERVER_ERROR })
    };
    let router =
        axum::Router::new().route("/events", post(async || StatusCode::NO_CONTENT)).route("/failing", post(failing));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/events")
}

/// A walk through a till's screens, and a passer-by who pays.
struct Album<'a> {
    walk: Walk<'a>,
    shop: &'a Shop,
    /// Where webhooks go.
    hook: String,
    /// Whether the endpoint that fails says that it is gone.
    is_gone: Arc<AtomicBool>,
}

impl Album<'_> {
    async fn connect(&self) {
        self.walk.open("inbox").await;
        self.walk.go("settings", "settings").await;
        self.walk.go("take-payments", "merchant.connect").await;
        self.walk.stop("merchant.connect").await;
        let file = access_file(self.walk.system, "access.json").await;
        self.shop.connect(path(&file)).await;
        self.walk.open("keypad").await;
        self.walk.go("items", "items").await;
        self.walk.browser.wait_for(".empty").await;
        self.walk.stop("items-empty").await;
        self.walk.go("sales", "sales").await;
        self.walk.browser.wait_for(".empty").await;
        self.walk.stop("sales-empty").await;
        self.shop.set_menu().await;
        self.walk.open("keypad").await;
    }

    async fn counter_top(&self) {
        self.walk.stop("keypad-empty").await;
        for digit in ["1", "2", "8", "0"] {
            self.walk.browser.press(&format!("[data-pad=\"{digit}\"]")).await;
        }
        self.walk.stop("keypad").await;
        self.paid().await;
        self.items().await;
        self.ends().await;
    }

    async fn paid(&self) {
        let card = Card::present(self.walk.system, "visa");
        self.walk.go("charge", "pos.qr").await;
        let request = shown_sale(&self.walk.browser).await;
        self.walk.stop("pos.qr").await;
        self.walk.browser.act("code-emv").await;
        self.walk.browser.wait_for(".pos-qr[data-code=\"emv\"]").await;
        self.walk.stop("pos.qr-emv").await;
        self.walk.browser.act("code-link").await;
        self.shop.scanned(&self.shop.link(&request).await).await;
        self.walk.browser.wait_for("[data-face=\"seen\"]").await;
        self.walk.stop("pos.qr-seen").await;
        let bank = Held::new(self.walk.system.bank.as_ref().expect("the bank runs").id());
        let paying = async {
            self.walk.browser.wait_for("[data-face=\"paying\"]").await;
            self.walk.glance("pos.qr-paying").await;
            drop(bank);
        };
        let (finished, ()) = tokio::join!(self.shop.pay(&request, &card), paying);
        finished.success();
        self.walk.browser.wait_for_screen("pos.paid").await;
        self.walk.stop("pos.paid").await;
        self.walk.go("new-sale", "keypad").await;
    }

    async fn items(&self) {
        self.walk.go("items", "items").await;
        let tiles = "[data-action=\"add-item\"]";
        self.walk.browser.wait_for(tiles).await;
        for place in [1, 3, 1] {
            self.walk.browser.press(&format!("li:nth-child({place}) > {tiles}")).await;
        }
        self.walk.stop("items").await;
    }

    /// A bank that does not answer, and a payer who refuses.
    async fn ends(&self) {
        let card = Card::present(self.walk.system, "visa");
        self.walk.go("charge", "pos.qr").await;
        let request = shown_sale(&self.walk.browser).await;
        self.shop.scanned(&self.shop.link(&request).await).await;
        play(self.walk.system, HANGS_UP).await;
        // The payer's wallet ends with the same news.
        let _ = self.shop.pay(&request, &card).await;
        self.walk.browser.wait_for_screen("pos.unknown").await;
        self.walk.stop("pos.unknown").await;
        self.walk.system.scenario("none").await;
        self.walk.go("new-sale", "items").await;
        self.walk.go("keypad", "keypad").await;
        for (ending, screen) in [("reject", "pos.refused"), ("cancel-sale", "pos.cancelled")] {
            self.walk.browser.press("[data-pad=\"7\"]").await;
            self.walk.browser.press("[data-pad=\"00\"]").await;
            self.walk.go("charge", "pos.qr").await;
            let request = shown_sale(&self.walk.browser).await;
            if ending == "reject" {
                self.shop.scanned(&self.shop.link(&request).await).await;
                self.shop.payer.wallet(&["reject", &request], "").await.success();
            } else {
                self.walk.browser.act(ending).await;
            }
            self.walk.browser.wait_for_screen(screen).await;
            self.walk.stop(screen).await;
            self.walk.go("new-sale", "keypad").await;
        }
        self.expire().await;
    }

    async fn expire(&self) {
        let sale = sale_of(780, "", &[], 12);
        let sale = self.shop.till.call(&Sell { sale }).await.expect("a sale");
        self.walk.go("sales", "sales").await;
        let row = format!("[data-sale=\"{}\"]", sale.summary.request_id);
        self.walk.browser.press(&row).await;
        self.walk.go("show-code", "pos.qr").await;
        self.walk.browser.wait_for_screen("pos.expired").await;
        self.walk.stop("pos.expired").await;
        self.walk.go("new-sale", "keypad").await;
    }

    /// Sales with their details, one sent by mail, one given back in part.
    async fn books(&self) {
        let items = [("Flat white", 2, 980), ("Croissant", 1, 300)];
        let mailed = sale_of(4_500, "ada@example.org", &[], 3_600);
        let mailed = self.shop.till.call(&Sell { sale: mailed }).await.expect("a sale").summary.request_id;
        let sale = sale_of(1_280, "", &items, 300);
        let paid = self.shop.till.call(&Sell { sale }).await.expect("a sale").summary.request_id.to_string();
        let card = Card::present(self.walk.system, "visa");
        self.shop.scanned(&self.shop.link(&paid).await).await;
        self.shop.pay(&paid, &card).await.success();
        self.walk.go("sales", "sales").await;
        self.walk.browser.wait_for(&format!("[data-sale=\"{paid}\"][data-face=\"paid\"]")).await;
        self.walk.stop("sales").await;
        let nonsense = "no such number";
        self.walk.type_into("search", nonsense).await;
        self.walk.browser.wait_for(".empty").await;
        self.walk.stop("sales-none").await;
        self.walk.type_into("search", &"\u{e003}".repeat(nonsense.len())).await;
        self.open_sale(&mailed.to_string()).await;
        self.walk.browser.wait_for("[data-channel=\"email\"]").await;
        self.walk.stop("sale-sent").await;
        self.walk.go("sales", "sales").await;
        self.open_sale(&paid).await;
        self.walk.browser.wait_for("[data-part=\"timeline\"]").await;
        self.walk.stop("sale").await;
        self.walk.browser.act("refund").await;
        self.walk.choose("refund.part").await;
        self.walk.type_into("refund-amount", "3.00").await;
        self.walk.type_into("refund-reason", "Croissant sold out").await;
        self.walk.stop("sale-refund").await;
        self.walk.browser.act("confirm-refund").await;
        self.walk.browser.wait_for("[data-refund=\"refunded\"]").await;
        self.walk.stop("sale-refunded").await;
        self.walk.go("sales", "sales").await;
        self.walk.go("day", "day").await;
        self.walk.browser.wait_for("[data-currency=\"USD\"]").await;
        self.walk.stop("day").await;
    }

    /// Opens a sale from the list of them.
    async fn open_sale(&self, request: &str) {
        self.walk.browser.press(&format!(".pane-main [data-sale=\"{request}\"]")).await;
        self.walk.browser.wait_for_screen("sale").await;
    }

    async fn business(&self) {
        self.walk.go("sell", "keypad").await;
        self.walk.go("business", "merchant").await;
        self.walk.stop("merchant").await;
        self.walk.go("catalogue", "items.edit").await;
        self.walk.stop("items.edit").await;
        self.back_to_business().await;
        self.walk.go("counters", "counters").await;
        self.walk.browser.wait_for(".empty, [data-list=\"counters\"]").await;
        self.walk.stop("counters-empty").await;
        self.walk.type_into("counter-name", "Till 2").await;
        self.walk.go("create-counter", "counter").await;
        self.walk.stop("counter").await;
        self.walk.go("back", "counters").await;
        self.walk.browser.wait_for("[data-list=\"counters\"]").await;
        self.walk.stop("counters").await;
        self.vouchers().await;
        self.webhooks().await;
        self.back_to_business().await;
        self.walk.go("keys", "keys").await;
        self.walk.browser.wait_for("[data-list=\"keys\"]").await;
        self.walk.stop("keys").await;
        self.walk.type_into("key-name", "Web shop").await;
        self.walk.choose("scope.requests:write").await;
        self.walk.browser.act("create-key").await;
        self.walk.browser.wait_for("[data-part=\"secret\"]").await;
        self.walk.stop_at("[data-part=secret]", "keys-created").await;
        self.walk.browser.act("hide-secret").await;
        self.ask("revoke-key", "keys-revoke").await;
        self.back_to_business().await;
        self.ask("disconnect", "merchant-disconnect").await;
    }

    /// A batch is made, told from others, and compared with the bank before and after it was imported.
    async fn vouchers(&self) {
        let (walk, system) = (&self.walk, self.walk.system);
        self.back_to_business().await;
        walk.go("vouchers", "vouchers").await;
        walk.browser.wait_for(".empty").await;
        walk.stop("vouchers-empty").await;
        walk.go("new-batch", "vouchers.new").await;
        walk.stop("vouchers.new").await;
        let key = voucher::file(system, "bank-key");
        voucher::bank(system, &["key", "--out", &key], "").await.success();
        walk.choose_file("choose-bank-key", &access_of(system)).await;
        walk.browser.wait_for("[data-problem=\"voucher_bank_key\"]").await;
        walk.stop("vouchers.new-wrong-key").await;
        walk.choose_file("choose-bank-key", &key).await;
        walk.browser.wait_for("[data-action=\"other-bank-key\"]").await;
        walk.type_into("voucher-digits", "42").await;
        walk.type_into("lot-count-1", "40").await;
        walk.act_until("make-batch", "#voucher-digits-problem .icon").await;
        walk.stop("vouchers.new-slip").await;
        walk.retype("voucher-digits", voucher::BATCH).await;
        walk.type_into("lot-amount-1", "50.00").await;
        walk.act_until("add-lot", "[data-field=\"lot-count-2\"]").await;
        walk.type_into("lot-count-2", "10").await;
        walk.type_into("lot-amount-2", "20.00").await;
        walk.stop("vouchers.new-typed").await;
        walk.go("make-batch", "vouchers.batch").await;
        walk.browser.wait_for("[data-action=\"save-batch\"]").await;
        walk.stop("vouchers.batch").await;
        let (batch, file) = (voucher::BATCH.parse().expect("six digits"), voucher::file(system, "batch.json"));
        let save = VoucherBatchSave { batch, path: Some(file.clone()) };
        self.shop.till.call(&save).await.expect("the file can be written");
        voucher::bank(system, &["import", &file], "").await.success();
        let bought = voucher::sell(system).await;
        let csv = voucher::file(system, "bank.csv");
        voucher::bank(system, &["reconcile", "--batch", voucher::BATCH, "--csv", &csv], "").await.success();
        let told = std::fs::read_to_string(&csv).expect("the bank wrote its file");
        // A line is lost, and another amount told.
        let mut lines: Vec<String> = told.lines().map(str::to_owned).collect();
        lines.pop();
        lines[1] = lines[1].replacen(",5000,", ",4000,", 1).replacen(",2000,", ",1000,", 1);
        let changed = voucher::file(system, "changed.csv");
        std::fs::write(&changed, lines.join("\n")).expect("the folder can be written");
        walk.choose_file("choose-bank-file", &changed).await;
        walk.browser.wait_for("[data-list=\"differences\"]").await;
        walk.stop("vouchers.batch-differs").await;
        walk.choose_file("choose-bank-file", &csv).await;
        walk.browser.wait_for("[data-banner=\"batch-agreed\"]").await;
        walk.stop("vouchers.batch-agreed").await;
        walk.go("back", "vouchers").await;
        walk.browser.wait_for("[data-action=\"open-batch\"]").await;
        walk.stop("vouchers").await;
        // One wrong digit, which a check digit always tells. Digits moved along by one, it takes for right one time in ten.
        let (others, last) = bought.code.split_at(bought.code.len() - 1);
        let mistyped = format!("{others}{}", (last.parse::<u8>().expect("a digit") + 1) % 10);
        for (code, shown, name) in [
            (&mistyped, "#check-code-problem .icon", "vouchers-check-slip"),
            (&bought.code, "[data-banner=\"voucher-made\"]", "vouchers-check"),
        ] {
            walk.retype("check-number", &bought.number).await;
            walk.retype("check-code", code).await;
            walk.act_until("check-voucher", shown).await;
            walk.stop_at("[data-action=check-voucher]", name).await;
        }
    }

    async fn webhooks(&self) {
        self.back_to_business().await;
        self.walk.go("webhooks", "webhooks").await;
        self.walk.browser.wait_for(".empty, [data-list=\"webhooks\"]").await;
        self.walk.stop("webhooks-empty").await;
        self.walk.type_into("webhook-url", &self.hook).await;
        self.walk.go("create-webhook", "webhook").await;
        self.walk.browser.wait_for("[data-part=\"secret\"]").await;
        self.walk.stop("webhook-created").await;
        self.walk.browser.act("hide-secret").await;
        self.walk.browser.act("test-webhook").await;
        self.walk.browser.wait_for("[data-list=\"webhook-log\"] > li").await;
        self.read_log_until("[data-status=\"delivered\"]").await;
        self.walk.stop("webhook").await;
        self.ask("rotate-webhook", "webhook-rotate").await;
        self.ask("delete-webhook", "webhook-delete").await;
        self.walk.go("back", "webhooks").await;
        self.walk.browser.wait_for("[data-list=\"webhooks\"]").await;
        self.walk.stop("webhooks").await;
        self.failing_webhook().await;
    }

    /// A server that fails, and is tried again; then it says that it is gone, and nothing is sent there any more.
    async fn failing_webhook(&self) {
        let walk = &self.walk;
        let failing = self.hook.replace("/events", "/failing");
        walk.type_into("webhook-url", &failing).await;
        walk.go("create-webhook", "webhook").await;
        walk.browser.act("hide-secret").await;
        walk.browser.act("test-webhook").await;
        self.read_log_until("[data-status=\"queued\"] .row-line code").await;
        walk.stop("webhook-failing").await;
        walk.go("back", "webhooks").await;
        walk.browser.wait_for("[data-list=\"webhooks\"] .badge-bad").await;
        walk.stop("webhooks-failing").await;
        self.is_gone.store(true, Ordering::Relaxed);
        self.open_webhook(&failing).await;
        walk.browser.act("test-webhook").await;
        self.read_log_until("[data-status=\"failed\"]").await;
        walk.browser.wait_for("[data-banner=\"webhook-off\"]").await;
        walk.stop("webhook-off").await;
        walk.go("back", "webhooks").await;
        walk.browser.wait_for("[data-list=\"webhooks\"]").await;
        walk.stop("webhooks-off").await;
    }

    /// Opens an endpoint from the list of them.
    async fn open_webhook(&self, url: &str) {
        self.walk.browser.press(&format!("[data-webhook=\"{url}\"]")).await;
        self.walk.browser.wait_for_screen("webhook").await;
        self.walk.browser.wait_for("[data-list=\"webhook-log\"] > li").await;
    }

    /// Until something is in the log of the endpoint that is shown, the log is read again as a person would: by leaving and
    /// coming back.
    async fn read_log_until(&self, css: &str) {
        let url = self.walk.browser.text("[data-part=\"webhook-url\"]").await;
        for _ in 0..40 {
            if !self.walk.browser.text(&format!("[data-list=\"webhook-log\"] > {css}")).await.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
            self.walk.go("back", "webhooks").await;
            self.open_webhook(&url).await;
        }
    }

    /// A question over the screen, which is answered with no.
    async fn ask(&self, action: &str, name: &str) {
        let dialog = format!("[data-part=\"confirm-{action}\"][open]");
        self.walk.act_until(action, &dialog).await;
        self.walk.stop(name).await;
        self.walk.browser.press(&format!("{dialog} [data-action=\"cancel\"]")).await;
    }

    async fn back_to_business(&self) {
        self.walk.go("sell", "keypad").await;
        self.walk.go("business", "merchant").await;
    }
}

/// A file that is no bank's key.
fn access_of(system: &System) -> String {
    voucher::file(system, "access.json")
}

/// A sale in dollars, as the till would make it.
fn sale_of(minor: i64, payer: &str, items: &[(&str, u32, i64)], expires_s: u32) -> NewSale {
    let currency = "USD".parse().expect("a currency");
    let item = |(name, quantity, minor): &(&str, u32, i64)| ItemView {
        name: (*name).to_owned(),
        quantity: *quantity,
        total: Amount::new(*minor, currency),
    };
    NewSale {
        amount: Amount::new(minor, currency),
        items: items.iter().map(item).collect(),
        order_number: String::new(),
        payer: payer.to_owned(),
        counter_id: None,
        expires_s,
    }
}

//! Pictures of every merchant screen, of a till that really sells.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::StreamExt as _;
use payment::Amount;
use protocol::ipc::merchant::{NewSale, Sell};
use protocol::ipc::{ItemView, Language, Theme};

use super::merchant::{Shop, shown_sale};
use crate::browser::Browser;
use crate::card::Card;
use crate::system::{System, Wishes, texts};
use crate::till::{access_file, path};

/// A phone, a tablet that stands on the counter, and a desktop, in CSS pixels.
const SIZES: [(u32, u32); 3] = [(390, 844), (COUNTER_WIDTH, 1_112), (1_280, 800)];
/// At this width only what stands on a counter is pictured.
const COUNTER_WIDTH: u32 = 834;

/// How many series are taken at once: most of the time each waits for a page or a bank.
const SERIES_AT_ONCE: usize = 4;

/// How a series looks.
#[derive(Clone, Copy)]
struct Look {
    size: (u32, u32),
    theme: (Theme, &'static str),
    language: (Language, &'static str),
}

/// Every series, each of a shop of its own.
pub async fn take_all(out: &Path) {
    let hook = receiver().await;
    let mut looks = Vec::new();
    for size in SIZES {
        for theme in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
            for language in [(Language::English, "en"), (Language::Chinese, "zh")] {
                looks.push(Look { size, theme, language });
            }
        }
    }
    let hook = hook.as_str();
    let taken = futures::stream::iter(looks).for_each_concurrent(SERIES_AT_ONCE, |look| take_one(look, out, hook));
    taken.await;
}

async fn take_one(look: Look, out: &Path, hook: &str) {
    let Look { size: (width, height), theme: (theme, theme_name), language: (language, tongue) } = look;
    let server = ["--answer-timeout-ms", "5000", "--webhook-allow-http", "--webhook-allow-private"];
    let system = System::start(Wishes { server: texts(&server), ..Wishes::default() }).await;
    let shop = Shop::closed(&system, "till").await;
    shop.look(language, theme).await;
    let browser = Browser::chromium(width, height, &system.log("chromium")).await;
    let suffix = format!("{width}-{theme_name}-{tongue}");
    let album = Album { system: &system, browser, shop, out, suffix, hook };
    if width == COUNTER_WIDTH {
        album.take_counter_top().await;
    } else {
        album.take().await;
    }
    println!("the shop, {theme_name} {tongue} at {width} px: done");
}

/// A merchant's own server, which takes every event; its address.
async fn receiver() -> String {
    let router = axum::Router::new().route("/events", axum::routing::post(async || axum::http::StatusCode::NO_CONTENT));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("a bound listener has an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/events")
}

/// One series of pictures.
struct Album<'a> {
    system: &'a System,
    /// The till's screens.
    browser: Browser,
    shop: Shop,
    out: &'a Path,
    /// What every picture's name ends with.
    suffix: String,
    /// Where webhooks go.
    hook: &'a str,
}

impl Album<'_> {
    async fn picture(&self, screen: &str) {
        let settle = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => \
            setTimeout(done, 450)));";
        self.browser.driver().execute_async(settle, Vec::new()).await.expect("the page settles");
        self.browser.screenshot(&self.out.join(format!("{screen}-{}.png", self.suffix))).await;
    }

    async fn go(&self, action: &str, screen: &str) {
        self.browser.act(action).await;
        self.browser.wait_for_screen(screen).await;
    }

    async fn type_into(&self, field: &str, text: &str) {
        let field = self.browser.wait_for(&format!("[data-field=\"{field}\"]")).await;
        field.send_keys(text).await.expect("a field takes text");
    }

    async fn choose(&self, setting: &str) {
        let choice = self.browser.wait_for(&format!("[data-setting=\"{setting}\"]")).await;
        choice.click().await.expect("a choice can be made");
    }

    /// Everything: from the wallet that is no till to the day's close.
    async fn take(self) {
        self.connect().await;
        self.counter_top().await;
        self.books().await;
        self.business().await;
        self.browser.close().await;
    }

    /// What stands on a counter.
    async fn take_counter_top(self) {
        let file = access_file(self.system, &format!("{}.json", self.suffix)).await;
        self.shop.connect(path(&file)).await;
        self.shop.set_menu().await;
        self.browser.open(&self.shop.till.url()).await;
        self.browser.wait_for_screen("keypad").await;
        self.counter_top().await;
        self.browser.close().await;
    }

    async fn connect(&self) {
        self.browser.open(&self.shop.till.url()).await;
        self.browser.wait_for_screen("inbox").await;
        self.go("settings", "settings").await;
        self.go("take-payments", "merchant.connect").await;
        self.picture("merchant.connect").await;
        let file = access_file(self.system, &format!("{}.json", self.suffix)).await;
        self.shop.connect(path(&file)).await;
        self.browser.open(&self.shop.till.url()).await;
        self.browser.wait_for_screen("keypad").await;
        self.go("items", "items").await;
        self.browser.wait_for(".empty").await;
        self.picture("items-empty").await;
        self.go("sales", "sales").await;
        self.browser.wait_for(".empty").await;
        self.picture("sales-empty").await;
        self.shop.set_menu().await;
        self.browser.open(&self.shop.till.url()).await;
        self.browser.wait_for_screen("keypad").await;
    }

    async fn counter_top(&self) {
        self.picture("keypad-empty").await;
        for digit in ["1", "2", "8", "0"] {
            self.browser.wait_for(&format!("[data-pad=\"{digit}\"]")).await.click().await.expect("a key");
        }
        self.picture("keypad").await;
        self.paid().await;
        self.items().await;
        self.ends().await;
    }

    async fn paid(&self) {
        let card = Card::present(self.system, "visa");
        self.go("charge", "pos.qr").await;
        let request = shown_sale(&self.browser).await;
        self.picture("pos.qr").await;
        self.browser.act("code-emv").await;
        self.browser.wait_for(".pos-qr[data-code=\"emv\"]").await;
        self.picture("pos.qr-emv").await;
        self.browser.act("code-link").await;
        self.shop.scanned(&self.shop.link(&request).await).await;
        self.browser.wait_for("[data-face=\"seen\"]").await;
        self.picture("pos.qr-seen").await;
        self.system.scenario(path(&self.slow_bank())).await;
        let paying = async {
            self.browser.wait_for("[data-face=\"paying\"]").await;
            self.picture("pos.qr-paying").await;
            self.system.scenario("none").await;
        };
        let (finished, ()) = tokio::join!(self.shop.pay(&request, &card), paying);
        finished.success();
        self.browser.wait_for_screen("pos.paid").await;
        self.picture("pos.paid").await;
        self.go("new-sale", "keypad").await;
    }

    /// A bank that takes its time, and answers before the server gives it up.
    fn slow_bank(&self) -> PathBuf {
        let script = self.system.folder().join("slow.toml");
        std::fs::write(&script, "[[rule]]\ndo = \"slow\"\nms = 3000\n").expect("the script can be written");
        script
    }

    async fn items(&self) {
        self.go("items", "items").await;
        let tiles = "[data-action=\"add-item\"]";
        self.browser.wait_for(tiles).await;
        for place in [1, 3, 1] {
            let tile = self.browser.wait_for(&format!("li:nth-child({place}) > {tiles}")).await;
            tile.click().await.expect("a tile can be tapped");
        }
        self.picture("items").await;
    }

    /// A bank that does not answer, and a payer who refuses.
    async fn ends(&self) {
        let card = Card::present(self.system, "visa");
        self.go("charge", "pos.qr").await;
        let request = shown_sale(&self.browser).await;
        self.shop.scanned(&self.shop.link(&request).await).await;
        self.system.scenario("silent").await;
        // The payer's wallet ends with the same news.
        let _ = self.shop.pay(&request, &card).await;
        self.browser.wait_for_screen("pos.unknown").await;
        self.picture("pos.unknown").await;
        self.system.scenario("none").await;
        self.go("new-sale", "items").await;
        self.go("keypad", "keypad").await;
        for (ending, screen) in [("reject", "pos.refused"), ("cancel-sale", "pos.cancelled")] {
            self.browser.wait_for("[data-pad=\"7\"]").await.click().await.expect("a key");
            self.browser.wait_for("[data-pad=\"00\"]").await.click().await.expect("a key");
            self.go("charge", "pos.qr").await;
            let request = shown_sale(&self.browser).await;
            if ending == "reject" {
                self.shop.scanned(&self.shop.link(&request).await).await;
                self.shop.payer.wallet(&["reject", &request], "").await.success();
            } else {
                self.browser.act(ending).await;
            }
            self.browser.wait_for_screen(screen).await;
            self.picture(screen).await;
            self.go("new-sale", "keypad").await;
        }
        self.expire().await;
    }

    async fn expire(&self) {
        let sale = sale_of(780, "", &[], 12);
        let sale = self.shop.till.call(&Sell { sale }).await.expect("a sale");
        self.go("sales", "sales").await;
        let row = format!("[data-sale=\"{}\"]", sale.summary.request_id);
        self.browser.wait_for(&row).await.click().await.expect("a sale can be opened");
        self.go("show-code", "pos.qr").await;
        self.browser.wait_for_screen("pos.expired").await;
        self.picture("pos.expired").await;
        self.go("new-sale", "keypad").await;
    }

    /// Sales with their details, one sent by mail, one given back in part.
    async fn books(&self) {
        let items = [("Flat white", 2, 980), ("Croissant", 1, 300)];
        let mailed = sale_of(4_500, "ada@example.org", &[], 3_600);
        let mailed = self.shop.till.call(&Sell { sale: mailed }).await.expect("a sale").summary.request_id;
        let sale = sale_of(1_280, "", &items, 300);
        let paid = self.shop.till.call(&Sell { sale }).await.expect("a sale").summary.request_id.to_string();
        let card = Card::present(self.system, "visa");
        self.shop.scanned(&self.shop.link(&paid).await).await;
        self.shop.pay(&paid, &card).await.success();
        self.go("sales", "sales").await;
        self.browser.wait_for(&format!("[data-sale=\"{paid}\"][data-face=\"paid\"]")).await;
        self.picture("sales").await;
        let nonsense = "no such number";
        self.type_into("search", nonsense).await;
        self.browser.wait_for(".empty").await;
        self.picture("sales-none").await;
        self.type_into("search", &"\u{e003}".repeat(nonsense.len())).await;
        self.open_sale(&mailed.to_string()).await;
        self.browser.wait_for("[data-channel=\"email\"]").await;
        self.picture("sale-sent").await;
        self.open_sale(&paid).await;
        self.browser.wait_for("[data-part=\"timeline\"]").await;
        self.picture("sale").await;
        self.browser.act("refund").await;
        self.choose("refund.part").await;
        self.type_into("refund-amount", "3.00").await;
        self.type_into("refund-reason", "Croissant sold out").await;
        self.picture("sale-refund").await;
        self.browser.act("confirm-refund").await;
        self.browser.wait_for("[data-refund=\"refunded\"]").await;
        self.picture("sale-refunded").await;
        self.go("sales", "sales").await;
        self.go("day", "day").await;
        self.browser.wait_for("[data-currency=\"USD\"]").await;
        self.picture("day").await;
    }

    async fn open_sale(&self, request: &str) {
        self.go("sales", "sales").await;
        let row = self.browser.wait_for(&format!(".pane-main [data-sale=\"{request}\"]")).await;
        row.click().await.expect("a sale can be opened");
        self.browser.wait_for_screen("sale").await;
    }

    async fn business(&self) {
        self.go("sell", "keypad").await;
        self.go("business", "merchant").await;
        self.picture("merchant").await;
        self.go("catalogue", "items.edit").await;
        self.picture("items.edit").await;
        self.back_to_business().await;
        self.go("counters", "counters").await;
        self.browser.wait_for(".empty, [data-list=\"counters\"]").await;
        self.picture("counters-empty").await;
        self.type_into("counter-name", "Till 2").await;
        self.go("create-counter", "counter").await;
        self.picture("counter").await;
        self.go("back", "counters").await;
        self.browser.wait_for("[data-list=\"counters\"]").await;
        self.picture("counters").await;
        self.webhooks().await;
        self.back_to_business().await;
        self.go("keys", "keys").await;
        self.browser.wait_for("[data-list=\"keys\"]").await;
        self.picture("keys").await;
        self.type_into("key-name", "Web shop").await;
        self.choose("scope.requests:write").await;
        self.browser.act("create-key").await;
        self.browser.wait_for("[data-part=\"secret\"]").await;
        self.scroll_to("[data-part=secret]").await;
        self.picture("keys-created").await;
    }

    async fn webhooks(&self) {
        self.back_to_business().await;
        self.go("webhooks", "webhooks").await;
        self.browser.wait_for(".empty, [data-list=\"webhooks\"]").await;
        self.picture("webhooks-empty").await;
        self.type_into("webhook-url", self.hook).await;
        self.go("create-webhook", "webhook").await;
        self.browser.wait_for("[data-part=\"secret\"]").await;
        self.picture("webhook-created").await;
        self.browser.act("hide-secret").await;
        self.browser.act("test-webhook").await;
        self.browser.wait_for("[data-list=\"webhook-log\"] > li").await;
        // Until the receiver has answered, the log is read again as a person would: by leaving and coming back.
        for _ in 0..20 {
            self.go("back", "webhooks").await;
            self.go("open-webhook", "webhook").await;
            self.browser.wait_for("[data-list=\"webhook-log\"] > li").await;
            if !self.browser.text("[data-list=\"webhook-log\"] > [data-status=\"delivered\"]").await.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        self.picture("webhook").await;
        self.go("back", "webhooks").await;
        self.browser.wait_for("[data-list=\"webhooks\"]").await;
        self.picture("webhooks").await;
    }

    async fn back_to_business(&self) {
        self.go("sell", "keypad").await;
        self.go("business", "merchant").await;
    }

    async fn scroll_to(&self, css: &str) {
        let scroll = format!("document.querySelector('{css}').scrollIntoView({{ block: 'center' }})");
        self.browser.driver().execute(scroll, Vec::new()).await.expect("the page scrolls");
    }
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

//! The payment page: a request paid in a browser that has no wallet, by whoever holds the link.

use std::path::PathBuf;

use e2e::browser::Browser;
use e2e::code::{PASSWORD, Telephones, bind_to};
use e2e::system::{Ask, System, Wishes, texts};
use e2e::voucher;
use serde_json::Value;
use tempfile::TempDir;

const PHONE: &str = "+12025550143";
const PAGER: &str = "ann@pager.example";
/// A telephone that is not registered.
const BORROWED: &str = "+12025550199";
/// A phone, in CSS pixels.
const PHONE_SIZE: (u32, u32) = (390, 844);

/// The module's folder, where `cargo xtask test` puts it.
fn module() -> Option<String> {
    let folder = std::env::var("TAPSEAL_TEST_PAGE").ok();
    if folder.is_none() {
        eprintln!("skipped: TAPSEAL_TEST_PAGE is not set");
    }
    folder
}

/// Servers with a page, telephones, and a browser on a phone.
struct Visit {
    system: System,
    telephones: Telephones,
    identity: String,
    browser: Browser,
    _codes: TempDir,
}

impl Visit {
    async fn open(module: &str) -> Self {
        let codes = TempDir::new().expect("a folder for codes");
        let (telephones, bank) = Telephones::new(codes.path().join("codes")).await;
        let wishes = Wishes { bank, server: texts(&["--payment-page", module]), ..Wishes::default() };
        let system = System::start(wishes).await;
        let identity = bind_to(&system, "ann-0001", "visa-0050", &[PHONE, PAGER]).await;
        system.wait_until("the server knows", async || system.logs().contains("tells of payers by code")).await;
        let (width, height) = PHONE_SIZE;
        let browser = Browser::chromium(width, height, &system.log("chromium")).await;
        Self { system, telephones, identity, browser, _codes: codes }
    }

    /// Opens the page of a new request; its id.
    async fn ask(&self, ask: &Ask) -> String {
        let created = self.system.ask(ask).await;
        let link = created["link"].as_str().expect("a new request has a link");
        self.browser.open(&link.replace("/r/", "/pay/")).await;
        self.browser.wait_for_screen("request").await;
        created["id"].as_str().expect("a request has an id").to_owned()
    }

    async fn type_into(&self, id: &str, text: &str) {
        let field = self.browser.wait_for(&format!("#{id}")).await;
        field.clear().await.expect("a field can be emptied");
        field.send_keys(text).await.expect("a field takes text");
    }

    /// What axe-core finds on the page, and whether it scrolls sideways.
    async fn faults(&self) -> Vec<String> {
        let Some(folder) = std::env::var_os("TAPSEAL_TEST_AXE").map(PathBuf::from) else { return Vec::new() };
        let axe = std::fs::read_to_string(folder.join("node_modules/axe-core/axe.min.js")).expect("axe-core is there");
        let driver = self.browser.driver();
        driver.execute(axe, Vec::new()).await.expect("axe-core runs");
        let look = "const done = arguments[arguments.length - 1]; axe.run().then((found) => done(found.violations.map((it) => \
             it.id + ' ' + it.nodes.map((node) => node.target.join(' ')).join(', '))), (error) => done([String(error)]))";
        let found = driver.execute_async(look, Vec::new()).await.expect("axe-core answers");
        let mut found: Vec<String> = found.convert().expect("a list of texts");
        let wide = "return document.documentElement.scrollWidth > innerWidth";
        let wide = driver.execute(wide, Vec::new()).await.expect("the page can be measured");
        if wide.json() == &Value::Bool(true) {
            found.push("the page scrolls sideways".to_owned());
        }
        found
    }

    async fn is_clean(&self, screen: &str) {
        assert_eq!(self.faults().await, Vec::<String>::new(), "{screen}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_without_a_wallet_pays_by_code_in_a_browser() {
    let Some(module) = module() else { return };
    let visit = Visit::open(&module).await;
    let request = visit.ask(&Ask::default()).await;
    let shown = visit.browser.text("main").await;
    assert!(shown.contains("Blue Door Caf") && shown.contains("12.80"), "{shown}");
    visit.is_clean("request").await;

    // A slip is told at once; then everything is right, with keys alone.
    visit.type_into("identity", "111111111111").await;
    visit.type_into("password", PASSWORD).await;
    visit.browser.act("continue").await;
    visit.browser.wait_for("#identity[aria-invalid]").await;
    visit.is_clean("slip").await;
    visit.type_into("identity", &visit.identity).await;
    visit.browser.wait_for("#password").await.send_keys("\u{e007}").await.expect("Enter can be pressed");
    visit.browser.wait_for_screen("terminals").await;
    visit.is_clean("terminals").await;
    visit.browser.press("[data-action=\"choose-terminal\"][data-terminal=\"1\"]").await;
    visit.browser.wait_for_screen("code").await;
    let (code, text) = visit.telephones.code(&visit.system, PHONE, 0).await;
    assert!(text.contains("12.80"), "the telephone shows what is paid: {text}");
    visit.is_clean("code").await;
    visit.type_into("code", if code == "000000" { "000001" } else { "000000" }).await;
    visit.browser.act("pay").await;
    visit.browser.wait_for("[data-problem=\"declined_wrong_code\"]").await;

    // Another code, and then one to an address that only this payment knows, from an account that is named.
    visit.browser.act("resend").await;
    let (second, _) = visit.telephones.code(&visit.system, PHONE, 1).await;
    assert_ne!(code, second, "a code is drawn for each order");
    visit.browser.act("elsewhere").await;
    visit.browser.wait_for_screen("terminals").await;
    visit.browser.press("summary").await;
    visit.browser.wait_for("#account option[value=\"1\"]").await.click().await.expect("an account can be chosen");
    visit.type_into("address", BORROWED).await;
    visit.is_clean("another address").await;
    visit.browser.press("[data-action=\"choose-terminal\"][data-terminal=\"1\"]").await;
    visit.browser.wait_for_screen("confirm").await;
    visit.is_clean("confirm").await;
    let (confirms, _) = visit.telephones.code(&visit.system, PHONE, 2).await;
    assert!(visit.telephones.codes_to(BORROWED).is_empty(), "nothing goes where nobody confirmed");
    visit.type_into("code", &confirms).await;
    visit.browser.act("confirm-address").await;
    visit.browser.wait_for_screen("code").await;
    let (code, text) = visit.telephones.code(&visit.system, BORROWED, 0).await;
    assert!(text.contains("12.80"), "the borrowed telephone shows it too: {text}");
    visit.type_into("code", &code).await;
    visit.browser.act("pay").await;
    visit.browser.wait_for_screen("paid").await;
    visit.is_clean("paid").await;
    visit.system.wait_for_status(&request, "paid").await;
    visit.system.assert_merchant_received(1_280).await;
    assert_eq!(visit.system.shown_to_merchant(&request).await["method"], "code");

    // The receipt is one that a wallet accepts.
    let read = "const link = document.querySelector('[data-action=receipt]').href; \
        return decodeURIComponent(link.slice(link.indexOf(',') + 1))";
    let receipt = visit.browser.driver().execute(read, Vec::new()).await.expect("the receipt can be read");
    let receipt = receipt.json().as_str().expect("a receipt is text").to_owned();
    let file = visit.system.folder().join("receipt.json");
    std::fs::write(&file, receipt).expect("the receipt can be kept");
    let payer = e2e::payer::Payer::new(&visit.system);
    let verified = payer.wallet(&["verify", file.to_str().expect("temporary paths are plain")], "").await;
    assert_eq!(verified.code, 0, "{verified:?}");
    visit.browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voucher_pays_in_a_browser_and_what_the_shop_does_not_take_is_not_offered() {
    let Some(module) = module() else { return };
    let visit = Visit::open(&module).await;
    voucher::make(&visit.system).await;
    let bought = voucher::sell(&visit.system).await;
    visit.ask(&Ask { methods: &["card"], ..Ask::default() }).await;
    let shown = visit.browser.text("main").await;
    assert!(shown.contains("in the wallet") || shown.contains("in a browser"), "{shown}");
    visit.is_clean("none").await;

    let request = visit.ask(&Ask { order: "V-1".into(), methods: &["voucher"], ..Ask::default() }).await;
    let last = if bought.number.ends_with('0') { '1' } else { '0' };
    let slip = format!("{}{last}", &bought.number[..bought.number.len() - 1]);
    visit.type_into("voucher-number", &slip).await;
    visit.type_into("voucher-code", &bought.code).await;
    visit.browser.act("pay").await;
    visit.browser.wait_for("#voucher-number[aria-invalid]").await;
    visit.type_into("voucher-number", &bought.number).await;
    visit.browser.act("pay").await;
    visit.browser.wait_for_screen("paid").await;
    visit.system.wait_for_status(&request, "paid").await;
    assert_eq!(visit.system.shown_to_merchant(&request).await["method"], "voucher");
    visit.browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_lost_its_key_shows_nothing_and_both_languages_are_there() {
    let Some(module) = module() else { return };
    let visit = Visit::open(&module).await;
    visit.ask(&Ask::default()).await;
    visit.browser.press("#language").await;
    visit.browser.wait_for_words(&["付款请求", "已验证"]).await;
    visit.is_clean("zh-Hans").await;
    let created = visit.system.ask(&Ask { order: "A-2".into(), ..Ask::default() }).await;
    let link = created["link"].as_str().expect("a new request has a link").replace("/r/", "/pay/");
    visit.browser.open("about:blank").await;
    visit.browser.open(link.split('#').next().expect("a link has an address")).await;
    visit.browser.wait_for_screen("stopped").await;
    let shown = visit.browser.text("main").await;
    assert!(!shown.contains("Blue Door") && !shown.contains("12.80"), "{shown}");
    visit.browser.close().await;
}

//! The scenes of the payment page: a code with everything that can be said of it, and a voucher.
//!
//! Its accessibility is examined by its own tests: it has neither pseudo-locale nor workbench.

use crate::album::{Tour, Walk};
use crate::code::{PASSWORD, Telephones, bind_to};
use crate::remote::RemoteWallet;
use crate::system::{Ask, System, Wishes, free_port, texts};

const PHONE: &str = "+12025550143";
const PAGER: &str = "ann@pager.example";
/// A telephone that is not registered.
const BORROWED: &str = "+12025550199";

/// Walks through all of it.
///
/// # Panics
/// Without the page's module, whose folder `TAPSEAL_TEST_PAGE` names.
pub async fn walk(tour: &Tour) {
    let module = std::env::var("TAPSEAL_TEST_PAGE").expect("TAPSEAL_TEST_PAGE names the page's module");
    let folder = tempfile::tempdir().expect("a folder for codes");
    let (telephones, bank) = Telephones::new(folder.path().join("codes")).await;
    let wishes = Wishes { bank, server: texts(&["--payment-page", &module]), ..Wishes::default() };
    let system = System::start(wishes).await;
    let identity = bind_to(&system, "ann-0001", "visa-0050", &[PHONE, PAGER]).await;
    system.wait_until("the server knows", async || system.logs().contains("tells of payers by code")).await;
    let reader = format!("simulated:127.0.0.1:{}", free_port());
    let wallet = RemoteWallet::start(&system, "wallet", &reader).await;
    let walk = tour.enter(&system, &wallet).await;
    not_here(&walk).await;
    by_code(&walk, &telephones, &identity).await;
    walk.end().await;
}

/// The address of a new request's page.
async fn page_of(walk: &Walk<'_>, ask: &Ask) -> String {
    let created = walk.system.ask(ask).await;
    created["link"].as_str().expect("a new request has a link").replace("/r/", "/pay/")
}

/// A link without its key, a request that takes only cards, a voucher.
async fn not_here(walk: &Walk<'_>) {
    let address = page_of(walk, &Ask { order: "P-1".into(), methods: &["card"], ..Ask::default() }).await;
    walk.open_at(address.split('#').next().expect("a link has an address"), "stopped").await;
    walk.stop("page.stopped").await;
    walk.open_at(&address, "request").await;
    walk.stop("page.request-none").await;
    let address = page_of(walk, &Ask { order: "P-2".into(), methods: &["voucher"], ..Ask::default() }).await;
    walk.open_at(&address, "request").await;
    walk.stop("page.request-voucher").await;
}

/// A slip, a terminal, another address that is confirmed, the code, the end.
async fn by_code(walk: &Walk<'_>, telephones: &Telephones, identity: &str) {
    let address = page_of(walk, &Ask { order: "P-3".into(), ..Ask::default() }).await;
    walk.open_at(&address, "request").await;
    walk.stop("page.request").await;
    type_into(walk, "identity", "111111111111").await;
    type_into(walk, "password", PASSWORD).await;
    walk.act_until("continue", "#identity[aria-invalid]").await;
    // Another language draws the form anew, without what was typed: the slip is looked at as it stands.
    type_into(walk, "identity", identity).await;
    walk.go("continue", "terminals").await;
    walk.stop("page.terminals").await;
    walk.browser.press("summary").await;
    type_into(walk, "address", BORROWED).await;
    walk.browser.press("[data-action=\"choose-terminal\"][data-terminal=\"1\"]").await;
    walk.browser.wait_for_screen("confirm").await;
    walk.stop("page.confirm").await;
    let (confirms, _) = telephones.code(walk.system, PHONE, 0).await;
    type_into(walk, "code", &confirms).await;
    walk.go("confirm-address", "code").await;
    let (code, _) = telephones.code(walk.system, BORROWED, 0).await;
    walk.stop("page.code").await;
    type_into(walk, "code", &code).await;
    walk.go("pay", "paid").await;
    walk.stop("page.paid").await;
}

/// Empties a field, and types into it.
async fn type_into(walk: &Walk<'_>, id: &str, text: &str) {
    let field = walk.browser.wait_for(&format!("#{id}")).await;
    field.clear().await.expect("a field can be emptied");
    field.send_keys(text).await.expect("a field takes text");
}

//! The bank's page: somebody becomes a payer by code in a browser, with keys alone, and pays with what it got there.

use e2e::bank_page::{
    Keyboard, PAYMENT_PASSWORD, PageAddress, SIGN_IN_PASSWORD, code_saying, give_access, is_clean_in_every_look,
};
use e2e::browser::Browser;
use e2e::code::{Telephones, Typing};
use e2e::payer::Payer;
use e2e::system::{Ask, System, Wishes};
use tempfile::TempDir;

const PHONE: &str = "+12025550143";
const OTHER_PHONE: &str = "+12025550199";
/// A phone, in CSS pixels.
const PHONE_SIZE: (u32, u32) = (390, 844);

/// A bank with a page, telephones that get texts, a customer with access, and a browser.
struct Visit {
    system: System,
    telephones: Telephones,
    number: String,
    browser: Browser,
    page: PageAddress,
    _codes: TempDir,
}

impl Visit {
    async fn open() -> Self {
        let codes = TempDir::new().expect("a folder for codes");
        let (telephones, mut bank) = Telephones::new(codes.path().join("codes")).await;
        let page = PageAddress::new();
        bank.extend(page.wishes());
        let system = System::start(Wishes { bank, ..Wishes::default() }).await;
        let number = give_access(&system, "ann-0001", PHONE, &["visa-0050", "mastercard-0011"]).await;
        let (width, height) = PHONE_SIZE;
        let browser = Browser::chromium(width, height, &system.log("chromium")).await;
        browser.open(&page.url()).await;
        browser.wait_for_screen("sign-in").await;
        Self { system, telephones, number, browser, page, _codes: codes }
    }

    const fn keys(&self) -> Keyboard<'_> {
        Keyboard(&self.browser)
    }

    async fn code(&self, phone: &str, says: &str, before: usize) -> String {
        code_saying(&self.system, &self.telephones, phone, says, before).await
    }

    async fn is_clean(&self, screen: &str) {
        is_clean_in_every_look(&self.browser, screen).await;
    }

    async fn activate(&self) {
        let keys = self.keys();
        keys.act("activate").await;
        self.browser.wait_for_screen("activate").await;
        self.is_clean("activate").await;
        let code = self.code(PHONE, "activates", 0).await;
        keys.type_into("access", &self.number).await;
        keys.type_into("activation", &code).await;
        keys.type_into("new-password", SIGN_IN_PASSWORD).await;
        keys.act("activate").await;
        self.browser.wait_for_screen("sign-in-code").await;
        self.is_clean("sign-in-code").await;
        self.type_sign_in_code(0).await;
    }

    async fn type_sign_in_code(&self, before: usize) {
        let code = self.code(PHONE, "signs you in", before).await;
        self.keys().type_into("code", &code).await;
        self.keys().act("sign-in-code").await;
        self.browser.wait_for_screen("home").await;
    }

    /// Sets paying by code up; the identity code.
    async fn set_up(&self) -> String {
        let keys = self.keys();
        keys.act("open").await;
        self.browser.wait_for_screen("open").await;
        self.is_clean("open").await;
        keys.type_into("phone", "2025550143").await;
        keys.act("go-on").await;
        self.browser.wait_for("#phone[aria-invalid]").await;
        keys.type_into("phone", PHONE).await;
        keys.type_into("payment-password", "12345678").await;
        keys.act("go-on").await;
        self.browser.wait_for("#payment-password[aria-invalid]").await;
        keys.type_into("payment-password", PAYMENT_PASSWORD).await;
        keys.type_into("payment-limit", "50").await;
        keys.type_into("day-limit", "80.00").await;
        keys.act("go-on").await;
        self.browser.wait_for_screen("codes").await;
        self.is_clean("codes").await;
        let code = self.code(PHONE, "registers", 0).await;
        keys.type_into("code", if code == "000000" { "000001" } else { "000000" }).await;
        keys.act("confirm").await;
        self.browser.wait_for("[data-problem=\"wrong_code\"]").await;
        keys.type_into("code", &code).await;
        keys.act("confirm").await;
        self.browser.wait_for_screen("done").await;
        self.is_clean("done").await;
        let shown = self.browser.text("[data-part=\"identity\"]").await;
        shown.chars().filter(char::is_ascii_digit).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_becomes_a_payer_on_the_page_with_keys_alone_and_pays_by_code() {
    let visit = Visit::open().await;
    let keys = visit.keys();
    visit.is_clean("sign-in").await;
    keys.type_into("access", "123").await;
    keys.act("sign-in").await;
    visit.browser.wait_for("#access[aria-invalid]").await;
    visit.activate().await;
    visit.is_clean("unbound").await;
    let identity = visit.set_up().await;
    assert_eq!(identity.len(), 12, "{identity}");
    keys.act("home").await;
    visit.browser.wait_for_screen("home").await;
    visit.is_clean("home").await;
    let shown = visit.browser.text("main").await;
    assert!(shown.contains("••43") && shown.contains("$50.00") && shown.contains("visa-0050"), "{shown}");

    // With what the page gave it, it pays: the code comes to the telephone that was confirmed there.
    visit.system.wait_until("the server knows", async || visit.system.logs().contains("tells of payers by code")).await;
    let payer = Payer::new(&visit.system);
    let request = payer.open(&visit.system.ask(&Ask::default()).await).await;
    let mut typing = Typing::begin(&payer, &request, &[], &identity, PAYMENT_PASSWORD).await;
    let code = visit.code(PHONE, "pays", 0).await;
    typing.line(&code).await;
    let paid = typing.end().await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", visit.system.logs());
    visit.system.wait_for_status(&request, "paid").await;
    visit.system.assert_merchant_received(1_280).await;
    visit.browser.close().await;

    // No password, and no code with the words before it, is in a file of the servers: database, log or key.
    let mut secrets = vec![SIGN_IN_PASSWORD.to_owned(), PAYMENT_PASSWORD.to_owned()];
    let texts = visit.telephones.texts_to(PHONE);
    let first_words = |text: &String| text.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    secrets.extend(texts.iter().filter(|text| text.starts_with("Code ")).map(first_words));
    assert!(secrets.len() >= 6, "activation, sign-in, terminal, payment: {secrets:?}");
    let searched = search(visit.system.folder(), &secrets);
    assert!(searched > 100_000, "only {searched} bytes were searched");
}

/// Searches every file below a folder, but for the browser's own; how many bytes.
fn search(folder: &std::path::Path, secrets: &[String]) -> usize {
    let mut searched = 0;
    for entry in std::fs::read_dir(folder).expect("the folder can be read").filter_map(Result::ok) {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "chromium") {
            continue;
        }
        if path.is_dir() {
            searched += search(&path, secrets);
            continue;
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        searched += bytes.len();
        for secret in secrets {
            let is_here = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!is_here, "{secret:?} in {}", path.display());
        }
    }
    searched
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_on_the_page_is_confirmed_told_and_journaled_and_can_be_ended() {
    let visit = Visit::open().await;
    let keys = visit.keys();
    visit.activate().await;
    visit.set_up().await;
    keys.act("home").await;
    visit.browser.wait_for_screen("home").await;

    // Another telephone: the registered one confirms, then the new one shows that it is there.
    keys.act("add-terminal").await;
    visit.browser.wait_for_screen("add-terminal").await;
    visit.is_clean("add-terminal").await;
    keys.type_into("terminal", OTHER_PHONE).await;
    keys.act("go-on").await;
    visit.browser.wait_for("[data-purpose=\"confirm\"]").await;
    let confirms = visit.code(PHONE, "payment codes go to", 0).await;
    keys.type_into("code", &confirms).await;
    keys.act("confirm").await;
    visit.browser.wait_for("[data-purpose=\"register\"]").await;
    visit.is_clean("codes, the second").await;
    let own = visit.code(OTHER_PHONE, "registers", 0).await;
    keys.type_into("code", &own).await;
    keys.act("confirm").await;
    visit.browser.wait_for_screen("done").await;
    keys.act("home").await;
    visit.browser.wait_for_words(&["••43", "••99"]).await;

    // Limits, confirmed by the terminal that was chosen.
    keys.act("limits").await;
    visit.browser.wait_for_screen("limits").await;
    visit.is_clean("limits").await;
    keys.type_into("payment-limit", "90").await;
    keys.act("go-on").await;
    visit.browser.wait_for("#day-limit[aria-invalid]").await;
    keys.type_into("day-limit", "120").await;
    keys.reach("#confirm-at").await;
    keys.press(thirtyfour::Key::Down).await;
    keys.act("go-on").await;
    visit.browser.wait_for_screen("codes").await;
    let code = visit.code(OTHER_PHONE, "USD 90.00", 0).await;
    keys.type_into("code", &code).await;
    keys.act("confirm").await;
    visit.browser.wait_for_screen("done").await;
    keys.act("home").await;
    visit.browser.wait_for_words(&["$90.00", "$120.00"]).await;

    // An account of its own besides, another password, and a terminal less: each page is clean, and one is done.
    for (action, screen) in [("add-account", "add-account"), ("new-password", "password")] {
        keys.act(action).await;
        visit.browser.wait_for_screen(screen).await;
        visit.is_clean(screen).await;
        keys.act("back").await;
        visit.browser.wait_for_screen("home").await;
    }
    visit.browser.press("[data-action=\"remove-terminal\"][data-place=\"2\"]").await;
    visit.browser.wait_for_screen("remove-terminal").await;
    visit.is_clean("remove-terminal").await;
    keys.act("go-on").await;
    visit.browser.wait_for_screen("codes").await;
    let code = visit.code(PHONE, "no more codes to terminal 2", 0).await;
    keys.type_into("code", &code).await;
    keys.act("confirm").await;
    visit.browser.wait_for_screen("done").await;
    keys.act("home").await;
    visit.browser.wait_for_screen("home").await;
    let told = async || visit.telephones.texts_to(OTHER_PHONE).iter().any(|text| text.contains("no longer go to"));
    visit.system.wait_until("the removed one is told", told).await;

    // Signed out, a reload shows nothing; signed in again, it is ended.
    keys.act("sign-out").await;
    visit.browser.wait_for_screen("sign-in").await;
    visit.browser.open(&visit.page.url()).await;
    visit.browser.wait_for_screen("sign-in").await;
    assert!(!visit.browser.text("body").await.contains("••43"));
    keys.type_into("access", &visit.number).await;
    keys.type_into("password", SIGN_IN_PASSWORD).await;
    keys.act("sign-in").await;
    visit.browser.wait_for_screen("sign-in-code").await;
    visit.type_sign_in_code(1).await;
    keys.act("end").await;
    visit.browser.wait_for_screen("end").await;
    visit.is_clean("end").await;
    keys.act("confirm-end").await;
    visit.browser.wait_for_screen("done").await;
    keys.act("home").await;
    visit.browser.wait_for("[data-action=\"open\"]").await;
    let words = ["bank", "bind", "journal", "ann-0001", "--data", &visit.system.data(), "--json"];
    let journal = visit.system.tapseal(&words).await.success();
    let done: Vec<_> = journal.as_array().expect("entries").iter().map(|entry| entry["what"].clone()).collect();
    assert_eq!(done, ["end", "remove_terminal", "limits", "add_terminal", "open", "page_activated"]);
    visit.browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_somebody_else_cannot_use_the_session() {
    let visit = Visit::open().await;
    visit.activate().await;
    visit.set_up().await;
    // A page of another origin in the same browser, while its owner is signed in.
    let own = visit.page.url();
    visit.browser.open("data:text/html,<title>elsewhere</title>").await;
    let attack = "const done = arguments[1]; fetch(arguments[0] + 'v1/changes/evil', { method: 'PUT', credentials: 'include', \
        headers: { 'content-type': 'text/plain' }, body: '{\"what\":\"end\"}', mode: 'no-cors' }).then(() => done('sent'), (error) => done(String(error)))";
    visit
        .browser
        .driver()
        .execute_async(attack, vec![serde_json::json!(own)])
        .await
        .expect("the browser tries, or refuses to");
    let shown = ["bank", "bind", "show", "ann-0001", "--data", &visit.system.data(), "--json"];
    assert_eq!(visit.system.tapseal(&shown).await.success()["state"], "active");
    visit.browser.close().await;
}

//! The payer's screens, driven as a person would: by keyboard alone, enlarged, and through everything that belongs to
//! requests besides paying them.

use std::path::Path;

use e2e::browser::Browser;
use e2e::card::Card;
use e2e::code::{PASSWORD, Telephones, bind};
use e2e::keeper::{self, Authenticator, Keeper, enrol};
use e2e::operator::{self, Operator};
use e2e::payer::{PIN, Payer};
use e2e::remote::RemoteWallet;
use e2e::scan::zbar;
use e2e::scene::paying::{self, Keyboard, fits, longest_task_ms, watch_tasks};
use e2e::system::{Ask, System, Wishes, free_port};
use protocol::ipc::{OpenLink, Watch};
use serde_json::{Value, json};

/// A phone, in CSS pixels.
const PHONE: (u32, u32) = (390, 844);
/// A window of 1280 by 800 at 200 %: half as many CSS pixels.
const ENLARGED: (u32, u32) = (640, 400);
/// Where codes go.
const TELEPHONE: &str = "+12025550143";
/// The name that stands for a card.
const ALIAS: &str = "Ann Example 77";
/// The address the person claims.
const ADDRESS: &str = "payer@example.org";

fn environment(system: &System, reader: &str) -> Vec<(&'static str, String)> {
    let home = system.folder().join("window-home");
    std::fs::create_dir_all(&home).expect("a folder for the window");
    let plain = |path: &Path| path.to_str().expect("temporary paths are plain").to_owned();
    vec![
        ("HOME", plain(&home)),
        ("XDG_DATA_HOME", plain(&home.join("data"))),
        ("XDG_CONFIG_HOME", plain(&home.join("config"))),
        ("XDG_CACHE_HOME", plain(&home.join("cache"))),
        ("TAPSEAL_HOME", plain(&home.join("wallet"))),
        ("TAPSEAL_TRUST", plain(&system.trust())),
        ("TAPSEAL_KEY_STORE", "file".into()),
        ("TAPSEAL_READER", reader.into()),
        ("LANG", "en_US.UTF-8".into()),
    ]
}

/// A wallet at a virtual card, and its screens.
async fn at_wallet(system: &System, reader: &str, (width, height): (u32, u32)) -> (RemoteWallet, Browser) {
    let wallet = RemoteWallet::start(system, "wallet", reader).await;
    let browser = Browser::chromium(width, height, &system.log("chromium")).await;
    browser.open(&wallet.url()).await;
    browser.wait_for_screen("inbox").await;
    (wallet, browser)
}

/// A reader that never shows a card.
fn no_card() -> String {
    format!("simulated:127.0.0.1:{}", free_port())
}

fn link(created: &Value) -> &str {
    created["link"].as_str().expect("a new request has a link")
}

async fn attribute(browser: &Browser, css: &str, name: &str) -> String {
    browser.wait_for(css).await.attr(name).await.ok().flatten().unwrap_or_default()
}

// Several threads: a driver whose test has failed ends its session while it is dropped.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_without_a_mouse_pays_in_the_window() {
    let system = System::start(Wishes::default()).await;
    let card = Card::present(&system, "visa");
    let created = system.ask(&Ask::default()).await;
    let window = Browser::window_with(&[], &environment(&system, &card.reader), &system.log("window")).await;
    let hand = Keyboard(&window);
    // A new wallet introduces itself, to whoever wants to read it.
    window.wait_for_screen("first-run").await;
    hand.press("skip").await;
    window.wait_for_screen("inbox").await;
    hand.go_to("[data-field=\"link\"]").await;
    hand.text(link(&created)).await;
    hand.press("open-link").await;
    window.wait_for_screen("request").await;
    hand.press("pay").await;
    window.wait_for_screen("pin").await;
    type_pin(&window, PIN).await;
    window.wait_for_screen("result.paid").await;
    hand.press("receipt").await;
    window.wait_for_screen("receipt").await;
    window.wait_for_words(&["12.80", "Blue Door Café"]).await;
    // Escape goes back the way it came.
    hand.keys("\u{e00c}").await;
    window.wait_for_screen("history").await;
    window.close().await;
    system.assert_merchant_received(1280).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_without_a_mouse_or_a_card_pays_by_code_by_username_and_on_the_phone_bill_in_the_window() {
    let codes = tempfile::tempdir().expect("a folder for codes");
    let (telephones, bank) = Telephones::new(codes.path().join("codes")).await;
    let (mut system, port) = System::with_keys(Wishes { bank, ..Wishes::default() }).await;
    let mut keeper = Keeper::found(&system).await;
    system.tapseal(&["migrate", "--data", &system.data()]).await.success();
    system.start_all(port).await;
    let operator = Operator::join(&mut system).await;
    operator.subscriber(&system, TELEPHONE, "mobile", 2_000).await;
    keeper.admit(&system, "5000").await;
    keeper.serve(None).await;
    let card = Card::present(&system, "visa");
    let (enrolled, mut authenticator) = enrol(&Payer::new(&system), ALIAS, &card.reader).await;
    assert_eq!(enrolled.code, 0, "{enrolled:?}");
    card.remove().await;
    let identity = bind(&system, "ann-0001", TELEPHONE).await;
    system.wait_until("the server knows", async || system.logs().contains("tells of payers by code")).await;
    // What the shop takes decides what is offered: a card would be, otherwise.
    let created = system.ask(&Ask { methods: &["code"], ..Ask::default() }).await;
    let window = Browser::window_with(&[], &environment(&system, &no_card()), &system.log("window")).await;
    let hand = Keyboard(&window);
    window.wait_for_screen("first-run").await;
    hand.press("skip").await;
    window.wait_for_screen("inbox").await;
    hand.go_to("[data-field=\"link\"]").await;
    hand.text(link(&created)).await;
    hand.press("open-link").await;
    window.wait_for_screen("request").await;
    hand.press("pay").await;
    window.wait_for_screen("pay.code").await;
    hand.go_to("[data-field=\"code-identity\"]").await;
    hand.text(&identity).await;
    hand.go_to("[data-field=\"code-password\"]").await;
    hand.text(PASSWORD).await;
    // There is one terminal, so nothing is asked: Enter sends the form, and the code is on its way.
    hand.keys("\u{e007}").await;
    window.wait_for("[data-field=\"code\"]").await;
    let (code, _) = telephones.code(&system, TELEPHONE, 0).await;
    hand.go_to("[data-field=\"code\"]").await;
    hand.text(&code).await;
    hand.keys("\u{e007}").await;
    window.wait_for_screen("result.paid").await;
    hand.press("done").await;
    // The card that is at home now pays the next one: under a name, with a password and a second factor.
    let created = system.ask(&Ask { order: "A-2".into(), methods: &["alias"], ..Ask::default() }).await;
    window.wait_for_screen("inbox").await;
    hand.go_to("[data-field=\"link\"]").await;
    hand.text(link(&created)).await;
    hand.press("open-link").await;
    window.wait_for("[data-action=\"methods\"][data-method=\"alias\"]").await;
    hand.press("pay").await;
    window.wait_for_screen("pay.alias").await;
    window.wait_for("[data-action=\"pay\"]:enabled").await;
    for (field, text) in [("alias-name", ALIAS), ("alias-password", keeper::PASSWORD)] {
        hand.go_to(&format!("[data-field=\"{field}\"]")).await;
        hand.text(text).await;
    }
    hand.go_to("[data-field=\"alias-code\"]").await;
    hand.text(&authenticator.lasting_code().await).await;
    hand.keys("\u{e007}").await;
    window.wait_for_screen("result.paid").await;
    system.assert_merchant_received(2560).await;
    hand.press("done").await;
    window.wait_for_screen("inbox").await;
    pays_on_the_bill(&system, &operator, &window).await;
    window.close().await;
    assert_eq!(operator.owed(&system, TELEPHONE).await, 1_280);
}

/// The line is set up on the way to the payment, whose PIN is typed on the pad.
async fn pays_on_the_bill(system: &System, operator: &Operator, window: &Browser) {
    let hand = Keyboard(window);
    let created = system.ask(&Ask { order: "B-1".into(), methods: &["carrier"], ..Ask::default() }).await;
    hand.go_to("[data-field=\"link\"]").await;
    hand.text(link(&created)).await;
    hand.press("open-link").await;
    window.wait_for_screen("request").await;
    hand.press("pay").await;
    window.wait_for_screen("bill.enrol").await;
    for (field, text) in [("bill-number", TELEPHONE), ("bill-name", operator::NAME), ("bill-pin", operator::PIN)] {
        hand.go_to(&format!("[data-field=\"{field}\"]")).await;
        hand.text(text).await;
    }
    hand.keys("\u{e007}").await;
    window.wait_for("[data-field=\"bill-code\"]").await;
    let code = operator.code(system, TELEPHONE, 0).await;
    hand.go_to("[data-field=\"bill-code\"]").await;
    hand.text(&code).await;
    hand.keys("\u{e007}").await;
    window.wait_for_screen("request").await;
    hand.press("pay").await;
    window.wait_for_screen("pin").await;
    type_pin(window, operator::PIN).await;
    window.wait_for_screen("result.paid").await;
    window.wait_for("[data-part=\"confirmation-for\"]").await;
}

/// Types a PIN on standard keys, and confirms it: the focus is on no button.
async fn type_pin(window: &Browser, pin: &str) {
    let hand = Keyboard(window);
    hand.press("standard-keys").await;
    window.wait_for("[data-filled=\"0\"]").await;
    for (index, digit) in pin.chars().enumerate() {
        hand.keys(&digit.to_string()).await;
        window.wait_for(&format!("[data-filled=\"{}\"]", index + 1)).await;
    }
    hand.keys("\u{e007}").await;
}

/// Of what can be changed under a username, every change but those that take something away, typed and sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_card_another_limit_and_another_second_factor_are_set_in_the_window() {
    let (mut system, port) = System::with_keys(Wishes::default()).await;
    let mut keeper = Keeper::found(&system).await;
    system.tapseal(&["migrate", "--data", &system.data()]).await.success();
    system.start_all(port).await;
    keeper.admit(&system, "5000").await;
    keeper.serve(None).await;
    let card = Card::present(&system, "visa");
    let (enrolled, mut authenticator) = enrol(&Payer::new(&system), ALIAS, &card.reader).await;
    assert_eq!(enrolled.code, 0, "{enrolled:?}");
    card.remove().await;
    let reader = format!("127.0.0.1:{}", free_port());
    let (_wallet, browser) = at_wallet(&system, &format!("simulated:{reader}"), PHONE).await;
    for screen in ["settings", "settings.ways", "settings.alias"] {
        browser.act(screen).await;
        browser.wait_for_screen(screen).await;
    }
    browser.act("alias-have-one").await;
    let hand = Keyboard(&browser);
    sign_in(&browser, &mut authenticator).await;

    // A second card, which is read here and sent with a code.
    browser.act("add-card").await;
    browser.wait_for("[data-field=\"alias-label\"]").await;
    for (field, text) in [("alias-label", "travel"), ("alias-limit", "75.00")] {
        hand.go_to(&format!("[data-field=\"{field}\"]")).await;
        hand.text(text).await;
    }
    browser.act("read-card").await;
    browser.wait_for("[data-part=\"reading\"] [data-gesture]").await;
    let card = Card::present_at(&system, "mastercard", &reader, &[]);
    browser.wait_for("[data-part=\"card-read\"]").await;
    card.remove().await;
    submit_code(&browser, "alias-code", &authenticator.lasting_code().await, "alias-add-card").await;
    browser.wait_for("[data-card=\"2\"]").await;
    browser.wait_for_words(&["travel", "$75.00"]).await;

    // Another limit for the first one; a code that was used already changes nothing.
    browser.press("[data-card=\"1\"] [data-action=\"card-limit\"]").await;
    hand.go_to("[data-field=\"alias-limit\"]").await;
    hand.text("20.00").await;
    submit_code(&browser, "alias-code", &authenticator.lasting_code().await, "alias-set-limit").await;
    browser.wait_for_words(&["$20.00"]).await;

    // Another second factor: the old one's code and the new one's first.
    browser.act("alias-new-factor").await;
    browser.wait_for("[data-part=\"factor-secret\"]").await;
    let mut renewed = Authenticator::typed(&browser.text("[data-part=\"factor-secret\"]").await);
    hand.go_to("[data-field=\"alias-first-code\"]").await;
    hand.text(&renewed.lasting_code().await).await;
    submit_code(&browser, "alias-code", &authenticator.lasting_code().await, "alias-set-factor").await;
    browser.wait_for("[data-action=\"alias-new-factor\"][aria-expanded=\"false\"]").await;
    // From now on only the new one lets in, and what was changed is still so.
    browser.act("alias-leave").await;
    browser.act("alias-have-one").await;
    sign_in(&browser, &mut renewed).await;
    browser.wait_for_words(&["travel", "$75.00", "$20.00"]).await;
    browser.close().await;
}

/// Types name, password and a code, and waits for what is kept.
async fn sign_in(browser: &Browser, authenticator: &mut Authenticator) {
    let hand = Keyboard(browser);
    for (field, text) in [("alias-name", ALIAS), ("alias-password", keeper::PASSWORD)] {
        let field = format!("[data-field=\"{field}\"]");
        browser.wait_for(&field).await.clear().await.expect("a field can be emptied");
        hand.go_to(&field).await;
        hand.text(text).await;
    }
    submit_code(browser, "alias-code", &authenticator.lasting_code().await, "alias-sign-in").await;
    browser.wait_for("[data-part=\"alias-cards\"] .row").await;
}

/// Types a code into its field, and presses what sends it.
async fn submit_code(browser: &Browser, field: &str, code: &str, action: &str) {
    let hand = Keyboard(browser);
    hand.go_to(&format!("[data-field=\"{field}\"]")).await;
    hand.text(code).await;
    browser.act(action).await;
}

/// What is asked for early is not asked for again by whoever needs it.
async fn assert_loaded_once(browser: &Browser, files: &[&str]) {
    let look = "return performance.getEntriesByType('resource').map((it) => it.name);";
    let loaded = browser.driver().execute(look, Vec::new()).await.expect("the page can be asked");
    let loaded: Vec<String> = loaded.convert().expect("addresses");
    for file in files {
        let times = loaded.iter().filter(|name| name.ends_with(file)).count();
        assert_eq!(times, 1, "{file} in {loaded:?}");
    }
}

/// Counts the page's calls by name from its first moment on, in `asked`.
const COUNTS_CALLS: &str = "window.asked = {}; const real = window.fetch; window.fetch = (url, ...rest) => { \
    const name = String(url).split('/ipc/')[1]; if (name) asked[name] = (asked[name] ?? 0) + 1; \
    return real.call(window, url, ...rest); };";

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_opens_asks_for_requests_and_status_once() {
    let system = System::start(Wishes::default()).await;
    let (wallet, browser) = at_wallet(&system, &no_card(), PHONE).await;
    wallet.call(&OpenLink { link: link(&system.ask(&Ask::default()).await).to_owned() }).await.expect("the link opens");
    let script = json!({ "source": COUNTS_CALLS });
    browser.tell_chromium("Page.addScriptToEvaluateOnNewDocument", &script).await;
    let version = async || wallet.call(&Watch { after: 0 }).await.expect("watching does not fail").inbox_version;
    let calls =
        async || browser.driver().execute("return window.asked;", Vec::new()).await.expect("counts").json().clone();
    loop {
        let before = version().await;
        browser.open("about:blank").await;
        browser.open(&wallet.url()).await;
        browser.wait_for("[data-action=\"open-request\"]").await;
        // The second look of the long poll is waiting: whatever the first one asked for was asked.
        system.wait_until("the page looks for news", async || calls().await["watch"].as_u64() >= Some(2)).await;
        let asked = calls().await;
        // What came meanwhile from the server is a reason to ask again.
        if version().await == before {
            assert_eq!((&asked["inbox"], &asked["status"]), (&json!(1), &json!(1)), "{asked}");
            assert_loaded_once(&browser, &["ui_bg.wasm", "ui.js", "parts.js"]).await;
            break;
        }
    }
    browser.close().await;
}

/// While `lost` is set, no part of the screens can be loaded whose name holds it.
const LOSES_PARTS: &str = "window.lost = 'split_settings'; const real = window.fetch; window.fetch = (at, ...rest) => \
    window.lost && String(at).includes(window.lost) ? Promise.reject(new TypeError('lost')) : real.call(window, at, ...rest);";

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_that_did_not_load_says_so_keeps_no_other_from_loading_and_is_tried_again() {
    let system = System::start(Wishes::default()).await;
    let (wallet, browser) = at_wallet(&system, &no_card(), PHONE).await;
    browser.tell_chromium("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": LOSES_PARTS })).await;
    browser.open(&wallet.url()).await;
    browser.wait_for_screen("inbox").await;
    for _ in 0..2 {
        browser.act("settings").await;
        browser.wait_for("[data-screen=\"settings\"] [data-action=\"try-again\"]").await;
        assert_eq!(browser.wait_for_text("main h1").await, "This screen could not be loaded");
        let focused = browser.driver().execute("return document.activeElement.tagName;", Vec::new()).await;
        assert_eq!(focused.expect("the page can be asked").json(), "H1", "a screen reader hears what happened");
        // The failure is that screen's, and not the next one's.
        browser.act("history").await;
        browser.wait_for("[data-screen=\"history\"] .empty").await;
    }
    browser.act("settings").await;
    browser.act("try-again").await;
    browser.wait_for("[data-action=\"try-again\"]").await;
    browser.driver().execute("window.lost = '';", Vec::new()).await.expect("the page can be told");
    browser.act("try-again").await;
    browser.wait_for("[data-screen=\"settings\"] [data-action=\"settings.language\"]").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pad_is_walked_with_arrow_keys_and_says_no_digit() {
    let system = System::start(Wishes::default()).await;
    let card = Card::present(&system, "visa");
    let (_wallet, browser) = at_wallet(&system, &card.reader, PHONE).await;
    let created = system.ask(&Ask::default()).await;
    browser.open_link(link(&created)).await;
    browser.act("pay").await;
    browser.wait_for_screen("pin").await;
    let hand = Keyboard(&browser);
    hand.press("standard-keys").await;
    browser.wait_for("[data-filled=\"0\"]").await;
    // From the first key right, down, left and up again; the pad is three keys wide.
    hand.go_to("[data-position=\"0\"]").await;
    for (arrow, position) in [("\u{e014}", 1), ("\u{e015}", 4), ("\u{e012}", 3), ("\u{e013}", 0)] {
        hand.keys(arrow).await;
        hand.go_to(&format!("[data-position=\"{position}\"]:focus")).await;
    }
    hand.keys("\u{e007}").await;
    browser.wait_for("[data-filled=\"1\"]").await;
    let said = "return [...document.querySelectorAll('[aria-live], [role=status], [role=alert], [data-filled]')]\
        .map(it => it.textContent).join(' ');";
    let said = browser.driver().execute(said, Vec::new()).await.expect("the page can be asked");
    let said = said.json().as_str().expect("a text").to_owned();
    // How long the card was read is told in seconds, and the number of digits, which is 1: no other digit.
    let said = said.split("Read in").next().expect("a text has a beginning");
    assert!(said.chars().filter(char::is_ascii_digit).all(|digit| digit == '1'), "a digit is said: {said}");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_enlarges_everything_twice_pays_without_scrolling_sideways() {
    let system = System::start(Wishes::default()).await;
    let card = Card::present(&system, "visa");
    let (_wallet, browser) = at_wallet(&system, &card.reader, ENLARGED).await;
    watch_tasks(&browser).await;
    let created = system.ask(&Ask { items: &["Flat white:2:9.80", "Croissant:1:3.00"], ..Ask::default() }).await;
    browser.open_link(link(&created)).await;
    let look = async |screen: &str| assert!(fits(&browser).await, "{screen} is too wide");
    paying::pay(&browser, look).await;
    println!("longest task while paying: {} ms", longest_task_ms(&browser).await);
    browser.close().await;
    system.assert_merchant_received(1280).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_waits_and_is_refused_only_after_a_question() {
    let system = System::start(Wishes::default()).await;
    let (_wallet, browser) = at_wallet(&system, &no_card(), PHONE).await;
    // The address is claimed on the screen, with the code from the mail.
    browser.act("settings").await;
    browser.act("settings.identifiers").await;
    browser.wait_for("[data-field=\"identifier\"]").await.send_keys(ADDRESS).await.expect("an address can be typed");
    browser.act("send-code").await;
    let code = system.claim_code(ADDRESS).await;
    browser.wait_for("[data-field=\"code\"]").await.send_keys(&code).await.expect("a code can be typed");
    browser.act("confirm-code").await;
    browser.wait_for(&format!("[data-identifier=\"{ADDRESS}\"]")).await;
    browser.act("inbox").await;
    let created = system.ask(&Ask { email: Some(ADDRESS.into()), ..Ask::default() }).await;
    let id = created["id"].as_str().expect("a created request has an id");
    browser.act("open-request").await;
    browser.wait_for_screen("first-contact").await;
    let shown = browser.wait_for_words(&["Blue Door Café"]).await;
    assert!(!shown.contains("12.80"), "a stranger's amount is shown: {shown}");
    browser.act("refuse").await;
    browser.act("cancel").await;
    assert_ne!(system.shown_to_merchant(id).await["status"], "rejected", "a question refuses nothing");
    browser.act("refuse").await;
    browser.act("confirm-refuse").await;
    browser.wait_for_screen("inbox").await;
    browser.wait_for("[data-list=\"ended\"] [data-phase=\"rejected\"]").await;
    system.wait_for_status(id, "rejected").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_who_is_reported_is_blocked_until_the_person_says_otherwise() {
    let system = System::start(Wishes::default()).await;
    let (_wallet, browser) = at_wallet(&system, &no_card(), PHONE).await;
    let created = system.ask(&Ask::default()).await;
    let id = created["id"].as_str().expect("a created request has an id");
    browser.open_link(link(&created)).await;
    browser.act("report").await;
    let reason = browser.wait_for("[data-setting=\"report.impersonation\"]").await;
    reason.click().await.expect("a reason can be chosen");
    browser.wait_for("[data-field=\"report-note\"]").await.send_keys("not my café").await.expect("a note can be typed");
    browser.act("confirm-report").await;
    browser.wait_for_screen("inbox").await;
    let data = system.data();
    let listed = system.tapseal(&["reports", "list", "--data", &data, "--json"]).await.success();
    assert_eq!(listed["request_id"], id, "{listed}");
    assert_eq!((&listed["reason"], &listed["note"]), (&"impersonation".into(), &"not my café".into()), "{listed}");
    browser.act("settings").await;
    browser.act("settings.senders").await;
    browser.wait_for_words(&["Blue Door Café"]).await;
    browser.act("unblock").await;
    browser.act("inbox").await;
    browser.wait_for(&format!("[data-request=\"{id}\"]")).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_read_from_the_screen_by_a_shop_and_taken_back() {
    let system = System::start(Wishes::default()).await;
    let (_wallet, browser) = at_wallet(&system, &no_card(), PHONE).await;
    browser.act("numbers").await;
    browser.wait_for_screen("numbers").await;
    browser.wait_for("[data-field=\"number-max\"]").await.send_keys("25.00").await.expect("an amount can be typed");
    browser.act("make-number").await;
    browser.wait_for("[data-part=\"digits\"]").await;
    let digits: String =
        browser.wait_for_text("[data-part=\"digits\"]").await.chars().filter(char::is_ascii_digit).collect();
    let picture = system.folder().join("numbers.png");
    // The pictures of the codes are drawn a moment after their elements are there.
    for (css, kind) in [(".number-qr", "the QR code"), (".number-bars", "the bar code")] {
        let scroll = format!("document.querySelector('{css}').scrollIntoView({{ block: 'center' }})");
        browser.driver().execute(scroll, Vec::new()).await.expect("the page scrolls");
        system
            .wait_until(kind, async || {
                browser.screenshot(&picture).await;
                zbar(&picture).iter().any(|seen| seen.chars().filter(char::is_ascii_digit).eq(digits.chars()))
            })
            .await;
    }
    browser.act("revoke-number").await;
    browser.wait_for("#numbers-earlier").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_off_is_out_of_the_way_and_can_be_brought_back() {
    let system = System::start(Wishes::default()).await;
    let (_wallet, browser) = at_wallet(&system, &no_card(), PHONE).await;
    let created = system.ask(&Ask { expires_s: 3 * 24 * 3600, ..Ask::default() }).await;
    let id = created["id"].as_str().expect("a created request has an id");
    browser.open_link(link(&created)).await;
    browser.act("later").await;
    browser.wait_for("[data-moment=\"hour\"]").await.click().await.expect("a moment can be chosen");
    browser.wait_for_screen("inbox").await;
    browser.wait_for(&format!("[data-list=\"put-off\"] [data-request=\"{id}\"]")).await;
    // Said by mistake: the note offers the way back.
    browser.act("take-back").await;
    browser.wait_for(&format!("[data-list=\"pending\"] [data-request=\"{id}\"]")).await;
    // Asked for twice, it is listed once; and the sheet says so.
    let again = system.ask(&Ask { expires_s: 4 * 24 * 3600, ..Ask::default() }).await;
    browser.open_link(link(&again)).await;
    assert_eq!(attribute(&browser, "[data-part=\"twin\"]", "data-twin").await, "asked");
    browser.act("back").await;
    browser.wait_for_screen("inbox").await;
    assert_eq!(attribute(&browser, "[data-action=\"open-request\"]", "data-asked").await, "2");
    browser.close().await;
}

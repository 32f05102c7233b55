//! A shop sells on the screens of its till: in the wallet's own window, and in Chromium where that is cheaper.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use e2e::browser::Browser;
use e2e::card::Card;
use e2e::scan::zbar;
use e2e::scene::merchant::{Shop, shown_sale};
use e2e::scene::paying::Keyboard;
use e2e::system::{Ask, System, Wishes, texts};
use e2e::till::{access_file, path};
use e2e::voucher;
use payment::Amount;
use protocol::ErrorCode;
use protocol::ipc::means::TypedSecret;
use protocol::ipc::merchant::MerchantDisconnect;
use protocol::ipc::vouchers::{
    LotView, VoucherBatchMake, VoucherBatchSave, VoucherBatches, VoucherCheck, VoucherCheckView,
};
use thirtyfour::prelude::*;

/// A tablet on the counter, in CSS pixels.
const TABLET: (u32, u32) = (834, 1112);

fn environment(system: &System) -> Vec<(&'static str, String)> {
    let home = system.folder().join("window-home");
    std::fs::create_dir_all(&home).expect("a folder for the window");
    vec![
        ("HOME", path(&home).to_owned()),
        ("XDG_DATA_HOME", path(&home.join("data")).to_owned()),
        ("XDG_CONFIG_HOME", path(&home.join("config")).to_owned()),
        ("XDG_CACHE_HOME", path(&home.join("cache")).to_owned()),
        ("TAPSEAL_HOME", path(&home.join("wallet")).to_owned()),
        ("TAPSEAL_TRUST", path(&system.trust()).to_owned()),
        ("TAPSEAL_KEY_STORE", "file".into()),
        ("LANG", "en_US.UTF-8".into()),
    ]
}

/// A hand at the till, whose taps are counted.
struct Hand<'a> {
    screen: &'a Browser,
    taps: usize,
}

impl Hand<'_> {
    async fn tap(&mut self, css: &str) {
        self.taps += 1;
        let control = self.screen.wait_for(&format!("{css}:not([disabled])")).await;
        control.click().await.unwrap_or_else(|error| panic!("{css} cannot be tapped: {error}"));
    }
}

/// What the payer's camera sees in the code on the screen.
async fn scan(system: &System, screen: &Browser, name: &str) -> String {
    screen.wait_for(".pos-qr img").await;
    let picture = system.folder().join(format!("{name}.png"));
    // The picture of a code is drawn a moment after its element is there.
    system
        .wait_until("the code on the screen can be scanned", async || {
            screen.screenshot(&picture).await;
            !zbar(&picture).is_empty()
        })
        .await;
    let mut seen = zbar(&picture);
    assert_eq!(seen.len(), 1, "one code is on the screen: {seen:?}");
    seen.remove(0)
}

async fn at_till(system: &System, shop: &Shop, (width, height): (u32, u32)) -> Browser {
    let browser = Browser::chromium(width, height, &system.log("chromium")).await;
    browser.open(&shop.till.url()).await;
    browser.wait_for_screen("keypad").await;
    browser
}

// Several threads: a driver whose test has failed ends its session while it is dropped.
#[tokio::test(flavor = "multi_thread")]
async fn a_sale_takes_three_taps_in_the_window() {
    let system = System::start(Wishes::default()).await;
    let card = Card::present(&system, "visa");
    let shop = Shop::closed(&system, "unused").await;
    let environment = environment(&system);
    let file = access_file(&system, "access.json").await;
    let home = system.folder().join("window-home/wallet");
    let connect = ["--json", "--home", path(&home), "--key-store", "file", "merchant", "connect", path(&file)];
    e2e::process::run("tapseal-wallet", &texts(&connect), &[], "").await.success();

    let window = Browser::window_with(&[], &environment, &system.log("window")).await;
    window.wait_for_screen("keypad").await;
    let mut hand = Hand { screen: &window, taps: 0 };
    hand.tap("[data-pad=\"5\"]").await;
    hand.tap("[data-action=\"charge\"]").await;
    window.wait_for_screen("pos.qr").await;
    let link = scan(&system, &window, "window").await;
    let request = shop.scanned(&link).await;
    // The till shows that the payer looks at it, before anything is paid.
    window.wait_for("[data-face=\"seen\"]").await;
    shop.pay(&request, &card).await.success();
    window.wait_for_screen("pos.paid").await;
    window.wait_for_words(&["Paid", "0.05"]).await;
    // Who cannot see the screen is told at once.
    let said = window.wait_for("[data-live=\"assertive\"]").await;
    assert!(said.inner_html().await.is_ok_and(|text| text.contains("Paid") && text.contains("0.05")));
    hand.tap("[data-action=\"new-sale\"]").await;
    window.wait_for_screen("keypad").await;
    assert_eq!(hand.taps, 3, "an amount, Charge, and the next sale");
    window.close().await;
    system.wait_for_status(&request, "paid").await;
    system.assert_merchant_received(5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_is_sold_with_three_taps() {
    let system = System::start(Wishes::default()).await;
    let card = Card::present(&system, "visa");
    let shop = Shop::open(&system, "till").await;
    shop.set_menu().await;
    let browser = at_till(&system, &shop, TABLET).await;
    browser.act("items").await;
    browser.wait_for_screen("items").await;
    let mut hand = Hand { screen: &browser, taps: 0 };
    hand.tap("[data-action=\"add-item\"]").await;
    hand.tap("[data-action=\"charge\"]").await;
    browser.wait_for_screen("pos.qr").await;
    let link = scan(&system, &browser, "item").await;
    let request = shop.scanned(&link).await;
    assert_eq!(request, shown_sale(&browser).await);
    shop.pay(&request, &card).await.success();
    browser.wait_for_screen("pos.paid").await;
    hand.tap("[data-action=\"new-sale\"]").await;
    browser.wait_for_screen("items").await;
    assert_eq!(hand.taps, 3, "a tile, Charge, and the next sale");
    browser.wait_for("[data-action=\"charge\"][disabled]").await;
    browser.close().await;
    system.assert_merchant_received(490).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_codes_on_the_screen_are_read_by_zbar_and_by_the_wallets_own_scanner() {
    use base64::Engine as _;
    let system = System::start(Wishes::default()).await;
    let shop = Shop::open(&system, "till").await;
    let browser = at_till(&system, &shop, TABLET).await;
    type_keys(&browser, "1280\u{e007}").await;
    browser.wait_for_screen("pos.qr").await;
    let request = shown_sale(&browser).await;
    let payer = Shop::closed(&system, "payer").await;
    for (tab, begins) in [("code-link", "http"), ("code-emv", "000201")] {
        browser.act(tab).await;
        let kind = tab.trim_start_matches("code-");
        browser.wait_for(&format!(".pos-qr[data-code=\"{kind}\"]")).await;
        let text = scan(&system, &browser, tab).await;
        assert!(text.starts_with(begins), "{tab}: {text}");
        let picture = std::fs::read(system.folder().join(format!("{tab}.png"))).expect("the picture was saved");
        let image = base64::engine::general_purpose::STANDARD.encode(picture);
        let view = payer.till.call(&protocol::ipc::merchant::ScanImage { image }).await.expect("a request is found");
        assert_eq!(view.request_id.to_string(), request, "{tab}");
        assert_eq!((view.amount.minor(), view.payee.as_str()), (1_280, "Blue Door Café"));
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cashier_needs_no_pointer() {
    let system = System::start(Wishes::default()).await;
    let shop = Shop::open(&system, "till").await;
    let browser = at_till(&system, &shop, TABLET).await;
    type_keys(&browser, "12x85\u{e003}0").await;
    let due = browser.wait_for(".due [data-amount=\"12.80\"]").await;
    assert_eq!(due.attr("data-currency").await.ok().flatten().as_deref(), Some("USD"));
    type_keys(&browser, "\u{e007}").await;
    browser.wait_for_screen("pos.qr").await;
    let request = shown_sale(&browser).await;
    // Escape leaves the request where it is: open, and among the sales.
    type_keys(&browser, "\u{e00c}").await;
    browser.wait_for_screen("keypad").await;
    browser.wait_for(".due [data-amount=\"0.00\"]").await;
    browser.act("sales").await;
    browser.wait_for(&format!("[data-sale=\"{request}\"]")).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_that_does_not_answer_makes_the_till_say_not_to_charge_again() {
    let wishes = Wishes { server: texts(&["--answer-timeout-ms", "700"]), ..Wishes::default() };
    let system = System::start(wishes).await;
    let card = Card::present(&system, "visa");
    let shop = Shop::open(&system, "till").await;
    let browser = at_till(&system, &shop, TABLET).await;
    let request = charged(&system, &browser, &shop, "unknown").await;
    system.scenario("silent").await;
    // The wallet ends with the same news.
    let _ = shop.pay(&request, &card).await;
    browser.wait_for_screen("pos.unknown").await;
    browser.wait_for_words(&["Do not charge again", "12.80"]).await;
    let screen = browser.wait_for("[data-money=\"unknown\"]").await;
    assert_eq!(screen.attr("data-sale-shown").await.ok().flatten().as_deref(), Some(request.as_str()));
    browser.close().await;
}

/// 12.80 are typed and charged, and the payer scans the code; the request's id.
async fn charged(system: &System, browser: &Browser, shop: &Shop, picture: &str) -> String {
    type_keys(browser, "1280\u{e007}").await;
    browser.wait_for_screen("pos.qr").await;
    shop.scanned(&scan(system, browser, picture).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_withdrawn_shows_no_code_and_cannot_be_paid() {
    let system = System::start(Wishes::default()).await;
    let card = Card::present(&system, "visa");
    let shop = Shop::open(&system, "till").await;
    let browser = at_till(&system, &shop, TABLET).await;
    let request = charged(&system, &browser, &shop, "withdrawn").await;
    browser.act("cancel-sale").await;
    browser.wait_for_screen("pos.cancelled").await;
    browser.wait_for_words(&["No money moved"]).await;
    let code = browser.driver().find(By::Css(".pos-qr")).await;
    assert!(code.is_err(), "a code is shown of a request that nobody can pay");
    assert_ne!(shop.pay(&request, &card).await.code, 0, "a withdrawn request was paid");
    browser.close().await;
    system.assert_merchant_received(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_given_back_than_is_left() {
    let system = System::start(Wishes::default()).await;
    let card = Card::present(&system, "visa");
    let shop = Shop::open(&system, "till").await;
    let browser = at_till(&system, &shop, TABLET).await;
    let request = charged(&system, &browser, &shop, "refund").await;
    shop.pay(&request, &card).await.success();
    browser.wait_for_screen("pos.paid").await;
    browser.act("see-sale").await;
    browser.wait_for_screen("sale").await;
    refund_part(&browser, "5.00").await;
    browser.wait_for("[data-refund=\"refunded\"]").await;
    browser.act("refund").await;
    browser.wait_for("[data-setting=\"refund.part\"]").await.click().await.expect("a part can be chosen");
    let field = browser.wait_for("[data-field=\"refund-amount\"]").await;
    field.send_keys("7.81").await.expect("an amount can be typed");
    browser.wait_for("[data-action=\"confirm-refund\"][disabled]").await;
    browser.wait_for("[data-part=\"refund\"] .field-bad").await;
    browser.act("cancel").await;
    browser.close().await;
    system.assert_merchant_received(780).await;
}

async fn refund_part(browser: &Browser, amount: &str) {
    browser.act("refund").await;
    browser.wait_for("[data-setting=\"refund.part\"]").await.click().await.expect("a part can be chosen");
    let field = browser.wait_for("[data-field=\"refund-amount\"]").await;
    field.send_keys(amount).await.expect("an amount can be typed");
    browser.act("confirm-refund").await;
}

/// Types on the keyboard, wherever the focus is.
async fn type_keys(browser: &Browser, keys: &str) {
    browser.driver().action_chain().send_keys(keys).perform().await.expect("keys can be typed");
}

/// Types into the field that is reached by keyboard.
async fn type_by_key(hand: &Keyboard<'_>, field: &str, text: &str) {
    hand.go_to(&format!("[data-field=\"{field}\"]")).await;
    hand.text(text).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vouchers_are_made_on_the_till_sold_by_the_bank_spent_and_agreed_on() {
    let system = System::start(Wishes::default()).await;
    let shop = Shop::open(&system, "till").await;
    let browser = at_till(&system, &shop, TABLET).await;
    let hand = Keyboard(&browser);
    let key = voucher::file(&system, "bank-key");
    let written = voucher::bank(&system, &["key", "--out", &key], "").await.success();

    // By keyboard; the file itself is chosen in a dialog of the browser's.
    for (action, screen) in [("business", "merchant"), ("vouchers", "vouchers"), ("new-batch", "vouchers.new")] {
        hand.press(action).await;
        browser.wait_for_screen(screen).await;
    }
    browser.wait_for("[data-action=\"choose-bank-key\"]").await.send_keys(&key).await.expect("a file can be chosen");
    let fingerprint = written["fingerprint"].as_str().expect("the bank tells its fingerprint");
    browser.wait_for_words(&[fingerprint]).await;
    for (field, text) in [("voucher-digits", voucher::BATCH), ("lot-count-1", "2"), ("lot-amount-1", "50.00")] {
        type_by_key(&hand, field, text).await;
    }
    hand.press("add-lot").await;
    for (field, text) in [("lot-count-2", "1"), ("lot-amount-2", "20.00")] {
        type_by_key(&hand, field, text).await;
    }
    browser.wait_for_words(&["3 vouchers", "$120.00"]).await;
    hand.press("make-batch").await;
    browser.wait_for_screen("vouchers.batch").await;
    hand.press("save-batch").await;
    browser.wait_for("[data-part=\"toast\"]").await;

    // The same digits once more are refused, and nothing is drawn for them.
    let batch = || voucher::BATCH.parse().expect("six digits");
    let again = VoucherBatchMake {
        batch: batch(),
        lots: vec![LotView { count: 1, amount: Amount::new(5_000, "USD".parse().expect("a currency")) }],
        large_from: Amount::new(50_000, "USD".parse().expect("a currency")),
        bank_key: BASE64_STANDARD.encode(std::fs::read(&key).expect("the key file is there")),
    };
    assert_eq!(shop.till.call(&again).await.expect_err("it was made").code, ErrorCode::VoucherBatchExists);

    // The bank imports the file and sells one; whoever holds it pays here with it.
    let file = voucher::file(&system, "batch.json");
    let save = VoucherBatchSave { batch: batch(), path: Some(file.clone()) };
    shop.till.call(&save).await.expect("the file can be written");
    voucher::bank(&system, &["import", &file], "").await.success();
    let bought = voucher::sell(&system).await;
    let request = shop.payer.open(&system.ask(&Ask::default()).await).await;
    let words = ["pay", &request, "--voucher", &bought.number];
    let paid = shop.payer.wallet(&words, &format!("{}\n", bought.code)).await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());

    // The till tells its own voucher, and no code of it is in its folder.
    let check =
        |number: &str, code: &str| VoucherCheck { number: number.to_owned(), code: TypedSecret::new(code.to_owned()) };
    let amount = Amount::new(5_000, "USD".parse().expect("a currency"));
    let told = shop.till.call(&check(&bought.number, &bought.code)).await.expect("an answer");
    assert_eq!(told, VoucherCheckView::Made { batch: batch(), amount });
    let other = voucher::sell(&system).await;
    let wrong = shop.till.call(&check(&bought.number, &other.code)).await;
    assert_eq!(wrong.expect_err("its check digits are of another number").code, ErrorCode::InvalidInput);
    let home = system.folder().join("till");
    let kept: Vec<u8> = ["wallet.db", "wallet.db-wal"]
        .iter()
        .flat_map(|name| std::fs::read(home.join(name)).unwrap_or_default())
        .collect();
    let holds = |text: &str| kept.windows(text.len()).any(|window| window == text.as_bytes());
    let plain = |text: &str| text.replace(' ', "");
    assert!(holds(&plain(&bought.number)), "its list has the number");
    for code in [&bought.code, &bought.backup, &other.code, &other.backup] {
        assert!(!holds(code) && !holds(&plain(code)), "a code is in the till's database");
    }

    // Both sides agree; afterwards the bank's file is kept here no more.
    let csv = voucher::file(&system, "bank.csv");
    voucher::bank(&system, &["reconcile", "--batch", voucher::BATCH, "--csv", &csv], "").await.success();
    browser.wait_for("[data-action=\"choose-bank-file\"]").await.send_keys(&csv).await.expect("a file can be chosen");
    browser.wait_for("[data-banner=\"batch-agreed\"]").await;
    browser.wait_for_words(&["$100.00", "$12.80", "$87.20"]).await;
    assert_eq!(shop.till.call(&save).await.expect_err("it is the bank's now").code, ErrorCode::NotFound);

    // A till that is disconnected has forgotten what tells codes; connected again it still has its lists.
    shop.till.call(&MerchantDisconnect {}).await.expect("it forgets the merchant");
    let keys = std::fs::read_dir(&home).expect("the till's folder").filter_map(Result::ok);
    assert!(keys.into_iter().all(|entry| !entry.file_name().to_string_lossy().ends_with(".vouchers.key")));
    shop.connect(path(&access_file(&system, "again.json").await)).await;
    let told = shop.till.call(&check(&bought.number, &bought.code)).await.expect("an answer");
    assert_eq!(told, VoucherCheckView::CannotTell);
    let batches = shop.till.call(&VoucherBatches {}).await.expect("its batches");
    assert!(batches.len() == 1 && !batches[0].can_check && batches[0].compared.is_some(), "{batches:?}");
    browser.close().await;
}

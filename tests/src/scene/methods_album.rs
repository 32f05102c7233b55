//! The scenes of paying without a card: the ways to choose from, a voucher, which for a large amount takes one too, a code.

use crate::album::{Tour, Walk};
use crate::card::Card;
use crate::code::{PASSWORD, Telephones, bind_to};
use crate::payer::PIN;
use crate::remote::RemoteWallet;
use crate::system::{Ask, System, Wishes, free_port};
use crate::voucher::{self, Bought};

const PHONE: &str = "+12025550143";
const PAGER: &str = "ann@pager.example";

/// Walks through all of it.
pub async fn walk(tour: &Tour) {
    let folder = tempfile::tempdir().expect("a folder for codes");
    let (telephones, bank) = Telephones::new(folder.path().join("codes")).await;
    let system = System::start(Wishes { bank, ..Wishes::default() }).await;
    voucher::make_large_from(&system, "2:50.00", "40.00").await;
    let (bought, large) = (voucher::sell(&system).await, voucher::sell(&system).await);
    let identity = bind_to(&system, "ann-0001", "visa-0050", &[PHONE, PAGER]).await;
    system.wait_until("the server knows", async || system.logs().contains("tells of payers by code")).await;
    let reader = format!("127.0.0.1:{}", free_port());
    let wallet = RemoteWallet::start(&system, "wallet", &format!("simulated:{reader}")).await;
    let walk = tour.enter(&system, &wallet).await;
    walk.open("inbox").await;
    by_voucher(&walk, &bought).await;
    by_voucher_and_card(&walk, &large, &reader).await;
    by_code(&walk, &telephones, &identity).await;
    only_by_card(&walk).await;
    in_the_settings(&walk).await;
    walk.end().await;
}

/// Chooses a way to pay on the sheet.
async fn choose(walk: &Walk<'_>, method: &str) {
    walk.browser.act("methods").await;
    walk.browser.press(&format!("[data-action=\"choose-method\"][data-method=\"{method}\"]")).await;
    walk.browser
        .wait_for(&format!("[data-action=\"choose-method\"][data-method=\"{method}\"][aria-pressed=\"true\"]"))
        .await;
}

/// The number is mistyped, then everything is right.
async fn by_voucher(walk: &Walk<'_>, bought: &Bought) {
    walk.open_new_request(&Ask { order: "V-1".into(), ..Ask::default() }).await;
    choose(walk, "voucher").await;
    walk.stop("request-ways").await;
    walk.browser.act("close-methods").await;
    walk.go("pay", "pay.voucher").await;
    walk.stop("pay.voucher").await;
    let last = if bought.number.ends_with('0') { '1' } else { '0' };
    let slip = format!("{}{last}", &bought.number[..bought.number.len() - 1]);
    walk.type_into("voucher-number", &slip).await;
    walk.type_into("voucher-code", &bought.code).await;
    walk.act_until("pay", "#voucher-number-problem .icon").await;
    walk.stop("pay.voucher-slip").await;
    walk.retype("voucher-number", &bought.number).await;
    walk.go("pay", "result.paid").await;
    walk.go("receipt", "receipt").await;
    walk.browser.wait_for_words(&["Voucher"]).await;
    walk.stop("receipt-voucher").await;
    walk.go("inbox", "inbox").await;
}

/// The bank asks for the card that the voucher was bought with; nothing is typed again.
async fn by_voucher_and_card(walk: &Walk<'_>, bought: &Bought, reader: &str) {
    walk.open_new_request(&Ask { order: "V-2".into(), amount: "45.00", ..Ask::default() }).await;
    walk.browser.wait_for("[data-action=\"methods\"][data-method=\"voucher\"]").await;
    walk.go("pay", "pay.voucher").await;
    walk.type_into("voucher-number", &bought.number).await;
    walk.type_into("voucher-code", &bought.code).await;
    walk.go("pay", "card").await;
    walk.browser.wait_for("[data-notice=\"declined_voucher_card_required\"]").await;
    walk.browser.wait_for("[data-part=\"card-shows\"]").await;
    walk.stop("card-voucher").await;
    let card = Card::present_at(walk.system, "visa", reader, &[]);
    walk.browser.wait_for_screen("pin").await;
    walk.browser.wait_for("[data-position=\"9\"]").await;
    walk.stop("pin-voucher").await;
    walk.browser.act("standard-keys").await;
    walk.browser.enter_pin(PIN).await;
    walk.browser.wait_for_screen("result.paid").await;
    card.remove().await;
    walk.go("done", "inbox").await;
}

/// Two terminals to choose from, a code that is mistyped, and the right one.
async fn by_code(walk: &Walk<'_>, telephones: &Telephones, identity: &str) {
    walk.open_new_request(&Ask { order: "C-1".into(), ..Ask::default() }).await;
    choose(walk, "code").await;
    walk.browser.act("close-methods").await;
    walk.go("pay", "pay.code").await;
    walk.browser.wait_for("[data-field=\"code-identity\"]").await;
    walk.stop("pay.code").await;
    walk.type_into("code-identity", identity).await;
    walk.type_into("code-password", PASSWORD).await;
    walk.choose("code.remember").await;
    walk.act_until("go-on", "[data-action=\"choose-terminal\"]").await;
    walk.stop("pay.code-choose").await;
    walk.act_until("choose-terminal", "[data-field=\"code\"]").await;
    let (code, text) = telephones.code(walk.system, PHONE, 0).await;
    assert!(text.contains("12.80"), "the telephone shows what is paid: {text}");
    walk.stop("pay.code-typed").await;
    walk.type_into("code", if code == "000000" { "000001" } else { "000000" }).await;
    walk.go("pay", "result.refused").await;
    walk.stop("result.refused-code").await;
    walk.go("try-again", "pay.code").await;
    walk.browser.wait_for("[data-field=\"code\"]").await;
    walk.type_into("code", &code).await;
    walk.go("pay", "result.paid").await;
    walk.go("done", "inbox").await;
}

/// What the shop does not take cannot be chosen; the identity code is remembered.
async fn only_by_card(walk: &Walk<'_>) {
    walk.open_new_request(&Ask { order: "M-1".into(), methods: &["card"], ..Ask::default() }).await;
    walk.act_until("methods", "[data-action=\"choose-method\"][data-method=\"code\"]:disabled").await;
    walk.stop("request-ways-some").await;
    walk.browser.act("close-methods").await;
    walk.go("back", "inbox").await;
    walk.open_new_request(&Ask { order: "M-2".into(), ..Ask::default() }).await;
    walk.browser.wait_for("[data-action=\"methods\"][data-method=\"code\"]").await;
    walk.go("pay", "pay.code").await;
    let filled = async || {
        let field = walk.browser.wait_for("[data-field=\"code-identity\"]").await;
        field.prop("value").await.expect("a field has a value").is_some_and(|value| !value.is_empty())
    };
    walk.system.wait_until("the identity code is remembered", filled).await;
}

/// What is remembered of the code, where codes go, and what was spent with vouchers.
async fn in_the_settings(walk: &Walk<'_>) {
    walk.go("back", "request").await;
    walk.go("back", "inbox").await;
    for (page, shown) in [("settings.code", "[data-action=\"look-up-terminals\"]"), ("settings.voucher", ".row-value")]
    {
        walk.go("settings", "settings").await;
        walk.go("settings.ways", "settings.ways").await;
        walk.go(page, page).await;
        walk.browser.wait_for(shown).await;
        if page == "settings.code" {
            walk.act_until("look-up-terminals", "[data-part=\"terminals\"]").await;
        }
        walk.stop(page).await;
    }
}

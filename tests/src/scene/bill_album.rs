//! The scenes of the phone bill: setting a line up on the way to a payment, its PIN, what comes of it, and what is kept.

use protocol::ipc::ShowReceipt;
use protocol::ipc::carrier::{BillAsk, BillEnrol};
use protocol::ipc::history::{HistoryLines, HistoryQuery};
use protocol::ipc::means::TypedSecret;
use protocol::ipc::pay::{Method, PaymentMethods};

use crate::album::{Held, Tour, Walk};
use crate::operator::{NAME, Operator, PIN};
use crate::remote::RemoteWallet;
use crate::system::{Ask, System, Wishes, free_port, texts};

/// The line, and how much may be on its bill: one payment, and no second one.
const MOBILE: &str = "+12025550143";
const LIMIT_MINOR: i64 = 2_000;
/// Another one, for whoever has two telephones.
const OTHER: &str = "+12025550178";
/// How long the server waits for the operator, in milliseconds.
const ANSWER_TIMEOUT_MS: &str = "2000";

/// Walks through all of it.
pub async fn walk(tour: &Tour) {
    let wishes = Wishes { server: texts(&["--answer-timeout-ms", ANSWER_TIMEOUT_MS]), ..Wishes::default() };
    let mut system = System::start(wishes).await;
    let operator = Operator::join(&mut system).await;
    operator.subscriber(&system, MOBILE, "mobile", LIMIT_MINOR).await;
    operator.subscriber(&system, OTHER, "mobile", 10 * LIMIT_MINOR).await;
    let wallet = RemoteWallet::start(&system, "wallet", &format!("simulated:127.0.0.1:{}", free_port())).await;
    let walk = tour.enter(&system, &wallet).await;
    walk.open("inbox").await;
    set_up(&walk, &operator).await;
    pay(&walk).await;
    keep(&walk, &operator).await;
    choose_a_line(&walk, &operator).await;
    wait_for_the_operator(&walk, &operator).await;
    walk.end().await;
}

/// The shop takes nothing else, so it is the way that is offered; the line is set up there and then.
async fn set_up(walk: &Walk<'_>, operator: &Operator) {
    walk.open_new_request(&Ask { order: "P-1".into(), methods: &["carrier"], ..Ask::default() }).await;
    walk.browser.wait_for("[data-action=\"methods\"][data-method=\"carrier\"]").await;
    walk.stop("request-bill-none").await;
    walk.go("pay", "bill.enrol").await;
    walk.browser.wait_for("[data-field=\"bill-operator\"] option").await;
    walk.stop("bill.enrol").await;
    walk.type_into("bill-number", &MOBILE[1..]).await;
    walk.type_into("bill-name", NAME).await;
    walk.type_into("bill-pin", PIN).await;
    walk.act_until("bill-ask", "#bill-number-problem .icon").await;
    walk.stop("bill.enrol-slip").await;
    walk.retype("bill-number", MOBILE).await;
    walk.act_until("bill-ask", "[data-field=\"bill-code\"]").await;
    let code = operator.code(walk.system, MOBILE, 0).await;
    walk.stop("bill.enrol-code").await;
    walk.type_into("bill-code", if code == "000000" { "000001" } else { "000000" }).await;
    walk.act_until("bill-enrol", "[data-problem=\"declined_wrong_code\"]").await;
    walk.type_into("bill-code", &code).await;
    walk.go("bill-enrol", "request").await;
    walk.browser.wait_for_words(&["North Telecom", "0143"]).await;
}

/// A wrong PIN, the right one, and then more than the bill may hold.
async fn pay(walk: &Walk<'_>) {
    walk.act_until("methods", "[data-action=\"set-up-bill\"]").await;
    walk.stop("request-bill").await;
    walk.browser.act("close-methods").await;
    walk.go("pay", "pin").await;
    walk.browser.wait_for("[data-position]").await;
    walk.stop("pin-bill").await;
    walk.act_until("standard-keys", "[data-filled=\"0\"]").await;
    walk.browser.enter_pin("0000").await;
    walk.browser.wait_for_screen("result.refused").await;
    walk.browser.wait_for("[data-tries=\"4\"]").await;
    walk.stop("result.refused-bill").await;
    walk.go("try-again", "pin").await;
    walk.act_until("standard-keys", "[data-filled=\"0\"]").await;
    walk.browser.enter_pin(PIN).await;
    walk.browser.wait_for_screen("result.paid").await;
    walk.stop("result.paid-bill").await;
    walk.go("receipt", "receipt").await;
    walk.browser.wait_for("[data-part=\"confirmation-for\"]").await;
    walk.stop("receipt-bill").await;
    walk.go("inbox", "inbox").await;
    walk.open_new_request(&Ask { order: "P-2".into(), methods: &["carrier"], ..Ask::default() }).await;
    walk.go("pay", "pin").await;
    walk.act_until("standard-keys", "[data-filled=\"0\"]").await;
    walk.browser.enter_pin(PIN).await;
    walk.browser.wait_for_screen("result.refused").await;
    walk.browser.wait_for("[data-code=\"declined_credit_limit\"]").await;
    walk.stop("result.refused-bill-limit").await;
    walk.go("done", "inbox").await;
}

/// The line in the settings, a purchase looked up by its number, a proof, and the line taken away.
async fn keep(walk: &Walk<'_>, operator: &Operator) {
    let lines = HistoryLines { query: HistoryQuery::default(), from: 0, count: 1 };
    let attempt_id = walk.wallet.call(&lines).await.expect("a history")[0].attempt_id;
    let receipt = walk.wallet.call(&ShowReceipt { attempt_id }).await.expect("a receipt");
    let number = receipt.approval_code;
    lines_page(walk).await;
    walk.browser.wait_for("[data-action=\"remove-bill\"]").await;
    walk.stop("settings.carrier").await;
    let last = if number.ends_with('2') { '3' } else { '2' };
    walk.type_into("confirmation", &format!("{}{last}", &number[..number.len() - 1])).await;
    walk.browser.wait_for("#confirmation-problem .icon").await;
    walk.stop("settings.carrier-slip").await;
    walk.retype("confirmation", &number.to_lowercase()).await;
    walk.go("find-purchase", "receipt").await;
    walk.browser.wait_for_words(&[&number]).await;

    let proof = walk.system.folder().join("proof.json");
    let out = proof.to_str().expect("temporary paths are plain");
    operator.tool(walk.system, &["prove", &number, "--out", out], "").await.success();
    lines_page(walk).await;
    walk.go("check-proof", "receipt.verify").await;
    let chooser = walk.browser.wait_for("[data-action=\"choose-file\"]").await;
    chooser.send_keys(out).await.expect("a file can be chosen");
    walk.browser.wait_for("[data-check=\"subscriber_signature\"][data-finding=\"holds\"]").await;
    walk.stop("receipt.verify-purchase").await;

    lines_page(walk).await;
    walk.act_until("remove-bill", "[data-action=\"confirm-remove-bill\"]").await;
    walk.stop("settings.carrier-remove").await;
    walk.act_until("confirm-remove-bill", "[data-part=\"lines\"] .group-line").await;
    walk.stop("settings.carrier-none").await;
}

/// With two lines, one is chosen on the sheet.
async fn choose_a_line(walk: &Walk<'_>, operator: &Operator) {
    for number in [MOBILE, OTHER] {
        let known = operator.codes(walk.system, number).len();
        let (typed, number) = (TypedSecret::new(PIN.to_owned()), number.to_owned());
        let ask = BillAsk { operator: Operator::ID.to_owned(), number: number.clone(), name: NAME.to_owned(), typed };
        walk.wallet.call(&ask).await.expect("a code is sent");
        let code = TypedSecret::new(operator.code(walk.system, &number, known).await);
        walk.wallet.call(&BillEnrol { code }).await.expect("the code is right");
    }
    walk.open("inbox").await;
    walk.open_new_request(&Ask { order: "P-3".into(), methods: &["carrier"], ..Ask::default() }).await;
    walk.act_until("methods", "[data-field=\"bill-line\"] option:nth-child(2)").await;
    walk.browser.press(&format!("[data-field=\"bill-line\"] option[value=\"{OTHER}\"]")).await;
    let is_chosen = async || {
        let methods = walk.wallet.call(&PaymentMethods {}).await.expect("ways to pay");
        methods.iter().any(|view| matches!(&view.method, Method::Carrier { bill: Some(bill) } if bill.number == OTHER))
    };
    walk.system.wait_until("the other line is chosen", is_chosen).await;
    walk.stop("request-bill-lines").await;
    walk.browser.act("close-methods").await;
}

/// The operator does not answer: it is named, and nobody speaks of a bank. Then it does.
async fn wait_for_the_operator(walk: &Walk<'_>, operator: &Operator) {
    walk.go("pay", "pin").await;
    walk.act_until("standard-keys", "[data-filled=\"0\"]").await;
    let held = Held::new(operator.id());
    walk.browser.enter_pin(PIN).await;
    walk.browser.wait_for_screen("result.unknown").await;
    walk.browser.wait_for_words(&["North Telecom has not answered"]).await;
    walk.stop("result.unknown-bill").await;
    walk.go("done", "inbox").await;
    walk.browser.press("[data-action=\"open-request\"][data-phase=\"unknown\"]").await;
    walk.browser.wait_for_words(&["North Telecom has not answered yet"]).await;
    drop(held);
    // On the bill, or undone: known.
    walk.browser
        .wait_for(
            "[data-screen=\"request\"] [data-part=\"pay-sheet\"], [data-screen=\"request\"] [data-phase=\"paid\"]",
        )
        .await;
}

async fn lines_page(walk: &Walk<'_>) {
    walk.go("settings", "settings").await;
    walk.go("settings.ways", "settings.ways").await;
    walk.go("settings.carrier", "settings.carrier").await;
}

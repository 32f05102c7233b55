//! The states of a request besides paying it: put off, asked twice, refused, run out, paid elsewhere, given back, offline.

use payment::RequestId;
use protocol::ipc::payer::Unblock;
use protocol::ipc::{Inbox, OpenLink, RequestPhase, RequestView, Show};

use super::put_note_away;
use crate::album::Walk;
use crate::card::Card;
use crate::hand::Till;
use crate::payer::PIN;
use crate::remote::RemoteWallet;
use crate::system::{Ask, MERCHANT, free_port};

/// Three days, in seconds.
const LONG_S: u32 = 3 * 24 * 3_600;

/// Walks through them. The last one ends the payment server.
pub async fn walk(walk: &Walk<'_>) {
    let merchant_id = MERCHANT.parse().expect("a merchant's id");
    walk.wallet.call(&Unblock { merchant_id }).await.expect("a block can be taken back");
    put_off(walk).await;
    asked_twice(walk).await;
    in_other_money(walk).await;
    refuse(walk).await;
    run_out(walk).await;
    paid_elsewhere(walk).await;
    given_back(walk).await;
    offline(walk).await;
}

async fn back_to_inbox(walk: &Walk<'_>) {
    walk.go("back", "inbox").await;
}

/// The sheet that asks until when, the inbox afterwards, and the request as it waits.
async fn put_off(walk: &Walk<'_>) {
    walk.open_new_request(&Ask { order: "B-1".into(), expires_s: LONG_S, ..Ask::default() }).await;
    walk.act_until("methods", "[data-part=\"methods\"][open]").await;
    walk.stop("request-methods").await;
    walk.browser.act("close-methods").await;
    walk.act_until("later", "[data-part=\"later\"][open]").await;
    walk.stop("request-later").await;
    walk.browser.press("[data-moment=\"hour\"]").await;
    walk.browser.wait_for_screen("inbox").await;
    walk.browser.wait_for("[data-part=\"toast\"]").await;
    walk.stop("inbox-put-off").await;
    put_note_away(walk).await;
    walk.browser.press("[data-list=\"put-off\"] [data-action=\"open-request\"]").await;
    walk.browser.wait_for("[data-part=\"put-off\"]").await;
    walk.stop("request-put-off").await;
    walk.browser.act("bring-back").await;
    back_to_inbox(walk).await;
}

/// The same order once more.
async fn asked_twice(walk: &Walk<'_>) {
    walk.open_new_request(&Ask { order: "B-1".into(), expires_s: LONG_S, ..Ask::default() }).await;
    walk.browser.wait_for("[data-part=\"twin\"]").await;
    walk.stop("request-twin").await;
    back_to_inbox(walk).await;
    walk.browser.wait_for("[data-asked=\"2\"]").await;
    walk.stop("inbox-twin").await;
}

/// No decimals, and three of them; as large as an amount gets.
async fn in_other_money(walk: &Walk<'_>) {
    for (amount, currency, name) in
        [("1280000", "JPY", "yen"), ("1234.567", "KWD", "dinar"), ("88888.88", "CNY", "yuan")]
    {
        let order = format!("B-{name}-2026-11-26-table-17-terrace");
        walk.open_new_request(&Ask { amount, currency, order, ..Ask::default() }).await;
        walk.stop(&format!("request-{name}")).await;
        back_to_inbox(walk).await;
    }
    walk.stop("inbox-amounts").await;
}

async fn refuse(walk: &Walk<'_>) {
    walk.open_new_request(&Ask { order: "B-3".into(), ..Ask::default() }).await;
    walk.act_until("refuse", "[data-part=\"confirm-refuse\"][open]").await;
    walk.stop("request-refuse").await;
    walk.go("confirm-refuse", "inbox").await;
    walk.browser.press("[data-list=\"ended\"] [data-phase=\"rejected\"]").await;
    walk.browser.wait_for_screen("request").await;
    walk.stop("request-rejected").await;
    back_to_inbox(walk).await;
}

/// Its time runs out while it is looked at.
async fn run_out(walk: &Walk<'_>) {
    walk.open_new_request(&Ask { order: "B-4".into(), expires_s: 20, ..Ask::default() }).await;
    walk.browser.wait_for("[data-screen=\"request\"] [data-phase=\"expired\"]").await;
    walk.stop("request-expired").await;
    back_to_inbox(walk).await;
}

/// Another device of the same person has paid it.
async fn paid_elsewhere(walk: &Walk<'_>) {
    let reader = format!("127.0.0.1:{}", free_port());
    let other = RemoteWallet::start(walk.system, "other", &format!("simulated:{reader}")).await;
    let card = Card::present_at(walk.system, "visa", &reader, &[]);
    let created = walk.system.ask(&Ask { order: "B-5".into(), ..Ask::default() }).await;
    let link = created["link"].as_str().expect("a new request has a link");
    walk.wallet.call(&OpenLink { link: link.to_owned() }).await.expect("the link opens");
    let request_id = other.pay(link, PIN).await.request_id;
    card.remove().await;
    open_paid(walk, request_id).await;
    walk.browser.wait_for("[data-elsewhere=\"true\"]").await;
    walk.stop("request-elsewhere").await;
    back_to_inbox(walk).await;
}

/// Opens a request once it is shown as paid.
async fn open_paid(walk: &Walk<'_>, request_id: RequestId) {
    let is_paid =
        async || walk.wallet.call(&Show { request_id }).await.is_ok_and(|view| view.phase == RequestPhase::Paid);
    walk.system.wait_until("the wallet shows it as paid", is_paid).await;
    walk.browser.press(&format!("[data-request=\"{request_id}\"][data-phase=\"paid\"]")).await;
    walk.browser.wait_for_screen("request").await;
}

/// A part of a payment comes back.
async fn given_back(walk: &Walk<'_>) {
    let requests = walk.wallet.call(&Inbox {}).await.expect("requests can be listed");
    let is_own = |it: &&RequestView| it.phase == RequestPhase::Paid && !it.elsewhere;
    let request = requests.iter().find(is_own).expect("something was paid here").request_id.to_string();
    walk.browser.press(&format!("[data-request=\"{request}\"]")).await;
    walk.browser.wait_for_screen("request").await;
    walk.go("receipt", "receipt").await;
    walk.browser.wait_for("[data-seal]").await;
    walk.go("inbox", "inbox").await;
    let till = Till::open(walk.system, MERCHANT);
    till.refund(&till.sign_refund(&request, 490)).await.expect("a refund is taken");
    walk.browser.wait_for("[data-part=\"row-refunded\"]").await;
    walk.stop("inbox-refunded").await;
    walk.browser.press(&format!("[data-request=\"{request}\"]")).await;
    walk.browser.wait_for("[data-screen=\"request\"] [data-part=\"refunded\"]").await;
    walk.stop("request-refunded").await;
    walk.browser.act("receipt").await;
    walk.browser.wait_for("[data-screen=\"receipt\"] [data-part=\"refunded\"]").await;
    walk.stop("receipt-refunded").await;
    walk.go("inbox", "inbox").await;
}

/// The payment server is gone; what was known is still there.
async fn offline(walk: &Walk<'_>) {
    walk.open_new_request(&Ask { order: "B-6".into(), ..Ask::default() }).await;
    let server = walk.system.server.as_ref().expect("the server runs").id();
    let ended = std::process::Command::new("kill").args(["-KILL", &server.to_string()]).status();
    assert!(ended.is_ok_and(|status| status.success()), "the server runs");
    walk.browser.wait_for("[data-part=\"offline-note\"]").await;
    walk.stop("request-offline").await;
    back_to_inbox(walk).await;
    walk.stop("inbox-offline").await;
}

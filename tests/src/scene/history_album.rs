//! The scenes of receipts: the months, what is looked for in them, one receipt, and somebody's receipt that is checked.

use protocol::ipc::ShowReceipt;
use protocol::ipc::history::{HistoryLines, HistoryQuery};

use super::pay_album::servers;
use crate::album::{Tour, Walk};
use crate::card::Card;
use crate::payer::PIN;
use crate::remote::RemoteWallet;
use crate::system::Ask;

/// Walks through all of it.
pub async fn walk(tour: &Tour) {
    let system = servers().await;
    let card = Card::present(&system, "visa");
    let wallet = RemoteWallet::start(&system, "wallet", &card.reader).await;
    let walk = tour.enter(&system, &wallet).await;
    walk.open("inbox").await;
    walk.go("history", "history").await;
    walk.browser.wait_for(".empty").await;
    walk.stop("history-empty").await;
    for (order, amount) in [("A-1042", "12.80"), ("A-1043", "4.90"), ("A-1044", "31.00")] {
        let created = system.ask(&Ask { order: order.into(), amount, ..Ask::default() }).await;
        wallet.pay(created["link"].as_str().expect("a new request has a link"), PIN).await;
    }
    // The last payment's result is still to be seen.
    walk.open("result.paid").await;
    walk.go("done", "inbox").await;
    walk.go("history", "history").await;
    walk.browser.wait_for("[data-action=\"open-receipt\"]").await;
    walk.stop("history").await;
    look_for(&walk).await;
    walk.go("open-receipt", "receipt").await;
    walk.browser.wait_for("[data-seal]").await;
    walk.stop("receipt").await;
    verify(&walk).await;
    walk.end().await;
}

/// The filters, one that is set, and a search that finds nothing.
async fn look_for(walk: &Walk<'_>) {
    walk.act_until("filter", "[data-part=\"history-filters\"][open]").await;
    walk.browser.press("[data-field=\"filter-method\"] option:nth-child(2)").await;
    walk.stop("history-filters").await;
    walk.act_until("close-filters", "[data-action=\"drop-method\"]").await;
    walk.browser.wait_for("[data-action=\"open-receipt\"]").await;
    walk.stop("history-filtered").await;
    walk.type_into("history-search", "no such payment").await;
    walk.browser.wait_for("[data-action=\"clear-search-and-filters\"]").await;
    walk.stop("history-none").await;
    walk.act_until("clear-search-and-filters", "[data-action=\"open-receipt\"]").await;
}

/// A receipt that verifies, and one in which a digit was changed.
async fn verify(walk: &Walk<'_>) {
    let lines = HistoryLines { query: HistoryQuery::default(), from: 0, count: 1 };
    let attempt_id = walk.wallet.call(&lines).await.expect("a history")[0].attempt_id;
    let receipt = walk.wallet.call(&ShowReceipt { attempt_id }).await.expect("a receipt").json;
    let changed = with_another_digit(&receipt, "\"wallet_nonce\": \"");
    walk.go("history", "history").await;
    walk.go("verify", "receipt.verify").await;
    walk.stop("receipt.verify").await;
    for (text, verifies, name) in [(&receipt, true, "receipt.verify-good"), (&changed, false, "receipt.verify-refused")]
    {
        let file = walk.system.folder().join("given.json");
        std::fs::write(&file, text).expect("the folder can be written");
        walk.choose_file("choose-file", file.to_str().expect("temporary paths are plain")).await;
        walk.browser
            .wait_for(&format!("[data-screen=\"receipt.verify\"] .verdict[data-verified=\"{verifies}\"]"))
            .await;
        walk.stop(name).await;
        walk.act_until("check-another", "[data-action=\"choose-file\"]").await;
    }
}

/// The text with another hexadecimal digit after these words.
fn with_another_digit(text: &str, words: &str) -> String {
    let place = text.find(words).expect("the words are there") + words.len();
    let digit = if text[place..].starts_with('0') { "1" } else { "0" };
    format!("{}{digit}{}", &text[..place], &text[place + 1..])
}

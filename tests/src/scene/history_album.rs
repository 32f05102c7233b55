//! The scenes of receipts: the months, one receipt, and somebody's receipt that is checked.

use super::pay_album::servers;
use crate::album::Tour;
use crate::card::Card;
use crate::payer::PIN;
use crate::remote::RemoteWallet;
use crate::system::Ask;

/// Walks through all of it.
pub async fn walk(tour: &Tour) {
    let system = servers().await;
    let card = Card::present(&system, "visa");
    let wallet = RemoteWallet::start(&system, "wallet", &card.reader).await;
    for (order, amount) in [("A-1042", "12.80"), ("A-1043", "4.90"), ("A-1044", "31.00")] {
        let created = system.ask(&Ask { order: order.into(), amount, ..Ask::default() }).await;
        wallet.pay(created["link"].as_str().expect("a new request has a link"), PIN).await;
    }
    let walk = tour.enter(&system, &wallet).await;
    // The last payment's result is still to be seen.
    walk.open("result.paid").await;
    walk.go("done", "inbox").await;
    walk.go("history", "history").await;
    walk.browser.wait_for("[data-action=\"open-receipt\"]").await;
    walk.stop("history").await;
    walk.go("open-receipt", "receipt").await;
    walk.browser.wait_for("[data-seal]").await;
    walk.stop("receipt").await;
    walk.go("history", "history").await;
    walk.go("verify", "receipt.verify").await;
    walk.stop("receipt.verify").await;
    walk.end().await;
}

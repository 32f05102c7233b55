//! The scenes of the payer's settings.

use super::pay_album::servers;
use crate::album::Tour;
use crate::remote::RemoteWallet;
use crate::system::{Ask, free_port};

/// Walks through all of it.
pub async fn walk(tour: &Tour) {
    let system = servers().await;
    let wallet = RemoteWallet::start(&system, "wallet", &format!("simulated:127.0.0.1:{}", free_port())).await;
    wallet.claim(&system, "grace@example.org").await;
    let walk = tour.enter(&system, &wallet).await;
    walk.open("inbox").await;
    walk.go("settings", "settings").await;
    walk.stop("settings").await;
    for page in ["identifiers", "senders", "notifications", "pin-pad", "language", "appearance", "keys", "about"] {
        let screen = format!("settings.{page}");
        walk.go(&screen, &screen).await;
        let name = if page == "senders" { "settings.senders-none" } else { &screen };
        walk.stop(name).await;
        walk.go("settings", "settings").await;
    }
    walk.open_new_request(&Ask::default()).await;
    walk.browser.act("block").await;
    walk.stop("request-block").await;
    walk.go("confirm-block", "inbox").await;
    walk.go("settings", "settings").await;
    walk.go("settings.senders", "settings.senders").await;
    walk.browser.wait_for("[data-action=\"unblock\"]").await;
    walk.stop("settings.senders").await;
    walk.end().await;
}

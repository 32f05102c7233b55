//! The scenes of cards that fail, of swipes, and of a reader that is tested.

use std::fs::File;
use std::io::Write as _;

use super::pay_album::{servers, stripe_line};
use crate::album::{Held, Tour, Walk};
use crate::card::Card;
use crate::remote::RemoteWallet;
use crate::system::{Ask, free_port};

/// Track 2 of a card that has a chip (service code 201). Public test number.
const CHIP_TRACK: &[u8] = b";4111111111111111=30122010000?\n";

/// Walks through all of it.
pub async fn walk(tour: &Tour) {
    let system = servers().await;
    let reader = format!("127.0.0.1:{}", free_port());
    let (line, stripe) = stripe_line(&system);
    let readers = [format!("simulated:{reader}"), format!("stripe:{}", line.display())];
    let wallet = RemoteWallet::start_at(&system, "wallet", &readers.each_ref().map(String::as_str)).await;
    let walk = tour.enter(&system, &wallet).await;
    walk.open("inbox").await;
    test_reader(&walk, &reader).await;
    walk.open_new_request(&Ask::default()).await;
    walk.go("pay", "card").await;
    fail(&walk, &reader).await;
    swipe(&walk, stripe).await;
    walk.end().await;
}

/// From the settings: a reader that is tested, with a card that is read and one that leaves too early.
async fn test_reader(walk: &Walk<'_>, reader: &str) {
    walk.go("settings", "settings").await;
    walk.go("settings.readers", "settings.readers").await;
    walk.stop("settings.readers").await;
    walk.go("test-reader", "reader.test").await;
    walk.browser.wait_for("[data-check=\"read\"]").await;
    walk.stop("reader.test").await;
    let card = Card::present_at(walk.system, "unionpay", reader, &["--delay-ms", "300"]);
    walk.browser.wait_for("[data-test=\"read\"]").await;
    walk.stop("reader.test-read").await;
    card.remove().await;
    walk.browser.act("test-again").await;
    let card = Card::present_at(walk.system, "mastercard", reader, &["--remove-after", "2"]);
    walk.browser.wait_for("[data-test=\"failed\"]").await;
    walk.stop("reader.test-failed").await;
    card.remove().await;
    walk.go("done", "settings.readers").await;
    walk.go("inbox", "inbox").await;
}

/// Cards that are torn out, blocked, or not safe to tap.
async fn fail(walk: &Walk<'_>, reader: &str) {
    walk.browser.act("readers").await;
    walk.stop("card-readers").await;
    walk.browser.act("readers").await;
    for (interface, gesture) in [("contactless", "tap"), ("contact", "insert")] {
        let further = ["--interface", interface, "--remove-after", "2", "--delay-ms", "900"];
        let card = Card::present_at(walk.system, "mastercard", reader, &further);
        walk.browser.wait_for(&format!("[data-stage=\"reading\"] [data-gesture=\"{gesture}\"]")).await;
        let held = Held::new(card.id());
        walk.glance(&format!("card-reading-{gesture}")).await;
        drop(held);
        walk.browser.wait_for("[data-stage=\"waiting_for_card\"] [data-notice=\"card_removed\"]").await;
        card.remove().await;
        walk.stop(&format!("card-removed-{gesture}")).await;
    }
    for (profile, interface) in [("blocked", "contact"), ("mag-stripe-mode", "contactless")] {
        let card = Card::present_at(walk.system, profile, reader, &["--interface", interface]);
        walk.browser.wait_for_screen("card.error").await;
        walk.stop(&format!("card.error-{profile}")).await;
        card.remove().await;
        walk.go("try-again", "card").await;
    }
}

/// A stripe reader is chosen, and a card with a chip pulled through it; then the person cancels.
async fn swipe(walk: &Walk<'_>, mut stripe: File) {
    walk.browser.act("readers").await;
    let choice = walk.browser.wait_for("[data-reader^=\"stripe:\"]:not([disabled])").await;
    choice.click().await.expect("a reader can be chosen");
    walk.browser.wait_for("[data-gesture=\"swipe\"]").await;
    walk.stop("card-swipe").await;
    stripe.write_all(CHIP_TRACK).expect("the stripe reader takes what is pulled through");
    walk.browser.wait_for("[data-notice=\"card_use_chip\"]").await;
    walk.stop("card-swipe-chip").await;
    walk.go("stop", "request").await;
}

//! The scenes of a username: the ways to pay in the settings, setting one up, looking after it, paying with it.

use crate::album::{Tour, Walk};
use crate::card::Card;
use crate::keeper::{Authenticator, Keeper, PASSWORD};
use crate::remote::RemoteWallet;
use crate::system::{Ask, System, Wishes, free_port};

const NAME: &str = "王小明";
/// A number that has a card's check digit.
const CARD_NUMBER: &str = "4761 3400 0000 0050";

/// Walks through all of it.
pub async fn walk(tour: &Tour) {
    let (mut system, port) = System::with_keys(Wishes::default()).await;
    let mut keeper = Keeper::found(&system).await;
    system.tapseal(&["migrate", "--data", &system.data()]).await.success();
    system.start_all(port).await;
    keeper.admit(&system, "5000").await;
    keeper.serve(None).await;
    let reader = format!("127.0.0.1:{}", free_port());
    let wallet = RemoteWallet::start(&system, "wallet", &format!("simulated:{reader}")).await;
    let walk = tour.enter(&system, &wallet).await;
    walk.open("inbox").await;
    let mut authenticator = set_up(&walk, &reader).await;
    look_after(&walk).await;
    pay(&walk, &mut authenticator).await;
    remove(&walk, &mut authenticator).await;
    walk.end().await;
}

/// From the list of the ways to the third step: a card number is refused as a name, the card is read, a first code typed.
async fn set_up(walk: &Walk<'_>, reader: &str) -> Authenticator {
    walk.go("settings", "settings").await;
    walk.go("settings.ways", "settings.ways").await;
    walk.browser.wait_for("[data-way=\"alias\"][data-set-up=\"false\"]").await;
    walk.stop("settings.ways").await;
    walk.go("settings.alias", "settings.alias").await;
    walk.browser.wait_for("[data-action=\"alias-set-up\"]").await;
    walk.stop("settings.alias").await;
    walk.act_until("alias-have-one", "[data-field=\"alias-code\"]").await;
    walk.stop("settings.alias-sign-in").await;
    walk.act_until("cancel-alias", "[data-action=\"alias-set-up\"]").await;
    walk.act_until("alias-set-up", "[data-field=\"alias-again\"]").await;
    walk.type_into("alias-name", CARD_NUMBER).await;
    for field in ["alias-password", "alias-again"] {
        walk.type_into(field, PASSWORD).await;
    }
    walk.act_until("go-on", "#alias-name-problem .icon").await;
    walk.stop("settings.alias-name-slip").await;
    walk.browser.wait_for("[data-field=\"alias-name\"]").await.clear().await.expect("a field can be emptied");
    walk.type_into("alias-name", NAME).await;
    walk.act_until("go-on", "[data-field=\"alias-label\"]").await;
    walk.type_into("alias-label", "everyday").await;
    walk.type_into("alias-limit", "50.00").await;
    walk.stop("settings.alias-card").await;
    walk.act_until("read-card", "[data-part=\"reading\"] [data-gesture]").await;
    walk.stop("settings.alias-card-waiting").await;
    let card = Card::present_at(walk.system, "visa", reader, &[]);
    walk.browser.wait_for("[data-part=\"factor-secret\"]").await;
    card.remove().await;
    walk.stop("settings.alias-factor").await;
    let mut authenticator = Authenticator::typed(&walk.browser.wait_for_text("[data-part=\"factor-secret\"]").await);
    walk.type_into("alias-first-code", &authenticator.lasting_code().await).await;
    walk.act_until("alias-enrol", "[data-part=\"alias-cards\"] .row").await;
    authenticator
}

/// Everything that can be changed is looked at, and nothing is changed: codes are few.
async fn look_after(walk: &Walk<'_>) {
    walk.browser.wait_for("[data-setting=\"alias.remember\"]:checked").await;
    walk.act_until("alias-audit", "[data-action=\"alias-audit\"]").await;
    walk.stop("settings.alias-kept").await;
    walk.act_until("remove-card", "[data-action=\"confirm-remove-card\"]").await;
    walk.stop_at("[data-action=\"confirm-remove-card\"]", "settings.alias-remove-card").await;
    walk.act_until("alias-new-factor", "[data-part=\"factor-secret\"]").await;
    walk.stop_at("[data-action=\"alias-set-factor\"]", "settings.alias-new-factor").await;
    walk.act_until("alias-new-password", "[data-action=\"alias-set-password\"]").await;
    walk.stop_at("[data-action=\"alias-set-password\"]", "settings.alias-password").await;
    walk.act_until("alias-remove-all", "[data-action=\"confirm-remove-all\"]").await;
    walk.stop_at("[data-action=\"confirm-remove-all\"]", "settings.alias-remove").await;
    walk.go("back", "settings.ways").await;
    walk.browser.wait_for("[data-way=\"alias\"][data-set-up=\"true\"]").await;
    walk.go("inbox", "inbox").await;
}

/// A wrong code, and the right one.
async fn pay(walk: &Walk<'_>, authenticator: &mut Authenticator) {
    walk.open_new_request(&Ask { order: "N-1".into(), methods: &["alias"], ..Ask::default() }).await;
    walk.browser.wait_for("[data-action=\"methods\"][data-method=\"alias\"]").await;
    walk.act_until("methods", "[data-part=\"alias-known\"]").await;
    walk.stop("request-ways-alias").await;
    walk.browser.act("close-methods").await;
    walk.go("pay", "pay.alias").await;
    walk.browser.wait_for("[data-action=\"pay\"]:enabled").await;
    walk.stop("pay.alias").await;
    walk.type_into("alias-password", PASSWORD).await;
    walk.type_into("alias-code", "00000000").await;
    walk.go("pay", "result.refused").await;
    walk.browser.wait_for("[data-code=\"alias_refused\"][data-money=\"no\"]").await;
    walk.stop("result.refused-alias").await;
    walk.go("try-again", "pay.alias").await;
    walk.type_into("alias-password", PASSWORD).await;
    walk.type_into("alias-code", &authenticator.lasting_code().await).await;
    walk.browser.wait_for("[data-action=\"pay\"]:enabled").await;
    walk.go("pay", "result.paid").await;
    walk.go("receipt", "receipt").await;
    walk.browser.wait_for_words(&["Username"]).await;
    walk.go("inbox", "inbox").await;
}

/// Whoever set the name up is still signed in, or signs in again; then nothing is kept.
async fn remove(walk: &Walk<'_>, authenticator: &mut Authenticator) {
    walk.go("settings", "settings").await;
    walk.go("settings.ways", "settings.ways").await;
    walk.go("settings.alias", "settings.alias").await;
    let found = walk.browser.wait_for("[data-action=\"alias-remove-all\"], [data-action=\"alias-have-one\"]").await;
    if found.attr("data-action").await.expect("a button has its word").as_deref() == Some("alias-have-one") {
        walk.act_until("alias-have-one", "[data-field=\"alias-code\"]").await;
        walk.type_into("alias-password", PASSWORD).await;
        walk.type_into("alias-code", &authenticator.lasting_code().await).await;
        walk.act_until("alias-sign-in", "[data-action=\"alias-remove-all\"]").await;
    }
    walk.act_until("alias-remove-all", "[data-action=\"confirm-remove-all\"]").await;
    walk.type_into("alias-code", &authenticator.lasting_code().await).await;
    walk.act_until("confirm-remove-all", "[data-action=\"alias-set-up\"]").await;
    walk.go("back", "settings.ways").await;
    walk.browser.wait_for("[data-way=\"alias\"][data-set-up=\"false\"]").await;
}

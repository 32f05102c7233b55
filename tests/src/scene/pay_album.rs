//! The scenes of a payment: a request and how it arrives, the card, the PIN, the seal, and every end; payment numbers.

mod states;

use std::fs::File;
use std::path::PathBuf;

use protocol::ipc::Watch;
use thirtyfour::prelude::*;

use crate::album::{Held, Tour, Walk};
use crate::card::Card;
use crate::payer::PIN;
use crate::remote::RemoteWallet;
use crate::system::{Ask, System, Wishes, free_port, texts};

/// How long the server waits for the bank, in milliseconds: longer than a held bank is looked at.
pub const ANSWER_TIMEOUT_MS: &str = "15000";

/// A bank that hangs up in the middle of its answer, and then says nothing.
pub const HANGS_UP: &str = "[[rule]]
when = { message = \"debit\" }
do = \"cut\"

[[rule]]
when = { message = [\"inquiry\", \"reversal\"] }
do = \"silent\"
";

/// Servers for an album.
pub async fn servers() -> System {
    System::start(Wishes { server: texts(&["--answer-timeout-ms", ANSWER_TIMEOUT_MS]), ..Wishes::default() }).await
}

/// Walks through all of it.
pub async fn walk(tour: &Tour) {
    let system = servers().await;
    let reader = format!("127.0.0.1:{}", free_port());
    let wallet = RemoteWallet::start(&system, "wallet", &format!("simulated:{reader}")).await;
    let walk = tour.enter(&system, &wallet).await;
    walk.open("inbox").await;
    walk.stop("inbox-empty").await;
    arrive(&walk).await;
    pay(&walk, &reader).await;
    two_applications_on_a_card(&walk, &reader).await;
    hold_a_phone(&walk, &reader).await;
    make_a_number(&walk).await;
    report_a_request(&walk).await;
    states::walk(&walk).await;
    walk.end().await;
}

/// A request arrives at a claimed address, from a merchant never seen before.
async fn arrive(walk: &Walk<'_>) {
    let address = "ada@example.org";
    walk.wallet.claim(walk.system, address).await;
    let items = &["Flat white:2:9.80", "Croissant:1:3.00"];
    walk.system.ask(&Ask { email: Some(address.to_owned()), items, ..Ask::default() }).await;
    walk.browser.wait_for("[data-action=\"open-request\"]").await;
    walk.stop("inbox").await;
    walk.go("open-request", "first-contact").await;
    walk.stop("first-contact").await;
    walk.go("show-request", "request").await;
    walk.stop("request").await;
    walk.browser.act("items").await;
    walk.stop("request-items").await;
}

/// A card is read, a wrong PIN entered, then the right one.
async fn pay(walk: &Walk<'_>, reader: &str) {
    walk.go("pay", "card").await;
    walk.stop("card").await;
    let card = Card::present_at(walk.system, "visa", reader, &["--delay-ms", "900"]);
    walk.browser.wait_for("[data-stage=\"reading\"]").await;
    let held = Held::new(card.id());
    walk.glance("card-reading").await;
    drop(held);
    walk.browser.wait_for_screen("pin").await;
    walk.browser.wait_for("[data-position=\"9\"]").await;
    walk.stop("pin").await;
    walk.act_until("standard-keys", "[data-position=\"9\"]").await;
    walk.stop("pin-standard").await;
    walk.browser.enter_pin("9999").await;
    walk.browser.wait_for_screen("result.refused").await;
    walk.stop("result.refused").await;
    walk.go("try-again", "pin").await;
    walk.browser.act("standard-keys").await;
    let bank = walk.system.bank.as_ref().expect("the bank runs").id();
    let held = Held::new(bank);
    walk.browser.enter_pin(PIN).await;
    walk.browser.wait_for("[data-stage=\"asking_bank\"]").await;
    walk.glance("sealing").await;
    drop(held);
    walk.browser.wait_for_screen("result.paid").await;
    walk.stop("result.paid").await;
    card.remove().await;
    walk.go("done", "inbox").await;
}

/// A link tapped in a mail, a card with two applications, and a bank that does not answer.
async fn two_applications_on_a_card(walk: &Walk<'_>, reader: &str) {
    walk.tap_new_link(&Ask { order: "A-1043".into(), ..Ask::default() }).await;
    walk.stop("link-opened").await;
    walk.go("show-request", "request").await;
    // A page that is loaded again brings no link again that was gone on from.
    let is_shown = async || walk.wallet.call(&Watch { after: 0 }).await.is_ok_and(|view| view.opened.is_none());
    walk.system.wait_until("the wallet knows that the link was shown", is_shown).await;
    walk.open("inbox").await;
    walk.browser.press("[data-list=\"pending\"] [data-action=\"open-request\"]").await;
    walk.browser.wait_for_screen("request").await;
    walk.stop("request-linked").await;
    let profile = two_applications(walk.system);
    let card = Card::present_at(walk.system, &profile, reader, &["--interface", "contact"]);
    walk.go("pay", "card.choose").await;
    walk.stop("card.choose").await;
    walk.go("choose-application", "pin").await;
    // The bank's answer goes back to a card in a slot.
    walk.browser.wait_for("[data-stays=\"true\"]").await;
    walk.stop("pin-leave-card").await;
    walk.browser.act("standard-keys").await;
    play(walk.system, HANGS_UP).await;
    walk.browser.enter_pin(PIN).await;
    walk.browser.wait_for_screen("result.unknown").await;
    walk.stop("result.unknown").await;
    card.remove().await;
    // Who leaves finds it again, and nothing to pay it with.
    walk.go("done", "inbox").await;
    let doubtful = "[data-action=\"open-request\"][data-phase=\"unknown\"]";
    walk.browser.wait_for(doubtful).await;
    walk.stop("inbox-unknown").await;
    walk.browser.press(doubtful).await;
    walk.browser.wait_for_screen("request").await;
    walk.stop("request-unknown").await;
    walk.system.scenario("none").await;
    // Wherever the person is by then, they are told how it ended.
    walk.go("back", "inbox").await;
    walk.browser.wait_for("[data-part=\"toast\"]").await;
    put_note_away(walk).await;
}

/// Puts a note away that lies over what comes next, unless it went by itself.
pub async fn put_note_away(walk: &Walk<'_>) {
    if let Ok(button) = walk.browser.driver().find(By::Css("[data-action=\"close-toast\"]")).await {
        // It may go in this very moment.
        let _ = button.click().await;
    }
}

/// A phone that has checked its owner pays without a PIN.
async fn hold_a_phone(walk: &Walk<'_>, reader: &str) {
    walk.open_new_request(&Ask { order: "A-1044".into(), ..Ask::default() }).await;
    walk.go("pay", "card").await;
    let held = Held::new(walk.system.bank.as_ref().expect("the bank runs").id());
    let card = Card::present_at(walk.system, "phone-visa", reader, &["--interface", "contactless"]);
    walk.browser.wait_for("[data-stage=\"asking_bank\"] [data-confirmation=\"on-device\"]").await;
    walk.glance("sealing-phone").await;
    drop(held);
    walk.browser.wait_for_screen("result.paid").await;
    card.remove().await;
    walk.go("done", "inbox").await;
}

/// A number is made, seen and taken back.
async fn make_a_number(walk: &Walk<'_>) {
    walk.go("numbers", "numbers").await;
    walk.type_into("number-max", "25.00").await;
    walk.stop("numbers-new").await;
    walk.act_until("make-number", "[data-part=\"digits\"]").await;
    walk.stop("numbers").await;
    walk.act_until("revoke-number", "#numbers-earlier").await;
    walk.go("back", "inbox").await;
}

/// A request is reported: its sender is blocked, and can be unblocked in the settings.
async fn report_a_request(walk: &Walk<'_>) {
    walk.open_new_request(&Ask { order: "A-1045".into(), ..Ask::default() }).await;
    walk.browser.act("report").await;
    walk.stop("report").await;
    walk.go("confirm-report", "inbox").await;
}

/// Has the bank play a script.
pub async fn play(system: &System, script: &str) {
    let file = system.folder().join("script.toml");
    std::fs::write(&file, script).expect("the script can be written");
    system.scenario(file.to_str().expect("temporary paths are plain")).await;
}

/// A profile of a card that carries two applications, for the screen that lets the cardholder choose.
fn two_applications(system: &System) -> String {
    let (_, visa) = virtual_card::BUILT_IN[0];
    let start = visa.find("[[applications]]").expect("a profile has an application");
    let second = visa[start..].replace("A0000000031010", "A0000000032010").replace("priority = 1", "priority = 2");
    let second = second.replace("VISA CREDIT", "VISA ELECTRON").replace("Tapseal Visa", "Tapseal Debit");
    let file = system.folder().join("two-applications.toml");
    std::fs::write(&file, format!("{visa}\n{second}")).expect("the folder can be written");
    file.to_str().expect("temporary paths are plain").to_owned()
}

/// A line that a stripe reader types into, and its end that we hold; the file stays open, so that it never ends.
pub fn stripe_line(system: &System) -> (PathBuf, File) {
    let path = system.folder().join("stripe");
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.is_ok_and(|status| status.success()), "a pipe can be made");
    let file = File::options().read(true).write(true).open(&path).expect("a pipe can be opened");
    (path, file)
}

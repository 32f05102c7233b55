//! The scenes of the lock and of the first run.

use protocol::ipc::keep::BackupMake;
use protocol::ipc::lock::LockNow;
use protocol::ipc::passphrase::{LockTurnOn, Passphrase, Unlock};

use super::pay_album::{ANSWER_TIMEOUT_MS, HANGS_UP};
use crate::album::{Cut, Tour, Walk};
use crate::card::Card;
use crate::payer::PIN;
use crate::remote::RemoteWallet;
use crate::system::{Ask, System, Wishes, free_port, texts};

const WORDS: &str = "amber lantern boat 7";

/// How many wrong passphrases make the next one wait.
const WRONG_TRIES: u32 = 5;

fn words(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned())
}

/// Walks through all of it.
pub async fn walk(tour: &Tour) {
    let wishes = Wishes { server: texts(&["--answer-timeout-ms", ANSWER_TIMEOUT_MS]), ..Wishes::default() };
    let system = System::start(wishes).await;
    first_run(tour, &system).await;
    let reader = format!("127.0.0.1:{}", free_port());
    let wallet = RemoteWallet::start(&system, "locked", &format!("simulated:{reader}")).await;
    let walk = tour.enter(&system, &wallet).await;
    walk.open("inbox").await;
    make_a_lock(&walk).await;
    leave_a_doubt(&walk, &reader).await;
    lock(&walk).await;
    walk.end().await;
}

/// A wallet that was never opened before.
async fn first_run(tour: &Tour, system: &System) {
    let wallet = RemoteWallet::start_new(system, "new", &[&format!("simulated:127.0.0.1:{}", free_port())]).await;
    let walk = tour.enter(system, &wallet).await;
    for (cut, screen) in [(Cut::Silent, "start"), (Cut::Broken, "start.failed")] {
        let cut = walk.cut(cut).await;
        walk.open(screen).await;
        walk.stop(screen).await;
        walk.mend(cut).await;
    }
    walk.open("first-run").await;
    walk.stop("first-run").await;
    restore(&walk).await;
    for screen in ["first-run.idea", "first-run.reach", "first-run.lock"] {
        walk.go("next", screen).await;
        walk.stop(screen).await;
    }
    walk.end().await;
}

/// What an earlier wallet kept is brought back, once its passphrase is right.
async fn restore(walk: &Walk<'_>) {
    let earlier = RemoteWallet::start(walk.system, "earlier", &format!("simulated:127.0.0.1:{}", free_port())).await;
    earlier.claim(walk.system, "ada@example.org").await;
    let folder = walk.system.folder().join("new/backups");
    std::fs::create_dir_all(&folder).expect("the new wallet's folder can be written");
    let file = folder.join("earlier.tapseal-backup").to_str().expect("temporary paths are plain").to_owned();
    let make = BackupMake { passphrase: WORDS.to_owned(), path: Some(file) };
    earlier.call(&make).await.expect("a backup can be made");
    walk.act_until("first-restore", "[data-part=\"first-restore\"][open]").await;
    walk.stop("first-run-restore").await;
    walk.type_into("restore-passphrase", "amber lantern boat").await;
    walk.act_until("restore-backup", "[data-part=\"first-restore\"] [data-problem]").await;
    walk.stop("first-run-restore-wrong").await;
    walk.retype("restore-passphrase", WORDS).await;
    walk.act_until("restore-backup", "[data-banner=\"restored\"]").await;
    walk.stop("first-run-restored").await;
    walk.browser.act("close-restore").await;
}

/// The lock's page of the settings: without a lock, while a passphrase is made, and with one.
async fn make_a_lock(walk: &Walk<'_>) {
    walk.go("settings", "settings").await;
    walk.go("settings.lock", "settings.lock").await;
    walk.stop("settings.lock-none").await;
    walk.type_into("new-passphrase", "password1").await;
    walk.act_until("lock-turn-on", ".field-bad").await;
    walk.stop("settings.lock-weak").await;
    walk.wallet.call(&LockTurnOn { passphrase: words(WORDS) }).await.expect("a lock");
    walk.browser.wait_for("[data-action=\"lock-now\"]").await;
    walk.stop("settings.lock").await;
    walk.act_until("change-passphrase", "[data-field=\"present-passphrase\"]").await;
    walk.type_into("new-passphrase", WORDS).await;
    walk.stop_at("[data-action=\"lock-change\"]", "settings.lock-change").await;
    walk.act_until("turn-off-lock", "[data-action=\"lock-turn-off\"]").await;
    walk.stop_at("[data-action=\"lock-turn-off\"]", "settings.lock-off").await;
}

/// A payment whose outcome is not known.
async fn leave_a_doubt(walk: &Walk<'_>, reader: &str) {
    let script = walk.system.folder().join("lock-hangs-up.toml");
    std::fs::write(&script, HANGS_UP).expect("the script can be written");
    walk.system.scenario(script.to_str().expect("temporary paths are plain")).await;
    let card = Card::present_at(walk.system, "visa", reader, &[]);
    let link = walk.system.ask(&Ask::default()).await["link"].as_str().expect("a link").to_owned();
    let ended = walk.wallet.pay(&link, PIN).await;
    assert!(matches!(ended.progress, protocol::ipc::CheckoutStage::Unknown { .. }), "{ended:?}");
    card.remove().await;
}

/// The locked wallet, and what to do without the passphrase.
async fn lock(walk: &Walk<'_>) {
    walk.wallet.call(&LockNow {}).await.expect("it locks");
    walk.browser.wait_for_screen("lock").await;
    walk.browser.wait_for(".lock-doubt").await;
    walk.stop("lock").await;
    walk.type_into("passphrase", "amber lantern boat").await;
    walk.act_until("unlock", "[data-code=\"passphrase_wrong\"]").await;
    walk.stop("lock-wrong").await;
    for _ in 1..WRONG_TRIES {
        let _ = walk.wallet.call(&Unlock { passphrase: words("something else") }).await;
    }
    walk.open("lock").await;
    walk.browser.wait_for("[data-part=\"wait\"]").await;
    walk.stop("lock-wait").await;
    walk.go("forgotten", "lock.forgotten").await;
    walk.browser.wait_for("[data-part=\"doubt\"]").await;
    walk.stop("lock.forgotten").await;
}

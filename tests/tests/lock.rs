//! The lock and the first run on the screens, and what somebody finds who looks into a locked wallet's memory and files.

use std::path::Path;

use e2e::browser::Browser;
use e2e::remote::RemoteWallet;
use e2e::scene::paying::Keyboard;
use e2e::system::{Ask, System, Wishes, free_port};
use protocol::ipc::lock::{LockNow, LockState};
use protocol::ipc::passphrase::{LockTurnOn, Passphrase, Unlock};
use protocol::ipc::{Inbox, OpenLink, Status};
use thirtyfour::prelude::*;

const WORDS: &str = "amber lantern boat 7";
const PAYEE: &str = "Blue Door";

/// A reader that never holds a card.
fn nobody() -> String {
    format!("simulated:127.0.0.1:{}", free_port())
}

async fn fill(browser: &Browser, field: &str, text: &str) {
    let field = browser.wait_for(&format!("[data-field=\"{field}\"]")).await;
    field.send_keys(text).await.expect("a field takes text");
}

async fn press(browser: &Browser, keys: impl Into<thirtyfour::TypingData>) {
    let page = browser.wait_for("body").await;
    page.send_keys(keys).await.expect("keys can be pressed");
}

async fn in_chromium(system: &System, wallet: &RemoteWallet) -> Browser {
    let browser = Browser::chromium(390, 844, &system.log("chromium")).await;
    browser.open(&wallet.url()).await;
    browser
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_locked_leaves_the_screen_and_comes_back_with_the_passphrase() {
    let system = System::start(Wishes::default()).await;
    let wallet = RemoteWallet::start(&system, "locked", &nobody()).await;
    let created = system.ask(&Ask::default()).await;
    let link = created["link"].as_str().expect("a link").to_owned();
    let request = wallet.call(&OpenLink { link }).await.expect("the link opens");
    let browser = in_chromium(&system, &wallet).await;
    browser.wait_for_words(&[PAYEE]).await;

    browser.act("settings").await;
    browser.act("settings.lock").await;
    browser.wait_for_screen("settings.lock").await;
    fill(&browser, "new-passphrase", "password1").await;
    fill(&browser, "again-passphrase", "password1").await;
    browser.act("lock-turn-on").await;
    browser.wait_for_words(&["Too easy to guess"]).await;
    fill(&browser, "new-passphrase", WORDS).await;
    fill(&browser, "again-passphrase", WORDS).await;
    // The field still holds what was too easy, in front.
    browser.act("lock-turn-on").await;
    browser.wait_for_words(&["This wallet has a lock"]).await;
    browser.act("back").await;
    browser.act("inbox").await;
    browser.wait_for_words(&[PAYEE]).await;

    press(&browser, Key::Control + "l").await;
    browser.wait_for_screen("lock").await;
    let page = browser.driver().source().await.expect("a page");
    assert!(!page.contains(PAYEE) && !page.contains("12.80"), "nothing of a request is left in the page");
    let problem = wallet.call(&Inbox {}).await.expect_err("it is locked");
    assert_eq!(problem.code, protocol::ErrorCode::Locked);

    // The field has the focus: the person types, and presses Enter.
    let focused = browser.driver().active_element().await.expect("something has the focus");
    assert_eq!(focused.attr("data-field").await.expect("an attribute").as_deref(), Some("passphrase"));
    focused.send_keys("amber lantern boat" + Key::Enter).await.expect("it can be typed into");
    browser.wait_for("[data-code=\"passphrase_wrong\"]").await;
    fill(&browser, "passphrase", &format!("password1{WORDS}")).await;
    browser.act("unlock").await;
    browser.wait_for_screen("inbox").await;
    browser.wait_for_words(&[PAYEE]).await;
    assert_eq!(wallet.call(&Inbox {}).await.expect("it is open")[0].request_id, request.request_id);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_forgot_the_passphrase_starts_anew_after_typing_that_word() {
    let system = System::start(Wishes::default()).await;
    let wallet = RemoteWallet::start(&system, "forgotten", &nobody()).await;
    wallet.call(&LockTurnOn { passphrase: Passphrase::new(WORDS.to_owned()) }).await.expect("a lock");
    wallet.call(&LockNow {}).await.expect("it locks");
    let browser = in_chromium(&system, &wallet).await;
    browser.wait_for_screen("lock").await;
    browser.act("forgotten").await;
    browser.wait_for_screen("lock.forgotten").await;
    fill(&browser, "erase-word", "erase").await;
    assert!(!browser.wait_for("[data-action=\"erase\"]").await.is_enabled().await.expect("a state"));
    press(&browser, Key::Escape).await;
    browser.wait_for_screen("lock").await;
    browser.act("forgotten").await;
    fill(&browser, "erase-word", "ERASE").await;
    browser.act("erase").await;
    // A wallet that was erased is new, and says so.
    browser.wait_for_screen("first-run").await;
    let status = wallet.call(&Status {}).await.expect("it answers");
    assert_eq!((status.lock, status.is_new), (LockState::None, true));
    // What a backup holds is brought back from here.
    browser.act("first-restore").await;
    browser.wait_for("dialog:modal [data-field=\"restore-passphrase\"]").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_wallet_introduces_itself_by_keyboard_and_a_link_goes_first() {
    let system = System::start(Wishes::default()).await;
    let wallet = RemoteWallet::start_new(&system, "new", &[&nobody()]).await;
    let browser = in_chromium(&system, &wallet).await;
    browser.wait_for_screen("first-run").await;
    let link = system.ask(&Ask::default()).await["link"].as_str().expect("a link").to_owned();
    wallet.tap_link(&link).await;
    browser.wait_for_screen("link-opened").await;

    browser.act("back").await;
    browser.wait_for_screen("inbox").await;
    browser.close().await;

    // Without a link the introduction comes first.
    let wallet = RemoteWallet::start_new(&system, "newer", &[&nobody()]).await;
    let browser = in_chromium(&system, &wallet).await;
    browser.wait_for_screen("first-run").await;
    let hand = Keyboard(&browser);
    for screen in ["first-run.idea", "first-run.reach", "first-run.lock"] {
        hand.press("next").await;
        browser.wait_for_screen(screen).await;
    }
    press(&browser, Key::Escape).await;
    browser.wait_for_screen("first-run.reach").await;
    browser.act("next").await;
    browser.wait_for_screen("first-run.lock").await;
    fill(&browser, "new-passphrase", WORDS).await;
    fill(&browser, "again-passphrase", WORDS).await;
    browser.act("lock-turn-on").await;
    browser.wait_for_words(&["The lock is on."]).await;
    browser.act("finish").await;
    browser.wait_for_screen("inbox").await;
    let status = wallet.call(&Status {}).await.expect("it answers");
    assert_eq!((status.lock, status.is_new), (LockState::Unlocked, false));
    browser.close().await;
}

/// A core of a running process, taken by gdb's `gcore`.
async fn core(process: u32, folder: &Path) -> Vec<u8> {
    let prefix = folder.join("core");
    let taken = tokio::process::Command::new("gcore").arg("-o").arg(&prefix).arg(process.to_string()).output().await;
    let taken = taken.expect("gcore is installed");
    assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
    let file = folder.join(format!("core.{process}"));
    let bytes = std::fs::read(&file).expect("a core");
    std::fs::remove_file(&file).expect("the core can be removed");
    bytes
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|part| part == needle)
}

/// Every file under a folder, its name and its bytes.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder can be read").filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push((path.display().to_string(), std::fs::read(&path).unwrap_or_default()));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_wallet_has_no_key_in_memory_and_its_passphrase_is_in_no_file() {
    let system = System::start(Wishes::default()).await;
    let wallet = RemoteWallet::start(&system, "marked", &nobody()).await;
    let home = system.folder().join("marked");
    let elsewhere = tempfile::TempDir::new().expect("a folder");
    let is_key = |name: &str| Path::new(name).extension().is_some_and(|it| it == "key") && !name.contains(".lock");
    let secret = files(&home).into_iter().find(|(name, _)| is_key(name)).expect("a key file").1;
    let (signing, sealing) = (&secret[..32], &secret[32..]);
    // A payment request through the server needs both keys: they are in use before they are locked away.
    let link = system.ask(&Ask::default()).await["link"].as_str().expect("a link").to_owned();
    wallet.call(&OpenLink { link }).await.expect("the link opens");
    let process = wallet.process.id();
    let before = core(process, elsewhere.path()).await;
    assert!(holds(&before, signing) && holds(&before, sealing), "the search finds an open wallet's keys");

    wallet.call(&LockTurnOn { passphrase: Passphrase::new(WORDS.to_owned()) }).await.expect("a lock");
    wallet.call(&LockNow {}).await.expect("it locks");
    let locked = core(process, elsewhere.path()).await;
    assert!(!holds(&locked, signing), "the signing key is in a locked wallet's memory");
    assert!(!holds(&locked, sealing), "the sealing key is in a locked wallet's memory");
    for words in [WORDS, "wrong amber lantern"] {
        let _ = wallet.call(&Unlock { passphrase: Passphrase::new(words.to_owned()) }).await;
    }
    let all = files(system.folder());
    assert!(all.len() > 15, "only {} files were searched", all.len());
    for (name, bytes) in all {
        assert!(!holds(&bytes, WORDS.as_bytes()), "{name} holds the passphrase");
        assert!(!holds(&bytes, signing) && !holds(&bytes, sealing), "{name} holds a key in the clear");
    }
}

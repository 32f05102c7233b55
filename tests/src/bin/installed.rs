//! Uses a package that was installed in a Debian root as a person would: opens a link by the desktop's handler, warm and
//! cold, and pays. The servers, the bank and the card are this machine's.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Parser;
use e2e::browser::{Browser, inside_root};
use e2e::card::Card;
use e2e::payer::PIN;
use e2e::session::Session;
use e2e::system::{Ask, System, Wishes};
use serde_json::Value;

/// Where a package's wallets find whom to trust.
const SYSTEM_TRUST: &str = "etc/tapseal/trust.json";

#[derive(Parser)]
struct Options {
    /// The root the package is installed in.
    #[arg(long)]
    root: PathBuf,
    /// Who uses it there.
    #[arg(long)]
    user: String,
}

#[tokio::main]
async fn main() {
    let Options { root, user } = Options::parse();
    let system = System::start(Wishes::default()).await;
    let card = Card::present(&system, "visa");
    // What an administrator does once for everybody.
    let trust = root.join(SYSTEM_TRUST);
    std::fs::create_dir_all(trust.parent().expect("it is in a folder")).expect("the root can be written");
    std::fs::copy(system.trust(), &trust).expect("the trust file can be copied");
    std::fs::set_permissions(&trust, Permissions::from_mode(0o644)).expect("it is for everybody to read");

    let environment = [
        ("TAPSEAL_KEY_STORE", "file".to_owned()),
        ("TAPSEAL_READER", card.reader.clone()),
        ("LANG", "C.UTF-8".to_owned()),
    ];
    let started = Instant::now();
    let window = Browser::installed(&root, &user, &environment, &system.log("installed")).await;
    window.wait_for("[data-screen]:not([data-screen=\"start\"])").await;
    println!("the window of the package came up in {:.1} s", started.elapsed().as_secs_f32());
    pay(&system, &window, &root, &user).await;
    look_at_a_link_from_cold(&system, window, &root, &user).await;
    println!("ok");
}

/// A person taps a link in another program; the window that is open shows it, and they pay.
async fn pay(system: &System, window: &Browser, root: &Path, user: &str) {
    let created = system.ask(&Ask::default()).await;
    let id = text(&created, "id");
    let tapped = Instant::now();
    open_with_the_handler(&window.session(), root, user, &tapseal_link(&created)).await;
    window.look_at_request().await;
    window.wait_for_words(&["12.80", "Blue Door Café"]).await;
    println!("a link opened by its handler was on the screen in {:.1} s", tapped.elapsed().as_secs_f32());
    window.act("pay").await;
    window.wait_for_screen("pin").await;
    window.act("standard-keys").await;
    window.enter_pin(PIN).await;
    window.wait_for_screen("result.paid").await;
    window.act("receipt").await;
    window.wait_for("[data-screen=\"receipt\"] article[data-verified=\"true\"]").await;
    system.wait_for_status(&id, "paid").await;
    system.assert_merchant_received(1280).await;
    println!("paid {} in the package's window; the receipt verifies", text(&created, "id"));
}

/// The window is closed, and a link starts it.
async fn look_at_a_link_from_cold(system: &System, window: Browser, root: &Path, user: &str) {
    let created = system.ask(&Ask { order: "A-1043".into(), ..Ask::default() }).await;
    let id = text(&created, "id");
    let session = window.session();
    window.driver().close_window().await.expect("the window closes");
    let mut command = in_session(&session, root, user, "xdg-open");
    command.arg(tapseal_link(&created)).kill_on_drop(true);
    let _started = command.spawn().expect("xdg-open starts");
    // Whoever opens a request tells its merchant, through the server, that it was seen.
    system.wait_for_status(&id, "seen").await;
    println!("a link from cold was opened and seen");
    window.close().await;
}

async fn open_with_the_handler(session: &Session, root: &Path, user: &str, link: &str) {
    let mut command = in_session(session, root, user, "xdg-open");
    let ended = command.arg(link).status().await.expect("xdg-open starts");
    assert!(ended.success(), "xdg-open: {ended}");
}

/// A program in the root, on the window's desktop.
fn in_session(session: &Session, root: &Path, user: &str, program: &str) -> tokio::process::Command {
    let mut command = inside_root(root, user);
    let told = session.variables().iter().filter(|(name, _)| name != "HOME" && name != "PATH");
    command.arg(program).envs(told.map(|(name, value)| (name, value)));
    command
}

fn text(created: &Value, key: &str) -> String {
    created[key].as_str().unwrap_or_else(|| panic!("{key} in {created}")).to_owned()
}

/// The request's link in the form that no browser takes.
fn tapseal_link(created: &Value) -> String {
    let link = text(created, "link");
    let (address, key) = link.split_once('#').expect("a link has a key");
    let (host, path) = address.trim_start_matches("https://").split_once('/').expect("a link has a path");
    format!("tapseal://{path}?s={host}#{key}")
}

//! What reaches the wallet's window from outside: links while it is open, and requests while nobody looks at it.

use std::path::Path;

use e2e::browser::Browser;
use e2e::payer::Payer;
use e2e::process::program;
use e2e::session::{DockCounts, Notifications};
use e2e::system::{Ask, System, Wishes};
use serde_json::Value;

const ADDRESS: &str = "payer@example.org";

fn environment(system: &System, wallet: &Path) -> Vec<(&'static str, String)> {
    let home = system.folder().join("window-home");
    std::fs::create_dir_all(&home).expect("a folder for the window");
    let plain = |path: &Path| path.to_str().expect("temporary paths are plain").to_owned();
    vec![
        ("HOME", plain(&home)),
        ("XDG_DATA_HOME", plain(&home.join("data"))),
        ("XDG_CONFIG_HOME", plain(&home.join("config"))),
        ("XDG_CACHE_HOME", plain(&home.join("cache"))),
        ("TAPSEAL_HOME", plain(wallet)),
        ("TAPSEAL_TRUST", plain(&system.trust())),
        ("TAPSEAL_KEY_STORE", "file".into()),
        ("LANG", "en_US.UTF-8".into()),
    ]
}

fn text<'a>(created: &'a Value, key: &str) -> &'a str {
    created[key].as_str().unwrap_or_else(|| panic!("{key} in {created}"))
}

fn words(created: &Value) -> Vec<&str> {
    created["match_words"].as_array().expect("match words").iter().filter_map(Value::as_str).collect()
}

// Several threads: a driver whose test has failed ends its session while it is dropped.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_hands_its_link_to_the_window_that_is_open_and_ends() {
    let system = System::start(Wishes::default()).await;
    let wallet = system.folder().join("window-wallet");
    let first = system.ask(&Ask::default()).await;
    let environment = environment(&system, &wallet);
    let window = Browser::window(text(&first, "link"), &environment, &system.log("window")).await;
    window.look_at_request().await;
    let session = window.session();
    session.wait_for_title("(1) Tapseal").await;

    let second = system.ask(&Ask { order: "A-1043".into(), amount: "7.30", ..Ask::default() }).await;
    for round in ["the first time", "and again"] {
        let ended = session.run(&program("tapseal-app"), &[text(&second, "link")]).await;
        assert!(ended.status.success(), "{round}: {ended:?}");
        let shown = window.wait_for_one_of(&["link-opened", "first-contact"]).await;
        assert!(!shown.is_empty(), "{round}");
        window.look_at_request().await;
        window.wait_for_words(&words(&second)).await;
    }
    session.wait_for_title("(2) Tapseal").await;

    // A link that leads nowhere says so, and the window stays where it is.
    let broken = "tapseal://r/AAAAAAAAAAAAAAAAAAAAAA#nothing";
    assert!(session.run(&program("tapseal-app"), &[broken]).await.status.success());
    window.wait_for("[data-problem=\"link_invalid\"]").await;
    window.wait_for_words(&words(&second)).await;
    // Nothing was paid by any of it.
    system.assert_merchant_received(0).await;

    // What is no link is no reason to do anything but show the window.
    assert!(session.run(&program("tapseal-app"), &["--verbose"]).await.status.success());
    window.wait_for_screen("request").await;
    window.close().await;
}

async fn claimed(system: &System) -> Payer {
    let payer = Payer::new(system);
    payer.wallet(&["claim", ADDRESS], "").await.success();
    let digits = system.claim_code(ADDRESS).await;
    payer.wallet(&["confirm", ADDRESS, &digits], "").await.success();
    payer
}

async fn asked(system: &System, order: &str) -> Value {
    system.ask(&Ask { email: Some(ADDRESS.into()), order: order.into(), ..Ask::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_comes_while_nobody_looks_is_announced_without_name_or_amount() {
    let system = System::start(Wishes::default()).await;
    let payer = claimed(&system).await;
    let first = asked(&system, "A-1").await;
    let listed = async || payer.wallet(&["inbox"], "").await.output.contains(text(&first, "id"));
    system.wait_until("the request is in the inbox", listed).await;
    payer.wallet(&["accept-sender", text(&first, "id")], "").await.success();

    let window = Browser::window_with(&[], &environment(&system, payer.home()), &system.log("window")).await;
    let session = window.session();
    let mut desktop = Notifications::on(&session).await;
    // What was there before the window is counted and not announced.
    session.wait_for_title("(1) Tapseal").await;
    let mut dock = DockCounts::on(&session).await;

    let second = asked(&system, "A-2").await;
    let told = desktop.next().await;
    let all = format!("{} {}", told.title, told.body);
    for secret in ["12.80", "12", "USD", "$", "Blue Door", "Café", "A-2", "<", "&"] {
        assert!(!all.contains(secret), "{secret} in {told:?}");
    }
    assert_eq!(told.title, "A payment request");
    assert_eq!(told.icon, "org.tapseal.wallet");
    dock.wait_for(2).await;
    session.wait_for_title("(2) Tapseal").await;

    desktop.press(told.id).await;
    window.wait_for_screen("request").await;
    window.wait_for_words(&words(&second)).await;
    window.close().await;
    system.assert_merchant_received(0).await;
}

//! The wallet's own window pays a request, driven as a person would.

use std::collections::BTreeSet;

use e2e::browser::Browser;
use e2e::card::Card;
use e2e::payer::PIN;
use e2e::system::{Ask, System, Wishes};

fn environment(system: &System, reader: &str) -> Vec<(&'static str, String)> {
    let home = system.folder().join("window-home");
    std::fs::create_dir_all(&home).expect("a folder for the window");
    let plain = |path: &std::path::Path| path.to_str().expect("temporary paths are plain").to_owned();
    vec![
        ("HOME", plain(&home)),
        ("XDG_DATA_HOME", plain(&home.join("data"))),
        ("XDG_CONFIG_HOME", plain(&home.join("config"))),
        ("XDG_CACHE_HOME", plain(&home.join("cache"))),
        ("TAPSEAL_HOME", plain(&home.join("wallet"))),
        ("TAPSEAL_TRUST", plain(&system.trust())),
        ("TAPSEAL_KEY_STORE", "file".into()),
        ("TAPSEAL_READER", reader.into()),
        ("LANG", "en_US.UTF-8".into()),
    ]
}

// Several threads: a driver whose test has failed ends its session while it is dropped.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_pays_in_the_window() {
    let system = System::start(Wishes::default()).await;
    let card = Card::present(&system, "visa");
    let created = system.ask(&Ask::default()).await;
    let id = created["id"].as_str().expect("a created request has an id");
    let link = created["link"].as_str().expect("a link");
    let window = Browser::window(link, &environment(&system, &card.reader), &system.log("window")).await;

    window.look_at_request().await;
    let words = created["match_words"].as_array().expect("two match words");
    let words: Vec<&str> = words.iter().filter_map(serde_json::Value::as_str).collect();
    // The amount, the payee, and the two words that the shop shows too.
    window.wait_for_words(&["12.80", "Blue Door Café", words[0], words[1]]).await;
    // It is hidden until its page is loaded, and no longer.
    let seen = window.driver().execute("return document.visibilityState;", Vec::new()).await.expect("the page answers");
    assert_eq!(seen.json(), "visible");

    window.act("pay").await;
    window.wait_for_screen("pin").await;
    // The scrambled pad shows pictures only: no digit is in the page.
    window.wait_for("[data-position=\"9\"]").await;
    let keys = window.driver().find_all(thirtyfour::By::Css("[data-position]")).await.expect("the pad has keys");
    assert_eq!(keys.len(), 10);
    for key in &keys {
        let inside = key.inner_html().await.expect("a key has markup");
        let text = key.text().await.expect("a key has a text, empty or not");
        assert!(inside.contains("data:image/png"), "a key is a picture: {inside}");
        assert!(!text.chars().any(|character| character.is_ascii_digit()), "a key's text names a digit: {text}");
    }
    window.act("standard-keys").await;
    window.enter_pin(PIN).await;
    window.wait_for_screen("result.paid").await;
    window.act("receipt").await;
    window.wait_for_screen("receipt").await;
    window.wait_for_words(&["12.80", "Blue Door Café"]).await;
    window.close().await;

    system.wait_for_status(id, "paid").await;
    system.assert_merchant_received(1280).await;
}

// Several threads: a driver whose test has failed ends its session while it is dropped.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_pin_in_the_window_says_no_money_moved_and_lets_the_person_try_again() {
    let system = System::start(Wishes::default()).await;
    let card = Card::present(&system, "mastercard");
    let created = system.ask(&Ask::default()).await;
    let link = created["link"].as_str().expect("a link");
    let window = Browser::window(link, &environment(&system, &card.reader), &system.log("window")).await;
    window.look_at_request().await;
    window.act("pay").await;
    window.wait_for_screen("pin").await;
    window.act("standard-keys").await;
    window.enter_pin("9999").await;
    window.wait_for_screen("result.refused").await;
    // It says that no money moved, and how many tries are left.
    window.wait_for_words(&["No money", "2"]).await;
    window.act("try-again").await;
    window.wait_for_screen("pin").await;
    window.act("standard-keys").await;
    window.enter_pin(PIN).await;
    window.wait_for_screen("result.paid").await;
    window.close().await;
    system.assert_merchant_received(1280).await;
}

// Several threads: a driver whose test has failed ends its session while it is dropped.
#[tokio::test(flavor = "multi_thread")]
async fn the_window_is_told_past_the_bridge_what_it_shows_first_and_nothing_else() {
    let system = System::start(Wishes::default()).await;
    let card = Card::present(&system, "visa");
    let created = system.ask(&Ask::default()).await;
    let link = created["link"].as_str().expect("a link");
    let window = Browser::window(link, &environment(&system, &card.reader), &system.log("window")).await;
    window.look_at_request().await;
    let told = async |path: &str| {
        let script = format!(
            "const done = arguments[0]; fetch('first://localhost/{path}').then((it) => it.json()).then(done, (why) => done(String(why)));"
        );
        let told = window.driver().execute_async(script, Vec::new()).await.expect("the page can ask");
        told.json().clone()
    };
    let names = |answers: &serde_json::Value| -> BTreeSet<String> {
        answers.as_object().expect("answers by their names").keys().cloned().collect()
    };
    let first = told("").await;
    assert_eq!(first["inside"]["inbox"][0]["payee"], "Blue Door Café", "{first}");
    assert_eq!(names(&first), ["inside", "status", "watch"].map(str::to_owned).into());
    assert_eq!(names(&first["inside"]), ["inbox", "merchant"].map(str::to_owned).into());
    // Nothing else can be asked for by another name.
    assert_eq!(names(&told("devices").await), names(&first));
    window.close().await;
}

//! Every screen for everybody: axe-core, layout, focus and mirroring on each, against the real commands.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;

use e2e::album::{Examiner, Part, Tour, Visitor};
use e2e::bridge::WORKBENCH;
use e2e::browser::{Browser, project_root};
use e2e::remote::RemoteWallet;
use e2e::system::{Ask, System, Wishes, free_port};
use futures::FutureExt as _;

/// The folder of axe-core, where `cargo xtask test` puts it.
fn examiner() -> Option<Box<Examiner>> {
    let folder = std::env::var_os("TAPSEAL_TEST_AXE")?;
    Some(Box::new(Examiner::from(&PathBuf::from(folder))))
}

/// Walks one part of the screens. A walk that cannot go on still tells what it found before.
async fn keeps_nobody_out(part: Part) {
    let Some(examiner) = examiner() else { return eprintln!("skipped: TAPSEAL_TEST_AXE is not set") };
    let tour = Tour::new(Visitor::Examiner(examiner));
    let walked = AssertUnwindSafe(tour.walk(&[part])).catch_unwind().await;
    let faults = tour.take_faults();
    assert!(walked.is_ok() && faults.is_empty(), "{faults}");
}

// A test for each part, so that one can be walked by its name. The match below names a part that has none.
// Several threads: a driver whose test has failed ends its session while it is dropped.
macro_rules! parts {
    ($($test:ident: $part:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                keeps_nobody_out(Part::$part).await;
            }
        )*

        const fn _every_part_is_walked(part: Part) {
            match part {
                $(Part::$part => {})*
                // They have neither workbench nor pseudo-locale; `payment_page.rs` and `bank_page.rs` examine them.
                Part::Page | Part::Bank => {}
            }
        }
    };
}

parts! {
    nothing_keeps_anybody_from_a_payment: Pay,
    nothing_keeps_anybody_from_taking_payments: Merchant,
    nothing_keeps_anybody_from_using_a_card: Card,
    nothing_keeps_anybody_from_the_receipts: History,
    nothing_keeps_anybody_from_the_settings: Settings,
    nothing_keeps_anybody_from_the_lock: Lock,
    nothing_keeps_anybody_from_paying_without_a_card: Methods,
    nothing_keeps_anybody_from_a_username: Alias,
    nothing_keeps_anybody_from_the_phone_bill: Bill,
}

/// The names in the first column of the tables of `docs/screens.md`, without the payment page's.
fn documented_screens() -> Vec<String> {
    let text = std::fs::read_to_string(project_root().join("docs/screens.md")).expect("the screens are documented");
    let page = text.find("### The payment page").expect("the payment page has a part of its own");
    let till = text.find("### Taking payments").expect("a till has a part of its own");
    let rows = text[..page].lines().chain(text[till..].lines()).filter(|line| line.starts_with("| `"));
    let names = rows.filter_map(|line| line.split('|').nth(1)).flat_map(|cell| cell.split('`').skip(1).step_by(2));
    names.filter(|name| *name != "data-screen").map(str::to_owned).collect()
}

/// The text of every scene.
fn scenes() -> String {
    let mut folders = vec![project_root().join("tests/src/scene")];
    let mut text = String::new();
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).expect("the scenes are there").flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                text.push_str(&std::fs::read_to_string(path).expect("a scene can be read"));
            }
        }
    }
    text
}

/// Who documents a screen has it walked: by its name, or in one of its states.
#[test]
fn every_documented_screen_has_a_stop() {
    let (documented, scenes) = (documented_screens(), scenes());
    assert!(documented.len() > 60, "the tables have moved: {documented:?}");
    let is_walked = |name: &str| scenes.contains(&format!("\"{name}\"")) || scenes.contains(&format!("\"{name}-"));
    let forgotten: Vec<_> = documented.iter().filter(|name| !is_walked(name)).collect();
    assert!(forgotten.is_empty(), "no scene stops at {forgotten:?}");
    assert!(!is_walked("settings.nowhere"));
}

/// What each examination must find, and a page that has it.
const PLANTED: &[(&str, &str)] = &[
    ("axe button-name", "main.innerHTML += '<button class=\"button\"></button>'"),
    (
        "axe color-contrast",
        "main.innerHTML += '<p id=\"faint\">faint</p>'; main.querySelector('#faint').style.color = '#ddd'",
    ),
    ("text is cut at the side", "cut.style.cssText = 'overflow:hidden;white-space:nowrap;inline-size:3rem'"),
    (
        "text is covered",
        "cut.style.position = 'relative'; cut.innerHTML = 'below'; const lid = document.createElement('div'); \
        lid.style.cssText = 'position:absolute;inset:0;background:white'; cut.parentElement.style.position = 'relative'; \
        cut.after(lid)",
    ),
    (
        "the page scrolls sideways",
        "main.style.minInlineSize = '150vw'; document.querySelector('.content').style.overflow = 'visible'; \
        document.body.style.inlineSize = '150vw'",
    ),
    (
        "target of",
        "const small = document.createElement('button'); small.textContent = 'x'; \
        small.style.cssText = 'display:block;inline-size:1rem;block-size:1rem'; main.append(small)",
    ),
    ("Tab does not reach", "const far = document.querySelector('[data-action=numbers]'); far.tabIndex = -1"),
    ("does not show it", "document.querySelector('[data-action=numbers]').style.outline = 'none'"),
    ("not from the table of texts", "main.innerHTML += '<p>Made in a hurry</p>'"),
    (
        "the navigation is on the left",
        "document.querySelector('nav.nav').style.cssText = 'position:fixed;inset:0 auto auto 0'",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_examination_finds_what_is_planted() {
    let Some(examiner) = examiner() else { return eprintln!("skipped: TAPSEAL_TEST_AXE is not set") };
    let system = System::start(Wishes::default()).await;
    let wallet = RemoteWallet::start(&system, "wallet", &format!("simulated:127.0.0.1:{}", free_port())).await;
    let tour = Tour::new(Visitor::Examiner(examiner));
    let walk = tour.enter(&system, &wallet).await;
    for (fault, plant) in PLANTED {
        walk.open("inbox").await;
        let script =
            format!("const main = document.querySelector('main'); const cut = document.querySelector('h1'); {plant}");
        walk.browser.driver().execute(script, Vec::new()).await.expect("a fault can be planted");
        walk.stop(&format!("planted {fault}")).await;
        let faults = tour.take_faults();
        assert!(faults.contains(fault), "{fault:?} was planted and not found, but: {faults}");
    }
    walk.end().await;
}

/// Sums of the catalogue, and how each language writes them: the sign, its place, the decimals of the currency.
const WRITTEN: &[(&str, &str, &str)] = &[
    ("USD 12.80", "$12.80", "US$12.80"),
    ("CNY 12.80", "CN¥12.80", "¥12.80"),
    ("JPY 128000", "¥128,000", "JP¥128,000"),
    ("KWD 12.345", "KWD\u{a0}12.345", "KWD\u{a0}12.345"),
    ("EUR 1234567.89", "€1,234,567.89", "€1,234,567.89"),
    ("CNY 999999999.99", "CN¥999,999,999.99", "¥999,999,999.99"),
];

#[tokio::test(flavor = "multi_thread")]
async fn amounts_and_times_are_written_as_each_language_does() {
    let system = System::start(Wishes::default()).await;
    let wallet = RemoteWallet::start(&system, "wallet", &format!("simulated:127.0.0.1:{}", free_port())).await;
    let browser = Browser::chromium(834, 1_112, &system.log("chromium")).await;
    for language in ["en", "zh-Hans"] {
        browser.open(&format!("{}{WORKBENCH}index.html?catalogue&only=amount&lang={language}", wallet.url())).await;
        browser.wait_for("[data-amount]").await;
        let read = "return [...document.querySelectorAll('[data-amount]')].map((sum) => \
            [`${sum.dataset.currency} ${sum.dataset.amount}`, sum.querySelector('.unseen').textContent])";
        let shown = browser.driver().execute(read, Vec::new()).await.expect("the page can be read");
        let shown: Vec<(String, String)> = shown.convert().expect("pairs of texts");
        for (sum, english, chinese) in WRITTEN {
            let expected = if language == "en" { english } else { chinese };
            let written: Vec<&String> = shown.iter().filter(|(what, _)| what == sum).map(|(_, text)| text).collect();
            assert!(
                !written.is_empty() && written.iter().all(|text| text == expected),
                "{sum}, {language}: {written:?}"
            );
        }
    }
    // A quarter to six ahead of UTC: a time is that of the clock on the wall.
    let zone = serde_json::json!({ "timezoneId": "Asia/Kathmandu" });
    browser.tell_chromium("Emulation.setTimezoneOverride", &zone).await;
    wallet.claim(&system, "ada@example.org").await;
    let day_s = 24 * 60 * 60;
    let ask = Ask { email: Some("ada@example.org".into()), expires_s: day_s, ..Ask::default() };
    let expires_ms = system.ask(&ask).await["expires_ms"].as_u64().expect("a request ends");
    let minutes = expires_ms / 60_000 + 5 * 60 + 45;
    let clock = format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60);
    browser.open(&wallet.url()).await;
    browser.wait_for("[data-action=\"open-request\"]").await;
    browser.wait_for_words(&[&clock]).await;
    browser.close().await;
}

//! Every screen for everybody: axe-core, layout, focus and mirroring on each, against the real commands.

use std::path::PathBuf;

use clap::ValueEnum as _;
use e2e::album::{Examiner, Part, Tour, Visitor};
use e2e::remote::RemoteWallet;
use e2e::system::{System, Wishes, free_port};

/// The folder of axe-core, where `cargo xtask test` puts it.
fn examiner() -> Option<Box<Examiner>> {
    let folder = std::env::var_os("TAPSEAL_TEST_AXE")?;
    Some(Box::new(Examiner::from(&PathBuf::from(folder))))
}

// Several threads: a driver whose test has failed ends its session while it is dropped.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_on_any_screen_keeps_anybody_out() {
    let Some(examiner) = examiner() else { return eprintln!("skipped: TAPSEAL_TEST_AXE is not set") };
    let tour = Tour::new(Visitor::Examiner(examiner));
    tour.walk(Part::value_variants()).await;
    let faults = tour.faults();
    assert!(faults.is_empty(), "{faults}");
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
    (
        "the navigation is on the left",
        "document.querySelector('nav.nav').style.cssText = 'position:fixed;left:0;inset-inline:auto;'",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_examination_finds_what_is_planted() {
    let Some(_) = examiner() else { return eprintln!("skipped: TAPSEAL_TEST_AXE is not set") };
    let system = System::start(Wishes::default()).await;
    let wallet = RemoteWallet::start(&system, "wallet", &format!("simulated:127.0.0.1:{}", free_port())).await;
    for (fault, plant) in PLANTED {
        let tour = Tour::new(Visitor::Examiner(examiner().expect("it was there before")));
        let walk = tour.enter(&system, &wallet).await;
        walk.open("inbox").await;
        let script =
            format!("const main = document.querySelector('main'); const cut = document.querySelector('h1'); {plant}");
        walk.browser.driver().execute(script, Vec::new()).await.expect("a fault can be planted");
        walk.stop("planted").await;
        walk.end().await;
        let faults = tour.faults();
        assert!(faults.contains(fault), "{fault:?} was planted and not found, but: {faults}");
    }
}

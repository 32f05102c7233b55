//! The longest time the screens keep their thread to themselves, while they start and while a payment is made: the
//! shipped bundle in headless Chromium over the real command logic.
//!
//! A timer that asks to be called at once is called late by as much as the longest task between; the browser's own
//! list of tasks over 50 ms (the Long Tasks API) is read beside it.

use clap::Parser;
use e2e::browser::Browser;
use e2e::card::Card;
use e2e::load::middle;
use e2e::payer::PIN;
use e2e::remote::RemoteWallet;
use e2e::system::{Ask, System, Wishes};
use serde_json::Value;

/// The goal, in milliseconds.
const GOAL_MS: u32 = 50;
/// Follows the page's thread from now on.
const FOLLOW: &str = "
    window.tasks = { gap: 0, at: '', long: [] };
    let last = performance.now();
    const screen = () => document.querySelector('main').dataset.screen;
    let before = screen();
    const beat = () => {
        const now = performance.now();
        if (now - last > window.tasks.gap) {
            window.tasks.gap = now - last;
            window.tasks.at = before + ' to ' + screen();
        }
        last = now;
        before = screen();
        setTimeout(beat, 0);
    };
    beat();
    const keep = (list) => window.tasks.long.push(...list.getEntries().map((task) => task.duration));
    new PerformanceObserver(keep).observe({ type: 'longtask', buffered: true });
";
/// What was seen since the last look, in milliseconds.
const LOOK: &str = "const seen = window.tasks; window.tasks = { gap: 0, at: '', long: [] }; return seen;";

#[derive(Parser)]
struct Options {
    /// How many payments; the figures are medians.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let system = System::start(Wishes::default()).await;
    let card = Card::present(&system, "visa");
    let wallet = RemoteWallet::start(&system, "wallet", &card.reader).await;
    let browser = Browser::chromium(390, 780, &system.log("browser")).await;
    let (mut starting, mut paying) = (Vec::new(), Vec::new());
    for round in 0..options.rounds {
        let created = system.ask(&Ask { order: format!("A-{round}"), ..Ask::default() }).await;
        let link = created["link"].as_str().expect("a link");
        browser.open(&wallet.url()).await;
        browser.wait_for_screen("inbox").await;
        browser.driver().execute(FOLLOW, vec![]).await.expect("the page can be followed");
        starting.push(look(&browser).await.longest_listed_ms());
        browser.paste_link(link).await;
        browser.act("pay").await;
        browser.wait_for_screen("pin").await;
        browser.act("standard-keys").await;
        browser.enter_pin(PIN).await;
        browser.wait_for_screen("result.paid").await;
        let seen = look(&browser).await;
        println!("payment {round}: {:.0} ms ({}), listed: {:?}", seen.gap_ms, seen.at, seen.listed_ms);
        paying.push(seen.gap_ms);
        browser.act("done").await;
    }
    browser.close().await;
    println!("longest task while starting: {:.0} ms (0: none over {GOAL_MS})", middle(starting));
    let first = paying.first().copied().unwrap_or_default();
    println!("longest task while paying: {:.0} ms, {first:.0} in the first payment; goal {GOAL_MS} ms", middle(paying));
}

/// What the page's thread did.
struct Seen {
    gap_ms: f64,
    /// The screens before and after the longest task.
    at: String,
    listed_ms: Vec<f64>,
}

impl Seen {
    fn longest_listed_ms(&self) -> f64 {
        self.listed_ms.iter().copied().fold(0.0, f64::max)
    }
}

async fn look(browser: &Browser) -> Seen {
    let seen = browser.driver().execute(LOOK, vec![]).await.expect("the page answers");
    let seen = seen.json();
    let listed = seen["long"].as_array().into_iter().flatten().filter_map(Value::as_f64);
    Seen {
        gap_ms: seen["gap"].as_f64().unwrap_or_default(),
        at: seen["at"].as_str().unwrap_or_default().to_owned(),
        listed_ms: listed.collect(),
    }
}

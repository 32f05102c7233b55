//! A payment on the wallet's screens, from the inbox to the receipt, with or without a mouse.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::browser::Browser;
use crate::payer::PIN;

/// How many times Tab is pressed before a control counts as out of reach.
const TABS_MAX: usize = 60;

/// The key that moves the focus on.
const TAB: &str = "\u{e004}";
/// The key that presses what has the focus.
const ENTER: &str = "\u{e007}";

/// How many letters are typed before the field is looked at.
const LETTERS_AT_ONCE: usize = 8;
/// How long a field may take to hold what was typed.
const TYPE_WAIT: Duration = Duration::from_secs(10);
/// After how long letters that were not taken are typed again.
const TYPED_AGAIN_AFTER: Duration = Duration::from_secs(2);
/// How long a screen may take to draw its next frame.
const FRAME_WAIT: Duration = Duration::from_secs(5);
/// Pause between two looks at it.
const TYPE_PAUSE: Duration = Duration::from_millis(20);

/// Somebody without a mouse: Tab, Enter, arrows and digits.
pub struct Keyboard<'a>(pub &'a Browser);

impl Keyboard<'_> {
    /// Types, wherever the focus is.
    pub async fn keys(&self, keys: &str) {
        self.0.driver().action_chain().send_keys(keys).perform().await.expect("keys can be typed");
    }

    /// Types a long text into the field that has the focus, some letters at a time: WebKit's driver loses some of many, and all of
    /// those that come while another window of the display is in front. Letters that the field did not take are typed again, as
    /// a person would who looks at it.
    ///
    /// # Panics
    /// When the field does not hold what was typed so far, or no field has the focus.
    pub async fn text(&self, text: &str) {
        let mut typed = 0;
        while typed < text.len() {
            let (before, end) = (typed, text.len().min(typed + LETTERS_AT_ONCE));
            self.keys(&text[before..end]).await;
            typed = end;
            let started = Instant::now();
            let mut again = TYPED_AGAIN_AFTER;
            loop {
                let held = self.ask("return document.activeElement?.value ?? null;").await;
                if held.as_str() == Some(&text[..typed]) {
                    break;
                }
                if held.as_str() == Some(&text[..before]) && started.elapsed() > again {
                    self.keys(&text[before..end]).await;
                    again = started.elapsed() + TYPED_AGAIN_AFTER;
                }
                assert!(started.elapsed() < TYPE_WAIT, "typed {:?}, but the field holds {held}", &text[..typed]);
                tokio::time::sleep(TYPE_PAUSE).await;
            }
        }
    }

    /// Moves the focus to what matches.
    ///
    /// # Panics
    /// When Tab never gets there; says what it came by.
    pub async fn go_to(&self, css: &str) {
        self.0.wait_for(css).await;
        self.wait_for_heading().await;
        let mut passed = Vec::new();
        for _ in 0..TABS_MAX {
            if self.is_at(css).await {
                return;
            }
            self.keys(TAB).await;
            passed.push(self.here().await);
        }
        panic!("the keyboard does not reach {css}, but {passed:?}");
    }

    /// Waits until a new screen has moved the focus to its heading, which it does with its next frame: whoever was faster would
    /// lose the focus again. While nothing has it, that is still to come.
    async fn wait_for_heading(&self) {
        let started = Instant::now();
        let is_nowhere = "return document.activeElement === null || document.activeElement === document.body;";
        while self.ask(is_nowhere).await == Value::Bool(true) && started.elapsed() < FRAME_WAIT {
            tokio::time::sleep(TYPE_PAUSE).await;
        }
    }

    /// Presses the control with this `data-action`.
    pub async fn press(&self, action: &str) {
        self.go_to(&format!("[data-action=\"{action}\"]:not([disabled])")).await;
        self.keys(ENTER).await;
    }

    async fn is_at(&self, css: &str) -> bool {
        self.ask(&format!("return document.activeElement?.matches({css:?}) ?? false;")).await == Value::Bool(true)
    }

    /// What has the focus, for a test that fails.
    async fn here(&self) -> String {
        let seen = "const it = document.activeElement; return it?.dataset.action ?? it?.dataset.field ?? it?.tagName;";
        self.ask(seen).await.as_str().unwrap_or_default().to_owned()
    }

    async fn ask(&self, script: &str) -> Value {
        let answer = self.0.driver().execute(script, Vec::new()).await.expect("the page can be asked");
        answer.json().clone()
    }
}

/// Watches for tasks that keep the page from answering. Chromium only.
pub async fn watch_tasks(browser: &Browser) {
    let watch = "window.longTasks = []; new PerformanceObserver(list => \
        window.longTasks.push(...list.getEntries().map(task => task.duration))).observe({ type: 'longtask' });";
    browser.driver().execute(watch, Vec::new()).await.expect("the page can be watched");
}

/// The longest task since it was watched, in milliseconds; tasks below 50 ms are not told and count as none.
pub async fn longest_task_ms(browser: &Browser) -> f64 {
    let longest = "return Math.max(0, ...window.longTasks);";
    let longest = browser.driver().execute(longest, Vec::new()).await.expect("the page can be asked");
    longest.json().as_f64().expect("a number")
}

/// Pays the request that is on the screen, as far as its receipt; the card lies on the reader. Every screen on the way
/// is handed to `look`.
pub async fn pay(browser: &Browser, look: impl AsyncFn(&str)) {
    look("request").await;
    browser.act("pay").await;
    browser.wait_for_screen("pin").await;
    browser.act("standard-keys").await;
    browser.wait_for("[data-position=\"9\"]").await;
    look("pin").await;
    browser.enter_pin(PIN).await;
    browser.wait_for_screen("result.paid").await;
    look("result.paid").await;
    browser.act("receipt").await;
    browser.wait_for_screen("receipt").await;
    browser.wait_for("[data-seal]").await;
    look("receipt").await;
}

/// Whether the page can be read without scrolling sideways.
pub async fn fits(browser: &Browser) -> bool {
    let fits = "const page = document.scrollingElement; return page.scrollWidth <= page.clientWidth;";
    browser.driver().execute(fits, Vec::new()).await.expect("the page can be asked").json() == &Value::Bool(true)
}

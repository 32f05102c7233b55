//! The visitor that examines: axe-core, the layout at every width, the way of the focus, and the page mirrored.

use std::path::Path;

use serde_json::{Value, json};

use super::look::{Direction, Look, Shade, Tongue, WIDTHS};
use super::{Tour, Walk};
use crate::browser::project_root;

/// 400 % zoom of a desktop window, and 200 % of it (WCAG 1.4.10, 1.4.4), in CSS pixels.
const ZOOMED_WIDTHS: [u32; 2] = [320, 640];

/// The Tab key.
const TAB: &str = "\u{e004}";

/// The scripts of an examination.
pub struct Examiner {
    /// axe-core itself.
    library: String,
    axe: String,
    layout: String,
    keys: String,
    mirror: String,
    arrival: String,
    pseudo: String,
    still: String,
}

/// How much of an examination a screen gets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// All of it.
    Whole,
    /// What fits into the few seconds that a wallet waits for a card or a bank: axe and the layout of a phone.
    Glance,
}

impl Examiner {
    /// With axe-core from this folder, where npm has put it.
    ///
    /// # Panics
    /// When it is not there: `cargo xtask setup` installs it.
    pub fn from(folder: &Path) -> Self {
        let read =
            |path: &Path| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let script = |name: &str| read(&project_root().join("tests/src/album/examine").join(name));
        Self {
            library: read(&folder.join("node_modules/axe-core/axe.min.js")),
            axe: script("axe.js"),
            layout: script("layout.js"),
            keys: script("keys.js"),
            mirror: script("mirror.js"),
            arrival: script("arrival.js"),
            pseudo: script("pseudo.js"),
            still: script("still.js"),
        }
    }
}

impl Walk<'_> {
    pub(super) async fn examine(&self, name: &str, with: &Examiner, depth: Depth) {
        self.keep_still(true, with).await;
        for look in Look::at(WIDTHS[0]) {
            self.wear(look).await;
            self.run_axe(name, look, with, &json!({ "runOnly": { "type": "tag", "values": TAGS } })).await;
            self.look_over(name, look, with).await;
        }
        if depth == Depth::Whole {
            self.examine_wholly(name, with).await;
        }
        self.wear(Look::first()).await;
        self.keep_still(false, with).await;
    }

    /// Stops all motion on the page, or lets it go on.
    async fn keep_still(&self, is_still: bool, with: &Examiner) {
        let done = self.browser.driver().execute(with.still.as_str(), vec![json!(is_still)]).await;
        done.expect("the page's style sheets can be added to");
    }

    /// Examines that a screen that was gone to has the focus.
    pub(super) async fn examine_arrival(&self, screen: &str, with: &Examiner) {
        let found = self.browser.driver().execute_async(with.arrival.as_str(), Vec::new()).await;
        self.report(screen, Look::first(), found.expect("the page can be examined").json());
    }

    async fn examine_wholly(&self, name: &str, with: &Examiner) {
        let first = Look::first();
        for shade in [Shade::LightContrast, Shade::DarkContrast] {
            let look = Look { shade, ..first };
            self.wear(look).await;
            self.run_axe(name, look, with, &json!({ "runOnly": ["color-contrast-enhanced"] })).await;
        }
        for width in ZOOMED_WIDTHS {
            for tongue in [Tongue::English, Tongue::Chinese] {
                let look = Look { width, tongue, ..first };
                self.wear(look).await;
                self.look_over(name, look, with).await;
            }
        }
        for width in [ZOOMED_WIDTHS[0], WIDTHS[0], WIDTHS[2]] {
            let look = Look { width, tongue: Tongue::Pseudo, ..first };
            self.wear(look).await;
            self.look_over(name, look, with).await;
            self.find(name, look, &with.pseudo, Vec::new()).await;
        }
        for width in WIDTHS {
            let look = Look { width, direction: Direction::RightToLeft, ..first };
            self.wear(look).await;
            self.look_over(name, look, with).await;
            self.find(name, look, &with.mirror, Vec::new()).await;
        }
        for width in [WIDTHS[1], WIDTHS[2]] {
            let look = Look { width, ..first };
            self.wear(look).await;
            self.look_over(name, look, with).await;
            self.run_axe(name, look, with, &json!({ "runOnly": { "type": "tag", "values": TAGS } })).await;
        }
        self.wear(first).await;
        self.follow_focus(name, first, with).await;
    }

    async fn run_axe(&self, name: &str, look: Look, with: &Examiner, options: &Value) {
        let driver = self.browser.driver();
        let is_there = driver.execute("return Boolean(window.axe)", Vec::new()).await.expect("the page can be asked");
        if is_there.json() != &Value::Bool(true) {
            driver.execute(with.library.as_str(), Vec::new()).await.expect("axe-core can be loaded");
        }
        let found = driver.execute_async(with.axe.as_str(), vec![options.clone()]).await.expect("axe-core runs");
        self.report(name, look, found.json());
    }

    async fn look_over(&self, name: &str, look: Look, with: &Examiner) {
        let options = json!({ "targets": true, "pseudo": look.tongue == Tongue::Pseudo });
        self.find(name, look, &with.layout, vec![options]).await;
    }

    /// Runs a script that answers faults.
    async fn find(&self, name: &str, look: Look, script: &str, arguments: Vec<Value>) {
        let found = self.browser.driver().execute(script, arguments).await.expect("the page can be examined");
        self.report(name, look, found.json());
    }

    /// Presses Tab once around the page.
    async fn follow_focus(&self, name: &str, look: Look, with: &Examiner) {
        let driver = self.browser.driver();
        let begun = driver.execute(with.keys.as_str(), vec![json!("begin")]).await.expect("the page can be examined");
        let times = begun.json().as_u64().and_then(|times| usize::try_from(times).ok()).expect("a number of keys");
        let tabs = driver.action_chain().send_keys(TAB.repeat(times)).perform().await;
        tabs.expect("keys can be pressed");
        self.find(name, look, &with.keys, vec![json!("end")]).await;
    }

    fn report(&self, name: &str, look: Look, found: &Value) {
        for fault in found.as_array().into_iter().flatten().filter_map(Value::as_str) {
            self.tour.find_fault(fault, format!("{name}-{}", look.suffix()));
        }
    }
}

/// What axe-core is asked for: WCAG 2.2, levels A and AA, and what its makers advise beyond.
const TAGS: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

impl Tour {
    fn find_fault(&self, fault: &str, place: String) {
        let mut faults = self.faults.lock().expect("no walk panicked");
        faults.entry(fault.to_owned()).or_default().push(place);
    }

    /// What was found since this was asked last, each fault once with the places it was found at; empty when there is
    /// nothing.
    pub fn take_faults(&self) -> String {
        let faults = std::mem::take(&mut *self.faults.lock().expect("no walk panicked"));
        let lines = faults.iter().map(|(fault, places)| {
            let (first, others) = places.split_first().expect("a fault was found somewhere");
            format!("{fault}\n    at {first} and {} more: {}\n", others.len(), others.join(" "))
        });
        lines.collect()
    }
}

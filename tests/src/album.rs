//! A walk over every screen, on real servers, with a real wallet, in Chromium: who walks along looks at each.
//!
//! A part of the screens is a file `scene/NAME_album.rs` with one function that brings up its screens one after the
//! other and calls [`Walk::stop`] at each. What is done there is the visitor's: a picture, or an examination. A stop
//! changes width, colours and language where the page stands, so that a screen is brought up once for all its looks.

mod examine;
mod gallery;
mod look;
mod pictures;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Mutex;

use clap::ValueEnum;
use futures::StreamExt as _;
use serde_json::{Value, json};

use self::examine::Depth;
pub use self::examine::Examiner;
pub use self::gallery::write_page;
pub use self::look::{Direction, Look, Shade, Tongue, WIDTHS};
use crate::bridge::WORKBENCH;
use crate::browser::Browser;
use crate::remote::RemoteWallet;
use crate::scene::{
    alias_album, bank_album, bill_album, card_album, history_album, lock_album, merchant_album, methods_album,
    page_album, pay_album, settings_album,
};
use crate::system::{Ask, System};

/// How many parts are walked at once: most of the time each waits for a page or a bank.
const PARTS_AT_ONCE: usize = 3;

/// A part of the screens, each with its scenes in `scene/NAME_album.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The merchant's screens.
    Merchant,
    /// Requests, the payment and its ends, payment numbers.
    Pay,
    /// Cards that fail, swipes, phones, readers.
    Card,
    /// Receipts.
    History,
    /// The payer's settings.
    Settings,
    /// The lock and the first run.
    Lock,
    /// The ways to pay that need no card.
    Methods,
    /// The payment page, in a browser without a wallet.
    Page,
    /// The bank's page, in a customer's browser.
    Bank,
    /// A username, from the list of the ways to pay in the settings on.
    Alias,
    /// Phone bills.
    Bill,
}

impl Part {
    async fn walk(self, tour: &Tour) {
        match self {
            Self::Merchant => merchant_album::walk(tour).await,
            Self::Pay => pay_album::walk(tour).await,
            Self::Card => card_album::walk(tour).await,
            Self::History => history_album::walk(tour).await,
            Self::Settings => settings_album::walk(tour).await,
            Self::Lock => lock_album::walk(tour).await,
            Self::Methods => methods_album::walk(tour).await,
            Self::Page => page_album::walk(tour).await,
            Self::Bank => bank_album::walk(tour).await,
            Self::Alias => alias_album::walk(tour).await,
            Self::Bill => bill_album::walk(tour).await,
        }
    }
}

/// Of how many looks there is a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Of those whose pictures are kept with the project.
    Kept,
    /// Of every one.
    Whole,
}

/// Who walks along.
pub enum Visitor {
    /// Takes a picture of every look of every screen.
    Pictures {
        /// The folder they go to.
        out: PathBuf,
        /// Only at these widths, in CSS pixels.
        widths: Vec<u32>,
        /// How many looks.
        extent: Extent,
    },
    /// Looks for what keeps people from using a screen.
    Examiner(Box<Examiner>),
}

/// All that is walked, and who walks along.
pub struct Tour {
    visitor: Visitor,
    stops: Mutex<BTreeSet<String>>,
    /// What is wrong, and where.
    faults: Mutex<BTreeMap<String, Vec<String>>>,
}

impl Tour {
    /// A tour that has not begun.
    pub const fn new(visitor: Visitor) -> Self {
        Self { visitor, stops: Mutex::new(BTreeSet::new()), faults: Mutex::new(BTreeMap::new()) }
    }

    /// Walks these parts, several at once.
    pub async fn walk(&self, parts: &[Part]) {
        let walks = futures::stream::iter(parts).for_each_concurrent(PARTS_AT_ONCE, async |part| {
            part.walk(self).await;
            println!("{part:?}: done");
        });
        walks.await;
    }

    /// A browser at a wallet's screens; the page is loaded by [`Walk::open`].
    pub async fn enter<'a>(&'a self, system: &'a System, wallet: &'a RemoteWallet) -> Walk<'a> {
        let look = Look::first();
        let log = system.log(&format!("chromium-{}", wallet.process.id()));
        let browser = Browser::chromium(look.width, look.height(), &log).await;
        Walk { system, browser, wallet, tour: self, worn: Mutex::new(None) }
    }

    /// Notes that a screen is looked at.
    ///
    /// # Panics
    /// When another screen had this name: one would hide the other.
    fn note(&self, name: &str) {
        let is_new = self.stops.lock().expect("no walk panicked").insert(name.to_owned());
        assert!(is_new, "two stops are called {name}");
    }
}

/// A walk through the screens of one wallet.
pub struct Walk<'a> {
    /// The servers.
    pub system: &'a System,
    /// The browser that shows the wallet's screens.
    pub browser: Browser,
    /// The wallet.
    pub wallet: &'a RemoteWallet,
    tour: &'a Tour,
    /// How the page looks now.
    worn: Mutex<Option<Look>>,
}

impl Walk<'_> {
    /// Loads the page anew and waits for this screen.
    pub async fn open(&self, screen: &str) {
        self.open_at(&self.url(), screen).await;
    }

    /// The same with the page at an address.
    pub async fn open_at(&self, url: &str, screen: &str) {
        // A page of which only the part behind the `#` changes would not be loaded anew.
        self.browser.open("about:blank").await;
        self.browser.open(url).await;
        *self.worn.lock().expect("no walk panicked") = None;
        self.wear(Look::first()).await;
        self.browser.wait_for_screen(screen).await;
    }

    /// The page that is walked: the screens as they are shipped, or with what an examination needs beside.
    pub fn url(&self) -> String {
        match self.tour.visitor {
            Visitor::Pictures { .. } => self.wallet.url(),
            Visitor::Examiner(_) => format!("{}{WORKBENCH}", self.wallet.url()),
        }
    }

    /// The screen that is shown stands still, and is looked at. Afterwards it is as it was.
    ///
    /// # Panics
    /// When it goes away meanwhile.
    pub async fn stop(&self, name: &str) {
        self.look(name, Depth::Whole).await;
    }

    /// The same for a screen that somebody [`Held`] keeps for a few seconds only.
    ///
    /// # Panics
    /// When it goes away meanwhile.
    pub async fn glance(&self, name: &str) {
        self.look(name, Depth::Glance).await;
    }

    async fn look(&self, name: &str, depth: Depth) {
        self.tour.note(name);
        let before = self.here().await;
        match &self.tour.visitor {
            Visitor::Pictures { out, widths, extent } => self.take_pictures(name, out, widths, *extent).await,
            Visitor::Examiner(examiner) => self.examine(name, examiner, depth).await,
        }
        let after = self.here().await;
        assert_eq!(before, after, "the screen went away while it was looked at as {name}");
    }

    /// The same, with the part of the page that matches in the middle.
    pub async fn stop_at(&self, css: &str, name: &str) {
        self.browser.wait_for(css).await;
        let scroll = format!("document.querySelector('{css}').scrollIntoView({{ block: 'center' }})");
        self.browser.driver().execute(scroll, Vec::new()).await.expect("the page scrolls");
        self.stop(name).await;
    }

    /// What this script does to the page's calls of the wallet holds for every page from now on, until [`Self::mend`].
    pub async fn cut(&self, calls: Cut) -> Value {
        let script = json!({ "source": calls.script() });
        self.browser.tell_chromium("Page.addScriptToEvaluateOnNewDocument", &script).await
    }

    /// The wallet answers again.
    pub async fn mend(&self, cut: Value) {
        self.browser.tell_chromium("Page.removeScriptToEvaluateOnNewDocument", &cut).await;
    }

    /// Screen and stage that are shown.
    async fn here(&self) -> String {
        let look = "const main = document.querySelector('[data-screen]'); \
            return main ? main.dataset.screen + ' ' + (main.dataset.stage ?? '') : '';";
        let here = self.browser.driver().execute(look, Vec::new()).await.expect("the page can be asked");
        here.json().as_str().unwrap_or_default().to_owned()
    }

    /// Presses a button that leads to a screen.
    pub async fn go(&self, action: &str, screen: &str) {
        self.browser.act(action).await;
        self.browser.wait_for_screen(screen).await;
        if let Visitor::Examiner(examiner) = &self.tour.visitor {
            self.examine_arrival(screen, examiner).await;
        }
    }

    /// Presses a button after which something is there.
    pub async fn act_until(&self, action: &str, css: &str) {
        self.browser.act(action).await;
        self.browser.wait_for(css).await;
    }

    /// Types into a field.
    pub async fn type_into(&self, field: &str, text: &str) {
        let field = self.browser.wait_for(&format!("[data-field=\"{field}\"]")).await;
        field.send_keys(text).await.expect("a field takes text");
    }

    /// Empties a field, and types into it.
    pub async fn retype(&self, field: &str, text: &str) {
        let css = format!("[data-field=\"{field}\"]");
        self.browser.wait_for(&css).await.clear().await.expect("a field can be emptied");
        self.type_into(field, text).await;
    }

    /// Chooses a file, as a person does in the browser's own dialog.
    pub async fn choose_file(&self, action: &str, path: &str) {
        let chooser = self.browser.wait_for(&format!("[data-action=\"{action}\"]")).await;
        chooser.send_keys(path).await.expect("a file can be chosen");
    }

    /// Makes a choice.
    pub async fn choose(&self, setting: &str) {
        let choice = self.browser.wait_for(&format!("[data-setting=\"{setting}\"]")).await;
        choice.click().await.expect("a choice can be made");
    }

    /// A link of a new request comes from outside, as when a person taps it in a mail.
    pub async fn tap_new_link(&self, ask: &Ask) {
        let created = self.system.ask(ask).await;
        self.wallet.tap_link(created["link"].as_str().expect("a new request has a link")).await;
        self.browser.wait_for_screen("link-opened").await;
    }

    /// The same, as far as the request's own screen.
    pub async fn open_new_request(&self, ask: &Ask) {
        self.tap_new_link(ask).await;
        self.go("show-request", "request").await;
    }

    /// The walk is over.
    pub async fn end(self) {
        self.browser.close().await;
    }
}

/// What is wrong between a page, its wallet and its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// No call is answered.
    Silent,
    /// Every call is answered as one is of a wallet that does not open.
    Broken,
    /// The part with the settings does not come.
    SettingsLost,
}

impl Cut {
    const fn script(self) -> &'static str {
        match self {
            Self::Silent => {
                "const real = window.fetch; window.fetch = (at, ...rest) => String(at).startsWith('/ipc/') \
                ? new Promise(() => {}) : real.call(window, at, ...rest);"
            }
            Self::Broken => {
                "const real = window.fetch; window.fetch = (at, ...rest) => String(at).startsWith('/ipc/') \
                ? Promise.reject({ code: 'keyset_invalid', title: '', status: 0, money_moved: 'no', retryable: false }) \
                : real.call(window, at, ...rest);"
            }
            Self::SettingsLost => {
                "const real = window.fetch; window.fetch = (at, ...rest) => String(at).includes('split_settings') \
                ? Promise.reject(new TypeError('lost')) : real.call(window, at, ...rest);"
            }
        }
    }
}

/// A process that stands still until this is dropped, so that what it does can be looked at: a card in the middle of
/// being read, or a bank that has not answered yet. Wallet and server wait about ten seconds.
pub struct Held {
    process: u32,
}

impl Held {
    /// Stops a process.
    pub fn new(process: u32) -> Self {
        signal(process, "-STOP");
        Self { process }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        signal(self.process, "-CONT");
    }
}

fn signal(process: u32, name: &str) {
    let sent = std::process::Command::new("kill").args([name, &process.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "the process {process} is there");
}

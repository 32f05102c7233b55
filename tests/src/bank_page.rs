//! The bank's page: a customer with access to it, and a browser that is driven by its keys.

use std::path::PathBuf;

use serde_json::{Value, json};
use thirtyfour::Key;

use crate::browser::Browser;
use crate::code::Telephones;
use crate::system::{System, free_port, texts};

/// What the customers of tests sign in with, and pay with.
pub const SIGN_IN_PASSWORD: &str = "Marigold window 31";
/// The payment password that is chosen on the page.
pub const PAYMENT_PASSWORD: &str = "Quickset hedge 77";

/// Where the page is.
pub struct PageAddress(u16);

impl PageAddress {
    /// A free port.
    pub fn new() -> Self {
        Self(free_port())
    }

    /// What the bank front is started with.
    pub fn wishes(&self) -> Vec<String> {
        texts(&["--page-listen", &format!("127.0.0.1:{}", self.0)])
    }

    /// The page's address.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}/", self.0)
    }
}

impl Default for PageAddress {
    fn default() -> Self {
        Self::new()
    }
}

/// The counter puts a customer on file and gives it access to the page; the access number.
pub async fn give_access(system: &System, customer: &str, phone: &str, accounts: &[&str]) -> String {
    let data = system.data();
    let mut words = vec!["bank", "customer", "open", customer, "--data", &data, "--phone", phone];
    words.extend(accounts.iter().flat_map(|account| ["--account", account]));
    system.tapseal(&words).await;
    let words = ["bank", "online", "open", customer, "--data", &data, "--document-seen", "--json"];
    let access = system.tapseal(&words).await.success();
    access["access_number"].as_str().expect("an access has a number").to_owned()
}

/// The code in the newest message to this number that says so, once there are more than so many of them.
pub async fn code_saying(system: &System, telephones: &Telephones, phone: &str, says: &str, before: usize) -> String {
    let all = || -> Vec<String> { telephones.texts_to(phone).into_iter().filter(|text| text.contains(says)).collect() };
    system.wait_until(says, async || all().len() > before).await;
    let text = all().pop().expect("it was there a moment ago");
    let mut numbers = text.split(|letter: char| !letter.is_ascii_digit());
    numbers.find(|digits| [6, 8].contains(&digits.len())).expect("a code is in it").to_owned()
}

/// A person at a keyboard.
pub struct Keyboard<'a>(pub &'a Browser);

impl Keyboard<'_> {
    /// The Tab key until the control that matches has the focus.
    ///
    /// # Panics
    /// When it never has: somebody without a mouse could not reach it.
    pub async fn reach(&self, css: &str) {
        const STOPS_MAX: usize = 80;
        self.0.wait_for(css).await;
        let is_there = format!("return document.activeElement?.matches({}) ?? false", json!(css));
        for _ in 0..STOPS_MAX {
            let here = self.0.driver().execute(is_there.clone(), Vec::new()).await.expect("the page can be asked");
            if here.json() == &Value::Bool(true) {
                return;
            }
            self.press(Key::Tab).await;
        }
        panic!("{css} cannot be reached by keys: {}", self.0.text("body").await);
    }

    /// A key, wherever the focus is.
    pub async fn press(&self, key: Key) {
        self.0.driver().active_element().await.expect("something has the focus").send_keys(key).await.expect("a key");
    }

    /// Reaches a field and types into it, in the place of what was there.
    pub async fn type_into(&self, id: &str, text: &str) {
        self.reach(&format!("#{id}")).await;
        let field = self.0.driver().active_element().await.expect("the field has the focus");
        field.send_keys(Key::Control + "a").await.expect("a field's text can be marked");
        field.send_keys(text).await.expect("a field takes text");
    }

    /// Reaches a button and presses it.
    pub async fn act(&self, action: &str) {
        self.reach(&format!("[data-action=\"{action}\"]:not([disabled])")).await;
        self.press(Key::Enter).await;
    }
}

/// What axe-core finds on the page as it stands, and whether it scrolls sideways.
///
/// # Panics
/// When axe-core does not run.
pub async fn faults(browser: &Browser) -> Vec<String> {
    let Some(folder) = std::env::var_os("TAPSEAL_TEST_AXE").map(PathBuf::from) else { return Vec::new() };
    let axe = std::fs::read_to_string(folder.join("node_modules/axe-core/axe.min.js")).expect("axe-core is there");
    browser.driver().execute(axe, Vec::new()).await.expect("axe-core runs");
    let look = "const done = arguments[arguments.length - 1]; axe.run().then((found) => done(found.violations.map((it) => \
         it.id + ' ' + it.nodes.map((node) => node.target.join(' ')).join(', '))), (error) => done([String(error)]))";
    let found = browser.driver().execute_async(look, Vec::new()).await.expect("axe-core answers");
    let mut found: Vec<String> = found.convert().expect("a list of texts");
    let wide = "return document.documentElement.scrollWidth > innerWidth";
    let wide = browser.driver().execute(wide, Vec::new()).await.expect("the page can be measured");
    if wide.json() == &Value::Bool(true) {
        found.push("the page scrolls sideways".to_owned());
    }
    found
}

/// The same in both languages, light and dark, on a phone and a desktop. The page is left as it was, but for what was typed.
///
/// # Panics
/// With everything that was found.
pub async fn is_clean_in_every_look(browser: &Browser, screen: &str) {
    let mut all = Vec::new();
    for (width, height) in [(1_280, 800), (390, 844)] {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        browser.tell_chromium("Emulation.setDeviceMetricsOverride", &metrics).await;
        for shade in ["dark", "light"] {
            let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": shade }] });
            browser.tell_chromium("Emulation.setEmulatedMedia", &features).await;
            for tongue in ["zh-Hans", "en"] {
                let speak =
                    "if (document.documentElement.lang !== arguments[0]) document.getElementById('language').click()";
                browser.driver().execute(speak, vec![json!(tongue)]).await.expect("the language changes");
                let found = faults(browser).await;
                all.extend(found.into_iter().map(|fault| format!("{screen}, {width}, {shade}, {tongue}: {fault}")));
            }
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

//! A browser under WebDriver: the wallet's own window, or Chromium on the same screens.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};
use thirtyfour::error::WebDriverErrorInner;
use thirtyfour::prelude::*;
use tokio::process::{Child, Command};

use crate::process::program;
use crate::session::Session;
use crate::system::{free_port, texts};

/// How long a driver may take to start.
const DRIVER_WAIT: Duration = Duration::from_secs(30);
/// How long a screen may take to appear.
const SCREEN_WAIT: Duration = Duration::from_secs(30);
/// Of a hundred: letters stay sharp, and a phone's screen takes about 17 kB.
const WEBP_QUALITY: u8 = 60;
/// The pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// A browser with one page.
pub struct Browser {
    driver: WebDriver,
    /// Where its driver listens.
    port: String,
    child: Child,
    /// For what WebDriver has no word for.
    client: reqwest::Client,
    /// Where a window's desktop wrote its variables.
    session: Option<PathBuf>,
}

/// Writes the variables of the desktop it runs on to the file it is given first, and becomes the program after it.
const TELL_SESSION: &str = "env > \"$0\" && exec \"$@\"";

impl Browser {
    /// The wallet's window, started with a payment link as the system does when a person taps one. It has a
    /// display and a session bus of its own; `log` gets what it says.
    pub async fn window(link: &str, environment: &[(&str, String)], log: &Path) -> Self {
        Self::window_with(&[link], environment, log).await
    }

    /// The wallet's window, started with these arguments, as from the desktop's menu when there are none.
    pub async fn window_with(arguments: &[&str], environment: &[(&str, String)], log: &Path) -> Self {
        let (port, native_port) = (free_port().to_string(), free_port().to_string());
        let mut command = Command::new("dbus-run-session");
        command.args(["--", "xvfb-run", "-a", "--server-args=-screen 0 1400x1000x24", "sh", "-c", TELL_SESSION]);
        let session = log.with_extension("session");
        command.arg(&session).arg("tauri-driver");
        command.args(["--port", &port, "--native-port", &native_port, "--native-driver", "/usr/bin/WebKitWebDriver"]);
        command.env("NO_AT_BRIDGE", "1");
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        let child = start(command, log);
        let mut capabilities = Capabilities::new();
        let application = program("tapseal-app");
        // WebKitWebDriver refuses a browser name: only the application may be said.
        capabilities
            .set("tauri:options", json!({ "application": application, "args": arguments }))
            .expect("a path is JSON");
        Self {
            driver: connect(&port, capabilities).await,
            port,
            child,
            client: reqwest::Client::new(),
            session: Some(session),
        }
    }

    /// The window of a package that was installed in a Debian root, started there from the menu by this user. The servers
    /// and the card outside are reached as usual.
    pub async fn installed(root: &Path, user: &str, environment: &[(&str, String)], log: &Path) -> Self {
        let port = free_port().to_string();
        let inside = "/tmp/session";
        let mut command = inside_root(root, user);
        command.args(["dbus-run-session", "--", "xvfb-run", "-a", "--server-args=-screen 0 1400x1000x24"]);
        command.args(["sh", "-c", TELL_SESSION, inside, "WebKitWebDriver", &format!("--port={port}")]);
        command.env("NO_AT_BRIDGE", "1");
        // tauri-driver says these; here its own driver is spoken to.
        command.env("TAURI_AUTOMATION", "true").env("TAURI_WEBVIEW_AUTOMATION", "true");
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        let child = start(command, log);
        let mut capabilities = Capabilities::new();
        let options = json!({ "binary": "/usr/bin/tapseal-app", "args": [] });
        capabilities.set("webkitgtk:browserOptions", options).expect("JSON is JSON");
        let session = root.join(inside.trim_start_matches('/'));
        Self {
            driver: connect(&port, capabilities).await,
            port,
            child,
            client: reqwest::Client::new(),
            session: Some(session),
        }
    }

    /// The desktop the window is on.
    ///
    /// # Panics
    /// When it is a browser, which has none.
    pub fn session(&self) -> Session {
        Session::written_to(self.session.as_deref().expect("a window has a desktop"))
    }

    /// Headless Chromium, as a phone or a desktop of this size in CSS pixels.
    pub async fn chromium(width: u32, height: u32, log: &Path) -> Self {
        let port = free_port().to_string();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}"));
        let child = start(command, log);
        let profile = log.with_extension("chromium");
        let arguments = texts(&[
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            &format!("--user-data-dir={}", profile.display()),
        ]);
        let metrics = json!({ "width": width, "height": height, "pixelRatio": 1.0, "mobile": false, "touch": false });
        let mut capabilities = Capabilities::new();
        capabilities.set("browserName", "chrome").expect("a text is JSON");
        // The servers of the tests have certificates of their own authority.
        capabilities.set("acceptInsecureCerts", true).expect("yes is JSON");
        let options = json!({ "args": arguments, "mobileEmulation": { "deviceMetrics": metrics } });
        capabilities.set("goog:chromeOptions", options).expect("JSON is JSON");
        Self { driver: connect(&port, capabilities).await, port, child, client: reqwest::Client::new(), session: None }
    }

    /// The driver, for what this type has no word for.
    pub const fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// Tells Chromium something that WebDriver has no word for: a command of its `DevTools` protocol.
    pub async fn tell_chromium(&self, command: &str, parameters: &Value) -> Value {
        let session = self.driver.session_id();
        let url = format!("http://127.0.0.1:{}/session/{session}/goog/cdp/execute", self.port);
        let body = json!({ "cmd": command, "params": parameters });
        let answer = self.client.post(url).json(&body).send().await.expect("the driver answers");
        let is_done = answer.status().is_success();
        let mut said: Value = answer.json().await.expect("the driver answers in JSON");
        assert!(is_done, "{command}: {said}");
        said["value"].take()
    }

    /// What is shown now as a WebP picture, of the quality that the project's own pictures have. Chromium only.
    pub async fn webp(&self) -> Vec<u8> {
        let format = json!({ "format": "webp", "quality": WEBP_QUALITY });
        let picture = self.tell_chromium("Page.captureScreenshot", &format).await;
        BASE64_STANDARD.decode(picture["data"].as_str().unwrap_or_default()).expect("Chromium writes base64")
    }

    /// Opens a page.
    pub async fn open(&self, url: &str) {
        self.driver.goto(url).await.expect("the page opens");
    }

    /// The screen that is shown now.
    pub async fn screen(&self) -> String {
        let found = self.driver.find(By::Css("[data-screen]")).await;
        match found {
            Ok(element) => element.attr("data-screen").await.ok().flatten().unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Waits until this screen is shown.
    ///
    /// # Panics
    /// When it is not within half a minute; says which screen is shown instead.
    pub async fn wait_for_screen(&self, name: &str) {
        self.wait_for_one_of(&[name]).await;
    }

    /// Waits until one of these screens is shown, and says which.
    pub async fn wait_for_one_of(&self, names: &[&str]) -> String {
        let started = Instant::now();
        loop {
            let shown = self.screen().await;
            if names.contains(&shown.as_str()) {
                return shown;
            }
            if started.elapsed() > SCREEN_WAIT {
                let page = self.text("body").await;
                panic!("waited for the screen {names:?}, but {shown:?} is shown: {page}");
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    /// Waits until something matches the CSS selector.
    pub async fn wait_for(&self, css: &str) -> WebElement {
        let started = Instant::now();
        loop {
            if let Ok(element) = self.driver.find(By::Css(css.to_owned())).await {
                return element;
            }
            assert!(started.elapsed() < SCREEN_WAIT, "nothing matches {css}: {}", self.text("body").await);
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    /// Clicks the control with this `data-action`.
    pub async fn act(&self, action: &str) {
        self.press(&format!("[data-action=\"{action}\"]:not([disabled])")).await;
    }

    /// Clicks the first control that matches the CSS selector.
    pub async fn press(&self, css: &str) {
        let started = Instant::now();
        let scroll = format!("document.querySelector({css:?})?.scrollIntoView({{ block: 'center' }})");
        loop {
            let control = self.wait_for(css).await;
            self.driver.execute(scroll.clone(), Vec::new()).await.expect("the page scrolls");
            let Err(error) = control.click().await else { return };
            // A screen that is drawn anew takes its control with it, and a note may lie over it for a while: a person waits,
            // and presses what is there then.
            let passes = matches!(
                error.as_inner(),
                WebDriverErrorInner::StaleElementReference(_)
                    | WebDriverErrorInner::ElementClickIntercepted(_)
                    | WebDriverErrorInner::ElementNotInteractable(_)
            );
            assert!(passes && started.elapsed() < SCREEN_WAIT, "{css} cannot be clicked: {error}");
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    /// Opens a payment link as a person who pastes it does, as far as the request's own screen.
    pub async fn open_link(&self, link: &str) {
        let field = self.wait_for("[data-field=\"link\"]").await;
        field.send_keys(link).await.expect("the link can be typed");
        self.act("open-link").await;
        self.look_at_request().await;
    }

    /// The same with a link that is pasted: one event, and not one for each letter.
    pub async fn paste_link(&self, link: &str) {
        self.wait_for("[data-field=\"link\"]").await;
        let paste = "const field = document.querySelector('[data-field=link]'); field.value = arguments[0]; \
            field.dispatchEvent(new Event('input', { bubbles: true }));";
        self.driver.execute(paste, vec![json!(link)]).await.expect("the link can be pasted");
        self.act("open-link").await;
        self.look_at_request().await;
    }

    /// Goes on from a request's introduction to the request's own screen.
    pub async fn look_at_request(&self) {
        let shown = self.wait_for_one_of(&["request", "link-opened", "first-contact"]).await;
        if shown != "request" {
            self.act("show-request").await;
            self.wait_for_screen("request").await;
        }
    }

    /// The text of the first match.
    pub async fn text(&self, css: &str) -> String {
        match self.driver.find(By::Css(css.to_owned())).await {
            Ok(element) => element.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// The text of the first match, once it has one: what moves in is not seen at first.
    pub async fn wait_for_text(&self, css: &str) -> String {
        let started = Instant::now();
        loop {
            let text = self.text(css).await;
            if !text.is_empty() {
                return text;
            }
            assert!(started.elapsed() < SCREEN_WAIT, "{css} has no text: {}", self.text("body").await);
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    /// Waits until the screen says all of these, and answers all it says.
    pub async fn wait_for_words(&self, words: &[&str]) -> String {
        let started = Instant::now();
        loop {
            let shown = self.text("[data-screen]").await;
            if words.iter().all(|word| shown.contains(word)) {
                return shown;
            }
            assert!(started.elapsed() < SCREEN_WAIT, "the screen does not say {words:?}, but {shown:?}");
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    /// Saves what is shown as a PNG.
    pub async fn screenshot(&self, path: &Path) {
        let picture = self.driver.screenshot_as_png().await.expect("a screenshot");
        std::fs::write(path, picture).expect("the picture can be written");
    }

    /// Enters a PIN on the pad in its usual order.
    pub async fn enter_pin(&self, pin: &str) {
        for digit in pin.chars() {
            self.press_digit(digit).await;
        }
        self.act("confirm-pin").await;
    }

    async fn press_digit(&self, digit: char) {
        let filled = self.filled().await;
        self.key_of(digit).await.click().await.expect("a key can be pressed");
        let started = Instant::now();
        while self.filled().await == filled {
            assert!(started.elapsed() < SCREEN_WAIT, "the pad did not take a digit");
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    /// The key of a digit, on a pad in its usual order; the pad is laid out a moment after it was asked for.
    async fn key_of(&self, digit: char) -> WebElement {
        let started = Instant::now();
        loop {
            for key in self.driver.find_all(By::Css("[data-position]")).await.unwrap_or_default() {
                if key.text().await.is_ok_and(|text| text.trim() == digit.to_string()) {
                    return key;
                }
            }
            assert!(started.elapsed() < SCREEN_WAIT, "the pad has no key {digit}: is it in its usual order?");
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    async fn filled(&self) -> String {
        let dots = self.driver.find(By::Css("[data-filled]")).await;
        match dots {
            Ok(dots) => dots.attr("data-filled").await.ok().flatten().unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// Ends the session; the driver and what it started end when this is dropped.
    pub async fn close(self) {
        // A browser that has gone already is closed.
        let _ = self.driver.clone().quit().await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Driver, browser, display and bus are one process group: none is left behind, whatever failed.
        if let Some(leader) = self.child.id() {
            let _ = std::process::Command::new("kill").args(["-TERM", "--", &format!("-{leader}")]).status();
        }
    }
}

/// A command for this user in a Debian root, with what every program expects to be mounted there for as long as it runs.
pub fn inside_root(root: &Path, user: &str) -> Command {
    const ENTER: &str = "mount --rbind /proc \"$0/proc\" && mount --rbind /sys \"$0/sys\" && \
        mount --rbind /dev \"$0/dev\" && mount -t tmpfs tmpfs \"$0/dev/shm\" && exec chroot --userspec=\"$1\" \"$0\" \
        env HOME=\"/home\"/\"$1\" \"${@:2}\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "bash", "-c", ENTER]).arg(root).arg(user);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LANG", "C.UTF-8");
    command
}

fn start(mut command: Command, log: &Path) -> Child {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(log).expect("the log can be written");
    let errors = file.try_clone().expect("a file handle can be copied");
    command.stdin(Stdio::null()).stdout(file).stderr(errors).process_group(0);
    command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}; run `cargo xtask setup`"))
}

async fn connect(port: &str, capabilities: Capabilities) -> WebDriver {
    let url = format!("http://127.0.0.1:{port}");
    let started = Instant::now();
    loop {
        match WebDriver::new(&url, capabilities.clone()).await {
            Ok(driver) => return driver,
            Err(error) => assert!(started.elapsed() < DRIVER_WAIT, "no WebDriver session: {error}"),
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

/// The root of the project, from where this crate was built.
pub fn project_root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().expect("the tests lie in the project").to_owned()
}

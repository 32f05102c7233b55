//! Every screen of the wallet at phone and desktop width, light and dark, in English and Chinese: real servers,
//! a real wallet, a virtual card, and Chromium.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Parser;
use e2e::browser::{Browser, project_root};
use e2e::card::Card;
use e2e::payer::PIN;
use e2e::remote::RemoteWallet;
use e2e::scene::merchant_album;
use e2e::system::{Ask, System, Wishes, free_port, texts};
use protocol::ipc::{Language, SaveSettings, Settings, Theme};

/// Phone and desktop, in CSS pixels.
const SIZES: [(u32, u32); 2] = [(390, 844), (1280, 800)];

/// Track 2 of a card that has a chip (service code 201). Public test number.
const CHIP_TRACK: &[u8] = b";4111111111111111=30122010000?\n";

#[path = "screenshots/payer.rs"]
mod payer;

#[derive(Parser)]
struct Options {
    /// Where the pictures go; `docs/screenshots` unless said otherwise.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Only these; everything unless said otherwise.
    #[arg(long)]
    only: Option<Part>,
}

/// Whose screens are pictured.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The payer's.
    Payer,
    /// The merchant's.
    Merchant,
}

/// One series of pictures.
struct Series<'a> {
    system: &'a System,
    browser: Browser,
    wallet: RemoteWallet,
    reader: String,
    /// What a stripe reader types.
    stripe: File,
    out: PathBuf,
    suffix: String,
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let out = options.out.unwrap_or_else(|| project_root().join("docs/screenshots"));
    std::fs::create_dir_all(&out).expect("the folder for pictures can be made");
    if options.only != Some(Part::Payer) {
        merchant_album::take_all(&out).await;
    }
    if options.only != Some(Part::Merchant) {
        take_payer(&out).await;
    }
}

async fn take_payer(out: &Path) {
    let wishes = Wishes { server: texts(&["--answer-timeout-ms", "1500"]), ..Wishes::default() };
    let system = System::start(wishes).await;
    let looks = [(Theme::Light, "light"), (Theme::Dark, "dark")];
    let languages = [(Language::English, "en"), (Language::Chinese, "zh")];
    let mut number = 0;
    for (width, height) in SIZES {
        for (theme, look) in looks {
            for (language, tongue) in languages {
                number += 1;
                let suffix = format!("{width}-{look}-{tongue}");
                let reader = format!("127.0.0.1:{}", free_port());
                let name = format!("wallet-{suffix}");
                let line = system.folder().join(format!("stripe-{suffix}"));
                let stripe = stripe_line(&line);
                let readers = [format!("simulated:{reader}"), format!("stripe:{}", line.display())];
                let wallet = RemoteWallet::start_at(&system, &name, &readers.each_ref().map(String::as_str)).await;
                let settings = Settings { language, theme, ..Settings::default() };
                wallet.call(&SaveSettings { settings }).await.expect("settings can be saved");
                let browser = Browser::chromium(width, height, &system.log(&format!("chromium-{suffix}"))).await;
                let series = Series { system: &system, browser, wallet, reader, stripe, out: out.to_owned(), suffix };
                series.take(number).await;
                println!("{look} {tongue} at {width} px: done");
            }
        }
    }
}

impl Series<'_> {
    async fn picture(&self, screen: &str) {
        // The browser paints after the page has changed: two frames later everything is there.
        let settle = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => \
            setTimeout(done, 450)));";
        self.browser.driver().execute_async(settle, Vec::new()).await.expect("the page settles");
        self.browser.screenshot(&self.out.join(format!("{screen}-{}.png", self.suffix))).await;
    }

    /// The same, with the part of the page that matches in the middle.
    async fn picture_of(&self, css: &str, screen: &str) {
        let scroll = format!("document.querySelector('{css}').scrollIntoView({{ block: 'center' }})");
        self.browser.driver().execute(scroll, Vec::new()).await.expect("the page scrolls");
        self.picture(screen).await;
    }

    async fn take(mut self, number: u32) {
        self.browser.open(&self.wallet.url()).await;
        self.browser.wait_for_screen("inbox").await;
        self.picture("inbox-empty").await;
        self.arrive(number).await;
        self.pay().await;
        self.after().await;
        self.test_reader().await;
        self.doubt(number).await;
        self.fail(number).await;
        self.swipe().await;
        self.hold_a_phone().await;
        self.make_a_number().await;
        self.report_a_request(number).await;
        self.browser.close().await;
    }

    /// A request arrives at a claimed address, from a merchant never seen before.
    async fn arrive(&self, number: u32) {
        let address = format!("ada{number}@example.org");
        self.wallet.claim(self.system, &address).await;
        let items = &["Flat white:2:9.80", "Croissant:1:3.00"];
        let ask = Ask { order: format!("A-{number}01"), email: Some(address), items, ..Ask::default() };
        self.system.ask(&ask).await;
        self.browser.wait_for("[data-action=\"open-request\"]").await;
        self.picture("inbox").await;
        self.browser.act("open-request").await;
        self.browser.wait_for_screen("first-contact").await;
        self.picture("first-contact").await;
        self.browser.act("show-request").await;
        self.browser.wait_for_screen("request").await;
        self.picture("request").await;
        self.browser.act("items").await;
        self.picture("request-items").await;
    }

    async fn pay(&self) {
        self.browser.act("pay").await;
        self.browser.wait_for_screen("card").await;
        self.picture("card").await;
        let card = Card::present_at(self.system, "visa", &self.reader, &["--delay-ms", "600"]);
        self.browser.wait_for("[data-stage=\"reading\"]").await;
        self.picture("card-reading").await;
        self.browser.wait_for_screen("pin").await;
        self.picture("pin").await;
        self.browser.act("standard-keys").await;
        self.picture("pin-standard").await;
        self.browser.enter_pin("9999").await;
        self.browser.wait_for_screen("result.refused").await;
        self.picture("result.refused").await;
        self.browser.act("try-again").await;
        self.browser.wait_for_screen("pin").await;
        self.browser.act("standard-keys").await;
        self.system.scenario("slow").await;
        self.browser.enter_pin(PIN).await;
        self.browser.wait_for_screen("sealing").await;
        self.picture("sealing").await;
        self.system.scenario("none").await;
        self.browser.wait_for_screen("result.paid").await;
        self.picture("result.paid").await;
        card.remove().await;
    }

    async fn after(&self) {
        self.browser.act("receipt").await;
        self.browser.wait_for_screen("receipt").await;
        self.browser.wait_for("[data-seal]").await;
        self.picture("receipt").await;
        self.browser.act("back").await;
        for (action, screen) in [
            ("history", "history"),
            ("verify", "receipt.verify"),
            ("settings", "settings"),
            ("settings.readers", "settings.readers"),
        ] {
            self.browser.act(action).await;
            self.browser.wait_for_screen(screen).await;
            self.picture(screen).await;
        }
    }

    /// From the settings: a reader that is tested, with a card that is read and one that leaves too early.
    async fn test_reader(&self) {
        self.browser.act("test-reader").await;
        self.browser.wait_for_screen("reader.test").await;
        self.browser.wait_for("[data-check=\"read\"]").await;
        self.picture("reader.test").await;
        let card = Card::present_at(self.system, "unionpay", &self.reader, &["--delay-ms", "300"]);
        self.browser.wait_for("[data-test=\"read\"]").await;
        self.picture("reader.test-read").await;
        card.remove().await;
        self.browser.act("test-again").await;
        let card = Card::present_at(self.system, "mastercard", &self.reader, &["--remove-after", "2"]);
        self.browser.wait_for("[data-test=\"failed\"]").await;
        self.picture("reader.test-failed").await;
        card.remove().await;
        self.browser.act("done").await;
        self.browser.wait_for_screen("settings.readers").await;
        self.browser.act("inbox").await;
        self.browser.wait_for_screen("inbox").await;
    }

    /// Cards that are torn out, blocked, or not safe to tap; and a system without a reader.
    async fn fail(&self, number: u32) {
        self.browser.act("done").await;
        self.open_link(&format!("A-{number}03")).await;
        self.browser.act("pay").await;
        self.browser.wait_for_screen("card").await;
        self.browser.act("readers").await;
        self.picture("card-readers").await;
        self.browser.act("readers").await;
        for (interface, gesture) in [("contactless", "tap"), ("contact", "insert")] {
            let further = ["--interface", interface, "--remove-after", "2", "--delay-ms", "600"];
            let card = Card::present_at(self.system, "mastercard", &self.reader, &further);
            self.browser.wait_for(&format!("[data-stage=\"reading\"] [data-gesture=\"{gesture}\"]")).await;
            self.picture(&format!("card-reading-{gesture}")).await;
            self.browser.wait_for("[data-stage=\"waiting_for_card\"] [data-notice=\"card_removed\"]").await;
            card.remove().await;
            self.picture(&format!("card-removed-{gesture}")).await;
        }
        for (profile, interface) in [("blocked", "contact"), ("mag-stripe-mode", "contactless")] {
            let card = Card::present_at(self.system, profile, &self.reader, &["--interface", interface]);
            self.browser.wait_for_screen("card.error").await;
            self.picture(&format!("card.error-{profile}")).await;
            card.remove().await;
            self.browser.act("try-again").await;
            self.browser.wait_for_screen("card").await;
        }
    }

    /// A stripe reader is chosen, and a card with a chip pulled through it; then the person cancels.
    async fn swipe(&mut self) {
        self.browser.act("readers").await;
        let choice = self.browser.wait_for("[data-reader^=\"stripe:\"]:not([disabled])").await;
        choice.click().await.expect("a reader can be chosen");
        self.browser.wait_for("[data-gesture=\"swipe\"]").await;
        self.picture("card-swipe").await;
        self.stripe.write_all(CHIP_TRACK).expect("the stripe reader takes what is pulled through");
        self.browser.wait_for("[data-notice=\"card_use_chip\"]").await;
        self.picture("card-swipe-chip").await;
        self.browser.act("stop").await;
        self.browser.wait_for_screen("request").await;
    }

    /// A phone that has checked its owner pays without a PIN.
    async fn hold_a_phone(&self) {
        self.browser.act("pay").await;
        self.browser.wait_for_screen("card").await;
        self.browser.act("readers").await;
        let choice = self.browser.wait_for("[data-reader=\"\"][data-action=\"choose-reader\"]:not([disabled])").await;
        choice.click().await.expect("any reader can be chosen");
        self.system.scenario("slow").await;
        let card = Card::present_at(self.system, "phone-visa", &self.reader, &["--interface", "contactless"]);
        self.browser.wait_for("[data-confirmation=\"on-device\"]").await;
        self.picture("sealing-phone").await;
        self.system.scenario("none").await;
        self.browser.wait_for_screen("result.paid").await;
        card.remove().await;
    }

    /// A link from outside, as far as its request.
    async fn open_link(&self, order: &str) {
        let created = self.system.ask(&Ask { order: order.to_owned(), ..Ask::default() }).await;
        self.wallet.tap_link(created["link"].as_str().expect("a new request has a link")).await;
        self.browser.wait_for_screen("link-opened").await;
        self.browser.act("show-request").await;
        self.browser.wait_for_screen("request").await;
    }

    /// A link tapped in a mail, a card with two applications, and a bank that does not answer.
    async fn doubt(&self, number: u32) {
        let created = self.system.ask(&Ask { order: format!("A-{number}02"), ..Ask::default() }).await;
        self.wallet.tap_link(created["link"].as_str().expect("a new request has a link")).await;
        self.browser.wait_for_screen("link-opened").await;
        self.picture("link-opened").await;
        self.browser.act("show-request").await;
        self.browser.wait_for_screen("request").await;
        let profile = two_applications(self.system);
        let card = Card::present_at(self.system, &profile, &self.reader, &["--interface", "contact"]);
        self.browser.act("pay").await;
        self.browser.wait_for_screen("card.choose").await;
        self.picture("card.choose").await;
        self.browser.act("choose-application").await;
        self.browser.wait_for_screen("pin").await;
        // The bank's answer goes back to a card in a slot.
        self.browser.wait_for("[data-stays=\"true\"]").await;
        self.picture("pin-leave-card").await;
        self.browser.act("standard-keys").await;
        self.system.scenario("silent").await;
        self.browser.enter_pin(PIN).await;
        self.browser.wait_for_screen("result.unknown").await;
        self.picture("result.unknown").await;
        self.system.scenario("none").await;
        card.remove().await;
    }
}

/// A line that a stripe reader types into; it stays open here, so that it never ends.
fn stripe_line(path: &Path) -> File {
    let made = std::process::Command::new("mkfifo").arg(path).status();
    assert!(made.is_ok_and(|status| status.success()), "a pipe can be made");
    File::options().read(true).write(true).open(path).expect("a pipe can be opened")
}

/// A profile of a card that carries two applications, for the screen that lets the cardholder choose.
fn two_applications(system: &System) -> String {
    let (_, visa) = virtual_card::BUILT_IN[0];
    let start = visa.find("[[applications]]").expect("a profile has an application");
    let second = visa[start..].replace("A0000000031010", "A0000000032010").replace("priority = 1", "priority = 2");
    let second = second.replace("VISA CREDIT", "VISA ELECTRON").replace("Tapseal Visa", "Tapseal Debit");
    let file = system.folder().join("two-applications.toml");
    std::fs::write(&file, format!("{visa}\n{second}")).expect("the folder can be written");
    file.to_str().expect("temporary paths are plain").to_owned()
}

//! Years of payments on the screens: found while typing, filtered, walked by keyboard alone, kept as files that other
//! programs read, and checked by anybody.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use e2e::browser::{Browser, project_root};
use e2e::process::Running;
use e2e::system::texts;
use e2e::years::{Years, sale};
use serde_json::json;
use tempfile::TempDir;
use thirtyfour::prelude::*;

/// A phone, in CSS pixels.
const PHONE: (u32, u32) = (390, 844);
/// How long a file may take to arrive.
const FILE_WAIT: Duration = Duration::from_secs(30);
/// How long the wallet may take to enter what it was given.
const ENTER_WAIT: Duration = Duration::from_mins(3);
/// The pause between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// A wallet with years behind it, its screens, and a folder where the browser saves files.
struct Desk {
    folder: TempDir,
    browser: Browser,
    years: Years,
    _bridge: Running,
}

impl Desk {
    async fn with(receipts: u64) -> Self {
        let folder = TempDir::new().expect("a folder");
        let years = Years::filled(folder.path(), receipts).await;
        let plain = |path: &Path| path.to_str().expect("temporary paths are plain").to_owned();
        let bundle = project_root().join("ui/dist");
        let arguments =
            texts(&["--home", &plain(&years.home), "--trust", &plain(&years.trust), "--bundle", &plain(&bundle)]);
        let bridge = Running::start("wallet_bridge", &arguments, &folder.path().join("bridge.log")).await;
        introduced(&bridge.address()).await;
        let (width, height) = PHONE;
        let browser = Browser::chromium(width, height, &folder.path().join("chromium.log")).await;
        let saved = folder.path().join("saved");
        std::fs::create_dir(&saved).expect("a folder for files");
        let behave = json!({ "behavior": "allow", "downloadPath": plain(&saved) });
        browser.tell_chromium("Browser.setDownloadBehavior", &behave).await;
        browser.open(&format!("http://{}", bridge.address())).await;
        browser.wait_for_one_of(&["inbox"]).await;
        browser.act("history").await;
        browser.wait_for_screen("history").await;
        let desk = Self { folder, browser, years, _bridge: bridge };
        desk.sum(&format!("{} payments", grouped(receipts))).await;
        desk
    }

    /// Waits until what was found begins with this.
    async fn sum(&self, begins: &str) -> String {
        let started = Instant::now();
        loop {
            let said = self.browser.text("[data-part=\"found\"]").await;
            if said.starts_with(begins) {
                return said;
            }
            assert!(started.elapsed() < ENTER_WAIT, "{begins:?} is not what was found: {said:?}");
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    async fn search(&self, text: &str) {
        let field = self.browser.wait_for("[data-field=\"history-search\"]").await;
        field.clear().await.expect("the field can be emptied");
        field.send_keys(text).await.expect("the field takes words");
    }

    async fn keys(&self, keys: &str) {
        self.browser.driver().action_chain().send_keys(keys).perform().await.expect("keys can be typed");
    }

    /// The place of the entry that has the focus, and how many a screen reader is told there are.
    async fn focused(&self) -> (String, String) {
        let script = "const row = document.activeElement.closest('[aria-posinset]'); \
            return row ? [row.ariaPosInSet, row.ariaSetSize] : ['', '']";
        let answer = self.browser.driver().execute(script, Vec::new()).await.expect("the page answers");
        answer.convert::<(String, String)>().expect("two texts")
    }

    /// Gives the first entry the focus, once the screen gave it to its heading: it would take it away again.
    async fn focus_first(&self) {
        self.browser.wait_for("main h1:focus").await;
        self.browser.wait_for("[data-action=\"open-receipt\"]").await;
        let script = "document.querySelector('[data-action=open-receipt]').focus()";
        self.browser.driver().execute(script, Vec::new()).await.expect("focus");
    }

    /// Waits until this place has the focus.
    async fn focus_at(&self, place: u64) {
        self.focus_within(place..place + 1).await;
    }

    /// Waits until one of these places has the focus.
    async fn focus_within(&self, places: Range<u64>) {
        let started = Instant::now();
        loop {
            let (now, _) = self.focused().await;
            if now.parse().is_ok_and(|now: u64| places.contains(&now)) {
                return;
            }
            assert!(started.elapsed() < FILE_WAIT, "none of {places:?} has the focus, but {now:?}");
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    /// The file with this ending that was saved.
    async fn saved(&self, ending: &str) -> PathBuf {
        let started = Instant::now();
        loop {
            let files = std::fs::read_dir(self.folder.path().join("saved")).expect("the folder can be read");
            let files = files.map(|file| file.expect("an entry").path());
            if let Some(file) = files.into_iter().find(|file| file.extension().is_some_and(|it| it == ending)) {
                return file;
            }
            assert!(started.elapsed() < FILE_WAIT, "no file with .{ending} was saved");
            tokio::time::sleep(LOOK_PAUSE).await;
        }
    }

    async fn export(&self, action: &str) {
        self.browser.act("history-tools").await;
        self.browser.act(action).await;
    }
}

/// The person has seen what a new wallet shows first.
async fn introduced(address: &str) {
    let client = reqwest::Client::new();
    // A wallet that knows no first run has no such command, and shows none.
    let _ = client.post(format!("http://{address}/ipc/introduced")).json(&json!({})).send().await;
}

fn grouped(number: u64) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", number / 1_000, number % 1_000) }
}

/// The minute of the day at the end of a date, as in `22 November 2026 at 12:04`.
fn minute_of_day(date: &str) -> i32 {
    let (_, time) = date.rsplit_once(' ').expect("a date and a time");
    let (hour, minute) = time.split_once(':').expect("an hour and its minute");
    let number = |digits: &str| digits.parse::<i32>().expect("a number");
    number(hour) * 60 + number(minute)
}

/// What a program that others wrote makes of a file.
fn read_by(program: &str, arguments: &[&str]) -> String {
    let output = std::process::Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; run `cargo xtask setup`"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it speaks UTF-8")
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_payments_are_walked_by_keyboard_alone() {
    let desk = Desk::with(10_000).await;
    let browser = &desk.browser;
    browser.wait_for("[data-action=\"open-receipt\"]").await;
    let drawn = browser.driver().find_all(By::Css(".virtual-row")).await.expect("rows").len();
    assert!(drawn < 60, "{drawn} rows are drawn");
    desk.focus_first().await;
    assert_eq!(desk.focused().await, ("1".to_owned(), "10000".to_owned()));
    desk.keys("\u{e015}\u{e015}\u{e015}").await;
    desk.focus_at(4).await;
    desk.keys("\u{e013}").await;
    desk.focus_at(3).await;
    desk.keys("\u{e010}").await;
    desk.focus_at(10_000).await;
    let last = sale(9_999);
    browser.wait_for("[data-index=\"9999\"] [data-action=\"open-receipt\"]").await;
    desk.keys("\u{e00e}").await;
    desk.focus_within(9_900..10_000).await;
    desk.keys("\u{e010}").await;
    desk.focus_at(10_000).await;
    desk.keys("\u{e007}").await;
    browser.wait_for_screen("receipt").await;
    browser.wait_for("[data-seal=\"bank\"][data-verified=\"true\"]").await;
    browser.wait_for_words(&[&last.order_number]).await;
    desk.keys("\u{e00c}").await;
    browser.wait_for_screen("history").await;
    desk.focus_first().await;
    desk.keys("\u{e010}\u{e011}").await;
    desk.focus_at(1).await;
    desk.browser.act("verify").await;
    desk.browser.wait_for_screen("receipt.verify").await;
    desk.browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_are_found_while_typing_and_kept_as_files_that_others_read() {
    let desk = Desk::with(400).await;
    let of = |wanted: &dyn Fn(u64) -> bool| (0..400).filter(|number| wanted(*number)).count();
    let payee = |number: u64, index: usize| sale(number).payee == index;
    desk.search("蓝门").await;
    desk.sum(&format!("{} payments", of(&|number| payee(number, 1)))).await;
    desk.search("blue door").await;
    let blue = of(&|number| payee(number, 0));
    desk.sum(&format!("{blue} payments")).await;
    desk.browser.act("filter").await;
    let currency = desk.browser.wait_for("[data-field=\"filter-currency\"] option[value=\"CNY\"]").await;
    currency.click().await.expect("a currency can be chosen");
    desk.browser.act("close-filters").await;
    let both = of(&|number| payee(number, 0) && sale(number).currency == "CNY");
    desk.sum(&format!("{both} payments")).await;
    desk.browser.act("drop-currency").await;
    desk.sum(&format!("{blue} payments")).await;
    desk.search("zebra").await;
    desk.browser.act("clear-search-and-filters").await;
    desk.sum("400 payments").await;

    desk.search("蓝门").await;
    desk.sum(&format!("{} payments", of(&|number| payee(number, 1)))).await;
    desk.export("export-csv").await;
    let table = desk.saved("csv").await;
    let script = "import csv,sys; rows=list(csv.DictReader(open(sys.argv[1],encoding='utf-8-sig',newline=''))); \
        print(len(rows), {row['payee'] for row in rows}, rows[0]['time'][:4])";
    let read = read_by("python3", &["-c", script, table.to_str().expect("plain")]);
    assert_eq!(read.trim(), format!("{} {{'蓝门咖啡'}} 2026", of(&|number| payee(number, 1))));

    desk.export("export-pdf").await;
    let document = desk.saved("pdf").await;
    let text = read_by("pdftotext", &["-layout", document.to_str().expect("plain"), "-"]);
    assert!(text.contains("Payments") && text.contains("蓝门咖啡") && text.contains("Page 1 of"), "{text}");
    assert_eq!(text.matches("A-").count(), of(&|number| payee(number, 1)), "a line each");
    desk.browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipts_document_is_read_by_others_and_checked_by_anybody() {
    let desk = Desk::with(12).await;
    let number = (0..12).find(|number| sale(*number).payee == 1 || sale(*number).payee == 3).expect("a Chinese payee");
    let sale = sale(number);
    desk.search(&sale.order_number).await;
    desk.sum("1 payment").await;
    desk.browser.act("open-receipt").await;
    desk.browser.wait_for_screen("receipt").await;
    desk.browser.act("save-pdf").await;
    let document = desk.saved("pdf").await;
    let document = document.to_str().expect("plain");
    let text = read_by("pdftotext", &["-layout", document, "-"]);
    let payee = if sale.payee == 1 { "蓝门咖啡" } else { "云南过桥米线" };
    for word in [payee, &sale.order_number, "The bank's signature verifies", "The shop's signature verifies"] {
        assert!(text.contains(word), "{word} is not in the document: {text}");
    }
    assert!(read_by("pdfdetach", &["-list", document]).contains("receipt.json"));
    // What a camera sees of the printed code is the proof.
    let picture = desk.folder.path().join("printed");
    read_by("pdftoppm", &["-r", "150", "-png", "-singlefile", document, picture.to_str().expect("plain")]);
    let printed = picture.with_extension("png");
    let seen = e2e::scan::zbar(&printed);
    assert!(seen.iter().any(|text| text.starts_with("tapseal:proof:1:")), "{seen:?}");

    desk.browser.act("back").await;
    desk.browser.wait_for_screen("history").await;
    desk.browser.act("verify").await;
    desk.browser.wait_for_screen("receipt.verify").await;
    let input = desk.browser.wait_for("[data-action=\"choose-file\"]").await;
    input.send_keys(document).await.expect("a file can be chosen");
    desk.browser.wait_for(".verdict[data-verified=\"true\"]").await;
    desk.browser.wait_for_words(&[payee, &sale.order_number]).await;
    let holds = desk.browser.driver().find_all(By::Css("[data-finding=\"holds\"]")).await.expect("checks").len();
    assert_eq!(holds, 7);

    desk.browser.act("check-another").await;
    let forged = desk.years.shelf.receipt(&sale);
    let mut receipt = serde_json::to_value(&forged.receipt).expect("a receipt is JSON");
    let other = desk.years.shelf.receipt(&e2e::years::sale(number + 1));
    receipt["outcome"] = json!(other.receipt.outcome);
    let field = desk.browser.wait_for("[data-field=\"receipt\"]").await;
    let script = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input', { bubbles: true }))";
    let arguments = vec![field.to_json().expect("an element"), json!(receipt.to_string())];
    desk.browser.driver().execute(script, arguments).await.expect("the field takes a text");
    desk.browser.act("check-receipt").await;
    desk.browser.wait_for(".verdict[data-verified=\"false\"]").await;
    desk.browser.wait_for("[data-check=\"same_order\"][data-finding=\"fails\"]").await;
    desk.browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn times_follow_the_device_to_another_zone() {
    let desk = Desk::with(3).await;
    let browser = &desk.browser;
    let mut shown = Vec::new();
    for zone in ["Etc/UTC", "Asia/Kolkata", "America/St_Johns"] {
        browser.tell_chromium("Emulation.setTimezoneOverride", &json!({ "timezoneId": zone })).await;
        browser.act("open-receipt").await;
        browser.wait_for_screen("receipt").await;
        shown.push(minute_of_day(&browser.wait_for_text("[data-part=\"decided\"]").await));
        browser.act("back").await;
        browser.wait_for_screen("history").await;
    }
    let later = |minutes: i32| minutes.rem_euclid(24 * 60);
    assert_eq!(later(shown[1] - shown[0]), 330);
    // In summer or in winter.
    assert!([150, 210].contains(&later(shown[0] - shown[2])), "{shown:?}");
    desk.browser.close().await;
}

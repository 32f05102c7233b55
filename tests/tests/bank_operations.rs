//! The page about a day at the bank is true: its commands are run, and they print what it says.

use e2e::card::Card;
use e2e::payer::{PIN, Payer};
use e2e::system::{Ask, System, Wishes};

/// The page.
const PAGE: &str = include_str!("../../docs/bank-operations.md");
/// What stands in the page where somebody pays.
const PAYMENT: &str = "<!-- Here somebody pays 12.80 at blue-door. -->";
/// The day of the page.
const DAY: &str = "2026-11-25";

/// Runs a command of the page in the system's folder; what it prints.
async fn run(system: &System, day: &str, command: &str) -> String {
    let data = system.data();
    let is_file = |word: &str| matches!(word.rsplit_once('.'), Some((_, "csv" | "toml")));
    let placed = |word: &str| match word {
        "data" => data.clone(),
        file if is_file(file) => format!("{data}/{file}"),
        other => other.replace(DAY, day),
    };
    let words: Vec<String> = command.split_whitespace().skip(1).map(placed).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let finished = system.tapseal(&words).await;
    assert_eq!(finished.code, 0, "{command}: {finished:?}\n{}", system.logs());
    finished.output.replace(&format!("{data}/"), "").replace(day, DAY).replace('\r', "")
}

/// Without ids and digits, and without the spaces that make room for them.
fn masked(page: &str) -> String {
    let is_id = |word: &str| word.len() == 36 && [8, 13, 18, 23].iter().all(|at| word.as_bytes()[*at] == b'-');
    let words = page.split_inclusive([' ', ',', '\n']);
    let without_ids = words.map(|word| if is_id(word.trim_end()) { "ID\n" } else { word });
    let mut masked = String::new();
    for character in without_ids.flat_map(str::chars) {
        let character = if character.is_ascii_digit() { '0' } else { character };
        let repeats = matches!(character, '0' | ' ') && masked.ends_with(character);
        if !repeats {
            masked.push(character);
        }
    }
    // A time may have a fraction of a second, or none.
    masked.replace(".0Z", "Z")
}

#[tokio::test]
async fn the_page_about_a_day_at_the_bank_is_true() {
    let system = System::start(Wishes::default()).await;
    let today = system.tapseal(&["bank", "day", "--data", &system.data(), "--json"]).await.success();
    let day = today["business_date"].as_str().expect("a date").to_owned();
    let mut page = String::new();
    let mut lines = PAGE.lines().peekable();
    while let Some(line) = lines.next() {
        page.extend([line, "\n"]);
        if line == PAYMENT {
            let payer = Payer::new(&system);
            let request = payer.open(&system.ask(&Ask::default()).await).await;
            let card = Card::present(&system, "visa");
            assert_eq!(payer.pay(&request, &card, PIN).await.code, 0, "{}", system.logs());
            system.wait_for_status(&request, "paid").await;
        }
        let Some(command) = line.strip_prefix("$ ") else { continue };
        page += &run(&system, &day, command).await;
        while lines.peek().is_some_and(|next| !next.starts_with("$ ") && !next.starts_with("```")) {
            lines.next();
        }
    }
    assert_eq!(masked(&page), masked(PAGE), "the page should be:\n{page}");
}

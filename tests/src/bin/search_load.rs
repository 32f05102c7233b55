//! How long a search takes in a wallet with years of receipts: count, sums by month and the first page, as the screen asks
//! for them at every key that is pressed. Every receipt is signed and was entered by the wallet itself.

use std::time::{Duration, Instant};

use clap::Parser;
use e2e::years::Years;
use protocol::ipc::history::HistoryQuery;
use serde_json::json;
use wallet::Wallet;
use wallet::config::Upkeep;

/// How many lines the screen reads at once.
const PAGE: u32 = 60;
/// What people type, by kind.
const KINDS: [(&str, &[&str]); 6] = [
    ("a Chinese letter or two", &["蓝", "咖啡", "茶", "银联", "云南", "可颂"]),
    ("Chinese words", &["蓝门咖啡", "过桥米线", "拿铁咖啡", "一间茶"]),
    ("the beginning of a word", &["b", "bl", "ca", "n", "et"]),
    (
        "words",
        &["blue", "blue door", "harbour books", "apotheke", "croissant", "november 2026", "unionpay", "cafe latte"],
    ),
    ("one payment", &["A-912345", "A-987654", "2025-03-17", "8740"]),
    ("nothing there", &["zebra", "龙门客栈", "q", "A-000001"]),
];

#[derive(Parser)]
struct Options {
    /// How many receipts.
    #[arg(long, default_value_t = 100_000)]
    receipts: u64,
    /// How often each search is made.
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// Print one JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let folder = tempfile::tempdir().expect("a folder for the wallet");
    let years = Years::filled(folder.path(), options.receipts).await;
    let mut config = years.config();
    config.upkeep = Upkeep::Continuous;
    let started = Instant::now();
    let wallet = Wallet::open(config).await.expect("the wallet opens");
    let opened = started.elapsed();
    let mut after = 0;
    while counted(&wallet, "").await.1 > 0 {
        after = wallet.watch(after).await.expect("the wallet is watched").seq;
    }
    let entered = started.elapsed();
    let mut all = Vec::new();
    let mut kinds = Vec::new();
    for (kind, texts) in KINDS {
        let mut times = Vec::new();
        for _ in 0..options.rounds {
            for text in texts {
                times.push(search(&wallet, text).await);
            }
        }
        all.extend_from_slice(&times);
        kinds.push((kind, percentile(&mut times, 50), percentile(&mut times, 99)));
    }
    let mut without = Vec::new();
    for _ in 0..options.rounds {
        without.push(search(&wallet, "").await);
    }
    let deep = Instant::now();
    let last = u32::try_from(options.receipts).unwrap_or(u32::MAX).saturating_sub(PAGE);
    wallet.history_lines(HistoryQuery::default(), last, PAGE).await.expect("the last page");
    let deep = deep.elapsed();
    let (p50, p99) = (percentile(&mut all, 50), percentile(&mut all, 99));
    if options.json {
        let by_kind: Vec<_> =
            kinds.iter().map(|(kind, p50, p99)| json!({ "kind": kind, "p50_ms": p50, "p99_ms": p99 })).collect();
        let figures = json!({
            "receipts": options.receipts, "open_ms": ms(opened), "enter_ms": ms(entered), "search_p50_ms": p50,
            "search_p99_ms": p99, "kinds": by_kind, "without_search_p50_ms": percentile(&mut without, 50), "last_page_ms": ms(deep),
        });
        println!("{figures}");
        return;
    }
    println!(
        "{} receipts, opened in {:.0} ms, entered in {:.1} s",
        options.receipts,
        ms(opened),
        entered.as_secs_f64()
    );
    for (kind, p50, p99) in kinds {
        println!("{kind:<26} p50 {p50:>7.1} ms   p99 {p99:>7.1} ms");
    }
    println!("{:<26} p50 {p50:>7.1} ms   p99 {p99:>7.1} ms", "every search");
    println!("{:<26} p50 {:>7.1} ms", "no search", percentile(&mut without, 50));
    println!("{:<26}     {:>7.1} ms", "the last page", ms(deep));
}

/// What the screen asks for while a person types.
async fn search(wallet: &Wallet, text: &str) -> Duration {
    let started = Instant::now();
    let (count, _) = counted(wallet, text).await;
    let query = HistoryQuery { text: text.to_owned(), ..HistoryQuery::default() };
    let lines = wallet.history_lines(query, 0, PAGE).await.expect("a page");
    let took = started.elapsed();
    assert_eq!(lines.len(), usize::try_from(count.min(PAGE)).expect("a page"), "{text}: the page and the count agree");
    took
}

/// How many answer, and how many receipts wait to be entered.
async fn counted(wallet: &Wallet, text: &str) -> (u32, u32) {
    let query = HistoryQuery { text: text.to_owned(), ..HistoryQuery::default() };
    let view = wallet.history(query).await.expect("a count");
    (view.count, view.waiting)
}

fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    ms(times[(times.len() * percent / 100).min(times.len() - 1)])
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

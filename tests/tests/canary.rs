//! The canary: a payment with a marked card number and PIN leaves no trace of either outside the bank front.

use std::path::Path;

use e2e::card::Card;
use e2e::remote::RemoteWallet;
use e2e::system::{Ask, System, Taps, Wishes, texts};
use protocol::ipc::CheckoutStage;

/// A card number nothing else contains. Its check digit is right (ISO/IEC 7812-1).
const MARKED_PAN: &str = "4761347391826407";
/// A PIN long enough to be found only if it is there.
const MARKED_PIN: &str = "739182640517";

/// Every spelling a leak could have.
fn spellings(digits: &str) -> Vec<(String, Vec<u8>)> {
    use base64::Engine;
    let ascii = digits.as_bytes();
    let packed = hex::decode(digits).expect("an even number of digits");
    let utf16: Vec<u8> = digits.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut all = vec![
        ("plain".to_owned(), ascii.to_vec()),
        ("packed".to_owned(), packed.clone()),
        ("UTF-16".to_owned(), utf16),
        ("hexadecimal".to_owned(), hex::encode(ascii).into_bytes()),
        ("digits as numbers".to_owned(), ascii.iter().map(|digit| digit - b'0').collect()),
    ];
    if digits.len() > 12 {
        // As in the card number field of a PIN block (ISO 9564-1, format 4); shorter is found by chance.
        let shifted = hex::decode(&digits[1..digits.len() - 1]).expect("an even number of digits");
        all.push(("packed, half a byte on".to_owned(), shifted));
    }
    for (name, bytes) in [("plain", ascii), ("packed", packed.as_slice())] {
        for offset in 0..3 {
            // The middle of a base64 text depends on where in a group of three bytes it begins.
            let shifted = [&vec![0; offset], bytes].concat();
            let text = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&shifted);
            let inner = text.as_bytes()[(offset * 4).div_ceil(3)..text.len() - 2].to_vec();
            all.push((format!("base64 of {name} at {offset}"), inner));
        }
    }
    all
}

/// Names and bytes searched for, by first byte: cores are long, so they are gone through once.
type Needles = [Vec<(String, Vec<u8>)>; 256];

fn needles() -> &'static Needles {
    static NEEDLES: std::sync::LazyLock<Needles> = std::sync::LazyLock::new(|| {
        let mut by_first_byte = [const { Vec::new() }; 256];
        for (what, digits) in [("card number", MARKED_PAN), ("PIN", MARKED_PIN)] {
            for (spelling, needle) in spellings(digits) {
                by_first_byte[usize::from(needle[0])].push((format!("{what} ({spelling})"), needle));
            }
        }
        by_first_byte
    });
    &NEEDLES
}

fn search(place: &str, bytes: &[u8], found: &mut Vec<String>) {
    let needles = needles();
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for (at, first) in bytes.iter().enumerate() {
        for (what, needle) in &needles[usize::from(*first)] {
            if bytes[at..].starts_with(needle) {
                *counts.entry(what).or_default() += 1;
            }
        }
    }
    found.extend(counts.iter().map(|(what, count)| format!("{place}: {what}, {count} times")));
}

fn search_files(folder: &Path, skip: &[&str], found: &mut Vec<String>) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("the folder can be read").filter_map(Result::ok) {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if skip.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            files += search_files(&path, skip, found);
        } else {
            search(&path.display().to_string(), &std::fs::read(&path).unwrap_or_default(), found);
            files += 1;
        }
    }
    files
}

/// A core of a running process, taken by gdb's `gcore`.
async fn core(process: u32, folder: &Path) -> Vec<u8> {
    let prefix = folder.join("core");
    let status = tokio::process::Command::new("gcore")
        .arg("-o")
        .arg(&prefix)
        .arg(process.to_string())
        .output()
        .await
        .expect("gcore is installed");
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
    let file = folder.join(format!("core.{process}"));
    let bytes = std::fs::read(&file).expect("a core");
    std::fs::remove_file(&file).expect("the core can be removed");
    assert!(bytes.len() > 1_000_000, "a core is not that small");
    bytes
}

fn marked_profile(folder: &Path) -> String {
    let file = folder.join("marked.toml");
    let (_, profile) = virtual_card::BUILT_IN[0];
    let own = virtual_card::Profile::from_toml(profile).expect("a built-in profile");
    let marked = profile.replace(&own.pan, MARKED_PAN).replace("\"1234\"", &format!("\"{MARKED_PIN}\""));
    assert!(marked.contains(MARKED_PAN) && marked.contains(MARKED_PIN));
    std::fs::write(&file, marked).expect("the folder can be written");
    file.to_str().expect("temporary paths are plain").to_owned()
}

#[test]
fn the_search_itself_finds_every_spelling() {
    for digits in [MARKED_PAN, MARKED_PIN] {
        for (spelling, needle) in spellings(digits) {
            let mut found = Vec::new();
            search("here", &[b"before".as_slice(), &needle, b"after"].concat(), &mut found);
            assert_eq!(found.len(), 1, "{spelling}");
        }
    }
}

#[tokio::test]
async fn no_trace_of_card_number_or_pin_anywhere_but_inside_the_bank_front() {
    let elsewhere = tempfile::TempDir::new().expect("a folder for the card");
    let profile = marked_profile(elsewhere.path());
    let shown = e2e::process::run("tapseal-card", &texts(&["show", &profile, "--json"]), &[], "").await;
    let list = elsewhere.path().join("cards.json");
    std::fs::write(&list, format!("[{}]", shown.output)).expect("the folder can be written");
    let list = list.to_str().expect("temporary paths are plain");
    let wishes = Wishes { seed: texts(&["--card-profiles", list]), taps: Taps::On, ..Wishes::default() };
    let system = System::start(wishes).await;
    let card = Card::present(&system, &profile);
    let wallet = RemoteWallet::start(&system, "canary-wallet", &card.reader).await;
    let created = system.ask(&Ask::default()).await;
    let ended = wallet.pay(created["link"].as_str().expect("a link"), MARKED_PIN).await;
    assert!(matches!(ended.progress, CheckoutStage::Paid { .. }), "{ended:?}\n{}", system.logs());

    // The card itself holds its number: were it not found there, nothing would be proved elsewhere.
    let mut in_the_card = Vec::new();
    search("a core of the card", &core(card.id(), elsewhere.path()).await, &mut in_the_card);
    assert!(!in_the_card.is_empty(), "the search finds nothing in a core");

    let mut found = Vec::new();
    let server = system.server.as_ref().expect("it is running").id();
    search("a core of the payment server", &core(server, elsewhere.path()).await, &mut found);
    search("a core of the wallet", &core(wallet.process.id(), elsewhere.path()).await, &mut found);
    let http = system.http_tap.as_ref().expect("taps are on").recorded();
    let iso8583 = system.bank_tap.as_ref().expect("taps are on").recorded();
    assert!(http.len() > 5_000 && iso8583.len() > 1_000, "the taps saw the payment");
    search("HTTP between wallet and server", &http, &mut found);
    search("ISO 8583 between server and bank", &iso8583, &mut found);
    // Databases with their write-ahead logs, logs, mail, keys, and the wallet's folder: the bank's files too.
    let files = search_files(system.folder(), &[], &mut found);
    assert!(files > 15, "only {files} files were searched");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

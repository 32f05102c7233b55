//! The canary: a payment with a marked card number and PIN leaves no trace of either outside the
//! bank front, and neither does what pays without a card, or beside one.

use std::path::Path;

use e2e::card::Card;
use e2e::code::{PASSWORD, Telephones, Typing};
use e2e::keeper::{self, Keeper, VAULT};
use e2e::operator::Operator;
use e2e::payer::Payer;
use e2e::remote::RemoteWallet;
use e2e::system::{Ask, System, Taps, Wishes, texts};
use e2e::voucher;
use protocol::ipc::means::{TypedSecret, VoucherPay};
use protocol::ipc::{CheckoutStage, OpenLink};

/// A card number nothing else contains. Its check digit is right (ISO/IEC 7812-1).
const MARKED_PAN: &str = "4761347391826407";
/// A PIN long enough to be found only if it is there.
const MARKED_PIN: &str = "739182640517";
/// A subscriber's name that nothing else contains, and the longest PIN of one.
const MARKED_NAME: &str = "Quirine Vandersloot";
const MARKED_SUBSCRIBER_PIN: &str = "73918264";
const MOBILE: &str = "+12025550143";
/// Digits from which on they are searched for packed, two in a byte: fewer are found by chance.
const PACKED_DIGITS_MIN: usize = 10;

/// Every spelling a leak could have.
fn spellings(secret: &str) -> Vec<(String, Vec<u8>)> {
    use base64::Engine;
    let ascii = secret.as_bytes();
    let utf16: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut all = vec![
        ("plain".to_owned(), ascii.to_vec()),
        ("UTF-16".to_owned(), utf16),
        ("hexadecimal".to_owned(), hex::encode(ascii).into_bytes()),
    ];
    let mut encoded = vec![("plain", ascii.to_vec())];
    let is_digits = secret.len().is_multiple_of(2) && ascii.iter().all(u8::is_ascii_digit);
    if is_digits {
        all.push(("digits as numbers".to_owned(), ascii.iter().map(|digit| digit - b'0').collect()));
    }
    if is_digits && secret.len() >= PACKED_DIGITS_MIN {
        let packed = hex::decode(secret).expect("an even number of digits");
        all.push(("packed".to_owned(), packed.clone()));
        if secret.len() > 12 {
            // As in the card number field of a PIN block (ISO 9564-1, format 4); shorter is found by chance.
            let shifted = hex::decode(&secret[1..secret.len() - 1]).expect("an even number of digits");
            all.push(("packed, half a byte on".to_owned(), shifted));
        }
        encoded.push(("packed", packed));
    }
    for (name, bytes) in encoded {
        for offset in 0..3 {
            // The middle of a base64 text depends on where in a group of three bytes it begins.
            let shifted = [vec![0; offset], bytes.clone()].concat();
            let text = base64::engine::general_purpose::STANDARD_NO_PAD.encode(&shifted);
            let inner = text.as_bytes()[(offset * 4).div_ceil(3)..text.len() - 2].to_vec();
            all.push((format!("base64 of {name} at {offset}"), inner));
        }
    }
    all
}

/// Names and bytes searched for, by first byte: cores are long, so they are gone through once.
struct Needles {
    by_first_byte: [Vec<(String, Vec<u8>)>; 256],
    found: Vec<String>,
}

impl Needles {
    /// Those of some secrets, each with what it is.
    fn of(secrets: &[(&str, &str)]) -> Self {
        let mut by_first_byte = [const { Vec::new() }; 256];
        for (what, secret) in secrets {
            for (spelling, needle) in spellings(secret) {
                by_first_byte[usize::from(needle[0])].push((format!("{what} ({spelling})"), needle));
            }
        }
        Self { by_first_byte, found: Vec::new() }
    }

    /// These, and bytes as they are.
    fn and(mut self, what: &str, bytes: &[u8]) -> Self {
        self.by_first_byte[usize::from(bytes[0])].push((what.to_owned(), bytes.to_vec()));
        self
    }

    fn search(&mut self, place: &str, bytes: &[u8]) {
        let mut counts = std::collections::BTreeMap::<&str, usize>::new();
        for (at, first) in bytes.iter().enumerate() {
            for (what, needle) in &self.by_first_byte[usize::from(*first)] {
                if bytes[at..].starts_with(needle) {
                    *counts.entry(what).or_default() += 1;
                }
            }
        }
        self.found.extend(counts.iter().map(|(what, count)| format!("{place}: {what}, {count} times")));
    }

    /// Searches every file below a folder, but for those of these names; how many there were.
    fn search_files(&mut self, folder: &Path, skip: &[&str]) -> usize {
        let mut files = 0;
        for entry in std::fs::read_dir(folder).expect("the folder can be read").filter_map(Result::ok) {
            let path = entry.path();
            if skip.contains(&entry.file_name().to_string_lossy().as_ref()) {
                continue;
            }
            if path.is_dir() {
                files += self.search_files(&path, skip);
            } else {
                self.search(&path.display().to_string(), &std::fs::read(&path).unwrap_or_default());
                files += 1;
            }
        }
        files
    }
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

/// The marked card's profile, and the wish for a bank that issued it and traffic that is recorded.
async fn marked_card(folder: &Path) -> (String, Wishes) {
    let profile = marked_profile(folder);
    let shown = e2e::process::run("tapseal-card", &texts(&["show", &profile, "--json"]), &[], "").await;
    let list = folder.join("cards.json");
    std::fs::write(&list, format!("[{}]", shown.output)).expect("the folder can be written");
    let list = list.to_str().expect("temporary paths are plain");
    (profile, Wishes { seed: texts(&["--card-profiles", list]), taps: Taps::On, ..Wishes::default() })
}

#[test]
fn the_search_itself_finds_every_spelling() {
    for secret in [MARKED_PAN, MARKED_PIN, PASSWORD, MARKED_SUBSCRIBER_PIN] {
        for (spelling, needle) in spellings(secret) {
            let mut needles = Needles::of(&[("secret", secret)]);
            needles.search("here", &[b"before".as_slice(), &needle, b"after"].concat());
            assert_eq!(needles.found.len(), 1, "{spelling}");
        }
    }
}

/// Everything that passes between the parties, and the memory of those that are still running.
async fn search_everywhere(needles: &mut Needles, system: &System, cores: &[(&str, u32)], elsewhere: &Path) {
    for (whose, process) in cores {
        needles.search(&format!("a core of the {whose}"), &core(*process, elsewhere).await);
    }
    let http = system.http_tap.as_ref().expect("taps are on").recorded();
    let iso8583 = system.bank_tap.as_ref().expect("taps are on").recorded();
    assert!(http.len() > 5_000 && iso8583.len() > 1_000, "the taps saw the payment");
    needles.search("HTTP between wallet and server", &http);
    needles.search("ISO 8583 between server and bank", &iso8583);
}

#[tokio::test]
async fn no_trace_of_card_number_or_pin_anywhere_but_inside_the_bank_front() {
    let elsewhere = tempfile::TempDir::new().expect("a folder for the card");
    let (profile, wishes) = marked_card(elsewhere.path()).await;
    let system = System::start(wishes).await;
    let card = Card::present(&system, &profile);
    let wallet = RemoteWallet::start(&system, "canary-wallet", &card.reader).await;
    let created = system.ask(&Ask::default()).await;
    let ended = wallet.pay(created["link"].as_str().expect("a link"), MARKED_PIN).await;
    assert!(matches!(ended.progress, CheckoutStage::Paid { .. }), "{ended:?}\n{}", system.logs());

    let mut needles = Needles::of(&[("card number", MARKED_PAN), ("PIN", MARKED_PIN)]);
    // The card itself holds its number: were it not found there, nothing would be proved elsewhere.
    needles.search("a core of the card", &core(card.id(), elsewhere.path()).await);
    assert!(!needles.found.is_empty(), "the search finds nothing in a core");
    needles.found.clear();

    let server = system.server.as_ref().expect("it is running").id();
    let cores = [("payment server", server), ("wallet", wallet.process.id())];
    search_everywhere(&mut needles, &system, &cores, elsewhere.path()).await;
    // Databases with their write-ahead logs, logs, mail, keys, and the wallet's folder: the bank's files too.
    let files = needles.search_files(system.folder(), &[]);
    assert!(files > 15, "only {files} files were searched");
    assert!(needles.found.is_empty(), "{}", needles.found.join("\n"));
}

#[tokio::test]
async fn no_trace_of_what_pays_without_a_card() {
    let elsewhere = tempfile::TempDir::new().expect("a folder for the cores");
    let codes = elsewhere.path().join("codes");
    let bank = texts(&["--codes-dir", codes.to_str().expect("temporary paths are plain")]);
    let system = System::start(Wishes { taps: Taps::On, bank, ..Wishes::default() }).await;
    let payer = Payer::new(&system);
    voucher::make(&system).await;
    let bought = voucher::sell(&system).await;
    let request = payer.open(&system.ask(&Ask::default()).await).await;
    let code = format!("{}\n", bought.code);
    let paid = payer.wallet(&["pay", &request, "--voucher", &bought.number], &code).await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());

    let phone = "+12025550143";
    let identity = e2e::code::bind(&system, "ann-0001", phone).await;
    system.wait_until("the server knows", async || system.logs().contains("tells of payers by code")).await;
    let request = payer.open(&system.ask(&Ask { order: "A-2".into(), ..Ask::default() }).await).await;
    let mut typing = Typing::begin(&payer, &request, &[], &identity, PASSWORD).await;
    let (typed, message) = Telephones::Folder(codes).code(&system, phone, 0).await;
    typing.line(&typed).await;
    let paid = typing.end().await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());

    let (code, backup) = (bought.code.replace(' ', ""), bought.backup.replace(' ', ""));
    // The code of a payment is six digits, which are found by chance: what is searched for is the message with it.
    let mut needles = Needles::of(&[
        ("voucher's code", &code),
        ("voucher's code as printed", &bought.code),
        ("voucher's backup code", &backup),
        ("payment password", PASSWORD),
        ("message with the code", &message),
    ]);
    let cores = [("payment server", system.server.as_ref().expect("it is running").id())];
    search_everywhere(&mut needles, &system, &cores, elsewhere.path()).await;
    let files = needles.search_files(system.folder(), &[]) + needles.search_files(payer.home(), &[]);
    assert!(files > 20, "only {files} files were searched");
    assert!(needles.found.is_empty(), "{}", needles.found.join("\n"));
    // What they may know is found: the search searches.
    let mut known = Needles::of(&[("identity code", &identity)]);
    known.search("a core of the payment server", &core(cores[0].1, elsewhere.path()).await);
    assert!(!known.found.is_empty(), "the search finds nothing in a core");
}

#[tokio::test]
async fn no_trace_of_a_large_voucher_or_of_the_card_beside_it() {
    let elsewhere = tempfile::TempDir::new().expect("a folder for the card");
    let (profile, wishes) = marked_card(elsewhere.path()).await;
    let system = System::start(wishes).await;
    voucher::make_large_from(&system, "1:50.00", "40.00").await;
    let bought = voucher::sell_to(&system, &format!("visa-{}", &MARKED_PAN[12..]), "5000").await;
    let card = Card::present(&system, &profile);
    let wallet = RemoteWallet::start(&system, "canary-wallet", &card.reader).await;
    let created = system.ask(&Ask { amount: "45.00", ..Ask::default() }).await;
    let link = created["link"].as_str().expect("a link").to_owned();
    let request_id = wallet.call(&OpenLink { link }).await.expect("the link opens").request_id;
    let (number, code) = (bought.number.clone(), TypedSecret::new(bought.code.clone()));
    let pay = VoucherPay { request_id, bank_id: "first".into(), number, code };
    wallet.call(&pay).await.expect("the checkout starts");
    let ended = wallet.enter_pin(MARKED_PIN).await;
    assert!(matches!(ended.progress, CheckoutStage::Paid { .. }), "{ended:?}\n{}", system.logs());

    let mut of_card = Needles::of(&[("card number", MARKED_PAN), ("PIN", MARKED_PIN)]);
    // The code came to this wallet by HTTP, as it does to none but those of tests; so it is not searched for there.
    of_card.search("a core of the wallet", &core(wallet.process.id(), elsewhere.path()).await);
    assert!(of_card.found.is_empty(), "{}", of_card.found.join("\n"));
    let (code, backup) = (bought.code.replace(' ', ""), bought.backup.replace(' ', ""));
    let mut needles = Needles::of(&[
        ("card number", MARKED_PAN),
        ("PIN", MARKED_PIN),
        ("voucher's code", &code),
        ("voucher's code as printed", &bought.code),
        ("voucher's backup code", &backup),
    ]);
    let cores = [("payment server", system.server.as_ref().expect("it is running").id())];
    search_everywhere(&mut needles, &system, &cores, elsewhere.path()).await;
    let files = needles.search_files(system.folder(), &[]);
    assert!(files > 15, "only {files} files were searched");
    assert!(needles.found.is_empty(), "{}", needles.found.join("\n"));
}

/// The subscriber's wallet is enrolled and pays; the text with the code that enrolled it.
async fn paid_on_the_bill(system: &System, operator: &Operator, payer: &Payer) -> String {
    let words = ["subscriber", "open", MOBILE, "--name", MARKED_NAME, "--line", "mobile", "--limit-minor", "10000"];
    operator.tool(system, &words, &format!("{MARKED_SUBSCRIBER_PIN}\n")).await.success();
    let mut typing = Typing::start(payer, &["carrier", "enrol", Operator::ID, MOBILE, "--name", MARKED_NAME]);
    typing.line(MARKED_SUBSCRIBER_PIN).await;
    system.wait_until("the code has been texted", async || !operator.codes(system, MOBILE).is_empty()).await;
    typing.line(&operator.codes(system, MOBILE)[0]).await;
    typing.end().await.success();
    let request = payer.open(&system.ask(&Ask { order: "A-2".into(), ..Ask::default() }).await).await;
    let paid = operator.pay(payer, &request, MARKED_SUBSCRIBER_PIN).await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    operator.texts_to(system, MOBILE).into_iter().next().expect("it was there a moment ago")
}

#[tokio::test]
async fn vault_and_operator_forget_what_they_checked_and_nobody_else_ever_had_it() {
    let elsewhere = tempfile::TempDir::new().expect("a folder for the card");
    let (profile, wishes) = marked_card(elsewhere.path()).await;
    let (mut system, port) = System::with_keys(wishes).await;
    let mut operator = Operator::found(&mut system).await;
    let mut vault = Keeper::found(&system).await;
    system.tapseal(&["migrate", "--data", &system.data()]).await.success();
    operator.start(&system).await;
    system.start_all(port).await;
    vault.admit_key(&system).await;
    vault.allow(&system, &MARKED_PAN[12..], "5000").await;
    vault.serve(None).await;
    operator.line_is(&system, "up").await;

    let payer = Payer::new(&system);
    let card = Card::present(&system, &profile);
    let (enrolled, mut authenticator) = keeper::enrol(&payer, "canary", &card.reader).await;
    enrolled.success();
    drop(card);
    let request = payer.open(&system.ask(&Ask::default()).await).await;
    let paid = payer.wallet(&["pay", &request, "--alias", "canary"], &authenticator.lines().await).await;
    assert_eq!(paid.code, 0, "{paid:?}\n{}", system.logs());
    let message = paid_on_the_bill(&system, &operator, &payer).await;

    let secrets = [
        ("card number", MARKED_PAN),
        ("alias's password", keeper::PASSWORD),
        ("subscriber's PIN", MARKED_SUBSCRIBER_PIN),
        ("message with the enrolment code", &message),
        ("subscriber's name", MARKED_NAME),
    ];
    let (factor, in_hexadecimal) = (authenticator.secret(), hex::encode(authenticator.secret()));
    let of = |secrets: &[(&str, &str)]| {
        let needles = Needles::of(secrets).and("second factor", factor);
        needles.and("second factor (hexadecimal)", in_hexadecimal.as_bytes())
    };
    let elsewhere = elsewhere.path();
    // Who carried it, and every file of theirs.
    let mut carried = of(&secrets);
    let server = system.server.as_ref().expect("it is running").id();
    search_everywhere(&mut carried, &system, &[("payment server", server)], elsewhere).await;
    let tapped = operator.tap.as_ref().expect("taps are on").recorded();
    assert!(tapped.len() > 1_000, "the tap saw the payment");
    carried.search("ISO 8583 between server and operator", &tapped);
    let wallets = ["operators", "wallet.db", "wallet.db-wal"];
    let folders = [system.folder(), payer.home(), vault.folder()];
    let files: usize = folders.iter().map(|folder| carried.search_files(folder, &wallets)).sum();
    assert!(files > 25, "only {files} files were searched");
    // The subscriber's name is known to operator and wallet, and a text is on its own telephone.
    let mut kept = of(&secrets[..4]);
    let files =
        kept.search_files(&system.folder().join("operators"), &["texts"]) + kept.search_files(payer.home(), &[]);
    assert!(files > 5, "only {files} files were searched");
    // Who was told it: no more once it was checked, or released.
    let vault_core = core(vault.running.as_ref().expect("it runs").id(), elsewhere).await;
    let mut checked = of(&secrets[..3]);
    checked.search("a core of the vault", &vault_core);
    checked.search("a core of the operator", &core(operator.id(), elsewhere).await);
    let found = [carried.found, kept.found, checked.found].concat();
    assert!(found.is_empty(), "{}", found.join("\n"));
    // What it may know is found: the search searches.
    let mut known = Needles::of(&[("what it may know", VAULT)]);
    known.search("vault", &vault_core);
    assert!(!known.found.is_empty(), "the search finds nothing in a core of the vault");
}

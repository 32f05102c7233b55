//! Ordinary ISO 8583 clients at the bank front's plain port: pyiso8583 and jPOS as they are published, with a real
//! card's cryptograms and a PIN block under a key that they were sent on the line.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{SystemTime, UNIX_EPOCH};

use e2e::system::{System, Wishes};
use emv::session::{ReadPurpose, Step};
use emv::{CardSession, Interface, TerminalData};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use virtual_card::{Profile, VirtualCard};

/// The Python that has pyiso8583; `cargo xtask test` sets it.
const PYTHON_EXPECTED: &str = "TAPSEAL_TEST_PYTHON";
/// The folder with the jPOS client and its libraries; `cargo xtask test` sets it.
const JPOS_EXPECTED: &str = "TAPSEAL_TEST_JPOS";
/// DE 32.
const ACQUIRER: &str = "000042";
/// Two components of the zone master key, which is both together, bit by bit.
const COMPONENTS: [&str; 2] = ["0123456789ABCDEFFEDCBA9876543210", "A4C1B77D026F3E98535A09C4D18E27F6"];
/// What is held, and what is debited, in minor units.
const AMOUNTS: [u64; 2] = [5_000, 1_280];
const OPENING: i64 = 100_000;

#[tokio::test]
async fn pyiso8583_drives_the_bank_in_both_its_specifications() {
    let Some(python) = std::env::var_os(PYTHON_EXPECTED) else {
        eprintln!("{PYTHON_EXPECTED} is not set: no Python with pyiso8583 is expected here");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/pyiso8583_client.py");
    for (encoding, framing) in [("ascii", "binary2"), ("ascii-hex", "ascii4")] {
        let bank = Bank::start(encoding, framing).await;
        let wanted = json!({
            "address": bank.plain_address, "encoding": encoding, "framing": framing, "acquirer": ACQUIRER,
            "zone_master_key": zone_master_key(), "card": bank.card, "icc_data": bank.icc_data,
        });
        let mut python = Command::new(&python);
        let told = bank.answers(python.arg("-W").arg("ignore").arg(&script), &wanted.to_string()).await;
        bank.assert_told(&told, &["MAC"]).await;
        let authenticated: Vec<_> = told.iter().filter(|line| !line["mac_right"].is_null()).collect();
        assert!(authenticated.len() >= 2 && authenticated.iter().all(|line| line["mac_right"] == true), "{told:?}");
    }
}

#[tokio::test]
async fn jpos_drives_the_bank_with_both_its_packagers() {
    let Some(folder) = std::env::var_os(JPOS_EXPECTED).map(PathBuf::from) else {
        eprintln!("{JPOS_EXPECTED} is not set: no jPOS client is expected here");
        return;
    };
    let classes = std::env::join_paths([folder.join("classes"), folder.join("libraries").join("*")]);
    let classes = classes.expect("no path here has a colon");
    for (encoding, framing) in [("ascii-hex", "ascii4"), ("bcd", "binary2")] {
        let bank = Bank::start(encoding, framing).await;
        let card = |name: &str| bank.card[name].as_str().expect("a text").to_owned();
        let wanted = [
            ("address", bank.plain_address.clone()),
            ("encoding", encoding.to_owned()),
            ("framing", framing.to_owned()),
            ("acquirer", ACQUIRER.to_owned()),
            ("zone_master_key", zone_master_key()),
            ("pan", card("pan")),
            ("expiry_yymm", card("expiry_yymm")),
            ("psn", card("psn")),
            ("pin", card("pin")),
            ("icc_data_0", bank.icc_data[0].clone()),
            ("icc_data_1", bank.icc_data[1].clone()),
        ];
        let lines: Vec<_> = wanted.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut java = Command::new("java");
        let java = java.arg("-cp").arg(&classes).arg("org.tapseal.clients.JposClient");
        let told = bank.answers(java, &lines.join("\n")).await;
        bank.assert_told(&told, &[]).await;
    }
}

#[tokio::test]
async fn the_client_that_the_manual_shows_holds_completes_and_reverses() {
    const MANUAL: &str = include_str!("../../docs/bank-front.md");
    /// The zone master key of the manual.
    const SHOWN_KEY: &str = "0123456789ABCDEFFEDCBA9876543210";
    let Some(python) = std::env::var_os(PYTHON_EXPECTED) else {
        eprintln!("{PYTHON_EXPECTED} is not set: no Python with pyiso8583 is expected here");
        return;
    };
    let shown = MANUAL.split("```python\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the client");
    assert!(shown.contains(SHOWN_KEY));
    let bank = Bank::start("ascii-hex", "ascii4").await;
    let client = bank.system.folder().join("client.py");
    std::fs::write(&client, shown.replace(SHOWN_KEY, &zone_master_key())).expect("the folder is ours");
    let mut python = Command::new(&python);
    let ended = python.args(["-W", "ignore"]).arg(&client).arg(&bank.plain_address).output().await.expect("it runs");
    let printed = String::from_utf8_lossy(&ended.stdout);
    let answers: Vec<_> = printed.lines().map(|line| line.split(' ').collect::<Vec<_>>()).collect();
    let types: Vec<_> = answers.iter().map(|words| (words[2], words[3])).collect();
    let all_good = ["0810", "0810", "0110", "0230", "0430", "0810"].map(|mti| (mti, "00"));
    assert_eq!(types, all_good, "{printed}{}{}", String::from_utf8_lossy(&ended.stderr), bank.system.logs());
    let ledger = bank.system.ledger().await;
    let accounts = ledger["accounts"].as_array().expect("accounts");
    let cardholder = accounts.iter().find(|account| account["account"] == "cardholder:visa-0050").expect("seeded");
    assert_eq!((&cardholder["posted_minor"], &cardholder["pending_minor"]), (&json!(OPENING), &json!(0)));
}

fn zone_master_key() -> String {
    let [first, second] = COMPONENTS.map(|component| hex::decode(component).expect("hexadecimal"));
    hex::encode_upper(first.iter().zip(second).map(|(one, other)| one ^ other).collect::<Vec<_>>())
}

/// A bank with a plain port, and a card that has been read twice.
struct Bank {
    system: System,
    plain_address: String,
    card: Value,
    /// DE 55 of the hold and of the debit, in hexadecimal.
    icc_data: Vec<String>,
}

impl Bank {
    async fn start(encoding: &str, framing: &str) -> Self {
        let arguments = ["--plain-listen", "127.0.0.1:0", "--plain-encoding", encoding, "--plain-framing", framing];
        let wishes = Wishes { bank: arguments.map(str::to_owned).to_vec(), ..Wishes::default() };
        let mut system = System::start(wishes).await;
        // The bank learns of a shared key when it starts next.
        let data = system.data();
        let mut share = vec!["bank", "keys", "share", "--data", &data, "--acquirer", ACQUIRER];
        share.extend(["--kind", "zone-master"]);
        let components: Vec<String> = (0..).zip(COMPONENTS).map(|(n, key)| component(&system, n, key)).collect();
        for component in &components {
            share.extend(["--component", component]);
        }
        system.tapseal(&share).await.success();
        system.bank.take().expect("it was started").stop().await;
        system.start_bank().await;
        let ready = &system.bank.as_ref().expect("just started").ready;
        let plain_address = ready["plain_addr"].as_str().expect("it listens").to_owned();
        let profile = Profile::built_in("visa").expect("a built-in profile");
        let mut card = VirtualCard::new(profile.clone()).over(Interface::Contact);
        let reads: Vec<_> = AMOUNTS.iter().map(|minor| read(&mut card, *minor)).collect();
        let psn = reads[0].psn.map(|psn| format!("{psn:03}"));
        let expiry = String::from_utf8(reads[0].expiry_yymm.to_vec()).expect("digits");
        let card = json!({ "pan": profile.pan, "pin": profile.pin, "expiry_yymm": expiry, "psn": psn });
        let icc_data = reads.iter().map(|read| hex::encode_upper(&read.icc_data)).collect();
        Self { system, plain_address, card, icc_data }
    }

    /// What a client printed, a line of JSON for each answer it got.
    async fn answers(&self, client: &mut Command, input: &str) -> Vec<Value> {
        let client = client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut running = client.spawn().expect("the client starts");
        let mut stdin = running.stdin.take().expect("piped");
        stdin.write_all(input.as_bytes()).await.expect("the client reads");
        drop(stdin);
        let ended = running.wait_with_output().await.expect("the client ends");
        let printed = String::from_utf8_lossy(&ended.stdout);
        let errors = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{printed}{errors}{}", self.system.logs());
        printed.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
    }

    /// Asserts each answer by its step, and that the money is where it belongs.
    async fn assert_told(&self, told: &[Value], more_keys: &[&str]) {
        let expected = [
            ("early", "0110", "91"),
            ("sign_on", "0810", "00"),
            ("echo", "0810", "00"),
            ("key_change_PIN", "0810", "00"),
            ("hold", "0110", "00"),
            ("complete", "0230", "00"),
            ("debit", "0210", "00"),
            ("debit_repeated", "0210", "00"),
            ("reverse", "0430", "00"),
            ("reverse_repeated", "0430", "00"),
            ("refund", "0210", "00"),
            ("totals", "0510", "00"),
            ("sign_off", "0810", "00"),
        ];
        for (step, mti, code) in expected {
            let line = told.iter().find(|line| line["step"] == step).unwrap_or_else(|| panic!("no {step}: {told:?}"));
            assert_eq!((&line["mti"], &line["code"]), (&json!(mti), &json!(code)), "{line} {}", self.system.logs());
            let is_approval = ["hold", "debit", "debit_repeated", "refund"].contains(&step);
            assert_eq!(line["approval"].as_str().is_some(), is_approval, "{line}");
            let is_for_the_card = ["hold", "debit", "debit_repeated"].contains(&step);
            assert_eq!(line["for_the_card"].as_str().is_some_and(|data| data.starts_with("91")), is_for_the_card);
        }
        assert_eq!(told.len(), expected.len() + more_keys.len());
        let step = |name| told.iter().find(|line| line["step"] == name).expect("found above");
        assert_eq!(step("debit")["approval"], step("debit_repeated")["approval"]);
        assert_eq!(step("totals")["settled"], "1", "{}", step("totals"));
        let ledger = self.system.ledger().await;
        assert!(ledger["sums"].as_object().expect("sums").values().all(|sum| sum == 0), "{ledger}");
        let posted = |name: &str| {
            let accounts = ledger["accounts"].as_array().expect("accounts");
            let found = accounts.iter().find(|account| account["account"] == name);
            found.expect("an account")["posted_minor"].as_i64()
        };
        assert_eq!(posted("cardholder:visa-0050"), Some(OPENING - 2_000));
        assert_eq!(posted("acquirer:42:USD"), Some(2_000));
    }
}

fn component(system: &System, number: usize, key: &str) -> String {
    let path = system.folder().join(format!("component-{number}"));
    std::fs::write(&path, key).expect("the folder is ours");
    path.to_str().expect("temporary paths are plain").to_owned()
}

/// Lets a terminal read the card for an amount in US dollars, today.
fn read(card: &mut VirtualCard, minor: u64) -> emv::CardRead {
    let terminal =
        TerminalData::purchase(minor, 840, 840, [0x12, 0x34, 0x56, 0x78], Interface::Contact).at(today(), [12, 0, 0]);
    card.reset();
    let (mut session, mut c_apdu) = CardSession::start(terminal, ReadPurpose::Pay);
    loop {
        let (next, command) = match session.advance(&card.respond(&c_apdu)).expect("a good card") {
            Step::Transmit { session, c_apdu, .. } => (*session, c_apdu),
            Step::Choose { session, .. } => session.select(0).expect("there is one"),
            Step::Done(read) => return *read,
            Step::Inspected(_) => panic!("read to pay"),
        };
        (session, c_apdu) = (next, command);
    }
}

/// Year of the century, month and day, UTC: the civil calendar from the days since 1970.
fn today() -> [u8; 3] {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    // Days since 0000-03-01, in eras of 400 years (proleptic Gregorian calendar).
    let days = seconds / 86_400 + 719_468;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + u64::from(month <= 2);
    [year % 100, month, day].map(|part| u8::try_from(part).expect("two digits"))
}

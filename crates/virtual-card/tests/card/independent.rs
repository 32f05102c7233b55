//! Others' programs and libraries confirm what this crate makes: pyemv its cryptograms, `OpenSC` and pcsc-tools its card
//! in the system's PC/SC service. (libnfc's are with the PN532.)

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use emv::issuer::{self, ArpcMethod, IssuerDecision, IssuerMasterKey, Script, ScriptCommand, ScriptTiming};
use emv::{Interface, tlv};
use serde_json::{Value, json};
use virtual_card::{Misbehaviour, PresentedCard, Profile, VirtualCard, vpcd};

use crate::support::{presented, profile, read, readable, verify};

/// Names the Python that has pyemv; `cargo xtask test` sets it.
const PYTHON_EXPECTED: &str = "TAPSEAL_TEST_PYTHON";

/// Set where pcscd runs with vpcd's reader; `cargo xtask test` starts both and sets it.
const READER_EXPECTED: &str = "TAPSEAL_TEST_PCSC";

/// Where vpcd's second reader listens: the first is for tests that pay.
const VPCD_SECOND: &str = "127.0.0.1:35964";

/// How long the PC/SC service may take to see a card, and to lose it.
const READER_DEADLINE: Duration = Duration::from_secs(20);

/// What this crate made of one payment, to be compared.
struct Made {
    name: String,
    cryptogram: String,
    arpcs: Vec<String>,
    script_mac: String,
}

/// One payment of one card: what another implementation needs to recompute it, and what this crate made of it.
fn payment(profile: &Profile, interface: Interface) -> (Value, Made) {
    let read = read(&mut presented(profile.clone()), interface);
    let verified = verify(profile, &read, &read.icc_data).unwrap_or_else(|error| panic!("{}: {error}", profile.name));
    let mut tags = BTreeMap::new();
    for object in tlv::read(&read.icc_data, tlv::Mode::Strict).unwrap() {
        tags.insert(object.tag.to_string(), hex::encode(object.value));
    }
    let cryptogram = tags.remove("9F26").unwrap();
    let split = match verified.version.arpc_method() {
        ArpcMethod::ResponseCode => 8,
        ArpcMethod::CardStatusUpdate => 4,
    };
    let answers = [IssuerDecision::Approve, IssuerDecision::Decline].map(|decision| issuer::arpc(&verified, decision));
    let script = Script {
        timing: ScriptTiming::BeforeFinal,
        identifier: [0; 4],
        commands: vec![ScriptCommand::PutData { tag: 0x9F58, value: vec![0x05] }],
    };
    let key = IssuerMasterKey::new(profile.issuer_script_key_bytes());
    let script = issuer::scripts(&verified, &key, (&profile.pan, Some(profile.psn)), &[script]).unwrap();
    let (command, mac) = script.split_last_chunk::<8>().unwrap();
    let (_, command) = command.split_last_chunk::<6>().unwrap();
    let case = json!({
        "version": format!("{:?}", verified.version),
        "ac_key": hex::encode(profile.issuer_master_key_bytes()),
        "script_key": hex::encode(profile.issuer_script_key_bytes()),
        "pan": profile.pan,
        "psn": format!("{:02}", profile.psn),
        "tags": tags,
        "answers": answers.each_ref().map(|answer| hex::encode(&answer[split..])),
        "command_header": hex::encode(&command[..5]),
        "command_data": hex::encode(&command[5..]),
    });
    let made = Made {
        name: format!("{} {interface:?} {:?}", profile.name, verified.version),
        cryptogram,
        arpcs: answers.iter().map(|answer| hex::encode(&answer[..split])).collect(),
        script_mac: hex::encode(mac),
    };
    (case, made)
}

/// The built-in cards, and further versions of their schemes that no built-in card uses.
fn cards() -> Vec<(Profile, Interface)> {
    let mut cards = readable();
    for (name, iad) in [
        ("visa", "06010A03A00000"),
        ("visa", "1F220103A0000000"),
        ("mastercard", "0110A0000000000000000000000000000000"),
        ("mastercard", "0111A0000000000000001122334455667788"),
        ("mastercard", "0115A0000000000000001122334455667788"),
    ] {
        let mut other = profile(name);
        iad.clone_into(&mut other.applications[0].issuer_application_data);
        cards.extend([Interface::Contact, Interface::Contactless].map(|interface| (other.clone(), interface)));
    }
    cards
}

#[test]
fn pyemv_confirms_every_scheme() {
    let Some(python) = std::env::var_os(PYTHON_EXPECTED) else {
        eprintln!("{PYTHON_EXPECTED} is not set: no Python with pyemv is expected here");
        return;
    };
    let (cases, made): (Vec<Value>, Vec<Made>) =
        cards().iter().map(|(profile, interface)| payment(profile, *interface)).unzip();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/card/recompute.py");
    let mut program = Command::new(python)
        .arg("-W")
        .arg("ignore")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    program.stdin.take().unwrap().write_all(Value::from(cases).to_string().as_bytes()).unwrap();
    let output = program.wait_with_output().unwrap();
    assert!(output.status.success(), "the recomputation failed");
    let recomputed: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(recomputed.len(), made.len());
    for (made, theirs) in made.iter().zip(&recomputed) {
        assert_eq!(
            theirs["cryptogram"].as_str().unwrap().to_uppercase(),
            made.cryptogram.to_uppercase(),
            "{}",
            made.name
        );
        assert_eq!(theirs["arpcs"], json!(made.arpcs), "{}", made.name);
        assert_eq!(theirs["script_mac"], json!(made.script_mac), "{}", made.name);
    }
    for version in [
        "Visa10",
        "Visa18",
        "Visa34",
        "MChip16",
        "MChip17",
        "MChip20",
        "MChip21",
        "Interac133",
        "UnionPay01",
        "CommonCore5",
    ] {
        assert!(made.iter().any(|made| made.name.ends_with(version)), "no card uses {version}");
    }
    eprintln!("pyemv agrees on {} payments", made.len());
}

/// Runs a program until what it prints is as wanted.
fn until(program: &str, arguments: &[&str], wanted: impl Fn(&str) -> bool) -> String {
    let deadline = Instant::now() + READER_DEADLINE;
    loop {
        let output =
            Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if wanted(&said) {
            return said;
        }
        assert!(Instant::now() < deadline, "{program} {arguments:?} says: {said}");
        std::thread::yield_now();
    }
}

/// The number `OpenSC` gives the second virtual reader, when its line says there is a card.
fn card_in_second_reader(listed: &str) -> Option<String> {
    let line = listed.lines().find(|line| line.contains("Virtual PCD") && line.trim_end().ends_with("01"))?;
    let mut words = line.split_whitespace();
    let number = words.next()?.to_owned();
    (words.next() == Some("Yes")).then_some(number)
}

#[test]
fn opensc_and_pcsc_tools_see_the_card_and_its_removal() {
    if std::env::var_os(READER_EXPECTED).is_none() {
        eprintln!("{READER_EXPECTED} is not set: there is no virtual PC/SC reader to look at");
        return;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    let serving = std::thread::spawn(move || {
        let card = VirtualCard::new(profile("mastercard")).over(Interface::Contact);
        let mut card = PresentedCard::new(card, Misbehaviour::default());
        vpcd::serve(VPCD_SECOND, READER_DEADLINE, &mut card, &told, |_| {}).unwrap()
    });
    let listed = until("opensc-tool", &["-l"], |said| card_in_second_reader(said).is_some());
    let number = card_in_second_reader(&listed).unwrap();
    let atr = until("opensc-tool", &["-r", &number, "-a"], |said| said.contains(':'));
    assert_eq!(atr.trim(), "3b:e0:00:ff:81:31:7c:41:92");
    // The directory, through OpenSC and pcscd.
    let select = until("opensc-tool", &["-r", &number, "-s", "00A404000E315041592E5359532E444446303100"], |said| {
        said.contains("SW1=")
    });
    assert!(select.contains("SW1=0x90, SW2=0x00"), "{select}");
    let readers = until("pcsc_scan", &["-r"], |said| said.contains("Virtual PCD"));
    assert!(readers.contains("Virtual PCD 00 01"), "{readers}");
    stop.store(true, Ordering::Relaxed);
    serving.join().unwrap();
    until("opensc-tool", &["-l"], |said| said.contains("Virtual PCD") && card_in_second_reader(said).is_none());
}

//! The real pcscd with vpcd's virtual reader: cards over both interfaces and protocols, torn out, silent, held by
//! another program, and inserted late. The second slot is used, so that other tests have the first.

use std::ffi::CString;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pcsc::{Context, Protocols, Scope, ShareMode};
use serde_json::Value;
use virtual_card::{Fault, FaultKind, Misbehaviour, PresentedCard, Profile, VirtualCard, vpcd};
use wallet::readers::Interface;

/// Set where pcscd runs with vpcd's reader; `cargo xtask test` starts both and sets it.
const READER_EXPECTED: &str = "TAPSEAL_TEST_PCSC";
/// Where vpcd's second slot listens for its card.
const SLOT: &str = "127.0.0.1:35964";
/// What pcscd calls it.
const READER: &str = "Virtual PCD 00 01";
/// More exchanges than any of the cards here needs.
const EXCHANGES_MAX: u32 = 40;
/// vpcd looks every 440 ms whether its card is still there, and does not find one that comes before it noticed that the
/// last one left.
const CHANGING_CARDS: Duration = Duration::from_millis(1_200);

/// A card in the slot, on a thread of its own.
struct Card {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Card {
    fn insert(profile: &str, interface: Interface, misbehaviour: Misbehaviour) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let card = VirtualCard::new(Profile::built_in(profile).unwrap()).over(interface);
        let mut card = PresentedCard::new(card, misbehaviour);
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            vpcd::serve(SLOT, Duration::from_secs(20), &mut card, &told, |_| {}).unwrap();
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        std::thread::sleep(CHANGING_CARDS);
    }
}

fn start_card_read(wait_s: u32) -> Child {
    Command::new(env!("CARGO_BIN_EXE_tapseal-wallet"))
        .args(["--json", "card", "read", "--reader"])
        .arg(format!("pcsc:{READER}"))
        .args(["--card-wait-s", &wait_s.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn end_of(child: Child) -> Value {
    let output = child.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn card_read() -> Value {
    end_of(start_card_read(10))
}

/// One slot, so one after the other.
#[test]
fn cards_behind_pcscd() {
    if std::env::var_os(READER_EXPECTED).is_none() {
        eprintln!("{READER_EXPECTED} is not set: there is no virtual PC/SC reader");
        return;
    }
    both_interfaces_and_protocols();
    torn_out_at_every_exchange("visa", Interface::Contactless);
    torn_out_at_every_exchange("mastercard", Interface::Contact);
    silent_cards_end_at_a_deadline();
    a_card_another_program_holds_is_waited_for();
    a_card_that_comes_late_is_read();
}

fn both_interfaces_and_protocols() {
    for (profile, interface, gesture) in [
        ("visa", Interface::Contactless, "tap"),
        ("contact-t0", Interface::Contact, "insert"),
        ("contact-t1", Interface::Contact, "insert"),
    ] {
        let _card = Card::insert(profile, interface, Misbehaviour::default());
        let read = card_read();
        assert_eq!(read["outcome"], "arqc", "{profile}: {read}");
        let listed = Command::new(env!("CARGO_BIN_EXE_tapseal-wallet")).args(["--json", "readers"]).output().unwrap();
        let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
        let reader = listed.as_array().unwrap().iter().find(|reader| reader["name"] == READER).unwrap();
        assert_eq!(reader["gestures"], serde_json::json!([gesture]), "{profile}: {reader}");
        assert_eq!(reader["card_present"], true, "{reader}");
        println!("{profile}: {} exchanges in {} ms", read["exchanges"], read["ms"]);
    }
}

fn torn_out_at_every_exchange(profile: &str, interface: Interface) {
    for remove_after in 1..EXCHANGES_MAX {
        let misbehaviour = Misbehaviour { remove_after: Some(remove_after), ..Misbehaviour::default() };
        let card = Card::insert(profile, interface, misbehaviour);
        let read = card_read();
        drop(card);
        if read["outcome"] == "arqc" {
            assert!(remove_after > 1, "{profile}: {read}");
            return;
        }
        assert_eq!(read["outcome"], "card_removed", "{profile} torn out after {remove_after}: {read}");
    }
    panic!("{profile} over {interface:?} needs more than {EXCHANGES_MAX} exchanges");
}

fn silent_cards_end_at_a_deadline() {
    let fault = Some(Fault { after: 1, kind: FaultKind::Silence, status: 0 });
    let _card = Card::insert("visa", Interface::Contactless, Misbehaviour { fault, ..Misbehaviour::default() });
    let began = Instant::now();
    let read = card_read();
    assert_eq!(read["outcome"], "card_timeout", "{read}");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

fn a_card_another_program_holds_is_waited_for() {
    let _card = Card::insert("visa", Interface::Contactless, Misbehaviour::default());
    assert_eq!(card_read()["outcome"], "arqc");
    let context = Context::establish(Scope::User).unwrap();
    let name = CString::new(READER).unwrap();
    let held = context.connect(&name, ShareMode::Exclusive, Protocols::ANY).unwrap();
    assert_eq!(end_of(start_card_read(1))["outcome"], "reader_busy");
    // Once the other program lets go of it, the same wait goes on to the card.
    let waiting = start_card_read(20);
    std::thread::sleep(Duration::from_secs(1));
    drop(held);
    assert_eq!(end_of(waiting)["outcome"], "arqc");
}

fn a_card_that_comes_late_is_read() {
    let waiting = start_card_read(20);
    std::thread::sleep(Duration::from_secs(1));
    let _card = Card::insert("visa", Interface::Contactless, Misbehaviour::default());
    assert_eq!(end_of(waiting)["outcome"], "arqc");
}

#[test]
fn a_smart_card_service_that_is_down_is_said_to_be() {
    // pcsc-lite's own variable for where the service listens.
    let without_service = |arguments: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_tapseal-wallet"))
            .arg("--json")
            .args(arguments)
            .env("PCSCLITE_CSOCK_NAME", folder.path().join("nobody"))
            .output()
            .unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let listed = without_service(&["readers"]);
    let service = listed.as_array().unwrap().iter().find(|reader| reader["id"] == "pcsc").unwrap();
    assert_eq!(service["trouble"], "reader_service_down", "{listed}");
    let read = without_service(&["card", "read", "--reader", "pcsc", "--card-wait-s", "1"]);
    assert_eq!(read["outcome"], "reader_service_down", "{read}");
}

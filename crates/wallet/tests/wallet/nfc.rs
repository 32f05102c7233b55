//! The real libnfc, driving a PN532 on a pseudo terminal with a virtual card in its field.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use protocol::ErrorCode;
use protocol::ipc::{CardGesture, CheckoutStage, ReaderKind};
use serde_json::Value;
use virtual_card::pn532::{self, Port};
use virtual_card::{Fault, FaultKind, Misbehaviour, PresentedCard, Profile, VirtualCard};
use wallet::Wallet;
use wallet::readers::Interface;

use crate::stage::{Stage, order};

/// More exchanges than the card here needs.
const EXCHANGES_MAX: u32 = 20;

/// A chip with a card in its field, on a thread of its own.
struct Chip {
    reader: String,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Chip {
    fn with(profile: &str, misbehaviour: Misbehaviour) -> Self {
        let port = Port::open(None).unwrap();
        let reader = format!("nfc:{}", port.connection_string());
        let stop = Arc::new(AtomicBool::new(false));
        let card = VirtualCard::new(Profile::built_in(profile).unwrap()).over(Interface::Contactless);
        let mut card = PresentedCard::new(card, misbehaviour);
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || pn532::serve(&port, &mut card, &told, |_| {}).unwrap());
        Self { reader, stop, thread: Some(thread) }
    }
}

impl Drop for Chip {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn tapseal_wallet(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_tapseal-wallet")).arg("--json").args(arguments).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

fn card_read(chip: &Chip) -> Value {
    tapseal_wallet(&["card", "read", "--card-wait-s", "3", "--reader", &chip.reader])
}

#[test]
fn every_contactless_card_is_read_through_libnfc() {
    let mut read_cards = 0;
    for (profile, _) in virtual_card::BUILT_IN {
        let chip = Chip::with(profile, Misbehaviour::default());
        let read = card_read(&chip);
        // Cards without a contactless side, and those that must be refused, say so.
        assert!(read["outcome"].is_string(), "{profile}: {read}");
        assert_eq!(read["reader"], chip.reader, "{profile}: {read}");
        read_cards += u32::from(read["outcome"] == "arqc");
    }
    assert!(read_cards >= 6, "{read_cards} cards gave a cryptogram");
}

#[test]
fn a_card_taken_out_of_the_field_at_every_exchange_is_removed() {
    for remove_after in 0..EXCHANGES_MAX {
        let chip = Chip::with("visa", Misbehaviour { remove_after: Some(remove_after), ..Misbehaviour::default() });
        let read = card_read(&chip);
        if read["outcome"] == "arqc" {
            assert!(remove_after > 1, "{read}");
            return;
        }
        // Before its first answer nobody can tell a card that left from one that never came.
        let absent = remove_after == 0 && read["outcome"] == "card_absent";
        assert!(absent || read["outcome"] == "card_removed", "taken after {remove_after}: {read}");
    }
    panic!("the card needs more than {EXCHANGES_MAX} exchanges");
}

#[test]
fn a_silent_card_does_not_hang_the_reader() {
    let fault = Some(Fault { after: 2, kind: FaultKind::Silence, status: 0 });
    let chip = Chip::with("visa", Misbehaviour { fault, ..Misbehaviour::default() });
    let began = Instant::now();
    let read = card_read(&chip);
    // The chip itself stops waiting and says that the card is gone.
    assert_eq!(read["outcome"], "card_removed", "{read}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn a_chip_is_listed_with_what_it_takes() {
    let chip = Chip::with("visa", Misbehaviour::default());
    let listed = tapseal_wallet(&["readers", "--reader", &chip.reader]);
    let own = listed.as_array().unwrap().iter().find(|reader| reader["id"] == chip.reader.as_str()).unwrap();
    assert_eq!(own["kind"], serde_json::to_value(ReaderKind::Nfc).unwrap());
    assert_eq!(own["gestures"], serde_json::to_value([CardGesture::Tap]).unwrap());
    assert_eq!(own["trouble"], Value::Null);
}

#[test]
fn a_chip_that_was_not_configured_is_not_opened() {
    for reader in ["nfc:no connection string", "nfc:", &format!("nfc:pn532_uart:{}", "x".repeat(2000))] {
        let read = tapseal_wallet(&["card", "read", "--card-wait-s", "1", "--reader", reader]);
        assert_eq!(read["outcome"], "reader_failed", "{reader}: {read}");
    }
    // Configured, and not plugged in.
    let reader = "nfc:pn532_uart:/dev/no-such-line:115200";
    let read = tapseal_wallet(&["card", "read", "--card-wait-s", "1", "--reader", reader]);
    assert_eq!(read["outcome"], "no_reader", "{read}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_at_a_pn532_gets_as_far_as_its_pin() {
    let chip = Chip::with("mastercard", Misbehaviour::default());
    let stage = Stage::open().await;
    let order = order(|_| {});
    let link = stage.deliver(order.request_id, &stage.parties.sign_order(&order));
    let mut config = stage.config();
    config.readers.push(chip.reader.clone());
    let wallet = Wallet::open(config).await.unwrap();
    wallet.open_link(link).await.unwrap();
    // A line nobody configured is not opened for a window that names it.
    let unknown = wallet.checkout_start(order.request_id, Some("nfc:pn532_uart:/dev/null:115200".to_owned())).await;
    assert!(unknown.is_ok());
    let mut seq = 0;
    let mut told = None;
    while told != Some(ErrorCode::NoReader) {
        let watched = wallet.watch(seq).await.unwrap();
        (seq, told) = (watched.seq, watched.checkout.and_then(|view| view.notice));
    }
    wallet.checkout_stop().await.unwrap();
    wallet.checkout_done().await.unwrap();
    wallet.checkout_start(order.request_id, Some(chip.reader.clone())).await.unwrap();
    loop {
        let watched = wallet.watch(seq).await.unwrap();
        seq = watched.seq;
        let view = watched.checkout.unwrap();
        assert!(!matches!(view.progress, CheckoutStage::Refused { .. }), "{view:?}");
        if matches!(view.progress, CheckoutStage::Pin { .. }) {
            assert_eq!(view.gesture, Some(CardGesture::Tap));
            assert_eq!(view.reader, Some(chip.reader.clone()));
            break;
        }
    }
    assert_eq!(stage.script.lock().unwrap().submissions, 0);
}

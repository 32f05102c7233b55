//! What else can lie in the field of an NFC reader: two cards, a ticket, a card of type B. The real libnfc drives a chip
//! that speaks just enough of the PN532's language (NXP UM0701-02) to show them.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::OpenptFlags;
use serde_json::Value;
use virtual_card::{Misbehaviour, PresentedCard, Profile, VirtualCard};
use wallet::readers::Interface;

/// `ACK`, which comes before every answer.
const ACKNOWLEDGE: [u8; 6] = [0x00, 0x00, 0xFF, 0x00, 0xFF, 0x00];

/// What lies in the field.
enum Field {
    /// Two cards of type A that speak ISO/IEC 14443-4; the chip finds one after the other.
    TwoCards { found: u8 },
    /// A card of type A without ISO/IEC 14443-4, as tickets are.
    Ticket,
    /// A payment card of type B.
    TypeB(Box<PresentedCard>),
}

/// A chip on a pseudo terminal, on a thread of its own.
struct Chip {
    reader: String,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
    /// Keeps the line up while nobody else has it open.
    _far: OwnedFd,
}

impl Chip {
    fn with(mut field: Field) -> Self {
        let near = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        rustix::pty::grantpt(&near).unwrap();
        rustix::pty::unlockpt(&near).unwrap();
        let name = rustix::pty::ptsname(&near, Vec::new()).unwrap().into_string().unwrap();
        let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
        let far = rustix::fs::open(name.as_str(), flags, rustix::fs::Mode::empty()).unwrap();
        let mut raw = rustix::termios::tcgetattr(&far).unwrap();
        raw.make_raw();
        rustix::termios::tcsetattr(&far, rustix::termios::OptionalActions::Now, &raw).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::spawn(move || serve(&near, &mut field, &told));
        Self { reader: format!("nfc:pn532_uart:{name}:115200"), stop, thread: Some(thread), _far: far }
    }

    fn card_read(&self) -> Value {
        let output = Command::new(env!("CARGO_BIN_EXE_tapseal-wallet"))
            .args(["--json", "card", "read", "--card-wait-s", "5", "--reader", &self.reader])
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
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

fn serve(line: &OwnedFd, field: &mut Field, stop: &AtomicBool) {
    let mut received = Vec::new();
    let mut registers = HashMap::new();
    while !stop.load(Ordering::Relaxed) {
        let wait = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
        let mut ready = [PollFd::new(line, PollFlags::IN)];
        if !matches!(poll(&mut ready, Some(&wait)), Ok(1..)) {
            continue;
        }
        let mut buffer = [0; 512];
        let Ok(length) = rustix::io::read(line, &mut buffer) else { continue };
        received.extend_from_slice(&buffer[..length]);
        while let Some(command) = next_command(&mut received) {
            let answer = perform(&command, field, &mut registers);
            rustix::io::write(line, &ACKNOWLEDGE).unwrap();
            rustix::io::write(line, &framed(&[&[0xD5, command[0] + 1], &answer[..]].concat())).unwrap();
        }
    }
}

/// The next command that is complete, its code first; wake-up bytes and acknowledgements are passed over.
fn next_command(received: &mut Vec<u8>) -> Option<Vec<u8>> {
    loop {
        let start = received.windows(2).position(|pair| pair == [0x00, 0xFF])?;
        let length = usize::from(*received.get(start + 2)?);
        let end = if length == 0 { start + 4 } else { start + 4 + length + 2 };
        if received.len() < end {
            return None;
        }
        let frame: Vec<u8> = received.drain(..end).collect();
        if let [0xD4, command @ ..] = &frame[start + 4..start + 4 + length] {
            return Some(command.to_vec());
        }
    }
}

fn framed(content: &[u8]) -> Vec<u8> {
    let sum = |bytes: &[u8]| bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)).wrapping_neg();
    let length = u8::try_from(content.len()).unwrap();
    [&[0x00, 0x00, 0xFF, length, length.wrapping_neg()], content, &[sum(content), 0x00]].concat()
}

fn perform(command: &[u8], field: &mut Field, registers: &mut HashMap<[u8; 2], u8>) -> Vec<u8> {
    match command {
        [0x00, test @ ..] => test.to_vec(),
        [0x02, ..] => vec![0x32, 0x01, 0x06, 0x07],
        [0x06, addresses @ ..] => {
            addresses.chunks_exact(2).map(|at| registers.get(at).copied().unwrap_or_default()).collect()
        }
        [0x08, writes @ ..] => {
            registers.extend(writes.chunks_exact(3).map(|write| ([write[0], write[1]], write[2])));
            Vec::new()
        }
        [0x4A, _, modulation, ..] => list(*modulation, field),
        [0x40, _, c_apdu @ ..] => match field {
            Field::TypeB(card) => [&[0x00], &card.transmit(c_apdu).unwrap()[..]].concat(),
            Field::TwoCards { .. } | Field::Ticket => vec![0x01],
        },
        [0x16 | 0x44 | 0x52, ..] => vec![0x00],
        // Parameters, configuration: done.
        _ => Vec::new(),
    }
}

/// `InListPassiveTarget`: 00 is type A, 03 type B, both at 106 kbit/s.
fn list(modulation: u8, field: &mut Field) -> Vec<u8> {
    match (field, modulation) {
        (Field::TwoCards { found }, 0x00) => {
            *found = found.wrapping_add(1);
            // Number, ATQA, SAK with ISO/IEC 14443-4, four bytes of UID, answer to select.
            let uid = [0x08, 0xA1, 0xB2, *found % 2];
            [&[0x01, 0x01, 0x00, 0x04, 0x20, 0x04], &uid[..], &[0x05, 0x78, 0x80, 0x70, 0x02]].concat()
        }
        (Field::Ticket, 0x00) => vec![0x01, 0x01, 0x00, 0x04, 0x08, 0x04, 0xDE, 0xAD, 0xBE, 0xEF],
        (Field::TypeB(card), 0x03) => {
            card.reset();
            // Number, ATQB (PUPI, application data, protocol info with ISO/IEC 14443-4), answer to ATTRIB.
            let atqb = [0x50, 0x11, 0x22, 0x33, 0x44, 0, 0, 0, 0, 0x00, 0x81, 0x71];
            [&[0x01, 0x01], &atqb[..], &[0x01, 0x00]].concat()
        }
        _ => vec![0x00],
    }
}

#[test]
fn two_cards_at_once_are_one_too_many() {
    let read = Chip::with(Field::TwoCards { found: 0 }).card_read();
    assert_eq!(read["outcome"], "several_cards", "{read}");
}

#[test]
fn a_ticket_is_no_payment_card() {
    let read = Chip::with(Field::Ticket).card_read();
    assert_eq!(read["outcome"], "card_not_payment", "{read}");
}

#[test]
fn a_card_of_type_b_is_read() {
    let card = VirtualCard::new(Profile::built_in("visa").unwrap()).over(Interface::Contactless);
    let card = Box::new(PresentedCard::new(card, Misbehaviour::default()));
    let read = Chip::with(Field::TypeB(card)).card_read();
    assert_eq!(read["outcome"], "arqc", "{read}");
    assert_eq!(read["pan_masked"], "476134******0050");
}

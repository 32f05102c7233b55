//! A PN532 on a pseudo terminal, driven byte by byte as libnfc does, and by libnfc's own program where it is there.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use emv::{CardRead, Interface};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use virtual_card::pn532::{self, Event, Port};
use virtual_card::{Fault, FaultKind, Misbehaviour, Pause, PresentedCard, VirtualCard};

use crate::support::{Ending, misbehaves_everywhere_alike, pay_over, profile, readable, terminal, verify};

/// Set where libnfc's programs are installed; `cargo xtask test` sets it.
const LIBNFC_EXPECTED: &str = "TAPSEAL_TEST_LIBNFC";

/// Longest time a test waits for the chip to say something.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);

/// How long nothing must come for the line to count as silent.
const SILENCE: Duration = Duration::from_millis(300);

const ACKNOWLEDGE: [u8; 6] = [0x00, 0x00, 0xFF, 0x00, 0xFF, 0x00];

/// A card in the field of a chip of its own, on a thread of its own.
struct Field {
    path: PathBuf,
    stop: Arc<AtomicBool>,
    chip: Option<JoinHandle<Vec<Event>>>,
}

impl Field {
    fn with(name: &str, misbehaviour: Misbehaviour) -> Self {
        let card = VirtualCard::new(profile(name)).over(Interface::Contactless);
        let mut card = PresentedCard::new(card, misbehaviour);
        let port = Port::open(None).unwrap();
        let path = port.path().to_owned();
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let chip = std::thread::spawn(move || {
            let mut events = Vec::new();
            pn532::serve(&port, &mut card, &told, |event| events.push(event)).unwrap();
            events
        });
        Self { path, stop, chip: Some(chip) }
    }

    fn end(mut self) -> Vec<Event> {
        self.stop.store(true, Ordering::Relaxed);
        self.chip.take().unwrap().join().unwrap()
    }
}

impl Drop for Field {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// The host's end of the line.
struct Host(File);

impl Host {
    fn open(field: &Field) -> Self {
        let mut host = Self(OpenOptions::new().read(true).write(true).open(&field.path).unwrap());
        // The wake-up, and SAMConfiguration (UM0701-02 sections 7.2.10 and 7.2.11).
        host.0.write_all(&[&[0x55, 0x55][..], &[0; 14]].concat()).unwrap();
        assert_eq!(host.ask(&[0x14, 0x01]), [0xD5, 0x15]);
        host
    }

    /// Sends a command and gives the content of the answer's frame.
    fn ask(&mut self, command: &[u8]) -> Vec<u8> {
        self.send(command);
        assert_eq!(self.read(6), ACKNOWLEDGE, "the chip acknowledges before it answers");
        self.answer()
    }

    fn send(&mut self, command: &[u8]) {
        let content = [&[0xD4][..], command].concat();
        let length = u8::try_from(content.len()).unwrap();
        let sum = content.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
        let head = [0x00, 0x00, 0xFF, length, length.wrapping_neg()];
        self.0.write_all(&[&head[..], &content, &[sum.wrapping_neg(), 0x00]].concat()).unwrap();
    }

    fn answer(&mut self) -> Vec<u8> {
        let head = self.read(5);
        assert_eq!(head[..3], [0x00, 0x00, 0xFF]);
        let length = if head[3..] == [0xFF, 0xFF] {
            let long = self.read(3);
            usize::from(long[0]) << 8 | usize::from(long[1])
        } else {
            usize::from(head[3])
        };
        let mut content = self.read(length + 2);
        content.truncate(length);
        content
    }

    fn read(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let mut filled = 0;
        while filled < length {
            assert!(self.has_more(ANSWER_DEADLINE), "the chip says nothing more after {:02X?}", &bytes[..filled]);
            filled += self.0.read(&mut bytes[filled..]).unwrap();
        }
        bytes
    }

    fn has_more(&self, wait: Duration) -> bool {
        let mut fds = [PollFd::from_borrowed_fd(self.0.as_fd(), PollFlags::IN)];
        poll(&mut fds, Some(&Timespec::try_from(wait).unwrap())).unwrap() > 0
    }

    /// Whether a card is in the field; it is selected then.
    fn finds_a_card(&mut self) -> bool {
        let listed = self.ask(&[0x4A, 0x01, 0x00]);
        assert_eq!(listed[..2], [0xD5, 0x4B]);
        listed[2] == 1
    }

    /// One command to the card; an error is the chip's status.
    fn exchange(&mut self, c_apdu: &[u8]) -> Result<Vec<u8>, u8> {
        let mut r_apdu = Vec::new();
        let mut ask = [&[0x40, 0x01][..], c_apdu].concat();
        loop {
            let answer = self.ask(&ask);
            assert_eq!(answer[..2], [0xD5, 0x41]);
            match answer[2] {
                0x00 => return Ok([&r_apdu[..], &answer[3..]].concat()),
                0x40 => r_apdu.extend_from_slice(&answer[3..]),
                status => return Err(status),
            }
            ask.truncate(2);
        }
    }

    /// Reads the card to pay; an error is the chip's status.
    fn pay(&mut self) -> Result<Ending, u8> {
        let mut status = None;
        let ending = pay_over(terminal(Interface::Contactless), |c_apdu| {
            self.exchange(c_apdu).inspect_err(|given| status = Some(*given)).ok()
        });
        match (ending, status) {
            (Ending::Removed, Some(status)) => Err(status),
            (ending, _) => Ok(ending),
        }
    }

    /// Reads a card that behaves.
    fn read_card(&mut self) -> Box<CardRead> {
        match self.pay() {
            Ok(Ending::Read(read)) => read,
            Ok(Ending::Refused(error)) => panic!("{error}"),
            Ok(Ending::Removed) => panic!("removed"),
            Err(status) => panic!("{status:02X}"),
        }
    }
}

#[test]
fn every_card_that_can_be_tapped_pays_through_the_chip() {
    let tapped: Vec<_> = readable().into_iter().filter(|(_, interface)| *interface == Interface::Contactless).collect();
    assert!(tapped.len() >= 10, "{}", tapped.len());
    for (profile, _) in tapped {
        let field = Field::with(&profile.name, Misbehaviour::default());
        let mut host = Host::open(&field);
        assert!(host.finds_a_card());
        let read = host.read_card();
        verify(&profile, &read, &read.icc_data).unwrap_or_else(|error| panic!("{}: {error}", profile.name));
        assert_eq!(host.ask(&[0x42, 0xB2]), [0xD5, 0x43, 0x00, 0xA3], "the card is still there");
        assert_eq!(host.ask(&[0x52, 0x00]), [0xD5, 0x53, 0x00]);
        assert_eq!(field.end(), [Event::Selected]);
    }
}

#[test]
fn a_card_removed_at_every_exchange_is_a_time_out_and_an_empty_field() {
    let needed = {
        let field = Field::with("mastercard", Misbehaviour::default());
        let mut host = Host::open(&field);
        assert!(host.finds_a_card());
        host.read_card().exchanges
    };
    for removed_after in 0..needed {
        let misbehaviour = Misbehaviour { remove_after: Some(removed_after), ..Misbehaviour::default() };
        let field = Field::with("mastercard", misbehaviour);
        let mut host = Host::open(&field);
        if host.finds_a_card() {
            assert!(matches!(host.pay(), Err(0x01)), "{removed_after}");
        } else {
            assert_eq!(removed_after, 0);
        }
        assert_eq!(host.ask(&[0x42, 0xB2]), [0xD5, 0x43, 0x01]);
        assert!(!host.finds_a_card());
        assert!(field.end().contains(&Event::Removed));
    }
}

#[test]
fn a_silent_card_is_a_time_out_of_the_chip() {
    let fault = Some(Fault { after: 1, kind: FaultKind::Silence, status: 0 });
    let field = Field::with("visa", Misbehaviour { fault, ..Misbehaviour::default() });
    let mut host = Host::open(&field);
    assert!(host.finds_a_card());
    assert!(matches!(host.pay(), Err(0x01)));
    assert_eq!(host.ask(&[0x42, 0xB2]), [0xD5, 0x43, 0x00, 0xA3], "it is silent, but there");
}

#[test]
fn a_command_the_host_gave_up_is_not_answered_any_more() {
    let pause = Some(Pause { after: 0, pause: SILENCE });
    let field = Field::with("visa", Misbehaviour { pause, ..Misbehaviour::default() });
    let mut host = Host::open(&field);
    assert!(host.finds_a_card());
    let select = [&[0x40, 0x01, 0x00, 0xA4, 0x04, 0x00, 0x0E][..], emv::application::PPSE, &[0x00]].concat();
    host.send(&select);
    assert_eq!(host.read(6), ACKNOWLEDGE);
    host.0.write_all(&ACKNOWLEDGE).unwrap();
    assert_eq!(host.ask(&[0x02]), [0xD5, 0x03, 0x32, 0x01, 0x06, 0x07], "not the late answer of the card");
    assert!(matches!(host.exchange(&select[2..]), Ok(r_apdu) if r_apdu.ends_with(&[0x90, 0x00])));
}

#[test]
fn a_card_misbehaves_here_as_everywhere() {
    for name in ["visa", "mastercard"] {
        misbehaves_everywhere_alike(&profile(name), Interface::Contactless, |misbehaviour| {
            let field = Field::with(name, misbehaviour);
            let mut host = Host::open(&field);
            assert!(host.finds_a_card());
            host.pay().unwrap_or(Ending::Removed)
        });
    }
}

#[test]
fn noise_and_false_frames_are_passed_over() {
    let field = Field::with("visa", Misbehaviour::default());
    let mut host = Host::open(&field);
    host.0.write_all(&[0x00, 0xFF, 0x05, 0x00, 0xD4, 0x00, 0x00, 0xFF, 0x02, 0xFE, 0xD4, 0x02, 0x00, 0x00]).unwrap();
    host.0.write_all(&ACKNOWLEDGE).unwrap();
    assert!(!host.has_more(SILENCE), "nothing of this is a command");
    assert_eq!(host.ask(&[0x02]), [0xD5, 0x03, 0x32, 0x01, 0x06, 0x07]);
    host.send(&[0x99]);
    assert_eq!(host.read(6), ACKNOWLEDGE);
    assert_eq!(host.read(8), [0x00, 0x00, 0xFF, 0x01, 0xFF, 0x7F, 0x81, 0x00]);
}

#[test]
fn the_link_names_the_port_and_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("pn532");
    let port = Port::open(Some(&link)).unwrap();
    assert_eq!(port.path(), link);
    assert_eq!(port.connection_string(), format!("pn532_uart:{}:115200", link.display()));
    let next = Port::open(Some(&link)).unwrap();
    drop(port);
    assert!(link.exists(), "the link is the next port's by now");
    drop(next);
    assert!(!link.exists());
    std::fs::write(&link, "not a link").unwrap();
    assert!(Port::open(Some(&link)).is_err(), "only a link is ever replaced");
}

#[test]
fn the_real_libnfc_lists_the_card() {
    if std::env::var_os(LIBNFC_EXPECTED).is_none() {
        eprintln!("{LIBNFC_EXPECTED} is not set: nfc-list is not expected here");
        return;
    }
    let field = Field::with("visa", Misbehaviour::default());
    let device = format!("pn532_uart:{}:115200", field.path.display());
    let output = Command::new("nfc-list").arg("-v").env("LIBNFC_DEVICE", device).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    for part in [
        "NFC device: user defined device opened",
        "1 ISO14443A passive target(s) found",
        "ATQA (SENS_RES): 00  04",
        "UID (NFCID3): 08",
        "SAK (SEL_RES): 20",
        "* Compliant with ISO/IEC 14443-4",
        "ATS: 78  80  70  02",
        "0 ISO14443B passive target(s) found",
    ] {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
    assert!(field.end().contains(&Event::Selected));
}

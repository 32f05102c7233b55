//! The frames of vpcd, spoken with a reader made of a listening socket.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use emv::Interface;
use virtual_card::vpcd::{self, Ended};
use virtual_card::{FaultKind, Misbehaviour, PresentedCard, Profile, VirtualCard};

use crate::support::{misbehaves_everywhere_alike, pay_over, profile, terminal};

/// Longest time a test waits for the card to say something.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);

/// How long a reader waits for a card that says nothing.
const PATIENCE: Duration = Duration::from_millis(200);

struct Reader {
    listener: TcpListener,
    stream: TcpStream,
    stop: Arc<AtomicBool>,
    card: JoinHandle<Ended>,
}

fn insert(misbehaviour: Misbehaviour) -> Reader {
    insert_card(VirtualCard::new(Profile::built_in("visa").unwrap()), misbehaviour)
}

fn insert_card(card: VirtualCard, misbehaviour: Misbehaviour) -> Reader {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let card = std::thread::spawn(move || {
        let mut card = PresentedCard::new(card, misbehaviour);
        vpcd::serve(&address, ANSWER_DEADLINE, &mut card, &stopped, |_| {}).unwrap()
    });
    let stream = accept(&listener);
    Reader { listener, stream, stop, card }
}

fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(ANSWER_DEADLINE)).unwrap();
    stream
}

impl Reader {
    fn send(&mut self, message: &[u8]) {
        let length = u16::try_from(message.len()).unwrap().to_be_bytes();
        self.stream.write_all(&[&length[..], message].concat()).unwrap();
    }

    /// The next message, or `None` when the card is gone.
    fn receive(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 2];
        self.stream.read_exact(&mut length).ok()?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        self.stream.read_exact(&mut message).ok()?;
        Some(message)
    }
}

fn select_ppse() -> Vec<u8> {
    [&[0x00, 0xA4, 0x04, 0x00, 0x0E][..], emv::application::PPSE, &[0x00]].concat()
}

#[test]
fn power_reset_presence_and_commands() {
    let mut reader = insert(Misbehaviour::default());
    reader.send(&[0x01]);
    reader.send(&[0x04]);
    assert_eq!(reader.receive().unwrap(), [0x3B, 0x80, 0x80, 0x01, 0x01]);
    reader.send(&select_ppse());
    assert_eq!(reader.receive().unwrap().last_chunk(), Some(&[0x90, 0x00]));
    reader.send(&[0x02]);
    reader.send(&[0x80, 0xA8, 0x00, 0x00, 0x02, 0x83, 0x00, 0x00]);
    assert_eq!(reader.receive().unwrap(), [0x69, 0x85], "reset forgets what was selected");
    reader.send(&[0x00]);
    reader.stop.store(true, Ordering::Relaxed);
    assert_eq!(reader.card.join().unwrap(), Ended::Stopped);
}

#[test]
fn a_frame_may_arrive_in_pieces() {
    let mut reader = insert(Misbehaviour::default());
    let command = select_ppse();
    for byte in [&[0x00, 0x14][..], &command].concat() {
        reader.stream.write_all(&[byte]).unwrap();
    }
    assert_eq!(reader.receive().unwrap().last_chunk(), Some(&[0x90, 0x00]));
}

#[test]
fn a_removed_card_closes_the_socket() {
    let mut reader = insert(Misbehaviour { remove_after: Some(1), ..Misbehaviour::default() });
    reader.send(&[0x04]);
    assert!(reader.receive().is_some());
    reader.send(&select_ppse());
    assert!(reader.receive().is_some());
    assert!(reader.receive().is_none());
    assert_eq!(reader.card.join().unwrap(), Ended::Removed);
}

#[test]
fn a_card_removed_before_its_first_answer_gives_none() {
    let mut reader = insert(Misbehaviour { remove_after: Some(0), ..Misbehaviour::default() });
    reader.send(&[0x04]);
    assert!(reader.receive().is_some());
    reader.send(&select_ppse());
    assert!(reader.receive().is_none());
    assert_eq!(reader.card.join().unwrap(), Ended::Removed);
}

#[test]
fn a_card_misbehaves_here_as_everywhere() {
    for (name, interface) in [("mastercard", Interface::Contact), ("contact-t0", Interface::Contact)] {
        let profile = profile(name);
        misbehaves_everywhere_alike(&profile, interface, |misbehaviour| {
            let card = VirtualCard::new(profile.clone()).over(interface);
            let mut reader = insert_card(card, misbehaviour);
            let silent = misbehaviour.fault.is_some_and(|fault| fault.kind == FaultKind::Silence);
            let mut answered = 0;
            let ending = pay_over(terminal(interface), |c_apdu| {
                reader.send(c_apdu);
                // Only from a card that is to say nothing is nothing taken for an answer soon.
                if silent && misbehaviour.fault.is_some_and(|fault| fault.after == answered) {
                    reader.stream.set_read_timeout(Some(PATIENCE)).unwrap();
                }
                answered += 1;
                reader.receive()
            });
            reader.stop.store(true, Ordering::Relaxed);
            assert_eq!(reader.card.join().unwrap(), Ended::Stopped, "a silent card stays where it is");
            ending
        });
    }
}

#[test]
fn a_reader_that_restarts_finds_the_card_again() {
    let mut reader = insert(Misbehaviour::default());
    reader.stream = accept_after_dropping(&reader);
    reader.send(&[0x04]);
    assert!(reader.receive().is_some());
}

fn accept_after_dropping(reader: &Reader) -> TcpStream {
    reader.stream.shutdown(std::net::Shutdown::Both).unwrap();
    accept(&reader.listener)
}

#[test]
fn a_reader_that_is_not_there_is_an_error_after_the_wait() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut card = PresentedCard::new(VirtualCard::new(Profile::built_in("visa").unwrap()), Misbehaviour::default());
    let never = AtomicBool::new(false);
    let ended = vpcd::serve(&address, Duration::ZERO, &mut card, &never, |_| {});
    assert!(matches!(ended, Err(vpcd::VpcdError::NoReader(_))));
    let ended = vpcd::serve("nowhere", Duration::ZERO, &mut card, &never, |_| {});
    assert!(matches!(ended, Err(vpcd::VpcdError::Address(_))));
}

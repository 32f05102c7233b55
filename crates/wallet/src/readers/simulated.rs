//! A simulated reader: it listens, and a card program connects and speaks vsmartcard's vpcd framing.
//!
//! Every message is a two-byte big-endian length and that many bytes. One byte from the reader is control:
//! 00 power off, 01 power on, 02 reset, 04 "give your answer to reset"; more bytes are a C-APDU.
//! A closed connection is a card that was taken away, a silent one a card that stopped answering. Used only when named explicitly, and only on
//! the loopback interface.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use emv::Interface;
use protocol::ipc::{ReaderKind, ReaderView};
use zeroize::Zeroizing;

use super::{Arrival, CardConnection, CardReader, ReaderError, interface_of_atr};

const POWER_OFF: u8 = 0x00;
const POWER_ON: u8 = 0x01;
const GET_ATR: u8 = 0x04;
/// How long the card program may take to answer: longer than whoever reads the card waits, so that this ends a thread
/// that nobody listens to any more.
const ANSWER_WAIT: Duration = Duration::from_secs(10);
/// How long it may take to say its answer to reset.
const RESET_WAIT: Duration = Duration::from_secs(3);
/// How often a waiting card is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The longest answer to reset, in bytes (ISO/IEC 7816-3 section 8.1).
const ATR_BYTES_MAX: usize = 33;
/// The longest R-APDU that is taken, in bytes: 256 and the status word.
const ANSWER_BYTES_MAX: usize = 258;

/// A reader that listens for a card program.
pub struct SimulatedReader {
    id: String,
    address: SocketAddr,
    listener: TcpListener,
    /// The card in the reader, while no session has it.
    card: Slot,
}

type Slot = Arc<Mutex<Option<TcpStream>>>;

impl SimulatedReader {
    /// Listens at `address`, which must be of the loopback interface.
    pub fn listen(id: &str, address: &str) -> Result<Self, ReaderError> {
        let fault = |error: io::Error| ReaderError::BadName(format!("{address}: {error}"));
        let wanted = address.to_socket_addrs().map_err(fault)?.find(|address| address.ip().is_loopback());
        let wanted = wanted.ok_or_else(|| ReaderError::BadName(format!("{address}: not of the loopback interface")))?;
        let listener = TcpListener::bind(wanted).map_err(fault)?;
        listener.set_nonblocking(true).map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        Ok(Self { id: id.to_owned(), address, listener, card: Slot::default() })
    }

    /// Where it listens: the port that was chosen when 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The card that is in the reader, or that just connected; a newer card takes an older one's place.
    fn card(&self) -> Option<TcpStream> {
        let mut card = self.card.lock().expect("no panic while it is held").take();
        while let Ok((stream, _)) = self.listener.accept() {
            card = prepare(stream).ok().or(card);
        }
        card
    }
}

fn prepare(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_WAIT))?;
    stream.set_write_timeout(Some(ANSWER_WAIT))?;
    Ok(stream)
}

impl CardReader for SimulatedReader {
    fn list(&self) -> Result<Vec<ReaderView>, ReaderError> {
        let card = self.card();
        let card_present = card.is_some();
        *self.card.lock().expect("no panic while it is held") = card;
        let name = format!("Simulated reader at {}", self.address);
        Ok(vec![ReaderView {
            id: self.id.clone(),
            name,
            kind: ReaderKind::Simulated,
            gestures: Vec::new(),
            card_present,
            trouble: None,
        }])
    }

    fn connect(&self, _id: Option<&str>, wait: Duration) -> Result<Option<Arrival>, ReaderError> {
        let deadline = Instant::now() + wait;
        loop {
            if let Some(stream) = self.card()
                && let Ok(connection) = SimulatedConnection::power_on(&self.id, stream, &self.card)
            {
                return Ok(Some(Arrival::Chip(Box::new(connection))));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            thread::sleep(left.min(LOOK_EVERY));
        }
    }
}

struct SimulatedConnection {
    id: String,
    interface: Interface,
    stream: TcpStream,
    slot: Slot,
}

impl SimulatedConnection {
    fn power_on(id: &str, mut stream: TcpStream, slot: &Slot) -> io::Result<Self> {
        send(&mut stream, &[POWER_ON])?;
        send(&mut stream, &[GET_ATR])?;
        stream.set_read_timeout(Some(RESET_WAIT))?;
        let atr = receive(&mut stream, ATR_BYTES_MAX)?;
        stream.set_read_timeout(Some(ANSWER_WAIT))?;
        let interface = interface_of_atr(&atr);
        Ok(Self { id: id.to_owned(), interface, stream, slot: Arc::clone(slot) })
    }
}

impl CardConnection for SimulatedConnection {
    fn reader_id(&self) -> &str {
        &self.id
    }

    fn interface(&self) -> Interface {
        self.interface
    }

    fn transceive(&mut self, c_apdu: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReaderError> {
        let exchange = |stream: &mut TcpStream| {
            send(stream, c_apdu)?;
            receive(stream, ANSWER_BYTES_MAX)
        };
        match exchange(&mut self.stream) {
            Ok(answer) if answer.len() >= 2 => Ok(answer),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                Err(ReaderError::Timeout)
            }
            Ok(_) | Err(_) => Err(ReaderError::Removed),
        }
    }

    fn close(self: Box<Self>) {
        let Self { mut stream, slot, .. } = *self;
        // The card stays in the reader, unless it went away, which this write notices.
        if send(&mut stream, &[POWER_OFF]).is_ok() {
            let mut kept = slot.lock().expect("no panic while it is held");
            kept.get_or_insert(stream);
        }
    }
}

/// Length and payload in one write, so that no delayed acknowledgement comes between.
fn send(stream: &mut TcpStream, payload: &[u8]) -> io::Result<()> {
    let length = u16::try_from(payload.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut message = Zeroizing::new(Vec::with_capacity(2 + payload.len()));
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(payload);
    stream.write_all(&message)
}

fn receive(stream: &mut TcpStream, bytes_max: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let length = usize::from(u16::from_be_bytes(length));
    if length > bytes_max {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut payload = Zeroizing::new(vec![0; length]);
    stream.read_exact(&mut payload)?;
    Ok(payload)
}

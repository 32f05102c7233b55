//! The card side of vpcd, the virtual reader of the vsmartcard project: a TCP client with two-byte lengths.
//!
//! Every message, both ways, is a big-endian length and that many bytes. One byte is a control message, more are
//! a C-APDU. The reader asks for the answer to reset every half second to see whether the card is still there;
//! a closed socket means it has been taken away.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::presented::{CardRemoved, PresentedCard, Said};

/// Where vpcd's first slot listens.
pub const DEFAULT_ADDRESS: &str = "127.0.0.1:35963";

/// How long a reader that is not there, or went away, is waited for unless the caller says otherwise.
pub const READER_WAIT: Duration = Duration::from_mins(2);

/// Pause between two attempts to connect.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// How long one attempt to connect or one write may take.
const SOCKET_DEADLINE: Duration = Duration::from_secs(5);

/// How often a waiting card looks whether it should stop.
const STOP_CHECK: Duration = Duration::from_millis(50);

/// Control messages (vpcd.h).
const POWER_OFF: u8 = 0x00;
const POWER_ON: u8 = 0x01;
const RESET: u8 = 0x02;
const GET_ATR: u8 = 0x04;

/// Why a card could not be served.
#[derive(Debug, thiserror::Error)]
pub enum VpcdError {
    /// The address names no host.
    #[error("{0} is not an address")]
    Address(String),
    /// No reader answered in the time given.
    #[error("no virtual reader listens on {0}; is pcscd running with vpcd installed?")]
    NoReader(String),
    /// An answer does not fit a frame.
    #[error("an answer is longer than a frame")]
    AnswerTooLong,
}

/// How serving ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// The misbehaviour took the card away.
    Removed,
    /// The caller asked.
    Stopped,
}

/// What happens, for the person watching.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// No reader is there yet.
    Waiting,
    /// The card lies in the reader.
    Inserted,
    /// The reader went away; the card waits for it.
    ReaderLost,
    /// The card was taken away.
    Removed,
}

/// What one frame asks for.
enum Reply {
    /// Nothing to say.
    None,
    /// Say this.
    Frame(Vec<u8>),
}

/// Puts a card into the reader at `address` until `stop` is set or the card takes itself away. A reader that
/// restarts within `reader_wait` finds the card again.
///
/// # Errors
/// [`VpcdError`].
pub fn serve(
    address: &str,
    reader_wait: Duration,
    card: &mut PresentedCard,
    stop: &AtomicBool,
    mut watch: impl FnMut(Event),
) -> Result<Ended, VpcdError> {
    loop {
        let Some(mut stream) = connect(address, reader_wait, stop, &mut watch)? else { return Ok(Ended::Stopped) };
        watch(Event::Inserted);
        match serve_connection(&mut stream, card, stop)? {
            Connection::Stopped => return Ok(Ended::Stopped),
            Connection::CardRemoved => {
                watch(Event::Removed);
                return Ok(Ended::Removed);
            }
            Connection::ReaderLost => {
                card.reset();
                watch(Event::ReaderLost);
                // A reader that only opens and closes must not be hammered.
                std::thread::sleep(RETRY_PAUSE);
            }
        }
    }
}

/// How one connection ended.
enum Connection {
    CardRemoved,
    ReaderLost,
    Stopped,
}

/// Connects, or gives `None` when asked to stop.
fn connect(
    address: &str,
    reader_wait: Duration,
    stop: &AtomicBool,
    watch: &mut impl FnMut(Event),
) -> Result<Option<TcpStream>, VpcdError> {
    let targets: Vec<_> = address.to_socket_addrs().map_err(|_| VpcdError::Address(address.to_owned()))?.collect();
    let deadline = Instant::now() + reader_wait;
    let mut told = false;
    while !stop.load(Ordering::Relaxed) {
        for target in &targets {
            if let Ok(stream) = TcpStream::connect_timeout(target, SOCKET_DEADLINE)
                && prepare(&stream).is_ok()
            {
                return Ok(Some(stream));
            }
        }
        if Instant::now() >= deadline {
            return Err(VpcdError::NoReader(address.to_owned()));
        }
        if !told {
            watch(Event::Waiting);
            told = true;
        }
        std::thread::sleep(RETRY_PAUSE);
    }
    Ok(None)
}

/// Small frames must not wait for each other, and no read may hide a stop.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(STOP_CHECK))?;
    stream.set_write_timeout(Some(SOCKET_DEADLINE))
}

fn serve_connection(
    stream: &mut TcpStream,
    card: &mut PresentedCard,
    stop: &AtomicBool,
) -> Result<Connection, VpcdError> {
    loop {
        let mut length = [0; 2];
        let mut frame = Vec::new();
        let received = fill(stream, &mut length, stop).and_then(|filled| match filled {
            Filled::Stopped => Ok(Filled::Stopped),
            Filled::Yes => {
                frame.resize(usize::from(u16::from_be_bytes(length)), 0);
                fill(stream, &mut frame, stop)
            }
        });
        match received {
            Ok(Filled::Yes) => {}
            Ok(Filled::Stopped) => return Ok(Connection::Stopped),
            Err(_) => return Ok(Connection::ReaderLost),
        }
        match answer(card, &frame) {
            Ok(Reply::None) => {}
            Ok(Reply::Frame(reply)) => {
                if stream.write_all(&framed(&reply)?).is_err() {
                    return Ok(Connection::ReaderLost);
                }
            }
            Err(CardRemoved) => return Ok(Connection::CardRemoved),
        }
        if card.answered() > 0 && card.check_presence().is_err() {
            return Ok(Connection::CardRemoved);
        }
    }
}

/// Whether a buffer was filled.
enum Filled {
    Yes,
    Stopped,
}

/// Reads until the buffer is full; a quiet reader is no error.
fn fill(stream: &mut TcpStream, buffer: &mut [u8], stop: &AtomicBool) -> io::Result<Filled> {
    let mut filled = 0;
    while filled < buffer.len() {
        if stop.load(Ordering::Relaxed) {
            return Ok(Filled::Stopped);
        }
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Filled::Yes)
}

/// What the card says to a frame.
fn answer(card: &mut PresentedCard, frame: &[u8]) -> Result<Reply, CardRemoved> {
    match frame {
        [POWER_OFF | POWER_ON | RESET] => {
            card.reset();
            Ok(Reply::None)
        }
        [GET_ATR] => Ok(Reply::Frame(card.atr())),
        [] | [_] => Ok(Reply::None),
        c_apdu => card.exchange(c_apdu).map(|said| match said {
            Said::Answer(r_apdu) => Reply::Frame(r_apdu),
            Said::Nothing => Reply::None,
        }),
    }
}

/// Length and content in one write: two would wait for the reader's delayed acknowledgement.
fn framed(content: &[u8]) -> Result<Vec<u8>, VpcdError> {
    let length = u16::try_from(content.len()).map_err(|_| VpcdError::AnswerTooLong)?;
    Ok([&length.to_be_bytes()[..], content].concat())
}

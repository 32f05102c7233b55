//! One open stripe reader: takes in what it sends and knows when a swipe is over.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use emv::stripe::SWIPE_BYTES_MAX;
use evdev::{Device as Keyboard, EventSummary};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::termios::{self, LocalModes, OptionalActions, Termios};
use zeroize::Zeroizing;

use super::keys::Keys;
use super::{STDIN, hid};
use crate::readers::ReaderError;

/// How long nothing may come until a swipe is taken to be over: a reader sends its tracks in one go.
const QUIET: Duration = Duration::from_millis(150);
/// The longest wait before it is looked whether a swipe is over.
const LOOK: Duration = Duration::from_millis(50);
/// Most bytes of one HID report.
const REPORT_BYTES_MAX: usize = 1024;

/// A reader that is listened to.
pub(super) struct Port {
    source: Source,
    received: Zeroizing<Vec<u8>>,
    /// When something came last.
    last: Option<Instant>,
    /// Whether the swipe is known to be over, before it gets quiet.
    over: bool,
}

enum Source {
    /// Characters, one line each swipe: what follows the line is somebody else's.
    Stdin { _silenced: Silenced },
    /// Characters of a serial line.
    Stream(OwnedFd),
    /// Key strokes, grabbed.
    Keyboard(Box<Keyboard>, Keys),
    /// Reports of the HID usage page for magnetic-stripe readers.
    Reports(OwnedFd),
}

impl Port {
    /// Opens a place by what it is.
    pub(super) fn open(place: &str) -> Result<Self, ReaderError> {
        let source = if place == STDIN {
            Source::Stdin { _silenced: Silenced::new() }
        } else if place.starts_with("/dev/input/") {
            let mut keyboard = Keyboard::open(place).map_err(|error| cannot_open(&error))?;
            keyboard.set_nonblocking(true).map_err(|error| cannot_open(&error))?;
            // Held by another program, or not ours to take: then its keys would show on the screen.
            keyboard.grab().map_err(|_| ReaderError::Busy)?;
            Source::Keyboard(Box::new(keyboard), Keys::default())
        } else {
            let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            let file = rustix::fs::open(place, flags, Mode::empty()).map_err(|error| cannot_open(&error.into()))?;
            if place.starts_with("/dev/hidraw") {
                Source::Reports(file)
            } else {
                discard_waiting(&file);
                Source::Stream(file)
            }
        };
        let received = Zeroizing::new(Vec::with_capacity(SWIPE_BYTES_MAX + REPORT_BYTES_MAX));
        Ok(Self { source, received, last: None, over: false })
    }

    /// Takes in what has come, without waiting.
    ///
    /// # Errors
    /// [`ReaderError::NoReader`] when nothing can come any more.
    pub(super) fn take_in(&mut self) -> Result<(), ReaderError> {
        let before = self.received.len();
        let state = match &mut self.source {
            Source::Stdin { .. } => take_line(&mut self.received).map(|over| self.over |= over),
            Source::Stream(file) => take_bytes(file.as_fd(), &mut self.received),
            Source::Keyboard(keyboard, keys) => take_keys(keyboard, keys, &mut self.received),
            Source::Reports(file) => take_report(file.as_fd(), &mut self.received).map(|over| self.over |= over),
        };
        if self.received.len() > before {
            self.last = Some(Instant::now());
        }
        state
    }

    /// What a swipe gave, once it is over; line ends alone are none.
    pub(super) fn swiped(&mut self) -> Option<Zeroizing<Vec<u8>>> {
        let quiet = self.last.is_some_and(|last| last.elapsed() >= QUIET);
        let full = self.received.len() > SWIPE_BYTES_MAX;
        if !(self.over || quiet || full) {
            return None;
        }
        self.last = None;
        self.over = false;
        let empty = Zeroizing::new(Vec::with_capacity(SWIPE_BYTES_MAX + REPORT_BYTES_MAX));
        let swiped = std::mem::replace(&mut self.received, empty);
        (!swiped.trim_ascii().is_empty()).then_some(swiped)
    }

    fn descriptor(&self) -> BorrowedFd<'_> {
        match &self.source {
            Source::Stdin { .. } => rustix::stdio::stdin(),
            Source::Stream(file) | Source::Reports(file) => file.as_fd(),
            Source::Keyboard(keyboard, _) => keyboard.as_fd(),
        }
    }
}

/// Waits until one of the ports has something, or it is time to look.
pub(super) fn wait_for_any<'a>(ports: impl Iterator<Item = &'a Port>, wait: Duration) {
    let mut waiting: Vec<PollFd<'_>> =
        ports.map(|port| PollFd::from_borrowed_fd(port.descriptor(), PollFlags::IN)).collect();
    let wait = wait.min(LOOK);
    let timeout = Timespec { tv_sec: 0, tv_nsec: i64::from(wait.subsec_nanos()) };
    // Woken early or not: whoever calls looks at every port.
    let _ = poll(&mut waiting, Some(&timeout));
}

fn cannot_open(error: &std::io::Error) -> ReaderError {
    match error.kind() {
        std::io::ErrorKind::NotFound => ReaderError::NoReader,
        _ => ReaderError::Failed("the stripe reader cannot be opened: may you read its device file?".to_owned()),
    }
}

/// What was swiped before anybody waited is not paid with.
fn discard_waiting(file: &OwnedFd) {
    let mut buffer = Zeroizing::new([0; SWIPE_BYTES_MAX]);
    while matches!(rustix::io::read(file, buffer.as_mut_slice()), Ok(1..)) {}
}

/// What has come on a non-blocking descriptor.
fn take_bytes(file: BorrowedFd<'_>, received: &mut Vec<u8>) -> Result<(), ReaderError> {
    let mut buffer = Zeroizing::new([0; SWIPE_BYTES_MAX]);
    match rustix::io::read(file, buffer.as_mut_slice()) {
        // A line without its other end, for now.
        Ok(0) => Err(ReaderError::NoReader),
        Ok(length) => {
            received.extend_from_slice(&buffer[..length]);
            Ok(())
        }
        Err(Errno::AGAIN | Errno::INTR) => Ok(()),
        Err(_) => Err(ReaderError::NoReader),
    }
}

/// One line of standard input, byte by byte: what follows it is not a swipe. True at its end.
fn take_line(received: &mut Vec<u8>) -> Result<bool, ReaderError> {
    let stdin = rustix::stdio::stdin();
    while received.len() <= SWIPE_BYTES_MAX {
        let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        if !matches!(poll(&mut ready, Some(&now)), Ok(1..)) {
            return Ok(false);
        }
        let mut byte = Zeroizing::new([0]);
        match rustix::io::read(stdin, byte.as_mut_slice()) {
            Ok(0) | Err(_) if received.is_empty() => return Err(ReaderError::NoReader),
            Ok(0) | Err(_) => return Ok(true),
            Ok(_) if byte[0] == b'\n' => return Ok(true),
            Ok(_) => received.push(byte[0]),
        }
    }
    Ok(true)
}

fn take_keys(keyboard: &mut Keyboard, keys: &mut Keys, received: &mut Vec<u8>) -> Result<(), ReaderError> {
    match keyboard.fetch_events() {
        Ok(events) => {
            for event in events {
                if let EventSummary::Key(_, key, value) = event.destructure() {
                    received.extend(keys.turn(key, value));
                }
            }
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
        Err(_) => Err(ReaderError::NoReader),
    }
}

/// One report is one whole swipe. True when one came.
fn take_report(file: BorrowedFd<'_>, received: &mut Vec<u8>) -> Result<bool, ReaderError> {
    let mut report = Zeroizing::new(vec![0; REPORT_BYTES_MAX]);
    match rustix::io::read(file, report.as_mut_slice()) {
        Ok(0) => Err(ReaderError::NoReader),
        Ok(length) => {
            hid::tracks_in(&report[..length], received);
            Ok(true)
        }
        Err(Errno::AGAIN | Errno::INTR) => Ok(false),
        Err(_) => Err(ReaderError::NoReader),
    }
}

/// A terminal that shows nothing of what is typed until this is dropped; anything else is left as it is.
struct Silenced(Option<Termios>);

impl Silenced {
    fn new() -> Self {
        let stdin = rustix::stdio::stdin();
        let Ok(before) = termios::tcgetattr(stdin) else { return Self(None) };
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        let done = termios::tcsetattr(stdin, OptionalActions::Now, &silent);
        Self(done.is_ok().then_some(before))
    }
}

impl Drop for Silenced {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = termios::tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, before);
        }
    }
}

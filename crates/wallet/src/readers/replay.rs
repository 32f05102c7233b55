//! A reader that replays a recorded card: for tests, for looking at a transcript, never for paying unseen.

mod transcript;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use emv::Interface;
use protocol::ipc::{ReaderKind, ReaderView};
use transcript::{Answer, Transcript};
use zeroize::Zeroizing;

use super::{Arrival, CardConnection, CardReader, ReaderError, gesture_of};

/// The largest transcript that is read, in bytes.
const TRANSCRIPT_BYTES_MAX: u64 = 1024 * 1024;

/// What is answered to a command that the transcript lacks: not found.
const NOT_RECORDED: [u8; 2] = [0x6A, 0x82];

/// A recorded card that is always there.
pub struct ReplayReader {
    id: String,
    transcript: Arc<Transcript>,
    not_recorded: Arc<AtomicU32>,
}

impl ReplayReader {
    /// Reads a transcript.
    pub fn open(id: &str, path: &Path) -> Result<Self, ReaderError> {
        let fault = |what: String| ReaderError::BadName(format!("{}: {what}", path.display()));
        let length = fs::metadata(path).map_err(|error| fault(error.to_string()))?.len();
        if length > TRANSCRIPT_BYTES_MAX {
            return Err(fault("too large".to_owned()));
        }
        let json = fs::read(path).map_err(|error| fault(error.to_string()))?;
        let transcript = Transcript::parse(&json).map_err(fault)?;
        Ok(Self { id: id.to_owned(), transcript: Arc::new(transcript), not_recorded: Arc::default() })
    }
}

impl CardReader for ReplayReader {
    fn list(&self) -> Result<Vec<ReaderView>, ReaderError> {
        let name = if self.transcript.name.is_empty() { &self.id } else { &self.transcript.name };
        Ok(vec![ReaderView {
            id: self.id.clone(),
            name: name.clone(),
            kind: ReaderKind::Replay,
            gestures: vec![gesture_of(self.transcript.interface)],
            card_present: true,
            trouble: None,
        }])
    }

    fn connect(&self, _id: Option<&str>, _wait: Duration) -> Result<Option<Arrival>, ReaderError> {
        self.not_recorded.store(0, Ordering::Relaxed);
        Ok(Some(Arrival::Chip(Box::new(ReplayConnection {
            id: self.id.clone(),
            transcript: Arc::clone(&self.transcript),
            position: 0,
            not_recorded: Arc::clone(&self.not_recorded),
        }))))
    }

    fn not_recorded(&self) -> Option<u32> {
        Some(self.not_recorded.load(Ordering::Relaxed))
    }
}

struct ReplayConnection {
    id: String,
    transcript: Arc<Transcript>,
    /// Where the search begins: after the last hit.
    position: usize,
    /// Commands of this session that the transcript lacks.
    not_recorded: Arc<AtomicU32>,
}

impl CardConnection for ReplayConnection {
    fn reader_id(&self) -> &str {
        &self.id
    }

    fn interface(&self) -> Interface {
        self.transcript.interface
    }

    fn transceive(&mut self, c_apdu: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReaderError> {
        match self.transcript.answer(c_apdu, &mut self.position) {
            Answer::Recorded(r_apdu) => Ok(Zeroizing::new(r_apdu.to_vec())),
            Answer::Removed => Err(ReaderError::Removed),
            Answer::Unknown => {
                self.not_recorded.fetch_add(1, Ordering::Relaxed);
                Ok(Zeroizing::new(NOT_RECORDED.to_vec()))
            }
        }
    }

    fn close(self: Box<Self>) {}
}

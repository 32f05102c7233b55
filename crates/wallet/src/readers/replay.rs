//! A reader that replays a recorded card: for tests, for looking at a transcript, never for paying unseen.

mod transcript;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use emv::Interface;
use protocol::ipc::{CardGesture, ReaderKind, ReaderView};
use transcript::{Answer, Transcript};
use zeroize::Zeroizing;

use super::{Arrival, CardConnection, CardReader, ReaderError};

/// The largest transcript that is read, in bytes.
const TRANSCRIPT_BYTES_MAX: u64 = 1024 * 1024;

/// What is answered to a command that the transcript lacks: not found.
const NOT_RECORDED: [u8; 2] = [0x6A, 0x82];

/// A recorded card that is always there.
pub struct ReplayReader {
    id: String,
    transcript: Arc<Transcript>,
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
        Ok(Self { id: id.to_owned(), transcript: Arc::new(transcript) })
    }
}

impl CardReader for ReplayReader {
    fn list(&self) -> Result<Vec<ReaderView>, ReaderError> {
        let (id, name) = (self.id.clone(), self.transcript.name.clone());
        let gesture = match self.transcript.interface {
            Interface::Contact => CardGesture::Insert,
            Interface::Contactless => CardGesture::Tap,
        };
        let kind = ReaderKind::Replay;
        Ok(vec![ReaderView { id, name, kind, gestures: vec![gesture], card_present: true, trouble: None }])
    }

    fn connect(&self, _id: Option<&str>, _wait: Duration) -> Result<Option<Arrival>, ReaderError> {
        Ok(Some(Arrival::Chip(Box::new(ReplayConnection {
            id: self.id.clone(),
            transcript: Arc::clone(&self.transcript),
            position: 0,
        }))))
    }
}

struct ReplayConnection {
    id: String,
    transcript: Arc<Transcript>,
    /// Where the search begins: after the last hit.
    position: usize,
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
            Answer::Unknown => Ok(Zeroizing::new(NOT_RECORDED.to_vec())),
        }
    }

    fn close(self: Box<Self>) {}
}

//! A reader that replays a recorded card: for tests, for looking at a transcript, never for paying unseen.
//!
//! Commands are looked up in order, from the last hit on and around once: cards answer the same READ RECORD
//! differently before and after another SELECT. Commands that carry the terminal's values match by their
//! header, since the recording terminal had other values.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use emv::Interface;
use protocol::ipc::{CardGesture, ReaderKind, ReaderView};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{CardConnection, CardReader, ReaderError};

/// The largest transcript that is read, in bytes.
const TRANSCRIPT_BYTES_MAX: u64 = 1024 * 1024;

/// What is answered to a command that the transcript lacks: not found.
const NOT_RECORDED: [u8; 2] = [0x6A, 0x82];

#[derive(Deserialize)]
struct Transcript {
    name: String,
    interface: String,
    exchanges: Vec<Exchange>,
}

#[derive(Deserialize)]
struct Exchange {
    /// The C-APDU in hexadecimal.
    c: String,
    /// The R-APDU in hexadecimal; none when the card was lost here.
    r: Option<String>,
    #[serde(rename = "match", default)]
    matching: Matching,
}

/// How a command is compared with the recorded one.
#[derive(Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Matching {
    /// Byte by byte.
    #[default]
    Exact,
    /// The recorded bytes are the beginning.
    Prefix,
    /// Whatever is sent.
    Any,
}

struct Recorded {
    c_apdu: Vec<u8>,
    r_apdu: Option<Vec<u8>>,
    matching: Matching,
}

/// A recorded card that is always there.
pub struct ReplayReader {
    id: String,
    name: String,
    interface: Interface,
    exchanges: Arc<Vec<Recorded>>,
}

impl ReplayReader {
    /// Reads a transcript file.
    pub fn open(id: &str, path: &Path) -> Result<Self, ReaderError> {
        let fault = |what: String| ReaderError::BadName(format!("{}: {what}", path.display()));
        let length = fs::metadata(path).map_err(|error| fault(error.to_string()))?.len();
        if length > TRANSCRIPT_BYTES_MAX {
            return Err(fault("too large".to_owned()));
        }
        let transcript = fs::read(path).map_err(|error| fault(error.to_string()))?;
        Self::parse(id, &transcript).map_err(fault)
    }

    /// Reads a transcript's bytes; says what is wrong with them otherwise.
    pub fn parse(id: &str, transcript: &[u8]) -> Result<Self, String> {
        let transcript: Transcript = serde_json::from_slice(transcript).map_err(|error| error.to_string())?;
        let bytes = |text: &str| hex::decode(text).map_err(|error| error.to_string());
        let mut exchanges = Vec::with_capacity(transcript.exchanges.len());
        for exchange in &transcript.exchanges {
            let r_apdu = exchange.r.as_deref().map(bytes).transpose()?;
            exchanges.push(Recorded { c_apdu: bytes(&exchange.c)?, r_apdu, matching: exchange.matching });
        }
        let contactless = transcript.interface.starts_with("contactless");
        let interface = if contactless { Interface::Contactless } else { Interface::Contact };
        Ok(Self { id: id.to_owned(), name: transcript.name, interface, exchanges: Arc::new(exchanges) })
    }
}

impl CardReader for ReplayReader {
    fn list(&self) -> Result<Vec<ReaderView>, ReaderError> {
        let (id, name) = (self.id.clone(), self.name.clone());
        let gesture = match self.interface {
            Interface::Contact => CardGesture::Insert,
            Interface::Contactless => CardGesture::Tap,
        };
        let kind = ReaderKind::Replay;
        Ok(vec![ReaderView { id, name, kind, gestures: vec![gesture], card_present: true, trouble: None }])
    }

    fn connect(&self, _id: Option<&str>, _wait: Duration) -> Result<Option<Box<dyn CardConnection>>, ReaderError> {
        Ok(Some(Box::new(ReplayConnection {
            id: self.id.clone(),
            interface: self.interface,
            exchanges: Arc::clone(&self.exchanges),
            next: 0,
        })))
    }
}

struct ReplayConnection {
    id: String,
    interface: Interface,
    exchanges: Arc<Vec<Recorded>>,
    /// Where the search begins: after the last hit.
    next: usize,
}

impl ReplayConnection {
    fn find(&self, matches: impl Fn(&Recorded) -> bool) -> Option<usize> {
        let count = self.exchanges.len();
        (0..count).map(|step| (self.next + step) % count).find(|index| matches(&self.exchanges[*index]))
    }
}

impl CardConnection for ReplayConnection {
    fn reader_id(&self) -> &str {
        &self.id
    }

    fn interface(&self) -> Interface {
        self.interface
    }

    fn transceive(&mut self, c_apdu: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReaderError> {
        let exact = self.find(|recorded| recorded.is(c_apdu));
        let Some(hit) = exact.or_else(|| self.find(|recorded| recorded.is_like(c_apdu))) else {
            return Ok(Zeroizing::new(NOT_RECORDED.to_vec()));
        };
        self.next = hit + 1;
        match &self.exchanges[hit].r_apdu {
            Some(r_apdu) => Ok(Zeroizing::new(r_apdu.clone())),
            None => Err(ReaderError::Removed),
        }
    }

    fn close(self: Box<Self>) {}
}

impl Recorded {
    fn is(&self, c_apdu: &[u8]) -> bool {
        match self.matching {
            Matching::Exact => without_le(&self.c_apdu) == without_le(c_apdu),
            Matching::Prefix => c_apdu.starts_with(&self.c_apdu),
            Matching::Any => true,
        }
    }

    /// GET PROCESSING OPTIONS and GENERATE AC carry the terminal's values: the four header bytes decide.
    fn is_like(&self, c_apdu: &[u8]) -> bool {
        matches!(c_apdu, [0x80, 0xA8 | 0xAE, ..]) && self.c_apdu.get(..4) == c_apdu.get(..4)
    }
}

/// A case 4 command without its Le: recordings differ in whether they keep it.
fn without_le(c_apdu: &[u8]) -> &[u8] {
    emv::apdu::without_le_for_t0(c_apdu)
}

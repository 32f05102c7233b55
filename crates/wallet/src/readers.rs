//! Card readers: PC/SC, a transcript replayed, a simulated reader, and whatever the surrounding program brings.
//!
//! All calls block; they are made off the async threads. A reader is never chosen by a name that was not listed
//! or configured: the window cannot make the wallet open files or sockets.

pub mod pcsc;
pub mod replay;
pub mod simulated;

use std::sync::Arc;
use std::time::Duration;

pub use emv::Interface;
use protocol::ErrorCode;
use protocol::ipc::ReaderView;
use zeroize::Zeroizing;

use crate::config::WalletConfig;

/// Why a card could not be reached. No variant carries what the card said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReaderError {
    /// There is no reader, or none of that name.
    #[error("no card reader was found")]
    NoReader,
    /// No card came in time.
    #[error("no card was presented")]
    Absent,
    /// The card left too early.
    #[error("the card was removed too early")]
    Removed,
    /// The reader failed, or another program holds the card.
    #[error("the card reader failed: {0}")]
    Failed(String),
    /// The reader's name cannot be used.
    #[error("the reader cannot be used: {0}")]
    BadName(String),
}

impl ReaderError {
    /// The code that stands for it.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NoReader => ErrorCode::NoReader,
            Self::Absent => ErrorCode::CardAbsent,
            Self::Removed => ErrorCode::CardRemoved,
            Self::Failed(_) | Self::BadName(_) => ErrorCode::ReaderFailed,
        }
    }
}

/// A source of cards.
pub trait CardReader: Send + Sync {
    /// The readers it has now; an error when it cannot know.
    fn list(&self) -> Result<Vec<ReaderView>, ReaderError>;

    /// Waits at most `wait` for a card on the reader with this id, or on any of its readers. None when no card
    /// came; waiting less is allowed.
    fn connect(&self, id: Option<&str>, wait: Duration) -> Result<Option<Box<dyn CardConnection>>, ReaderError>;
}

/// A card in a reader, powered.
pub trait CardConnection: Send {
    /// The reader's id.
    fn reader_id(&self) -> &str;

    /// How the card is reached.
    fn interface(&self) -> Interface;

    /// Sends one C-APDU and gives the R-APDU, status word included.
    fn transceive(&mut self, c_apdu: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReaderError>;

    /// Lets go of the card.
    fn close(self: Box<Self>);
}

/// Every reader this wallet may use.
pub struct Readers {
    sources: Vec<Source>,
}

struct Source {
    /// What the ids of this source's readers begin with.
    prefix: String,
    reader: Arc<dyn CardReader>,
}

/// One source to wait at, and the reader there if one was named.
pub struct Place {
    /// The source.
    pub reader: Arc<dyn CardReader>,
    /// The reader's id.
    pub id: Option<String>,
}

impl Readers {
    /// The readers of the configuration first, then those the program brings, then PC/SC.
    pub fn new(config: &WalletConfig) -> Result<Self, ReaderError> {
        let mut sources = Vec::new();
        for name in &config.readers {
            if name != "pcsc" && !name.starts_with("pcsc:") {
                sources.push(Source { prefix: name.clone(), reader: open_named(name)? });
            }
        }
        for reader in &config.own_readers {
            sources.push(Source { prefix: "phone".to_owned(), reader: Arc::clone(reader) });
        }
        sources.push(Source { prefix: "pcsc".to_owned(), reader: Arc::new(pcsc::PcscReader::default()) });
        Ok(Self { sources })
    }

    /// The readers that can be used now.
    pub fn list(&self) -> Vec<ReaderView> {
        let list = |source: &Source| {
            source.reader.list().unwrap_or_else(|error| {
                tracing::debug!(%error, source = source.prefix, "a source of readers is not there");
                Vec::new()
            })
        };
        self.sources.iter().flat_map(list).collect()
    }

    /// Where to wait for a card: at the named reader, or everywhere.
    pub fn places(&self, id: Option<&str>) -> Result<Vec<Place>, ReaderError> {
        let Some(id) = id else {
            let everywhere = |source: &Source| Place { reader: Arc::clone(&source.reader), id: None };
            return Ok(self.sources.iter().map(everywhere).collect());
        };
        let source = self.sources.iter().find(|source| id.starts_with(&source.prefix)).ok_or(ReaderError::NoReader)?;
        let named = (id != source.prefix).then(|| id.to_owned());
        Ok(vec![Place { reader: Arc::clone(&source.reader), id: named }])
    }
}

fn open_named(name: &str) -> Result<Arc<dyn CardReader>, ReaderError> {
    if let Some(path) = name.strip_prefix("replay:") {
        return Ok(Arc::new(replay::ReplayReader::open(name, path.as_ref())?));
    }
    if let Some(address) = name.strip_prefix("simulated:") {
        return Ok(Arc::new(simulated::SimulatedReader::listen(name, address)?));
    }
    Err(ReaderError::BadName("readers are `pcsc[:NAME]`, `replay:FILE` and `simulated:HOST:PORT`".to_owned()))
}

/// How a card is reached, from its answer to reset: PC/SC part 3 section 3.1.3.2.3 gives contactless cards one that
/// begins 3B 8n 80 01.
pub(crate) fn interface_of_atr(atr: &[u8]) -> Interface {
    match atr {
        [0x3B, t0, 0x80, 0x01, ..] if t0 & 0xF0 == 0x80 => Interface::Contactless,
        _ => Interface::Contact,
    }
}

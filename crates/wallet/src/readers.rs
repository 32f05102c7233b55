//! Card readers: PC/SC, NFC chips through libnfc, magnetic stripes, a transcript replayed, a simulated reader, and
//! whatever the surrounding program brings.
//!
//! All calls block, some for as long as the reader likes. While a card is waited for, each source is looked at on a
//! thread of its own, and a card stays on the thread that found it (`lookout`, `held`); whoever reads it waits to a
//! deadline.
//!
//! **Invariant:** a reader is never chosen by a name that was not listed or configured. The window cannot make the
//! wallet open files, devices or sockets.

pub(crate) mod diagnosis;
mod held;
mod lease;
mod lookout;
#[cfg(all(feature = "libnfc", target_os = "linux"))]
pub mod nfc;
#[cfg(not(any(target_os = "android", target_os = "ios")))]
pub mod pcsc;
pub mod replay;
pub mod simulated;
#[cfg(target_os = "linux")]
pub mod stripe;

use std::sync::Arc;
use std::time::Duration;

pub use emv::Interface;
use emv::{StripeError, Swipe};
use protocol::ErrorCode;
use protocol::ipc::{CardGesture, ReaderView};
use zeroize::Zeroizing;

use crate::config::WalletConfig;

pub use held::HeldCard;
use lease::Lease;
pub(crate) use lookout::{Found, Lookout};

/// Why a card could not be reached. No variant carries what the card said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReaderError {
    /// There is no reader, or none of that name.
    #[error("no card reader was found")]
    NoReader,
    /// The system's smart-card service is not running.
    #[error("the smart-card service is not running")]
    ServiceDown,
    /// Another program holds the card or the reader.
    #[error("another program is using the card reader")]
    Busy,
    /// The smart-card service holds the device that the NFC driver wants.
    #[error("the smart-card service holds this NFC reader")]
    Claimed,
    /// The phone's reader is switched off.
    #[error("NFC is switched off")]
    SwitchedOff,
    /// The system keeps the phone's reader from apps here.
    #[error("this phone does not let apps read payment cards here")]
    NotPermitted,
    /// The person or the system ended the wait, such as in the system's own sheet.
    #[error("the reading was stopped")]
    Stopped,
    /// No card came in time.
    #[error("no card was presented")]
    Absent,
    /// The card left too early.
    #[error("the card was removed too early")]
    Removed,
    /// The card is there and does not answer.
    #[error("the card stopped answering")]
    Timeout,
    /// More than one card is in the field.
    #[error("there is more than one card at the reader")]
    SeveralCards,
    /// What is in the field cannot be spoken to as a payment card is (ISO/IEC 14443-4).
    #[error("this is no payment card")]
    NotPayment,
    /// A stripe was pulled through and could not be used.
    #[error(transparent)]
    Stripe(#[from] StripeError),
    /// A swiped card has a chip, which must be used instead.
    #[error("the card has a chip: insert or tap it")]
    UseChip,
    /// The reader failed.
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
            Self::ServiceDown => ErrorCode::ReaderServiceDown,
            Self::Busy => ErrorCode::ReaderBusy,
            Self::Claimed => ErrorCode::ReaderClaimed,
            Self::SwitchedOff => ErrorCode::NfcOff,
            Self::NotPermitted => ErrorCode::NfcUnavailable,
            Self::Stopped => ErrorCode::Stopped,
            Self::Absent => ErrorCode::CardAbsent,
            Self::Removed => ErrorCode::CardRemoved,
            Self::Timeout => ErrorCode::CardTimeout,
            Self::SeveralCards => ErrorCode::SeveralCards,
            Self::NotPayment | Self::Stripe(StripeError::NotPayment) => ErrorCode::CardNotPayment,
            Self::Stripe(_) => ErrorCode::SwipeUnreadable,
            Self::UseChip => ErrorCode::CardUseChip,
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
    fn connect(&self, id: Option<&str>, wait: Duration) -> Result<Option<Arrival>, ReaderError>;

    /// The wait is over: lets go of what was kept between looks.
    fn rest(&self) {}

    /// How many commands of the last card were answered "not found" because the recording lacks them; none for what
    /// is no recording.
    fn not_recorded(&self) -> Option<u32> {
        None
    }
}

/// What came to a reader.
pub enum Arrival {
    /// A chip, ready for commands.
    Chip(Box<dyn CardConnection>),
    /// A stripe that was pulled through, already at its end.
    Swipe {
        /// The reader's id.
        reader_id: String,
        /// What is on it.
        swipe: Box<Swipe>,
    },
}

/// A card in a reader, powered.
///
/// It stays on the thread that found it, so it need not be `Send`; see [`HeldCard`] for how it is used from elsewhere.
pub trait CardConnection {
    /// The reader's id.
    fn reader_id(&self) -> &str;

    /// How the card is reached.
    fn interface(&self) -> Interface;

    /// Sends one C-APDU and gives the R-APDU, status word included. It may block as long as the reader does.
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
    lease: Arc<Lease>,
}

/// One source to wait at, and the reader there if one was named.
#[derive(Clone)]
pub struct Place {
    /// The source.
    reader: Arc<dyn CardReader>,
    /// The reader's id.
    id: Option<String>,
    /// Who uses the source.
    lease: Arc<Lease>,
}

impl Source {
    fn new(prefix: impl Into<String>, reader: Arc<dyn CardReader>) -> Self {
        Self { prefix: prefix.into(), reader, lease: Arc::default() }
    }

    fn place(&self, id: Option<String>) -> Place {
        Place { reader: Arc::clone(&self.reader), id, lease: Arc::clone(&self.lease) }
    }
}

impl Readers {
    /// The readers of the configuration first, then those the program brings, then what this machine has.
    pub fn new(config: &WalletConfig) -> Result<Self, ReaderError> {
        let mut sources = Vec::new();
        for name in &config.readers {
            // These kinds are one source each, whatever was named of them.
            if !["pcsc", "nfc", "stripe"].iter().any(|kind| is_of_kind(name, kind)) {
                sources.push(Source::new(name.clone(), open_named(name)?));
            }
        }
        for reader in &config.own_readers {
            sources.push(Source::new("phone", Arc::clone(reader)));
        }
        #[cfg(not(any(target_os = "android", target_os = "ios")))]
        sources.push(Source::new("pcsc", Arc::new(pcsc::PcscReader::default())));
        #[cfg(all(feature = "libnfc", target_os = "linux"))]
        sources.push(Source::new("nfc", Arc::new(nfc::NfcReader::new(&config.readers)?)));
        #[cfg(target_os = "linux")]
        sources.push(Source::new("stripe", Arc::new(stripe::StripeReader::new(&config.readers)?)));
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
            return Ok(self.sources.iter().map(|source| source.place(None)).collect());
        };
        let source = self.source_of(id).ok_or(ReaderError::NoReader)?;
        Ok(vec![source.place((id != source.prefix).then(|| id.to_owned()))])
    }

    /// See [`CardReader::not_recorded`].
    pub(crate) fn not_recorded(&self, id: &str) -> Option<u32> {
        self.source_of(id)?.reader.not_recorded()
    }

    /// The source a reader belongs to: its own, or the one of its kind.
    fn source_of(&self, id: &str) -> Option<&Source> {
        let is_kind =
            |source: &&Source| id.strip_prefix(source.prefix.as_str()).is_some_and(|rest| rest.starts_with(':'));
        self.sources.iter().find(|source| id == source.prefix).or_else(|| self.sources.iter().find(is_kind))
    }
}

/// Whether an id is `KIND` or `KIND:…`.
fn is_of_kind(id: &str, kind: &str) -> bool {
    id.strip_prefix(kind).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

fn open_named(name: &str) -> Result<Arc<dyn CardReader>, ReaderError> {
    if let Some(path) = name.strip_prefix("replay:") {
        return Ok(Arc::new(replay::ReplayReader::open(name, path.as_ref())?));
    }
    if let Some(address) = name.strip_prefix("simulated:") {
        return Ok(Arc::new(simulated::SimulatedReader::listen(name, address)?));
    }
    Err(ReaderError::BadName(
        "readers are `pcsc[:NAME]`, `nfc[:CONNSTRING]`, `stripe[:PLACE]`, `replay:FILE` and `simulated:HOST:PORT`"
            .to_owned(),
    ))
}

/// How a card is reached, from its answer to reset: PC/SC part 3 section 3.1.3.2.3 gives contactless cards one that
/// begins 3B 8n 80 01.
pub(crate) fn interface_of_atr(atr: &[u8]) -> Interface {
    match atr {
        [0x3B, t0, 0x80, 0x01, ..] if t0 & 0xF0 == 0x80 => Interface::Contactless,
        _ => Interface::Contact,
    }
}

/// What a person does with a card that is reached this way.
pub(crate) fn gesture_of(interface: Interface) -> CardGesture {
    match interface {
        Interface::Contact => CardGesture::Insert,
        Interface::Contactless => CardGesture::Tap,
    }
}

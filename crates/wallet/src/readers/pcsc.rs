//! PC/SC readers: several at once, plugged in and out at any time, shared with other programs.
//!
//! A look watches every reader and the list of readers itself in one call, so that a card or a reader that arrives is
//! noticed at once. A card gets a service connection of its own: a transmit that never returns holds up nobody else.

mod slot;

use std::ffi::{CStr, CString};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use emv::Interface;
use emv::apdu::without_le_for_t0;
use pcsc::{
    Card, Context, Disposition, Error as PcscError, MAX_BUFFER_SIZE, PNP_NOTIFICATION, Protocol, Protocols,
    ReaderState, Scope, ShareMode, State,
};
use protocol::ErrorCode;
use protocol::ipc::{CardGesture, ReaderKind, ReaderView};
use slot::Slot;
use zeroize::Zeroizing;

use super::{Arrival, CardConnection, CardReader, ReaderError, gesture_of};

/// What the ids of these readers begin with.
const PREFIX: &str = "pcsc:";
/// The service itself, listed in place of its readers while it is down.
const SERVICE: &str = "pcsc";

/// All PC/SC readers of this machine. Nothing is opened before the first use.
#[derive(Default)]
pub struct PcscReader {
    /// For looking; made at first use, and again after the service was restarted.
    looking: Mutex<Option<Context>>,
}

impl PcscReader {
    fn looking(&self) -> Result<Context, ReaderError> {
        let mut kept = self.looking.lock().expect("no panic while it is held");
        if let Some(context) = kept.as_ref().filter(|context| context.is_valid().is_ok()) {
            return Ok(context.clone());
        }
        let context = establish()?;
        *kept = Some(context.clone());
        Ok(context)
    }

    /// A connection to a service that was restarted is of no use, though it may still seem valid.
    fn forget(&self) {
        *self.looking.lock().expect("no panic while it is held") = None;
    }
}

impl CardReader for PcscReader {
    fn list(&self) -> Result<Vec<ReaderView>, ReaderError> {
        let context = match establish() {
            Ok(context) => context,
            Err(ReaderError::ServiceDown) => return Ok(vec![service_down()]),
            Err(error) => return Err(error),
        };
        let mut states = reader_states(&context)?;
        if states.is_empty() {
            return Ok(Vec::new());
        }
        // A state that asks for "unaware" is answered at once.
        wait_for_change(&context, Duration::ZERO, &mut states)?;
        Ok(states.iter().map(view).collect())
    }

    fn connect(&self, id: Option<&str>, wait: Duration) -> Result<Option<Arrival>, ReaderError> {
        let name = id.map(|id| id.strip_prefix(PREFIX).unwrap_or(id));
        let looked = look(&self.looking()?, name, wait);
        if looked.as_ref().is_err_and(|error| *error == ReaderError::ServiceDown) {
            self.forget();
        }
        looked
    }
}

fn establish() -> Result<Context, ReaderError> {
    Context::establish(Scope::User).map_err(fault)
}

/// One look at the readers that are there now.
fn look(context: &Context, name: Option<&str>, wait: Duration) -> Result<Option<Arrival>, ReaderError> {
    let deadline = Instant::now() + wait;
    let mut states = wanted(reader_states(context)?, name);
    let readers = states.len();
    // The last one tells that a reader came or went.
    states.push(ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE));
    if readers == 0 {
        states[0].sync_current_state();
        wait_for_change(context, wait, &mut states)?;
        return Err(ReaderError::NoReader);
    }
    let mut first = true;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        wait_for_change(context, left, &mut states)?;
        let mut trouble = None;
        for state in &states[..readers] {
            match CardState::of(state) {
                CardState::Ready => match connect_card(state) {
                    Ok(card) => return Ok(Some(Arrival::Chip(card))),
                    // Pulled out already, or the reader with it.
                    Err(ReaderError::Removed | ReaderError::NoReader) => {}
                    Err(error) => trouble = Some(error),
                },
                CardState::Taken => trouble = Some(ReaderError::Busy),
                CardState::Mute => trouble = Some(ReaderError::Timeout),
                CardState::Absent => {}
            }
        }
        let gone = |state: &ReaderState| state.event_state().intersects(State::UNKNOWN | State::IGNORE);
        let list_changed = !first && states[readers].event_state().contains(State::CHANGED);
        if left.is_zero() || list_changed || states[..readers].iter().any(gone) {
            return trouble.map_or(Ok(None), Err);
        }
        states.iter_mut().for_each(ReaderState::sync_current_state);
        first = false;
    }
}

/// What a reader says of its card.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CardState {
    Absent,
    Ready,
    /// Another program has it for itself.
    Taken,
    /// It is there and gave no answer to reset: upside down, dirty, or broken.
    Mute,
}

impl CardState {
    fn of(state: &ReaderState) -> Self {
        let now = state.event_state();
        if !now.contains(State::PRESENT) || now.contains(State::UNKNOWN) {
            Self::Absent
        } else if now.contains(State::MUTE) {
            Self::Mute
        } else if now.contains(State::EXCLUSIVE) {
            Self::Taken
        } else {
            Self::Ready
        }
    }
}

fn reader_states(context: &Context) -> Result<Vec<ReaderState>, ReaderError> {
    match context.list_readers_owned() {
        Ok(names) => Ok(names.into_iter().map(|name| ReaderState::new(name, State::UNAWARE)).collect()),
        Err(PcscError::NoReadersAvailable) => Ok(Vec::new()),
        Err(error) => Err(fault(error)),
    }
}

/// The named reader, or all that a person can put a card to.
fn wanted(mut states: Vec<ReaderState>, name: Option<&str>) -> Vec<ReaderState> {
    states.retain(|state| match name {
        Some(name) => readable(state.name()) == name,
        None => Slot::of(&readable(state.name())) != Slot::Inside,
    });
    states
}

fn wait_for_change(context: &Context, wait: Duration, states: &mut [ReaderState]) -> Result<(), ReaderError> {
    match context.get_status_change(wait, states) {
        Ok(()) | Err(PcscError::Timeout | PcscError::UnknownReader) => Ok(()),
        Err(error) => Err(fault(error)),
    }
}

fn readable(name: &CStr) -> String {
    name.to_string_lossy().into_owned()
}

fn view(state: &ReaderState) -> ReaderView {
    let name = readable(state.name());
    let card = CardState::of(state);
    let slot = Slot::of(&name);
    let gestures = match slot {
        Slot::Unknown if card != CardState::Absent => vec![gesture_of(slot.interface(state.atr()))],
        Slot::Unknown | Slot::Inside => Vec::new(),
        Slot::Contact => vec![CardGesture::Insert],
        Slot::Contactless => vec![CardGesture::Tap],
    };
    let trouble = match card {
        CardState::Taken => Some(ErrorCode::ReaderBusy),
        CardState::Mute => Some(ErrorCode::CardTimeout),
        CardState::Absent | CardState::Ready => None,
    };
    let card_present = card != CardState::Absent;
    ReaderView { id: format!("{PREFIX}{name}"), name, kind: ReaderKind::Pcsc, gestures, card_present, trouble }
}

/// The names of the readers that are there now.
#[cfg(all(feature = "libnfc", target_os = "linux"))]
pub(super) fn reader_names() -> Result<Vec<String>, ReaderError> {
    Ok(reader_states(&establish()?)?.iter().map(|state| readable(state.name())).collect())
}

/// What is listed while nobody can say which readers there are.
fn service_down() -> ReaderView {
    ReaderView {
        id: SERVICE.to_owned(),
        name: "PC/SC".to_owned(),
        kind: ReaderKind::Pcsc,
        gestures: Vec::new(),
        card_present: false,
        trouble: Some(ErrorCode::ReaderServiceDown),
    }
}

/// Powers the card, for this program alone.
fn connect_card(state: &ReaderState) -> Result<Box<dyn CardConnection>, ReaderError> {
    let name = CString::from(state.name());
    let context = establish()?;
    let card = context.connect(&name, ShareMode::Exclusive, Protocols::ANY).map_err(fault)?;
    let status = card.status2_owned().map_err(fault)?;
    let interface = slot::interface_of(&card, Slot::of(&readable(&name)), status.atr());
    let id = format!("{PREFIX}{}", readable(&name));
    Ok(Box::new(PcscConnection { id, interface, t0: status.protocol2() == Some(Protocol::T0), card }))
}

struct PcscConnection {
    id: String,
    interface: Interface,
    t0: bool,
    card: Card,
}

impl CardConnection for PcscConnection {
    fn reader_id(&self) -> &str {
        &self.id
    }

    fn interface(&self) -> Interface {
        self.interface
    }

    fn transceive(&mut self, c_apdu: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReaderError> {
        let command = if self.t0 { without_le_for_t0(c_apdu) } else { c_apdu };
        let mut buffer = Zeroizing::new([0; MAX_BUFFER_SIZE]);
        match self.card.transmit(command, buffer.as_mut_slice()) {
            // Nothing at all is what some readers give when the card is pulled out.
            Ok([] | [_]) => Err(ReaderError::Removed),
            Ok(answer) => Ok(Zeroizing::new(answer.to_vec())),
            Err(error) => Err(match fault(error) {
                // The reader was unplugged, and the card with it.
                ReaderError::NoReader => ReaderError::Removed,
                other => other,
            }),
        }
    }

    fn close(self: Box<Self>) {
        // A card that is gone already cannot be reset, which is as good.
        let _ = self.card.disconnect(Disposition::ResetCard);
    }
}

/// What a PC/SC error means to a person at the reader.
fn fault(error: PcscError) -> ReaderError {
    match error {
        PcscError::NoService | PcscError::ServiceStopped | PcscError::InvalidHandle => ReaderError::ServiceDown,
        PcscError::NoReadersAvailable | PcscError::UnknownReader | PcscError::ReaderUnavailable => {
            ReaderError::NoReader
        }
        PcscError::RemovedCard
        | PcscError::NoSmartcard
        | PcscError::ResetCard
        | PcscError::UnpoweredCard
        | PcscError::NotTransacted
        | PcscError::CommError
        | PcscError::CommDataLost => ReaderError::Removed,
        PcscError::UnresponsiveCard | PcscError::Timeout => ReaderError::Timeout,
        PcscError::SharingViolation => ReaderError::Busy,
        other => ReaderError::Failed(other.to_string()),
    }
}

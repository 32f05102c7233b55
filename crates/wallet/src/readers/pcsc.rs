//! PC/SC readers, plugged in and out at any time.

use std::ffi::{CStr, CString};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use emv::Interface;
use emv::apdu::without_le_for_t0;
use pcsc::{
    Card, Context, Disposition, Error as PcscError, MAX_BUFFER_SIZE, PNP_NOTIFICATION, Protocol, Protocols,
    ReaderState, Scope, ShareMode, State,
};
use protocol::ipc::{ReaderKind, ReaderView};
use zeroize::Zeroizing;

use super::{Arrival, CardConnection, CardReader, ReaderError, interface_of_atr};

/// What the ids of these readers begin with.
const PREFIX: &str = "pcsc:";

/// All PC/SC readers of this machine. Nothing is opened before the first use.
#[derive(Default)]
pub struct PcscReader {
    /// Made at first use, and again after the service was restarted.
    context: Mutex<Option<Context>>,
}

impl PcscReader {
    fn context(&self) -> Result<Context, ReaderError> {
        let mut kept = self.context.lock().expect("no panic while it is held");
        if let Some(context) = kept.as_ref().filter(|context| context.is_valid().is_ok()) {
            return Ok(context.clone());
        }
        let context = Context::establish(Scope::User).map_err(fault)?;
        *kept = Some(context.clone());
        Ok(context)
    }
}

impl CardReader for PcscReader {
    fn list(&self) -> Result<Vec<ReaderView>, ReaderError> {
        let context = self.context()?;
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
        let context = self.context()?;
        let deadline = Instant::now() + wait;
        let mut states = wanted(reader_states(&context)?, name);
        if states.is_empty() {
            // Nothing to watch but the arrival of a reader itself.
            let mut arrival = vec![ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE)];
            arrival[0].sync_current_state();
            wait_for_change(&context, wait, &mut arrival)?;
            return Err(ReaderError::NoReader);
        }
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            wait_for_change(&context, left, &mut states)?;
            if let Some(state) = states.iter().find(|state| has_card(state)) {
                return connect_card(&context, state).map(|card| Some(Arrival::Chip(card)));
            }
            if left.is_zero()
                || states.iter().any(|state| state.event_state().intersects(State::UNKNOWN | State::IGNORE))
            {
                return Ok(None);
            }
            states.iter_mut().for_each(ReaderState::sync_current_state);
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

fn wanted(mut states: Vec<ReaderState>, name: Option<&str>) -> Vec<ReaderState> {
    if let Some(name) = name {
        states.retain(|state| readable(state.name()) == name);
    }
    states
}

fn wait_for_change(context: &Context, wait: Duration, states: &mut [ReaderState]) -> Result<(), ReaderError> {
    match context.get_status_change(wait, states) {
        Ok(()) | Err(PcscError::Timeout | PcscError::UnknownReader) => Ok(()),
        Err(error) => Err(fault(error)),
    }
}

fn has_card(state: &ReaderState) -> bool {
    let now = state.event_state();
    now.contains(State::PRESENT) && !now.intersects(State::MUTE | State::UNKNOWN | State::EXCLUSIVE)
}

fn readable(name: &CStr) -> String {
    name.to_string_lossy().into_owned()
}

fn view(state: &ReaderState) -> ReaderView {
    let name = readable(state.name());
    ReaderView {
        id: format!("{PREFIX}{name}"),
        name,
        kind: ReaderKind::Pcsc,
        gestures: Vec::new(),
        card_present: has_card(state),
        trouble: None,
    }
}

fn connect_card(context: &Context, state: &ReaderState) -> Result<Box<dyn CardConnection>, ReaderError> {
    let name = CString::from(state.name());
    let card = context.connect(&name, ShareMode::Exclusive, Protocols::ANY).map_err(fault)?;
    let protocol = card.status2_owned().map_err(fault)?.protocol2();
    Ok(Box::new(PcscConnection {
        id: format!("{PREFIX}{}", readable(&name)),
        interface: interface_of_atr(state.atr()),
        t0: protocol == Some(Protocol::T0),
        card,
    }))
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
        let answer = self.card.transmit(command, buffer.as_mut_slice()).map_err(fault)?;
        Ok(Zeroizing::new(answer.to_vec()))
    }

    fn close(self: Box<Self>) {
        // A card that is gone already cannot be reset, which is as good.
        let _ = self.card.disconnect(Disposition::ResetCard);
    }
}

/// What a PC/SC error means to a person at the reader.
fn fault(error: PcscError) -> ReaderError {
    match error {
        PcscError::NoService
        | PcscError::ServiceStopped
        | PcscError::NoReadersAvailable
        | PcscError::UnknownReader
        | PcscError::ReaderUnavailable => ReaderError::NoReader,
        PcscError::RemovedCard
        | PcscError::NoSmartcard
        | PcscError::ResetCard
        | PcscError::UnpoweredCard
        | PcscError::UnresponsiveCard
        | PcscError::NotTransacted
        | PcscError::CommError
        | PcscError::CommDataLost => ReaderError::Removed,
        PcscError::SharingViolation => ReaderError::Failed("another program holds the card".to_owned()),
        other => ReaderError::Failed(other.to_string()),
    }
}

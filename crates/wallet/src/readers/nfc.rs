//! NFC readers that the wallet drives itself, through the system's libnfc: a PN532 on a serial line or on USB.
//!
//! Devices are those that libnfc finds by itself and those that were configured by their connection string
//! (`nfc:pn532_uart:/dev/ttyUSB0:115200`); libnfc tries no serial line unasked. A device stays open while a card is
//! waited for and no longer.
//!
//! **The ACR122 belongs to one.** It is a CCID reader with a PN532 inside, so both pcscd and libnfc can drive it, and
//! whoever opens it first keeps the other out. While the smart-card service has one, it is used there, and libnfc's
//! name for it is listed as claimed.
//!
//! libnfc 1.8.0 copies a command into a buffer of 264 bytes without looking at its length, so nothing longer than
//! [`COMMAND_BYTES_MAX`] goes there; and after the first answer of more than one buffer its serial PN532 driver may
//! lose the line (nfc-tools/libnfc#629), which shows as a failed reader and is over once it is opened again.

mod claim;
mod device;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use protocol::ErrorCode;
use protocol::ipc::{CardGesture, ReaderKind, ReaderView};

use super::{Arrival, CardConnection, CardReader, Interface, ReaderError};
use device::Device;
use zeroize::Zeroizing;

/// What the ids of these readers begin with.
const PREFIX: &str = "nfc:";
/// How long what libnfc found is taken to be still there.
const SCAN_AGE_MAX: Duration = Duration::from_secs(5);
/// Where Linux keeps USB devices.
const USB_DEVICES: &str = "/dev/bus/usb";
/// Pause between two tries to find a card in the field.
const POLL_PAUSE: Duration = Duration::from_millis(20);
/// The longest command, in bytes, that libnfc's own buffer of 264 holds beside its two bytes of framing.
pub(super) const COMMAND_BYTES_MAX: usize = 262;

/// The NFC devices of this machine. Nothing is opened before the first use.
pub struct NfcReader {
    /// Connection strings that were configured.
    configured: Vec<String>,
    found: Mutex<Scan>,
    /// Devices that are open between two looks.
    open: Mutex<HashMap<String, Device>>,
}

/// What libnfc found, and when.
#[derive(Default)]
struct Scan {
    at: Option<Instant>,
    connstrings: Vec<String>,
}

impl NfcReader {
    /// The devices of these ids, `nfc:CONNSTRING`, and those libnfc finds.
    pub fn new(ids: &[String]) -> Result<Self, ReaderError> {
        let mut configured = Vec::new();
        for connstring in ids.iter().filter_map(|id| id.strip_prefix(PREFIX)) {
            device::check_connstring(connstring)?;
            configured.push(connstring.to_owned());
        }
        Ok(Self { configured, found: Mutex::default(), open: Mutex::default() })
    }

    /// Configured devices first. The scan is libnfc's: it opens USB devices for a moment and no serial lines, so
    /// without USB there is nothing to find.
    fn connstrings(&self) -> Vec<String> {
        let mut found = self.found.lock().expect("no panic while it is held");
        if found.at.is_none_or(|at| at.elapsed() > SCAN_AGE_MAX) {
            found.connstrings = if Path::new(USB_DEVICES).exists() { device::scan() } else { Vec::new() };
            found.at = Some(Instant::now());
        }
        let new = found.connstrings.iter().filter(|connstring| !self.configured.contains(connstring));
        self.configured.iter().chain(new).cloned().collect()
    }

    /// The device that was named, if it was configured or found, or all of them.
    fn wanted(&self, id: Option<&str>) -> Result<Vec<String>, ReaderError> {
        let connstrings = match id.map(|id| id.strip_prefix(PREFIX).unwrap_or(id)) {
            None => self.connstrings(),
            Some(wanted) if self.configured.iter().any(|connstring| connstring == wanted) => vec![wanted.to_owned()],
            Some(wanted) => self.connstrings().into_iter().filter(|connstring| connstring == wanted).collect(),
        };
        if connstrings.is_empty() { Err(ReaderError::NoReader) } else { Ok(connstrings) }
    }

    /// Whether a card is in the field now.
    fn poll(&self, connstring: &str) -> Result<Option<NfcConnection>, ReaderError> {
        let kept = self.open.lock().expect("no panic while it is held").remove(connstring);
        let mut device = match kept {
            Some(device) => device,
            None => Device::open(connstring).map_err(|error| claim::explain(connstring, error))?,
        };
        // A device that failed is opened anew at the next look.
        let selected = match device.select() {
            Ok(selected) => selected,
            Err(ReaderError::Failed(why)) => return Err(ReaderError::Failed(why)),
            Err(about_the_card) => {
                self.keep(connstring, device);
                return Err(about_the_card);
            }
        };
        if selected {
            return Ok(Some(NfcConnection { id: format!("{PREFIX}{connstring}"), device }));
        }
        self.keep(connstring, device);
        Ok(None)
    }

    fn keep(&self, connstring: &str, device: Device) {
        self.open.lock().expect("no panic while it is held").insert(connstring.to_owned(), device);
    }
}

impl CardReader for NfcReader {
    fn list(&self) -> Result<Vec<ReaderView>, ReaderError> {
        let claimed = claim::service_readers();
        let view = |connstring: String| ReaderView {
            id: format!("{PREFIX}{connstring}"),
            trouble: claim::is_claimed(&connstring, &claimed).then_some(ErrorCode::ReaderClaimed),
            name: device::name_of(&connstring),
            kind: ReaderKind::Nfc,
            gestures: vec![CardGesture::Tap],
            card_present: false,
        };
        Ok(self.connstrings().into_iter().map(view).collect())
    }

    fn connect(&self, id: Option<&str>, wait: Duration) -> Result<Option<Arrival>, ReaderError> {
        let deadline = Instant::now() + wait;
        let connstrings = self.wanted(id)?;
        loop {
            let mut trouble = None;
            let mut ready = 0;
            for connstring in &connstrings {
                match self.poll(connstring) {
                    Ok(Some(card)) => return Ok(Some(Arrival::Chip(Box::new(card)))),
                    Ok(None) => ready += 1,
                    Err(error) => trouble = Some(error),
                }
            }
            if Instant::now() >= deadline || ready == 0 {
                // A device that cannot be used is no trouble as long as another waits for a card.
                let about_a_card =
                    |error: &ReaderError| matches!(error, ReaderError::SeveralCards | ReaderError::NotPayment);
                let trouble = trouble.filter(|error| ready == 0 || about_a_card(error));
                return trouble.map_or(Ok(None), Err);
            }
            std::thread::sleep(POLL_PAUSE);
        }
    }

    fn rest(&self) {
        self.open.lock().expect("no panic while it is held").clear();
    }
}

/// A card in a device's field.
struct NfcConnection {
    id: String,
    device: Device,
}

impl CardConnection for NfcConnection {
    fn reader_id(&self) -> &str {
        &self.id
    }

    fn interface(&self) -> Interface {
        Interface::Contactless
    }

    fn transceive(&mut self, c_apdu: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReaderError> {
        if c_apdu.len() > COMMAND_BYTES_MAX {
            return Err(ReaderError::Failed("a command is longer than libnfc takes".to_owned()));
        }
        self.device.transceive(c_apdu)
    }

    fn close(self: Box<Self>) {
        let Self { mut device, .. } = *self;
        device.deselect();
    }
}

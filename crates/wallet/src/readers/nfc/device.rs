//! One libnfc device: open, select a card, exchange, deselect.

use std::path::Path;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use nfc1::target_info::TargetInfo;
use nfc1::{BaudRate, Context, Error as NfcError, Modulation, ModulationType, Property, Target, Timeout};
use zeroize::Zeroizing;

use crate::readers::ReaderError;

/// Longest connection string libnfc keeps, in bytes.
const CONNSTRING_BYTES_MAX: usize = 1000;
/// How many devices are listed.
const DEVICES_MAX: usize = 8;
/// Two cards are as bad as ten.
const CARDS_SEEN_MAX: usize = 2;
/// How long the driver waits for one answer.
const ANSWER_WAIT: Duration = Duration::from_secs(5);
/// libnfc's own buffer: an answer of 256 bytes and its status word fits.
const ANSWER_BYTES_MAX: usize = 264;
/// SAK bit 6: the card speaks ISO/IEC 14443-4 (ISO/IEC 14443-3 section 6.5.3.4).
const SAK_ISO_DEP: u8 = 0x20;
/// Protocol info byte 2 bit 1 of ATQB: the same for type B (ISO/IEC 14443-3 section 7.9.4).
const ATQB_ISO_DEP: u8 = 0x01;

const TYPE_A: Modulation = Modulation { modulation_type: ModulationType::Iso14443a, baud_rate: BaudRate::Baud106 };
const TYPE_B: Modulation = Modulation { modulation_type: ModulationType::Iso14443b, baud_rate: BaudRate::Baud106 };

/// libnfc's state. Devices point into it, so it is never given back.
static CONTEXT: LazyLock<Mutex<Option<Context>>> = LazyLock::new(|| Mutex::new(Context::new().ok()));

/// An open device.
pub(super) struct Device(nfc1::Device);

/// Refuses what libnfc would cut off or misread.
pub(super) fn check_connstring(connstring: &str) -> Result<(), ReaderError> {
    let usable = !connstring.is_empty()
        && connstring.len() <= CONNSTRING_BYTES_MAX
        && !connstring.chars().any(char::is_control)
        && connstring.contains(':');
    if usable {
        Ok(())
    } else {
        Err(ReaderError::BadName("NFC readers are `nfc:DRIVER:PATH`, such as `nfc:pn532_uart:/dev/ttyUSB0`".to_owned()))
    }
}

/// The devices libnfc finds by itself. Those behind the smart-card service are used there.
pub(super) fn scan() -> Vec<String> {
    let listed = with_context(|context| context.list_devices(DEVICES_MAX).unwrap_or_default());
    let own = |connstring: &String| !connstring.starts_with("pcsc:") && !connstring.starts_with("acr122_pcsc:");
    listed.unwrap_or_default().into_iter().filter(own).collect()
}

/// A name for people.
pub(super) fn name_of(connstring: &str) -> String {
    match connstring.split_once(':') {
        Some(("pn532_uart", place)) => format!("PN532 at {place}"),
        Some(("acr122_usb", _)) => "ACR122 over USB".to_owned(),
        Some((driver, place)) => format!("{driver} at {place}"),
        None => connstring.to_owned(),
    }
}

fn with_context<T>(use_it: impl FnOnce(&mut Context) -> T) -> Option<T> {
    CONTEXT.lock().expect("no panic while it is held").as_mut().map(use_it)
}

impl Device {
    /// Opens a device as a reader whose field is searched once at a time.
    pub(super) fn open(connstring: &str) -> Result<Self, ReaderError> {
        let mut parts = connstring.split(':').skip(1);
        let path = parts.next().unwrap_or_default();
        if path.starts_with('/') && !Path::new(path).exists() {
            return Err(ReaderError::NoReader);
        }
        let opened = with_context(|context| context.open_with_connstring(connstring));
        let cannot = || ReaderError::Failed("the NFC reader cannot be opened: is it switched on, and free?".to_owned());
        let mut device = opened.ok_or_else(cannot)?.map_err(|_| cannot())?;
        device.initiator_init().map_err(fault)?;
        device.set_property_bool(Property::InfiniteSelect, false).map_err(fault)?;
        Ok(Self(device))
    }

    /// Selects the one card in the field; false when there is none.
    pub(super) fn select(&mut self) -> Result<bool, ReaderError> {
        let type_a = self.0.initiator_list_passive_targets(&TYPE_A, CARDS_SEEN_MAX).or_else(none_there)?;
        // The binding gives as many entries as were asked for; those of no card have no UID.
        match type_a.iter().filter(|target| has_uid(target)).count() {
            0 => self.select_one(TYPE_B),
            1 => {
                // Counting left the card halted: without the field for a moment it starts anew.
                self.0.set_property_bool(Property::ActivateField, false).map_err(fault)?;
                self.0.set_property_bool(Property::ActivateField, true).map_err(fault)?;
                self.select_one(TYPE_A)
            }
            _ => Err(ReaderError::SeveralCards),
        }
    }

    fn select_one(&mut self, modulation: Modulation) -> Result<bool, ReaderError> {
        match self.0.initiator_select_passive_target(&modulation) {
            Ok(target) if !has_uid(&target) => Ok(false),
            Ok(target) if speaks_iso_dep(&target) => Ok(true),
            Ok(_) => Err(ReaderError::NotPayment),
            Err(error) => none_there(error).map(|_| false),
        }
    }

    /// Sends a command and waits for the answer.
    pub(super) fn transceive(&mut self, c_apdu: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReaderError> {
        let answer = self.0.initiator_transceive_bytes(c_apdu, ANSWER_BYTES_MAX, Timeout::Duration(ANSWER_WAIT));
        match answer.map(Zeroizing::new) {
            Ok(answer) if answer.len() < 2 => Err(ReaderError::Removed),
            Ok(answer) => Ok(answer),
            Err(error) => Err(fault(error)),
        }
    }

    /// Lets go of the card.
    pub(super) fn deselect(&mut self) {
        // A card that is gone already cannot be let go, which is as good.
        let _ = self.0.initiator_deselect_target();
    }
}

/// No card is no error.
fn none_there(error: NfcError) -> Result<Vec<Target>, ReaderError> {
    match fault(error) {
        ReaderError::Removed | ReaderError::Timeout => Ok(Vec::new()),
        other => Err(other),
    }
}

fn has_uid(target: &Target) -> bool {
    match target.target_info {
        TargetInfo::Iso14443a(card) => card.uid_len > 0,
        TargetInfo::Iso14443b(card) => card.pupi != [0; 4],
        _ => false,
    }
}

fn speaks_iso_dep(target: &Target) -> bool {
    match target.target_info {
        TargetInfo::Iso14443a(card) => card.sak & SAK_ISO_DEP != 0,
        TargetInfo::Iso14443b(card) => card.protocol_info[1] & ATQB_ISO_DEP != 0,
        _ => false,
    }
}

/// What a libnfc error means to a person at the reader.
fn fault(error: NfcError) -> ReaderError {
    match error {
        NfcError::TargetReleased | NfcError::RfTransmissionError => ReaderError::Removed,
        NfcError::Timeout => ReaderError::Timeout,
        NfcError::NoDeviceFound | NfcError::NoSuchDeviceFound => ReaderError::NoReader,
        other => ReaderError::Failed(other.to_string()),
    }
}

//! What crosses between Rust and the Kotlin and Swift parts: APDUs travel as hexadecimal text.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// The longest time to wait for a card, ms. iOS ends a reading session after 60 s itself.
pub const OPEN_WAIT_MS_MAX: u32 = 60_000;

/// The longest extended APDU, bytes: header 4, Lc 3, data 65,535, Le 2 (ISO/IEC 7816-4, section 5.1).
pub const APDU_LENGTH_MAX: usize = 4 + 3 + 65_535 + 2;

/// The shortest command is a bare header; the shortest answer is SW1 SW2 (ISO/IEC 7816-4, section 5.1).
const APDU_LENGTH_MIN: usize = 2;

/// Waits for a card and opens it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenCard {
    /// How long to wait for a card, ms; at most [`OPEN_WAIT_MS_MAX`].
    pub wait_ms: u32,
    /// What the system's own sheet says while it waits (iOS shows one, Android does not).
    pub prompt: String,
}

/// A card in the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenedCard {
    /// The longest command the reader takes, bytes. Phones differ; 261 is the short-APDU bound (5 + 255 + 1).
    pub command_length_max: u32,
    /// Whether the reader takes extended-length APDUs.
    pub extended_length: bool,
}

/// Who may see the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScreenPrivacy {
    /// Only the person in front of it: in no screenshot, no recording and no list of recent apps.
    Private,
    /// Whoever the system lets.
    Open,
}

/// A [`ScreenPrivacy`] as it travels.
#[cfg(any(mobile, test))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct SecureScreen {
    /// Whether the screen is private.
    pub(crate) on: bool,
}

#[cfg(any(mobile, test))]
impl From<ScreenPrivacy> for SecureScreen {
    fn from(privacy: ScreenPrivacy) -> Self {
        Self { on: privacy == ScreenPrivacy::Private }
    }
}

/// Whether the screen is read out to the person. No web API tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScreenReader {
    /// It is: pictures of digits say nothing to it.
    On,
    /// It is not.
    Off,
    /// This platform does not tell.
    Unknown,
}

/// A [`ScreenReader`] as it travels.
#[cfg(any(mobile, test))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct ScreenReaderState {
    /// Whether the screen is read out.
    pub(crate) on: bool,
}

#[cfg(any(mobile, test))]
impl From<ScreenReaderState> for ScreenReader {
    fn from(state: ScreenReaderState) -> Self {
        if state.on { Self::On } else { Self::Off }
    }
}

/// One command or one answer. Answers hold card data: the bytes are wiped when dropped and are never shown.
pub struct Apdu(Zeroizing<Vec<u8>>);

impl Apdu {
    /// Takes the bytes of a command or an answer.
    pub fn new(bytes: Vec<u8>) -> Result<Self> {
        let bytes = Zeroizing::new(bytes);
        if bytes.len() > APDU_LENGTH_MAX {
            return Err(Error::ApduTooLong);
        }
        if bytes.len() < APDU_LENGTH_MIN {
            return Err(Error::ApduMalformed);
        }
        Ok(Self(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Hands the bytes over; the receiver wipes them.
    pub fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

/// An [`Apdu`] as it travels.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApduText {
    /// Hexadecimal, either case.
    pub apdu: Zeroizing<String>,
}

impl From<&Apdu> for ApduText {
    fn from(apdu: &Apdu) -> Self {
        Self { apdu: Zeroizing::new(hex::encode(apdu.as_bytes())) }
    }
}

impl TryFrom<ApduText> for Apdu {
    type Error = Error;

    fn try_from(text: ApduText) -> Result<Self> {
        if text.apdu.len() > 2 * APDU_LENGTH_MAX {
            return Err(Error::ApduTooLong);
        }
        Self::new(hex::decode(text.apdu.as_bytes()).map_err(|_| Error::ApduMalformed)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Apdu> {
        Apdu::try_from(ApduText { apdu: Zeroizing::new(text.to_owned()) })
    }

    #[test]
    fn an_apdu_survives_the_crossing() {
        let select_ppse = parsed("00A404000E325041592E5359532E444446303100").unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(&select_ppse.as_bytes()[5..19], b"2PAY.SYS.DDF01");
        assert_eq!(ApduText::from(&select_ppse).apdu.as_str(), "00a404000e325041592e5359532e444446303100");
    }

    #[test]
    fn what_is_not_an_apdu_is_refused() {
        for text in ["", "90", "900", "zz00", "90 00", "0x9000"] {
            assert_eq!(parsed(text).err(), Some(Error::ApduMalformed), "{text}");
        }
        assert!(parsed(&"00".repeat(APDU_LENGTH_MAX)).is_ok());
        assert_eq!(parsed(&"00".repeat(APDU_LENGTH_MAX + 1)).err(), Some(Error::ApduTooLong));
    }

    #[test]
    fn the_native_parts_read_these_names() {
        let open = OpenCard { wait_ms: 30_000, prompt: "Hold the card".to_owned() };
        assert_eq!(serde_json::to_string(&open).unwrap(), r#"{"waitMs":30000,"prompt":"Hold the card"}"#);
        let opened: OpenedCard = serde_json::from_str(r#"{"commandLengthMax":261,"extendedLength":false}"#).unwrap();
        assert_eq!(opened, OpenedCard { command_length_max: 261, extended_length: false });
        let private = SecureScreen::from(ScreenPrivacy::Private);
        assert_eq!(serde_json::to_string(&private).unwrap(), r#"{"on":true}"#);
        assert!(!SecureScreen::from(ScreenPrivacy::Open).on);
        let state: ScreenReaderState = serde_json::from_str(r#"{"on":true}"#).unwrap();
        assert_eq!(ScreenReader::from(state), ScreenReader::On);
    }
}

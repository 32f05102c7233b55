//! What can go wrong between the wallet and a phone's card reader.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// The outcome of a call to the reader.
pub type Result<T> = std::result::Result<T, Error>;

/// Why the reader refused. The texts hold nothing of the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no phone reader here; desktops use PC/SC.
    #[error("this platform has no built-in card reader")]
    NotOnThisPlatform,
    /// The phone has no NFC.
    #[error("this phone has no NFC")]
    NfcMissing,
    /// NFC is switched off.
    #[error("NFC is switched off")]
    NfcOff,
    /// The system lets no app read payment cards here: on iPhones it takes iOS 26 and the European Union.
    #[error("this phone does not let apps read payment cards here")]
    NotPermitted,
    /// A card is open or being waited for already.
    #[error("the reader is in use")]
    Busy,
    /// No card came in time.
    #[error("no card was presented")]
    CardAbsent,
    /// The card left the field.
    #[error("the card was removed too early")]
    CardRemoved,
    /// There is no open card.
    #[error("no card is open")]
    NotOpen,
    /// The person or the system ended the reading.
    #[error("the reading was stopped")]
    Stopped,
    /// The card or the native part did not answer in time.
    #[error("the card stopped answering")]
    NoAnswer,
    /// The command is longer than this phone's reader takes.
    #[error("the command is too long for this reader")]
    ApduTooLong,
    /// The bytes are no APDU (ISO/IEC 7816-4, section 5.1).
    #[error("the bytes are not an APDU")]
    ApduMalformed,
    /// The reader failed in another way.
    #[error("the card reader failed")]
    ReaderFailed,
}

impl Error {
    /// Every error, for the table of codes.
    pub const ALL: &'static [Self] = &[
        Self::NotOnThisPlatform,
        Self::NfcMissing,
        Self::NfcOff,
        Self::NotPermitted,
        Self::Busy,
        Self::CardAbsent,
        Self::CardRemoved,
        Self::NotOpen,
        Self::Stopped,
        Self::NoAnswer,
        Self::ApduTooLong,
        Self::ApduMalformed,
        Self::ReaderFailed,
    ];

    /// The stable name, which the Kotlin and Swift parts use too.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotOnThisPlatform => "not_on_this_platform",
            Self::NfcMissing => "nfc_missing",
            Self::NfcOff => "nfc_off",
            Self::NotPermitted => "not_permitted",
            Self::Busy => "busy",
            Self::CardAbsent => "card_absent",
            Self::CardRemoved => "card_removed",
            Self::NotOpen => "not_open",
            Self::Stopped => "stopped",
            Self::NoAnswer => "no_answer",
            Self::ApduTooLong => "apdu_too_long",
            Self::ApduMalformed => "apdu_malformed",
            Self::ReaderFailed => "reader_failed",
        }
    }

    /// The error a native part named; one it did not name is a failure of the reader.
    pub fn from_code(code: Option<&str>) -> Self {
        let named = code.and_then(|code| Self::ALL.iter().copied().find(|error| error.code() == code));
        named.unwrap_or(Self::ReaderFailed)
    }
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_struct("Error", 2)?;
        map.serialize_field("code", self.code())?;
        map.serialize_field("message", &self.to_string())?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_finds_its_error_and_only_its_own() {
        for error in Error::ALL {
            assert_eq!(Error::from_code(Some(error.code())), *error);
            assert_eq!(Error::ALL.iter().filter(|other| other.code() == error.code()).count(), 1, "{error}");
        }
        assert_eq!(Error::from_code(Some("tag_on_fire")), Error::ReaderFailed);
        assert_eq!(Error::from_code(None), Error::ReaderFailed);
    }

    /// The native parts name their errors in plain text; a misspelt one would silently become `reader_failed`.
    #[test]
    fn the_native_parts_name_only_known_codes() {
        let sources = [
            include_str!("../android/src/main/java/org/tapseal/cardreader/Refusal.kt"),
            include_str!("../ios/Sources/Refusal.swift"),
        ];
        for source in sources {
            let codes: Vec<&str> = source.split('"').skip(1).step_by(2).filter(|text| !text.contains(' ')).collect();
            assert!(codes.len() >= 8, "found only {codes:?}");
            for code in codes {
                assert_eq!(Error::from_code(Some(code)).code(), code);
            }
        }
    }

    /// Rust calls the native parts by name; a name that one of them lacks would fail on that phone alone.
    #[test]
    fn the_native_parts_have_every_call() {
        let rust = include_str!("mobile.rs");
        let kotlin = include_str!("../android/src/main/java/org/tapseal/cardreader/CardReaderPlugin.kt");
        let swift = include_str!("../ios/Sources/CardReaderPlugin.swift");
        let calls: Vec<&str> = rust
            .split("run_mobile_plugin_async")
            .skip(1)
            .map(|call| call.split('"').nth(1).unwrap_or_default())
            .collect();
        assert_eq!(calls, ["open", "transceive", "close", "secureScreen", "screenReader"]);
        for call in calls {
            assert!(kotlin.contains(&format!("@Command\n    fun {call}(invoke: Invoke)")), "{call} in Kotlin");
            assert!(swift.contains(&format!("@objc public func {call}(_ invoke: Invoke)")), "{call} in Swift");
        }
    }
}

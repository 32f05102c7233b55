//! The phone's own reader as one of the wallet's, through the card-reader plugin.

use std::time::Duration;

use protocol::ipc::{CardGesture, ReaderKind, ReaderView};
use tauri::async_runtime::block_on;
use tauri::{AppHandle, Runtime};
use tauri_plugin_card_reader::{Apdu, CardReaderExt, Error, OPEN_WAIT_MS_MAX, OpenCard};
use wallet::readers::{Arrival, CardConnection, CardReader, Interface, ReaderError};
use zeroize::Zeroizing;

/// The id of the only reader a phone has.
const PHONE: &str = "phone";

/// What the iPhone's own sheet says while it waits; Android has no sheet.
const PROMPT: &str = "Tapseal";

/// The reader behind the phone's back. On a desktop it lists nothing.
pub(crate) struct PhoneReader<R: Runtime>(AppHandle<R>);

impl<R: Runtime> PhoneReader<R> {
    pub(crate) fn new(app: AppHandle<R>) -> Self {
        Self(app)
    }
}

impl<R: Runtime> CardReader for PhoneReader<R> {
    fn list(&self) -> Result<Vec<ReaderView>, ReaderError> {
        let phone = || ReaderView {
            id: PHONE.to_owned(),
            name: "NFC".to_owned(),
            kind: ReaderKind::Phone,
            gestures: vec![CardGesture::Tap],
            card_present: false,
            trouble: None,
        };
        Ok(cfg!(mobile).then(phone).into_iter().collect())
    }

    fn connect(&self, _id: Option<&str>, wait: Duration) -> Result<Option<Arrival>, ReaderError> {
        let wait_ms = u32::try_from(wait.as_millis()).unwrap_or(OPEN_WAIT_MS_MAX);
        match block_on(self.0.card_reader().open(OpenCard { wait_ms, prompt: PROMPT.to_owned() })) {
            Ok(_) => Ok(Some(Arrival::Chip(Box::new(PhoneCard(self.0.clone()))))),
            Err(Error::CardAbsent) => Ok(None),
            Err(error) => Err(reader_error(error)),
        }
    }
}

/// A card held to the phone.
struct PhoneCard<R: Runtime>(AppHandle<R>);

impl<R: Runtime> CardConnection for PhoneCard<R> {
    fn reader_id(&self) -> &str {
        PHONE
    }

    fn interface(&self) -> Interface {
        Interface::Contactless
    }

    fn transceive(&mut self, c_apdu: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReaderError> {
        let command = Apdu::new(c_apdu.to_vec()).map_err(reader_error)?;
        block_on(self.0.card_reader().transceive(&command)).map(Apdu::into_bytes).map_err(reader_error)
    }

    fn close(self: Box<Self>) {
        if let Err(error) = block_on(self.0.card_reader().close()) {
            tracing::debug!(%error, "the phone's reader did not close");
        }
    }
}

fn reader_error(error: Error) -> ReaderError {
    match error {
        Error::NotOnThisPlatform | Error::NfcMissing | Error::NotPermitted => ReaderError::NoReader,
        Error::CardAbsent | Error::Stopped => ReaderError::Absent,
        Error::CardRemoved => ReaderError::Removed,
        Error::NfcOff
        | Error::Busy
        | Error::NotOpen
        | Error::ApduTooLong
        | Error::ApduMalformed
        | Error::ReaderFailed => ReaderError::Failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tauri::test::{mock_builder, mock_context, noop_assets};

    #[test]
    fn a_desktop_has_no_phone_reader() {
        let app = mock_builder()
            .plugin(tauri_plugin_card_reader::init())
            .build(mock_context(noop_assets()))
            .unwrap_or_else(|error| panic!("{error}"));
        let reader = PhoneReader::new(app.handle().clone());
        assert_eq!(reader.list().unwrap(), []);
        assert_eq!(reader.connect(None, Duration::from_secs(1)).err(), Some(ReaderError::NoReader));
    }

    #[test]
    fn a_card_that_left_is_not_a_broken_reader() {
        assert_eq!(reader_error(Error::CardRemoved), ReaderError::Removed);
        for error in Error::ALL {
            if *error != Error::CardRemoved {
                assert_ne!(reader_error(*error), ReaderError::Removed, "{error}");
            }
        }
    }
}

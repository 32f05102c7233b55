//! The phone's own reader as one of the wallet's, through the card-reader plugin.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use protocol::ipc::{CardGesture, ReaderKind, ReaderView};
use tauri::async_runtime::{block_on, spawn};
use tauri::{AppHandle, Runtime};
use tauri_plugin_card_reader::{Apdu, CardReaderExt, Error, OPEN_WAIT_MS_MAX, OpenCard, OpenedCard};
use wallet::readers::{Arrival, CardConnection, CardReader, Interface, ReaderError};
use zeroize::Zeroizing;

use crate::standing_call::{LINGER, Look, StandingCall};

/// The id of the only reader a phone has.
const PHONE: &str = "phone";

/// What the iPhone's own sheet says while it waits; Android has no sheet.
const PROMPT: &str = "Tapseal";

/// The reader behind the phone's back. On a desktop it lists nothing.
pub(crate) struct PhoneReader<R: Runtime> {
    app: AppHandle<R>,
    waiting: Arc<StandingCall<Result<OpenedCard, Error>>>,
}

impl<R: Runtime> PhoneReader<R> {
    pub(crate) fn new(app: AppHandle<R>) -> Self {
        Self { app, waiting: Arc::new(StandingCall::none()) }
    }

    /// Ends the wait for a card soon after the wallet stopped looking for one.
    fn watch_over_the_wait(&self) {
        let (app, waiting) = (self.app.clone(), Arc::clone(&self.waiting));
        thread::spawn(move || {
            loop {
                thread::sleep(LINGER);
                if !waiting.end_if_left(LINGER, || close(&app)) {
                    break;
                }
            }
        });
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
        let look = self.waiting.look(wait, |answer| {
            let app = self.app.clone();
            spawn(async move {
                let card = OpenCard { wait_ms: OPEN_WAIT_MS_MAX, prompt: PROMPT.to_owned() };
                // When the wait was ended meanwhile there is nobody to tell.
                let _ = answer.send(app.card_reader().open(card).await);
            });
        });
        match look {
            Look::Answered(Ok(_)) => Ok(Some(Arrival::Chip(Box::new(PhoneCard(self.app.clone()))))),
            Look::Answered(Err(Error::CardAbsent)) | Look::Waiting => Ok(None),
            Look::Answered(Err(error)) => Err(reader_error(error)),
            Look::Begun => {
                self.watch_over_the_wait();
                Ok(None)
            }
            Look::Lost => Err(reader_error(Error::ReaderFailed)),
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
        close(&self.0);
    }
}

fn close<R: Runtime>(app: &AppHandle<R>) {
    if let Err(error) = block_on(app.card_reader().close()) {
        tracing::debug!(%error, "the phone's reader did not close");
    }
}

fn reader_error(error: Error) -> ReaderError {
    match error {
        Error::NotOnThisPlatform => ReaderError::NoReader,
        Error::NfcMissing | Error::NotPermitted => ReaderError::NotPermitted,
        Error::NfcOff => ReaderError::SwitchedOff,
        Error::Busy => ReaderError::Busy,
        Error::CardAbsent => ReaderError::Absent,
        // There is no open card any more: the phone let it go.
        Error::CardRemoved | Error::NotOpen => ReaderError::Removed,
        Error::Stopped => ReaderError::Stopped,
        Error::NoAnswer => ReaderError::Timeout,
        Error::ApduTooLong | Error::ApduMalformed | Error::ReaderFailed => ReaderError::Failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::ErrorCode;
    use tauri::test::{mock_builder, mock_context, noop_assets};

    #[test]
    fn a_desktop_has_no_phone_reader() {
        let app = mock_builder()
            .plugin(tauri_plugin_card_reader::init())
            .build(mock_context(noop_assets()))
            .unwrap_or_else(|error| panic!("{error}"));
        let reader = PhoneReader::new(app.handle().clone());
        assert_eq!(reader.list().unwrap(), []);
        assert_eq!(reader.connect(None, Duration::from_secs(10)).err(), Some(ReaderError::NoReader));
    }

    #[test]
    fn a_person_is_told_what_the_phone_said() {
        for (error, code) in [
            (Error::NfcOff, ErrorCode::NfcOff),
            (Error::NfcMissing, ErrorCode::NfcUnavailable),
            (Error::NotPermitted, ErrorCode::NfcUnavailable),
            (Error::Busy, ErrorCode::ReaderBusy),
            (Error::CardAbsent, ErrorCode::CardAbsent),
            (Error::CardRemoved, ErrorCode::CardRemoved),
            (Error::NotOpen, ErrorCode::CardRemoved),
            (Error::Stopped, ErrorCode::Stopped),
            (Error::NoAnswer, ErrorCode::CardTimeout),
            (Error::NotOnThisPlatform, ErrorCode::NoReader),
            (Error::ApduTooLong, ErrorCode::ReaderFailed),
            (Error::ApduMalformed, ErrorCode::ReaderFailed),
            (Error::ReaderFailed, ErrorCode::ReaderFailed),
        ] {
            assert_eq!(reader_error(error).code(), code, "{error}");
        }
    }

    #[test]
    fn no_error_of_the_plugin_is_left_out_of_that_table() {
        assert_eq!(Error::ALL.len(), 13);
    }
}

//! The desktop side: it has no built-in reader, and keeps its windows private where the system can.

use serde::de::DeserializeOwned;
use tauri::plugin::PluginApi;
use tauri::{AppHandle, Manager, Runtime};

use crate::error::{Error, Result};
use crate::models::{Apdu, OpenCard, OpenedCard, ScreenPrivacy, ScreenReader};

/// The absent reader of a desktop; PC/SC and libnfc readers are the wallet's own.
pub struct CardReader<R: Runtime>(AppHandle<R>);

pub(crate) fn init<R: Runtime, C: DeserializeOwned>(app: &AppHandle<R>, _api: &PluginApi<R, C>) -> CardReader<R> {
    CardReader(app.clone())
}

// The signatures are those of the phone side, so that callers compile once for all platforms.
#[allow(clippy::unused_async, reason = "the phone side waits for a card here")]
impl<R: Runtime> CardReader<R> {
    /// Waits for a card: always [`Error::NotOnThisPlatform`].
    pub async fn open(&self, _card: OpenCard) -> Result<OpenedCard> {
        Err(Error::NotOnThisPlatform)
    }

    /// Sends one command: always [`Error::NotOnThisPlatform`].
    pub async fn transceive(&self, _command: &Apdu) -> Result<Apdu> {
        Err(Error::NotOnThisPlatform)
    }

    /// Lets the card go: always [`Error::NotOnThisPlatform`].
    pub async fn close(&self) -> Result<()> {
        Err(Error::NotOnThisPlatform)
    }

    /// Keeps the app's windows out of screenshots and recordings, or lets them go: on macOS and Windows. Linux has no
    /// such thing; asking for it there changes nothing.
    pub async fn secure_screen(&self, privacy: ScreenPrivacy) -> Result<()> {
        let protected = privacy == ScreenPrivacy::Private;
        let windows = self.0.webview_windows();
        windows.values().try_for_each(|window| window.set_content_protected(protected)).map_err(|_| Error::ReaderFailed)
    }

    /// Whether the screen is read out: desktops do not tell.
    pub async fn screen_reader(&self) -> Result<ScreenReader> {
        Ok(ScreenReader::Unknown)
    }
}

//! The desktop side: it says that there is no built-in reader.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use tauri::plugin::PluginApi;
use tauri::{AppHandle, Runtime};

use crate::error::{Error, Result};
use crate::models::{Apdu, OpenCard, OpenedCard};

/// The absent reader of a desktop; PC/SC and libnfc readers are the wallet's own.
pub struct CardReader<R: Runtime>(PhantomData<fn() -> R>);

pub(crate) fn init<R: Runtime, C: DeserializeOwned>(_app: &AppHandle<R>, _api: &PluginApi<R, C>) -> CardReader<R> {
    CardReader(PhantomData)
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
}

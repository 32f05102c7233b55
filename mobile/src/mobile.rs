//! The phone side: calls to the Kotlin or Swift part, each with a deadline.

use std::future::Future;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tauri::plugin::mobile::PluginInvokeError;
use tauri::plugin::{PluginApi, PluginHandle};
use tauri::{AppHandle, Runtime};

use crate::error::{Error, Result};
use crate::models::{
    Apdu, ApduText, OPEN_WAIT_MS_MAX, OpenCard, OpenedCard, ScreenPrivacy, ScreenReader, ScreenReaderState,
    SecureScreen,
};

#[cfg(target_os = "ios")]
mod ios {
    //! The Swift part's entry point.
    #![allow(unsafe_code, reason = "Tauri's macro declares the foreign function that makes the Swift object")]
    use serde::de::DeserializeOwned;
    use tauri::Runtime;
    use tauri::plugin::mobile::PluginInvokeError;
    use tauri::plugin::{PluginApi, PluginHandle};

    // The macro's function is private to where it is used.
    tauri::ios_plugin_binding!(init_plugin_card_reader);

    pub(super) fn register<R: Runtime, C: DeserializeOwned>(
        api: &PluginApi<R, C>,
    ) -> Result<PluginHandle<R>, PluginInvokeError> {
        api.register_ios_plugin(init_plugin_card_reader)
    }
}

/// How long one command may take, ms. The native part's own time-out (3 s) comes first; slow chips need more than 2 s.
const TRANSCEIVE_MS_MAX: u64 = 5_000;
/// What the native part gets beyond the wait it was told, to answer that no card came, ms.
const ANSWER_GRACE_MS: u64 = 2_000;

/// The phone's own reader.
pub struct CardReader<R: Runtime>(PluginHandle<R>);

pub(crate) fn init<R: Runtime, C: DeserializeOwned>(
    _app: &AppHandle<R>,
    api: &PluginApi<R, C>,
) -> std::result::Result<CardReader<R>, PluginInvokeError> {
    #[cfg(target_os = "android")]
    let handle = api.register_android_plugin("org.tapseal.cardreader", "CardReaderPlugin")?;
    #[cfg(target_os = "ios")]
    let handle = ios::register(api)?;
    Ok(CardReader(handle))
}

impl<R: Runtime> CardReader<R> {
    /// Waits for a card at the back of the phone and opens it; [`Error::CardAbsent`] when none comes in time.
    pub async fn open(&self, card: OpenCard) -> Result<OpenedCard> {
        let card = OpenCard { wait_ms: card.wait_ms.min(OPEN_WAIT_MS_MAX), ..card };
        let deadline_ms = u64::from(card.wait_ms) + ANSWER_GRACE_MS;
        within(deadline_ms, self.0.run_mobile_plugin_async("open", card)).await
    }

    /// Sends one command and waits for the card's answer. Chaining and retries are the card session's, not this layer's.
    pub async fn transceive(&self, command: &Apdu) -> Result<Apdu> {
        let call = self.0.run_mobile_plugin_async::<ApduText>("transceive", ApduText::from(command));
        Apdu::try_from(within(TRANSCEIVE_MS_MAX, call).await?)
    }

    /// Lets the card go and switches the field off. Closing twice is no error.
    pub async fn close(&self) -> Result<()> {
        within(ANSWER_GRACE_MS, self.0.run_mobile_plugin_async::<()>("close", ())).await
    }

    /// Keeps the screen private from now on, or lets it go.
    pub async fn secure_screen(&self, privacy: ScreenPrivacy) -> Result<()> {
        let call = self.0.run_mobile_plugin_async::<()>("secureScreen", SecureScreen::from(privacy));
        within(ANSWER_GRACE_MS, call).await
    }

    /// Whether the screen is read out now.
    pub async fn screen_reader(&self) -> Result<ScreenReader> {
        let call = self.0.run_mobile_plugin_async::<ScreenReaderState>("screenReader", ());
        within(ANSWER_GRACE_MS, call).await.map(ScreenReader::from)
    }
}

async fn within<T>(
    deadline_ms: u64,
    call: impl Future<Output = std::result::Result<T, PluginInvokeError>>,
) -> Result<T> {
    let answer = tokio::time::timeout(Duration::from_millis(deadline_ms), call).await;
    match answer {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(PluginInvokeError::InvokeRejected(refusal))) => Err(Error::from_code(refusal.code.as_deref())),
        Ok(Err(_)) => Err(Error::ReaderFailed),
        Err(_) => Err(Error::NoAnswer),
    }
}

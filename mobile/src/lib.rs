//! One way to reach a card reader on every platform: open, transceive, close.
//!
//! The Android and iOS parts carry bytes and nothing else: they know no EMV and keep nothing. Which command follows
//! which answer is decided in Rust, where the card session lives. On a desktop every call answers
//! [`Error::NotOnThisPlatform`]; readers there are reached through PC/SC by the wallet itself.
//!
//! Two more calls are about the screen that a card or a PIN is on: keep it private, and tell whether it is read out.
//! They are for Rust alone: a window that could call them could also undo them.
//!
//! **Invariant:** no window is granted these commands by default, because a card's answers hold its number.

use tauri::plugin::{Builder, TauriPlugin};
use tauri::{Manager, Runtime};

mod commands;
#[cfg(desktop)]
mod desktop;
mod error;
#[cfg(mobile)]
mod mobile;
mod models;

#[cfg(desktop)]
pub use desktop::CardReader;
pub use error::{Error, Result};
#[cfg(mobile)]
pub use mobile::CardReader;
pub use models::{APDU_LENGTH_MAX, Apdu, OPEN_WAIT_MS_MAX, OpenCard, OpenedCard, ScreenPrivacy, ScreenReader};

/// Gives every Tauri object that can reach the app's state its card reader.
pub trait CardReaderExt<R: Runtime> {
    /// The platform's card reader.
    fn card_reader(&self) -> &CardReader<R>;
}

impl<R: Runtime, T: Manager<R>> CardReaderExt<R> for T {
    fn card_reader(&self) -> &CardReader<R> {
        self.state::<CardReader<R>>().inner()
    }
}

/// The plugin, for the shell's builder.
pub fn init<R: Runtime>() -> TauriPlugin<R> {
    Builder::new("card-reader")
        .invoke_handler(tauri::generate_handler![commands::open, commands::transceive, commands::close])
        .setup(|app, api| {
            #[cfg(mobile)]
            let reader = mobile::init(app, &api)?;
            #[cfg(desktop)]
            let reader = desktop::init(app, &api);
            app.manage(reader);
            Ok(())
        })
        .build()
}

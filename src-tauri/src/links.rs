//! Links from outside: at the start, by a second start, or in the system's own way. A link is shown, never acted on.

#[cfg(desktop)]
use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};

use protocol::ErrorCode;
use tauri::{AppHandle, Builder, Manager, Runtime};
#[cfg(desktop)]
use tauri_plugin_deep_link::DeepLinkExt;
use tokio::sync::watch;

use crate::screen::TRY_AGAIN;
use crate::settings;
use crate::shell::Shell;

/// The word that makes the program open `tapseal:` links for this person, and end.
#[cfg(desktop)]
const REGISTER: &str = "--register";

/// The link that waits to be opened. A newer one takes its place: the person has tapped that one since.
pub(crate) struct Links {
    waiting: watch::Sender<Option<String>>,
    is_opening: AtomicBool,
}

impl Links {
    /// With the link that the program was started with.
    fn starting_with(link: Option<String>) -> Self {
        Self { waiting: watch::Sender::new(link), is_opening: AtomicBool::new(false) }
    }

    /// A link came.
    fn take(&self, link: String) {
        self.waiting.send_replace(Some(link));
    }

    /// Whether one is being opened now.
    #[cfg(desktop)]
    pub(crate) fn is_opening(&self) -> bool {
        self.is_opening.load(Ordering::Acquire)
    }
}

/// The window with everything that brings links, but for the watch over a second start.
pub(crate) fn plugin<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    builder.manage(Links::starting_with(settings::link(std::env::args_os()))).plugin(tauri_plugin_deep_link::init())
}

/// A second start hands its link to the window that is there, raises it, and ends. Must be the first plugin.
///
/// A wallet in a folder of its own is another wallet, with a window of its own. Only Linux can tell them apart; elsewhere
/// such a wallet is not watched over.
#[cfg(desktop)]
pub(crate) fn one_window<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    let own_folder = settings::own_folder(|name| std::env::var_os(name));
    let is_watched = own_folder.is_none() || cfg!(target_os = "linux");
    if !is_watched || is_registering(std::env::args_os()) {
        return builder;
    }
    let plugin = tauri_plugin_single_instance::Builder::new().callback(|app: &AppHandle<R>, arguments, _folder| {
        raise(app);
        let link = settings::link(arguments.into_iter().map(OsString::from));
        if let (Some(links), Some(link)) = (app.try_state::<Links>(), link) {
            links.take(link);
        }
    });
    builder.plugin(plugin.dbus_id(bus_name(own_folder.as_deref())).build())
}

/// The name this wallet's window has on the session's bus.
#[cfg(desktop)]
fn bus_name(own_folder: Option<&std::path::Path>) -> String {
    use sha2::{Digest, Sha256};
    const IDENTIFIER: &str = "org.tapseal.wallet";
    let Some(folder) = own_folder else { return IDENTIFIER.to_owned() };
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let digest = Sha256::digest(folder.as_os_str().as_encoded_bytes());
    // An element of a bus name must not begin with a digit.
    digest.iter().take(8).fold(format!("{IDENTIFIER}.f"), |name, byte| format!("{name}{byte:02x}"))
}

#[cfg(desktop)]
fn is_registering(arguments: impl IntoIterator<Item = OsString>) -> bool {
    arguments.into_iter().nth(1).is_some_and(|first| first == REGISTER)
}

/// Makes this program the one that opens `tapseal:` links for this person, if it was started for that, and says so.
///
/// A package does it for everybody by its desktop entry. This is for a program that was only unpacked or built.
#[cfg(desktop)]
pub(crate) fn register_if_asked<R: Runtime>(app: &AppHandle<R>) -> Option<i32> {
    if !is_registering(std::env::args_os()) {
        return None;
    }
    match app.deep_link().register_all() {
        Ok(()) => Some(0),
        Err(error) => {
            tracing::error!(%error, "tapseal: links could not be registered");
            Some(1)
        }
    }
}

/// Brings the window before the person.
#[cfg(desktop)]
pub(crate) fn raise<R: Runtime>(app: &AppHandle<R>) {
    let Some(window) = app.get_webview_window("main") else { return };
    let raised = window.unminimize().and_then(|()| window.show()).and_then(|()| window.set_focus());
    if let Err(error) = raised {
        tracing::debug!(%error, "the window was not raised");
    }
}

/// Hears of links that the system hands over by itself: macOS and phones, where a link is no argument.
#[cfg(any(target_os = "macos", mobile))]
pub(crate) fn hear<R: Runtime>(app: &AppHandle<R>) {
    use tauri_plugin_deep_link::DeepLinkExt;
    let heard = app.clone();
    app.deep_link().on_open_url(move |event| {
        if let Some(link) = event.urls().into_iter().find_map(|url| settings::known_link(url.as_str())) {
            heard.state::<Links>().take(link);
        }
    });
    if let Ok(Some(urls)) = app.deep_link().get_current()
        && let Some(link) = urls.into_iter().find_map(|url| settings::known_link(url.as_str()))
    {
        app.state::<Links>().take(link);
    }
}

/// Opens the links that come, for as long as the program runs.
pub(crate) async fn follow<R: Runtime>(app: AppHandle<R>) {
    let mut waiting = app.state::<Links>().waiting.subscribe();
    loop {
        let link = waiting.borrow_and_update().clone();
        if let Some(link) = link {
            // A newer link takes the place of one that waits for the wallet.
            while open(&app, &link).await == Try::Again {
                tokio::select! {
                    biased;
                    changed = waiting.changed() => match changed {
                        Ok(()) => break,
                        Err(_) => return,
                    },
                    () = tokio::time::sleep(TRY_AGAIN) => {}
                }
            }
            if waiting.has_changed().unwrap_or_default() {
                continue;
            }
        }
        if waiting.changed().await.is_err() {
            return;
        }
    }
}

#[derive(PartialEq, Eq)]
enum Try {
    Done,
    /// The wallet is not open.
    Again,
}

/// Opens a link. A wallet that is locked keeps it and opens it by itself once the lock is open.
async fn open<R: Runtime>(app: &AppHandle<R>, link: &str) -> Try {
    let Ok(wallet) = app.state::<Shell>().even_locked().await else { return Try::Again };
    let links = app.state::<Links>();
    links.is_opening.store(true, Ordering::Release);
    let opened = wallet.open_link_from_outside(link.to_owned()).await;
    links.is_opening.store(false, Ordering::Release);
    if let Err(problem) = opened
        && problem.code != ErrorCode::Locked
    {
        tracing::warn!(code = %problem.code, "the link was not opened");
    }
    Try::Done
}

#[cfg(all(test, desktop))]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn wallets_in_folders_of_their_own_have_windows_of_their_own() {
        assert_eq!(bus_name(None), "org.tapseal.wallet");
        let (one, other) = (bus_name(Some(Path::new("/one"))), bus_name(Some(Path::new("/other"))));
        assert_ne!(one, other);
        assert_eq!(one, bus_name(Some(Path::new("/one"))));
        assert!(one.starts_with("org.tapseal.wallet.f") && one.len() == "org.tapseal.wallet.f".len() + 16, "{one}");
    }

    #[test]
    fn only_the_word_registers() {
        let is = |words: &[&str]| is_registering(words.iter().map(OsString::from));
        assert!(is(&["tapseal-app", "--register"]));
        assert!(!is(&["tapseal-app"]) && !is(&["tapseal-app", "tapseal://r/--register"]));
    }

    #[tokio::test]
    async fn a_newer_link_takes_the_place_of_one_that_waits() {
        let links = Links::starting_with(Some("tapseal://r/1".to_owned()));
        let mut waiting = links.waiting.subscribe();
        links.take("tapseal://r/2".to_owned());
        // The same again is news too: the person tapped it again.
        links.take("tapseal://r/2".to_owned());
        assert_eq!(waiting.borrow_and_update().as_deref(), Some("tapseal://r/2"));
        links.take("tapseal://r/2".to_owned());
        assert!(waiting.has_changed().unwrap());
    }
}

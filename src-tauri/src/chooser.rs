//! Lets a person choose a file in the system's own dialog. The window gets its name only, and only of the one chosen.

use std::sync::atomic::{AtomicUsize, Ordering};

use tauri::{AppHandle, Builder, Runtime};
#[cfg(desktop)]
use tauri_plugin_dialog::{DialogExt as _, FileDialogBuilder, FilePath};

/// How many dialogs are open.
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// One that is: whoever looks at it has not left the wallet.
#[cfg(desktop)]
struct Open;

#[cfg(desktop)]
impl Open {
    fn new() -> Self {
        OPEN.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

#[cfg(desktop)]
impl Drop for Open {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Opens a dialog, and waits for the file that the person chooses; none when they closed it.
#[cfg(desktop)]
async fn chosen<R: Runtime>(
    app: &AppHandle<R>,
    show: impl FnOnce(FileDialogBuilder<R>, Box<dyn FnOnce(Option<FilePath>) + Send>),
) -> Option<String> {
    let open = Open::new();
    let (told, chosen) = tokio::sync::oneshot::channel();
    let done = Box::new(move |file| {
        // Nobody waits any more when the window was closed meanwhile.
        let _ = told.send(file);
    });
    show(app.dialog().file(), done);
    let file = chosen.await;
    drop(open);
    file.ok().flatten()?.into_path().ok()?.to_str().map(str::to_owned)
}

/// Whether a dialog of the wallet's own is in front of it.
pub(crate) fn is_open() -> bool {
    OPEN.load(Ordering::Relaxed) > 0
}

/// The window with what the dialog needs.
pub(crate) fn plugin<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    #[cfg(desktop)]
    let builder = builder.plugin(tauri_plugin_dialog::init());
    builder
}

/// The access file at this path, or the one that the person chooses; none when nothing was chosen.
#[cfg(desktop)]
pub(crate) async fn access_file<R: Runtime>(app: &AppHandle<R>, path: Option<String>) -> Option<String> {
    if path.is_some() {
        return path;
    }
    chosen(app, |dialog, done| dialog.add_filter("Tapseal", &["json"]).pick_file(done)).await
}

/// A phone has no files to choose by name.
#[cfg(mobile)]
#[allow(clippy::unused_async, reason = "on a desktop it waits for the person")]
pub(crate) async fn access_file<R: Runtime>(_app: &AppHandle<R>, path: Option<String>) -> Option<String> {
    path
}

/// What a place is wanted for.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    /// A backup that will be written.
    NewBackup,
    /// A backup that is there.
    Backup,
    /// An export that will be written.
    NewExport,
}

/// Nothing was chosen.
pub(crate) struct Cancelled;

/// The given path, or the one that the person chooses.
///
/// # Errors
/// When the person closed the dialog.
#[cfg(desktop)]
pub(crate) async fn path<R: Runtime>(
    app: &AppHandle<R>,
    path: Option<String>,
    wanted: Wanted,
) -> Result<Option<String>, Cancelled> {
    const BACKUPS: &[&str] = &[wallet::BACKUP_EXTENSION];
    if path.is_some() {
        return Ok(path);
    }
    let file = chosen(app, |dialog, done| match wanted {
        Wanted::NewBackup => {
            dialog.add_filter("Tapseal", BACKUPS).set_file_name(wallet::backup_file_name()).save_file(done);
        }
        Wanted::Backup => dialog.add_filter("Tapseal", BACKUPS).pick_file(done),
        Wanted::NewExport => dialog.set_file_name("Tapseal-export.json").save_file(done),
    });
    file.await.map(Some).ok_or(Cancelled)
}

/// A phone has no files to choose by name: the wallet's own folder it is.
#[cfg(mobile)]
#[allow(clippy::unused_async, reason = "on a desktop it waits for the person")]
pub(crate) async fn path<R: Runtime>(
    _app: &AppHandle<R>,
    path: Option<String>,
    _wanted: Wanted,
) -> Result<Option<String>, Cancelled> {
    Ok(path)
}

/// Where a file that the wallet writes goes.
pub(crate) enum Destination {
    /// Nowhere: the person thought better of it.
    #[cfg_attr(mobile, allow(dead_code, reason = "only a desktop's dialog can be closed"))]
    Dropped,
    /// To this path, or, without one, to whoever asked.
    To(Option<String>),
}

/// The path that was named, or the one that the person chooses for a file of this name.
#[cfg(desktop)]
pub(crate) async fn destination<R: Runtime>(app: &AppHandle<R>, path: Option<String>, name: &str) -> Destination {
    if path.is_some() {
        return Destination::To(path);
    }
    match chosen(app, |dialog, done| dialog.set_file_name(name).save_file(done)).await {
        Some(path) => Destination::To(Some(path)),
        None => Destination::Dropped,
    }
}

/// On a phone the window is given the file, and hands it on.
#[cfg(mobile)]
#[allow(clippy::unused_async, reason = "on a desktop it waits for the person")]
pub(crate) async fn destination<R: Runtime>(_app: &AppHandle<R>, path: Option<String>, _name: &str) -> Destination {
    Destination::To(path)
}

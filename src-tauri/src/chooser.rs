//! Lets a person choose a file in the system's own dialog. The window gets its name only, and only of the one chosen.

use tauri::{AppHandle, Builder, Runtime};

/// The window with what the dialog needs.
pub(crate) fn plugin<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    #[cfg(desktop)]
    let builder = builder.plugin(tauri_plugin_dialog::init());
    builder
}

/// The access file at this path, or the one that the person chooses; none when nothing was chosen.
#[cfg(desktop)]
pub(crate) async fn access_file<R: Runtime>(app: &AppHandle<R>, path: Option<String>) -> Option<String> {
    use tauri_plugin_dialog::DialogExt;
    if path.is_some() {
        return path;
    }
    let (told, chosen) = tokio::sync::oneshot::channel();
    app.dialog().file().add_filter("Tapseal", &["json"]).pick_file(move |file| {
        // Nobody waits any more when the window was closed meanwhile.
        let _ = told.send(file);
    });
    let file = chosen.await.ok().flatten()?.into_path().ok()?;
    file.to_str().map(str::to_owned)
}

/// A phone has no files to choose by name.
#[cfg(mobile)]
#[allow(clippy::unused_async, reason = "on a desktop it waits for the person")]
pub(crate) async fn access_file<R: Runtime>(_app: &AppHandle<R>, path: Option<String>) -> Option<String> {
    path
}

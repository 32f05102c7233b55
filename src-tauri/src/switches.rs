//! Paints the window without the graphics processor, on Linux. Its pages are text and a few shapes: a driver would only start later,
//! hold memory, and be one more thing that can leave a window blank (docs/adr/0046-start.md).

use tauri::{App, Manager, Runtime};
use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt, WebViewExt};

/// Of every window that there is, before its page is loaded.
pub(crate) fn without_driver<R: Runtime>(app: &App<R>) {
    for window in app.webview_windows().values() {
        let told = window.with_webview(|webview| {
            if let Some(settings) = WebViewExt::settings(&webview.inner()) {
                settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
            }
        });
        if let Err(error) = told {
            tracing::warn!(%error, "the window is painted as the system likes it");
        }
    }
}

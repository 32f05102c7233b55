//! Tells the wallet that the person turned to another window: one that locks on leaving then does.

use protocol::ipc::lock::PresenceSign;
use tauri::{Manager, Runtime, Window, WindowEvent};

use crate::chooser;
use crate::shell::Shell;

/// Follows whether the window is in front. The wallet's own file dialog takes the focus too, and is no leaving.
pub(crate) fn on_window_event<R: Runtime>(window: &Window<R>, event: &WindowEvent) {
    if !matches!(event, WindowEvent::Focused(false)) || chooser::is_open() {
        return;
    }
    let app = window.app_handle().clone();
    tauri::async_runtime::spawn(async move {
        let Ok(wallet) = app.state::<Shell>().even_locked().await else { return };
        if let Err(problem) = wallet.presence(PresenceSign::Left).await {
            tracing::warn!(code = %problem.code, "the wallet did not take in that the person left");
        }
    });
}

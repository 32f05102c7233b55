//! How many requests wait, where a person sees it without the window: in its title, and as a badge on the dock.

use tauri::{AppHandle, Manager, Runtime};

/// The window's title without a count, as `tauri.conf.json` has it.
const TITLE: &str = "Tapseal";

/// Shows the count. A desktop without badges has the title.
pub(crate) async fn show<R: Runtime>(app: &AppHandle<R>, count: u32) {
    let Some(window) = app.get_webview_window("main") else { return };
    if let Err(error) = window.set_title(&title(count)) {
        tracing::debug!(%error, "the title was not set");
    }
    #[cfg(target_os = "linux")]
    {
        drop(window);
        dock::show(count).await;
    }
    #[cfg(target_os = "macos")]
    if let Err(error) = window.set_badge_count((count > 0).then_some(i64::from(count))) {
        tracing::debug!(%error, "the badge was not set");
    }
}

fn title(count: u32) -> String {
    if count == 0 { TITLE.to_owned() } else { format!("({count}) {TITLE}") }
}

#[cfg(target_os = "linux")]
mod dock {
    //! The launcher's signal that the docks of Ubuntu and KDE Plasma, and others, follow. Tauri's own badge needs
    //! libunity, which hardly any desktop has.

    use std::collections::HashMap;

    use zbus::zvariant::Value;

    /// The desktop entry that the package installs.
    const ENTRY: &str = "application://org.tapseal.wallet.desktop";
    const PATH: &str = "/org/tapseal/wallet";
    const INTERFACE: &str = "com.canonical.Unity.LauncherEntry";

    pub(super) async fn show(count: u32) {
        if let Err(error) = send(count).await {
            tracing::debug!(%error, "no dock was told how much waits");
        }
    }

    async fn send(count: u32) -> zbus::Result<()> {
        let bus = zbus::Connection::session().await?;
        let properties: HashMap<&str, Value<'_>> =
            HashMap::from([("count", Value::from(i64::from(count))), ("count-visible", Value::from(count > 0))]);
        bus.emit_signal(None::<&str>, PATH, INTERFACE, "Update", &(ENTRY, properties)).await?;
        bus.close().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_counts_what_waits() {
        assert_eq!(title(0), "Tapseal");
        assert_eq!(title(2), "(2) Tapseal");
    }
}

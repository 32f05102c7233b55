//! What this system lets the window do beside showing screens.

use protocol::ipc::shell::{AbilitiesView, Touch};
use protocol::ipc::{Feedback, Language};
use tauri::{AppHandle, Runtime};

/// What there is.
pub(crate) async fn abilities() -> AbilitiesView {
    AbilitiesView { camera: cfg!(mobile), haptics: cfg!(mobile), notices: shows_notices().await }
}

/// Whether somebody on the session's bus shows notifications, or would be started to.
#[cfg(target_os = "linux")]
async fn shows_notices() -> bool {
    const NAME: &str = "org.freedesktop.Notifications";
    async fn is_there() -> zbus::Result<bool> {
        let bus = zbus::Connection::session().await?;
        let names = zbus::fdo::DBusProxy::new(&bus).await?;
        let name = zbus::names::BusName::try_from(NAME)?;
        if names.name_has_owner(name).await? {
            return Ok(true);
        }
        Ok(names.list_activatable_names().await?.iter().any(|name| name.as_str() == NAME))
    }
    is_there().await.unwrap_or_default()
}

/// Macs and Windows do; a phone shows none of ours.
#[cfg(not(target_os = "linux"))]
#[allow(clippy::unused_async, reason = "on Linux the bus is asked")]
async fn shows_notices() -> bool {
    cfg!(desktop)
}

/// Shows an example of a notification.
pub(crate) fn notice_example<R: Runtime>(app: &AppHandle<R>, language: Language) {
    #[cfg(desktop)]
    crate::notices::show_example(app, language);
    #[cfg(mobile)]
    let _ = (app, language);
}

/// Lets a result be felt, where it can be and the person wants it.
pub(crate) fn feel<R: Runtime>(app: &AppHandle<R>, touch: Touch, feedback: Feedback) {
    match feedback {
        Feedback::Off => {}
        Feedback::On => play(app, touch),
    }
}

#[cfg(desktop)]
fn play<R: Runtime>(_app: &AppHandle<R>, _touch: Touch) {}

#[cfg(mobile)]
fn play<R: Runtime>(app: &AppHandle<R>, touch: Touch) {
    use tauri_plugin_haptics::{HapticsExt, NotificationFeedbackType};
    let haptics = app.haptics();
    let played = match touch {
        Touch::Key => haptics.selection_feedback(),
        Touch::Done => haptics.notification_feedback(NotificationFeedbackType::Success),
        Touch::Waiting => haptics.notification_feedback(NotificationFeedbackType::Warning),
        Touch::Refused => haptics.notification_feedback(NotificationFeedbackType::Error),
    };
    if let Err(error) = played {
        tracing::debug!(%error, "nothing was felt");
    }
}

//! The program, its version and the server it talks to.

use leptos::prelude::*;

use super::of_status;
use crate::i18n::Text;
use crate::state::App;

/// The page.
pub fn page(app: App) -> impl IntoView {
    let line = move || app.t(if app.online.get() { Text::SettingsOnline } else { Text::SettingsOffline })();
    view! {
        <section class="group">
            <dl class="facts">
                <div class="fact"><dt>{app.t(Text::SettingsVersion)}</dt>
                    <dd>{app.t(Text::AppName)}" "{move || of_status(app, |status| status.version.clone())}</dd></div>
                <div class="fact"><dt>{app.t(Text::SettingsServer)}</dt>
                    <dd><bdi>{move || of_status(app, |status| status.server.clone())}</bdi>" · "{line}</dd></div>
            </dl>
        </section>
    }
}

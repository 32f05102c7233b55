//! What this wallet trusts, and how a person compares it.

use leptos::prelude::*;

use super::of_status;
use crate::i18n::Text;
use crate::state::App;

/// The page.
pub fn page(app: App) -> impl IntoView {
    let key_store = move || {
        let is_keyring = of_status(app, |status| status.key_store == "keyring");
        app.t(if is_keyring { Text::SettingsKeyStoreKeyring } else { Text::SettingsKeyStoreFile })()
    };
    view! {
        <section class="group">
            <dl class="facts">
                <div class="fact"><dt>{app.t(Text::SettingsKeyStore)}</dt><dd>{key_store}</dd></div>
                <div class="fact fact-wide">
                    <dt>{app.t(Text::SettingsFingerprint)}</dt>
                    <dd><code class="fingerprint" dir="ltr">{move || of_status(app, |status| status.operator_fingerprint.clone())}</code></dd>
                </div>
            </dl>
            <p class="quiet small group-line">{app.t(Text::SettingsFingerprintHelp)}</p>
        </section>
    }
}

//! The person's choices, where requests reach them, and what this wallet trusts.

mod identifiers;
mod readers;
mod senders;

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::{Language, PinLayout, Settings, Theme, WalletStatus};

use crate::i18n::Text;
use crate::state::App;

/// The screen.
pub fn page(app: App) -> impl IntoView {
    spawn_local(app.read_status());
    spawn_local(app.read_readers());
    view! {
        <header class="page-head"><h1 tabindex="-1">{app.t(Text::SettingsTitle)}</h1></header>
        <div class="settings">
            {choices(app)}
            {identifiers::identifiers(app)}
            {senders::blocked(app)}
            {super::merchant::take_payments(app)}
            {readers::readers(app)}
            {keys(app)}
            {about(app)}
        </div>
    }
}

fn settings_of(app: App) -> Settings {
    app.status.with(|status| status.as_ref().map_or_else(Settings::default, |status| status.settings))
}

fn choices(app: App) -> impl IntoView {
    view! {
        {choice(app, "language", Text::SettingsLanguage, vec![
            option(app, "system", Text::SettingsSystem, None, |it| Settings { language: Language::System, ..it }),
            // A language is named in itself, so that whoever reads it can find it.
            named_option(app, "en", "English", |it| Settings { language: Language::English, ..it }),
            named_option(app, "zh-Hans", "简体中文", |it| Settings { language: Language::Chinese, ..it }),
        ])}
        {choice(app, "theme", Text::SettingsTheme, vec![
            option(app, "system", Text::SettingsSystem, None, |it| Settings { theme: Theme::System, ..it }),
            option(app, "light", Text::SettingsLight, None, |it| Settings { theme: Theme::Light, ..it }),
            option(app, "dark", Text::SettingsDark, None, |it| Settings { theme: Theme::Dark, ..it }),
        ])}
        {choice(app, "pin-pad", Text::SettingsPin, vec![
            option(app, "scrambled", Text::SettingsPinScrambled, Some(Text::SettingsPinScrambledHint),
                |it| Settings { pin_layout: PinLayout::Scrambled, ..it }),
            option(app, "standard", Text::SettingsPinStandard, Some(Text::SettingsPinStandardHint),
                |it| Settings { pin_layout: PinLayout::Standard, ..it }),
        ])}
    }
}

/// One option of a choice: its stable value, its words, and what it changes.
struct ChoiceOption {
    value: &'static str,
    words: AnyView,
    apply: fn(Settings) -> Settings,
}

fn option(
    app: App,
    value: &'static str,
    name: Text,
    hint: Option<Text>,
    apply: fn(Settings) -> Settings,
) -> ChoiceOption {
    let hint = hint.map(|hint| view! { <span class="quiet small">{app.t(hint)}</span> });
    let words = view! { <span class="option-words"><span>{app.t(name)}</span>{hint}</span> }.into_any();
    ChoiceOption { value, words, apply }
}

fn named_option(_app: App, value: &'static str, name: &'static str, apply: fn(Settings) -> Settings) -> ChoiceOption {
    let words = view! { <span class="option-words"><span lang=value>{name}</span></span> }.into_any();
    ChoiceOption { value, words, apply }
}

fn choice(app: App, name: &'static str, title: Text, options: Vec<ChoiceOption>) -> impl IntoView {
    let options = options.into_iter().map(|ChoiceOption { value, words, apply }| {
        let is_chosen = move || settings_of(app) == apply(settings_of(app));
        view! {
            <label class="option">
                <input type="radio" name=name value=value data-setting=format!("{name}.{value}") prop:checked=is_chosen
                    on:change=move |_| app.save_settings(apply(settings_of(app)))/>
                {words}
            </label>
        }
    });
    view! { <fieldset class="group"><legend>{app.t(title)}</legend>{options.collect::<Vec<_>>()}</fieldset> }
}

fn of_status<T: Default>(app: App, part: impl Fn(&WalletStatus) -> T) -> T {
    app.status.with(|status| status.as_ref().map(part).unwrap_or_default())
}

fn keys(app: App) -> impl IntoView {
    let key_store = move || {
        let is_keyring = of_status(app, |status| status.key_store == "keyring");
        app.t(if is_keyring { Text::SettingsKeyStoreKeyring } else { Text::SettingsKeyStoreFile })()
    };
    view! {
        <section class="group" aria-labelledby="keys-title">
            <h2 id="keys-title">{app.t(Text::SettingsKeys)}</h2>
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

fn about(app: App) -> impl IntoView {
    let line = move || app.t(if app.online.get() { Text::SettingsOnline } else { Text::SettingsOffline })();
    view! {
        <section class="group" aria-labelledby="about-title">
            <h2 id="about-title">{app.t(Text::SettingsAbout)}</h2>
            <dl class="facts">
                <div class="fact"><dt>{app.t(Text::SettingsServer)}</dt>
                    <dd><bdi>{move || of_status(app, |status| status.server.clone())}</bdi>" · "{line}</dd></div>
                <div class="fact"><dt>{app.t(Text::SettingsVersion)}</dt>
                    <dd>{app.t(Text::AppName)}" "{move || of_status(app, |status| status.version.clone())}</dd></div>
            </dl>
        </section>
    }
}

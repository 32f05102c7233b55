//! Choices between a few words: language, appearance, PIN pad.

use leptos::prelude::*;
use protocol::ipc::{Contrast, Language, PinLayout, Settings, Theme};

use super::settings_of;
use crate::i18n::Text;
use crate::pages::lock::settings::TIMES;
use crate::state::App;

/// A language is named in itself, so that whoever reads it can find it.
pub const ENGLISH: &str = "English";
/// See [`ENGLISH`].
pub const CHINESE: &str = "简体中文";

/// The language of the screens.
pub fn language(app: App) -> impl IntoView {
    choice(
        app,
        "language",
        Text::SettingsLanguage,
        vec![
            option(app, "system", Text::SettingsSystem, None, |it| Settings { language: Language::System, ..it }),
            own_name("en", ENGLISH, |it| Settings { language: Language::English, ..it }),
            own_name("zh-Hans", CHINESE, |it| Settings { language: Language::Chinese, ..it }),
        ],
    )
}

/// Colours and contrast.
pub fn appearance(app: App) -> impl IntoView {
    view! {
        {choice(app, "theme", Text::SettingsColours, vec![
            option(app, "system", Text::SettingsSystem, None, |it| Settings { theme: Theme::System, ..it }),
            option(app, "light", Text::SettingsLight, None, |it| Settings { theme: Theme::Light, ..it }),
            option(app, "dark", Text::SettingsDark, None, |it| Settings { theme: Theme::Dark, ..it }),
        ])}
        {choice(app, "contrast", Text::SettingsContrast, vec![
            option(app, "system", Text::SettingsSystem, None, |it| Settings { contrast: Contrast::System, ..it }),
            option(app, "more", Text::SettingsContrastMore, Some(Text::SettingsContrastMoreHint),
                |it| Settings { contrast: Contrast::More, ..it }),
        ])}
    }
}

/// How the PIN pad is laid out.
pub fn pin_pad(app: App) -> impl IntoView {
    choice(
        app,
        "pin-pad",
        Text::SettingsPin,
        vec![
            option(app, "scrambled", Text::SettingsPinScrambled, Some(Text::SettingsPinScrambledHint), |it| Settings {
                pin_layout: PinLayout::Scrambled,
                ..it
            }),
            option(app, "standard", Text::SettingsPinStandard, Some(Text::SettingsPinStandardHint), |it| Settings {
                pin_layout: PinLayout::Standard,
                ..it
            }),
        ],
    )
}

/// When the wallet locks by itself.
pub fn lock_after(app: App) -> impl IntoView {
    let times = TIMES.into_iter().map(|(value, name, hint, apply)| option(app, value, name, hint, apply));
    choice(app, "lock-after", Text::LockAfter, times.collect())
}

/// One option of a choice: its stable value, its words, and what it changes.
pub(super) struct ChoiceOption {
    value: &'static str,
    words: AnyView,
    apply: fn(Settings) -> Settings,
}

pub(super) fn option(
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

fn own_name(value: &'static str, name: &'static str, apply: fn(Settings) -> Settings) -> ChoiceOption {
    let words = view! { <span class="option-words"><span lang=value translate="no">{name}</span></span> }.into_any();
    ChoiceOption { value, words, apply }
}

pub(super) fn choice(app: App, name: &'static str, title: Text, options: Vec<ChoiceOption>) -> impl IntoView {
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

//! The person's choices, where requests reach them, and what this wallet trusts.

mod readers;

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::{ClaimConfirm, ClaimStart, Language, PinLayout, Settings, Theme, WalletStatus};

use crate::i18n::Text;
use crate::ipc::invoke;
use crate::state::App;

/// How many digits a claim code has.
const CODE_DIGITS: usize = 6;

/// The screen.
pub fn page(app: App) -> impl IntoView {
    spawn_local(app.read_status());
    spawn_local(app.read_readers());
    view! {
        <header class="page-head"><h1 tabindex="-1">{app.t(Text::SettingsTitle)}</h1></header>
        <div class="settings">
            {choices(app)}
            {identifiers(app)}
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

/// Whether a text may be an e-mail address or an international phone number. The server decides.
fn is_plausible_identifier(text: &str) -> bool {
    let is_mail = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let is_phone = text.starts_with('+')
        && digits >= 7
        && text.chars().skip(1).all(|it| it.is_ascii_digit() || " -()".contains(it));
    (is_mail || is_phone) && text.len() <= 254
}

/// The claim of an identifier: first the address, then the code that was sent there.
#[derive(Clone, Copy)]
struct Claim {
    app: App,
    identifier: RwSignal<String>,
    code: RwSignal<String>,
    /// The identifier a code was sent to.
    sent_to: RwSignal<Option<String>>,
    /// The identifier that was claimed last.
    claimed: RwSignal<Option<String>>,
    complaint: RwSignal<Option<Text>>,
}

impl Claim {
    fn send_code(self) {
        let identifier = self.identifier.get_untracked().trim().to_owned();
        if !is_plausible_identifier(&identifier) {
            return self.complaint.set(Some(Text::SettingsIdentifierBad));
        }
        self.complaint.set(None);
        self.app.problem.set(None);
        spawn_local(async move {
            match invoke(ClaimStart { identifier: identifier.clone() }).await {
                Ok(status) => {
                    self.app.status.set(Some(status));
                    self.claimed.try_set(None);
                    self.sent_to.try_set(Some(identifier));
                }
                Err(problem) => self.app.problem.set(Some(problem)),
            }
        });
    }

    fn confirm(self) {
        let Some(identifier) = self.sent_to.get_untracked() else { return };
        let code: String = self.code.get_untracked().split_whitespace().collect();
        if code.len() != CODE_DIGITS || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.complaint.set(Some(Text::SettingsCodeBad));
        }
        self.complaint.set(None);
        self.app.problem.set(None);
        spawn_local(async move {
            match invoke(ClaimConfirm { identifier: identifier.clone(), code }).await {
                Ok(status) => {
                    self.app.status.set(Some(status));
                    self.sent_to.try_set(None);
                    self.identifier.try_set(String::new());
                    self.code.try_set(String::new());
                    self.claimed.try_set(Some(identifier));
                }
                Err(problem) => self.app.problem.set(Some(problem)),
            }
        });
    }
}

fn identifiers(app: App) -> impl IntoView {
    let claim = Claim {
        app,
        identifier: RwSignal::new(String::new()),
        code: RwSignal::new(String::new()),
        sent_to: RwSignal::new(None),
        claimed: RwSignal::new(None),
        complaint: RwSignal::new(None),
    };
    let known =
        move || app.status.with(|status| status.as_ref().map(|status| status.identifiers.clone()).unwrap_or_default());
    let list = move || match known() {
        none if none.is_empty() => {
            view! { <p class="quiet group-line">{app.t(Text::SettingsIdentifiersNone)}</p> }.into_any()
        }
        some => {
            some.into_iter().map(|it| view! { <p class="group-line"><bdi>{it}</bdi></p> }).collect_view().into_any()
        }
    };
    view! {
        <section class="group" aria-labelledby="identifiers-title">
            <h2 id="identifiers-title">{app.t(Text::SettingsIdentifiers)}</h2>
            {list}
            {move || claim.claimed.get().map(|identifier| view! {
                <p class="group-line good" role="status">{app.fill(Text::SettingsClaimed, "identifier", identifier)}</p>
            })}
            {move || match claim.sent_to.get() {
                None => address_form(claim).into_any(),
                Some(identifier) => code_form(claim, identifier).into_any(),
            }}
            {move || claim.complaint.get().map(|text| view! { <p class="field-bad" role="alert">{app.t(text)}</p> })}
        </section>
    }
}

fn address_form(claim: Claim) -> impl IntoView {
    let app = claim.app;
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        claim.send_code();
    };
    view! {
        <form class="group-form" on:submit=submit novalidate>
            <label for="identifier">{app.t(Text::SettingsIdentifier)}</label>
            <div class="form-line">
                <span class="field"><input id="identifier" data-field="identifier" type="text" inputmode="email" autocomplete="email" spellcheck="false"
                    dir="ltr" maxlength="254" bind:value=claim.identifier/></span>
                <button class="button" type="submit" data-action="send-code">{app.t(Text::SettingsSendCode)}</button>
            </div>
        </form>
    }
}

fn code_form(claim: Claim, identifier: String) -> impl IntoView {
    let app = claim.app;
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        claim.confirm();
    };
    view! {
        <form class="group-form" on:submit=submit novalidate>
            <label for="claim-code">{app.fill(Text::SettingsCode, "identifier", identifier)}</label>
            <div class="form-line">
                <span class="field"><input id="claim-code" data-field="code" type="text" inputmode="numeric" autocomplete="one-time-code" dir="ltr"
                    maxlength="7" bind:value=claim.code/></span>
                <button class="button" type="submit" data-action="confirm-code">{app.t(Text::SettingsConfirm)}</button>
                <button class="text-button" type="button" data-action="cancel-claim"
                    on:click=move |_| claim.sent_to.set(None)>{app.t(Text::ActionCancel)}</button>
            </div>
        </form>
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_international_numbers_are_plausible() {
        for good in ["ada@example.org", "+49 30 1234567", "+8613800138000"] {
            assert!(is_plausible_identifier(good), "{good}");
        }
        for bad in ["", "ada", "ada@", "@example.org", "030 1234567", "+49", "+49 30 12ab567"] {
            assert!(!is_plausible_identifier(bad), "{bad}");
        }
    }
}

//! API keys and certificates: who may call in the merchant's name, and what for.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use protocol::merchant_api::{AccessView, ApiKeyView, CertificateView, Scope};

use super::parts::{Question, asking_button, fetched, head, scope_list, scope_text, secret_note};
use crate::components::empty_state;
use crate::components::form::form_of;
use crate::format;
use crate::i18n::Text;
use crate::signal::RwSignal;
use crate::state::App;

/// The longest name of a key, in characters.
const NAME_CHARS_MAX: &str = "40";

const REVOKE: Question = Question {
    action: "revoke-key",
    answer: "confirm-revoke-key",
    opener: Text::AccessRevoke,
    title: Text::AccessRevokeTitle,
    body: Text::AccessRevokeBody,
    confirm: Text::AccessRevoke,
};

/// The screen.
pub fn page(app: App) -> impl IntoView {
    view! {
        {head(app, Text::AccessTitle)}
        {secret_note(app, Text::AccessSecretHelp)}
        {new_key(app)}
        {fetched(app, app.till.access, Text::AccessLoading, App::read_access, move |access| lists(app, &access))}
    }
}

fn new_key(app: App) -> impl IntoView {
    let name = RwSignal::new(String::new());
    let chosen = Scope::ALL.map(|scope| (scope, RwSignal::new(scope == Scope::RequestsRead)));
    // A key may do at most what its maker may.
    let offered = move || chosen.into_iter().filter(move |(scope, _)| app.till.may(*scope));
    let scopes = move || offered().filter(|(_, is_chosen)| is_chosen.get()).map(|(scope, _)| scope).collect::<Vec<_>>();
    let is_ready = move || !name.with(|name| name.trim().is_empty()) && !scopes().is_empty();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if untrack(is_ready) {
            let named = name.get_untracked().trim().to_owned();
            app.create_api_key(named, untrack(scopes), move || {
                name.try_set(String::new());
            });
        }
    };
    let boxes = move || {
        let option = |(scope, is_chosen): (Scope, RwSignal<bool>)| {
            view! {
                <label class="option">
                    <input type="checkbox" data-setting=format!("scope.{}", scope.name()) bind:checked=is_chosen/>
                    <span class="option-words"><span>{app.t(scope_text(scope))}</span><code class="quiet">{scope.name()}</code></span>
                </label>
            }
        };
        offered().map(option).collect::<Vec<_>>()
    };
    view! {
        {form_of("group group-form", view! {
            <label for="key-name">{app.t(Text::AccessName)}</label>
            <div class="form-line">
                <span class="field"><input id="key-name" data-field="key-name" type="text" autocomplete="off" maxlength=NAME_CHARS_MAX
                    placeholder=app.t(Text::AccessNameHint) bind:value=name/></span>
                <button class="button" type="submit" data-action="create-key" disabled=move || !is_ready() || app.busy.get()>{app.t(Text::AccessCreate)}</button>
            </div>
            <fieldset class="choices"><legend class="quiet small">{app.t(Text::AccessScopes)}</legend>{boxes}</fieldset>
        }, submit)}
    }
}

fn lists(app: App, access: &AccessView) -> impl IntoView + use<> {
    let keys = access.api_keys.iter().map(|key| key_row(app, key)).collect::<Vec<_>>();
    let certificates = access.certificates.iter().map(|it| certificate_row(app, it)).collect::<Vec<_>>();
    let no_keys = keys.is_empty();
    let no_certificates = certificates.is_empty();
    view! {
        <h2 class="group-title">{app.t(Text::AccessKeys)}</h2>
        {no_keys.then(|| empty_state(app, Text::AccessNoKeysTitle, Text::AccessNoKeysBody))}
        <ul class="log" data-list="keys">{keys}</ul>
        <h2 class="group-title">{app.t(Text::AccessCertificates)}</h2>
        {no_certificates.then(|| view! { <p class="quiet">{app.t(Text::AccessNoCertificates)}</p> })}
        <ul class="log" data-list="certificates">{certificates}</ul>
    }
}

fn key_row(app: App, key: &ApiKeyView) -> impl IntoView + use<> {
    let lang = app.lang;
    let (created_ms, used_ms) = (key.created_ms, key.used_ms);
    let used = move || match used_ms {
        Some(at_ms) => Text::AccessUsed.filled(lang.get(), &[("time", &format::date_time(at_ms, lang.get()))]),
        None => Text::AccessNeverUsed.in_language(lang.get()).to_owned(),
    };
    let made = move || Text::AccessMade.filled(lang.get(), &[("time", &format::date_time(created_ms, lang.get()))]);
    let key_id = key.id.clone();
    view! {
        <li class="log-line" data-key=key.id.clone()>
            <span class="row-main">
                <bdi class="row-title">{key.name.clone()}</bdi>
                <span class="row-line quiet small"><span>{made}</span><span>{used}</span></span>
                {scope_list(app, &key.scopes)}
            </span>
            {asking_button(app, "button", REVOKE, move || app.revoke_api_key(key_id.clone()))}
        </li>
    }
}

fn certificate_row(app: App, certificate: &CertificateView) -> impl IntoView + use<> {
    let lang = app.lang;
    let created_ms = certificate.created_ms;
    let made = move || Text::AccessMade.filled(lang.get(), &[("time", &format::date_time(created_ms, lang.get()))]);
    view! {
        <li class="log-line">
            <span class="row-main">
                <bdi class="row-title">{certificate.name.clone()}</bdi>
                <code class="fingerprint quiet" dir="ltr">{certificate.fingerprint.clone()}</code>
                <span class="quiet small">{made}</span>
                {scope_list(app, &certificate.scopes)}
            </span>
        </li>
    }
}

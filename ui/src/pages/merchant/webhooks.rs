//! Where events are sent: the endpoints, and a new one.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use protocol::merchant_api::WebhookView;

use super::parts::{fetched, head};
use crate::components::form::form_of;
use crate::components::{empty_state, icon};
use crate::format;
use crate::i18n::Text;
use crate::signal::RwSignal;
use crate::state::App;

/// What can be chosen: the event prefixes and their words.
const KINDS: [(&str, Text); 3] =
    [("request.*", Text::WebhookRequests), ("refund.*", Text::WebhookRefunds), ("delivery.*", Text::WebhookDeliveries)];
/// The longest address, in characters.
const URL_CHARS_MAX: &str = "2048";

/// The screen.
pub fn page(app: App) -> impl IntoView {
    view! {
        {head(app, Text::WebhooksTitle)}
        <p class="quiet page-lead">{app.t(Text::WebhooksBody)}</p>
        {new_webhook(app)}
        {fetched(app, app.till.webhooks, Text::WebhooksLoading, App::read_webhooks, move |webhooks| list(app, webhooks))}
    }
}

fn new_webhook(app: App) -> impl IntoView {
    let url = RwSignal::new(String::new());
    let chosen = KINDS.map(|_| RwSignal::new(false));
    let is_empty = move || url.with(|url| url.trim().is_empty());
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let address = url.get_untracked().trim().to_owned();
        let events = KINDS.iter().zip(chosen).filter(|(_, chosen)| chosen.get_untracked());
        if !address.is_empty() {
            app.create_webhook(address, events.map(|((prefix, _), _)| (*prefix).to_owned()).collect());
        }
    };
    let boxes = KINDS.iter().zip(chosen).map(|((prefix, text), chosen)| {
        view! {
            <label class="option">
                <input type="checkbox" data-setting=format!("webhook.{prefix}") bind:checked=chosen/>
                <span class="option-words">{app.t(*text)}</span>
            </label>
        }
    });
    view! {
        {form_of("group group-form", view! {
            <label for="webhook-url">{app.t(Text::WebhookUrl)}</label>
            <div class="form-line">
                <span class="field"><input id="webhook-url" data-field="webhook-url" type="text" inputmode="url" autocomplete="off" spellcheck="false"
                    dir="ltr" maxlength=URL_CHARS_MAX placeholder="https://" bind:value=url/></span>
                <button class="button" type="submit" data-action="create-webhook" disabled=move || is_empty() || app.busy.get()>{app.t(Text::WebhookCreate)}</button>
            </div>
            <fieldset class="choices"><legend class="quiet small">{app.t(Text::WebhookEvents)}</legend>{boxes.collect::<Vec<_>>()}</fieldset>
        }, submit)}
    }
}

fn list(app: App, webhooks: Vec<WebhookView>) -> impl IntoView {
    if webhooks.is_empty() {
        return empty_state(app, Text::WebhooksEmptyTitle, Text::WebhooksEmptyBody).into_any();
    }
    let rows = webhooks.into_iter().map(|webhook| row(app, webhook)).collect::<Vec<_>>();
    view! { <ul class="rows rows-boxed" data-list="webhooks">{rows}</ul> }.into_any()
}

fn row(app: App, webhook: WebhookView) -> impl IntoView {
    let WebhookView { id, url, events, failing_since_ms, disabled_ms, .. } = webhook;
    let lang = app.lang;
    let named = url.clone();
    let all = move || app.t(Text::WebhookAllEvents)().to_owned();
    let events = move || if events.is_empty() { all() } else { events.join(", ") };
    let trouble = match (disabled_ms, failing_since_ms) {
        (Some(since_ms), _) => Some((Text::WebhookOff, since_ms)),
        (None, since_ms) => since_ms.map(|since_ms| (Text::WebhookFailing, since_ms)),
    };
    let trouble = trouble.map(|(said, since_ms)| {
        let text = move || {
            let time = format::date_time(since_ms, lang.get());
            said.filled(lang.get(), &[("time", &time)])
        };
        view! { <span class="badge badge-bad">{icon::cross()}<span>{text}</span></span> }
    });
    view! {
        <li>
            <button class="row" type="button" data-action="open-webhook" data-webhook=named on:click=move |_| app.look_at_webhook(id.clone())>
                <span class="row-main"><bdi class="row-title">{url}</bdi><span class="quiet small">{events}</span>{trouble}</span>
                {icon::chevron()}
            </button>
        </li>
    }
}

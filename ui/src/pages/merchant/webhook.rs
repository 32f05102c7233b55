//! One webhook endpoint: what was sent there, what it answered, and sending it again.

use leptos::prelude::*;
use protocol::merchant_api::{WebhookDeliveriesPage, WebhookDeliveryStatus, WebhookDeliveryView, WebhookView};

use super::parts::{Question, asking_button, fetched, head, secret_note};
use crate::components::message::{Tone, banner};
use crate::components::words::Words;
use crate::components::{empty_state, icon};
use crate::format;
use crate::i18n::Text;
use crate::signal::Memo;
use crate::state::App;

const DELETE: Question = Question {
    action: "delete-webhook",
    answer: "confirm-delete-webhook",
    opener: Text::WebhookDelete,
    title: Text::WebhookDeleteTitle,
    body: Text::WebhookDeleteBody,
    confirm: Text::WebhookDelete,
};

const ROTATE: Question = Question {
    action: "rotate-webhook",
    answer: "confirm-rotate-webhook",
    opener: Text::WebhookRotate,
    title: Text::WebhookRotateTitle,
    body: Text::WebhookRotateBody,
    confirm: Text::WebhookRotate,
};

/// The screen.
pub fn page(app: App) -> impl IntoView {
    let id = move || app.till.webhook.get_untracked().unwrap_or_default();
    let shown = Memo::new(move |_| {
        let id = app.till.webhook.get()?;
        let found = |it: &WebhookView| (it.url.clone(), it.disabled_ms);
        app.till.webhooks.with(|all| all.here()?.iter().find(|it| it.id == id).map(found))
    });
    let url = move || shown.get().map(|(url, _)| url);
    let off_since_ms = move || shown.get().and_then(|(_, since_ms)| since_ms);
    view! {
        {head(app, Text::WebhookTitle)}
        <p class="webhook-url" data-part="webhook-url"><bdi dir="ltr">{url}</bdi></p>
        {move || off_since_ms().map(|since_ms| {
            let title = Words::made(move |lang| Text::WebhookOff.filled(lang, &[("time", &format::date_time(since_ms, lang))]));
            banner(app, Tone::Bad, "webhook-off", title, Some(Text::WebhookOffBody.into()))
        })}
        {secret_note(app, Text::WebhookSecretHelp)}
        <div class="actions-row">
            <button class="button" type="button" data-action="test-webhook" disabled=move || app.busy.get()
                on:click=move |_| app.test_webhook(id())>{app.t(Text::WebhookTest)}</button>
            {asking_button(app, "button", ROTATE, move || app.rotate_webhook(id()))}
            {asking_button(app, "button", DELETE, move || app.delete_webhook(id()))}
        </div>
        <h2 class="group-title">{app.t(Text::WebhookLog)}</h2>
        {fetched(app, app.till.webhook_log, Text::WebhookLogLoading, App::read_webhook_log, move |page| log(app, &page))}
    }
}

fn log(app: App, page: &WebhookDeliveriesPage) -> impl IntoView + use<> {
    if page.deliveries.is_empty() {
        return empty_state(app, Text::WebhookLogEmptyTitle, Text::WebhookLogEmptyBody).into_any();
    }
    let more = page.next_cursor.is_some().then(|| {
        view! {
            <p class="centred"><button class="button" type="button" data-action="more-deliveries" disabled=move || app.busy.get()
                on:click=move |_| app.more_deliveries()>{app.t(Text::SalesMore)}</button></p>
        }
    });
    let rows = page.deliveries.iter().map(|delivery| row(app, delivery)).collect::<Vec<_>>();
    view! { <ul class="log" data-list="webhook-log">{rows}</ul>{more} }.into_any()
}

fn row(app: App, delivery: &WebhookDeliveryView) -> impl IntoView + use<> {
    let (text, class, name) = match delivery.status {
        WebhookDeliveryStatus::Queued => (Text::HookQueued, "badge badge-open", "queued"),
        WebhookDeliveryStatus::Delivered => (Text::HookDelivered, "badge badge-good", "delivered"),
        WebhookDeliveryStatus::Failed => (Text::HookFailed, "badge badge-bad", "failed"),
    };
    let lang = app.lang;
    let at_ms = delivery.tried_ms.unwrap_or(delivery.created_ms);
    let answer = match (delivery.response_status, delivery.reason.clone()) {
        (Some(status), _) => Some(view! { <code>{format!("HTTP {status}")}</code> }.into_any()),
        (None, Some(code)) => Some(match Text::reason(&code) {
            Some(text) => view! { <span>{app.t(text)}</span> }.into_any(),
            None => view! { <code>{code}</code> }.into_any(),
        }),
        (None, None) => None,
    };
    let tries = delivery.tries;
    let tried = move || match tries {
        1 => Text::HookTriedOnce.in_language(lang.get()).to_owned(),
        _ => Text::HookTried.filled(lang.get(), &[("count", &format::count(tries as usize, lang.get()))]),
    };
    let next = delivery.next_try_ms.map(|at_ms| {
        let text = move || {
            let time = format::date_time(at_ms, lang.get());
            Text::HookNext.filled(lang.get(), &[("time", &time)])
        };
        view! { <span>{text}</span> }
    });
    let (webhook_id, delivery_id) = (delivery.webhook_id.clone(), delivery.id.clone());
    let again = (delivery.status != WebhookDeliveryStatus::Queued).then(|| {
        view! {
            <button class="icon-button" type="button" data-action="redeliver" aria-label=app.t(Text::HookAgain) title=app.t(Text::HookAgain)
                disabled=move || app.busy.get()
                on:click=move |_| app.redeliver(webhook_id.clone(), delivery_id.clone())>{icon::again()}</button>
        }
    });
    view! {
        <li class="log-line" data-status=name data-kind=delivery.kind.clone()>
            <span class="row-main">
                <code class="log-kind">{delivery.kind.clone()}</code>
                <span class="row-line small"><span class=class>{app.t(text)}</span>{answer}<span class="quiet">{tried}</span></span>
                <span class="row-line quiet small"><span>{move || format::date_time(at_ms, lang.get())}</span>{next}</span>
            </span>
            {again}
        </li>
    }
}

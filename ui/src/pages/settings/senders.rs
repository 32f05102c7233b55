//! Senders: whose requests come straight, and who is blocked.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::keep::{Accepted, SenderBlock};
use protocol::ipc::payer::{Blocked, SenderName, Unblock};

use crate::components::dialog::{Dialog, Question, question};
use crate::components::group::group;
use crate::components::words::Words;
use crate::i18n::Text;
use crate::signal::RwSignal;
use crate::state::App;

/// What the page knows.
#[derive(Clone, Copy)]
struct Senders {
    app: App,
    accepted: RwSignal<Option<Vec<SenderName>>>,
    blocked: RwSignal<Option<Vec<SenderName>>>,
}

impl Senders {
    async fn read(self) {
        if let Some(accepted) = self.app.ask(Accepted {}).await {
            self.accepted.try_set(Some(accepted));
        }
        if let Some(blocked) = self.app.ask(Blocked {}).await {
            self.blocked.try_set(Some(blocked));
        }
    }
}

/// The page.
pub fn page(app: App) -> AnyView {
    let senders = Senders { app, accepted: RwSignal::new(None), blocked: RwSignal::new(None) };
    spawn_local(senders.read());
    view! {
        <p class="quiet">{app.t(Text::SendersLead)}</p>
        {group(app, "accepted", Text::SendersAccepted, move || list(senders, senders.accepted, Text::SendersAcceptedNone, accepted_row))}
        {group(app, "blocked", Text::SettingsBlocked, move || list(senders, senders.blocked, Text::SettingsBlockedNone, blocked_row))}
    }
    .into_any()
}

fn list(
    senders: Senders,
    names: RwSignal<Option<Vec<SenderName>>>,
    none: Text,
    row: fn(Senders, SenderName) -> AnyView,
) -> AnyView {
    match names.get() {
        None => ().into_any(),
        Some(names) if names.is_empty() => view! { <p class="quiet group-line">{senders.app.t(none)}</p> }.into_any(),
        Some(names) => {
            let rows = names.into_iter().map(|name| row(senders, name)).collect_view();
            view! { <ul class="rows" role="list">{rows}</ul> }.into_any()
        }
    }
}

fn accepted_row(senders: Senders, sender: SenderName) -> AnyView {
    let app = senders.app;
    let dialog = Dialog::new();
    let label = app.fill(Text::SendersBlockLabel, "payee", sender.name.clone());
    let merchant_id = sender.merchant_id;
    let asked = Question {
        action: "confirm-block-sender",
        title: Words::Filled(Text::SendersBlockTitle, "payee", sender.name.clone()),
        body: Text::SendersBlockBody.into(),
        confirm: Text::SendersBlock.into(),
    };
    let block = move || {
        let merchant_id = merchant_id.clone();
        app.while_busy(async move {
            if app.ask(SenderBlock { merchant_id }).await.is_some() {
                senders.read().await;
            }
        });
    };
    view! {
        <li class="row">
            <span class="row-main"><bdi class="row-title">{sender.name}</bdi></span>
            <button class="text-button" type="button" data-action="block-sender" aria-label=label
                disabled=move || app.busy.get() on:click=move |_| dialog.open()>{app.t(Text::SendersBlock)}</button>
            {question(app, dialog, asked, block)}
        </li>
    }
    .into_any()
}

fn blocked_row(senders: Senders, sender: SenderName) -> AnyView {
    let app = senders.app;
    let label = app.fill(Text::SettingsUnblockLabel, "payee", sender.name.clone());
    let merchant_id = sender.merchant_id;
    let unblock = move |_| {
        let merchant_id = merchant_id.clone();
        app.while_busy(async move {
            if app.ask(Unblock { merchant_id }).await.is_some() {
                senders.read().await;
            }
        });
    };
    view! {
        <li class="row">
            <span class="row-main"><bdi class="row-title">{sender.name}</bdi></span>
            <button class="button" type="button" data-action="unblock" aria-label=label
                disabled=move || app.busy.get() on:click=unblock>{app.t(Text::SettingsUnblock)}</button>
        </li>
    }
    .into_any()
}

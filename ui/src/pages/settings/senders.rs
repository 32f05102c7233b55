//! Blocked senders, and taking a block back.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::payer::{Blocked, SenderName, Unblock};

use crate::i18n::Text;
use crate::state::App;

/// The page.
pub fn page(app: App) -> impl IntoView {
    let listed = RwSignal::new(None::<Vec<SenderName>>);
    spawn_local(async move {
        if let Some(blocked) = app.ask(Blocked {}).await {
            listed.try_set(Some(blocked));
        }
    });
    let rows = move || match listed.get() {
        None => ().into_any(),
        Some(none) if none.is_empty() => {
            view! { <p class="quiet group-line">{app.t(Text::SettingsBlockedNone)}</p> }.into_any()
        }
        Some(some) => {
            let rows = some.into_iter().map(|sender| row(app, listed, sender)).collect_view();
            view! { <ul class="rows" role="list">{rows}</ul> }.into_any()
        }
    };
    view! {
        <section class="group" aria-labelledby="blocked-title" data-part="blocked">
            <h2 id="blocked-title">{app.t(Text::SettingsBlocked)}</h2>
            <div>{rows}</div>
        </section>
    }
}

fn row(app: App, listed: RwSignal<Option<Vec<SenderName>>>, sender: SenderName) -> impl IntoView {
    let label = app.fill(Text::SettingsUnblockLabel, "payee", sender.name.clone());
    let merchant_id = sender.merchant_id;
    let unblock = move |_| {
        let merchant_id = merchant_id.clone();
        app.while_busy(async move {
            if let Some(blocked) = app.ask(Unblock { merchant_id }).await {
                listed.set(Some(blocked));
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
}

//! The requests as cards: those that wait, then those that ended.

use leptos::prelude::*;
use payment::RequestId;
use protocol::ipc::{RequestPhase, RequestView};

use crate::components::amount::{AmountSize, amount};
use crate::components::time::countdown;
use crate::components::{icon, loading_list, verified_badge};
use crate::format;
use crate::i18n::Text;
use crate::phase::{PhaseView as _, phase_name};
use crate::state::App;

/// The list. `selected` is the request shown beside it.
pub fn request_list(
    app: App,
    selected: impl Fn() -> Option<RequestId> + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let split = move |is_pending: bool| {
        app.inbox.with(|inbox| {
            let requests = inbox.iter().flatten().filter(|request| request.phase.is_pending() == is_pending);
            requests.cloned().collect::<Vec<_>>()
        })
    };
    let pending = Memo::new(move |_| split(true));
    let ended = Memo::new(move |_| split(false));
    move || {
        if app.inbox.with(Option::is_none) {
            return loading_list(app, Text::InboxLoading).into_any();
        }
        view! {
            {move || (!pending.with(Vec::is_empty)).then(|| view! {
                <ul class="cards" data-list="pending">
                    <For each=move || pending.get() key=key children=move |request| request_card(app, request, selected)/>
                </ul>
            })}
            {move || (!ended.with(Vec::is_empty)).then(|| view! {
                <h2 class="group-title">{app.t(Text::InboxEarlier)}</h2>
                <ul class="rows" data-list="ended">
                    <For each=move || ended.get() key=key children=move |request| ended_row(app, request, selected)/>
                </ul>
            })}
        }.into_any()
    }
}

/// What makes a card another card. The wallet's clock is not part of it.
fn key(request: &RequestView) -> (RequestId, u64, &'static str) {
    (request.request_id, request.expires_ms, phase_name(request.phase))
}

fn request_card(
    app: App,
    request: RequestView,
    selected: impl Fn() -> Option<RequestId> + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let request_id = request.request_id;
    let is_selected = move || selected() == Some(request_id);
    let phase = request.phase;
    let content = move || {
        if app.is_quarantined(&request) {
            new_sender(app, &request).into_any()
        } else {
            known_sender(app, &request).into_any()
        }
    };
    view! {
        <li>
            <button class="request-card" class:selected=is_selected type="button" data-action="open-request"
                data-request=request_id.to_string() data-phase=phase_name(phase)
                aria-current=move || is_selected().then_some("true")
                on:click=move |_| app.open(request_id)>
                {content}
            </button>
        </li>
    }
}

fn known_sender(app: App, request: &RequestView) -> impl IntoView + use<> {
    let note = match request.phase {
        RequestPhase::Open => None,
        phase => Some(view! { <span class=format!("badge badge-{}", phase_name(phase))>{app.t(phase.text())}</span> }),
    };
    let time = request.phase.is_payable().then(|| countdown(app, request.expires_ms));
    view! {
        <span class="card-top">
            <bdi class="payee">{request.payee.clone()}</bdi>
            {amount(app, request.amount, AmountSize::Title)}
        </span>
        <span class="card-foot">{verified_badge(app, Text::InboxVerified)}{note}{time}</span>
    }
}

fn new_sender(app: App, request: &RequestView) -> impl IntoView + use<> {
    view! {
        <span class="card-first quiet">{app.t(Text::InboxFirstTitle)}</span>
        <span class="card-top"><bdi class="payee">{request.payee.clone()}</bdi></span>
        <span class="card-foot"><span class="quiet">{app.t(Text::InboxFirstHint)}</span>{countdown(app, request.expires_ms)}</span>
    }
}

fn ended_row(
    app: App,
    request: RequestView,
    selected: impl Fn() -> Option<RequestId> + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let RequestView { request_id, payee, amount: sum, phase, created_ms, .. } = request;
    let is_selected = move || selected() == Some(request_id);
    let lang = app.lang;
    view! {
        <li>
            <button class="row" class:selected=is_selected type="button" data-action="open-request"
                data-request=request_id.to_string() data-phase=phase_name(phase)
                on:click=move |_| app.open(request_id)>
                <span class="row-main">
                    <bdi class="row-title">{payee}</bdi>
                    <span class="row-line quiet small">
                        <span>{app.t(phase.text())}</span>
                        <span>{move || format::date_time(created_ms, lang.get())}</span>
                    </span>
                </span>
                {amount(app, sum, AmountSize::Line)}
                {icon::chevron()}
            </button>
        </li>
    }
}

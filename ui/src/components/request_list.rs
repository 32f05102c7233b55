//! The requests as cards: those that wait, those put off, then those that ended.

use leptos::prelude::*;
use payment::RequestId;
use protocol::ipc::{RequestPhase, RequestView};

use crate::components::amount::{AmountSize, amount};
use crate::components::message::{Tone, badge};
use crate::components::time::countdown;
use crate::components::words::Words;
use crate::components::{icon, loading_list, verified_badge};
use crate::format;
use crate::i18n::Text;
use crate::phase::{PhaseView as _, phase_name};
use crate::same_order::{Pending, pending};
use crate::signal::Memo;
use crate::state::App;

/// The list. `selected` is the request shown beside it.
pub fn request_list(
    app: App,
    selected: impl Fn() -> Option<RequestId> + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let split = move |put_off: bool| {
        let all = app.inbox.with(|inbox| pending(inbox.as_deref().unwrap_or_default()));
        all.into_iter().filter(|it| (it.request.phase == RequestPhase::Postponed) == put_off).collect::<Vec<_>>()
    };
    let waiting = Memo::new(move |_| split(false));
    let put_off = Memo::new(move |_| split(true));
    let ended = Memo::new(move |_| {
        app.inbox.with(|inbox| {
            let requests = inbox.iter().flatten().filter(|request| !request.phase.is_pending());
            requests.cloned().collect::<Vec<_>>()
        })
    });
    let cards = move |name: &'static str, list: Memo<Vec<Pending>>| {
        view! {
            <ul class="cards" data-list=name>
                <For each=move || list.get() key=key children=move |it| request_card(app, it, selected)/>
            </ul>
        }
    };
    let is_loading = Memo::new(move |_| app.inbox.with(Option::is_none));
    move || {
        if is_loading.get() {
            return loading_list(app, Text::InboxLoading).into_any();
        }
        view! {
            {move || (!waiting.with(Vec::is_empty)).then(|| cards("pending", waiting))}
            {move || (!put_off.with(Vec::is_empty)).then(|| view! {
                <h2 class="group-title">{app.t(Text::InboxLater)}</h2>
                {cards("put-off", put_off)}
            })}
            {move || (!ended.with(Vec::is_empty)).then(|| view! {
                <h2 class="group-title">{app.t(Text::InboxEarlier)}</h2>
                <ul class="rows" data-list="ended">
                    <For each=move || ended.get() key=ended_key children=move |request| ended_row(app, request, selected)/>
                </ul>
            })}
        }.into_any()
    }
}

/// What makes a card another card. The wallet's clock is not part of it.
fn key(it: &Pending) -> (RequestId, Option<u64>, &'static str, usize) {
    (it.request.request_id, it.request.postponed_until_ms, phase_name(it.request.phase), it.asked)
}

/// The same of a request that ended: money may come back.
fn ended_key(request: &RequestView) -> (RequestId, &'static str, i64) {
    (request.request_id, phase_name(request.phase), request.refunded_minor)
}

fn request_card(
    app: App,
    Pending { request, asked }: Pending,
    selected: impl Fn() -> Option<RequestId> + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let request_id = request.request_id;
    let is_selected = move || selected() == Some(request_id);
    let phase = request.phase;
    let content = move || {
        if app.is_quarantined(&request) {
            new_sender(app, &request).into_any()
        } else {
            known_sender(app, &request, asked).into_any()
        }
    };
    view! {
        <li>
            <button class="request-card" class:selected=is_selected type="button" data-action="open-request"
                data-request=request_id.to_string() data-phase=phase_name(phase) data-asked=asked
                aria-current=move || is_selected().then_some("true")
                on:click=move |_| app.open(request_id)>
                {content}
            </button>
        </li>
    }
}

fn known_sender(app: App, request: &RequestView, asked: usize) -> impl IntoView + use<> {
    let time = request.phase.is_payable().then(|| countdown(app, request.created_ms, request.expires_ms));
    let number = request.order_number.clone();
    view! {
        <span class="card-top">
            <bdi class="payee">{request.payee.clone()}</bdi>
            {amount(app, request.amount, AmountSize::Title)}
        </span>
        <span class="card-line quiet small">
            <span>{app.fill(Text::RequestOrderNumber, "number", number)}</span>
            {(asked > 1).then(|| view! {
                <span class="card-asked">{app.fill(Text::InboxAsked, "count", asked.to_string())}</span>
            })}
        </span>
        <span class="card-foot">{verified_badge(app, Text::InboxVerified)}{phase_badge(app, request)}{time}</span>
    }
}

/// The state of a request that does not simply wait; of one put off, when it comes back.
fn phase_badge(app: App, request: &RequestView) -> Option<AnyView> {
    let phase = request.phase;
    match (phase, request.postponed_until_ms) {
        (RequestPhase::Open, _) => None,
        (RequestPhase::Postponed, Some(at_ms)) => {
            let words =
                Words::made(move |lang| Text::InboxBack.filled(lang, &[("time", &format::date_time(at_ms, lang))]));
            Some(badge(app, Tone::Plain, words))
        }
        (RequestPhase::Paying, _) if request.elsewhere => Some(badge(app, Tone::Wait, Text::InboxElsewhere)),
        (RequestPhase::Paying | RequestPhase::Unknown, _) => Some(badge(app, Tone::Wait, phase.text())),
        (_, _) => Some(badge(app, Tone::Plain, phase.text())),
    }
}

fn new_sender(app: App, request: &RequestView) -> impl IntoView + use<> {
    view! {
        <span class="card-first quiet">{app.t(Text::InboxFirstTitle)}</span>
        <span class="card-top"><bdi class="payee">{request.payee.clone()}</bdi></span>
        <span class="card-foot">
            <span class="quiet">{app.t(Text::InboxFirstHint)}</span>
            {countdown(app, request.created_ms, request.expires_ms)}
        </span>
    }
}

fn ended_row(
    app: App,
    request: RequestView,
    selected: impl Fn() -> Option<RequestId> + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let RequestView { request_id, payee, amount: sum, phase, created_ms, refunded_minor, .. } = request;
    let is_whole = refunded_minor >= sum.minor();
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
                        {(refunded_minor > 0).then(|| {
                            let text = if is_whole { Text::InboxRefunded } else { Text::InboxRefundedPart };
                            view! { <span class="row-refunded" data-part="row-refunded">{app.t(text)}</span> }
                        })}
                        <span>{move || format::date_time(created_ms, lang.get())}</span>
                    </span>
                </span>
                {amount(app, sum, AmountSize::Line)}
                {icon::chevron()}
            </button>
        </li>
    }
}

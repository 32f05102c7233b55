//! One request: how much, to whom, whether it is the right one, and what to do with it.

pub mod report;

use leptos::html::Dialog;
use leptos::prelude::*;
use payment::{Amount, RequestId};
use protocol::ipc::{RequestPhase, RequestView};

use crate::components::amount::{AmountSize, amount};
use crate::components::receipt_sheet::item_table;
use crate::components::time::countdown;
use crate::components::{back_button, empty_state, icon, verified_badge};
use crate::format;
use crate::i18n::{Lang, Text};
use crate::phase::{PhaseView as _, phase_name};
use crate::place::Screen;
use crate::state::App;

/// The screen.
pub fn page(app: App, request_id: RequestId) -> impl IntoView {
    // The clock of a view moves on with every reading; the screen is drawn again only when the rest changed.
    let request = Memo::new(move |_| app.request(request_id).map(|request| RequestView { now_ms: 0, ..request }));
    move || match request.get() {
        Some(request) => sheet(app, &request).into_any(),
        None => gone(app).into_any(),
    }
}

/// The request was blocked or forgotten meanwhile.
pub fn gone(app: App) -> impl IntoView {
    view! {
        <header class="page-head page-head-nav">{back_button(app)}</header>
        <h1 class="unseen" tabindex="-1">{app.t(Text::RequestGone)}</h1>
        {empty_state(app, Text::RequestGone, Text::InboxChooseBody)}
    }
}

fn sheet(app: App, request: &RequestView) -> impl IntoView + use<> {
    let phase = request.phase;
    let time = phase.is_payable().then(|| countdown(app, request.expires_ms));
    view! {
        <header class="page-head page-head-nav">{back_button(app)}{time}</header>
        <section class="hero">
            <h1 class="unseen" tabindex="-1">{app.fill(Text::RequestTitle, "payee", request.payee.clone())}</h1>
            {amount(app, request.amount, AmountSize::Hero)}
            <p class="payee-line">
                <bdi class="payee">{request.payee.clone()}</bdi>
                {verified_badge(app, Text::RequestVerified)}
            </p>
            <p class="quiet small">{app.fill(Text::RequestOrderNumber, "number", request.order_number.clone())}</p>
        </section>
        {items(app, request)}
        {if phase.is_payable() { payable(app, request).into_any() } else { settled(app, request).into_any() }}
    }
}

fn items(app: App, request: &RequestView) -> impl IntoView + use<> {
    let number = request.items.len();
    let lang = app.lang;
    let title = move || match number {
        1 => Text::RequestItemsOne.in_language(lang.get()).to_owned(),
        _ => Text::RequestItemsMany.filled(lang.get(), &[("count", &format::count(number, lang.get()))]),
    };
    let list = request.items.clone();
    (number > 0).then(|| {
        view! {
            <details class="disclosure">
                <summary data-action="items"><span>{title}</span>{icon::chevron()}</summary>
                {item_table(app, list)}
            </details>
        }
    })
}

/// Two words that the shop shows too: a person's check that this is the request they stand in front of.
fn match_words(app: App, request: &RequestView) -> impl IntoView + use<> {
    let (english, chinese) = (request.match_words.clone(), request.match_words_zh.clone());
    let words = move || {
        let words = match app.lang.get() {
            Lang::English => english.clone(),
            Lang::Chinese => chinese.clone(),
        };
        words.map(|word| view! { <b class="match-word">{word}</b> }).collect_view()
    };
    view! {
        <section class="match" data-part="match-words">
            <p class="match-question">{app.t(Text::RequestMatchQuestion)}</p>
            <p class="match-words">{words}</p>
            <p class="quiet small">{app.t(Text::RequestMatchHelp)}</p>
        </section>
    }
}

fn payable(app: App, request: &RequestView) -> impl IntoView + use<> {
    let request_id = request.request_id;
    let expires_ms = request.expires_ms;
    let is_over = Memo::new(move |_| app.now_ms.get() >= expires_ms);
    let is_blocked = move || app.busy.get() || is_over.get();
    view! {
        {request.first_contact.then(|| view! {
            <p class="notice" data-part="first-contact">{icon::caution()}<span>{app.t(Text::FirstBody)}</span></p>
        })}
        {match_words(app, request)}
        <div class="actions actions-bottom">
            <button class="button button-primary button-large" type="button" data-action="pay" disabled=is_blocked
                on:click=move |_| app.pay(request_id)>
                {icon::card()}<span>{app.t(Text::RequestPay)}</span>
            </button>
            <div class="actions-row">
                <button class="button" type="button" data-action="later" disabled=move || app.busy.get()
                    on:click=move |_| app.postpone(request_id)>{app.t(Text::RequestLater)}</button>
                <button class="button" type="button" data-action="refuse" disabled=move || app.busy.get()
                    on:click=move |_| app.refuse(request_id)>{app.t(Text::RequestRefuse)}</button>
            </div>
            <div class="actions-row">
                {block_dialog(app, request_id, request.payee.clone())}
                {report::report_dialog(app, request_id, request.payee.clone())}
            </div>
        </div>
    }
}

fn settled(app: App, request: &RequestView) -> impl IntoView + use<> {
    let phase = request.phase;
    let note = match phase {
        RequestPhase::Unknown => Some(Text::RequestUnknownNote),
        RequestPhase::Paid | RequestPhase::Paying | RequestPhase::Open | RequestPhase::Postponed => None,
        RequestPhase::Rejected | RequestPhase::Cancelled | RequestPhase::Expired | RequestPhase::Closed => {
            Some(Text::RequestEndedNote)
        }
    };
    let deadline = request.deadline_ms.filter(|_| phase == RequestPhase::Unknown);
    let total = request.amount;
    let refunded = (request.refunded_minor > 0).then(|| Amount::new(request.refunded_minor, total.currency()));
    let lang = app.lang;
    view! {
        <section class="settled" data-phase=phase_name(phase)>
            <p><span class=format!("badge badge-{}", phase_name(phase))>{app.t(phase.text())}</span></p>
            {note.map(|note| view! { <p>{app.t(note)}</p> })}
            {refunded.map(|back| view! {
                <p data-part="refunded">{move || {
                    let [back, total] = [back, total].map(|amount| format::amount_text(amount, lang.get()));
                    Text::RequestRefunded.filled(lang.get(), &[("back", &back), ("total", &total)])
                }}</p>
            })}
            {deadline.map(|at_ms| view! {
                <p class="quiet">{move || {
                    let time = format::time_of_day(at_ms, lang.get());
                    Text::UnknownDeadline.filled(lang.get(), &[("time", &time)])
                }}</p>
            })}
            {request.receipt.map(|attempt_id| view! {
                <button class="button button-primary" type="button" data-action="receipt"
                    on:click=move |_| app.go(Screen::Receipt(attempt_id))>{app.t(Text::RequestSeeReceipt)}</button>
            })}
        </section>
    }
}

/// Blocking is for good, so it asks once more.
pub fn block_dialog(app: App, request_id: RequestId, payee: String) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    let open = move |_| {
        if let Some(dialog) = dialog.get_untracked() {
            // A dialog that is open already stays open.
            let _ = dialog.show_modal();
        }
    };
    let close = move || {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    view! {
        <button class="text-button" type="button" data-action="block" on:click=open>{app.t(Text::RequestBlock)}</button>
        <dialog class="dialog" node_ref=dialog aria-labelledby="block-title">
            <h2 id="block-title">{app.fill(Text::RequestBlockTitle, "payee", payee)}</h2>
            <p class="quiet">{app.t(Text::RequestBlockBody)}</p>
            <div class="actions-row">
                <button class="button" type="button" data-action="cancel" on:click=move |_| close()>
                    {app.t(Text::ActionCancel)}
                </button>
                <button class="button button-danger" type="button" data-action="confirm-block"
                    on:click=move |_| { close(); app.block(request_id); }>{app.t(Text::RequestBlockConfirm)}</button>
            </div>
        </dialog>
    }
}

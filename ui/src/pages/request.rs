//! One request: how much, to whom, whether it is the right one, and what to do with it.

pub mod later;
pub mod report;
mod settled;

use leptos::prelude::*;
use payment::RequestId;
use protocol::ipc::{RequestPhase, RequestView};

use crate::components::amount::{AmountSize, amount};
use crate::components::button::Button;
use crate::components::dialog::{Dialog, Question, question};
use crate::components::pay_sheet::pay_sheet;
use crate::components::receipt_sheet::item_table;
use crate::components::time::countdown;
use crate::components::words::Words;
use crate::components::{back_button, empty_state, icon, verified_badge};
use crate::format;
use crate::i18n::Text;
use crate::phase::PhaseView as _;
use crate::place::Screen;
use crate::same_order::{Twin, twin};
use crate::signal::Memo;
use crate::state::App;

/// The screen.
pub fn page(app: App, request_id: RequestId) -> impl IntoView {
    // The clock of a view moves on with every reading; the screen is drawn again only when the rest changed.
    let request = Memo::new(move |_| app.request(request_id).map(|request| RequestView { now_ms: 0, ..request }));
    // The sheet names the reader.
    leptos::task::spawn_local(app.read_readers());
    // An operator may have come meanwhile, and a way to pay with it.
    leptos::task::spawn_local(app.read_methods());
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
    let time = phase.is_payable().then(|| countdown(app, request.created_ms, request.expires_ms));
    let created_ms = request.created_ms;
    let lang = app.lang;
    view! {
        <header class="page-head page-head-nav">{back_button(app)}{time}</header>
        <section class="hero">
            <h1 class="unseen" tabindex="-1">{app.fill(Text::RequestTitle, "payee", request.payee.clone())}</h1>
            {amount(app, request.amount, AmountSize::Hero)}
            <p class="payee-line">
                <bdi class="payee">{request.payee.clone()}</bdi>
                {verified_badge(app, Text::RequestVerified)}
            </p>
            <p class="quiet small facts-line">
                <span>{app.fill(Text::RequestOrderNumber, "number", request.order_number.clone())}</span>
                <span>{move || format::date_time(created_ms, lang.get())}</span>
            </p>
        </section>
        {items(app, request)}
        {if phase.is_payable() { payable(app, request).into_any() } else { settled::settled(app, request).into_any() }}
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
        let words = app.lang.get().pick(&english, &chinese).clone();
        words.map(|word| view! { <b class="match-word" translate="no">{word}</b> }).collect_view()
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
    view! {
        {request.first_contact.then(|| view! {
            <p class="notice" data-part="first-contact">{icon::caution()}<span>{app.t(Text::FirstReminder)}</span></p>
        })}
        {twin_note(app, request)}
        {put_off_note(app, request)}
        {match_words(app, request)}
        {pay_sheet(app, request)}
        <div class="actions">
            <div class="actions-row">
                {later::later_dialog(app, request)}
                {refuse_dialog(app, request_id, request.payee.clone())}
            </div>
            <div class="actions-row actions-quiet">
                {block_dialog(app, request_id, request.payee.clone())}
                {report::report_dialog(app, request_id, request.payee.clone())}
            </div>
        </div>
    }
}

/// The shop asked for the same order before: it is paid once.
fn twin_note(app: App, request: &RequestView) -> impl IntoView + use<> {
    let request = request.clone();
    let twin = Memo::new(move |_| app.inbox.with(|inbox| twin(&request, inbox.as_deref().unwrap_or_default())));
    move || {
        twin.get().map(|twin| {
            let (name, words, other) = match twin {
                Twin::Asked(count) => ("asked", app.fill(Text::TwinAsked, "count", count.to_string())(), None),
                Twin::Settled(other, RequestPhase::Paid) => ("paid", app.t(Text::TwinPaid)().to_owned(), Some(other)),
                Twin::Settled(other, _) => ("unknown", app.t(Text::TwinUnknown)().to_owned(), Some(other)),
            };
            view! {
                <section class="notice" data-part="twin" data-twin=name>
                    {icon::caution()}
                    <div>
                        <p>{words}</p>
                        {other.map(|other| Button::text("see-twin", Text::TwinSee)
                            .on(app, move || app.go(Screen::Request(other))))}
                    </div>
                </section>
            }
        })
    }
}

/// Until when it is put off, and the way back.
fn put_off_note(app: App, request: &RequestView) -> Option<impl IntoView + use<>> {
    let request_id = request.request_id;
    let until_ms = request.postponed_until_ms;
    (request.phase == RequestPhase::Postponed).then(|| {
        let words = Words::made(move |lang| match until_ms {
            Some(at_ms) => Text::LaterUntil.filled(lang, &[("time", &format::date_time(at_ms, lang))]),
            None => Text::LaterUntilAsked.in_language(lang).to_owned(),
        });
        view! {
            <section class="notice notice-plain" data-part="put-off">
                {icon::clock()}
                <div><p>{app.say(words)}</p>
                    {Button::text("bring-back", Text::LaterBack).on(app, move || app.bring_back(request_id))}</div>
            </section>
        }
    })
}

/// Refusing is told to the shop at once, so it asks once more.
pub fn refuse_dialog(app: App, request_id: RequestId, payee: String) -> AnyView {
    let dialog = Dialog::new();
    let asked = Question {
        action: "confirm-refuse",
        title: Words::Filled(Text::RefuseTitle, "payee", payee),
        body: Text::RefuseBody.into(),
        confirm: Text::RequestRefuse.into(),
    };
    view! {
        {Button::plain("refuse", Text::RequestRefuse).off_while(move || app.busy.get()).on(app, move || dialog.open())}
        {question(app, dialog, asked, move || app.refuse(request_id))}
    }
    .into_any()
}

/// Blocking is for good, so it asks once more.
pub fn block_dialog(app: App, request_id: RequestId, payee: String) -> AnyView {
    let dialog = Dialog::new();
    let asked = Question {
        action: "confirm-block",
        title: Words::Filled(Text::RequestBlockTitle, "payee", payee),
        body: Text::RequestBlockBody.into(),
        confirm: Text::RequestBlockConfirm.into(),
    };
    view! {
        {Button::text("block", Text::RequestBlock).on(app, move || dialog.open())}
        {question(app, dialog, asked, move || app.block(request_id))}
    }
    .into_any()
}

//! What was found: how much it is, and its lines under their months.

use leptos::prelude::*;
use payment::{Amount, AttemptId};
use protocol::ipc::history::{HistoryLine, HistoryQuery, MonthView, SumView};

use crate::components::amount::{AmountSize, amount};
use crate::components::button::Button;
use crate::components::message::{Tone, badge};
use crate::components::problem::problem_text;
use crate::components::virtual_list::{Row, virtual_list};
use crate::components::{empty_state, icon, loading_list};
use crate::format;
use crate::history::{months, payments};
use crate::i18n::{Lang, Text};
use crate::merchant::period::Day;
use crate::place::Screen;
use crate::signal::Memo;
use crate::stage::card_label;
use crate::state::App;

/// What stands on the screen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Loading,
    Failed,
    Empty,
    NoneFound,
    Listed,
}

/// The summary and the list, or why there is none.
pub fn found(app: App, selected: impl Fn() -> Option<AttemptId> + Copy + Send + Sync + 'static) -> impl IntoView {
    let history = app.history;
    let query = history.asked.query();
    let standing = Memo::new(move |_| {
        history.view.with(|view| match view {
            None => Standing::Loading,
            Some(Err(_)) => Standing::Failed,
            Some(Ok(view)) if view.count > 0 => Standing::Listed,
            Some(Ok(_)) if query.with(HistoryQuery::is_all) => Standing::Empty,
            Some(Ok(_)) => Standing::NoneFound,
        })
    });
    view! {
        <p class="history-sum quiet small" role="status" data-part="found">{move || summary(app)}</p>
        {move || waiting(app)}
        {move || match standing.get() {
            Standing::Loading => loading_list(app, Text::HistoryLoading).into_any(),
            Standing::Failed => failed(app),
            Standing::Empty => empty_state(app, Text::HistoryEmptyTitle, Text::HistoryEmptyBody).into_any(),
            Standing::NoneFound => none_found(app),
            Standing::Listed => virtual_list(app.t(Text::HistoryTitle), history.shape, move |row| entry(app, row, selected)).into_any(),
        }}
    }
}

fn failed(app: App) -> AnyView {
    let problem = app.history.view.with(|view| view.as_ref().and_then(|view| view.as_ref().err().cloned()));
    let code = problem.as_ref().map(|problem| problem.code.as_str());
    let again = move || app.history.version.update(|version| *version += 1);
    view! {
        <div class="refusal" data-problem=code>
            {problem.map(|problem| problem_text(app, &problem))}
            {Button::plain("try-again", Text::ActionTryAgain).on(app, again)}
        </div>
    }
    .into_any()
}

fn none_found(app: App) -> AnyView {
    view! {
        {empty_state(app, Text::HistoryNoneTitle, Text::HistoryNoneBody)}
        <p class="centred">{Button::plain("clear-search-and-filters", Text::HistoryClear).on(app, move || app.history.asked.clear())}</p>
    }
    .into_any()
}

/// How many receipts of an older version are still to be entered.
fn waiting(app: App) -> Option<impl IntoView> {
    let waiting = app.history.view.with(|view| match view {
        Some(Ok(view)) => view.waiting,
        Some(Err(_)) | None => 0,
    });
    let count = move || {
        let lang = app.lang.get();
        Text::HistoryWaiting.filled(lang, &[("count", &format::count(waiting as usize, lang))])
    };
    (waiting > 0).then(|| view! { <p class="banner tone-plain" role="status" data-part="waiting">{icon::info()}<span>{count}</span></p> })
}

/// How many payments were found and what they come to.
fn summary(app: App) -> String {
    let lang = app.lang.get();
    app.history.view.with(|view| match view {
        Some(Ok(view)) => [vec![payments(view.count, lang)], sums(&view.sums, lang)].concat().join(" · "),
        Some(Err(_)) | None => String::new(),
    })
}

/// Sums, and what was given back of them.
fn sums(sums: &[SumView], lang: Lang) -> Vec<String> {
    let said = sums.iter().flat_map(|sum| {
        let refunded = Amount::new(sum.refunded_minor, sum.paid.currency());
        let back = (sum.refunded_minor > 0)
            .then(|| Text::HistoryGivenBack.filled(lang, &[("amount", &format::amount_text(refunded, lang))]));
        [Some(format::amount_text(sum.paid, lang)), back]
    });
    said.flatten().collect()
}

fn entry(app: App, row: Row, selected: impl Fn() -> Option<AttemptId> + Copy + Send + Sync + 'static) -> impl IntoView {
    let history = app.history;
    let month = Memo::new(move |_| {
        history.view.with(|view| match view {
            Some(Ok(view)) => history.shape.with(|shape| months::beginning(view, shape, row.index).cloned()),
            Some(Err(_)) | None => None,
        })
    });
    let read = Memo::new(move |_| history.line(row.index));
    // What was read before a new count stays until it is read anew, and with it the focus it may have.
    let line = Memo::new(move |before: Option<&Option<HistoryLine>>| read.get().or_else(|| before.cloned().flatten()));
    Effect::new(move || {
        if read.with(Option::is_none) {
            app.want_line(row.index);
        }
    });
    view! {
        {move || month.get().map(|month| month_head(app, month))}
        {move || {
            let Some(line) = line.get() else {
                return view! { <div class="row history-ghost" aria-busy="true"><span class="ghost-line"></span><span class="ghost-line"></span></div> }.into_any();
            };
            line_button(app, row, line, selected).into_any()
        }}
    }
}

fn month_head(app: App, month: MonthView) -> impl IntoView {
    let name = move || {
        let day = Day { year: month.year, month: month.month, number: 15 };
        format::month(format::midnight_ms(day), app.lang.get())
    };
    let about = move || {
        let lang = app.lang.get();
        [vec![payments(month.count, lang)], sums(&month.sums, lang)].concat().join(" · ")
    };
    view! {
        <div class="month-head"><h2 class="group-title">{name}</h2><p class="quiet small">{about}</p></div>
    }
}

fn line_button(
    app: App,
    row: Row,
    line: HistoryLine,
    selected: impl Fn() -> Option<AttemptId> + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let HistoryLine { attempt_id, amount: sum, payee, decided_ms, method, refunded_minor, .. } = line;
    let is_selected = move || selected() == Some(attempt_id);
    let lang = app.lang;
    let given_back = (refunded_minor > 0).then(|| {
        let text = if refunded_minor >= sum.minor() { Text::HistoryWholeBack } else { Text::HistoryPartBack };
        badge(app, Tone::Plain, text)
    });
    view! {
        <button class="row" class:selected=is_selected type="button" data-action="open-receipt" tabindex=move || row.tabindex()
            data-attempt=attempt_id.to_string() aria-current=move || is_selected().then_some("true")
            on:click=move |_| app.go(Screen::Receipt(attempt_id))>
            <span class="row-main">
                <bdi class="row-title">{payee}</bdi>
                <span class="row-line quiet small">
                    <span>{move || format::date_time(decided_ms, lang.get())}</span>
                    {short_label(app, method)}
                    {given_back}
                </span>
            </span>
            {amount(app, sum, AmountSize::Line)}
            {icon::chevron()}
        </button>
    }
}

/// The card a payment was made with. Where there is no room for all of it, its digits stay.
fn short_label(app: App, label: String) -> AnyView {
    let lang = app.lang;
    let Some((scheme, digits)) = label.split_once(' ') else {
        return view! { <bdi>{move || card_label(&label, lang.get())}</bdi> }.into_any();
    };
    let (scheme, digits) = (Text::scheme(scheme), format!(" {digits}"));
    view! { <bdi class="row-card"><span>{move || scheme.in_language(lang.get())}</span><span>{digits}</span></bdi> }
        .into_any()
}

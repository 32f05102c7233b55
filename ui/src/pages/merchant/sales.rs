//! The sales: searched, filtered, and kept as a file for a spreadsheet.

use leptos::prelude::*;
use payment::RequestId;
use protocol::ipc::merchant::SaleSummary;

use super::parts::fetched;
use crate::components::amount::{AmountSize, amount};
use crate::components::{empty_state, icon};
use crate::format;
use crate::i18n::Text;
use crate::merchant::face::SaleFace;
use crate::merchant::period::{Period, Question};
use crate::merchant::place::{SellPlace, SellScreen};
use crate::merchant::till::SalesRead;
use crate::place::Place;
use crate::signal::{Memo, RwSignal};
use crate::state::App;

/// The states that can be asked for, by the name the server knows.
const STATES: [(&str, Text); 8] = [
    ("", Text::SalesAnyState),
    ("paid", Text::FacePaid),
    ("seen", Text::FaceSeen),
    ("outcome_unknown", Text::FaceUnknown),
    ("needs_manual_review", Text::FaceReview),
    ("expired", Text::FaceExpired),
    ("cancelled", Text::FaceCancelled),
    ("failed", Text::FaceDeclined),
];

/// The screen.
pub fn page(app: App) -> impl IntoView {
    view! {
        <header class="page-head">
            <h1 tabindex="-1">{app.t(Text::SalesTitle)}</h1>
            {tools(app)}
        </header>
        {list(app, || None)}
    }
}

/// The same list beside an open sale.
pub fn aside(app: App) -> impl IntoView {
    let selected = move || match app.place.get() {
        Place::Sell(SellPlace::At(SellScreen::Sale(request_id))) => Some(request_id),
        _ => None,
    };
    view! {
        <aside class="pane pane-side" aria-label=app.t(Text::SalesTitle)>
            <header class="page-head"><h2 class="aside-title">{app.t(Text::SalesTitle)}</h2>{tools(app)}</header>
            {list(app, selected)}
        </aside>
    }
}

fn tools(app: App) -> impl IntoView {
    let failed = RwSignal::new(false);
    let save = move |_| {
        failed.set(false);
        app.save_sales(move || {
            failed.try_set(true);
        });
    };
    view! {
        <span class="head-tools">
            <button class="text-button" type="button" data-action="day" on:click=move |_| app.sell(SellScreen::Day)>{app.t(Text::DayTitle)}</button>
            <button class="text-button" type="button" data-action="save-sales" disabled=move || app.busy.get() on:click=save>
                <span role="status">{move || app.t(if failed.get() { Text::SalesCsvFailed } else { Text::SalesCsv })()}</span>
            </button>
        </span>
    }
}

fn list(app: App, selected: impl Fn() -> Option<RequestId> + Copy + Send + Sync + 'static) -> impl IntoView {
    view! {
        {filters(app)}
        {fetched(app, app.till.sales, Text::SalesLoading, App::read_sales, move |read| sales(app, read, selected))}
    }
}

fn filters(app: App) -> impl IntoView {
    let question = app.till.question;
    let change = move |how: &dyn Fn(&mut Question)| {
        let mut changed = question.get_untracked();
        how(&mut changed);
        app.ask_sales(changed);
    };
    let states = STATES.map(|(name, text)| {
        view! { <option value=name selected=move || question.with(|it| it.status == name)>{app.t(text)}</option> }
    });
    let periods = Period::ALL.map(|period| {
        let is_chosen = move || question.with(|it| it.period == period);
        view! { <option value=period.name() selected=is_chosen>{app.t(period_text(period))}</option> }
    });
    let is_chosen = Memo::new(move |_| question.with(|it| it.period == Period::Chosen));
    view! {
        <search class="filters" aria-label=app.t(Text::SalesFilters)>
            <span class="field field-search">
                <input data-field="search" type="search" autocomplete="off" spellcheck="false" maxlength="40"
                    aria-label=app.t(Text::SalesSearch) placeholder=app.t(Text::SalesSearch)
                    prop:value=move || question.with(|it| it.text.clone())
                    on:input:target=move |event| change(&|it| it.text = event.target().value())/>
            </span>
            <span class="select">
                <select data-field="status" aria-label=app.t(Text::SalesState)
                    on:change:target=move |event| change(&|it| it.status = event.target().value())>{states.collect_view()}</select>
                {icon::fold()}
            </span>
            <span class="select">
                <select data-field="period" aria-label=app.t(Text::SalesPeriod)
                    on:change:target=move |event| change(&|it| it.period = Period::from_name(&event.target().value()).unwrap_or(Period::All))>
                    {periods.collect_view()}
                </select>
                {icon::fold()}
            </span>
            {move || is_chosen.get().then(|| days(app))}
        </search>
    }
}

fn days(app: App) -> impl IntoView {
    let question = app.till.question;
    let day = move |field: &'static str,
                    text: Text,
                    shown: fn(&Question) -> &String,
                    put: fn(&mut Question, String)| {
        let change = move |typed: String| {
            let mut changed = question.get_untracked();
            put(&mut changed, typed);
            app.ask_sales(changed);
        };
        view! {
            <label class="labelled">
                <span class="quiet small">{app.t(text)}</span>
                <span class="field"><input data-field=field type="date" placeholder="2026-01-31" maxlength="10" dir="ltr"
                    prop:value=move || question.with(|it| shown(it).clone())
                    on:input:target=move |event| change(event.target().value())/></span>
            </label>
        }
    };
    view! {
        <span class="filter-days">
            {day("from", Text::SalesFrom, |it| &it.from, |it, typed| it.from = typed)}
            {day("to", Text::SalesTo, |it| &it.to, |it, typed| it.to = typed)}
        </span>
    }
}

const fn period_text(period: Period) -> Text {
    match period {
        Period::All => Text::PeriodAll,
        Period::Today => Text::PeriodToday,
        Period::Yesterday => Text::PeriodYesterday,
        Period::Week => Text::PeriodWeek,
        Period::Month => Text::PeriodMonth,
        Period::Chosen => Text::PeriodChosen,
    }
}

fn sales(
    app: App,
    read: SalesRead,
    selected: impl Fn() -> Option<RequestId> + Copy + Send + Sync + 'static,
) -> impl IntoView {
    if read.sales.is_empty() {
        let (title, body) = if app.till.question.with_untracked(Question::is_all) {
            (Text::SalesEmptyTitle, Text::SalesEmptyBody)
        } else {
            (Text::SalesNoneTitle, Text::SalesNoneBody)
        };
        return empty_state(app, title, body).into_any();
    }
    let rows = read.sales.into_iter().map(|sale| row(app, sale, selected)).collect::<Vec<_>>();
    let more = read.next_cursor.is_some().then(|| {
        view! {
            <p class="centred"><button class="button" type="button" data-action="more-sales" disabled=move || app.busy.get()
                on:click=move |_| app.more_sales()>{app.t(Text::SalesMore)}</button></p>
        }
    });
    view! { <ul class="rows" data-list="sales">{rows}</ul>{more} }.into_any()
}

fn row(
    app: App,
    sale: SaleSummary,
    selected: impl Fn() -> Option<RequestId> + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let SaleSummary { request_id, order_number, amount: sum, refunded, state, created_ms } = sale;
    let face = SaleFace::of(&state);
    let is_selected = move || selected() == Some(request_id);
    let lang = app.lang;
    let given_back = (refunded.minor() > 0).then(|| {
        let text = if refunded == sum { Text::SaleRefunded } else { Text::SalePartRefunded };
        view! { <span class="badge">{app.t(text)}</span> }
    });
    view! {
        <li>
            <button class="row" class:selected=is_selected type="button" data-action="open-sale" data-sale=request_id.to_string()
                data-face=face.name() aria-current=move || is_selected().then_some("true")
                on:click=move |_| app.open_sale(SellScreen::Sale(request_id), request_id)>
                <span class="row-main">
                    <bdi class="row-title">{order_number}</bdi>
                    <span class="row-line small">
                        {face_badge(app, face)}
                        {given_back}
                        <span class="quiet">{move || format::date_time(created_ms, lang.get())}</span>
                    </span>
                </span>
                {amount(app, sum, AmountSize::Line)}
                {icon::chevron()}
            </button>
        </li>
    }
}

/// A state in a word, with a shape where it is good or bad.
pub fn face_badge(app: App, face: SaleFace) -> impl IntoView {
    let (class, shape) = match face {
        SaleFace::Paid => ("badge badge-good", Some(icon::check().into_any())),
        SaleFace::Unknown | SaleFace::Review | SaleFace::Paying => ("badge badge-unknown", None),
        SaleFace::Declined | SaleFace::Rejected | SaleFace::Unreached => {
            ("badge badge-bad", Some(icon::cross().into_any()))
        }
        SaleFace::Asking | SaleFace::Sent | SaleFace::Seen => ("badge badge-open", None),
        SaleFace::Reversed | SaleFace::Expired | SaleFace::Cancelled => ("badge", None),
    };
    view! { <span class=class>{shape}<span>{app.t(face.text())}</span></span> }
}

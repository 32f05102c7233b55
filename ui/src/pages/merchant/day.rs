//! Closing a day: what came in and went back in each currency, what is open, and what is not known yet.

use leptos::prelude::*;
use protocol::ipc::merchant::{DayCloseView, DayTotal};

use super::parts::{fact, fetched};
use crate::browser;
use crate::components::amount::{AmountSize, amount};
use crate::components::{back_button, empty_state, icon};
use crate::format;
use crate::i18n::Text;
use crate::merchant::period::Day;
use crate::state::App;

/// The screen.
pub fn page(app: App) -> impl IntoView {
    let day = move || app.till.day.get().unwrap_or_else(format::today);
    let is_today = move || day() >= format::today();
    let name = move || format::whole_day(day(), app.lang.get());
    let show = move |day: Day| app.show_day((day < format::today()).then_some(day));
    view! {
        <header class="page-head page-head-nav">
            {back_button(app)}
            <h1 tabindex="-1" class="nav-title">{app.t(Text::DayTitle)}</h1>
            <button class="icon-button head-end no-print" type="button" data-action="print" aria-label=app.t(Text::DayPrint)
                on:click=move |_| browser::print()>{icon::print()}</button>
        </header>
        <p class="print-only"><bdi>{move || app.till.merchant.with(|it| it.as_ref().map(|it| it.display_name.clone()))}</bdi></p>
        <div class="day-choice">
            <button class="icon-button" type="button" data-action="day-before" aria-label=app.t(Text::DayBefore)
                on:click=move |_| show(day().previous())>{icon::back()}</button>
            <p class="day-name" role="status">{name}</p>
            <button class="icon-button" type="button" data-action="day-after" aria-label=app.t(Text::DayAfter) disabled=is_today
                on:click=move |_| show(day().next())>{icon::chevron()}</button>
        </div>
        {fetched(app, app.till.day_close, Text::DayLoading, App::read_day, move |close| totals(app, close))}
    }
}

fn totals(app: App, close: DayCloseView) -> impl IntoView {
    let is_empty = close.totals.is_empty();
    let currencies = close.totals.into_iter().map(|total| currency(app, &total)).collect::<Vec<_>>();
    let number = move |count: u32| move || format::count(count as usize, app.lang.get());
    let doubt = (close.in_doubt > 0).then(|| {
        view! { <p class="notice" data-part="in-doubt">{icon::caution()}<span>{app.t(Text::DayDoubtBody)}</span></p> }
    });
    view! {
        {is_empty.then(|| empty_state(app, Text::DayEmptyTitle, Text::DayEmptyBody))}
        {doubt}
        <div class="day-totals" data-date=close.date>{currencies}</div>
        <section class="group" data-part="rest">
            <dl class="facts">
                {fact(app, Text::DayOpen, number(close.open))}
                {fact(app, Text::DayDoubt, number(close.in_doubt))}
            </dl>
        </section>
    }
}

fn currency(app: App, total: &DayTotal) -> impl IntoView + use<> {
    let DayTotal { sales, sold, refunds, refunded, net } = *total;
    let counted = move |text: Text, count: u32| {
        move || {
            Text::DayCounted.filled(
                app.lang.get(),
                &[
                    ("name", text.in_language(app.lang.get())),
                    ("count", &format::count(count as usize, app.lang.get())),
                ],
            )
        }
    };
    let heading = format!("day-{}", net.currency().code());
    let labelled_by = heading.clone();
    view! {
        <section class="group day-total" data-currency=net.currency().code() aria-labelledby=labelled_by>
            <h2 id=heading translate="no">{net.currency().code()}</h2>
            <p class="day-net"><span class="quiet small">{app.t(Text::DayNet)}</span>{amount(app, net, AmountSize::Title)}</p>
            <dl class="facts">
                <div class="fact"><dt>{counted(Text::DaySold, sales)}</dt><dd>{amount(app, sold, AmountSize::Line)}</dd></div>
                <div class="fact"><dt>{counted(Text::DayRefunded, refunds)}</dt><dd>{amount(app, refunded, AmountSize::Line)}</dd></div>
            </dl>
        </section>
    }
}

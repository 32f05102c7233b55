//! The printed codes: one a till, which leads to whatever is asked for there.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use protocol::ipc::merchant::CounterQrView;

use super::parts::{fetched, head};
use crate::browser;
use crate::components::form::form_of;
use crate::components::{back_button, empty_state, icon};
use crate::i18n::Text;
use crate::merchant::place::SellScreen;
use crate::signal::{Memo, RwSignal};
use crate::state::App;

/// The longest name of a counter, in characters.
const NAME_CHARS_MAX: &str = "40";

/// The screen.
pub fn page(app: App) -> impl IntoView {
    view! {
        {head(app, Text::CountersTitle)}
        <p class="quiet page-lead">{app.t(Text::CountersBody)}</p>
        {new_counter(app)}
        {fetched(app, app.till.counters, Text::CountersLoading, App::read_counters, move |counters| list(app, counters))}
    }
}

fn new_counter(app: App) -> impl IntoView {
    let name = RwSignal::new(String::new());
    let is_empty = move || name.with(|name| name.trim().is_empty());
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let named = name.get_untracked().trim().to_owned();
        if !named.is_empty() {
            app.create_counter(named);
        }
    };
    view! {
        {form_of("group group-form", view! {
            <label for="counter-name">{app.t(Text::CountersName)}</label>
            <div class="form-line">
                <span class="field"><input id="counter-name" data-field="counter-name" type="text" autocomplete="off"
                    maxlength=NAME_CHARS_MAX placeholder=app.t(Text::CountersNameHint) bind:value=name/></span>
                <button class="button" type="submit" data-action="create-counter" disabled=move || is_empty() || app.busy.get()>{app.t(Text::CountersCreate)}</button>
            </div>
        }, submit)}
    }
}

fn list(app: App, counters: Vec<CounterQrView>) -> impl IntoView {
    if counters.is_empty() {
        return empty_state(app, Text::CountersEmptyTitle, Text::CountersEmptyBody).into_any();
    }
    let rows = counters.into_iter().map(|counter| row(app, counter)).collect::<Vec<_>>();
    view! { <ul class="rows rows-boxed" data-list="counters">{rows}</ul> }.into_any()
}

fn row(app: App, counter: CounterQrView) -> impl IntoView {
    let CounterQrView { id, name, request_id, .. } = counter;
    let state = if request_id.is_some() { Text::CounterAsking } else { Text::CounterIdle };
    let look = move |_| {
        app.till.counter.set(Some(id.clone()));
        app.sell(SellScreen::Counter);
    };
    view! {
        <li>
            <button class="row" type="button" data-action="open-counter" on:click=look>
                {icon::code()}
                <span class="row-main"><bdi class="row-title">{name}</bdi><span class="quiet small">{app.t(state)}</span></span>
                {icon::chevron()}
            </button>
        </li>
    }
}

/// One printed code, on a sheet of its own.
pub fn one(app: App) -> impl IntoView {
    let counter = Memo::new(move |_| {
        let id = app.till.counter.get()?;
        app.till.counters.with(|counters| counters.here()?.iter().find(|counter| counter.id == id).cloned())
    });
    view! {
        <header class="page-head page-head-nav no-print">
            {back_button(app)}
            <h1 tabindex="-1" class="nav-title">{app.t(Text::CounterTitle)}</h1>
        </header>
        {move || counter.get().map(|counter| sheet(app, counter))}
    }
}

fn sheet(app: App, counter: CounterQrView) -> impl IntoView {
    let payee = move || app.till.merchant.with(|it| it.as_ref().map(|it| it.display_name.clone()));
    let Some(svg) = counter.qr_svg else {
        return empty_state(app, Text::CounterElsewhereTitle, Text::CounterElsewhereBody).into_any();
    };
    view! {
        <article class="poster" data-part="poster">
            <bdi class="poster-payee">{payee}</bdi>
            <img class="poster-code" src=browser::svg_url(&svg) alt=app.t(Text::CounterCode)/>
            <p class="poster-words">{app.t(Text::CounterScan)}</p>
            <p class="poster-name"><bdi>{counter.name}</bdi></p>
        </article>
        <p class="quiet no-print">{app.t(Text::CounterHelp)}</p>
        <div class="actions no-print">
            <button class="button button-primary" type="button" data-action="print" on:click=move |_| browser::print()>
                {icon::print()}<span>{app.t(Text::CounterPrint)}</span>
            </button>
        </div>
    }
    .into_any()
}

//! What keypad and items share: the tabs, the amount due, whom to ask, and the one button.

use leptos::prelude::*;
use payment::Currency;
use protocol::ipc::merchant::{CounterQrView, Counters};

use crate::components::amount::{AmountSize, amount};
use crate::components::icon;
use crate::format;
use crate::i18n::Text;
use crate::ipc::invoke;
use crate::merchant::place::{SellPlace, SellScreen};
use crate::merchant::till::Fetched;
use crate::place::Place;
use crate::signal::{Memo, RwSignal};
use crate::state::App;

/// The longest address of a payer, in characters: an e-mail address.
const PAYER_CHARS_MAX: &str = "254";

/// The head: both ways to begin a sale, and the business.
pub fn tabs(app: App) -> impl IntoView {
    let tab = move |screen: SellScreen, action: &'static str, text: Text| {
        let is_here = move || app.place.get() == Place::Sell(SellPlace::At(screen));
        view! {
            <button class="tab" type="button" data-action=action aria-current=move || is_here().then_some("page")
                on:click=move |_| app.sell(screen)>{app.t(text)}</button>
        }
    };
    view! {
        <header class="page-head till-head">
            <div class="tabs" role="group" aria-label=app.t(Text::SellTitle)>
                {tab(SellScreen::Keypad, "keypad", Text::SellKeypad)}
                {tab(SellScreen::Items, "items", Text::SellItems)}
            </div>
            <bdi class="till-name quiet">{move || app.till.merchant.with(|it| it.as_ref().map(|it| it.display_name.clone()))}</bdi>
            <button class="icon-button" type="button" data-action="business" aria-label=app.t(Text::BusinessTitle)
                on:click=move |_| app.sell(SellScreen::Business)>{icon::shop()}</button>
        </header>
    }
}

/// The amount due, and the currency it is in.
pub fn due(app: App) -> impl IntoView {
    let shown = move || app.till.due().map(|due| amount(app, due, AmountSize::Hero));
    view! {
        <div class="due" data-part="due">
            <output class="due-amount" aria-label=app.t(Text::SellDue)>{shown}</output>
            {currency_choice(app)}
        </div>
    }
}

fn currency_choice(app: App) -> impl IntoView {
    let currencies = Memo::new(move |_| app.till.currencies());
    let choose = move |code: String| {
        if let Ok(currency) = code.parse::<Currency>() {
            app.till.choose_currency(currency);
        }
    };
    move || {
        (currencies.with(Vec::len) > 1).then(|| {
            let options = currencies.get().into_iter().map(|currency| {
                let is_chosen = move || app.till.currency.get() == Some(currency);
                view! { <option value=currency.code() selected=is_chosen translate="no">{currency.code()}</option> }
            });
            view! {
                <span class="select">
                    <select data-field="currency" aria-label=app.t(Text::SellCurrency)
                        prop:value=move || app.till.currency.get().map(Currency::code)
                        on:change:target=move |event| choose(event.target().value())>{options.collect::<Vec<_>>()}</select>
                    {icon::fold()}
                </span>
            }
        })
    }
}

/// Whom to ask besides whoever scans the code, and at which printed code.
pub fn payer(app: App) -> impl IntoView {
    let counters = RwSignal::new(Vec::<CounterQrView>::new());
    leptos::task::spawn_local(async move {
        // Without an answer there is no choice of counters, and the code on the screen works as ever.
        if let Ok(known) = invoke(Counters {}).await {
            app.till.counters.set(Fetched::Here(known.clone()));
            counters.try_set(known);
        }
    });
    let is_at_counter = move || app.till.at_counter.with(Option::is_some);
    view! {
        <div class="till-payer">
            <label class="labelled" hidden=is_at_counter>
                <span class="quiet small">{app.t(Text::SellPayer)}</span>
                <span class="field">
                    <input data-field="payer" type="text" inputmode="email" autocomplete="off" spellcheck="false" dir="ltr"
                        maxlength=PAYER_CHARS_MAX placeholder=app.t(Text::SellPayerHint) bind:value=app.till.payer/>
                </span>
            </label>
            {move || (!counters.with(Vec::is_empty)).then(|| counter_choice(app, counters.get()))}
        </div>
    }
}

fn counter_choice(app: App, counters: Vec<CounterQrView>) -> impl IntoView {
    let options = counters.into_iter().map(|counter| {
        let id = counter.id.clone();
        let is_chosen = move || app.till.at_counter.with(|chosen| chosen.as_deref() == Some(id.as_str()));
        view! { <option value=counter.id selected=is_chosen translate="no">{counter.name}</option> }
    });
    let choose = move |id: String| app.till.at_counter.set(Some(id).filter(|id| !id.is_empty()));
    view! {
        <label class="labelled">
            <span class="quiet small">{app.t(Text::SellCode)}</span>
            <span class="select select-wide">
                <select data-field="counter" prop:value=move || app.till.at_counter.get().unwrap_or_default()
                    on:change:target=move |event| choose(event.target().value())>
                    <option value="">{app.t(Text::SellCodeScreen)}</option>
                    {options.collect::<Vec<_>>()}
                </select>
                {icon::fold()}
            </span>
        </label>
    }
}

/// The one button: charges what is due.
pub fn charge(app: App) -> impl IntoView {
    let lang = app.lang;
    let has_sale = Memo::new(move |_| app.till.new_sale().is_some());
    let text = move || {
        if app.busy.get() {
            return Text::SellCharging.in_language(lang.get()).to_owned();
        }
        match app.till.due().filter(|_| has_sale.get()) {
            Some(due) => {
                Text::SellChargeAmount.filled(lang.get(), &[("amount", &format::amount_text(due, lang.get()))])
            }
            None => Text::SellCharge.in_language(lang.get()).to_owned(),
        }
    };
    view! {
        <div class="charge-bar"><button class="button button-primary button-large charge" type="button" data-action="charge"
            disabled=move || app.busy.get() || !has_sale.get() || !app.online.get()
            on:click=move |_| app.charge()>{text}</button></div>
    }
}

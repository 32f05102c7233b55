//! The search field, the filters in their sheet, and a chip for each that is set.

use leptos::prelude::*;

use crate::components::button::{Button, actions};
use crate::components::choice::select_field;
use crate::components::dialog::Dialog;
use crate::components::field::search_field;
use crate::components::icon;
use crate::components::words::Words;
use crate::history::asked::{Asked, Days, REFUNDS};
use crate::i18n::Text;
use crate::signal::{Memo, RwSignal};
use crate::stage::card_label;
use crate::state::App;

/// The field, the way to the filters, and what is set.
pub fn search(app: App) -> impl IntoView {
    let asked = app.history.asked;
    let dialog = Dialog::new();
    let open = move |_| {
        app.read_choices();
        dialog.open();
    };
    view! {
        <div class="history-search">
            {search_field(app, "history-search", Text::HistorySearch, asked.text)}
            <button class="icon-button history-filter" type="button" data-action="filter" aria-label=app.t(Text::HistoryFilter)
                title=app.t(Text::HistoryFilter) aria-haspopup="dialog" class:is-set=move || asked.count() != 0
                on:click=open>{icon::filter()}</button>
        </div>
        {move || (asked.count() > 0).then(|| set_filters(app))}
        {dialog.sheet(app, "history-filters", Text::HistoryFilter, form(app, dialog))}
    }
}

fn form(app: App, dialog: Dialog) -> impl IntoView {
    let Asked { days, from, to, currency, payee, method, refunds, .. } = app.history.asked;
    let choices = app.history.choices;
    let open = |text: Text| (String::new(), Words::from(text));
    let periods = move || Days::ALL.map(|days| (days.name().to_owned(), days.text().into())).to_vec();
    let currencies = move || {
        let codes = choices.with(|it| it.as_ref().map(|it| it.currencies.clone()).unwrap_or_default());
        let code = |code: payment::Currency| (code.code().to_owned(), Words::Name(code.code().to_owned()));
        std::iter::once(open(Text::HistoryAnyCurrency)).chain(codes.into_iter().map(code)).collect()
    };
    let payees = move || {
        let known = choices.with(|it| it.as_ref().map(|it| it.payees.clone()).unwrap_or_default());
        let named = known.into_iter().map(|it| (it.merchant_id.to_string(), Words::Name(it.name)));
        std::iter::once(open(Text::HistoryAnyPayee)).chain(named).collect()
    };
    let methods = move || {
        let labels = choices.with(|it| it.as_ref().map(|it| it.methods.clone()).unwrap_or_default());
        let named = labels.into_iter().map(|label| (label.clone(), method_words(label)));
        std::iter::once(open(Text::HistoryAnyMethod)).chain(named).collect()
    };
    let by_refund = move || REFUNDS.map(|(word, text)| (word.to_owned(), text.into())).to_vec();
    let is_chosen = Memo::new(move |_| days.with(|name| Days::from_name(name) == Days::Chosen));
    view! {
        <div class="history-form">
            {select_field(app, "filter-days", Text::HistoryDays, periods, days)}
            {move || is_chosen.get().then(|| view! {
                <div class="history-days">{day(app, "filter-from", Text::HistoryFrom, from)}{day(app, "filter-to", Text::HistoryTo, to)}</div>
            })}
            {select_field(app, "filter-payee", Text::HistoryPayee, payees, payee)}
            {select_field(app, "filter-method", Text::HistoryMethod, methods, method)}
            {select_field(app, "filter-currency", Text::HistoryCurrency, currencies, currency)}
            {select_field(app, "filter-refunds", Text::HistoryRefunds, by_refund, refunds)}
            {actions((
                Button::primary("close-filters", Text::HistoryShow).on(app, move || dialog.close()),
                Button::text("clear-filters", Text::HistoryClear).on(app, move || {
                    app.history.asked.clear();
                    dialog.close();
                }),
            ))}
        </div>
    }
}

fn day(app: App, name: &'static str, text: Text, value: RwSignal<String>) -> impl IntoView {
    view! {
        <div class="labelled">
            <label class="field-label" for=name>{app.t(text)}</label>
            <span class="field"><input id=name name=name data-field=name type="date" placeholder="2026-01-31" maxlength="10" dir="ltr"
                bind:value=value/></span>
        </div>
    }
}

/// A chip for each filter that is set; pressing it takes the filter away.
fn set_filters(app: App) -> impl IntoView {
    let Asked { days, from, to, currency, payee, method, refunds, .. } = app.history.asked;
    let chosen_days = Words::made(move |lang| {
        let days = days.with(|name| Days::from_name(name));
        if days != Days::Chosen {
            return days.text().in_language(lang).to_owned();
        }
        [from.get(), to.get()].join(" – ")
    });
    let payee_name = Words::made(move |_| {
        let id = payee.get();
        let known = app.history.choices.with(|choices| {
            choices.iter().flat_map(|it| &it.payees).find(|it| it.merchant_id.as_str() == id).map(|it| it.name.clone())
        });
        known.unwrap_or(id)
    });
    let refund_words = Words::made(move |lang| {
        let word = refunds.get();
        let known = REFUNDS.iter().find(|(known, _)| *known == word);
        known.map(|(_, text)| text.in_language(lang).to_owned()).unwrap_or_default()
    });
    let chips = [
        ("drop-days", days, chosen_days),
        ("drop-payee", payee, payee_name),
        ("drop-method", method, Words::made(move |lang| card_label(&method.get(), lang))),
        ("drop-currency", currency, Words::made(move |_| currency.get())),
        ("drop-refunds", refunds, refund_words),
    ];
    let chips = chips.into_iter().map(|(action, signal, words)| {
        let is_set = Memo::new(move |_| signal.with(|value| !value.is_empty()));
        move || is_set.get().then(|| set_filter(app, action, signal, words.clone()))
    });
    let chips = chips.collect::<Vec<_>>();
    view! { <div class="chips history-chips" role="group" aria-label=app.t(Text::HistorySet)>{chips}</div> }
}

fn set_filter(app: App, action: &'static str, signal: RwSignal<String>, words: Words) -> AnyView {
    let said = app.spoken(words);
    let name = move || Text::HistoryDrop.filled(app.lang.get(), &[("filter", &said.get())]);
    view! {
        <button class="chip" type="button" data-action=action aria-label=name on:click=move |_| signal.set(String::new())>
            <bdi>{move || said.get()}</bdi>{icon::cross()}
        </button>
    }
    .into_any()
}

fn method_words(label: String) -> Words {
    Words::made(move |lang| card_label(&label, lang))
}

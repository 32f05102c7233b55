//! The things that are sold with one tap: named, priced, put in order.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use payment::NAME_CHARS_MAX;
use protocol::ipc::merchant::CatalogueItem;

use super::parts::{fetched, head};
use crate::components::amount::{AmountSize, amount};
use crate::components::form::form_of;
use crate::components::{empty_state, icon};
use crate::i18n::Text;
use crate::merchant::money_text::amount_of;
use crate::signal::RwSignal;
use crate::state::App;

/// The most things on the tiles.
const ITEMS_MAX: usize = 200;

/// The screen.
pub fn page(app: App) -> impl IntoView {
    view! {
        {head(app, Text::CatalogueTitle)}
        {fetched(app, app.till.catalogue, Text::CatalogueLoading, App::read_catalogue, move |items| editor(app, items))}
    }
}

fn editor(app: App, items: Vec<CatalogueItem>) -> impl IntoView {
    let rows = (0..items.len()).map(|place| row(app, &items, place)).collect::<Vec<_>>();
    view! {
        {new_item(app, items)}
        {rows.is_empty().then(|| empty_state(app, Text::CatalogueEmptyTitle, Text::CatalogueEditBody))}
        <ul class="rows" data-list="catalogue">{rows}</ul>
    }
}

fn row(app: App, items: &[CatalogueItem], place: usize) -> impl IntoView + use<> {
    let item = items[place].clone();
    let name = item.name.clone();
    let save = move |items: Vec<CatalogueItem>| app.save_catalogue(items, || {});
    let without = {
        let mut items = items.to_vec();
        items.remove(place);
        items
    };
    let moved = |to: usize| {
        let mut items = items.to_vec();
        items.swap(place, to);
        items
    };
    let up = place.checked_sub(1).map(moved);
    let down = Some(place + 1).filter(|to| *to < items.len()).map(moved);
    let mover = move |action: &'static str, text: Text, shape: AnyView, items: Option<Vec<CatalogueItem>>| {
        let is_at_end = items.is_none();
        view! {
            <button class="icon-button" type="button" data-action=action disabled=move || is_at_end || app.busy.get()
                aria-label=app.fill(text, "name", name.clone())
                on:click=move |_| { if let Some(items) = items.clone() { save(items); } }>{shape}</button>
        }
    };
    view! {
        <li class="row row-plain">
            <span class="row-main"><bdi class="row-title">{item.name.clone()}</bdi>{amount(app, item.price, AmountSize::Line)}</span>
            {mover("move-up", Text::CatalogueUp, icon::up().into_any(), up)}
            {mover("move-down", Text::CatalogueDown, icon::down().into_any(), down)}
            {mover("remove-item", Text::CatalogueRemove, icon::bin().into_any(), Some(without))}
        </li>
    }
}

fn new_item(app: App, items: Vec<CatalogueItem>) -> impl IntoView {
    let (name, price) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let complaint = RwSignal::new(None::<Text>);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let named = name.get_untracked().trim().to_owned();
        let priced = app.till.currency.get_untracked().and_then(|it| amount_of(&price.get_untracked(), it));
        let (false, Some(priced)) = (named.is_empty(), priced) else {
            return complaint.set(Some(Text::CatalogueBad));
        };
        if items.len() >= ITEMS_MAX {
            return complaint.set(Some(Text::CatalogueFull));
        }
        complaint.set(None);
        let mut items = items.clone();
        items.push(CatalogueItem { name: named, price: priced });
        app.save_catalogue(items, move || {
            name.try_set(String::new());
            price.try_set(String::new());
        });
    };
    let price_label = move || {
        let currency = app.till.currency.get().map_or("", payment::Currency::code);
        Text::CataloguePrice.filled(app.lang.get(), &[("currency", currency)])
    };
    view! {
        {form_of("group group-form new-item", view! {
            <div class="form-line">
                <label class="labelled grow">
                    <span class="quiet small">{app.t(Text::CatalogueName)}</span>
                    <span class="field"><input data-field="item-name" type="text" autocomplete="off" maxlength=NAME_CHARS_MAX.to_string() bind:value=name/></span>
                </label>
                <label class="labelled narrow">
                    <span class="quiet small">{price_label}</span>
                    <span class="field"><input data-field="item-price" type="text" inputmode="decimal" autocomplete="off" dir="ltr" maxlength="16" bind:value=price/></span>
                </label>
                <button class="button" type="submit" data-action="add-to-catalogue" disabled=move || app.busy.get()>{app.t(Text::CatalogueAdd)}</button>
            </div>
            {move || complaint.get().map(|text| view! { <p class="field-bad" role="alert">{app.t(text)}</p> })}
        }, submit)}
    }
}

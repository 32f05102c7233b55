//! The items: a tile a thing, the cart they go into, and the button that charges it.

use leptos::prelude::*;
use protocol::ipc::merchant::CatalogueItem;

use super::bench;
use super::parts::fetched;
use crate::components::amount::{AmountSize, amount};
use crate::components::{empty_state, icon};
use crate::format;
use crate::i18n::Text;
use crate::merchant::cart::{Cart, CartLine};
use crate::merchant::place::SellScreen;
use crate::signal::Memo;
use crate::state::App;

/// The screen.
pub fn page(app: App) -> impl IntoView {
    view! {
        {bench::tabs(app)}
        <h1 class="unseen" tabindex="-1">{app.t(Text::SellItems)}</h1>
        <div class="till till-items">
            <section class="till-work" aria-label=app.t(Text::SellItems)>
                {fetched(app, app.till.catalogue, Text::CatalogueLoading, App::read_catalogue, move |items| tiles(app, items))}
            </section>
            <section class="ticket" aria-label=app.t(Text::SellCart)>
                {cart(app)}
                {bench::due(app)}
                {bench::payer(app)}
                {bench::charge(app)}
            </section>
        </div>
    }
}

fn tiles(app: App, items: Vec<CatalogueItem>) -> impl IntoView {
    let is_none = items.is_empty();
    let sold = move || {
        let currency = app.till.currency.get();
        let sold = items.iter().filter(|item| Some(item.price.currency()) == currency).cloned();
        sold.map(|item| tile(app, item)).collect_view()
    };
    let edit = view! {
        <button class="text-button" type="button" data-action="edit-catalogue"
            on:click=move |_| app.sell(SellScreen::Catalogue)>{app.t(Text::CatalogueEdit)}</button>
    };
    if is_none {
        view! {
            {empty_state(app, Text::CatalogueEmptyTitle, Text::CatalogueEmptyBody)}
            <p class="centred">{edit}</p>
        }
        .into_any()
    } else {
        view! { <ul class="tiles">{sold}</ul><p class="centred">{edit}</p> }.into_any()
    }
}

fn tile(app: App, item: CatalogueItem) -> impl IntoView {
    let CatalogueItem { name, price } = item.clone();
    let counted = item.clone();
    let quantity = Memo::new(move |_| app.till.cart.with(|cart| cart.quantity(&counted)));
    let lang = app.lang;
    let said = move || match quantity.get() {
        0 => String::new(),
        some => Text::SellInCart.filled(lang.get(), &[("count", &format::count(some as usize, lang.get()))]),
    };
    view! {
        <li>
            <button class="tile" type="button" data-action="add-item" data-quantity=move || quantity.get()
                on:click=move |_| app.till.cart.update(|cart| cart.add(&item))>
                <bdi class="tile-name">{name}</bdi>
                {amount(app, price, AmountSize::Line)}
                <span class="tile-count" hidden=move || quantity.get() == 0 aria-hidden="true">{move || quantity.get()}</span>
                <span class="unseen">{said}</span>
            </button>
        </li>
    }
}

fn cart(app: App) -> impl IntoView {
    let lines = move || {
        let lines = app.till.cart.with(|cart| cart.lines().to_vec());
        lines.iter().map(|line| cart_line(app, line)).collect_view()
    };
    let is_empty = Memo::new(move |_| app.till.cart.with(Cart::is_empty));
    view! {
        <div class="cart" data-part="cart">
            {move || is_empty.get().then(|| view! { <p class="quiet cart-empty">{app.t(Text::SellCartEmpty)}</p> })}
            <ul class="cart-lines">{lines}</ul>
            {move || (!is_empty.get()).then(|| view! {
                <button class="text-button" type="button" data-action="clear-cart"
                    on:click=move |_| app.till.cart.set(Cart::default())>{app.t(Text::SellCartClear)}</button>
            })}
        </div>
    }
}

fn cart_line(app: App, line: &CartLine) -> impl IntoView + use<> {
    let (total, quantity) = (line.total().ok(), line.quantity);
    let name = line.item.name.clone();
    let (more, less) = (line.item.clone(), line.item.clone());
    view! {
        <li class="cart-line">
            <bdi class="cart-name">{name.clone()}</bdi>
            <span class="stepper">
                <button class="icon-button" type="button" data-action="less" aria-label=app.fill(Text::SellLess, "name", name.clone())
                    on:click=move |_| app.till.cart.update(|cart| cart.take(&less))>{icon::minus()}</button>
                <span class="stepper-count">{quantity}</span>
                <button class="icon-button" type="button" data-action="more" aria-label=app.fill(Text::SellMore, "name", name)
                    on:click=move |_| app.till.cart.update(|cart| cart.add(&more))>{icon::plus()}</button>
            </span>
            {total.map(|total| amount(app, total, AmountSize::Line))}
        </li>
    }
}

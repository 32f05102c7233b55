//! The keypad: an amount, and the button that charges it.

use leptos::prelude::*;

use super::bench;
use crate::components::icon;
use crate::i18n::Text;
use crate::merchant::keypad::PadKey;
use crate::state::App;

/// The screen.
pub fn page(app: App) -> impl IntoView {
    view! {
        {bench::tabs(app)}
        <h1 class="unseen" tabindex="-1">{app.t(Text::SellKeypad)}</h1>
        <div class="till till-keypad">
            {bench::due(app)}
            {pad(app)}
            {bench::payer(app)}
            {bench::charge(app)}
        </div>
    }
}

/// The pad reads left to right in every language, as pads do.
fn pad(app: App) -> impl IntoView {
    let press = move |key: PadKey| app.till.entry.update(|entry| *entry = entry.press(key));
    let digit = move |digit: u8| {
        view! {
            <button class="key" type="button" data-pad=digit.to_string() on:click=move |_| press(PadKey::Digit(digit))>
                {digit.to_string()}
            </button>
        }
    };
    view! {
        <div class="till-pad" role="group" aria-label=app.t(Text::SellPad) dir="ltr">
            {(1..=9).map(digit).collect_view()}
            <button class="key" type="button" data-pad="00" on:click=move |_| press(PadKey::DoubleZero)>"00"</button>
            {digit(0)}
            <button class="key key-erase" type="button" data-pad="erase" aria-label=app.t(Text::SellErase)
                on:click=move |_| press(PadKey::Erase)>{icon::erase()}</button>
        </div>
    }
}

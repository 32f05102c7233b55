//! Amounts: yuan, yen without decimals, dinars with three, and sums that hardly fit.

use leptos::prelude::*;
use payment::{Amount, Currency};

use super::lists::{LONG_NAME, LONG_NAME_ZH};
use super::state;
use crate::components::amount::{AmountSize, amount};
use crate::components::verified_badge;
use crate::i18n::Text;
use crate::state::App;

/// Minor units and the code of their currency.
const SUMS: [(i64, &str); 7] = [
    (1_280, "USD"),
    (1_280, "CNY"),
    (128_000, "JPY"),
    (12_345, "KWD"),
    (123_456_789, "EUR"),
    (1_234_567_890, "KWD"),
    (99_999_999_999, "CNY"),
];

/// Every size, and every length.
pub fn amounts(app: App) -> AnyView {
    let sums = || SUMS.iter().filter_map(|(minor, code)| Some(Amount::new(*minor, code.parse::<Currency>().ok()?)));
    let heroes: Vec<AnyView> = sums().map(|sum| amount(app, sum, AmountSize::Hero).into_any()).collect();
    let titles: Vec<AnyView> = sums().map(|sum| amount(app, sum, AmountSize::Title).into_any()).collect();
    let lines: Vec<AnyView> = sums().map(|sum| amount(app, sum, AmountSize::Line).into_any()).collect();
    let payees = [LONG_NAME, LONG_NAME_ZH].into_iter().map(|name| {
        view! { <p class="payee-line"><bdi class="payee">{name}</bdi>{verified_badge(app, Text::WorkbenchGood)}</p> }
    });
    view! {
        {state("hero", view! { <div class="workbench-amounts">{heroes}</div> })}
        {state("title", view! { <div class="workbench-amounts">{titles}</div> })}
        {state("line", view! { <div class="workbench-amounts">{lines}</div> })}
        {state("payee", view! { <div class="workbench-amounts">{payees.collect::<Vec<_>>()}</div> })}
    }
    .into_any()
}

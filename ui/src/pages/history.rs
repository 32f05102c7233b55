//! The receipts by month, newest first.

use leptos::prelude::*;
use payment::AttemptId;
use protocol::ipc::ReceiptSummary;

use crate::components::amount::{AmountSize, amount};
use crate::components::{empty_state, icon, loading_list};
use crate::format;
use crate::i18n::{Lang, Text};
use crate::place::{Place, Screen};
use crate::stage::card_label;
use crate::state::App;

/// The screen.
pub fn page(app: App) -> impl IntoView {
    view! {
        <header class="page-head"><h1 tabindex="-1">{app.t(Text::HistoryTitle)}</h1>{verify_button(app)}</header>
        {receipt_list(app, || None)}
    }
}

/// The same list beside an open receipt.
pub fn aside(app: App) -> impl IntoView {
    let selected = move || match app.place.get() {
        Place::Receipt(attempt_id) => Some(attempt_id),
        _ => None,
    };
    view! {
        <aside class="pane pane-side" aria-label=app.t(Text::HistoryTitle)>
            <header class="page-head"><h2 class="aside-title">{app.t(Text::HistoryTitle)}</h2>{verify_button(app)}</header>
            {receipt_list(app, selected)}
        </aside>
    }
}

fn verify_button(app: App) -> impl IntoView {
    view! {
        <button class="text-button" type="button" data-action="verify" on:click=move |_| app.go(Screen::Verify)>
            {app.t(Text::HistoryVerify)}
        </button>
    }
}

fn receipt_list(app: App, selected: impl Fn() -> Option<AttemptId> + Copy + Send + Sync + 'static) -> impl IntoView {
    move || match app.receipts.get() {
        None => loading_list(app, Text::HistoryLoading).into_any(),
        Some(receipts) if receipts.is_empty() => {
            empty_state(app, Text::HistoryEmptyTitle, Text::HistoryEmptyBody).into_any()
        }
        Some(receipts) => {
            let months = by_month(receipts, app.lang.get()).into_iter();
            months.map(|(month, receipts)| view! {
                <section class="month">
                    <h2 class="group-title">{month}</h2>
                    <ul class="rows">{receipts.into_iter().map(|receipt| row(app, receipt, selected)).collect_view()}</ul>
                </section>
            }).collect_view().into_any()
        }
    }
}

fn by_month(receipts: Vec<ReceiptSummary>, lang: Lang) -> Vec<(String, Vec<ReceiptSummary>)> {
    grouped(receipts, |receipt| format::month(receipt.decided_ms, lang))
}

/// Neighbours with the same name, in their order.
fn grouped<T>(items: Vec<T>, name: impl Fn(&T) -> String) -> Vec<(String, Vec<T>)> {
    let mut groups: Vec<(String, Vec<T>)> = Vec::new();
    for item in items {
        let of_item = name(&item);
        match groups.last_mut() {
            Some((last, members)) if *last == of_item => members.push(item),
            _ => groups.push((of_item, vec![item])),
        }
    }
    groups
}

fn row(
    app: App,
    receipt: ReceiptSummary,
    selected: impl Fn() -> Option<AttemptId> + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let attempt_id = receipt.attempt_id;
    let is_selected = move || selected() == Some(attempt_id);
    let lang = app.lang;
    let label = receipt.card_label;
    view! {
        <li>
            <button class="row" class:selected=is_selected type="button" data-action="open-receipt"
                data-attempt=attempt_id.to_string() aria-current=move || is_selected().then_some("true")
                on:click=move |_| app.go(Screen::Receipt(attempt_id))>
                <span class="row-main">
                    <bdi class="row-title">{receipt.payee}</bdi>
                    <span class="row-line quiet small">
                        <span>{move || format::date_time(receipt.decided_ms, lang.get())}</span>
                        <bdi>{move || card_label(&label, lang.get())}</bdi>
                    </span>
                </span>
                {amount(app, receipt.amount, AmountSize::Line)}
                {icon::chevron()}
            </button>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_month_share_a_heading() {
        let groups = grouped(vec![11, 12, 21, 13], |number| (number / 10).to_string());
        assert_eq!(groups, [("1".into(), vec![11, 12]), ("2".into(), vec![21]), ("1".into(), vec![13])]);
        assert!(grouped(Vec::<u8>::new(), u8::to_string).is_empty());
    }
}

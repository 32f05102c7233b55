//! Paying with vouchers: what was spent with each, by this wallet's receipts, and what only the bank does.

use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::Amount;
use protocol::ipc::history::{History, HistoryChoices, HistoryQuery, SumView};

use crate::components::amount::{AmountSize, amount};
use crate::components::group::{Row, group};
use crate::components::words::Words;
use crate::i18n::Text;
use crate::signal::RwSignal;
use crate::stage::card_label;
use crate::state::App;

/// What the label of every receipt of a voucher begins with.
const VOUCHER_LABEL: &str = "voucher ";
/// The most vouchers that are listed.
const LISTED_MAX: usize = 24;

/// A voucher by its label, and what was spent with it.
type Spent = (String, Vec<SumView>);

/// The page.
pub fn page(app: App) -> AnyView {
    let spent = RwSignal::new(None::<Vec<Spent>>);
    spawn_local(async move {
        if let Some(listed) = read(app).await {
            spent.try_set(Some(listed));
        }
    });
    let rows = move || match spent.get() {
        None => ().into_any(),
        Some(vouchers) if vouchers.is_empty() => {
            view! { <p class="quiet group-line">{app.t(Text::VoucherPageNone)}</p> }.into_any()
        }
        Some(vouchers) => {
            let rows = vouchers.into_iter().map(|voucher| row(app, voucher)).collect_view();
            view! {
                <ul class="rows" role="list">{rows}</ul>
                <p class="quiet small">{app.t(Text::VoucherPageFrom)}</p>
            }
            .into_any()
        }
    };
    view! {
        <p class="quiet">{app.t(Text::MethodVoucherHelp)}</p>
        {group(app, "spent", Text::VoucherPageSpent, rows)}
        {group(app, "at-the-bank", Text::WayAtBank, view! {
            <p>{app.t(Text::VoucherPageBank)}</p>
            <p class="quiet small">{app.t(Text::VoucherPageKept)}</p>
        })}
    }
    .into_any()
}

/// What the receipts say, a voucher each, those used most first.
async fn read(app: App) -> Option<Vec<Spent>> {
    let labels = app.ask(HistoryChoices {}).await?.methods;
    let mut spent = Vec::new();
    for label in labels.into_iter().filter(|label| label.starts_with(VOUCHER_LABEL)).take(LISTED_MAX) {
        let query = HistoryQuery { method: Some(label.clone()), ..HistoryQuery::default() };
        spent.push((label, app.ask(History { query }).await?.sums));
    }
    Some(spent)
}

fn row(app: App, (label, sums): Spent) -> AnyView {
    // What came back is on the voucher again.
    let paid = sums.iter().map(|sum| {
        let left = Amount::new(sum.paid.minor() - sum.refunded_minor, sum.paid.currency());
        amount(app, left, AmountSize::Line)
    });
    let paid = paid.collect_view();
    Row::new(Words::made(move |lang| card_label(&label, lang))).value(paid).view(app)
}

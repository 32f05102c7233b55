//! One batch of vouchers: what it is, the file for its bank, and what the bank says of it.

use leptos::prelude::*;
use protocol::ipc::vouchers::{
    ComparedView, DIFFERENCES_MAX, DifferenceKind, DifferenceView, ReconciliationView, VoucherBatchView,
};

use super::vouchers::standing;
use crate::components::amount::{AmountSize, amount};
use crate::components::back_button;
use crate::components::button::{Button, actions_row};
use crate::components::file_drop::{Wanted, file_drop};
use crate::components::group::{Row, fact, facts, group, rows};
use crate::components::icon;
use crate::components::message::{Tone, banner};
use crate::components::words::Words;
use crate::format;
use crate::i18n::Text;
use crate::signal::Memo;
use crate::state::App;

/// The screen.
pub fn page(app: App) -> impl IntoView {
    let shown = Memo::new(move |_| app.till.vouchers.shown());
    let title = move || {
        let batch = app.till.vouchers.batch.get().map(|batch| batch.to_string()).unwrap_or_default();
        Text::BatchTitle.filled(app.lang.get(), &[("batch", &batch)])
    };
    view! {
        <header class="page-head page-head-nav">
            {back_button(app)}
            <h1 tabindex="-1" class="nav-title">{title}</h1>
        </header>
        {move || shown.get().map(|view| view! {
            {about(app, &view)}
            {for_bank(app, &view)}
        })}
        {comparison(app, shown)}
    }
}

fn about(app: App, view: &VoucherBatchView) -> AnyView {
    let (count, created_ms, bank) = (view.vouchers as usize, view.created_ms, view.bank_name.clone());
    let lang = app.lang;
    let body = facts(view! {
        {fact(app, Text::BatchTotal, amount(app, view.total, AmountSize::Line))}
        {fact(app, Text::BatchVouchers, move || format::count(count, lang.get()))}
        {fact(app, Text::BatchBank, view! { <bdi>{bank}</bdi> })}
        {fact(app, Text::BatchLarge, amount(app, view.large_from, AmountSize::Line))}
        {fact(app, Text::BatchMade, move || format::full_date_time(created_ms, lang.get()))}
    });
    view! { <section class="group" data-part="batch">{standing(app, view).map(|word| view! { <p class="group-line">{word}</p> })}{body}</section> }
        .into_any()
}

fn for_bank(app: App, view: &VoucherBatchView) -> AnyView {
    let batch = view.batch.clone();
    let body = if view.has_file {
        let save = Button::primary("save-batch", Text::BatchSave)
            .icon(icon::save())
            .off_while(move || app.busy.get())
            .on(app, move || app.save_batch(batch.clone()));
        view! { <p class="quiet group-line">{app.t(Text::BatchForBankBody)}</p>{actions_row(save)} }.into_any()
    } else {
        view! { <p class="quiet group-line">{app.t(Text::BatchHasIt)}</p> }.into_any()
    };
    group(app, "for-bank", Text::BatchForBank, body)
}

/// A place for the bank's file, and what came of it now or the last time.
fn comparison(app: App, shown: Memo<Option<VoucherBatchView>>) -> AnyView {
    let wanted = Wanted {
        action: "choose-bank-file",
        accept: ".csv,text/csv",
        lead: Text::BatchReconcileBody,
        button: Text::BatchReconcileFile,
    };
    let last = Memo::new(move |_| shown.with(|view| view.as_ref().and_then(|view| view.compared)));
    let body = view! {
        <div role="status">
            {move || last.get().map(|last| outcome(app, last))}
            {move || app.till.vouchers.compared.get().map(|told| differences(app, told))}
        </div>
        {file_drop(app, wanted, move |file| app.compare_batch(file))}
        <p class="quiet small" role="status">{move || app.busy.get().then(|| app.t(Text::BatchComparing)())}</p>
    };
    group(app, "compare", Text::BatchReconcile, body)
}

fn outcome(app: App, last: ComparedView) -> AnyView {
    let count = last.differences;
    let body = Words::made(move |lang| match count {
        0 => Text::BatchAgreedBody.filled(lang, &[("time", &format::date_time(last.at_ms, lang))]),
        _ => Text::BatchDifferBody.filled(lang, &[("count", &format::count(count as usize, lang))]),
    });
    let (tone, name, title) = match count {
        0 => (Tone::Good, "batch-agreed", Text::BatchAgreed),
        _ => (Tone::Bad, "batch-differs", Text::BatchDiffer),
    };
    view! {
        {banner(app, tone, name, title, Some(body))}
        {facts(view! {
            {fact(app, Text::BatchSold, amount(app, last.sold, AmountSize::Line))}
            {fact(app, Text::BatchSpent, amount(app, last.spent, AmountSize::Line))}
            {fact(app, Text::BatchLeft, amount(app, last.left, AmountSize::Line))}
        })}
    }
    .into_any()
}

/// Each voucher that differs, and how.
fn differences(app: App, told: ReconciliationView) -> Option<AnyView> {
    let is_cut = told.batch.compared.is_some_and(|last| last.differences as usize > told.differences.len());
    let row = |DifferenceView { number, kind }: DifferenceView| {
        Row::new(Words::Name(number.grouped())).note(kind_text(kind)).view(app)
    };
    (!told.differences.is_empty()).then(|| {
        view! {
            <div data-list="differences">{rows(told.differences.into_iter().map(row).collect_view())}</div>
            {is_cut.then(|| {
                let count = move || format::count(DIFFERENCES_MAX, app.lang.get());
                view! { <p class="quiet small">{move || Text::BatchDifferMore.filled(app.lang.get(), &[("count", &count())])}</p> }
            })}
        }
        .into_any()
    })
}

const fn kind_text(kind: DifferenceKind) -> Text {
    match kind {
        DifferenceKind::NotAtBank => Text::BatchNotAtBank,
        DifferenceKind::NotMade => Text::BatchNotMade,
        DifferenceKind::Amount => Text::BatchAmountDiffers,
        DifferenceKind::DoesNotAddUp => Text::BatchNoSum,
    }
}

//! The merchant's vouchers: its batches, and whether a voucher that somebody shows is one of them.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use payment::VoucherNumber;
use protocol::ipc::means::TypedSecret;
use protocol::ipc::vouchers::{VoucherBatchView, VoucherCheckView};

use super::parts::{fetched, head};
use crate::browser;
use crate::components::amount::{AmountSize, amount};
use crate::components::button::{Button, actions_row};
use crate::components::field::{Field, FieldKind};
use crate::components::form::form_of;
use crate::components::group::{group, rows};
use crate::components::message::{Tone, badge, banner};
use crate::components::words::Words;
use crate::components::{empty_state, icon};
use crate::format;
use crate::i18n::Text;
use crate::merchant::place::SellScreen;
use crate::pages::voucher::{CODE_CHARS_MAX, NUMBER_CHARS_MAX, code_text, number_text};
use crate::signal::RwSignal;
use crate::state::App;

/// The screen.
pub fn page(app: App) -> impl IntoView {
    app.till.vouchers.checked.set(None);
    view! {
        {head(app, Text::VouchersTitle)}
        <p class="quiet page-lead">{app.t(Text::VouchersLead)}</p>
        {actions_row(Button::primary("new-batch", Text::VouchersMake).icon(icon::plus())
            .on(app, move || app.sell(SellScreen::NewBatch)))}
        {fetched(app, app.till.vouchers.batches, Text::VouchersLoading, App::read_batches, move |all| list(app, all))}
        {checking(app)}
    }
}

fn list(app: App, all: Vec<VoucherBatchView>) -> impl IntoView {
    if all.is_empty() {
        return empty_state(app, Text::VouchersNoneTitle, Text::VouchersNoneBody).into_any();
    }
    let list = rows(all.into_iter().map(|batch| row(app, &batch)).collect_view());
    group(app, "batches", Text::VouchersBatches, list)
}

fn row(app: App, view: &VoucherBatchView) -> AnyView {
    let (batch, count, created_ms) = (view.batch.clone(), view.vouchers as usize, view.created_ms);
    let note = Words::made(move |lang| {
        let (count, time) = (format::count(count, lang), format::date_time(created_ms, lang));
        Text::VouchersCount.filled(lang, &[("count", &count), ("time", &time)])
    });
    let bank = view.bank_name.clone();
    view! {
        <li>
            <button class="row" type="button" data-action="open-batch" data-batch=view.batch.to_string()
                on:click=move |_| app.open_batch(batch.clone())>
                <span class="row-main">
                    <span class="row-title"><bdi dir="ltr">{view.batch.to_string()}</bdi>" · "<bdi>{bank}</bdi></span>
                    <span class="quiet small">{app.say(note)}</span>
                    {standing(app, view)}
                </span>
                <span class="row-value">{amount(app, view.total, AmountSize::Line)}</span>
                {icon::chevron()}
            </button>
        </li>
    }
    .into_any()
}

/// Where a batch stands between the two sides, in a word.
pub(super) fn standing(app: App, view: &VoucherBatchView) -> Option<AnyView> {
    match view.compared {
        Some(compared) if compared.differences == 0 => Some(badge(app, Tone::Good, Text::VouchersAgreed)),
        Some(compared) => Some(badge(app, Tone::Bad, exceptions(compared.differences))),
        None if view.has_file => Some(badge(app, Tone::Wait, Text::VouchersUnsaved)),
        None => None,
    }
}

fn exceptions(count: u32) -> Words {
    Words::made(move |lang| match count {
        1 => Text::VouchersDifferOne.in_language(lang).to_owned(),
        _ => Text::VouchersDiffer.filled(lang, &[("count", &format::count(count as usize, lang))]),
    })
}

/// Number and code of a voucher that somebody shows, and what is known of it.
fn checking(app: App) -> AnyView {
    let (number, code) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (number_problem, code_problem) = (RwSignal::new(None::<Text>), RwSignal::new(None::<Text>));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let parsed = number.with_untracked(|text| text.trim().parse::<VoucherNumber>());
        number_problem.set(parsed.as_ref().err().copied().map(number_text));
        let Ok(parsed) = parsed else { return browser::focus("#check-number") };
        let slip = code.with_untracked(|text| code_text(&parsed, text.trim()));
        code_problem.set(slip);
        if slip.is_some() {
            return browser::focus("#check-code");
        }
        // The field is empty from here on; what it held is wiped with the command.
        let typed = TypedSecret::new(code.try_update(std::mem::take).unwrap_or_default());
        app.check_voucher(parsed.as_str().to_owned(), typed);
    };
    let number_field = Field::new("check-number", FieldKind::Digits, Text::VoucherNumber)
        .hint(Text::VoucherNumberHint)
        .chars_max(NUMBER_CHARS_MAX)
        .problem(move || number_problem.get());
    let code_field = Field::new("check-code", FieldKind::SecretDigits, Text::VoucherCode)
        .chars_max(CODE_CHARS_MAX)
        .problem(move || code_problem.get());
    let body = view! {
        <p class="quiet group-line">{app.t(Text::VouchersCheckLead)}</p>
        {form_of("group-form", view! {
            {number_field.view(app, number)}
            {code_field.view(app, code)}
            {actions_row(Button::plain("check-voucher", Text::VouchersCheckDo).off_while(move || app.busy.get()).submit(app))}
        }, submit)}
        <div role="status">{move || app.till.vouchers.checked.get().map(|found| verdict(app, found))}</div>
    };
    group(app, "check", Text::VouchersCheck, body)
}

fn verdict(app: App, found: VoucherCheckView) -> AnyView {
    match found {
        VoucherCheckView::Made { batch, amount } => {
            let title = Words::made(move |lang| {
                Text::VouchersCheckMade.filled(lang, &[("amount", &format::amount_text(amount, lang))])
            });
            let body = Words::Filled(Text::VouchersCheckMadeBody, "batch", batch.to_string());
            banner(app, Tone::Good, "voucher-made", title, Some(body))
        }
        VoucherCheckView::NotMade => banner(
            app,
            Tone::Bad,
            "voucher-not-made",
            Text::VouchersCheckNone,
            Some(Text::VouchersCheckNoneBody.into()),
        ),
        VoucherCheckView::CannotTell => banner(
            app,
            Tone::Wait,
            "voucher-unknown",
            Text::VouchersCheckBlind,
            Some(Text::VouchersCheckBlindBody.into()),
        ),
    }
}

//! Paying on the phone bill: the lines, a purchase looked up by its confirmation number, and proofs.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::ConfirmationNumber;
use protocol::ipc::carrier::{BillFind, BillForget, PhoneBillView, PhoneBills};

use crate::components::button::{Button, actions_row};
use crate::components::dialog::{Dialog, Question, question};
use crate::components::field::{Field, FieldKind};
use crate::components::form::form_of;
use crate::components::group::{disclosure, fingerprint, group};
use crate::components::icon;
use crate::components::words::Words;
use crate::format;
use crate::i18n::Text;
use crate::place::Screen;
use crate::signal::RwSignal;
use crate::state::App;

/// How many letters and digits a confirmation number has.
const CONFIRMATION_CHARS: usize = 6;
/// The longest text of one, with something between its characters.
const CONFIRMATION_CHARS_MAX: u16 = 16;

type Lines = RwSignal<Option<Vec<PhoneBillView>>>;

/// The page.
pub fn page(app: App) -> AnyView {
    let lines: Lines = RwSignal::new(None);
    spawn_local(async move {
        if let Some(bills) = app.ask(PhoneBills {}).await {
            lines.try_set(Some(bills));
        }
    });
    let rows = move || match lines.get() {
        None => ().into_any(),
        Some(bills) if bills.is_empty() => {
            view! { <p class="quiet group-line">{app.t(Text::BillLinesNone)}</p> }.into_any()
        }
        Some(bills) => {
            let rows = bills.into_iter().map(|bill| line(app, lines, bill)).collect_view();
            view! { <ul class="rows" role="list">{rows}</ul> }.into_any()
        }
    };
    let set_up =
        Button::plain("set-up-bill", Text::MethodCarrierSetUp).on(app, move || app.go(Screen::BillEnrol(None)));
    view! {
        <p class="quiet">{app.t(Text::MethodCarrierHelp)}</p>
        {group(app, "lines", Text::BillLines, view! { {rows}{actions_row(set_up)} })}
        {group(app, "find", Text::BillFind, find(app))}
        {group(app, "proofs", Text::BillProofs, view! {
            <p class="quiet small">{app.t(Text::BillProofsBody)}</p>
            {actions_row(Button::plain("check-proof", Text::BillProofsDo).on(app, move || app.go(Screen::Verify)))}
        })}
    }
    .into_any()
}

fn line(app: App, lines: Lines, bill: PhoneBillView) -> AnyView {
    let PhoneBillView { operator, operator_name, number, since_ms, until_ms, key, .. } = bill;
    let dialog = Dialog::new();
    let asked = Question {
        action: "confirm-remove-bill",
        title: Words::Filled(Text::BillRemoveTitle, "number", number.clone()),
        body: Text::BillRemoveBody.into(),
        confirm: Text::BillRemove.into(),
    };
    let label = app.fill(Text::BillRemoveLabel, "number", number.clone());
    let (listed, shown) = (number.clone(), number.clone());
    let remove = move || {
        let (operator, number) = (operator.clone(), number.clone());
        app.while_busy(async move {
            if let Some(bills) = app.ask(BillForget { operator, number }).await {
                lines.try_set(Some(bills));
                app.read_methods().await;
                app.toasts.say(Text::BillRemoved);
            }
        });
    };
    let dated = move |text: Text, at_ms: u64| {
        text.filled(app.lang.get(), &[("date", &format::full_date_time(at_ms, app.lang.get()))])
    };
    let until = move || if app.now_ms.get() < until_ms { Text::BillUntil } else { Text::BillOver };
    view! {
        <li class="row row-tall" data-number=listed>
            {icon::device()}
            <span class="row-main">
                <span class="row-title"><bdi>{operator_name}</bdi>" "<bdi dir="ltr">{shown}</bdi></span>
                <span class="facts-line quiet small">
                    <span>{move || dated(Text::BillSince, since_ms)}</span>
                    <span>{move || dated(until(), until_ms)}</span>
                </span>
                {disclosure(app, "bill-key", Text::BillKeyPrint, fingerprint(move || key.clone()))}
                {actions_row(view! {
                    <button class="text-button" type="button" data-action="remove-bill" aria-label=label
                        disabled=move || app.busy.get() on:click=move |_| dialog.open()>{app.t(Text::BillRemove)}</button>
                })}
            </span>
            {question(app, dialog, asked, remove)}
        </li>
    }
    .into_any()
}

/// A purchase by its confirmation number: a slip is told as soon as it can be known.
fn find(app: App) -> AnyView {
    let (typed, is_unknown) = (RwSignal::new(String::new()), RwSignal::new(false));
    let is_number = move || typed.with(|text| text.parse::<ConfirmationNumber>().is_ok());
    let is_whole =
        move || typed.with(|text| text.chars().filter(char::is_ascii_alphanumeric).count() >= CONFIRMATION_CHARS);
    let field = Field::new("confirmation", FieldKind::Text, Text::BillConfirmationName)
        .hint(Text::BillFindHint)
        .chars_max(CONFIRMATION_CHARS_MAX)
        .problem(move || (is_whole() && !is_number()).then_some(Text::BillFindSlip));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let confirmation = typed.get_untracked();
        is_unknown.set(false);
        app.while_busy(async move {
            match app.ask(BillFind { confirmation }).await {
                Some(Some(attempt_id)) => app.go(Screen::Receipt(attempt_id)),
                Some(None) => drop(is_unknown.try_set(true)),
                None => {}
            }
        });
    };
    view! {
        <p class="quiet small">{app.t(Text::BillFindBody)}</p>
        {form_of("group-form", view! {
            {field.view(app, typed)}
            {actions_row(Button::plain("find-purchase", Text::BillFindDo).off_while(move || !is_number() || app.busy.get()).submit(app))}
            <p role="status" data-part="find-none">{move || is_unknown.get().then(|| app.t(Text::BillFindNone)())}</p>
        }, submit)}
    }
    .into_any()
}

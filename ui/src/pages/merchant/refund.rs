//! Giving money back: all that is left, or a part of it, and never more.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use payment::{Amount, RequestId};

use crate::components::amount::{AmountSize, amount};
use crate::components::button::Button;
use crate::components::dialog::Dialog;
use crate::components::field::{Field, FieldKind};
use crate::components::words::Words;
use crate::format;
use crate::i18n::Text;
use crate::merchant::money_text::amount_of;
use crate::signal::RwSignal;
use crate::state::App;

/// The longest reason, in characters.
const REASON_CHARS_MAX: u16 = 140;

/// The longest amount, in characters.
const AMOUNT_CHARS_MAX: u16 = 16;

/// What is to be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Portion {
    All,
    Part,
}

/// The sheet while it is filled in.
#[derive(Clone, Copy)]
struct Sheet {
    app: App,
    request_id: RequestId,
    /// What can still be given back.
    left: Amount,
    portion: RwSignal<Portion>,
    typed: RwSignal<String>,
    reason: RwSignal<String>,
    dialog: Dialog,
}

impl Sheet {
    /// What would be given back; none while that is no amount, or more than is left.
    fn amount(self) -> Option<Amount> {
        match self.portion.get() {
            Portion::All => Some(self.left),
            Portion::Part => self.typed.with(|typed| part_of(typed, self.left)),
        }
    }

    fn submit(self) {
        if let Some(amount) = untrack(|| self.amount()) {
            let reason = self.reason.get_untracked().trim().to_owned();
            // What becomes of it is shown on the screen behind the sheet.
            self.dialog.close();
            self.app.refund(self.request_id, amount, reason);
        }
    }
}

/// The part a text names, if it is one.
fn part_of(typed: &str, left: Amount) -> Option<Amount> {
    amount_of(typed, left.currency()).filter(|part| part.minor() <= left.minor())
}

/// The button, and the sheet it opens.
pub fn button(app: App, request_id: RequestId, left: Amount) -> impl IntoView {
    let sheet = Sheet {
        app,
        request_id,
        left,
        portion: RwSignal::new(Portion::All),
        typed: RwSignal::new(String::new()),
        reason: RwSignal::new(String::new()),
        dialog: Dialog::new(),
    };
    view! {
        <button class="button" type="button" data-action="refund" disabled=move || app.busy.get() || !app.online.get()
            on:click=move |_| sheet.dialog.open()>{app.t(Text::RefundOpen)}</button>
        {form(sheet)}
    }
}

fn form(sheet: Sheet) -> AnyView {
    let app = sheet.app;
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        sheet.submit();
    };
    let is_part = move || sheet.portion.get() == Portion::Part;
    let confirm = Words::made(move |lang| match sheet.amount() {
        Some(amount) => Text::RefundConfirm.filled(lang, &[("amount", &format::amount_text(amount, lang))]),
        None => Text::RefundOpen.in_language(lang).to_owned(),
    });
    let is_too_much = move || is_part() && !sheet.typed.with(|it| it.trim().is_empty()) && sheet.amount().is_none();
    let label = Words::Filled(Text::RefundAmount, "currency", sheet.left.currency().code().to_owned());
    let body = view! {
        <form on:submit=submit novalidate>
            <p class="quiet">{app.t(Text::RefundBody)}</p>
            <div class="choices">
                {portion(sheet, Portion::All, "all", Text::RefundAll)}
                {portion(sheet, Portion::Part, "part", Text::RefundPart)}
            </div>
            <div hidden=move || !is_part()>
                {Field::new("refund-amount", FieldKind::Decimal, label)
                    .chars_max(AMOUNT_CHARS_MAX)
                    .problem(move || is_too_much().then_some(Text::RefundTooMuch))
                    .view(app, sheet.typed)}
            </div>
            {Field::new("refund-reason", FieldKind::Text, Text::RefundReason)
                .chars_max(REASON_CHARS_MAX)
                .view(app, sheet.reason)}
            <div class="actions-row">
                {Button::plain("cancel", Text::ActionCancel).on(app, move || sheet.dialog.close())}
                {Button::primary("confirm-refund", confirm)
                    .off_while(move || app.busy.get() || sheet.amount().is_none())
                    .submit(app)}
            </div>
        </form>
    };
    sheet.dialog.view(app, "refund", Text::RefundTitle, body)
}

fn portion(sheet: Sheet, of: Portion, value: &'static str, text: Text) -> impl IntoView {
    let app = sheet.app;
    let left = (of == Portion::All).then(|| amount(app, sheet.left, AmountSize::Line));
    view! {
        <label class="option">
            <input type="radio" name="portion" value=value data-setting=format!("refund.{value}")
                prop:checked=move || sheet.portion.get() == of on:change=move |_| sheet.portion.set(of)/>
            <span class="option-words">{app.t(text)}</span>
            {left}
        </label>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(typed: &str, left_minor: i64) -> Option<i64> {
        part_of(typed, Amount::new(left_minor, "USD".parse().unwrap())).map(Amount::minor)
    }

    #[test]
    fn never_more_than_is_left() {
        assert_eq!(part("5", 1280), Some(500));
        assert_eq!(part("12.80", 1280), Some(1280));
        assert_eq!(part("12.81", 1280), None);
        assert_eq!(part("0", 1280), None);
        assert_eq!(part("", 1280), None);
        assert_eq!(part("1", 0), None);
    }
}

//! What is pressed and what is typed.

use leptos::prelude::*;

use super::state;
use crate::components::button::{Button, ButtonKind, actions, actions_bottom, actions_row, copy_button, icon_button};
use crate::components::dialog::{Dialog, Question, question};
use crate::components::field::{Field, FieldKind, search_field, text_area};
use crate::components::icon;
use crate::components::menu::{MenuItem, menu};
use crate::components::tabs::{Tab, tab_panel, tabs};
use crate::components::words::Words;
use crate::i18n::Text;
use crate::signal::RwSignal;
use crate::state::App;

/// Every kind, with and without an icon, on and off.
pub fn buttons(app: App) -> AnyView {
    let main = Button::main("pay", Text::WorkbenchPay).icon(icon::card()).on(app, || ());
    let off = Button::main("pay", Text::WorkbenchPay).off_while(|| true).on(app, || ());
    let row = actions_row(view! {
        {Button::plain("later", Text::WorkbenchLater).on(app, || ())}
        {Button::plain("refuse", Text::WorkbenchRefuse).off_while(|| true).on(app, || ())}
    });
    let form = view! {
        <form on:submit=move |event| event.prevent_default()>
            {actions_row(view! {
                {Button::primary("save", Text::WorkbenchSave).submit(app)}
                {Button::danger("block", Text::WorkbenchBlock).on(app, || ())}
            })}
        </form>
    };
    view! {
        {state("actions_bottom", actions_bottom(view! {
            {main}{row}{Button::new(ButtonKind::Text, "block", Text::WorkbenchBlock).on(app, || ())}
        }))}
        {state("off_while", actions(off))}
        {state("submit", form)}
        {state("text", Button::text("report", Text::WorkbenchReport).on(app, || ()))}
    }
    .into_any()
}

/// Buttons that are only an icon.
pub fn icon_buttons(app: App) -> AnyView {
    view! {
        {icon_button(app, "back", Text::ActionBack, icon::back(), || ())}
        {icon_button(app, "close", Text::ActionClose, icon::cross(), || ())}
    }
    .into_any()
}

/// What puts a text on the clipboard.
pub fn copy_buttons(app: App) -> AnyView {
    copy_button(app, ButtonKind::Plain, "copy", Text::WorkbenchFingerprint, || "9F2A 41C0".to_owned())
}

/// A menu of lesser actions.
pub fn menus(app: App) -> AnyView {
    let items = vec![
        MenuItem::new("save", Text::WorkbenchSave, || ()).icon(icon::save()),
        MenuItem::new("share", Text::WorkbenchShare, || ()).icon(icon::share()),
        MenuItem::new("block", Text::WorkbenchBlock, || ()).icon(icon::bin()).danger(),
    ];
    view! { <div class="workbench-end">{menu(app, "more", Text::WorkbenchMore, items)}</div> }.into_any()
}

/// A question and a sheet.
pub fn dialogs(app: App) -> AnyView {
    let (ask, sheet) = (Dialog::new(), Dialog::new());
    let asked = Question {
        action: "confirm-block",
        title: Text::WorkbenchQuestion.into(),
        body: Text::WorkbenchQuestionBody.into(),
        confirm: Text::WorkbenchBlock.into(),
    };
    view! {
        {actions_row(view! {
            {Button::plain("open-question", Text::WorkbenchBlock).on(app, move || ask.open())}
            {Button::plain("open-sheet", Text::WorkbenchShare).on(app, move || sheet.open())}
        })}
        {question(app, ask, asked, || ())}
        {sheet.sheet(app, "share", Text::WorkbenchShare, actions(view! {
            {Button::primary("save", Text::WorkbenchSave).on(app, move || sheet.close())}
            {Button::plain("cancel", Text::ActionCancel).on(app, move || sheet.close())}
        }))}
    }
    .into_any()
}

/// Tabs and what they show.
pub fn tab_rows(app: App) -> AnyView {
    let chosen = RwSignal::new("code");
    let all = vec![Tab::new("code", Text::WorkbenchTabCode), Tab::new("number", Text::WorkbenchTabNumber)];
    let body = move |value: &'static str| {
        let text = if value == "code" { Text::WorkbenchTabCodeBody } else { Text::WorkbenchTabNumberBody };
        view! { <p>{app.t(text)}</p> }.into_any()
    };
    view! { {tabs(app, "kind", Text::WorkbenchMore, all, chosen)}{tab_panel("kind", chosen, body)} }.into_any()
}

/// Every kind of field, with a hint, with a problem.
pub fn fields(app: App) -> AnyView {
    let value = |text: &str| RwSignal::new(text.to_owned());
    let name = Field::new("name", FieldKind::Text, Text::WorkbenchName).hint(Text::WorkbenchNameHint);
    let mail = Field::new("mail", FieldKind::Email, Text::WorkbenchMail)
        .hint(Text::WorkbenchNameHint)
        .icon(icon::person())
        .problem(|| Some(Text::WorkbenchMailBad));
    let amount = Field::new("amount", FieldKind::Decimal, Text::WorkbenchAmount)
        .example(Words::Name("50.00".to_owned()))
        .chars_max(16);
    view! {
        <div class="workbench-stack">
            {name.view(app, value("Ada Lovelace"))}
            {mail.view(app, value("ada.example.org"))}
            {Field::new("secret", FieldKind::Secret, Text::WorkbenchSecret).view(app, value("correct horse"))}
            {amount.view(app, value(""))}
            {Field::new("new-secret", FieldKind::NewSecret, Text::WorkbenchSecret).view(app, value(""))}
            {Field::new("phone", FieldKind::Phone, Text::WorkbenchName).view(app, value("+86 138 0013 8000"))}
            {Field::new("link", FieldKind::Link, Text::WorkbenchShare).icon(icon::link()).view(app, value("tapseal://r/4K7"))}
            {Field::new("code", FieldKind::Code, Text::WorkbenchCode).view(app, value("4821 77"))}
            {Field::new("digits", FieldKind::Digits, Text::VoucherNumber).view(app, value("4200 0112 3456 7890"))}
            {Field::new("secret-digits", FieldKind::SecretDigits, Text::VoucherCode).view(app, value("2718281828"))}
            {text_area(app, "receipt", Text::WorkbenchArea, 3, value(""))}
        </div>
    }
    .into_any()
}

/// A field to search by, empty and not.
pub fn search(app: App) -> AnyView {
    view! {
        <div class="workbench-stack">
            {search_field(app, "search-empty", Text::WorkbenchSearch, RwSignal::new(String::new()))}
            {search_field(app, "search", Text::WorkbenchName, RwSignal::new("蓝门".to_owned()))}
        </div>
    }
    .into_any()
}

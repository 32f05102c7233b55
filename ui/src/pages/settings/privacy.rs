//! What is kept where and who knows what, in plain words; and what can be taken away or forgotten.

use leptos::prelude::*;
use protocol::ipc::keep::{ClearEnded, ExportAll};

use crate::components::button::{Button, actions_row};
use crate::components::dialog::{Dialog, Question, question};
use crate::components::group::group;
use crate::components::words::Words;
use crate::i18n::Text;
use crate::signal::RwSignal;
use crate::state::App;

/// The page.
pub fn page(app: App) -> AnyView {
    let paragraphs =
        |texts: &[Text]| texts.iter().map(|text| view! { <p class="group-line">{app.t(*text)}</p> }).collect_view();
    view! {
        {group(app, "kept-here", Text::PrivacyHere, paragraphs(&[Text::PrivacyHereKept, Text::PrivacyHereNever]))}
        {group(app, "kept-server", Text::PrivacyServer, paragraphs(&[Text::PrivacyServerKnows, Text::PrivacyServerNever]))}
        {group(app, "kept-others", Text::PrivacyOthers, paragraphs(&[Text::PrivacyMerchant, Text::PrivacyBank, Text::PrivacyNobody]))}
        {clearing(app)}
        {exporting(app)}
    }
    .into_any()
}

fn clearing(app: App) -> AnyView {
    let dialog = Dialog::new();
    let done = RwSignal::new(false);
    let asked = Question {
        action: "confirm-clear-ended",
        title: Text::PrivacyClearTitle.into(),
        body: Text::PrivacyClearBody.into(),
        confirm: Text::PrivacyClear.into(),
    };
    let clear = move || {
        app.while_busy(async move {
            if let Some(inbox) = app.ask(ClearEnded {}).await {
                app.set_inbox(inbox);
                done.try_set(true);
            }
        });
    };
    let body = view! {
        <p class="quiet group-line">{app.t(Text::PrivacyClearHelp)}</p>
        {actions_row(Button::plain("clear-ended", Text::PrivacyClear).off_while(move || app.busy.get())
            .on(app, move || dialog.open()))}
        <p class="good" role="status">{move || done.get().then(|| app.t(Text::PrivacyCleared)())}</p>
        {question(app, dialog, asked, clear)}
    };
    group(app, "clear", Text::PrivacyClearHead, body)
}

fn exporting(app: App) -> AnyView {
    let written = RwSignal::new(None::<String>);
    let export = move || {
        app.while_busy(async move {
            if let Some(Some(exported)) = app.ask(ExportAll { path: None }).await {
                written.try_set(Some(exported.path));
            }
        });
    };
    let note = move || written.get().map(|path| app.say(Words::Filled(Text::PrivacyExported, "path", path)));
    let body = view! {
        <p class="quiet group-line">{app.t(Text::PrivacyExportHelp)}</p>
        {actions_row(Button::plain("export-all", Text::PrivacyExport).off_while(move || app.busy.get()).on(app, export))}
        <p class="good wrap-anywhere" role="status">{note}</p>
    };
    group(app, "export", Text::PrivacyExportHead, body)
}

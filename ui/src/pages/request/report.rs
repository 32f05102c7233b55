//! Reporting a request as fraud: why, in the payer's words if they like, and the sender is blocked with it.

use leptos::prelude::*;
use payment::RequestId;
use protocol::wallet_api::{REPORT_NOTE_CHARS_MAX, ReportReason};

use crate::components::button::Button;
use crate::components::choice::{Choice, radio_list};
use crate::components::dialog::Dialog;
use crate::components::field::{Field, FieldKind};
use crate::components::words::Words;
use crate::i18n::Text;
use crate::signal::RwSignal;
use crate::state::App;

const fn words(reason: ReportReason) -> Text {
    match reason {
        ReportReason::NotExpected => Text::ReportNotExpected,
        ReportReason::Impersonation => Text::ReportImpersonation,
        ReportReason::Misleading => Text::ReportMisleading,
        ReportReason::Other => Text::ReportOther,
    }
}

/// The button, and the dialog it opens.
pub fn report_dialog(app: App, request_id: RequestId, payee: String) -> AnyView {
    let dialog = Dialog::new();
    let reason = RwSignal::new(ReportReason::NotExpected);
    let note = RwSignal::new(String::new());
    let chars_max = u16::try_from(REPORT_NOTE_CHARS_MAX).unwrap_or(u16::MAX);
    let send = move || {
        dialog.close();
        let note = Some(note.get_untracked().trim().to_owned()).filter(|note| !note.is_empty());
        app.report(request_id, reason.get_untracked(), note);
    };
    let choices = ReportReason::ALL.map(|it| Choice::new(it.name(), words(it)));
    let choose = move |name| {
        if let Some(chosen) = ReportReason::ALL.into_iter().find(|it| it.name() == name) {
            reason.set(chosen);
        }
    };
    let body = view! {
        <p class="quiet">{app.t(Text::ReportBody)}</p>
        {radio_list(app, "report", Text::ReportReason, choices.into(), move || reason.get().name(), choose)}
        {Field::new("report-note", FieldKind::Text, Text::ReportNote).chars_max(chars_max).view(app, note)}
        <div class="actions-row">
            {Button::plain("cancel-report", Text::ActionCancel).on(app, move || dialog.close())}
            {Button::danger("confirm-report", Text::ReportSend).on(app, send)}
        </div>
    };
    view! {
        {Button::text("report", Text::ReportOpen).on(app, move || dialog.open())}
        {dialog.view(app, "report", Words::Filled(Text::ReportTitle, "payee", payee), body)}
    }
    .into_any()
}

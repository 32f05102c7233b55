//! Reporting a request as fraud: why, in the payer's words if they like, and the sender is blocked with it.

use leptos::html::Dialog;
use leptos::prelude::*;
use payment::RequestId;
use protocol::wallet_api::{REPORT_NOTE_CHARS_MAX, ReportReason};

use crate::i18n::Text;
use crate::state::App;

const fn words(reason: ReportReason) -> Text {
    match reason {
        ReportReason::NotExpected => Text::ReportNotExpected,
        ReportReason::Impersonation => Text::ReportImpersonation,
        ReportReason::Misleading => Text::ReportMisleading,
        ReportReason::Other => Text::ReportOther,
    }
}

/// The button, and the sheet it opens.
pub fn report_dialog(app: App, request_id: RequestId, payee: String) -> impl IntoView {
    let dialog = NodeRef::<Dialog>::new();
    let reason = RwSignal::new(ReportReason::NotExpected);
    let note = RwSignal::new(String::new());
    let open = move |_| {
        if let Some(dialog) = dialog.get_untracked() {
            // A dialog that is open already stays open.
            let _ = dialog.show_modal();
        }
    };
    let close = move || {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    let send = move |_| {
        close();
        let note = Some(note.get_untracked().trim().to_owned()).filter(|note| !note.is_empty());
        app.report(request_id, reason.get_untracked(), note);
    };
    let options = ReportReason::ALL.map(|it| {
        view! {
            <label class="option">
                <input type="radio" name="report-reason" value=it.name() data-setting=format!("report.{}", it.name())
                    prop:checked=move || reason.get() == it on:change=move |_| reason.set(it)/>
                <span class="option-words"><span>{app.t(words(it))}</span></span>
            </label>
        }
    });
    view! {
        <button class="text-button" type="button" data-action="report" on:click=open>{app.t(Text::ReportOpen)}</button>
        <dialog class="dialog" node_ref=dialog aria-labelledby="report-title" data-part="report">
            <h2 id="report-title">{app.fill(Text::ReportTitle, "payee", payee)}</h2>
            <p class="quiet">{app.t(Text::ReportBody)}</p>
            <fieldset class="group"><legend>{app.t(Text::ReportReason)}</legend>{Vec::from(options)}</fieldset>
            <div class="group-form">
                <label for="report-note">{app.t(Text::ReportNote)}</label>
                <span class="field"><input id="report-note" data-field="report-note" type="text" autocomplete="off"
                    maxlength=REPORT_NOTE_CHARS_MAX.to_string() bind:value=note/></span>
            </div>
            <div class="actions-row">
                <button class="button" type="button" data-action="cancel-report" on:click=move |_| close()>
                    {app.t(Text::ActionCancel)}
                </button>
                <button class="button button-danger" type="button" data-action="confirm-report" on:click=send>
                    {app.t(Text::ReportSend)}
                </button>
            </div>
        </dialog>
    }
}

//! Checks anybody's receipt: a file, a document with a receipt inside, a picture of a code, or a text. Nothing of it
//! leaves this device, and no account is needed.

mod answer;

use leptos::ev::{DragEvent, Event};
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::error::Problem;
use protocol::ipc::history::{CheckReceipt, CheckedView, GivenReceipt};
use wasm_bindgen::JsCast as _;
use web_sys::{ClipboardEvent, File, HtmlInputElement};

use crate::browser;
use crate::components::button::Button;
use crate::components::{back_button, icon};
use crate::i18n::Text;
use crate::ipc::invoke;
use crate::signal::RwSignal;
use crate::state::App;

/// The largest file that is looked at, in bytes: what the wallet takes.
const FILE_BYTES_MAX: f64 = 8.0 * 1024.0 * 1024.0;
/// The longest pasted text, in UTF-16 code units: a receipt holds an order, a keyset and two signatures.
const TEXT_CHARS_MAX: &str = "200000";
/// What can be chosen.
const FILES: &str = ".json,.pdf,application/json,application/pdf,image/png,image/jpeg,image/webp";

/// What has been given to check, and what came of it.
#[derive(Clone, Copy)]
struct Check {
    app: App,
    text: RwSignal<String>,
    complaint: RwSignal<Option<Text>>,
    is_checking: RwSignal<bool>,
    verdict: RwSignal<Option<Result<CheckedView, Problem>>>,
}

impl Check {
    fn run(self, given: GivenReceipt) {
        if self.is_checking.get_untracked() {
            return;
        }
        self.complaint.set(None);
        self.is_checking.set(true);
        spawn_local(async move {
            let verdict = invoke(CheckReceipt { given }).await;
            let said = answer::headline(&verdict).in_language(self.app.lang.get_untracked());
            self.app.assertive.set(said.to_owned());
            self.is_checking.try_set(false);
            self.verdict.try_set(Some(verdict));
        });
    }

    fn run_text(self) {
        let text = self.text.get_untracked();
        if !text.trim().is_empty() {
            self.run(GivenReceipt::Text { text });
        }
    }

    fn take_file(self, file: Option<File>) {
        let Some(file) = file else { return };
        if file.size() > FILE_BYTES_MAX {
            return self.complaint.set(Some(Text::VerifyTooBig));
        }
        spawn_local(async move {
            match browser::base64_of(&file).await {
                Ok(data) => self.run(GivenReceipt::File { data }),
                Err(_) => drop(self.complaint.try_set(Some(Text::VerifyUnreadable))),
            }
        });
    }

    fn start_over(self) {
        self.text.set(String::new());
        self.verdict.set(None);
    }
}

/// The screen.
pub fn page(app: App) -> impl IntoView {
    let check = Check {
        app,
        text: RwSignal::new(String::new()),
        complaint: RwSignal::new(None),
        is_checking: RwSignal::new(false),
        verdict: RwSignal::new(None),
    };
    // A picture or a file on the clipboard can be pasted anywhere on the screen.
    let listener = window_event_listener(leptos::ev::paste, move |event: ClipboardEvent| {
        check.take_file(event.clipboard_data().and_then(|data| data.files()).and_then(|files| files.get(0)));
    });
    on_cleanup(move || listener.remove());
    view! {
        <header class="page-head page-head-nav">{back_button(app)}<h1 class="nav-title" tabindex="-1">{app.t(Text::VerifyTitle)}</h1></header>
        {move || match check.verdict.get() {
            None => form(check).into_any(),
            Some(verdict) => view! {
                {answer::answer(app, verdict)}
                <div class="actions">
                    {Button::plain("check-another", Text::VerifyAnother).on(app, move || check.start_over())}
                </div>
            }.into_any(),
        }}
    }
}

fn form(check: Check) -> impl IntoView {
    let app = check.app;
    let is_over = RwSignal::new(false);
    let drag_over = move |event: DragEvent| {
        event.prevent_default();
        is_over.set(true);
    };
    let drop_file = move |event: DragEvent| {
        event.prevent_default();
        is_over.set(false);
        check.take_file(event.data_transfer().and_then(|data| data.files()).and_then(|files| files.get(0)));
    };
    let chosen = move |event: Event| {
        let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
        check.take_file(input.and_then(|input| input.files()).and_then(|files| files.get(0)));
    };
    view! {
        <div class="drop" class:drop-over=move || is_over.get() on:dragover=drag_over
            on:dragleave=move |_| is_over.set(false) on:drop=drop_file>
            {icon::file()}
            <p>{app.t(Text::VerifyBody)}</p>
            <label class="button file-button">
                <span>{app.t(Text::VerifyFile)}</span>
                <input class="unseen" type="file" accept=FILES data-action="choose-file" on:change=chosen/>
            </label>
            <p role="status">{move || check.is_checking.get().then(|| app.t(Text::VerifyChecking)())}</p>
            {move || check.complaint.get().map(|text| view! { <p class="field-bad" role="alert">{app.t(text)}</p> })}
        </div>
        <label class="area-label">
            <span class="quiet small">{app.t(Text::VerifyPaste)}</span>
            <textarea rows="5" maxlength=TEXT_CHARS_MAX spellcheck="false" dir="ltr" data-field="receipt" bind:value=check.text></textarea>
        </label>
        <div class="actions">
            {Button::primary("check-receipt", Text::VerifyCheck)
                .off_while(move || check.is_checking.get() || check.text.with(|text| text.trim().is_empty()))
                .on(app, move || check.run_text())}
        </div>
    }
}

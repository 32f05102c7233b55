//! Checks anybody's receipt: from a file or from its text.

use leptos::ev::{DragEvent, Event};
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::error::Problem;
use protocol::ipc::{ReceiptView, VerifyReceipt};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_futures::JsFuture;
use web_sys::{File, HtmlInputElement};

use crate::components::receipt_sheet::receipt_sheet;
use crate::components::{back_button, icon};
use crate::i18n::Text;
use crate::ipc::invoke;
use crate::state::App;

/// The largest file that is looked at, in bytes: a receipt holds an order, a keyset and two signatures.
const RECEIPT_BYTES_MAX: f64 = 64.0 * 1024.0;
/// The same bound on pasted text, in UTF-16 code units.
const RECEIPT_CHARS_MAX: &str = "65536";

/// What has been given to check, and what came of it.
#[derive(Clone, Copy)]
struct Check {
    app: App,
    text: RwSignal<String>,
    is_too_big: RwSignal<bool>,
    verdict: RwSignal<Option<Result<ReceiptView, Problem>>>,
}

impl Check {
    fn run(self) {
        let receipt = self.text.get_untracked();
        if receipt.trim().is_empty() {
            return;
        }
        spawn_local(async move {
            let verdict = invoke(VerifyReceipt { receipt }).await;
            let said = verdict_text(&verdict).in_language(self.app.lang.get_untracked());
            self.app.assertive.set(said.to_owned());
            self.verdict.try_set(Some(verdict));
        });
    }

    fn take_file(self, file: Option<File>) {
        let Some(file) = file else { return };
        self.is_too_big.set(file.size() > RECEIPT_BYTES_MAX);
        if file.size() > RECEIPT_BYTES_MAX {
            return;
        }
        spawn_local(async move {
            let text = JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string());
            self.text.try_set(text.unwrap_or_default());
            self.run();
        });
    }

    fn start_over(self) {
        self.text.set(String::new());
        self.verdict.set(None);
    }
}

fn verdict_text(verdict: &Result<ReceiptView, Problem>) -> Text {
    match verdict {
        Ok(receipt) if receipt.merchant_seal && receipt.bank_seal => Text::VerifyGood,
        Ok(_) => Text::VerifyBad,
        Err(problem) => Text::error_title(problem.code),
    }
}

/// The screen.
pub fn page(app: App) -> impl IntoView {
    let check = Check {
        app,
        text: RwSignal::new(String::new()),
        is_too_big: RwSignal::new(false),
        verdict: RwSignal::new(None),
    };
    view! {
        <header class="page-head page-head-nav">{back_button(app)}<h1 class="nav-title" tabindex="-1">{app.t(Text::VerifyTitle)}</h1></header>
        {move || match check.verdict.get() {
            None => form(check).into_any(),
            Some(verdict) => answer(check, verdict).into_any(),
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
                <input class="unseen" type="file" accept=".json,application/json" data-action="choose-file" on:change=chosen/>
            </label>
            {move || check.is_too_big.get().then(|| view! { <p class="field-bad" role="alert">{app.t(Text::VerifyTooBig)}</p> })}
        </div>
        <label class="area-label">
            <span class="quiet small">{app.t(Text::VerifyPaste)}</span>
            <textarea rows="5" maxlength=RECEIPT_CHARS_MAX spellcheck="false" dir="ltr" data-field="receipt" bind:value=check.text></textarea>
        </label>
        <div class="actions">
            <button class="button button-primary" type="button" data-action="check-receipt"
                disabled=move || check.text.with(|text| text.trim().is_empty())
                on:click=move |_| check.run()>{app.t(Text::VerifyCheck)}</button>
        </div>
    }
}

fn answer(check: Check, verdict: Result<ReceiptView, Problem>) -> impl IntoView {
    let app = check.app;
    let is_good = verdict.as_ref().is_ok_and(|receipt| receipt.merchant_seal && receipt.bank_seal);
    let word = verdict_text(&verdict);
    let (class, shape) = if is_good {
        ("verdict verdict-good", icon::check().into_any())
    } else {
        ("verdict verdict-bad", icon::cross().into_any())
    };
    let body = match verdict {
        Ok(receipt) => receipt_sheet(app, &receipt).into_any(),
        Err(problem) => view! {
            <p data-problem=problem.code.as_str()>{app.t(Text::error_next(problem.code))}</p>
        }
        .into_any(),
    };
    view! {
        <p class=class data-verified=is_good.to_string()>{shape}<span>{app.t(word)}</span></p>
        {body}
        <div class="actions">
            <button class="button" type="button" data-action="check-another" on:click=move |_| check.start_over()>
                {app.t(Text::VerifyAnother)}
            </button>
        </div>
    }
}

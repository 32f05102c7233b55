//! A picture of a payment code: chosen, pasted or dropped. It shows a request; it never pays.

use leptos::ev::{DragEvent, Event};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::{ClipboardEvent, File, HtmlInputElement};

use crate::browser;
use crate::components::icon;
use crate::i18n::Text;
use crate::signal::RwSignal;
use crate::state::App;

/// The largest picture that is looked at, in bytes: what the wallet takes.
const PICTURE_BYTES_MAX: f64 = 8.0 * 1024.0 * 1024.0;

/// The place for a picture. A picture on the clipboard can be pasted anywhere on the screen.
pub fn code_picture(app: App) -> impl IntoView {
    let complaint = RwSignal::new(None::<Text>);
    let is_over = RwSignal::new(false);
    let listener = window_event_listener(leptos::ev::paste, move |event: ClipboardEvent| {
        take(app, complaint, event.clipboard_data().and_then(|data| data.files()).and_then(|files| files.get(0)));
    });
    on_cleanup(move || listener.remove());
    let chosen = move |event: Event| {
        let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
        take(app, complaint, input.and_then(|input| input.files()).and_then(|files| files.get(0)));
    };
    let dropped = move |event: DragEvent| {
        event.prevent_default();
        is_over.set(false);
        take(app, complaint, event.data_transfer().and_then(|data| data.files()).and_then(|files| files.get(0)));
    };
    let drag_over = move |event: DragEvent| {
        event.prevent_default();
        is_over.set(true);
    };
    view! {
        <div class="code-picture" class:drop-over=move || is_over.get() on:dragover=drag_over
            on:dragleave=move |_| is_over.set(false) on:drop=dropped>
            <label class="button file-button">
                {icon::code()}<span>{app.t(Text::ScanPicture)}</span>
                <input class="unseen" type="file" accept="image/png,image/jpeg,image/webp" data-action="scan-picture"
                    disabled=move || app.busy.get() on:change=chosen/>
            </label>
            <p class="quiet small">{app.t(Text::ScanHelp)}</p>
            {move || complaint.get().map(|text| view! { <p class="field-bad" role="alert">{app.t(text)}</p> })}
        </div>
    }
}

/// Looks for a code in a file; nothing when there is none, as when text was pasted.
fn take(app: App, complaint: RwSignal<Option<Text>>, file: Option<File>) {
    let Some(file) = file else { return };
    complaint.set(None);
    if file.size() > PICTURE_BYTES_MAX {
        return complaint.set(Some(Text::ScanTooBig));
    }
    spawn_local(async move {
        match browser::base64_of(&file).await {
            Ok(image) => app.scan(image),
            Err(_) => {
                complaint.try_set(Some(Text::ScanUnreadable));
            }
        }
    });
}

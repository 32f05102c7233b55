//! A place to drop a file on, with a button to choose one. The file is read in the page and goes on in base64.

use leptos::ev::{DragEvent, Event};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast as _;
use web_sys::{File, HtmlInputElement};

use crate::browser;
use crate::components::icon;
use crate::i18n::Text;
use crate::signal::RwSignal;
use crate::state::App;

/// The largest file that is read, in bytes: what the longest call takes.
const FILE_BYTES_MAX: f64 = 4.0 * 1024.0 * 1024.0;

/// What is asked for.
#[derive(Clone, Copy)]
pub struct Wanted {
    /// The stable word of the button.
    pub action: &'static str,
    /// What can be chosen, as the browser's own chooser takes it.
    pub accept: &'static str,
    /// What to drop.
    pub lead: Text,
    /// The button.
    pub button: Text,
}

/// The place; `take` is given each file that was dropped or chosen.
pub fn file_drop(app: App, wanted: Wanted, take: impl Fn(String) + Clone + 'static) -> AnyView {
    fn drawn(app: App, wanted: Wanted, take: std::rc::Rc<dyn Fn(String)>) -> AnyView {
        let (is_over, complaint) = (RwSignal::new(false), RwSignal::new(None::<Text>));
        let read = {
            move |file: Option<File>| {
                let (Some(file), take) = (file, take.clone()) else { return };
                complaint.set(None);
                if file.size() > FILE_BYTES_MAX {
                    return complaint.set(Some(Text::VerifyTooBig));
                }
                spawn_local(async move {
                    match browser::base64_of(&file).await {
                        Ok(data) => take(data),
                        Err(_) => drop(complaint.try_set(Some(Text::BatchFileBad))),
                    }
                });
            }
        };
        let drag_over = move |event: DragEvent| {
            event.prevent_default();
            is_over.set(true);
        };
        let dropped = {
            let read = read.clone();
            move |event: DragEvent| {
                event.prevent_default();
                is_over.set(false);
                read(event.data_transfer().and_then(|data| data.files()).and_then(|files| files.get(0)));
            }
        };
        let chosen = move |event: Event| {
            let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
            read(input.as_ref().and_then(HtmlInputElement::files).and_then(|files| files.get(0)));
            if let Some(input) = input {
                // The same file again is chosen again: it may have been written anew.
                input.set_value("");
            }
        };
        view! {
            <div class="drop" class:drop-over=move || is_over.get() on:dragover=drag_over
                on:dragleave=move |_| is_over.set(false) on:drop=dropped>
                {icon::file()}
                <p>{app.t(wanted.lead)}</p>
                <label class="button file-button">
                    <span>{app.t(wanted.button)}</span>
                    <input class="unseen" type="file" accept=wanted.accept data-action=wanted.action on:change=chosen/>
                </label>
                {move || complaint.get().map(|text| view! { <p class="field-bad" role="alert">{app.t(text)}</p> })}
            </div>
        }
        .into_any()
    }
    drawn(app, wanted, std::rc::Rc::new(take))
}

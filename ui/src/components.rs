//! The parts the screens are made of.

pub mod amount;
pub mod button;
pub mod choice;
pub mod code_picture;
pub mod dialog;
pub mod doubt;
pub mod field;
pub mod file_drop;
pub mod form;
pub mod group;
pub mod help;
pub mod icon;
pub mod menu;
pub mod message;
pub mod pay_head;
pub mod pay_sheet;
pub mod problem;
pub mod progress;
pub mod reader_picker;
pub mod reader_picture;
pub mod receipt_refund;
pub mod receipt_sheet;
pub mod refund_note;
pub mod request_list;
pub mod ring;
mod roving;
pub mod seal_picture;
pub mod stepper;
pub mod tabs;
pub mod time;
pub mod virtual_list;
pub mod words;

use leptos::prelude::*;

use crate::i18n::Text;
use crate::state::App;

/// The mark beside a payee whose signature and keyset entry verified: shape, colour and word.
pub fn verified_badge(app: App, text: Text) -> AnyView {
    view! { <span class="badge badge-good">{icon::check()}<span>{app.t(text)}</span></span> }.into_any()
}

/// The way back, named for screen readers.
pub fn back_button(app: App) -> AnyView {
    view! {
        <button class="icon-button back" type="button" data-action="back" aria-label=app.t(Text::ActionBack)
            on:click=move |_| app.back()>
            {icon::back()}
        </button>
    }
    .into_any()
}

/// Stops the payment, at any moment before it is sealed.
pub fn stop_button(app: App) -> AnyView {
    let text = move || app.t(if app.is_stopping.get() { Text::ActionStopping } else { Text::ActionCancel })();
    view! {
        <button class="text-button stop" type="button" data-action="stop" disabled=move || app.is_stopping.get()
            on:click=move |_| app.stop_checkout()>{text}</button>
    }
    .into_any()
}

/// A screen with nothing on it: the mark, a sentence, what to do.
pub fn empty_state(app: App, title: Text, body: Text) -> AnyView {
    view! {
        <div class="empty">
            {icon::mark()}
            <p class="empty-title">{app.t(title)}</p>
            <p class="quiet">{app.t(body)}</p>
        </div>
    }
    .into_any()
}

/// Grey lines where a list is about to be, and what is being waited for.
pub fn loading_list(app: App, text: Text) -> AnyView {
    view! {
        <div class="loading" aria-busy="true">
            <p class="quiet" role="status">{app.t(text)}</p>
            <div class="ghost" aria-hidden="true"></div>
            <div class="ghost" aria-hidden="true"></div>
            <div class="ghost" aria-hidden="true"></div>
        </div>
    }
    .into_any()
}

/// Steps done out of steps to do, as squares; the words stand beside it.
pub fn pips(done: impl Fn() -> (u8, u8) + Send + Sync + 'static) -> AnyView {
    let squares = move || {
        let (done, steps) = done();
        (0..steps).map(|step| view! { <i class="pip" class:pip-done=step < done></i> }).collect_view()
    };
    view! { <span class="pips" aria-hidden="true">{squares}</span> }.into_any()
}

//! A word of help behind a small button: pressed, not hovered, so that it is there for fingers and keyboards too.

use leptos::ev::{FocusEvent, KeyboardEvent};
use leptos::prelude::*;

use crate::components::icon;
use crate::components::words::Words;
use crate::i18n::Text;
use crate::signal::RwSignal;
use crate::state::App;

/// The button and its help. `about` names what is explained; the help closes with Escape, or when the focus leaves.
pub fn help(app: App, id: &'static str, about: impl Into<Words>, words: impl Into<Words>) -> AnyView {
    let is_open = RwSignal::new(false);
    let (about, words): (Words, Words) = (about.into(), words.into());
    let name = app.spoken(Words::made(move |lang| Text::HelpAbout.filled(lang, &[("what", &about.in_language(lang))])));
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Escape" && is_open.get_untracked() {
            event.prevent_default();
            is_open.set(false);
        }
    };
    let body = move || is_open.get().then(|| view! { <span class="help-words">{app.say(words.clone())}</span> });
    view! {
        <span class="help" on:keydown=on_key on:focusout=move |_: FocusEvent| is_open.set(false)>
            <button class="icon-button help-button" type="button" data-action="help" aria-label=name
                aria-expanded=move || is_open.get().to_string() aria-controls=id
                on:click=move |_| is_open.update(|is_open| *is_open = !*is_open)>{icon::question()}</button>
            <span class="help-place" id=id role="status">{body}</span>
        </span>
    }
    .into_any()
}

//! A field for a passphrase: hidden unless the person wants to see it, and a word about Caps Lock.

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

use crate::components::field::reveal;
use crate::i18n::Text;
use crate::signal::RwSignal;
use crate::state::App;

/// Whether a passphrase is known or being made: password managers ask.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// The present one.
    Present,
    /// The next one.
    Next,
}

/// The field, its label, and the button that shows what is in it. What it holds is the caller's to wipe.
pub fn passphrase_field(
    app: App,
    kind: FieldKind,
    id: &'static str,
    field: &'static str,
    label: Text,
    text: RwSignal<String>,
) -> impl IntoView {
    let is_shown = RwSignal::new(false);
    let has_caps = RwSignal::new(false);
    let on_key = move |event: KeyboardEvent| {
        let is_on = event.get_modifier_state("CapsLock");
        if has_caps.get_untracked() != is_on {
            has_caps.set(is_on);
        }
    };
    let autocomplete = match kind {
        FieldKind::Present => "current-password",
        FieldKind::Next => "new-password",
    };
    let caps_id = format!("{id}-caps");
    view! {
        <div class="labelled">
            <label class="field-label" for=id>{app.t(label)}</label>
            <span class="field">
                <input id=id data-field=field type=move || if is_shown.get() { "text" } else { "password" }
                    autocomplete=autocomplete autocapitalize="off" spellcheck="false" maxlength="256" dir="auto"
                    aria-describedby=caps_id.clone() bind:value=text on:keydown=on_key on:keyup=on_key/>
                {reveal(app, "show-passphrase", is_shown)}
            </span>
            <p class="small lock-caps" id=caps_id role="status">{move || has_caps.get().then(|| app.t(Text::LockCaps)())}</p>
        </div>
    }
}

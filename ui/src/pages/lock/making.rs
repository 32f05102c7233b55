//! Making a passphrase: typed twice, with a word about how good it is.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use protocol::ipc::passphrase::{Passphrase, Strength};

use super::field::{FieldKind, passphrase_field};
use crate::components::form::form_of;
use crate::components::pips;
use crate::i18n::Text;
use crate::signal::{Memo, RwSignal};
use crate::state::App;

/// How many words there are for how good a passphrase is.
const STRENGTHS: u8 = 5;

/// What is typed.
#[derive(Clone, Copy)]
struct Making {
    next: RwSignal<String>,
    again: RwSignal<String>,
    complaint: RwSignal<Option<Text>>,
}

impl Making {
    /// The passphrase, if both agree and it is good enough. Taken out of the fields either way it goes on.
    fn take(self) -> Option<Passphrase> {
        if !self.next.with_untracked(|next| Strength::of(next).is_enough()) {
            self.complaint.set(Some(match self.next.with_untracked(|next| Strength::of(next)) {
                Strength::Short => Text::LockStrengthShort,
                _ => Text::LockStrengthGuessable,
            }));
            return None;
        }
        if self.next.with_untracked(|next| self.again.with_untracked(|again| next != again)) {
            self.complaint.set(Some(Text::LockUnequal));
            return None;
        }
        self.complaint.set(None);
        drop(Passphrase::new(self.again.try_update(std::mem::take).unwrap_or_default()));
        Some(Passphrase::new(self.next.try_update(std::mem::take).unwrap_or_default()))
    }
}

/// The two fields, the rule, and the button. `with` gets a passphrase that is good enough.
pub fn making(
    app: App,
    action: &'static str,
    confirm: Text,
    before: impl IntoView + 'static,
    with: impl Fn(Passphrase) + Copy + 'static,
) -> impl IntoView {
    let making = Making {
        next: RwSignal::new(String::new()),
        again: RwSignal::new(String::new()),
        complaint: RwSignal::new(None),
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(passphrase) = making.take() {
            with(passphrase);
        }
    };
    view! {
        {form_of("lock-making", view! {
            {before}
            {passphrase_field(app, FieldKind::Next, "lock-next", "new-passphrase", Text::LockNext, making.next)}
            {strength(app, making.next)}
            <p class="quiet small">{app.t(Text::LockRule)}</p>
            {passphrase_field(app, FieldKind::Next, "lock-again", "again-passphrase", Text::LockAgain, making.again)}
            {move || making.complaint.get().map(|text| view! { <p class="field-bad" role="alert">{app.t(text)}</p> })}
            <p class="lock-warning small">{app.t(Text::LockNoWayBack)}</p>
            <div class="actions-row">
                <button class="button button-primary" type="submit" data-action=action disabled=move || app.busy.get()>
                    {app.t(confirm)}
                </button>
            </div>
        }, submit)}
    }
}

fn strength(app: App, next: RwSignal<String>) -> impl IntoView {
    let strength = Memo::new(move |_| next.with(|next| (!next.is_empty()).then(|| Strength::of(next))));
    let done = move || (strength.get().map_or(0, |strength| strength as u8 + 1), STRENGTHS);
    let word = move || strength.get().map(|strength| app.t(word_of(strength))());
    view! {
        <p class="lock-strength" data-strength=move || strength.get().map(|it| it.is_enough().to_string())>
            <span class="quiet small">{app.t(Text::LockStrength)}</span>
            {pips(done)}
            <strong role="status">{word}</strong>
        </p>
    }
}

const fn word_of(strength: Strength) -> Text {
    match strength {
        Strength::Short => Text::LockStrengthShort,
        Strength::Guessable => Text::LockStrengthGuessable,
        Strength::Fair => Text::LockStrengthFair,
        Strength::Good => Text::LockStrengthGood,
        Strength::Strong => Text::LockStrengthStrong,
    }
}

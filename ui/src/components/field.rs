//! Fields to type into: a label above, a hint below, and what is wrong in words.

use leptos::prelude::*;

use crate::components::icon;
use crate::components::words::Words;
use crate::i18n::Text;
use crate::signal::{Memo, RwSignal};
use crate::state::App;

/// What is typed into a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Words.
    Text,
    /// A new secret, which a password store may offer to keep.
    NewSecret,
    /// A secret that was chosen before.
    Secret,
    /// A mail address.
    Email,
    /// A telephone number.
    Phone,
    /// An amount.
    Decimal,
    /// Digits that arrived by another way.
    Code,
    /// Digits that stand on something.
    Digits,
    /// The same, of a secret that no password store should keep.
    SecretDigits,
    /// A link.
    Link,
}

impl FieldKind {
    const fn keyboard(self) -> &'static str {
        match self {
            Self::Text | Self::NewSecret | Self::Secret => "text",
            Self::Email => "email",
            Self::Phone => "tel",
            Self::Decimal => "decimal",
            Self::Code | Self::Digits | Self::SecretDigits => "numeric",
            Self::Link => "url",
        }
    }

    const fn autocomplete(self) -> &'static str {
        match self {
            Self::NewSecret => "new-password",
            Self::Secret => "current-password",
            Self::Email => "email",
            Self::Phone => "tel",
            Self::Code => "one-time-code",
            Self::Text | Self::Decimal | Self::Link | Self::Digits | Self::SecretDigits => "off",
        }
    }

    /// What reads from left to right in every language.
    const fn direction(self) -> &'static str {
        match self {
            Self::Text | Self::NewSecret | Self::Secret => "auto",
            Self::Email | Self::Phone | Self::Decimal | Self::Code | Self::Link | Self::Digits | Self::SecretDigits => {
                "ltr"
            }
        }
    }

    const fn is_secret(self) -> bool {
        matches!(self, Self::NewSecret | Self::Secret | Self::SecretDigits)
    }
}

/// A field that is being put together; [`Field::view`] makes it.
pub struct Field {
    name: &'static str,
    kind: FieldKind,
    label: Words,
    hint: Option<Words>,
    example: Option<Words>,
    problem: Signal<Option<Text>>,
    chars_max: u16,
    shape: Option<AnyView>,
}

impl Field {
    /// A field with its stable `data-field`, which is its `id` too, and its label.
    pub fn new(name: &'static str, kind: FieldKind, label: impl Into<Words>) -> Self {
        let (hint, example, problem, shape) = (None, None, Signal::stored(None), None);
        Self { name, kind, label: label.into(), hint, example, problem, chars_max: 256, shape }
    }

    /// With a sentence below that says what is wanted.
    pub fn hint(self, hint: impl Into<Words>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// With an example in the empty field. It never takes the place of the label.
    pub fn example(self, example: impl Into<Words>) -> Self {
        Self { example: Some(example.into()), ..self }
    }

    /// With what is wrong with what was typed, while something is.
    pub fn problem(self, problem: impl Fn() -> Option<Text> + Send + Sync + 'static) -> Self {
        Self { problem: Signal::derive(problem), ..self }
    }

    /// Takes at most this many characters.
    pub fn chars_max(self, chars_max: u16) -> Self {
        Self { chars_max, ..self }
    }

    /// With an icon before what is typed.
    pub fn icon(self, shape: impl IntoView + 'static) -> Self {
        Self { shape: Some(shape.into_any()), ..self }
    }

    /// The field on this value.
    pub fn view(self, app: App, value: RwSignal<String>) -> AnyView {
        let Self { name, kind, label, hint, example, problem, chars_max, shape } = self;
        let hint_id = format!("{name}-hint");
        let problem_id = format!("{name}-problem");
        let is_bad = move || problem.get().is_some();
        let described = {
            let (hint_id, problem_id) = (hint.as_ref().map(|_| hint_id.clone()), problem_id.clone());
            move || match (problem.get().is_some(), &hint_id) {
                (true, Some(hint_id)) => Some(format!("{problem_id} {hint_id}")),
                (true, None) => Some(problem_id.clone()),
                (false, hint_id) => hint_id.clone(),
            }
        };
        let is_shown = RwSignal::new(!kind.is_secret());
        let input_type = move || if is_shown.get() { "text" } else { "password" };
        view! {
            <div class="labelled">
                <label class="field-label" for=name>{app.say(label)}</label>
                <span class="field" class:field-wrong=is_bad>
                    {shape}
                    <input id=name name=name data-field=name type=input_type inputmode=kind.keyboard() dir=kind.direction()
                        autocomplete=kind.autocomplete() autocapitalize="none" spellcheck="false" maxlength=chars_max.to_string()
                        placeholder=example.map(|example| app.spoken(example)) aria-invalid=move || is_bad().then_some("true")
                        aria-describedby=described bind:value=value/>
                    {kind.is_secret().then(|| reveal(app, "reveal", is_shown))}
                </span>
                <p class="field-bad" id=problem_id role="status">{move || problem.get().map(|text| view! {
                    {icon::caution()}<span>{app.t(text)}</span>
                })}</p>
                {hint.map(|hint| view! { <p class="field-hint" id=hint_id>{app.say(hint)}</p> })}
            </div>
        }
        .into_any()
    }
}

/// The button in a field that shows or hides what is typed; `action` is its stable word.
pub fn reveal(app: App, action: &'static str, is_shown: RwSignal<bool>) -> impl IntoView {
    let shape = move || if is_shown.get() { icon::hide().into_any() } else { icon::show().into_any() };
    let name = move || app.t(if is_shown.get() { Text::FieldHide } else { Text::FieldShow })();
    view! {
        <button class="icon-button field-tool" type="button" data-action=action aria-label=name title=name
            on:click=move |_| is_shown.update(|is_shown| *is_shown = !*is_shown)>{shape}</button>
    }
}

/// A field to search by, with a way to empty it. Its label is for screen readers; the example says it to the others.
pub fn search_field(app: App, name: &'static str, label: impl Into<Words>, value: RwSignal<String>) -> AnyView {
    fn drawn(app: App, name: &'static str, label: Words, value: RwSignal<String>) -> AnyView {
        let label = app.spoken(label);
        let is_empty = Memo::new(move |_| value.with(String::is_empty));
        let input = NodeRef::<leptos::html::Input>::new();
        let clear = move |_| {
            value.set(String::new());
            if let Some(input) = input.get_untracked() {
                // Whoever emptied the field goes on typing in it.
                let _ = input.focus();
            }
        };
        view! {
            <span class="field field-search" role="search" aria-label=label>
                {icon::search()}
                <input id=name name=name data-field=name node_ref=input type="search" inputmode="search" enterkeyhint="search"
                    autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="128" aria-label=label placeholder=label
                    bind:value=value/>
                <button class="icon-button field-tool" type="button" data-action="clear-search" hidden=move || is_empty.get()
                    aria-label=app.t(Text::FieldClear) title=app.t(Text::FieldClear) on:click=clear>{icon::cross()}</button>
            </span>
        }
        .into_any()
    }
    drawn(app, name, label.into(), value)
}

/// A field of several lines.
pub fn text_area(app: App, name: &'static str, label: impl Into<Words>, rows: u8, value: RwSignal<String>) -> AnyView {
    let label: Words = label.into();
    view! {
        <div class="labelled">
            <label class="field-label" for=name>{app.say(label)}</label>
            <textarea class="area" id=name name=name data-field=name rows=rows.to_string() dir="auto" autocomplete="off"
                spellcheck="false" bind:value=value></textarea>
        </div>
    }
    .into_any()
}

//! Buttons: one in vermilion to a screen, the others in ink.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::browser;
use crate::components::icon;
use crate::components::words::Words;
use crate::i18n::Text;
use crate::signal::RwSignal;
use crate::state::App;

/// How long a copy button says that it copied.
const COPIED_WAIT: Duration = Duration::from_secs(4);

/// How much a button asks for attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ButtonKind {
    /// The one action of the screen, large and in vermilion.
    Main,
    /// In vermilion, in a form or a card.
    Primary,
    /// Any other.
    Plain,
    /// Takes something away that does not come back.
    Danger,
    /// A way out or a side road: underlined words.
    Text,
}

impl ButtonKind {
    const fn class(self) -> &'static str {
        match self {
            Self::Main => "button button-primary button-large",
            Self::Primary => "button button-primary",
            Self::Plain => "button",
            Self::Danger => "button button-danger",
            Self::Text => "text-button",
        }
    }
}

/// A button that is being put together; [`Button::on`] or [`Button::submit`] makes it.
pub struct Button {
    kind: ButtonKind,
    action: &'static str,
    words: Words,
    shape: Option<AnyView>,
    is_off: Signal<bool>,
}

impl Button {
    /// A button with its stable `data-action` and its words.
    pub fn new(kind: ButtonKind, action: &'static str, words: impl Into<Words>) -> Self {
        Self { kind, action, words: words.into(), shape: None, is_off: Signal::stored(false) }
    }

    /// The one action of the screen.
    pub fn main(action: &'static str, words: impl Into<Words>) -> Self {
        Self::new(ButtonKind::Main, action, words)
    }

    /// In vermilion, in a form or a card.
    pub fn primary(action: &'static str, words: impl Into<Words>) -> Self {
        Self::new(ButtonKind::Primary, action, words)
    }

    /// Any other button.
    pub fn plain(action: &'static str, words: impl Into<Words>) -> Self {
        Self::new(ButtonKind::Plain, action, words)
    }

    /// A button that takes something away.
    pub fn danger(action: &'static str, words: impl Into<Words>) -> Self {
        Self::new(ButtonKind::Danger, action, words)
    }

    /// Underlined words.
    pub fn text(action: &'static str, words: impl Into<Words>) -> Self {
        Self::new(ButtonKind::Text, action, words)
    }

    /// With an icon before the words.
    pub fn icon(self, shape: impl IntoView + 'static) -> Self {
        Self { shape: Some(shape.into_any()), ..self }
    }

    /// Cannot be pressed while this holds.
    pub fn off_while(self, is_off: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { is_off: Signal::derive(is_off), ..self }
    }

    /// The button, and what pressing it does.
    pub fn on(self, app: App, act: impl FnMut() + 'static) -> AnyView {
        self.drawn(app, "button", Box::new(act))
    }

    /// The button that submits the form around it.
    pub fn submit(self, app: App) -> AnyView {
        self.drawn(app, "submit", Box::new(|| ()))
    }

    fn drawn(self, app: App, kind: &'static str, mut act: Box<dyn FnMut()>) -> AnyView {
        let Self { kind: look, action, words, shape, is_off } = self;
        view! {
            <button class=look.class() type=kind data-action=action disabled=move || is_off.get() on:click=move |_| act()>
                {shape}<span>{app.say(words)}</span>
            </button>
        }
        .into_any()
    }
}

/// A button that is only an icon; `words` are its name for screen readers and its hint for the pointer.
pub fn icon_button(
    app: App,
    action: &'static str,
    words: impl Into<Words>,
    shape: impl IntoView + 'static,
    act: impl FnMut() + 'static,
) -> AnyView {
    fn drawn(app: App, action: &'static str, words: Words, shape: AnyView, mut act: Box<dyn FnMut()>) -> AnyView {
        let name = app.spoken(words);
        view! {
            <button class="icon-button" type="button" data-action=action aria-label=name title=name on:click=move |_| act()>
                {shape}
            </button>
        }
        .into_any()
    }
    drawn(app, action, words.into(), shape.into_any(), Box::new(act))
}

/// A button that puts a text on the clipboard, and says whether that went well.
pub fn copy_button(
    app: App,
    kind: ButtonKind,
    action: &'static str,
    words: impl Into<Words>,
    value: impl Fn() -> String + 'static,
) -> AnyView {
    let copied = RwSignal::new(None::<bool>);
    let copy = move || {
        let value = value();
        spawn_local(async move {
            copied.try_set(Some(browser::copy(&value).await));
            set_timeout(
                move || {
                    copied.try_set(None);
                },
                COPIED_WAIT,
            );
        });
    };
    let words: Words = words.into();
    let note = Words::made(move |lang| match copied.get() {
        None => words.in_language(lang),
        Some(true) => Text::ActionCopied.in_language(lang).to_owned(),
        Some(false) => Text::ActionCopyFailed.in_language(lang).to_owned(),
    });
    let said = app.spoken(Words::made(move |lang| match copied.get() {
        None => String::new(),
        Some(true) => Text::ActionCopied.in_language(lang).to_owned(),
        Some(false) => Text::ActionCopyFailed.in_language(lang).to_owned(),
    }));
    let shape = move || match copied.get() {
        Some(true) => icon::check().into_any(),
        None | Some(false) => icon::copy().into_any(),
    };
    view! {
        {Button::new(kind, action, note).icon(shape).on(app, copy)}
        <span class="unseen" role="status">{said}</span>
    }
    .into_any()
}

/// Buttons one under the other, the first the one to press.
pub fn actions(buttons: impl IntoView + 'static) -> AnyView {
    view! { <div class="actions">{buttons.into_any()}</div> }.into_any()
}

/// The same at the lower end of the screen, under the thumb.
pub fn actions_bottom(buttons: impl IntoView + 'static) -> AnyView {
    view! { <div class="actions actions-bottom">{buttons.into_any()}</div> }.into_any()
}

/// Buttons beside each other, which wrap when they do not fit.
pub fn actions_row(buttons: impl IntoView + 'static) -> AnyView {
    view! { <div class="actions-row">{buttons.into_any()}</div> }.into_any()
}

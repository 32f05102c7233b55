//! What the wallet tells by itself: banners that stay, notes in a form, and toasts that go.

use std::sync::Arc;
use std::time::Duration;

use leptos::prelude::*;

use crate::browser;
use crate::components::icon;
use crate::components::words::Words;
use crate::i18n::Text;
use crate::signal::{Memo, RwSignal};
use crate::state::App;

/// How long a toast stays that offers nothing to do.
const TOAST_WAIT: Duration = Duration::from_secs(5);
/// How long one stays that does. What it offers can be done elsewhere too, and it waits while somebody is at it.
const TOAST_WITH_ACTION_WAIT: Duration = Duration::from_secs(10);
/// How long it stays at least after somebody was at it.
const TOAST_AFTER_WAIT: Duration = Duration::from_secs(3);

/// What a message is about. Each has its own shape, so that the colour says nothing alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// To know.
    Plain,
    /// It went well.
    Good,
    /// It waits, or deserves care.
    Wait,
    /// It went wrong.
    Bad,
}

impl Tone {
    /// The stable word of the tone, for classes and tests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Good => "good",
            Self::Wait => "wait",
            Self::Bad => "bad",
        }
    }

    /// The shape that says the same as the colour.
    pub fn shape(self) -> AnyView {
        match self {
            Self::Plain => icon::info().into_any(),
            Self::Good => icon::check().into_any(),
            Self::Wait => icon::caution().into_any(),
            Self::Bad => icon::cross().into_any(),
        }
    }
}

/// A message that stays where it stands. `part` is its stable name.
pub fn banner(app: App, tone: Tone, part: &'static str, title: impl Into<Words>, body: Option<Words>) -> AnyView {
    banner_with(app, tone, part, title, body, ())
}

/// The same with something to press below it.
pub fn banner_with(
    app: App,
    tone: Tone,
    part: &'static str,
    title: impl Into<Words>,
    body: Option<Words>,
    actions: impl IntoView + 'static,
) -> AnyView {
    fn drawn(app: App, tone: Tone, part: &'static str, title: Words, body: Option<Words>, actions: AnyView) -> AnyView {
        let role = if tone == Tone::Bad { "alert" } else { "status" };
        view! {
            <section class=format!("banner tone-{}", tone.name()) role=role data-banner=part>
                {tone.shape()}
                <div class="banner-text">
                    <p class="problem-title">{app.say(title)}</p>
                    {body.map(|body| view! { <p class="problem-next">{app.say(body)}</p> })}
                    {actions}
                </div>
            </section>
        }
        .into_any()
    }
    drawn(app, tone, part, title.into(), body, actions.into_any())
}

/// A state in a word, with the shape of its tone.
pub fn badge(app: App, tone: Tone, words: impl Into<Words>) -> AnyView {
    fn drawn(app: App, tone: Tone, words: Words) -> AnyView {
        let shape = (tone != Tone::Plain).then(|| tone.shape());
        view! { <span class=format!("badge badge-{}", tone.name())>{shape}<span>{app.say(words)}</span></span> }
            .into_any()
    }
    drawn(app, tone, words.into())
}

/// How many, beside what it counts; nothing for none.
pub fn count_badge(count: impl Fn() -> usize + Send + Sync + 'static) -> AnyView {
    let count = Memo::new(move |_| count());
    view! {
        <span class="count-badge" aria-hidden="true" hidden=move || count.get() == 0>
            {move || if count.get() > 99 { "99+".to_owned() } else { count.get().to_string() }}
        </span>
    }
    .into_any()
}

/// A note that shows for a moment below the screen, covers none of it, and may offer to take something back.
#[derive(Clone)]
pub struct Toast {
    words: Words,
    way_back: Option<(Words, Arc<dyn Fn() + Send + Sync>)>,
    number: u64,
}

/// The toast that is shown, and how many there were.
#[derive(Clone, Copy)]
pub struct Toasts {
    shown: RwSignal<Option<Toast>>,
    count: StoredValue<u64>,
    is_pointed_at: StoredValue<bool>,
    has_focus: StoredValue<bool>,
}

impl Toasts {
    /// None yet.
    pub fn new() -> Self {
        Self {
            shown: RwSignal::new(None),
            count: StoredValue::new(0),
            is_pointed_at: StoredValue::new(false),
            has_focus: StoredValue::new(false),
        }
    }

    /// Says that something was done.
    pub fn say(self, words: impl Into<Words>) {
        self.show(words.into(), None);
    }

    /// Says that something was done, and offers a way back.
    pub fn offer(self, words: impl Into<Words>, way_back: impl Into<Words>, act: impl Fn() + Send + Sync + 'static) {
        self.show(words.into(), Some((way_back.into(), Arc::new(act))));
    }

    fn show(self, words: Words, way_back: Option<(Words, Arc<dyn Fn() + Send + Sync>)>) {
        self.count.update_value(|count| *count += 1);
        let number = self.count.get_value();
        let wait = if way_back.is_some() { TOAST_WITH_ACTION_WAIT } else { TOAST_WAIT };
        self.shown.set(Some(Toast { words, way_back, number }));
        self.let_go();
        self.expire_after(number, wait);
    }

    /// Puts a toast away after a while, and not while somebody points at it or is in it with the keyboard.
    fn expire_after(self, number: u64, wait: Duration) {
        let expire = move || {
            if self.is_pointed_at.get_value() || self.has_focus.get_value() {
                self.expire_after(number, TOAST_AFTER_WAIT);
            } else {
                self.forget(number);
            }
        };
        set_timeout(expire, wait);
    }

    /// Nobody is at the toast: it is a new one, or gone.
    fn let_go(self) {
        self.is_pointed_at.set_value(false);
        self.has_focus.set_value(false);
    }

    /// Puts a toast away that somebody pressed, and the focus back where they were.
    fn dismiss(self, number: u64) {
        self.forget(number);
        self.let_go();
        browser::focus("main h1");
    }

    /// Puts a toast away, unless another came since.
    fn forget(self, number: u64) {
        if self.shown.with_untracked(|shown| shown.as_ref().is_some_and(|toast| toast.number == number)) {
            self.shown.set(None);
        }
    }
}

/// Where toasts appear. It is always there, so that screen readers hear what comes into it.
pub fn toast_place(app: App) -> AnyView {
    let toasts = app.toasts;
    let toast = move || {
        toasts.shown.get().map(|toast| {
            let number = toast.number;
            let way_back = toast.way_back.map(|(words, act)| {
                let press = move |_| {
                    toasts.dismiss(number);
                    act();
                };
                view! { <button class="text-button" type="button" data-action="take-back" on:click=press>{app.say(words)}</button> }
            });
            view! {
                <div class="toast" data-part="toast"
                    on:pointerenter=move |_| toasts.is_pointed_at.set_value(true)
                    on:pointerleave=move |_| toasts.is_pointed_at.set_value(false)
                    on:focusin=move |_| toasts.has_focus.set_value(true)
                    on:focusout=move |_| toasts.has_focus.set_value(false)>
                    {icon::check()}<p class="toast-words">{app.say(toast.words)}</p>{way_back}
                    <button class="icon-button" type="button" data-action="close-toast" aria-label=app.t(Text::ActionClose)
                        on:click=move |_| toasts.dismiss(number)>{icon::cross()}</button>
                </div>
            }
        })
    };
    view! { <div class="toasts" role="status">{toast}</div> }.into_any()
}

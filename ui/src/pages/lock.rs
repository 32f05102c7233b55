//! The locked wallet: the passphrase, an honest wait after wrong ones, and what to do without it.

pub mod field;
pub mod forgotten;
pub mod making;
pub mod settings;

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::lock::{Lock, LockView};
use protocol::ipc::passphrase::{Passphrase, Unlock};

use crate::browser;
use crate::components::form::form_of;
use crate::components::icon;
use crate::components::problem::problem_text;
use crate::format;
use crate::i18n::Text;
use crate::ipc::invoke;
use crate::signal::{Memo, RwSignal};
use crate::state::App;
use field::{FieldKind, passphrase_field};

/// The id of the passphrase's field.
pub const FIELD: &str = "lock-passphrase";

/// Trying to open the lock.
#[derive(Clone, Copy)]
struct Opening {
    app: App,
    text: RwSignal<String>,
    /// What the wallet last said of the lock.
    view: RwSignal<Option<LockView>>,
    /// When the next try is taken, by the device's clock.
    next_try_ms: RwSignal<u64>,
    is_trying: RwSignal<bool>,
    problem: RwSignal<Option<protocol::Problem>>,
}

impl Opening {
    fn read(self) {
        spawn_local(async move {
            if let Ok(view) = invoke(Lock {}).await {
                self.take(view);
            }
        });
    }

    fn take(self, view: LockView) {
        self.next_try_ms.try_set(format::device_now_ms().saturating_add(view.wait_ms));
        self.view.try_set(Some(view));
    }

    fn submit(self) {
        if self.is_trying.get_untracked() || self.left_s() > 0 {
            return;
        }
        let passphrase = Passphrase::new(self.text.try_update(std::mem::take).unwrap_or_default());
        if passphrase.expose().is_empty() {
            return browser::focus(&format!("#{FIELD}"));
        }
        self.is_trying.set(true);
        self.problem.set(None);
        spawn_local(async move {
            let answer = invoke(Unlock { passphrase }).await;
            self.is_trying.try_set(false);
            match answer {
                Ok(view) => self.app.set_lock(view.state),
                Err(problem) => {
                    self.problem.try_set(Some(problem));
                    if let Ok(view) = invoke(Lock {}).await {
                        self.take(view);
                    }
                    browser::focus(&format!("#{FIELD}"));
                }
            }
        });
    }

    /// Seconds until the next try is taken; follows the clock.
    fn left_s(self) -> u64 {
        self.app.now_ms.track();
        self.next_try_ms.get().saturating_sub(format::device_now_ms()).div_ceil(1_000)
    }
}

/// The screen.
pub fn page(app: App) -> impl IntoView {
    let opening = Opening {
        app,
        text: RwSignal::new(String::new()),
        view: RwSignal::new(None),
        next_try_ms: RwSignal::new(0),
        is_trying: RwSignal::new(false),
        problem: RwSignal::new(None),
    };
    opening.read();
    request_animation_frame(|| browser::focus(&format!("#{FIELD}")));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        opening.submit();
    };
    let waits = Memo::new(move |_| opening.left_s() > 0);
    let is_still = move || waits.get() || opening.is_trying.get();
    view! {
        <div class="lock centre">
            <div class="lock-shape" aria-hidden="true">{icon::mark()}</div>
            <h1 tabindex="-1">{app.t(Text::LockTitle)}</h1>
            <p class="quiet" id="lock-body">{app.t(Text::LockBody)}</p>
            {news(app, opening)}
            {form_of("lock-form", view! {
                {passphrase_field(app, FieldKind::Present, FIELD, "passphrase", Text::LockPassphrase, opening.text)}
                {complaint(app, opening, waits)}
                <button class="button button-primary button-large" type="submit" data-action="unlock" disabled=is_still
                    aria-busy=move || opening.is_trying.get().to_string()>
                    {move || app.t(if opening.is_trying.get() { Text::LockOpening } else { Text::LockOpen })()}
                </button>
            }, submit)}
            <button class="text-button" type="button" data-action="forgotten"
                on:click=move |_| app.is_forgotten.set(true)>{app.t(Text::LockForgot)}</button>
        </div>
    }
}

/// What waits behind the lock, without a name or an amount.
fn news(app: App, opening: Opening) -> impl IntoView {
    let doubts = move || opening.view.with(|view| view.as_ref().map_or(0, |view| view.in_doubt.len()));
    let doubt = move || {
        let count = doubts();
        (count > 0).then(|| {
            let text = match count {
                1 => app.t(Text::LockDoubtOne)().to_owned(),
                _ => app.fill(Text::LockDoubtMany, "count", format::count(count, app.lang.get()))(),
            };
            view! { <p class="notice lock-doubt" role="status">{icon::caution()}<span>{text}</span></p> }
        })
    };
    let came = move || {
        app.came_while_locked.get().then(|| {
            view! { <p class="notice notice-plain" role="status">{icon::requests()}<span>{app.t(Text::LockCame)}</span></p> }
        })
    };
    view! { {doubt} {came} }
}

/// Why it did not open, and how long to wait.
fn complaint(app: App, opening: Opening, waits: Memo<bool>) -> impl IntoView {
    // A countdown that is read out every second helps nobody: the wait is told once.
    let wait = move || {
        waits.get().then(|| {
            let time = move || format::minutes(opening.left_s());
            let text = move || app.fill(Text::LockWait, "time", time())();
            view! { <p class="field-bad" data-part="wait" role="timer">{text}" "<span class="quiet">{app.t(Text::LockNeverErased)}</span></p> }
        })
    };
    let wrong = move || {
        let problem = opening.problem.get()?;
        (!waits.get()).then(|| view! { <div class="field-bad" role="alert" data-code=problem.code.as_str()>{problem_text(app, &problem)}</div> })
    };
    view! { {wrong} {wait} }
}

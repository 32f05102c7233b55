//! Without the passphrase: why nobody can help, what to try, and how to start anew.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::lock::{DoubtView, Lock, StartAnew};

use crate::components::{back_button, icon};
use crate::format;
use crate::i18n::Text;
use crate::ipc::invoke;
use crate::signal::{Memo, RwSignal};
use crate::state::App;

/// The screen.
pub fn page(app: App) -> impl IntoView {
    let doubts = RwSignal::new(Vec::<DoubtView>::new());
    spawn_local(async move {
        if let Ok(view) = invoke(Lock {}).await {
            doubts.try_set(view.in_doubt);
        }
    });
    let word = RwSignal::new(String::new());
    let is_right = Memo::new(move |_| word.with(|word| word.trim() == app.t(Text::LockEraseWord)()));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if is_right.get_untracked() {
            erase(app, word.get_untracked());
        }
    };
    let listed = move || {
        let doubts = doubts.get();
        (!doubts.is_empty()).then(|| {
            let lines = doubts.into_iter().map(|doubt| {
                let line = move || {
                    let time = format::full_date_time(doubt.sent_ms, app.lang.get());
                    Text::LockForgottenDoubtLine
                        .filled(app.lang.get(), &[("time", &time), ("reference", &doubt.reference)])
                };
                view! { <li>{line}</li> }
            });
            let lines = lines.collect_view();
            view! {
                <div class="notice lock-doubt" data-part="doubt">
                    {icon::caution()}
                    <div><p>{app.t(Text::LockForgottenDoubt)}</p><ul>{lines}</ul></div>
                </div>
            }
        })
    };
    view! {
        <header class="page-head page-head-nav">
            {back_button(app)}
            <h1 tabindex="-1" class="nav-title">{app.t(Text::LockForgottenTitle)}</h1>
        </header>
        <div class="settings lock-forgotten">
            <p>{app.t(Text::LockForgottenWhy)}</p>
            <section class="group">
                <h2>{app.t(Text::LockForgottenFirst)}</h2>
                <p class="group-line">{app.t(Text::LockForgottenTry)}</p>
            </section>
            <section class="group">
                <h2>{app.t(Text::LockForgottenAnew)}</h2>
                <p class="group-line">{app.t(Text::LockForgottenAnewBody)}</p>
                {listed}
                <form class="group-form" on:submit=submit novalidate>
                    <label for="erase-word">{move || app.fill(Text::LockForgottenWord, "word", app.t(Text::LockEraseWord)())()}</label>
                    <div class="form-line">
                        <span class="field"><input id="erase-word" data-field="erase-word" type="text" autocomplete="off"
                            autocapitalize="characters" spellcheck="false" maxlength="16" bind:value=word/></span>
                        <button class="button button-danger" type="submit" data-action="erase"
                            disabled=move || app.busy.get() || !is_right.get()>{app.t(Text::LockForgottenErase)}</button>
                    </div>
                </form>
            </section>
        </div>
    }
}

fn erase(app: App, word: String) {
    app.while_busy(async move {
        if let Some(status) = app.ask(StartAnew { word }).await {
            app.came_while_locked.set(false);
            app.set_lock(status.lock);
            app.status.set(Some(status));
            app.go(crate::place::Screen::Inbox);
        }
    });
}

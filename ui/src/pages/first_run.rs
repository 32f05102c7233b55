//! The first run: language, what this is in three pictures, where requests reach the person, a lock. All of it can be
//! skipped, and a link from outside goes before it.

mod pictures;

use leptos::prelude::*;
use protocol::ipc::lock::LockState;

use crate::components::button::{Button, actions_row};
use crate::components::dialog::Dialog;
use crate::components::{back_button, icon, pips};
use crate::i18n::Text;
use crate::pages::lock::making::making;
use crate::pages::lock::settings::turn_on;
use crate::pages::settings::{backup, choices, identifiers};
use crate::place::FirstStep;
use crate::state::App;

/// The screen of a step.
pub fn page(app: App, step: FirstStep) -> impl IntoView {
    let content = match step {
        FirstStep::Language => language(app).into_any(),
        FirstStep::Idea => idea(app).into_any(),
        FirstStep::Reach => reach(app).into_any(),
        FirstStep::Lock => lock(app).into_any(),
    };
    view! {
        {head(app, step)}
        <div class="first-run">{content}</div>
    }
}

fn head(app: App, step: FirstStep) -> impl IntoView {
    let number = move || {
        let (step, steps) = (step.number().to_string(), FirstStep::COUNT.to_string());
        Text::FirstStep.filled(app.lang.get(), &[("step", &step), ("steps", &steps)])
    };
    let done = move || (step.number(), FirstStep::COUNT);
    view! {
        <header class="page-head page-head-nav first-head">
            {step.before().map(|_| back_button(app))}
            <p class="first-step"><span class="unseen">{number}</span>{pips(done)}</p>
            <button class="text-button" type="button" data-action="skip" disabled=move || app.busy.get()
                on:click=move |_| app.introduce()>{app.t(Text::FirstSkip)}</button>
        </header>
    }
}

fn next_button(app: App, step: FirstStep) -> impl IntoView {
    view! {
        <button class="button button-primary button-large" type="button" data-action="next"
            on:click=move |_| if let Some(next) = step.next() { app.first_run(next) }>{app.t(Text::FirstNext)}</button>
    }
}

fn language(app: App) -> impl IntoView {
    view! {
        <div class="first-mark" aria-hidden="true">{icon::mark()}</div>
        <h1 tabindex="-1">{app.t(Text::FirstLanguageTitle)}</h1>
        <p class="quiet first-lead">{app.t(Text::FirstLanguageBody)}</p>
        {choices::language(app)}
        {next_button(app, FirstStep::Language)}
        {restore(app)}
    }
}

/// Whoever had a wallet before, or erased one whose passphrase they forgot, brings back what a backup holds.
fn restore(app: App) -> impl IntoView {
    let dialog = Dialog::new();
    let body = view! {
        {backup::restoring(app)}
        {actions_row(Button::plain("close-restore", Text::ActionDone).on(app, move || dialog.close()))}
    };
    view! {
        {Button::text("first-restore", Text::FirstRestore).on(app, move || dialog.open())}
        {dialog.sheet(app, "first-restore", Text::BackupRestore, body)}
    }
}

fn idea(app: App) -> impl IntoView {
    let scene = move |picture: AnyView, title: Text, body: Text| {
        view! {
            <li class="first-scene">
                {picture}
                <div><h2>{app.t(title)}</h2><p class="quiet">{app.t(body)}</p></div>
            </li>
        }
    };
    view! {
        <h1 tabindex="-1">{app.t(Text::FirstIdeaTitle)}</h1>
        <ol class="first-scenes" role="list">
            {scene(pictures::ask().into_any(), Text::FirstIdeaAskTitle, Text::FirstIdeaAskBody)}
            {scene(pictures::tap().into_any(), Text::FirstIdeaTapTitle, Text::FirstIdeaTapBody)}
            {scene(pictures::seal().into_any(), Text::FirstIdeaSealTitle, Text::FirstIdeaSealBody)}
        </ol>
        {next_button(app, FirstStep::Idea)}
    }
}

fn reach(app: App) -> impl IntoView {
    view! {
        <h1 tabindex="-1">{app.t(Text::FirstReachTitle)}</h1>
        <p class="quiet first-lead">{app.t(Text::FirstReachBody)}</p>
        {identifiers::page(app)}
        {next_button(app, FirstStep::Reach)}
    }
}

fn lock(app: App) -> impl IntoView {
    let content = move || {
        match app.lock.get() {
        LockState::None => view! {
            <section class="group lock-card">
                {making(app, "lock-turn-on", Text::LockConfirmOn, (), move |passphrase| turn_on(app, passphrase, || {}))}
            </section>
            <button class="button button-large" type="button" data-action="finish" disabled=move || app.busy.get()
                on:click=move |_| app.introduce()>{app.t(Text::FirstWithoutLock)}</button>
        }
        .into_any(),
        LockState::Unlocked | LockState::Locked => view! {
            <p class="good" role="status">{app.t(Text::LockTurnedOn)}</p>
            <button class="button button-primary button-large" type="button" data-action="finish"
                disabled=move || app.busy.get() on:click=move |_| app.introduce()>{app.t(Text::FirstFinish)}</button>
        }
        .into_any(),
    }
    };
    view! {
        <h1 tabindex="-1">{app.t(Text::FirstLockTitle)}</h1>
        <p class="quiet first-lead">{app.t(Text::FirstLockBody)}</p>
        {content}
    }
}

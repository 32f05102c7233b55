//! The lock's page of the settings: turn it on, change it, turn it off, and when it closes by itself.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use protocol::ipc::LockAfter;
use protocol::ipc::Settings;
use protocol::ipc::lock::{LockState, LockView};
use protocol::ipc::passphrase::{LockChange, LockTurnOff, LockTurnOn, Passphrase};

use super::field::{FieldKind, passphrase_field};
use super::making::making;
use crate::components::form::form_of;
use crate::components::icon;
use crate::i18n::Text;
use crate::pages::settings::choices;
use crate::signal::RwSignal;
use crate::state::App;

/// What the person is about to do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    None,
    Change,
    TurnOff,
}

/// The page.
pub fn page(app: App) -> impl IntoView {
    let deed = RwSignal::new(Deed::None);
    let done = RwSignal::new(None::<Text>);
    view! {
        {move || done.get().map(|text| view! { <p class="good" role="status">{app.t(text)}</p> })}
        {move || match app.lock.get() {
            LockState::None => without(app, done).into_any(),
            LockState::Unlocked | LockState::Locked => with_lock(app, deed, done).into_any(),
        }}
        <p class="quiet small">{app.t(Text::LockBiometrics)}</p>
    }
}

fn without(app: App, done: RwSignal<Option<Text>>) -> impl IntoView {
    view! {
        <section class="group lock-card">
            <h2>{app.t(Text::LockOffTitle)}</h2>
            <p class="group-line">{app.t(Text::LockOffBody)}</p>
            {making(app, "lock-turn-on", Text::LockConfirmOn, (), move |passphrase| turn_on(app, passphrase, move || {
                done.set(Some(Text::LockTurnedOn));
            }))}
        </section>
    }
}

/// Gives the wallet a lock, and then does something.
pub fn turn_on(app: App, passphrase: Passphrase, then: impl FnOnce() + 'static) {
    app.while_busy(async move {
        if let Some(view) = app.ask(LockTurnOn { passphrase }).await {
            app.set_lock(view.state);
            then();
        }
    });
}

fn with_lock(app: App, deed: RwSignal<Deed>, done: RwSignal<Option<Text>>) -> impl IntoView {
    let toggle = move |which: Deed| {
        done.set(None);
        deed.update(|deed| *deed = if *deed == which { Deed::None } else { which });
    };
    let expanded = move |which: Deed| move || (deed.get() == which).to_string();
    view! {
        <section class="group lock-card">
            <h2>{app.t(Text::LockOnTitle)}</h2>
            <p class="group-line">{app.t(Text::LockOnBody)}</p>
            <div class="actions-row">
                <button class="button button-primary" type="button" data-action="lock-now" aria-describedby="lock-now-hint"
                    on:click=move |_| app.lock_now()>{icon::key()}{app.t(Text::LockNow)}</button>
            </div>
            <p class="quiet small group-line" id="lock-now-hint">{app.t(Text::LockNowHint)}</p>
        </section>
        {choices::lock_after(app)}
        <p class="quiet small">{app.t(Text::LockAfterNote)}</p>
        <section class="group">
            <button class="lock-deed" type="button" data-action="change-passphrase" aria-expanded=expanded(Deed::Change)
                on:click=move |_| toggle(Deed::Change)>{app.t(Text::LockChange)}{icon::chevron()}</button>
            {move || (deed.get() == Deed::Change).then(|| change(app, deed, done))}
        </section>
        <section class="group">
            <button class="lock-deed" type="button" data-action="turn-off-lock" aria-expanded=expanded(Deed::TurnOff)
                on:click=move |_| toggle(Deed::TurnOff)>{app.t(Text::LockTurnOff)}{icon::chevron()}</button>
            {move || (deed.get() == Deed::TurnOff).then(|| turn_off(app, deed, done))}
        </section>
    }
}

fn change(app: App, deed: RwSignal<Deed>, done: RwSignal<Option<Text>>) -> impl IntoView {
    let present = RwSignal::new(String::new());
    let field =
        passphrase_field(app, FieldKind::Present, "lock-present", "present-passphrase", Text::LockPresent, present);
    making(app, "lock-change", Text::LockConfirmChange, field, move |passphrase| {
        let present = taken(present);
        app.while_busy(async move {
            if let Some(view) = app.ask(LockChange { present, passphrase }).await {
                finished(app, deed, done, Text::LockChanged, &view);
            }
        });
    })
}

fn turn_off(app: App, deed: RwSignal<Deed>, done: RwSignal<Option<Text>>) -> impl IntoView {
    let present = RwSignal::new(String::new());
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let present = taken(present);
        app.while_busy(async move {
            if let Some(view) = app.ask(LockTurnOff { present }).await {
                finished(app, deed, done, Text::LockTurnedOff, &view);
            }
        });
    };
    view! {
        {form_of("lock-making", view! {
            <p class="quiet">{app.t(Text::LockTurnOffBody)}</p>
            {passphrase_field(app, FieldKind::Present, "lock-present", "present-passphrase", Text::LockPresent, present)}
            <div class="actions-row">
                <button class="button button-danger" type="submit" data-action="lock-turn-off" disabled=move || app.busy.get()>
                    {app.t(Text::LockConfirmOff)}
                </button>
            </div>
        }, submit)}
    }
}

fn taken(field: RwSignal<String>) -> Passphrase {
    Passphrase::new(field.try_update(std::mem::take).unwrap_or_default())
}

fn finished(app: App, deed: RwSignal<Deed>, done: RwSignal<Option<Text>>, text: Text, view: &LockView) {
    deed.set(Deed::None);
    done.set(Some(text));
    app.set_lock(view.state);
}

/// A time to choose: its word, its text, a hint, and what it makes of the settings.
type Time = (&'static str, Text, Option<Text>, fn(Settings) -> Settings);

/// What is chosen when the person picks one of the times.
pub const TIMES: [Time; 6] = [
    ("leaving", Text::LockAfterLeaving, Some(Text::LockAfterLeavingHint), |it| Settings {
        lock_after: LockAfter::Leaving,
        ..it
    }),
    ("minute", Text::LockAfterMinute, None, |it| Settings { lock_after: LockAfter::Minute, ..it }),
    ("five_minutes", Text::LockAfterFive, None, |it| Settings { lock_after: LockAfter::FiveMinutes, ..it }),
    ("quarter_hour", Text::LockAfterQuarter, None, |it| Settings { lock_after: LockAfter::QuarterHour, ..it }),
    ("hour", Text::LockAfterHour, None, |it| Settings { lock_after: LockAfter::Hour, ..it }),
    ("restart", Text::LockAfterRestart, None, |it| Settings { lock_after: LockAfter::Restart, ..it }),
];

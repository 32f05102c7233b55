//! What the wallet tells, how far it is, and what is shown when there is nothing.

use leptos::prelude::*;

use super::state;
use crate::components::button::{Button, actions_row};
use crate::components::message::{Tone, badge, banner, banner_with};
use crate::components::progress::{page_dots, progress_bar, stage, steps};
use crate::components::ring::expiry_ring;
use crate::components::time::countdown;
use crate::components::{empty_state, loading_list};
use crate::i18n::Text;
use crate::state::App;

/// Two minutes, in milliseconds.
const TWO_MINUTES_MS: u64 = 120_000;

/// Every way to say how far something is.
pub fn progress(app: App) -> AnyView {
    let now = app.now_ms.get_untracked();
    let all = vec![Text::WorkbenchStepReader.into(), Text::WorkbenchStepCard.into(), Text::WorkbenchStepDone.into()];
    view! {
        {state("stage", stage(app, Text::WorkbenchReading, || (3, 5)))}
        {state("progress_bar", view! {
            {progress_bar(app, Text::WorkbenchRestoring, || Some(40))}
        })}
        {state("steps", steps(app, Text::WorkbenchReader, all, || 1))}
        {state("page_dots", page_dots(app, Text::WorkbenchPage, || 1, 3))}
        {state("expiry_ring", view! {
            {expiry_ring(app, now - TWO_MINUTES_MS, now + TWO_MINUTES_MS)}
            {expiry_ring(app, now - TWO_MINUTES_MS, now + TWO_MINUTES_MS / 4)}
        })}
        {state("countdown", countdown(app, now - TWO_MINUTES_MS, now + TWO_MINUTES_MS))}
    }
    .into_any()
}

/// Banners and badges of every tone, and toasts.
pub fn banners(app: App) -> AnyView {
    let tones = [
        (Tone::Plain, Text::WorkbenchPlain, Text::WorkbenchPlainBody),
        (Tone::Good, Text::WorkbenchGood, Text::WorkbenchGoodBody),
        (Tone::Wait, Text::WorkbenchWait, Text::WorkbenchWaitBody),
    ];
    let all: Vec<AnyView> =
        tones.into_iter().map(|(tone, title, body)| banner(app, tone, tone.name(), title, Some(body.into()))).collect();
    let bad = banner_with(
        app,
        Tone::Bad,
        "bad",
        Text::WorkbenchBad,
        Some(Text::WorkbenchBadBody.into()),
        Button::text("report", Text::WorkbenchReport).on(app, || ()),
    );
    let badges = [
        badge(app, Tone::Plain, Text::WorkbenchLater),
        badge(app, Tone::Good, Text::WorkbenchPaid),
        badge(app, Tone::Wait, Text::WorkbenchWaiting),
        badge(app, Tone::Bad, Text::WorkbenchRefuse),
    ];
    let said = move || app.toasts.say(Text::WorkbenchDone);
    let offered = move || app.toasts.offer(Text::WorkbenchDone, Text::WorkbenchTakeBack, || ());
    view! {
        <div class="workbench-stack">{all}{bad}<p class="workbench-badges">{badges.into_iter().collect::<Vec<_>>()}</p></div>
        {state("toast", actions_row(view! {
            {Button::plain("toast", Text::WorkbenchLater).on(app, said)}
            {Button::plain("toast-back", Text::WorkbenchTakeBack).on(app, offered)}
        }))}
    }
    .into_any()
}

/// Nothing there, and nothing there yet.
pub fn empty(app: App) -> AnyView {
    view! {
        {state("empty_state", empty_state(app, Text::WorkbenchEmpty, Text::WorkbenchEmptyBody))}
        {state("loading_list", loading_list(app, Text::WorkbenchLoading))}
    }
    .into_any()
}

//! Times left, counted down by the shared clock: a small ring that empties, and the time in words.

use leptos::prelude::*;

use crate::components::ring::percent_left;
use crate::format::{TimeLeft, date_time, time_left};
use crate::i18n::Text;
use crate::signal::Memo;
use crate::state::App;

/// Below this the time left is drawn as urgent, in milliseconds.
const URGENT_MS: u64 = 60 * 1_000;

/// How long something made at `made_ms` can still be paid. A timer: read when asked, not announced every second.
pub fn countdown(app: App, made_ms: u64, end_ms: u64) -> AnyView {
    // What does not change from one second to the next is not drawn anew.
    let text = Memo::new(move |_| {
        let lang = app.lang.get();
        match time_left(end_ms, app.now_ms.get()) {
            TimeLeft::Countdown(time) => Text::TimeLeft.filled(lang, &[("time", &time)]),
            TimeLeft::Until(end_ms) => Text::TimeUntil.filled(lang, &[("time", &date_time(end_ms, lang))]),
            TimeLeft::Over => Text::TimeOver.in_language(lang).to_owned(),
        }
    });
    let dashes = Memo::new(move |_| format!("{} 100", percent_left(made_ms, app.now_ms.get(), end_ms)));
    let is_urgent = Memo::new(move |_| end_ms.saturating_sub(app.now_ms.get()) < URGENT_MS);
    view! {
        <span class="countdown" class:urgent=move || is_urgent.get() role="timer">
            <svg class="time-ring" viewBox="0 0 24 24" fill="none" aria-hidden="true">
                <circle class="ring-track" cx="12" cy="12" r="9.5"/>
                <circle class="ring-left" cx="12" cy="12" r="9.5" pathLength="100" stroke-dasharray=move || dashes.get()
                    transform="rotate(-90 12 12)"/>
            </svg>
            <span>{move || text.get()}</span>
        </span>
    }
    .into_any()
}

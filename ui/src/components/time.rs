//! Times left, counted down by the shared clock.

use leptos::prelude::*;

use crate::components::icon;
use crate::format::{TimeLeft, date_time, time_left};
use crate::i18n::Text;
use crate::state::App;

/// Below this the time left is drawn as urgent, in milliseconds.
const URGENT_MS: u64 = 60 * 1_000;

/// How long something can still be paid. A timer: read when asked, not announced every second.
pub fn countdown(app: App, end_ms: u64) -> AnyView {
    let text = move || {
        let lang = app.lang.get();
        match time_left(end_ms, app.now_ms.get()) {
            TimeLeft::Countdown(time) => Text::TimeLeft.filled(lang, &[("time", &time)]),
            TimeLeft::Until(end_ms) => Text::TimeUntil.filled(lang, &[("time", &date_time(end_ms, lang))]),
            TimeLeft::Over => Text::TimeOver.in_language(lang).to_owned(),
        }
    };
    let is_urgent = Memo::new(move |_| end_ms.saturating_sub(app.now_ms.get()) < URGENT_MS);
    view! {
        <span class="countdown" class:urgent=move || is_urgent.get() role="timer">{icon::clock()}<span>{text}</span></span>
    }
    .into_any()
}

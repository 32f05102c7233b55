//! The ring that empties while a time runs out.

use leptos::prelude::*;

use crate::components::words::Words;
use crate::format::{TimeLeft, time_left, time_of_day};
use crate::i18n::Text;
use crate::signal::Memo;
use crate::state::App;

/// Below this the time left is drawn as urgent, in milliseconds.
const URGENT_MS: u64 = 60 * 1_000;

/// The time left of `made_ms` to `expires_ms`, as a ring that empties and as digits.
pub fn expiry_ring(app: App, made_ms: u64, expires_ms: u64) -> AnyView {
    let dashes = move || format!("{} 100", percent_left(made_ms, app.now_ms.get(), expires_ms));
    let is_urgent = Memo::new(move |_| expires_ms.saturating_sub(app.now_ms.get()) < URGENT_MS);
    let text = Words::made(move |lang| match time_left(expires_ms, app.now_ms.get()) {
        TimeLeft::Countdown(time) => time,
        TimeLeft::Until(end_ms) => time_of_day(end_ms, lang),
        TimeLeft::Over => Text::TimeOver.in_language(lang).to_owned(),
    });
    view! {
        <div class="ring" class:urgent=move || is_urgent.get() role="timer" aria-label=app.t(Text::PosTimeLeft)>
            <svg viewBox="0 0 64 64" fill="none" aria-hidden="true">
                <circle class="ring-track" cx="32" cy="32" r="28"/>
                <circle class="ring-left" cx="32" cy="32" r="28" pathLength="100" stroke-dasharray=dashes
                    transform="rotate(-90 32 32)"/>
            </svg>
            <span class="ring-text">{app.say(text)}</span>
        </div>
    }
    .into_any()
}

/// How much of the time from `start_ms` to `end_ms` is left at `now_ms`, of 100.
pub fn percent_left(start_ms: u64, now_ms: u64, end_ms: u64) -> u64 {
    let whole = end_ms.saturating_sub(start_ms).max(1);
    let left = end_ms.saturating_sub(now_ms.max(start_ms)).min(whole);
    left.saturating_mul(100).div_ceil(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_empties_with_the_time_and_never_turns_over() {
        assert_eq!(percent_left(1_000, 1_000, 11_000), 100);
        assert_eq!(percent_left(1_000, 6_000, 11_000), 50);
        assert_eq!(percent_left(1_000, 10_999, 11_000), 1, "something is left until nothing is");
        assert_eq!(percent_left(1_000, 11_000, 11_000), 0);
        assert_eq!(percent_left(1_000, 99_000, 11_000), 0);
        assert_eq!(percent_left(5_000, 1_000, 11_000), 100, "a clock behind the server's");
        assert_eq!(percent_left(11_000, 1_000, 1_000), 0);
    }
}

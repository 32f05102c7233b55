//! The bank or operator has not answered: what is being done, until when that can last, and that nobody should pay twice. There is
//! no retry here. When the outcome is known, its own screen takes this one's place.

use leptos::prelude::*;
use protocol::ipc::{CheckoutStage, Notices};

use crate::components::amount::{AmountSize, amount};
use crate::components::button::Button;
use crate::components::doubt::{Asked, doubt_steps};
use crate::components::{icon, pips};
use crate::format::{self, TimeLeft};
use crate::i18n::Text;
use crate::signal::Memo;
use crate::state::App;

/// How many squares stand for the time until the deadline.
const PIPS: u8 = 8;

/// The screen.
pub fn page(app: App) -> impl IntoView {
    let deadline_ms = Memo::new(move |_| {
        app.checkout.with(|checkout| match checkout.as_ref().map(|it| &it.progress) {
            Some(CheckoutStage::Unknown { deadline_ms }) => *deadline_ms,
            _ => 0,
        })
    });
    let doubt = Memo::new(move |_| {
        let request_id = app.checkout.with(|checkout| checkout.as_ref().map(|it| it.request_id))?;
        app.request(request_id)?.doubt
    });
    let is_noticed = Memo::new(move |_| {
        app.status.with(|status| status.as_ref().is_some_and(|it| it.settings.notices != Notices::Off))
    });
    let asked = Memo::new(move |_| {
        app.checkout.with(|checkout| {
            let (name, method) = checkout.as_ref().map(|it| (it.asked.clone(), it.method)).unzip();
            Asked::of(name.flatten(), method)
        })
    });
    let lang = app.lang;
    let stays = move || {
        if is_noticed.get() {
            Text::UnknownStaysNoticed.in_language(lang.get()).to_owned()
        } else {
            asked.get().within(Text::UnknownStays, lang.get())
        }
    };
    let body = move || asked.get().first(Text::UnknownBody, lang.get());
    let paying = app.checkout.get_untracked().map(|checkout| view! {
        <p class="paying-line">{amount(app, checkout.amount, AmountSize::Title)}<bdi class="quiet">{checkout.payee}</bdi></p>
    });
    view! {
        <div class="centre result" data-money="unknown">
            <div class="result-shape shape-wait">{icon::clock()}</div>
            <h1 tabindex="-1" class="result-title">{app.t(Text::UnknownTitle)}</h1>
            {paying}
            <p>{body}" "<b class="do-not">{app.t(Text::UnknownDoNot)}</b></p>
            {move || doubt_steps(app, doubt.get(), &asked.get())}
            {deadline(app, deadline_ms, asked)}
            <p class="quiet small">{stays}</p>
            <div class="actions actions-bottom">
                {Button::plain("done", Text::UnknownLeave).on(app, move || app.finish_checkout())}
            </div>
        </div>
    }
}

fn deadline(app: App, deadline_ms: Memo<u64>, asked: Memo<Asked>) -> impl IntoView {
    let lang = app.lang;
    let shown_at_ms = app.now_ms.get_untracked();
    let elapsed = Memo::new(move |_| elapsed_pips(shown_at_ms, app.now_ms.get(), deadline_ms.get()));
    let words = move || {
        let time = format::time_of_day(deadline_ms.get(), lang.get());
        Text::UnknownDeadline.filled(lang.get(), &[("time", &time)])
    };
    let left = Memo::new(move |_| match format::time_left(deadline_ms.get(), app.now_ms.get()) {
        TimeLeft::Countdown(time) => Text::UnknownLeft.filled(lang.get(), &[("time", &time)]),
        TimeLeft::Until(_) => String::new(),
        TimeLeft::Over => asked.get().first(Text::UnknownOverdue, lang.get()),
    });
    view! {
        <section class="deadline" data-deadline=move || deadline_ms.get()>
            <p>{words}</p>
            {pips(move || (elapsed.get(), PIPS))}
            <p class="quiet small" role="timer">{move || left.get()}</p>
        </section>
    }
}

/// How many squares of the time from `start_ms` to `end_ms` have passed at `now_ms`.
fn elapsed_pips(start_ms: u64, now_ms: u64, end_ms: u64) -> u8 {
    let whole = end_ms.saturating_sub(start_ms).max(1);
    let passed = now_ms.saturating_sub(start_ms).min(whole);
    u8::try_from(u64::from(PIPS) * passed / whole).unwrap_or(PIPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_fill_until_the_deadline_and_not_beyond() {
        assert_eq!(elapsed_pips(1_000, 1_000, 9_000), 0);
        assert_eq!(elapsed_pips(1_000, 5_000, 9_000), 4);
        assert_eq!(elapsed_pips(1_000, 9_000, 9_000), PIPS);
        assert_eq!(elapsed_pips(1_000, 99_000, 9_000), PIPS);
        assert_eq!(elapsed_pips(9_000, 9_000, 1_000), 0);
    }
}

//! A request that cannot be paid now: what became of it, and what is still to be known.

use leptos::prelude::*;
use protocol::ipc::{RequestPhase, RequestView};

use crate::components::button::Button;
use crate::components::doubt::{Asked, doubt_steps};
use crate::components::refund_note::refund_note;
use crate::components::words::Words;
use crate::format;
use crate::i18n::Text;
use crate::phase::{PhaseView as _, phase_name};
use crate::place::Screen;
use crate::state::App;

/// What is said of it, and where that leads.
pub fn settled(app: App, request: &RequestView) -> impl IntoView + use<> {
    let phase = request.phase;
    let elsewhere = request.elsewhere;
    let deadline = request.deadline_ms.filter(|_| phase == RequestPhase::Unknown);
    let lang = app.lang;
    let asked = Asked::of(request.asked.clone(), None);
    let steps = (phase == RequestPhase::Unknown).then(|| doubt_steps(app, request.doubt, &asked));
    view! {
        <section class="settled" data-phase=phase_name(phase) data-elsewhere=elsewhere.to_string()>
            <p><span class=format!("badge badge-{}", phase_name(phase))>{app.t(phase.text())}</span></p>
            {note(request).map(|note| view! { <p data-part="note">{app.say(note)}</p> })}
            {steps}
            {deadline.map(|at_ms| view! {
                <p class="quiet">{move || {
                    let time = format::time_of_day(at_ms, lang.get());
                    Text::UnknownDeadline.filled(lang.get(), &[("time", &time)])
                }}</p>
            })}
            {refund_note(app, request)}
            {request.receipt.map(|attempt_id| Button::primary("receipt", Text::RequestSeeReceipt)
                .on(app, move || app.go(Screen::Receipt(attempt_id))))}
        </section>
    }
}

/// The sentence that a badge is too short for.
fn note(request: &RequestView) -> Option<Words> {
    let text = match (request.phase, request.elsewhere) {
        (RequestPhase::Unknown, _) => {
            let asked = Asked::of(request.asked.clone(), None);
            return Some(Words::made(move |lang| asked.first(Text::RequestUnknownNote, lang)));
        }
        (RequestPhase::Paying, true) => Some(Text::ElsewherePaying),
        (RequestPhase::Paid, true) => Some(Text::ElsewherePaid),
        (RequestPhase::Paying, false) => Some(Text::PayingNote),
        (RequestPhase::Paid, false) | (RequestPhase::Open | RequestPhase::Postponed, _) => None,
        (RequestPhase::Rejected, _) => Some(Text::RejectedNote),
        (RequestPhase::Cancelled, _) => Some(Text::CancelledNote),
        (RequestPhase::Expired, _) => Some(Text::ExpiredNote),
        (RequestPhase::Closed, _) => Some(Text::RequestEndedNote),
    };
    text.map(Words::from)
}

//! The head of a screen on which something is typed to pay: the way back, how much, to whom, and until when.

use leptos::prelude::*;
use payment::RequestId;
use protocol::ipc::RequestPhase;

use crate::components::amount::{AmountSize, amount};
use crate::components::back_button;
use crate::components::time::countdown;
use crate::components::words::Words;
use crate::format;
use crate::i18n::Text;
use crate::place::Screen;
use crate::signal::Memo;
use crate::state::App;

/// The head. A request that cannot be paid any more leads back to where it says why.
pub fn pay_head(app: App, request_id: RequestId) -> AnyView {
    let screen = app.screen.get_untracked();
    let is_over = Memo::new(move |_| app.request(request_id).is_none_or(|request| !may_be_paid(request.phase)));
    Effect::new(move || {
        // A payment that begins leaves this screen by itself, and may have done so in this very moment.
        let is_here = app.screen.get_untracked() == screen;
        if is_over.get() && !app.busy.get() && is_here {
            app.go(Screen::Request(request_id));
        }
    });
    let request = untrack(|| app.request(request_id));
    let line = request.map(|request| {
        view! {
            <p class="paying-line">{amount(app, request.amount, AmountSize::Title)}<bdi class="quiet">{request.payee}</bdi></p>
            {countdown(app, request.created_ms, request.expires_ms)}
        }
    });
    view! { <header class="page-head page-head-nav">{back_button(app)}{line}</header> }.into_any()
}

/// The words of the button that pays a request.
pub fn pay_words(app: App, request_id: RequestId) -> Words {
    let sum = untrack(|| app.request(request_id)).map(|request| request.amount);
    Words::made(move |lang| {
        let sum = sum.map(|sum| format::amount_text(sum, lang)).unwrap_or_default();
        Text::PayAmount.filled(lang, &[("amount", &sum)])
    })
}

/// Whether it can be paid now, or once what is under way has come to nothing.
const fn may_be_paid(phase: RequestPhase) -> bool {
    match phase {
        RequestPhase::Open | RequestPhase::Postponed | RequestPhase::Paying => true,
        RequestPhase::Unknown
        | RequestPhase::Paid
        | RequestPhase::Rejected
        | RequestPhase::Cancelled
        | RequestPhase::Expired
        | RequestPhase::Closed => false,
    }
}

//! What a person is told when a payment they were left in doubt about is known, wherever they are by then.

use std::collections::HashSet;

use leptos::prelude::*;
use payment::RequestId;
use protocol::ipc::{RequestPhase, RequestView};

use crate::components::words::Words;
use crate::format;
use crate::i18n::{Lang, Text};
use crate::place::Screen;
use crate::state::App;

/// How a doubt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Paid,
    /// No money moved, and it can be paid again.
    Undone,
    /// No money moved, and it cannot be paid any more.
    Over,
}

/// What a request in doubt has become; none while the doubt lasts.
const fn known(phase: RequestPhase) -> Option<Known> {
    match phase {
        RequestPhase::Paying | RequestPhase::Unknown => None,
        RequestPhase::Paid => Some(Known::Paid),
        RequestPhase::Open | RequestPhase::Postponed => Some(Known::Undone),
        RequestPhase::Rejected | RequestPhase::Cancelled | RequestPhase::Expired | RequestPhase::Closed => {
            Some(Known::Over)
        }
    }
}

/// Follows the requests. A payment that is on the screen tells its own end.
pub fn follow(app: App) {
    let doubtful = StoredValue::new(HashSet::<RequestId>::new());
    Effect::new(move || {
        let settled = app.inbox.with(|inbox| {
            let inbox = inbox.as_deref().unwrap_or_default();
            let settled: Vec<(RequestView, Known)> = inbox
                .iter()
                .filter(|it| doubtful.with_value(|ids| ids.contains(&it.request_id)))
                .filter_map(|it| Some((it.clone(), known(it.phase)?)))
                .collect();
            let now = inbox.iter().filter(|it| it.phase == RequestPhase::Unknown).map(|it| it.request_id);
            doubtful.set_value(now.collect());
            settled
        });
        for (request, known) in settled {
            let is_shown = app.screen.get_untracked() == Screen::Checkout
                && app.checkout.with_untracked(|it| it.as_ref().is_some_and(|it| it.request_id == request.request_id));
            if !is_shown {
                tell(app, &request, known);
            }
        }
    });
}

fn tell(app: App, request: &RequestView, known: Known) {
    let (request_id, payee, amount) = (request.request_id, request.payee.clone(), request.amount);
    let said = move |lang: Lang| {
        let text = match known {
            Known::Paid => Text::DoubtPaid,
            Known::Undone => Text::DoubtUndone,
            Known::Over => Text::DoubtOver,
        };
        text.filled(lang, &[("amount", &format::amount_text(amount, lang)), ("payee", &payee)])
    };
    app.assertive.set(said(app.lang.get_untracked()));
    app.toasts.offer(Words::made(said), Text::DoubtSee, move || app.go(Screen::Request(request_id)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doubt_lasts_until_the_money_is_somewhere() {
        assert_eq!(known(RequestPhase::Unknown), None);
        assert_eq!(known(RequestPhase::Paying), None);
        assert_eq!(known(RequestPhase::Paid), Some(Known::Paid));
        assert_eq!(known(RequestPhase::Open), Some(Known::Undone));
        assert_eq!(known(RequestPhase::Closed), Some(Known::Over));
    }
}

//! What is being done about a payment whose outcome nobody knows yet, in steps.

use leptos::prelude::*;
use protocol::ipc::pay::Doubt;

use crate::components::progress::steps;
use crate::components::words::Words;
use crate::i18n::Text;
use crate::state::App;

/// The steps, the present one marked.
pub fn doubt_steps(app: App, doubt: Option<Doubt>) -> AnyView {
    let doubt = doubt.unwrap_or(Doubt::Asking);
    let last = match doubt {
        Doubt::Asking | Doubt::Undoing => Text::DoubtUndoing,
        Doubt::Checking => Text::DoubtChecking,
    };
    let all: Vec<Words> = [Text::DoubtSent, Text::DoubtAsking, last, Text::DoubtKnown].map(Words::from).into();
    let now = match doubt {
        Doubt::Asking => 1,
        Doubt::Undoing | Doubt::Checking => 2,
    };
    view! { <div class="doubt" data-doubt=name(doubt)>{steps(app, Text::DoubtLabel, all, move || now)}</div> }
        .into_any()
}

/// The stable word for tests.
const fn name(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Asking => "asking",
        Doubt::Undoing => "undoing",
        Doubt::Checking => "checking",
    }
}

//! Before the wallet has answered, and when it cannot open.

use leptos::prelude::*;

use crate::components::icon;
use crate::components::problem::{error_code, problem_text};
use crate::i18n::Text;
use crate::state::App;

/// The wallet is opening.
pub fn starting(app: App) -> impl IntoView {
    view! {
        <div class="centre" aria-busy="true">
            {icon::mark()}
            <h1 class="quiet-title" tabindex="-1">{app.t(Text::StartLoading)}</h1>
        </div>
    }
}

/// The wallet did not open: why, and what to do.
pub fn broken(app: App) -> impl IntoView {
    let problem = move || {
        app.start_problem.get().map(|problem| {
            view! {
                <div class="refusal">{problem_text(app, &problem)}</div>
                {error_code(app, problem.code)}
            }
        })
    };
    view! {
        <div class="centre">
            <div class="result-shape shape-bad">{icon::caution()}</div>
            <h1 tabindex="-1">{app.t(Text::StartFailed)}</h1>
            {problem}
            <button class="button button-primary" type="button" data-action="try-again" on:click=move |_| app.start()>
                {app.t(Text::ActionTryAgain)}
            </button>
        </div>
    }
}

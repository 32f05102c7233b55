//! A problem as a person reads it: what happened, whether money moved, what to do.

use leptos::prelude::*;
use protocol::error::{ErrorCode, MoneyMoved, Problem};

use crate::browser;
use crate::components::icon;
use crate::i18n::Text;
use crate::signal::RwSignal;
use crate::state::App;

/// The sentence on money, with a shape that says the same as its colour.
pub fn money_sentence(app: App, code: ErrorCode, moved: MoneyMoved) -> Option<impl IntoView> {
    let text = Text::money(code, moved)?;
    let (class, shape) = match moved {
        MoneyMoved::No => ("money money-no", icon::check().into_any()),
        MoneyMoved::Yes => ("money money-yes", icon::check().into_any()),
        MoneyMoved::Unknown => ("money money-unknown", icon::caution().into_any()),
    };
    Some(view! { <p class=class data-money=moved_name(moved)>{shape}<span>{app.t(text)}</span></p> })
}

/// The stable word for tests and reports.
pub const fn moved_name(moved: MoneyMoved) -> &'static str {
    match moved {
        MoneyMoved::No => "no",
        MoneyMoved::Yes => "yes",
        MoneyMoved::Unknown => "unknown",
    }
}

/// The last command's problem, above the screen it happened on.
pub fn problem_banner(app: App) -> impl IntoView {
    move || {
        app.problem.get().map(|problem| view! {
        <section class="banner banner-bad" role="alert" data-problem=problem.code.as_str()>
            {icon::caution()}
            <div class="banner-text">{problem_text(app, &problem)}</div>
            <button class="icon-button" type="button" data-action="close-problem" aria-label=app.t(Text::ActionClose)
                on:click=move |_| app.problem.set(None)>{icon::cross()}</button>
        </section>
    })
    }
}

/// The same where it happened, for what stands in a dialog over the screen.
pub fn problem_here(app: App, problem: RwSignal<Option<Problem>>) -> AnyView {
    let shown = move || {
        problem.get().map(|problem| {
            view! {
                <section class="banner banner-bad" role="alert" data-problem=problem.code.as_str()>
                    {icon::caution()}
                    <div class="banner-text">{problem_text(app, &problem)}</div>
                </section>
            }
        })
    };
    shown.into_any()
}

/// Title, money and next step of a problem.
pub fn problem_text(app: App, problem: &Problem) -> impl IntoView + use<> {
    view! {
        <p class="problem-title">{app.t(Text::error_title(problem.code))}</p>
        {money_sentence(app, problem.code, problem.money_moved)}
        <p class="problem-next">{app.t(Text::error_next(problem.code))}</p>
        {problem.call_id.clone().map(|call_id| view! { <p class="code quiet">{call_id}</p> })}
    }
}

/// The error's code, small, to be told to whoever helps.
pub fn error_code(app: App, code: ErrorCode) -> impl IntoView {
    let copied = RwSignal::new(None::<bool>);
    let copy = move |_| {
        leptos::task::spawn_local(async move {
            copied.try_set(Some(browser::copy(code.as_str()).await));
        });
    };
    let note = move || match copied.get() {
        None => app.t(Text::ActionCopyCode)(),
        Some(true) => app.t(Text::ActionCopied)(),
        Some(false) => app.t(Text::ActionCopyFailed)(),
    };
    view! {
        <p class="error-code">
            <code>{app.fill(Text::RefusedCode, "code", code.as_str())}</code>
            <button class="text-button" type="button" data-action="copy-code" on:click=copy>{note}</button>
        </p>
    }
}

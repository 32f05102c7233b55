//! What the merchant's screens have in common: heads, answers awaited or missing, secrets, questions.

use std::future::Future;

use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::Method;
use protocol::error::Problem;
use protocol::merchant_api::Scope;

use crate::browser;
use crate::components::dialog::{self, Dialog};
use crate::components::problem::problem_text;
use crate::components::{back_button, icon, loading_list};
use crate::i18n::Text;
use crate::merchant::till::Fetched;
use crate::signal::RwSignal;
use crate::state::App;

/// The head of a screen that is left the way it came.
pub fn head(app: App, title: Text) -> impl IntoView {
    view! {
        <header class="page-head page-head-nav">
            {back_button(app)}
            <h1 tabindex="-1" class="nav-title">{app.t(title)}</h1>
        </header>
    }
}

/// An answer of the wallet: awaited, there, or missing with a way to ask again.
pub fn fetched<T, V, R>(
    app: App,
    answer: RwSignal<Fetched<T>>,
    loading: Text,
    again: fn(App) -> R,
    draw: impl Fn(T) -> V + Copy + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + PartialEq + Send + Sync + 'static,
    V: IntoView + 'static,
    R: Future<Output = ()> + 'static,
{
    spawn_local(again(app));
    let retry = move || {
        answer.set(Fetched::Awaited);
        spawn_local(again(app));
    };
    move || match answer.get() {
        Fetched::Awaited => loading_list(app, loading).into_any(),
        Fetched::Failed(problem) => missing(app, &problem, retry).into_any(),
        Fetched::Here(answer) => draw(answer).into_any(),
    }
}

/// That nobody knows yet what became of a payment, and who has not answered.
pub const fn unknown_body(method: Option<Method>) -> Text {
    match method {
        Some(Method::Carrier) => Text::PosUnknownOperator,
        Some(Method::Card | Method::Code | Method::Alias | Method::Voucher) | None => Text::PosUnknownBody,
    }
}

/// An answer that did not come: why, and a way to ask again.
pub fn missing<R: Fn() + Copy + 'static>(app: App, problem: &Problem, retry: R) -> impl IntoView + use<R> {
    let is_online = move || app.online.get();
    view! {
        <section class="missing" role="alert" data-problem=problem.code.as_str() data-online=move || is_online().to_string()>
            {problem_text(app, problem)}
            <button class="button" type="button" data-action="ask-again" on:click=move |_| retry()>{app.t(Text::ActionTryAgain)}</button>
        </section>
    }
}

/// A secret, to be copied now: it is not shown again.
pub fn secret_note(app: App, help: Text) -> impl IntoView {
    move || {
        app.till.secret.get().map(|shown| {
            let copied = RwSignal::new(None::<bool>);
            let secret = shown.secret.clone();
            let copy = move |_| {
                let secret = secret.clone();
                spawn_local(async move {
                    copied.try_set(Some(browser::copy(&secret).await));
                });
            };
            let copy_text = move || match copied.get() {
                None => app.t(Text::SecretCopy)(),
                Some(true) => app.t(Text::ActionCopied)(),
                Some(false) => app.t(Text::ActionCopyFailed)(),
            };
            view! {
                <section class="secret" data-part="secret" aria-label=app.t(Text::SecretTitle)>
                    <p class="problem-title">{icon::key()}<span>{app.t(Text::SecretTitle)}</span></p>
                    <p class="quiet small"><bdi>{shown.owner}</bdi></p>
                    <code class="secret-text" dir="ltr" data-secret>{shown.secret}</code>
                    <p>{app.t(help)}</p>
                    <div class="actions-row">
                        <button class="button button-primary" type="button" data-action="copy-secret" on:click=copy>
                            {icon::copy()}<span role="status">{copy_text}</span>
                        </button>
                        <button class="button" type="button" data-action="hide-secret"
                            on:click=move |_| app.till.secret.set(None)>{app.t(Text::SecretDone)}</button>
                    </div>
                </section>
            }
        })
    }
}

/// The words of a question that is asked before something cannot be taken back.
#[derive(Clone, Copy)]
pub struct Question {
    /// The stable word of the button that asks.
    pub action: &'static str,
    /// The stable word of the button that does it.
    pub answer: &'static str,
    /// The button that asks.
    pub opener: Text,
    /// The question.
    pub title: Text,
    /// What it means.
    pub body: Text,
    /// The button that does it.
    pub confirm: Text,
}

/// A button that asks once more before it does what cannot be taken back.
pub fn asking_button(
    app: App,
    class: &'static str,
    question: Question,
    deed: impl Fn() + Clone + 'static,
) -> impl IntoView {
    let dialog = Dialog::new();
    let asked = dialog::Question {
        action: question.answer,
        title: question.title.into(),
        body: question.body.into(),
        confirm: question.confirm.into(),
    };
    view! {
        <button class=class type="button" data-action=question.action disabled=move || app.busy.get()
            on:click=move |_| dialog.open()>{app.t(question.opener)}</button>
        {dialog::question(app, dialog, asked, deed)}
    }
}

/// A named fact in a list of facts.
pub fn fact(app: App, name: Text, value: impl IntoView + 'static) -> impl IntoView {
    view! { <div class="fact"><dt>{app.t(name)}</dt><dd>{value}</dd></div> }
}

/// What a scope lets somebody do.
pub const fn scope_text(scope: Scope) -> Text {
    match scope {
        Scope::RequestsRead => Text::ScopeRequestsRead,
        Scope::RequestsWrite => Text::ScopeRequestsWrite,
        Scope::RefundsWrite => Text::ScopeRefundsWrite,
        Scope::WebhooksWrite => Text::ScopeWebhooksWrite,
        Scope::AccessWrite => Text::ScopeAccessWrite,
    }
}

/// Scopes by what they allow, one a line.
pub fn scope_list(app: App, scopes: &[Scope]) -> impl IntoView + use<> {
    let lines = scopes.iter().map(|scope| view! { <li>{app.t(scope_text(*scope))}</li> }).collect::<Vec<_>>();
    view! { <ul class="scopes quiet small">{lines}</ul> }
}

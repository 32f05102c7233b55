//! What stands between a person and a request they did not expect: a new sender, or a link from outside.
//!
//! Nothing here pays. What came by itself from a new sender goes on only with the payer's consent to that sender.

use leptos::prelude::*;
use payment::RequestId;
use protocol::ipc::RequestView;

use crate::components::{back_button, icon, verified_badge};
use crate::i18n::Text;
use crate::pages::request::report::report_dialog;
use crate::pages::request::{block_dialog, gone, refuse_dialog};
use crate::place::Screen;
use crate::state::App;

/// A sender this wallet has never dealt with.
pub fn first_contact(app: App, request_id: RequestId) -> impl IntoView {
    move || match app.request(request_id) {
        Some(request) => introduction(app, &request, Text::FirstTitle, Text::FirstBody).into_any(),
        None => gone(app).into_any(),
    }
}

/// A link from outside the window brought a request.
pub fn link_opened(app: App, request_id: RequestId) -> impl IntoView {
    move || match app.request(request_id) {
        Some(request) if request.first_contact || request.new_sender => {
            introduction(app, &request, Text::FirstTitle, Text::FirstBody).into_any()
        }
        Some(request) => {
            let body = app.fill(Text::LinkedBody, "payee", request.payee.clone());
            let payee = request.payee.clone();
            view! {
                <header class="page-head page-head-nav">{back_button(app)}</header>
                <div class="centre">
                    <div class="result-shape">{icon::link()}</div>
                    <h1 tabindex="-1">{app.t(Text::LinkedTitle)}</h1>
                    <p class="payee-line"><bdi class="payee">{payee}</bdi>{verified_badge(app, Text::RequestVerified)}</p>
                    <p class="quiet">{body}</p>
                    <div class="actions">
                        {show_button(app, request_id)}
                        <button class="button" type="button" data-action="not-now" on:click=move |_| app.go(Screen::Inbox)>
                            {app.t(Text::LinkedLater)}
                        </button>
                    </div>
                </div>
            }.into_any()
        }
        None => gone(app).into_any(),
    }
}

fn introduction(app: App, request: &RequestView, title: Text, body: Text) -> impl IntoView + use<> {
    let request_id = request.request_id;
    view! {
        <header class="page-head page-head-nav">{back_button(app)}</header>
        <div class="centre">
            <div class="result-shape">{icon::requests()}</div>
            <h1 tabindex="-1">{app.fill(title, "payee", request.payee.clone())}</h1>
            <p class="payee-line">{verified_badge(app, Text::RequestVerified)}</p>
            <p class="quiet">{app.t(body)}</p>
            {request.new_sender.then(|| view! { <p class="quiet small">{app.t(Text::FirstAcceptHelp)}</p> })}
            <div class="actions">
                {if request.new_sender { accept_button(app, request_id).into_any() } else { show_button(app, request_id).into_any() }}
                {refuse_dialog(app, request_id, request.payee.clone())}
                <div class="actions-row actions-quiet">
                    {block_dialog(app, request_id, request.payee.clone())}
                    {report_dialog(app, request_id, request.payee.clone())}
                </div>
            </div>
        </div>
    }
}

/// What came by itself can be looked at further only once its sender is accepted.
fn accept_button(app: App, request_id: RequestId) -> impl IntoView {
    view! {
        <button class="button button-primary" type="button" data-action="show-request" disabled=move || app.busy.get()
            on:click=move |_| app.accept_sender(request_id)>
            {app.t(Text::FirstAccept)}
        </button>
    }
}

fn show_button(app: App, request_id: RequestId) -> impl IntoView {
    view! {
        <button class="button button-primary" type="button" data-action="show-request"
            on:click=move |_| app.open_introduced(request_id)>
            {app.t(Text::FirstShow)}
        </button>
    }
}

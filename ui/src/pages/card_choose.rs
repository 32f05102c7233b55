//! The card holds several applications; the person chooses one (EMV Book 1, section 12.4). Nothing of it is kept.

use leptos::prelude::*;
use protocol::ipc::{ApplicationView, CheckoutStage};

use crate::components::{back_button, icon, stop_button};
use crate::i18n::Text;
use crate::pages::card::paying_line;
use crate::signal::Memo;
use crate::state::App;

/// The screen.
pub fn page(app: App) -> impl IntoView {
    let applications = Memo::new(move |_| {
        app.checkout.with(|checkout| match checkout.as_ref().map(|it| &it.progress) {
            Some(CheckoutStage::Choose { applications }) => applications.clone(),
            _ => Vec::new(),
        })
    });
    let rows = move || {
        let applications = applications.get().into_iter().enumerate();
        applications.map(|(index, application)| row(app, index, application)).collect_view()
    };
    view! {
        <header class="page-head page-head-nav">{back_button(app)}{paying_line(app)}</header>
        <div class="centre checkout">
            <h1 tabindex="-1" id="choose-title">{app.t(Text::ChooseTitle)}</h1>
            <p class="quiet" id="choose-body">{app.t(Text::ChooseBody)}</p>
            <ul class="rows rows-boxed" role="list" aria-labelledby="choose-title" aria-describedby="choose-body">{rows}</ul>
            {stop_button(app)}
        </div>
    }
}

fn row(app: App, index: usize, application: ApplicationView) -> impl IntoView {
    view! {
        <li>
            <button class="row" type="button" data-action="choose-application" data-index=index
                disabled=move || app.busy.get() on:click=move |_| app.choose_application(index)>
                {icon::card()}
                <span class="row-main">
                    <bdi class="row-title">{application.label}</bdi>
                    <span class="quiet small">{app.t(Text::scheme(&application.scheme))}</span>
                </span>
                {icon::chevron()}
            </button>
        </li>
    }
}

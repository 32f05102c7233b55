//! The card holds several applications; the person chooses one (EMV Book 1, section 12.4).

use leptos::prelude::*;
use protocol::ipc::CheckoutStage;

use crate::components::{back_button, icon};
use crate::i18n::Text;
use crate::pages::card::paying_line;
use crate::state::App;

/// The screen.
pub fn page(app: App) -> impl IntoView {
    let applications = move || {
        app.checkout.with(|checkout| match checkout.as_ref().map(|it| &it.progress) {
            Some(CheckoutStage::Choose { applications }) => applications.clone(),
            _ => Vec::new(),
        })
    };
    let rows = move || {
        applications()
            .into_iter()
            .enumerate()
            .map(|(index, application)| {
                view! {
                    <li>
                        <button class="row" type="button" data-action="choose-application" data-index=index
                            disabled=move || app.busy.get() on:click=move |_| app.choose_application(index)>
                            {icon::card()}
                            <span class="row-main">
                                <bdi class="row-title">{application.label}</bdi>
                                <span class="quiet small">{application.scheme}</span>
                            </span>
                            {icon::chevron()}
                        </button>
                    </li>
                }
            })
            .collect_view()
    };
    view! {
        <header class="page-head page-head-nav">{back_button(app)}{paying_line(app)}</header>
        <div class="centre checkout">
            <h1 tabindex="-1">{app.t(Text::ChooseTitle)}</h1>
            <p class="quiet">{app.t(Text::ChooseBody)}</p>
            <ul class="rows rows-boxed">{rows}</ul>
        </div>
    }
}

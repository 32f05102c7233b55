//! The business: who is paid, where, and what belongs to it.

use leptos::prelude::*;
use payment::Method;
use protocol::ipc::merchant::MerchantView;
use protocol::merchant_api::Scope;

use super::parts::{Question, asking_button, fact, head};
use crate::components::icon;
use crate::i18n::Text;
use crate::merchant::place::SellScreen;
use crate::methods;
use crate::place::Screen;
use crate::state::App;

/// The screen.
pub fn page(app: App) -> impl IntoView {
    move || {
        app.till.merchant.get().map(|merchant| {
            view! {
                {head(app, Text::BusinessTitle)}
                <div class="settings">
                    {links(app)}
                    {facts(app, &merchant)}
                    <div class="actions">{asking_button(app, "text-button", DISCONNECT, move || app.disconnect_till())}</div>
                </div>
            }
        })
    }
}

const DISCONNECT: Question = Question {
    action: "disconnect",
    answer: "confirm-disconnect",
    opener: Text::BusinessDisconnect,
    title: Text::BusinessDisconnectTitle,
    body: Text::BusinessDisconnectBody,
    confirm: Text::BusinessDisconnect,
};

fn links(app: App) -> impl IntoView {
    let link = move |screen: SellScreen, action: &'static str, text: Text, help: Text, shape: AnyView| {
        view! {
            <li>
                <button class="row" type="button" data-action=action on:click=move |_| app.sell(screen)>
                    {shape}
                    <span class="row-main"><span class="row-title">{app.t(text)}</span><span class="quiet small">{app.t(help)}</span></span>
                    {icon::chevron()}
                </button>
            </li>
        }
    };
    let webhooks = app.till.may(Scope::WebhooksWrite).then(|| {
        link(SellScreen::Webhooks, "webhooks", Text::WebhooksTitle, Text::WebhooksHelp, icon::hook().into_any())
    });
    let access = app
        .till
        .may(Scope::AccessWrite)
        .then(|| link(SellScreen::Access, "keys", Text::AccessTitle, Text::AccessHelp, icon::key().into_any()));
    view! {
        <ul class="rows rows-boxed">
            {link(SellScreen::Day, "day", Text::DayTitle, Text::DayHelp, icon::day().into_any())}
            {link(SellScreen::Counters, "counters", Text::CountersTitle, Text::CountersHelp, icon::code().into_any())}
            {link(SellScreen::Catalogue, "catalogue", Text::CatalogueTitle, Text::CatalogueHelp, icon::sell().into_any())}
            {link(SellScreen::Vouchers, "vouchers", Text::VouchersTitle, Text::VouchersHelp, methods::shape(Method::Voucher))}
            {webhooks}
            {access}
        </ul>
    }
}

fn facts(app: App, merchant: &MerchantView) -> impl IntoView + use<> {
    let text = |text: &str| view! { <bdi>{text.to_owned()}</bdi> };
    view! {
        <section class="group" aria-labelledby="business-facts">
            <h2 id="business-facts">{app.t(Text::BusinessFacts)}</h2>
            <dl class="facts">
                {fact(app, Text::BusinessName, text(&merchant.display_name))}
                {fact(app, Text::BusinessId, text(&merchant.merchant_id))}
                {fact(app, Text::BusinessCurrencies, text(&merchant.currencies.join(", ")))}
                {fact(app, Text::SettingsServer, text(&merchant.server))}
            </dl>
        </section>
    }
}

/// The settings' way to all this, as a line of their list.
pub fn take_payments(app: App) -> impl IntoView {
    let name = move || app.till.merchant.with(|it| it.as_ref().map(|it| it.display_name.clone()));
    let (title, help) = (
        move || name().unwrap_or_else(|| app.t(Text::SellTake)().to_owned()),
        move || app.t(if app.till.is_till() { Text::SellTakeHere } else { Text::SellTakeHelp })(),
    );
    let go = move |_| {
        if app.till.is_till() {
            app.sell(SellScreen::Business);
        } else {
            app.go(Screen::Sell(SellScreen::Connect));
        }
    };
    view! {
        <li>
            <button class="row" type="button" data-action="take-payments" on:click=go>
                {icon::shop()}
                <span class="row-main"><bdi class="row-title">{title}</bdi><span class="quiet small">{help}</span></span>
                {icon::chevron()}
            </button>
        </li>
    }
}

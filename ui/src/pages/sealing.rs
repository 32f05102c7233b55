//! From the last PIN digit to the bank's answer: two squares close, and the stage is named.

use leptos::prelude::*;
use protocol::ipc::{CardStay, CheckoutStage};

use crate::components::icon;
use crate::components::seal_picture::{SealStage, seal_picture};
use crate::confirmation::Confirmation;
use crate::i18n::Text;
use crate::pages::card::paying_line;
use crate::signal::Memo;
use crate::state::App;

/// The screen. There is no way back from here, and none is offered.
pub fn page(app: App) -> impl IntoView {
    let stage = Memo::new(move |_| {
        app.checkout.with(|checkout| match checkout.as_ref().map(|it| &it.progress) {
            Some(CheckoutStage::Sending) => SealStage::Outer,
            Some(CheckoutStage::AskingBank) => SealStage::Bank,
            _ => SealStage::Inner,
        })
    });
    let method = Memo::new(move |_| {
        app.checkout.with(|checkout| checkout.as_ref().map_or(payment::Method::Card, |checkout| checkout.method))
    });
    let is_bill = move || method.get() == payment::Method::Carrier;
    let name = move || {
        app.t(match stage.get() {
            SealStage::Inner => Text::SealSealing,
            SealStage::Outer => Text::SealSending,
            SealStage::Bank if is_bill() => Text::BillAsking,
            SealStage::Bank => Text::SealBank,
        })()
    };
    let body = move || {
        app.t(match stage.get() {
            SealStage::Inner if app.confirmation.get() == Confirmation::OnDevice => Text::SealSealingDeviceBody,
            SealStage::Inner => match method.get() {
                payment::Method::Card => Text::SealSealingBody,
                payment::Method::Alias => Text::SealAliasBody,
                payment::Method::Carrier => Text::BillSealBody,
                payment::Method::Code | payment::Method::Voucher => Text::SealMeansBody,
            },
            SealStage::Outer => Text::SealSendingBody,
            SealStage::Bank if is_bill() => Text::BillAskingBody,
            SealStage::Bank => Text::SealBankBody,
        })()
    };
    view! {
        <header class="page-head page-head-nav">{paying_line(app)}</header>
        <div class="centre checkout" aria-busy="true">
            <h1 class="unseen" tabindex="-1">{app.t(Text::SealTitle)}</h1>
            {seal_picture(move || stage.get())}
            <p class="stage-name" data-part="stage">{name}</p>
            <p class="quiet">{body}</p>
            {move || note(app, app.confirmation.get())}
        </div>
    }
}

/// What the person did, or still has to: a device that confirmed by itself, a card that stays in the slot.
fn note(app: App, confirmation: Confirmation) -> Option<impl IntoView> {
    let (name, shape, text) = match confirmation {
        Confirmation::OnDevice => ("on-device", icon::check().into_any(), Text::SealOnDevice),
        Confirmation::Pin(CardStay::ShouldStay) => ("leave-card", icon::card().into_any(), Text::SealLeaveCard),
        Confirmation::Pin(CardStay::MayGo) | Confirmation::AtCard | Confirmation::Unseen => return None,
    };
    Some(
        view! { <p class="card-stay card-stay-in" data-part="confirmation" data-confirmation=name>{shape}<span>{app.t(text)}</span></p> },
    )
}

//! A card or a reader failed before anything was sent: what happened, that no money moved, and the one thing to do.

use leptos::prelude::*;
use payment::RequestId;
use protocol::error::ErrorCode;
use protocol::ipc::{CardGesture, CheckoutStage};

use crate::components::problem::{error_code, money_sentence, moved_name};
use crate::components::reader_picker::{reader_list, reader_picker};
use crate::components::{back_button, icon};
use crate::i18n::Text;
use crate::pages::card::{guidance_list, paying_line, pays_by_voucher};
use crate::place::Screen;
use crate::remedy::{Remedy, is_reader_s};
use crate::signal::Memo;
use crate::state::App;

/// What failed, and for which request.
#[derive(Clone, Copy, PartialEq)]
struct Failure {
    request_id: RequestId,
    code: ErrorCode,
    came: Option<CardGesture>,
}

/// A checkout that ended this way.
pub fn ended(app: App) -> impl IntoView {
    let failure = Memo::new(move |_| {
        app.checkout.with(|checkout| {
            let checkout = checkout.as_ref()?;
            match checkout.progress {
                CheckoutStage::Refused { code, .. } => {
                    Some(Failure { request_id: checkout.request_id, code, came: checkout.gesture })
                }
                _ => None,
            }
        })
    });
    move || failure.get().map(|failure| sheet(app, failure, move || app.leave_checkout()))
}

/// A checkout that could not even start.
pub fn not_started(app: App, request_id: RequestId, code: ErrorCode) -> impl IntoView {
    sheet(app, Failure { request_id, code, came: None }, move || app.go(Screen::Request(request_id)))
}

fn sheet(app: App, failure: Failure, leave: impl Fn() + 'static) -> impl IntoView {
    let Failure { request_id, code, came } = failure;
    let remedy =
        Memo::new(move |_| app.readers.with(|readers| Remedy::of(code, came, readers.as_deref().unwrap_or_default())));
    let has_readers = Memo::new(move |_| app.readers.with(|readers| readers.as_ref().is_some_and(|it| !it.is_empty())));
    // Beside a voucher a card is waited for at every reader.
    let by_voucher = pays_by_voucher(app);
    let shape = if is_reader_s(code) { icon::reader().into_any() } else { icon::card().into_any() };
    view! {
        <header class="page-head page-head-nav">{back_button(app)}{paying_line(app)}</header>
        <div class="centre result card-error" data-code=code.as_str() data-money=moved_name(code.money_moved())
            data-remedy=move || remedy.get().map(Remedy::name)>
            <div class="result-shape shape-wait">{shape}</div>
            <h1 tabindex="-1" class="result-title">{app.t(Text::error_title(code))}</h1>
            {money_sentence(app, code, code.money_moved())}
            <p class="problem-next">{app.t(Text::error_next(code))}</p>
            {(code == ErrorCode::NoReader).then(|| guidance_list(app))}
            {move || (has_readers.get() && !by_voucher.get()).then(|| readers_of(app, remedy.get()))}
            <div class="actions actions-bottom">
                {move || remedy.get().and_then(|remedy| action(app, request_id, remedy))}
                <button class="text-button" type="button" data-action="leave" on:click=move |_| leave()>
                    {app.t(Text::CardLeave)}
                </button>
            </div>
            {error_code(app, code)}
        </div>
    }
}

/// The readers: open where choosing one is the thing to do, folded where it may help.
fn readers_of(app: App, remedy: Option<Remedy>) -> AnyView {
    match remedy {
        Some(Remedy::OtherReader) => view! {
            <section class="readers-open" aria-labelledby="other-reader">
                <h2 id="other-reader" class="group-title">{app.t(Text::CardOtherReader)}</h2>
                {reader_list(app)}
            </section>
        }
        .into_any(),
        Some(Remedy::SameCard | Remedy::AnotherCard | Remedy::InsertInstead | Remedy::LookAgain) => {
            reader_picker(app).into_any()
        }
        Some(Remedy::Elsewhere) | None => ().into_any(),
    }
}

fn action(app: App, request_id: RequestId, remedy: Remedy) -> Option<impl IntoView> {
    let text = remedy.action()?;
    // Where another reader is to be chosen, the list above is the one action.
    let is_primary = remedy != Remedy::OtherReader;
    Some(view! {
        <button class="button button-large" class:button-primary=is_primary type="button" data-action="try-again"
            disabled=move || app.busy.get() on:click=move |_| app.remedy(request_id, remedy)>{app.t(text)}</button>
    })
}

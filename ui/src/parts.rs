//! The screens in parts: the module holds what the requests are shown with, and every other part is a module of its
//! own, loaded when the first of its screens is gone to.
//!
//! **Invariant:** only the functions at the end of this file name the screens of a part. A part's screen that was named
//! elsewhere would be in the first module too.

use std::future::Future;
use std::pin::Pin;

use futures::FutureExt as _;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_split::{SplitLoaderError, wasm_split};

use crate::components::icon;
use crate::i18n::Text;
use crate::pages;
use crate::place::Place;
use crate::signal::RwSignal;
use crate::state::App;

/// A part could not be loaded; the browser's console says why.
#[derive(Clone, Copy, Debug)]
struct NotLoaded;

impl From<SplitLoaderError> for NotLoaded {
    fn from(_: SplitLoaderError) -> Self {
        Self
    }
}

/// What a part draws, or will.
type Drawing = Pin<Box<dyn Future<Output = Result<AnyView, NotLoaded>>>>;
/// What loads a part.
type Load = fn() -> Pin<Box<dyn Future<Output = Result<(), SplitLoaderError>>>>;

/// How far a load is that a screen waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Loading {
    Awaited,
    Here,
    Failed,
}

/// What is shown at a place.
pub fn page(app: App, place: Place) -> AnyView {
    match place {
        Place::Starting => pages::start::starting(app).into_any(),
        Place::Broken => pages::start::broken(app).into_any(),
        Place::Inbox => pages::inbox::page(app).into_any(),
        Place::Lock => pages::lock::page(app).into_any(),
        Place::Numbers | Place::History | Place::Receipt(_) | Place::Verify => {
            shown(app, move || Box::pin(records(app, place)), || Box::pin(load_records()))
        }
        Place::LockForgotten | Place::FirstRun(_) | Place::Settings | Place::SettingsPage(_) | Place::ReaderTest => {
            shown(app, move || Box::pin(settings(app, place)), || Box::pin(load_settings()))
        }
        Place::Sell(_) => shown(app, move || Box::pin(selling(app, place)), || Box::pin(load_selling())),
        _ => shown(app, move || Box::pin(paying(app, place)), || Box::pin(load_paying())),
    }
}

/// The history beside what was chosen of it.
pub fn history_aside(app: App) -> AnyView {
    shown(app, move || Box::pin(records_aside(app)), || Box::pin(load_records_aside()))
}

/// The settings beside one of their pages.
pub fn settings_aside(app: App) -> AnyView {
    shown(app, move || Box::pin(settings_list_aside(app)), || Box::pin(load_settings_list_aside()))
}

/// The sales beside one of them.
pub fn sales_aside(app: App) -> AnyView {
    shown(app, move || Box::pin(selling_aside(app)), || Box::pin(load_selling_aside()))
}

/// Loads the part that pays: somebody who looks at the requests is about to.
pub fn expect_payment() {
    // A failure comes again when the part is needed, and is shown then.
    spawn_local(async { drop(load_paying().await) });
}

/// What the part draws, once it is there. `loads` is that of the same function: each remembers by itself whether its
/// part came, and another's would end at once, for ever again.
fn shown(app: App, draw: impl Fn() -> Drawing + Send + 'static, loads: Load) -> AnyView {
    if let Some(Ok(view)) = draw().now_or_never() {
        return view;
    }
    let loading = RwSignal::new(Loading::Awaited);
    load(app, loads, loading);
    let now = move || match loading.get() {
        Loading::Awaited => view! { <div class="centre" aria-busy="true"></div> }.into_any(),
        Loading::Here => draw().now_or_never().and_then(Result::ok).unwrap_or_else(|| missing(app, loads, loading)),
        Loading::Failed => missing(app, loads, loading),
    };
    now.into_any()
}

/// Loads a part that a screen waits for, which may be gone when it comes.
fn load(app: App, loads: Load, loading: RwSignal<Loading>) {
    spawn_local(async move {
        let came = if loads().await.is_ok() { Loading::Here } else { Loading::Failed };
        if loading.try_set(came).is_none() {
            request_animation_frame(move || app.focus_screen());
        }
    });
}

/// A part that did not come, and asking for it again.
fn missing(app: App, loads: Load, loading: RwSignal<Loading>) -> AnyView {
    let again = move |_| {
        loading.set(Loading::Awaited);
        load(app, loads, loading);
    };
    view! {
        <div class="centre">
            <div class="result-shape shape-bad">{icon::caution()}</div>
            <h1 tabindex="-1">{app.t(Text::StartPartMissing)}</h1>
            <p class="quiet">{app.t(Text::StartPartMissingBody)}</p>
            <button class="button button-primary" type="button" data-action="try-again" on:click=again>
                {app.t(Text::ActionTryAgain)}
            </button>
        </div>
    }
    .into_any()
}

/// A request, and paying it.
#[wasm_split(paying, wasm_split_path = ::leptos::wasm_split, preload(load_paying), fallible)]
fn paying(app: App, place: Place) -> Result<AnyView, NotLoaded> {
    Ok(match place {
        Place::FirstContact(request_id) => pages::introduction::first_contact(app, request_id).into_any(),
        Place::LinkOpened(request_id) => pages::introduction::link_opened(app, request_id).into_any(),
        Place::Request(request_id) => pages::request::page(app, request_id).into_any(),
        Place::PayAlias(request_id) => pages::alias::page(app, request_id).into_any(),
        Place::PayCode(request_id) => pages::code::page(app, request_id).into_any(),
        Place::PayVoucher(request_id) => pages::voucher::page(app, request_id).into_any(),
        Place::BillEnrol(request_id) => pages::bill_enrol::page(app, request_id),
        Place::Card => pages::card::page(app).into_any(),
        Place::CardChoose => pages::card_choose::page(app).into_any(),
        Place::CardError => pages::card_error::ended(app).into_any(),
        Place::CardProblem(request_id, code) => pages::card_error::not_started(app, request_id, code).into_any(),
        Place::Pin => pages::pin::page(app).into_any(),
        Place::Sealing => pages::sealing::page(app).into_any(),
        Place::Paid => pages::paid::page(app).into_any(),
        Place::Unknown => pages::unknown::page(app).into_any(),
        Place::Refused => pages::refused::page(app).into_any(),
        _ => ().into_any(),
    })
}

/// What was paid, and the payment numbers.
#[wasm_split(records, wasm_split_path = ::leptos::wasm_split, preload(load_records), fallible)]
fn records(app: App, place: Place) -> Result<AnyView, NotLoaded> {
    Ok(match place {
        Place::Numbers => pages::numbers::page(app).into_any(),
        Place::Receipt(attempt_id) => pages::receipt::page(app, attempt_id).into_any(),
        Place::Verify => pages::verify::page(app).into_any(),
        _ => pages::history::page(app).into_any(),
    })
}

#[wasm_split(records, wasm_split_path = ::leptos::wasm_split, preload(load_records_aside), fallible)]
fn records_aside(app: App) -> Result<AnyView, NotLoaded> {
    Ok(pages::history::aside(app).into_any())
}

/// The settings, and what is set when there are none yet.
#[wasm_split(settings, wasm_split_path = ::leptos::wasm_split, preload(load_settings), fallible)]
fn settings(app: App, place: Place) -> Result<AnyView, NotLoaded> {
    Ok(match place {
        Place::LockForgotten => pages::lock::forgotten::page(app).into_any(),
        Place::FirstRun(step) => pages::first_run::page(app, step).into_any(),
        Place::SettingsPage(page) => pages::settings::page(app, page),
        Place::ReaderTest => pages::reader_test::page(app).into_any(),
        _ => pages::settings::list(app).into_any(),
    })
}

#[wasm_split(settings, wasm_split_path = ::leptos::wasm_split, preload(load_settings_list_aside), fallible)]
fn settings_list_aside(app: App) -> Result<AnyView, NotLoaded> {
    Ok(pages::settings::aside(app).into_any())
}

/// The merchant's screens.
#[wasm_split(selling, wasm_split_path = ::leptos::wasm_split, preload(load_selling), fallible)]
fn selling(app: App, place: Place) -> Result<AnyView, NotLoaded> {
    Ok(match place {
        Place::Sell(place) => pages::merchant::page(app, place),
        _ => ().into_any(),
    })
}

#[wasm_split(selling, wasm_split_path = ::leptos::wasm_split, preload(load_selling_aside), fallible)]
fn selling_aside(app: App) -> Result<AnyView, NotLoaded> {
    Ok(pages::merchant::sales::aside(app).into_any())
}

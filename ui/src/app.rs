//! The frame around every screen: navigation, list beside detail, focus, keys, announcements.

use std::time::Duration;

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::shell::{OnScreen, ScreenHolds};
use protocol::ipc::{Contrast, Theme};
use wasm_bindgen::JsValue;

use crate::browser;
use crate::components::message::toast_place;
use crate::components::problem::problem_banner;
use crate::components::{empty_state, icon};
use crate::doubts;
use crate::feedback;
use crate::format;
use crate::i18n::Text;
use crate::ipc::invoke;
use crate::merchant::place::SellScreen;
use crate::merchant::{herald, keys};
use crate::outside;
use crate::pages;
use crate::parts;
use crate::phase::PhaseView as _;
use crate::place::{Place, Screen, Section};
use crate::signal::{Memo, RwSignal};
use crate::state::App;

/// How often shown times move on.
const TICK: Duration = Duration::from_secs(1);
/// How long after a frame was asked for it is on the display for sure.
const AFTER_PAINT: Duration = Duration::from_millis(50);

/// Everything in the window, beginning with the first look that the page asked for.
pub fn shell(look: JsValue) -> impl IntoView {
    let app = App::new();
    app.start_with(look);
    app.announce();
    app.follow_confirmation();
    app.follow_readers();
    app.follow_history();
    app.follow_presence();
    herald::follow(app);
    feedback::follow(app);
    doubts::follow(app);
    outside::follow(app);
    set_interval(move || app.tick(), TICK);
    follow_settings(app);
    follow_place(app);
    follow_secrets(app);
    follow_requests(app);
    window_event_listener(leptos::ev::keydown, move |event| on_key(app, &event));
    let layout = move || layout_of(app.place.get());
    view! {
        <div class="shell" data-layout=layout>
            {navigation(app)}
            <div class="content">
                {offline_banner(app)}
                {pages::settings::ended_banner(app)}
                <div class="panes">
                    {list_pane(app)}
                    <main class="pane pane-main" data-screen=move || app.place.get().id()
                        data-stage=move || app.stage()>
                        {problem_banner(app)}
                        {move || parts::page(app, app.place.get())}
                    </main>
                </div>
            </div>
            {toast_place(app)}
            <p class="unseen" role="status" aria-live="polite" data-live="polite">{move || app.polite.get()}</p>
            <p class="unseen" role="alert" aria-live="assertive" data-live="assertive">{move || app.assertive.get()}</p>
        </div>
    }
}

/// How the window is divided; the style sheet decides by its width what that means.
const fn layout_of(place: Place) -> &'static str {
    if let Place::Sell(place) = place {
        return place.layout();
    }
    match place.section() {
        None => "focus",
        Some(_) if place.is_top() => "list",
        Some(_) => "detail",
    }
}

/// The list beside the detail, in wide windows. In narrow ones only the main pane is there.
fn list_pane(app: App) -> impl IntoView {
    let section = Memo::new(move |_| app.place.get().section());
    let is_top = Memo::new(move |_| app.place.get().is_top());
    // The merchant's screens that are neither a list nor chosen from one stand alone.
    let has_side = Memo::new(move |_| matches!(layout_of(app.place.get()), "list" | "detail"));
    move || match (section.get().filter(|_| has_side.get()), is_top.get()) {
        (Some(Section::Requests), false) => Some(pages::inbox::aside(app).into_any()),
        (Some(Section::History), false) => Some(parts::history_aside(app)),
        (Some(Section::Requests), true) => Some(placeholder(app, Text::InboxChoose, Text::InboxChooseBody).into_any()),
        (Some(Section::History), true) => {
            Some(placeholder(app, Text::HistoryChoose, Text::HistoryChooseBody).into_any())
        }
        (Some(Section::Sales), true) => Some(placeholder(app, Text::SalesChoose, Text::SalesChooseBody).into_any()),
        (Some(Section::Sales), false) => Some(parts::sales_aside(app)),
        (Some(Section::Settings), true) => {
            Some(placeholder(app, Text::SettingsChoose, Text::SettingsChooseBody).into_any())
        }
        (Some(Section::Settings), false) => Some(parts::settings_aside(app)),
        (Some(Section::Sell) | None, _) => None,
    }
}

fn placeholder(app: App, title: Text, body: Text) -> impl IntoView {
    view! { <aside class="pane pane-side pane-empty" aria-label=app.t(title)>{empty_state(app, title, body)}</aside> }
}

fn navigation(app: App) -> impl IntoView {
    let waiting = Memo::new(move |_| {
        app.inbox.with(|inbox| inbox.iter().flatten().filter(|request| request.phase.is_payable()).count())
    });
    let item = move |section: Section, screen: Screen, action: &'static str, text: Text, shape: AnyView| {
        let is_here = move || app.place.get().section() == Some(section);
        view! {
            <button class="nav-item" type="button" data-action=action aria-current=move || is_here().then_some("page")
                on:click=move |_| match screen {
                    Screen::Sell(SellScreen::Keypad) => app.next_sale(),
                    Screen::Sell(screen) => app.sell(screen),
                    _ => app.go(screen),
                }>
                {shape}<span>{app.t(text)}</span>
            </button>
        }
    };
    view! {
        <nav class="nav" aria-label=app.t(Text::NavLabel)>
            <div class="nav-brand" aria-hidden="true">{icon::mark()}<span>{app.t(Text::AppName)}</span></div>
            {move || app.till.is_till().then(|| view! {
                {item(Section::Sell, Screen::Sell(SellScreen::Keypad), "sell", Text::NavSell, icon::sell().into_any())}
                {item(Section::Sales, Screen::Sell(SellScreen::Sales), "sales", Text::NavSales, icon::sales().into_any())}
            })}
            {item(Section::Requests, Screen::Inbox, "inbox", Text::NavRequests, icon::requests().into_any())}
            {item(Section::History, Screen::History, "history", Text::NavHistory, icon::history().into_any())}
            {item(Section::Settings, Screen::Settings, "settings", Text::NavSettings, icon::settings().into_any())}
            <span class="nav-count" hidden=move || waiting.get() == 0 aria-hidden="true">{move || waiting.get()}</span>
        </nav>
    }
}

fn offline_banner(app: App) -> impl IntoView {
    let is_offline = Memo::new(move |_| !app.online.get() && app.place.get().section().is_some());
    // As of when what is shown was true.
    let since_ms = Memo::new(move |before: Option<&Option<u64>>| {
        let known = before.copied().flatten();
        (!app.online.get()).then(|| known.unwrap_or_else(|| app.now_ms.get_untracked()))
    });
    let title = move || {
        let time = since_ms.get().map(|at_ms| format::time_of_day(at_ms, app.lang.get()));
        Text::OfflineSince.filled(app.lang.get(), &[("time", &time.unwrap_or_default())])
    };
    move || {
        is_offline.get().then(|| {
            view! {
                <section class="banner banner-offline" role="status" data-banner="offline">
                    {icon::offline()}
                    <div class="banner-text">
                        <p class="problem-title">{title}</p>
                        <p class="problem-next">{app.t(Text::OfflineBody)}</p>
                    </div>
                </section>
            }
        })
    }
}

fn follow_settings(app: App) {
    let system_wants_more = RwSignal::new(false);
    browser::follow_media("(prefers-contrast: more)", move |holds| system_wants_more.set(holds));
    Effect::new(move || {
        browser::set_root("lang", Some(app.lang.get().tag()));
        let settings = app.status.with(|status| status.as_ref().map(|status| status.settings)).unwrap_or_default();
        browser::set_root(
            "data-theme",
            match settings.theme {
                Theme::System => None,
                Theme::Light => Some("light"),
                Theme::Dark => Some("dark"),
            },
        );
        let wants_more = match settings.contrast {
            Contrast::System => system_wants_more.get(),
            Contrast::More => true,
        };
        browser::set_root("data-contrast", wants_more.then_some("more"));
    });
}

/// Moves the focus to a new screen's heading, as a page load would. What a start ends with is there at once, and does not
/// arrive: only what is gone to from there moves.
fn follow_place(app: App) {
    Effect::new(move |before: Option<Place>| {
        let place = app.place.get();
        if place != Place::Starting && before != Some(place) {
            if before.is_some_and(|before| before != Place::Starting) {
                browser::set_root("data-moves", Some(""));
            }
            request_animation_frame(move || {
                browser::scroll_to_top(".content");
                app.focus_screen();
            });
        }
        place
    });
}

/// Loads what pays as soon as the requests are painted.
fn follow_requests(app: App) {
    Effect::new(move |before: Option<bool>| {
        let are_shown = app.place.get() == Place::Inbox && app.inbox.with(Option::is_some);
        if are_shown && before != Some(true) {
            request_animation_frame(move || set_timeout(parts::expect_payment, AFTER_PAINT));
        }
        are_shown || before == Some(true)
    });
}

/// Says when a secret is typed on a page, so that a phone keeps the page out of recordings.
fn follow_secrets(app: App) {
    let types_secret = Memo::new(move |_| app.place.get().types_secret());
    Effect::new(move |before: Option<bool>| {
        let types_secret = types_secret.get();
        if before.unwrap_or_default() != types_secret {
            let holds = if types_secret { OnScreen::Secret } else { OnScreen::Plain };
            // A wallet that was locked meanwhile knows by itself that nothing is typed.
            spawn_local(async move { drop(invoke(ScreenHolds { holds }).await) });
        }
        types_secret
    });
}

/// Escape goes back, unless a dialog is open, which Escape closes. At a till the other keys mean something too.
fn on_key(app: App, event: &KeyboardEvent) {
    if app.is_lock_key(event) {
        return;
    }
    keys::on_key(app, event);
    if event.key() == "Escape" && !event.default_prevented() && !browser::is_there("dialog[open]") {
        app.back();
    }
}

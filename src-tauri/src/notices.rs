//! Tells a person who looks elsewhere that a request came, or that an unknown outcome is known; and counts on the
//! window's title and the dock what waits.
//!
//! **Invariant:** unless the person chose otherwise, a notification has no name and no amount, and a new sender's never
//! has. A pressed notification shows a request, after the lock, and does nothing else.

mod news;
mod words;

use std::sync::Mutex;

use protocol::ipc::WatchView;
use tauri::{AppHandle, Builder, Manager, Runtime};
use tauri_plugin_notification::{ActionPerformed, NotificationExt};

use crate::links::Links;
use crate::shell::Shell;
use crate::waiting;
use news::LastLook;
use news::{News, Told};
use words::Words;

/// The key under which a notification carries its request.
const REQUEST: &str = "request_id";

/// The icon's name among those the package installs.
const ICON: &str = "org.tapseal.wallet";

/// The most notifications that stand at once; the oldest is taken back first.
const SHOWN_MAX: usize = 8;

/// The window with what shows notifications. A phone has none of ours: the request reaches it by mail or message.
pub(crate) fn plugin<R: Runtime>(builder: Builder<R>) -> Builder<R> {
    builder.plugin(tauri_plugin_notification::init()).manage(Shown::default())
}

/// Follows the inbox for as long as the program runs.
pub(crate) async fn follow<R: Runtime>(app: AppHandle<R>) {
    hear_presses(&app);
    let mut look = LastLook::default();
    let mut read = None;
    let mut seen = 0;
    loop {
        let Ok(wallet) = app.state::<Shell>().wallet().await else {
            tokio::time::sleep(crate::screen::TRY_AGAIN).await;
            continue;
        };
        let Ok(view) = wallet.watch(seen).await else {
            tokio::time::sleep(crate::screen::TRY_AGAIN).await;
            continue;
        };
        seen = view.seq;
        if read == Some(view.inbox_version) {
            continue;
        }
        // A locked wallet shows no inbox. It is read again when something changes, as the lock does.
        let Ok(inbox) = wallet.inbox().await else { continue };
        read = Some(view.inbox_version);
        waiting::show(&app, news::waiting(&inbox)).await;
        let news = look.news(&inbox);
        if is_looking(&app) || is_at_it(&app, &view) {
            continue;
        }
        if let Ok(status) = wallet.status().await {
            let system = words::system_language(|name| std::env::var(name).ok());
            let words = Words::of(status.settings.language, &system);
            for piece in news {
                if let Some(told) = piece.told(status.settings.notices, &words) {
                    show(&app, &told, Some(&piece));
                }
            }
        }
    }
}

/// Shows an example, as a notification about a request would be.
pub(crate) fn show_example<R: Runtime>(app: &AppHandle<R>, language: protocol::ipc::Language) {
    let words = Words::of(language, &words::system_language(|name| std::env::var(name).ok()));
    show(app, &Told { title: words.example_title, body: words.example_body }, None);
}

/// Whether the person has the window before them.
fn is_looking<R: Runtime>(app: &AppHandle<R>) -> bool {
    app.get_webview_window("main").is_some_and(|window| window.is_focused().unwrap_or_default())
}

/// Whether the person themself has just asked for something: a payment, or a link that is being opened.
fn is_at_it<R: Runtime>(app: &AppHandle<R>, view: &WatchView) -> bool {
    let is_under_way = || {
        use protocol::ipc::CheckoutStage::{Paid, Refused, Unknown};
        !matches!(view.checkout.as_ref().map(|it| &it.progress), Some(Paid { .. } | Refused { .. } | Unknown { .. }))
    };
    app.state::<Links>().is_opening() || (view.checkout.is_some() && is_under_way())
}

/// The ids of the notifications that stand, the oldest first.
#[derive(Default)]
struct Shown(Mutex<Vec<(String, i32)>>);

fn show<R: Runtime>(app: &AppHandle<R>, told: &Told, news: Option<&News>) {
    let mut builder = app.notification().builder().title(&told.title).body(&told.body).icon(ICON);
    if let Some(news) = news {
        let request_id = news.request.request_id.to_string();
        let id = number_of(&request_id);
        builder = builder.id(id).extra(REQUEST, &request_id);
        replace(app, request_id, id);
    }
    if let Err(error) = builder.show() {
        tracing::warn!(%error, "a notification was not shown");
    }
}

/// Takes back what stands about the same request, and the oldest when there are too many.
fn replace<R: Runtime>(app: &AppHandle<R>, request_id: String, id: i32) {
    let shown = app.state::<Shown>();
    let mut shown = shown.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let is_old = |(other, _): &(String, i32)| *other == request_id;
    let mut old: Vec<i32> = shown.extract_if(.., |entry| is_old(entry)).map(|(_, id)| id).collect();
    if shown.len() >= SHOWN_MAX {
        old.push(shown.remove(0).1);
    }
    shown.push((request_id, id));
    let _ = app.notification().remove_active(old);
}

/// A number for a request's notification: what follows an id's time is random.
fn number_of(request_id: &str) -> i32 {
    let tail = request_id.len().saturating_sub(7);
    request_id.get(tail..).and_then(|digits| i32::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

fn hear_presses<R: Runtime>(app: &AppHandle<R>) {
    let pressed = app.clone();
    let heard = app.notification().on_action(move |action| {
        let Some(request_id) = request_of(action) else { return };
        crate::links::raise(&pressed);
        let app = pressed.clone();
        tauri::async_runtime::spawn(async move {
            let Ok(wallet) = app.state::<Shell>().wallet().await else { return };
            if let Ok(request_id) = request_id.parse() {
                wallet.ask_to_show(request_id);
            }
        });
    });
    if let Err(error) = heard {
        tracing::warn!(%error, "presses on notifications are not heard");
    }
}

fn request_of(action: &ActionPerformed) -> Option<String> {
    Some(action.notification()?.extra().get(REQUEST)?.as_str()?.to_owned())
}

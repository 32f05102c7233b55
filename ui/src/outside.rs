//! What asks for the window from outside: a link that was tapped somewhere, or a notification that was pressed.

use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::RequestId;
use protocol::Problem;
use protocol::ipc::lock::LockState;
use protocol::ipc::shell::OpenedBy;
use protocol::ipc::{Show, WatchView};

use crate::ipc::invoke;
use crate::place::Screen;
use crate::state::App;

impl App {
    /// Shows what was asked for since the last look. Nothing is acted on, and a payment is never left for it.
    pub fn take_from_outside(self, view: &WatchView, before: Option<&WatchView>) {
        // What was asked for while the wallet was locked is shown once it is open.
        let waited = |before: &WatchView| before.lock == LockState::Locked && view.opened.is_some();
        let is_news = before.is_none_or(|before| before.opened_version != view.opened_version || waited(before));
        if !is_news {
            return;
        }
        if let Some(code) = view.link_problem {
            self.problem.set(Some(Problem::new(code)));
        }
        match (view.opened, view.opened_by) {
            _ if view.checkout.is_some() => {}
            (Some(request_id), OpenedBy::Link) => {
                self.came_by_link.set(true);
                self.go(Screen::LinkOpened(request_id));
            }
            (Some(request_id), OpenedBy::Notice) => {
                self.open(request_id);
                was_shown(request_id);
            }
            (None, _) => {}
        }
    }
}

/// Tells the wallet once the person has gone on from what a link brought: a page that is loaded again does not bring it
/// again.
pub fn follow(app: App) {
    Effect::new(move |before: Option<Screen>| {
        let screen = app.screen.get();
        if let Some(Screen::LinkOpened(request_id)) = before.filter(|before| *before != screen) {
            was_shown(request_id);
        }
        screen
    });
}

fn was_shown(request_id: RequestId) {
    spawn_local(async move {
        // Without an answer, because the wallet was locked meanwhile, it is shown once more.
        let _ = invoke(Show { request_id }).await;
    });
}

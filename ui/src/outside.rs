//! What asks for the window from outside: a link that was tapped somewhere, or a notification that was pressed.

use leptos::prelude::*;
use protocol::Problem;
use protocol::ipc::WatchView;
use protocol::ipc::lock::LockState;
use protocol::ipc::shell::OpenedBy;

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
            (Some(request_id), OpenedBy::Notice) => self.open(request_id),
            (None, _) => {}
        }
    }
}

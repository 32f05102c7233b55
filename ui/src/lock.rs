//! The lock as the screens follow it: what goes when it closes, what comes back when it opens, and who is at the wallet.

use std::time::Duration;

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::lock::{Introduced, LockNow, LockState, Presence, PresenceSign};

use crate::browser;
use crate::ipc::invoke;
use crate::merchant::till::Fetched;
use crate::place::{FirstStep, Screen};
use crate::state::App;

/// How long touches and keys are gathered before the wallet is told of them.
const GATHERED: Duration = Duration::from_secs(5);

impl App {
    /// Follows the lock: what was on the screens goes when it closes, and is read again when it opens.
    pub fn set_lock(self, state: LockState) {
        let before = self.lock.get_untracked();
        if before == state {
            return;
        }
        match (before, state) {
            (_, LockState::Locked) => {
                self.forget_everything();
                self.lock.set(state);
            }
            (LockState::Locked, _) => {
                self.lock.set(state);
                self.is_forgotten.set(false);
                self.problem.set(None);
                spawn_local(async move {
                    self.read_status().await;
                    self.read_methods().await;
                    self.read_merchant().await;
                    self.read_lists().await;
                });
            }
            _ => self.lock.set(state),
        }
    }

    /// Nothing that a person may see only unlocked stays in the page.
    fn forget_everything(self) {
        self.problem.set(None);
        self.inbox.set(None);
        self.history.view.set(None);
        self.history.choices.set(None);
        self.checkout.set(None);
        self.reader_test.set(None);
        self.readers.set(None);
        self.polite.set(String::new());
        self.assertive.set(String::new());
        let till = self.till;
        till.set_merchant(None);
        till.sale.set(None);
        till.sale_problem.set(None);
        till.payer.set(String::new());
        till.sales.set(Fetched::Awaited);
        till.day_close.set(Fetched::Awaited);
        till.counters.set(Fetched::Awaited);
        till.webhooks.set(Fetched::Awaited);
        till.webhook_log.set(Fetched::Awaited);
        till.access.set(Fetched::Awaited);
        till.secret.set(None);
    }

    /// Locks now, where there is a lock.
    pub fn lock_now(self) {
        if self.lock.get_untracked() != LockState::Unlocked {
            return;
        }
        spawn_local(async move {
            if let Some(view) = self.ask(LockNow {}).await {
                self.set_lock(view.state);
            }
        });
    }

    /// Ctrl+L locks. Whether it was this key.
    pub fn is_lock_key(self, event: &KeyboardEvent) -> bool {
        let is_ours =
            event.ctrl_key() && !event.alt_key() && !event.meta_key() && event.key().eq_ignore_ascii_case("l");
        if is_ours && self.lock.get_untracked() == LockState::Unlocked {
            event.prevent_default();
            self.lock_now();
        }
        is_ours
    }

    /// Tells the wallet that somebody is there, at most every few seconds, and at once when they turned away.
    pub fn follow_presence(self) {
        let is_told = StoredValue::new(true);
        let used = move || {
            if self.lock.get_untracked() != LockState::Unlocked || !is_told.get_value() {
                return;
            }
            is_told.set_value(false);
            let tell = move || {
                is_told.set_value(true);
                self.tell_presence(PresenceSign::Used);
            };
            set_timeout(tell, GATHERED);
        };
        window_event_listener(leptos::ev::keydown, move |_| used());
        window_event_listener(leptos::ev::pointerdown, move |_| used());
        window_event_listener_untyped("visibilitychange", move |_| {
            if browser::is_hidden() && self.lock.get_untracked() == LockState::Unlocked {
                self.tell_presence(PresenceSign::Left);
            }
        });
    }

    fn tell_presence(self, sign: PresenceSign) {
        spawn_local(async move {
            // Without an answer the wallet locks earlier, which harms nothing.
            if let Ok(state) = invoke(Presence { sign }).await {
                self.set_lock(state);
            }
        });
    }

    /// Ends the first run, finished or not.
    pub fn introduce(self) {
        self.while_busy(async move {
            if let Some(status) = self.ask(Introduced {}).await {
                self.status.set(Some(status));
                self.go(Screen::Inbox);
            }
        });
    }

    /// Goes to a step of the first run.
    pub fn first_run(self, step: FirstStep) {
        self.first_step.set(step);
        self.go(Screen::FirstRun);
    }
}

//! The wallet's lock: whether it is open, what that depends on, and what waits behind it.
//!
//! ```text
//! None ──turn on──► Open ──lock, time, sleep, leaving──► Closing ──► Closed ──passphrase──► Open
//!   ▲                │                                      │           │
//!   └───turn off─────┘              waits for a sealed payment          └──start anew──► None
//! ```
//!
//! **Invariants:** from `Closing` on nothing new begins; in `Closed` no secret of this device is in memory, neither its
//! own keys nor a till's nor the key that wraps them. What the key store holds then opens with the passphrase only.

mod presence;
pub(crate) mod safe;
pub(crate) mod tries;

use std::sync::{Arc, Mutex};

use envelope::passphrase::Cost;
use protocol::ipc::LockAfter;
use protocol::ipc::lock::LockState;
use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::clock::{Clock, Moment};
use presence::Presence;
use safe::Wrapping;

/// Where the lock stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// There is no lock.
    None,
    /// Open.
    Open,
    /// Nothing new begins; what was sealed is waited for.
    Closing,
    /// Closed.
    Closed,
}

/// The lock of one wallet.
pub(crate) struct Lock {
    door: watch::Sender<Door>,
    /// One change of the lock at a time.
    pub(crate) turn: tokio::sync::Mutex<()>,
    wrapping: Mutex<Option<Arc<Wrapping>>>,
    presence: Mutex<Presence>,
    after: Mutex<LockAfter>,
    outside: Mutex<Outside>,
    clock: Clock,
    pub(crate) cost: Cost,
}

/// What came while nobody could look at it.
#[derive(Default)]
struct Outside {
    letters: bool,
    link: Option<Zeroizing<String>>,
}

impl Lock {
    /// The lock of a wallet that was just opened.
    pub(crate) fn new(door: Door, clock: Clock, cost: Cost, lock_after: LockAfter) -> Self {
        Self {
            door: watch::Sender::new(door),
            turn: tokio::sync::Mutex::new(()),
            wrapping: Mutex::new(None),
            presence: Mutex::new(Presence::new(clock.now())),
            after: Mutex::new(lock_after),
            outside: Mutex::default(),
            clock,
            cost,
        }
    }

    /// Where it stands.
    pub(crate) fn door(&self) -> Door {
        *self.door.borrow()
    }

    /// The same as it is told.
    pub(crate) fn state(&self) -> LockState {
        match self.door() {
            Door::None => LockState::None,
            Door::Open | Door::Closing => LockState::Unlocked,
            Door::Closed => LockState::Locked,
        }
    }

    /// Whether commands are taken.
    pub(crate) fn is_passable(&self) -> bool {
        matches!(self.door(), Door::None | Door::Open)
    }

    /// Moves the door. What opens the secrets is there while it is open, and only then.
    pub(crate) fn set(&self, door: Door) {
        if matches!(door, Door::None | Door::Closed) {
            *held(&self.wrapping) = None;
        }
        self.used();
        self.door.send_replace(door);
    }

    /// Opens the door with what opens the secrets.
    pub(crate) fn open_with(&self, wrapping: Wrapping) {
        *held(&self.wrapping) = Some(Arc::new(wrapping));
        self.set(Door::Open);
    }

    /// What opens the secrets; none where there is no lock, or it is closed.
    pub(crate) fn wrapping(&self) -> Option<Arc<Wrapping>> {
        held(&self.wrapping).clone()
    }

    /// Waits until commands are taken.
    pub(crate) async fn passable(&self) {
        // The sender lives as long as the wallet, which is waiting here.
        let _ = self.door.subscribe().wait_for(|door| matches!(door, Door::None | Door::Open)).await;
    }

    /// A watcher of the door.
    pub(crate) fn follow(&self) -> watch::Receiver<Door> {
        self.door.subscribe()
    }

    /// The person did something.
    pub(crate) fn used(&self) {
        held(&self.presence).used(self.clock.now());
    }

    /// Whether it is time to lock.
    pub(crate) fn is_over(&self) -> bool {
        let lock_after = self.lock_after();
        held(&self.presence).is_over(self.clock.now(), lock_after)
    }

    /// Now.
    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
    }

    /// When the wallet locks by itself.
    pub(crate) fn lock_after(&self) -> LockAfter {
        *held(&self.after)
    }

    /// The person chose another time.
    pub(crate) fn set_lock_after(&self, lock_after: LockAfter) {
        *held(&self.after) = lock_after;
    }

    /// A letter came that cannot be opened now. Whether it is the first.
    pub(crate) fn letter_came(&self) -> bool {
        !std::mem::replace(&mut held(&self.outside).letters, true)
    }

    /// A link came that cannot be opened now; the latest counts.
    pub(crate) fn link_came(&self, link: String) {
        held(&self.outside).link = Some(Zeroizing::new(link));
    }

    /// Whether something came meanwhile.
    pub(crate) fn came(&self) -> bool {
        let outside = held(&self.outside);
        outside.letters || outside.link.is_some()
    }

    /// Lets in what came: the letters are fetched again, the link is given back.
    pub(crate) fn let_in(&self) -> Option<Zeroizing<String>> {
        std::mem::take(&mut *held(&self.outside)).link
    }
}

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().expect("no panic while it is held")
}

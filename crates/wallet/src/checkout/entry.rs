//! A payment by code between its steps: what was typed waits here, for a while, for what comes on the terminal.
//!
//! There is one. It is taken out for each step and put back after it, so that two steps never run at once, and one that
//! was forgotten meanwhile, by the lock or the clock, does not come back.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use envelope::SecretBytes;
use payment::{IdentityCode, RequestId};
use protocol::ErrorCode;
use protocol::ipc::means::{CodeEntryView, CodeStep};
use protocol::wallet_api::CodeTerminalView;

use super::code::OrderedCode;
use crate::error::{Result, WalletError};

/// How long what was typed is kept: the life of two codes.
pub(crate) const ENTRY_LIFE: Duration = Duration::from_mins(10);

/// A payment by code that was begun. It holds secrets, so it has no `Debug`.
pub(crate) struct Entry {
    pub(crate) request_id: RequestId,
    pub(crate) identity_code: IdentityCode,
    pub(crate) front: String,
    pub(crate) terminals: Vec<CodeTerminalView>,
    /// Until a code is typed: what another one would be ordered with.
    pub(crate) password: Option<SecretBytes>,
    pub(crate) step: Step,
}

/// How far it is.
pub(crate) enum Step {
    /// No code was sent yet.
    Choose,
    /// A code is on its way.
    Ordered {
        /// What makes it worth something.
        ordered: OrderedCode,
        /// The registered terminal.
        terminal: u8,
        /// An address that is not registered, and whether the terminal confirmed it.
        named: Option<Named>,
        /// When its time is over, by the server's clock.
        expires_ms: u64,
    },
}

/// An address that was named on the spot.
pub(crate) enum Named {
    /// The terminal is asked.
    Asked(String),
    /// The terminal agreed.
    Confirmed(String),
}

impl Entry {
    pub(crate) fn view(&self) -> CodeEntryView {
        let step = match &self.step {
            Step::Choose => CodeStep::Choose,
            Step::Ordered { terminal, named: Some(Named::Asked(address)), expires_ms, .. } => {
                CodeStep::Confirm { terminal: *terminal, address: address.clone(), expires_ms: *expires_ms }
            }
            Step::Ordered { terminal, named, expires_ms, .. } => {
                let address = named.as_ref().map(|named| match named {
                    Named::Asked(address) | Named::Confirmed(address) => address.clone(),
                });
                CodeStep::Sent { terminal: *terminal, address, expires_ms: *expires_ms }
            }
        };
        CodeEntryView {
            request_id: self.request_id,
            terminals: self.terminals.clone(),
            step,
            may_send: self.password.is_some(),
        }
    }
}

/// Where the one entry is kept.
#[derive(Default)]
pub(crate) struct Desk(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// Counts what was begun and what was forgotten.
    number: u64,
    entry: Option<Entry>,
}

/// An entry's place while a step of it runs.
#[derive(Clone, Copy)]
pub(crate) struct Turn(u64);

impl Desk {
    /// Puts a new entry in the place of the one before.
    pub(crate) fn begin(&self, entry: Entry) -> Turn {
        let mut kept = self.lock();
        kept.number += 1;
        kept.entry = Some(entry);
        Turn(kept.number)
    }

    /// The entry, for one step; nobody else has it until it is put back.
    pub(crate) fn take(&self) -> Result<(Turn, Entry)> {
        let mut kept = self.lock();
        let entry = kept.entry.take().ok_or(WalletError::Code(ErrorCode::CheckoutNotReady))?;
        Ok((Turn(kept.number), entry))
    }

    /// Puts an entry back, unless it was forgotten meanwhile. Whether it was put back.
    pub(crate) fn put(&self, turn: Turn, entry: Entry) -> bool {
        let mut kept = self.lock();
        let is_known = kept.number == turn.0;
        if is_known {
            kept.entry = Some(entry);
        }
        is_known
    }

    /// What is shown of the entry of a request.
    pub(crate) fn view(&self, request_id: RequestId) -> Option<CodeEntryView> {
        self.lock().entry.as_ref().filter(|entry| entry.request_id == request_id).map(Entry::view)
    }

    /// Wipes the entry, also one that is in the middle of a step, as soon as the step ends.
    pub(crate) fn forget(&self) {
        let mut kept = self.lock();
        kept.number += 1;
        kept.entry = None;
    }

    /// The same for the entry that was begun with this turn, if it is still there.
    pub(crate) fn forget_if(&self, turn: Turn) {
        if self.lock().number == turn.0 {
            self.forget();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            request_id: RequestId::from_bytes([7; 16]),
            identity_code: IdentityCode::from_random(&[7; 11]),
            front: "first".to_owned(),
            terminals: Vec::new(),
            password: Some(SecretBytes::copy_of(b"Quickset hedge 77")),
            step: Step::Choose,
        }
    }

    #[test]
    fn what_was_forgotten_in_the_middle_of_a_step_does_not_come_back() {
        let desk = Desk::default();
        desk.begin(entry());
        let (turn, taken) = desk.take().unwrap();
        assert!(desk.take().is_err(), "two steps at once");
        desk.forget();
        assert!(!desk.put(turn, taken));
        assert_eq!(desk.view(RequestId::from_bytes([7; 16])), None);
    }

    #[test]
    fn an_old_clock_does_not_end_what_was_begun_later() {
        let desk = Desk::default();
        let old = desk.begin(entry());
        let new = desk.begin(entry());
        desk.forget_if(old);
        assert!(desk.view(RequestId::from_bytes([7; 16])).is_some_and(|view| view.step == CodeStep::Choose));
        assert_eq!(desk.view(RequestId::from_bytes([8; 16])), None, "another request");
        desk.forget_if(new);
        assert!(desk.take().is_err());
    }
}

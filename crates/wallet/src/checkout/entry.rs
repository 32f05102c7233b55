//! A payment by code between its steps: what was typed waits at a [`Desk`](crate::desk::Desk) for what comes on the terminal.

use std::time::Duration;

use envelope::SecretBytes;
use payment::{IdentityCode, RequestId};
use protocol::ipc::means::{CodeEntryView, CodeStep};
use protocol::wallet_api::CodeTerminalView;

use super::code::OrderedCode;

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

//! Paying by code: which bank a payer's code comes from, and ordering one.

use serde::{Deserialize, Serialize};

/// How long a code can be used, in seconds.
pub const CODE_LIFE_S: u64 = 300;

/// What kind of terminal a code reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum CodeTerminalKind {
    /// A telephone that takes text messages.
    Sms,
    /// A mailbox, a pager's too.
    Mail,
    /// A device that makes codes by itself.
    Device,
}

/// A registered terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeTerminalView {
    /// Its number, by which it is chosen.
    pub place: u8,
    /// What it is.
    pub kind: CodeTerminalKind,
    /// So much of its address that its owner knows it; empty for a device.
    pub masked: String,
}

/// Answer of `GET /v1/code-payers/{identity_code}`. For a code that nobody has the answer is made up, and always the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodePayerView {
    /// The bank that makes and checks the code.
    pub bank_id: String,
    /// Where a code can go, in the payer's order; at most eight.
    pub terminals: Vec<CodeTerminalView>,
}

/// Answer of `POST /v1/requests/{id}/codes`, whose body is that of an attempt: the code is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CodeOrderedView {
    /// How long it can be used, in seconds.
    pub life_s: u64,
}

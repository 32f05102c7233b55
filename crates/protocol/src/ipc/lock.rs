//! The wallet's lock and its first run, apart from what carries a passphrase: that is [`super::passphrase`].

use serde::{Deserialize, Serialize};

use super::{Command, WalletStatus};

/// What a person types to have the wallet's keys and records erased, in either language.
pub const ERASE_WORDS: [&str; 2] = ["ERASE", "清除"];

commands! {
    /// Where the lock stands. It is answered while the wallet is locked.
    Lock {} = "lock" -> LockView;
    /// Locks now: a payment that can still be stopped is stopped, a sealed one is waited for.
    LockNow {} = "lock_now" -> LockView;
    /// Tells that the person is there, or has turned away; sent at most every few seconds.
    Presence {
        /// Which of the two.
        sign: PresenceSign,
    } = "presence" -> LockState;
    /// Erases the keys and records of a locked wallet, which becomes a new one.
    StartAnew {
        /// One of [`ERASE_WORDS`], as the person typed it.
        word: String,
    } = "start_anew" -> WalletStatus;
    /// The person has been shown what the wallet is, or does not want to be.
    Introduced {} = "introduced" -> WalletStatus;
}

/// Whether the wallet has a lock, and whether it is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LockState {
    /// There is no lock.
    #[default]
    None,
    /// There is one, and it is open.
    Unlocked,
    /// It is closed: no key of this device is in memory, and nearly every command answers `locked`.
    Locked,
}

/// Whether the person is at the wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresenceSign {
    /// They touched it or pressed a key.
    Used,
    /// They turned to another window, or sent the wallet to the background.
    Left,
}

/// Where the lock stands, without a name or an amount: anybody may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockView {
    /// Whether it is closed.
    pub state: LockState,
    /// How often a wrong passphrase was tried since the last right one.
    pub wrong_tries: u32,
    /// How long until the next try is taken, in milliseconds.
    pub wait_ms: u64,
    /// Whether something came while the wallet was locked, to be looked at once it is open.
    pub came: bool,
    /// Payments whose end is not known.
    pub in_doubt: Vec<DoubtView>,
}

/// A payment whose end is not known, as far as it may be told without the passphrase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoubtView {
    /// The last digits of its attempt's id, as on the result's screen.
    pub reference: String,
    /// When it was sent, ms since the Unix epoch.
    pub sent_ms: u64,
}

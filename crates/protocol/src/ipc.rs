//! What the window asks of the wallet and what it is shown: commands and views.
//!
//! One trait gives every command its name, its arguments and its answer, so that both sides of the
//! bridge are checked by the compiler. Every failure is a [`crate::Problem`].

mod checkout;
mod reader;
mod reader_test;
mod receipt;
mod request;
mod settings;

use payment::{AttemptId, RequestId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::ErrorCode;

pub use checkout::{
    ApplicationView, CardStay, CheckoutStage, CheckoutView, PinEntryView, PinKeyView, PinPadView, ReadPhase,
};
pub use reader::{CardGesture, ReaderKind, ReaderView};
pub use reader_test::{LookFor, ReaderTestStage, ReaderTestView, TestedCardView};
pub use receipt::{ReceiptSummary, ReceiptView};
pub use request::{ItemView, RequestPhase, RequestView};
pub use settings::{Contrast, Feedback, Language, LockAfter, Notices, PinLayout, Settings, Theme};

/// A call from the window to the wallet.
pub trait Command: Serialize + DeserializeOwned {
    /// The command's name on the bridge.
    const NAME: &'static str;
    /// What it answers.
    type Answer: Serialize + DeserializeOwned;
}

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? } = $wire:literal -> $answer:ty;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub struct $name { $($(#[$field_doc])* pub $field: $type),* }

            impl Command for $name {
                const NAME: &'static str = $wire;
                type Answer = $answer;
            }
        )*

        /// The names of this module's commands.
        pub(super) const NAMES: &[&str] = &[$($wire),*];
    };
}

pub mod alias;
pub mod carrier;
pub mod history;
pub mod keep;
pub mod lock;
pub mod means;
pub mod merchant;
pub mod passphrase;
pub mod pay;
pub mod payer;
pub mod shell;
pub mod vouchers;

/// The names of every module's commands, in the order the modules are asked.
const GROUPS: &[&[&str]] = &[
    NAMES,
    payer::NAMES,
    merchant::NAMES,
    pay::NAMES,
    shell::NAMES,
    keep::NAMES,
    history::NAMES,
    lock::NAMES,
    passphrase::NAMES,
    means::NAMES,
    alias::NAMES,
    carrier::NAMES,
    vouchers::NAMES,
];

/// Every command's name: the window's permission list and the isolation page are checked against it.
pub const COMMAND_NAMES: &[&str] = &joined::<{ count(GROUPS) }>(GROUPS);

/// The commands that are answered while the wallet is locked. Every other one answers `locked`.
pub const ANSWERED_WHILE_LOCKED: &[&str] = &[
    Status::NAME,
    Watch::NAME,
    lock::Lock::NAME,
    lock::LockNow::NAME,
    lock::Presence::NAME,
    lock::StartAnew::NAME,
    passphrase::Unlock::NAME,
];

const fn count(groups: &[&[&str]]) -> usize {
    let (mut group, mut count) = (0, 0);
    while group < groups.len() {
        count += groups[group].len();
        group += 1;
    }
    count
}

/// The names of several modules, one after the other.
const fn joined<const N: usize>(groups: &[&[&'static str]]) -> [&'static str; N] {
    let mut names = [""; N];
    let (mut group, mut at) = (0, 0);
    while group < groups.len() {
        let mut index = 0;
        while index < groups[group].len() {
            names[at] = groups[group][index];
            index += 1;
            at += 1;
        }
        group += 1;
    }
    assert!(at == N, "every name has its place");
    names
}

commands! {
    /// What the wallet is connected to and how it is set.
    Status {} = "status" -> WalletStatus;
    /// Waits until something changed after `after` (at most about 25 s), and says what stands now.
    Watch {
        /// The last [`WatchView::seq`] seen; 0 at first.
        after: u64,
    } = "watch" -> WatchView;
    /// Every request that still asks something of the payer, pending first, then the latest ended ones.
    Inbox {} = "inbox" -> Vec<RequestView>;
    /// One request.
    Show {
        /// Which.
        request_id: RequestId,
    } = "show" -> RequestView;
    /// Opens an `https` or `tapseal:` link. Shows a request; never acts.
    OpenLink {
        /// The link with its fragment.
        link: String,
    } = "open_link" -> RequestView;
    /// Refuses a request for good.
    Reject {
        /// Which.
        request_id: RequestId,
    } = "reject" -> RequestView;
    /// Moves a request to the end of the inbox for now.
    Postpone {
        /// Which.
        request_id: RequestId,
    } = "postpone" -> RequestView;
    /// Never shows requests of this merchant again.
    BlockMerchant {
        /// The request whose merchant is blocked.
        request_id: RequestId,
    } = "block_merchant" -> Vec<RequestView>;
    /// The readers that can be used now.
    Readers {} = "readers" -> Vec<ReaderView>;
    /// Waits for a card and looks at it, to see whether a reader works: nothing is paid, sent or kept.
    ReaderTestStart {
        /// The reader's id; none for the first that shows a card.
        reader: Option<String>,
    } = "reader_test_start" -> ReaderTestView;
    /// Ends the test, wherever it stands, and forgets what it saw.
    ReaderTestStop {} = "reader_test_stop" -> Vec<ReaderView>;
    /// Starts paying a request with a card: waits for the card on the reader.
    CheckoutStart {
        /// Which request.
        request_id: RequestId,
        /// The reader's id; none for the first that shows a card.
        reader: Option<String>,
    } = "checkout_start" -> CheckoutView;
    /// Chooses among several applications on the card.
    CheckoutChoose {
        /// The index in [`CheckoutStage::Choose`].
        index: usize,
    } = "checkout_choose" -> CheckoutView;
    /// A fresh PIN pad for the running checkout; clears what was entered.
    PinPad {
        /// How the keys are laid out.
        layout: PinLayout,
    } = "pin_pad" -> PinPadView;
    /// Presses the key at a position. Digits never enter the window.
    PinPress {
        /// 0 to 9, as drawn.
        position: u8,
    } = "pin_press" -> PinEntryView;
    /// Takes the last digit back.
    PinErase {} = "pin_erase" -> PinEntryView;
    /// Ends PIN entry: seals, submits and waits for the bank.
    PinSubmit {} = "pin_submit" -> CheckoutView;
    /// Stops the checkout while nothing has been sent; afterwards it is refused.
    CheckoutStop {} = "checkout_stop" -> CheckoutView;
    /// Forgets a finished checkout.
    CheckoutDone {} = "checkout_done" -> Vec<RequestView>;
    /// One receipt, verified afresh.
    ShowReceipt {
        /// The attempt it proves.
        attempt_id: AttemptId,
    } = "show_receipt" -> ReceiptView;
    /// Asks for a code to be sent to a phone number or e-mail address.
    ClaimStart {
        /// An e-mail address or a phone number.
        identifier: String,
    } = "claim_start" -> WalletStatus;
    /// Confirms the identifier with the code.
    ClaimConfirm {
        /// The same text as before.
        identifier: String,
        /// The six digits.
        code: String,
    } = "claim_confirm" -> WalletStatus;
    /// Keeps the person's choices.
    SaveSettings {
        /// All of them.
        settings: Settings,
    } = "save_settings" -> WalletStatus;
}

/// What the wallet is connected to and how it is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletStatus {
    /// Whether the last call to the payment server was answered.
    pub online: bool,
    /// The payment server's host.
    pub server: String,
    /// Where device keys are kept: `keyring` or `file`.
    pub key_store: String,
    /// Identifiers this device has claimed.
    pub identifiers: Vec<String>,
    /// Identifiers that reached this person and do not reach this device.
    #[serde(default)]
    pub former: Vec<keep::FormerIdentifier>,
    /// Whether the last backup is old and much has come since.
    #[serde(default)]
    pub backup_due: bool,
    /// The operator root's fingerprint, grouped for reading.
    pub operator_fingerprint: String,
    /// The person's choices.
    pub settings: Settings,
    /// The program's version.
    pub version: String,
    /// Whether the wallet is locked. While it is, `identifiers` is empty.
    #[serde(default)]
    pub lock: lock::LockState,
    /// Whether the person was never shown what this wallet is.
    #[serde(default)]
    pub is_new: bool,
}

/// What the window shows first, in one answer: what the commands `status`, `watch`, `merchant` and `inbox` say, asked in that order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstLook {
    /// What the wallet is connected to and how it is set.
    pub status: WalletStatus,
    /// What stood then.
    pub watch: WatchView,
    /// What only an open wallet tells; none while it is locked. As new as [`Self::watch`] or newer.
    pub inside: Option<FirstLookInside>,
}

/// The part of a first look that a lock keeps back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstLookInside {
    /// The merchant this wallet is a till of.
    pub merchant: Option<merchant::MerchantView>,
    /// Every request that still asks something of the payer.
    pub inbox: Vec<RequestView>,
}

/// What stands now, after something changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WatchView {
    /// Pass it as the next `after`.
    pub seq: u64,
    /// Whether the payment server is reachable.
    pub online: bool,
    /// Changes whenever the inbox did: read it again.
    pub inbox_version: u64,
    /// The running or finished checkout.
    pub checkout: Option<CheckoutView>,
    /// The running or finished test of a reader.
    pub reader_test: Option<ReaderTestView>,
    /// A request that a link opened from outside asks to be shown.
    pub opened: Option<RequestId>,
    /// What brought it.
    #[serde(default)]
    pub opened_by: shell::OpenedBy,
    /// Grows each time something from outside asks for the window: the same request may be asked for twice.
    #[serde(default)]
    pub opened_version: u64,
    /// Why the last link from outside brought nothing.
    #[serde(default)]
    pub link_problem: Option<ErrorCode>,
    /// Changes whenever a sale did: read it again.
    #[serde(default)]
    pub sales_version: u64,
    /// Changes whenever a receipt came or something was given back: ask for what is shown of the history again.
    #[serde(default)]
    pub history_version: u64,
    /// Whether the wallet is locked. While it is, nothing else here tells of a request or a payment.
    #[serde(default)]
    pub lock: lock::LockState,
    /// Whether something came while the wallet was locked, which it can name once it is open.
    #[serde(default)]
    pub came_while_locked: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_names_are_unique_and_plain() {
        let names = || COMMAND_NAMES.iter();
        for name in names() {
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
            assert_eq!(names().filter(|other| *other == name).count(), 1, "{name}");
        }
    }
}

//! What the window asks of the wallet and what it is shown: commands and views.
//!
//! One trait gives every command its name, its arguments and its answer, so that both sides of the
//! bridge are checked by the compiler. Every failure is a [`crate::Problem`].

mod reader_test;

use payment::{Amount, AttemptId, MerchantId, Method, RequestId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{ErrorCode, MoneyMoved};

pub use reader_test::{LookFor, ReaderTestStage, ReaderTestView, TestedCardView};

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

/// The language of the screens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Language {
    /// Follow the system.
    #[default]
    #[serde(rename = "system")]
    System,
    /// English.
    #[serde(rename = "en")]
    English,
    /// Simplified Chinese.
    #[serde(rename = "zh-Hans")]
    Chinese,
}

/// The colours of the screens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// Follow the system.
    #[default]
    System,
    /// Ink on paper.
    Light,
    /// Paper on ink.
    Dark,
}

/// How far ink stands from paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contrast {
    /// Follow the system.
    #[default]
    System,
    /// As far as can be, with every edge drawn.
    More,
}

/// When a wallet that has a lock closes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LockAfter {
    /// As soon as the person turns to another window.
    Leaving,
    /// After one minute without a touch or a key.
    Minute,
    /// After five.
    #[default]
    FiveMinutes,
    /// After fifteen.
    QuarterHour,
    /// After sixty.
    Hour,
    /// Only when the program starts again.
    Restart,
}

/// What a notification of the system tells of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notices {
    /// There is none.
    Off,
    /// That something waits, and neither who asks nor how much.
    #[default]
    Discreet,
    /// Who asks and how much: whoever sees the screen reads it.
    Full,
}

/// Whether results can be heard and felt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feedback {
    /// A short sound, and on phones a tap.
    #[default]
    On,
    /// Neither.
    Off,
}

/// How the PIN pad's keys are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinLayout {
    /// Shuffled, drawn as images: a screen reader cannot say the digits.
    #[default]
    Scrambled,
    /// In the usual order with text labels, for keyboards and screen readers.
    Standard,
}

/// The person's choices. One that was never made has its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The language.
    pub language: Language,
    /// The colours.
    pub theme: Theme,
    /// How far ink stands from paper.
    pub contrast: Contrast,
    /// The PIN pad.
    pub pin_layout: PinLayout,
    /// When the wallet locks by itself.
    pub lock_after: LockAfter,
    /// What notifications tell.
    pub notices: Notices,
    /// Whether results can be heard and felt.
    pub feedback: Feedback,
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

/// What a request asks of the payer now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestPhase {
    /// It can be paid.
    Open,
    /// It can be paid; the payer put it off.
    Postponed,
    /// An attempt is under way.
    Paying,
    /// The bank has not answered.
    Unknown,
    /// Paid.
    Paid,
    /// Refused by the payer.
    Rejected,
    /// Withdrawn by the merchant.
    Cancelled,
    /// Its time ran out.
    Expired,
    /// Ended in another way.
    Closed,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemView {
    /// What it is.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// The line's total.
    pub total: Amount,
}

/// A verified request: one whose merchant signature and keyset entry did not verify never becomes a view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestView {
    /// The request.
    pub request_id: RequestId,
    /// Who asks.
    pub merchant_id: MerchantId,
    /// How much.
    pub amount: Amount,
    /// The payee's verified name.
    pub payee: String,
    /// Whether this merchant was paid or shown before.
    pub first_contact: bool,
    /// Whether it came by itself from a merchant that the payer has not accepted: it can be looked at and not paid.
    #[serde(default)]
    pub new_sender: bool,
    /// The merchant's own reference.
    pub order_number: String,
    /// The lines.
    pub items: Vec<ItemView>,
    /// The ways it may be paid, whether or not this wallet has them.
    #[serde(default)]
    pub methods: Vec<Method>,
    /// Two words to compare with the shop's, in English.
    pub match_words: [String; 2],
    /// The same in Simplified Chinese.
    pub match_words_zh: [String; 2],
    /// When the merchant made it, ms since the Unix epoch.
    pub created_ms: u64,
    /// When it stops being payable, ms since the Unix epoch.
    pub expires_ms: u64,
    /// The wallet's clock when the view was made, corrected to the server's, ms since the Unix epoch.
    pub now_ms: u64,
    /// What it asks of the payer now.
    pub phase: RequestPhase,
    /// When it comes back by itself, ms since the Unix epoch, while it is put off until then.
    #[serde(default)]
    pub postponed_until_ms: Option<u64>,
    /// Whether it is paid, or being paid, from elsewhere: another device of the payer, or another person.
    #[serde(default)]
    pub elsewhere: bool,
    /// What is being done about an unknown outcome.
    #[serde(default)]
    pub doubt: Option<pay::Doubt>,
    /// Who is asked about it, by the name that its root certified; none of an attempt of somebody else's.
    #[serde(default)]
    pub asked: Option<String>,
    /// When an unknown outcome will be known or undone, at the latest.
    pub deadline_ms: Option<u64>,
    /// The attempt whose receipt is kept, once paid.
    pub receipt: Option<AttemptId>,
    /// What the merchant gave back of it, in minor units.
    #[serde(default)]
    pub refunded_minor: i64,
    /// When the last of it was given back, ms since the Unix epoch.
    #[serde(default)]
    pub refunded_ms: Option<u64>,
}

/// How a reader is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReaderKind {
    /// Through the system's smart-card service.
    Pcsc,
    /// An NFC chip that the wallet drives itself.
    Nfc,
    /// A magnetic-stripe reader.
    Stripe,
    /// The phone's own.
    Phone,
    /// A virtual card's.
    Simulated,
    /// A recording.
    Replay,
}

/// What a person does with the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardGesture {
    /// Puts it into the slot, and leaves it there until told.
    Insert,
    /// Holds it to the reader.
    Tap,
    /// Pulls its stripe through.
    Swipe,
}

/// A card reader that is connected now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReaderView {
    /// Its id, to pass back.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How it is connected.
    pub kind: ReaderKind,
    /// What it takes, likeliest first; empty when nobody can know before a card is there.
    pub gestures: Vec<CardGesture>,
    /// Whether a card is there now.
    pub card_present: bool,
    /// Why it cannot be used now, such as `reader_busy`.
    pub trouble: Option<ErrorCode>,
}

/// One application on a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationView {
    /// Its label, such as `VISA CREDIT`.
    pub label: String,
    /// Its scheme, such as `visa`.
    pub scheme: String,
}

/// What is being read of the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadPhase {
    /// Which applications there are.
    Directory,
    /// Opening one.
    Application,
    /// Telling it amount and place.
    Options,
    /// Its records.
    Records,
    /// Its cryptogram.
    Cryptogram,
}

/// Whether a card that was read is still needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardStay {
    /// It may be taken away.
    MayGo,
    /// It should stay in the slot until the bank has answered: the bank's answer goes back to the chip. Taking it
    /// away does not change the payment.
    ShouldStay,
}

/// Where a checkout stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum CheckoutStage {
    /// Waiting for a card on the reader.
    WaitingForCard,
    /// Reading the card: step `step` of `steps`.
    Reading {
        /// From 1.
        step: u8,
        /// How many there will be.
        steps: u8,
        /// What the step is.
        phase: ReadPhase,
    },
    /// The card has several applications; the person chooses.
    Choose {
        /// In the card's order of priority.
        applications: Vec<ApplicationView>,
    },
    /// The card is read; waiting for the PIN.
    Pin {
        /// Scheme and last four digits, such as `visa ••0050`.
        card_label: String,
        /// Whether the card may go.
        card: CardStay,
        /// How long the card had to be held, in ms.
        read_ms: u32,
    },
    /// Sealing card and PIN twice.
    Sealing,
    /// Sending to the payment server.
    Sending,
    /// The bank has it.
    AskingBank,
    /// The bank approved and the receipt verified.
    Paid {
        /// The attempt whose receipt is kept.
        attempt_id: AttemptId,
        /// ISO 8583 DE 38.
        approval_code: String,
        /// When the bank decided, ms since the Unix epoch.
        decided_ms: u64,
    },
    /// The bank has not answered. Do not pay again.
    Unknown {
        /// When it will be known or undone, at the latest; ms since the Unix epoch.
        deadline_ms: u64,
    },
    /// It ended without a payment, or must be looked at by a person.
    Refused {
        /// Why.
        code: ErrorCode,
        /// Whether money moved.
        money_moved: MoneyMoved,
        /// PIN tries left at the bank, after a wrong PIN.
        pin_tries_left: Option<u8>,
        /// Whether the same request can be tried again now.
        may_retry: bool,
    },
}

/// The running checkout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckoutView {
    /// The request being paid.
    pub request_id: RequestId,
    /// In which way.
    pub method: Method,
    /// How much.
    pub amount: Amount,
    /// Whom.
    pub payee: String,
    /// Where it stands.
    pub progress: CheckoutStage,
    /// The reader in use, once known.
    pub reader: Option<String>,
    /// How the card reached it, once it did.
    pub gesture: Option<CardGesture>,
    /// The attempt, once sealed.
    pub attempt_id: Option<AttemptId>,
    /// The bank or operator it is sealed to, by the name its root certified, once it is.
    #[serde(default)]
    pub asked: Option<String>,
    /// The last reading problem while still waiting for a card, such as `card_removed`.
    pub notice: Option<ErrorCode>,
}

/// One key of a PIN pad.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinKeyView {
    /// The position to press.
    pub position: u8,
    /// A PNG as a `data:` URL that shows the digit; the window never learns which.
    pub image: Option<String>,
    /// The digit as text, with [`PinLayout::Standard`] only.
    pub label: Option<String>,
}

/// A PIN pad: ten keys in reading order, the last one alone in its row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinPadView {
    /// How the keys are laid out.
    pub layout: PinLayout,
    /// The keys.
    pub keys: Vec<PinKeyView>,
    /// The fewest digits.
    pub digits_min: u8,
    /// The most digits.
    pub digits_max: u8,
}

/// How much of the PIN is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinEntryView {
    /// How many digits.
    pub filled: u8,
    /// Whether that is enough to go on.
    pub complete: bool,
}

/// What a receipt says in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptSummary {
    /// The attempt it proves.
    pub attempt_id: AttemptId,
    /// How much.
    pub amount: Amount,
    /// Whom.
    pub payee: String,
    /// When the bank decided, ms since the Unix epoch.
    pub decided_ms: u64,
    /// Scheme and last four digits.
    pub card_label: String,
}

/// A receipt, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptView {
    /// The list's line.
    pub summary: ReceiptSummary,
    /// The merchant's own reference.
    pub order_number: String,
    /// The lines.
    pub items: Vec<ItemView>,
    /// ISO 8583 DE 38.
    pub approval_code: String,
    /// ISO 8583 DE 37.
    pub rrn: String,
    /// The bank's id.
    pub bank: String,
    /// Its name, as its root certified it; empty when it is not known.
    #[serde(default)]
    pub bank_name: String,
    /// Whether the merchant's signature verifies under a keyset signed by the pinned root.
    pub merchant_seal: bool,
    /// Whether the bank's signature verifies under a certificate signed by that bank's pinned root.
    pub bank_seal: bool,
    /// What was given back, in minor units; none of a receipt that is not this wallet's own.
    #[serde(default)]
    pub refunded_minor: Option<i64>,
    /// The receipt file's text.
    pub json: String,
    /// A QR of the receipt's short proof, as SVG, for another wallet to check.
    pub qr_svg: String,
}

impl ReceiptView {
    /// What a person is told of the bank: its name, or its id where there is none.
    pub fn bank_called(&self) -> &str {
        if self.bank_name.is_empty() { &self.bank } else { &self.bank_name }
    }
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

    #[test]
    fn a_refusal_reads_well_on_the_wire() {
        let stage = CheckoutStage::Refused {
            code: ErrorCode::Declined(payment::DeclineCode::WrongPin),
            money_moved: MoneyMoved::No,
            pin_tries_left: Some(2),
            may_retry: true,
        };
        let json = serde_json::to_string(&stage).unwrap();
        assert!(json.contains(r#""stage":"refused","code":"declined_wrong_pin","money_moved":"no""#), "{json}");
        assert_eq!(serde_json::from_str::<CheckoutStage>(&json).unwrap(), stage);
    }
}

//! Where the person is: the screen they went to, and the place the wallet's state makes of it.

mod first;
mod settings;

use payment::{AttemptId, RequestId};
use protocol::error::{ErrorCode, MoneyMoved};
use protocol::ipc::CheckoutStage;

use crate::merchant::place::{SellPlace, SellScreen, SellSection};
use crate::remedy::Remedy;

pub use first::FirstStep;
pub use settings::{GROUPS, SettingsGroup, SettingsPage};

/// What the person navigated to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// The requests.
    Inbox,
    /// The introduction of a new sender.
    FirstContact(RequestId),
    /// A link from outside the window brought a request.
    LinkOpened(RequestId),
    /// One request.
    Request(RequestId),
    /// The running or finished checkout.
    Checkout,
    /// A checkout could not start: why the reader cannot be used.
    CardProblem(RequestId, ErrorCode),
    /// What is typed to pay by username.
    PayAlias(RequestId),
    /// What is typed to pay by code.
    PayCode(RequestId),
    /// What is typed to pay with a voucher.
    PayVoucher(RequestId),
    /// What is typed to set up a phone bill, and the request that shall be paid on it.
    BillEnrol(Option<RequestId>),
    /// Payment numbers.
    Numbers,
    /// The receipts.
    History,
    /// One receipt.
    Receipt(AttemptId),
    /// Somebody's receipt, to be checked.
    Verify,
    /// The list of the settings.
    Settings,
    /// One page of them.
    SettingsPage(SettingsPage),
    /// A test of a reader.
    ReaderTest,
    /// The first run, once more.
    FirstRun,
    /// One of the merchant's screens.
    Sell(SellScreen),
}

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The wallet has not answered yet.
    Starting,
    /// The wallet did not open.
    Broken,
    /// The wallet is locked.
    Lock,
    /// The same, and the passphrase is forgotten.
    LockForgotten,
    /// A step of the first run.
    FirstRun(FirstStep),
    /// See [`Screen::Inbox`].
    Inbox,
    /// See [`Screen::FirstContact`].
    FirstContact(RequestId),
    /// See [`Screen::LinkOpened`].
    LinkOpened(RequestId),
    /// See [`Screen::Request`].
    Request(RequestId),
    /// See [`Screen::CardProblem`].
    CardProblem(RequestId, ErrorCode),
    /// See [`Screen::PayAlias`].
    PayAlias(RequestId),
    /// See [`Screen::PayCode`].
    PayCode(RequestId),
    /// See [`Screen::PayVoucher`].
    PayVoucher(RequestId),
    /// See [`Screen::BillEnrol`].
    BillEnrol(Option<RequestId>),
    /// Waiting for a card, or reading it.
    Card,
    /// Choosing among a card's applications.
    CardChoose,
    /// The card or the reader failed, and the payment ended before anything was sent.
    CardError,
    /// Entering the PIN.
    Pin,
    /// Sealing, sending, asking the bank.
    Sealing,
    /// Paid.
    Paid,
    /// The bank has not answered.
    Unknown,
    /// Not paid.
    Refused,
    /// See [`Screen::Numbers`].
    Numbers,
    /// See [`Screen::History`].
    History,
    /// See [`Screen::Receipt`].
    Receipt(AttemptId),
    /// See [`Screen::Verify`].
    Verify,
    /// See [`Screen::Settings`].
    Settings,
    /// See [`Screen::SettingsPage`].
    SettingsPage(SettingsPage),
    /// See [`Screen::ReaderTest`].
    ReaderTest,
    /// One of the merchant's screens, given what became of the sale it shows.
    Sell(SellPlace),
}

/// The destinations of the navigation. The first two are there on a till only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Taking payments.
    Sell,
    /// What was sold.
    Sales,
    /// Requests.
    Requests,
    /// History.
    History,
    /// Settings.
    Settings,
}

impl Place {
    /// The place of a screen, given where the checkout stands.
    pub fn of(screen: Screen, checkout: Option<&CheckoutStage>) -> Self {
        match (screen, checkout) {
            (Screen::Inbox, _) | (Screen::Checkout, None) => Self::Inbox,
            (Screen::FirstContact(request_id), _) => Self::FirstContact(request_id),
            (Screen::LinkOpened(request_id), _) => Self::LinkOpened(request_id),
            (Screen::Request(request_id), _) => Self::Request(request_id),
            (Screen::CardProblem(request_id, code), _) => Self::CardProblem(request_id, code),
            (Screen::PayAlias(request_id), _) => Self::PayAlias(request_id),
            (Screen::PayCode(request_id), _) => Self::PayCode(request_id),
            (Screen::PayVoucher(request_id), _) => Self::PayVoucher(request_id),
            (Screen::BillEnrol(request_id), _) => Self::BillEnrol(request_id),
            (Screen::Numbers, _) => Self::Numbers,
            (Screen::History, _) => Self::History,
            (Screen::Receipt(attempt_id), _) => Self::Receipt(attempt_id),
            (Screen::Verify, _) => Self::Verify,
            (Screen::Settings, _) => Self::Settings,
            (Screen::SettingsPage(page), _) => Self::SettingsPage(page),
            (Screen::ReaderTest, _) => Self::ReaderTest,
            (Screen::FirstRun, _) => Self::FirstRun(FirstStep::Language),
            (Screen::Sell(screen), _) => Self::Sell(SellPlace::of(screen, None)),
            (Screen::Checkout, Some(stage)) => Self::of_stage(stage),
        }
    }

    fn of_stage(stage: &CheckoutStage) -> Self {
        match stage {
            CheckoutStage::WaitingForCard | CheckoutStage::Reading { .. } => Self::Card,
            CheckoutStage::Choose { .. } => Self::CardChoose,
            CheckoutStage::Pin { .. } => Self::Pin,
            CheckoutStage::Sealing | CheckoutStage::Sending | CheckoutStage::AskingBank => Self::Sealing,
            CheckoutStage::Paid { .. } => Self::Paid,
            CheckoutStage::Unknown { .. } => Self::Unknown,
            CheckoutStage::Refused { code, money_moved: MoneyMoved::No, .. } if Remedy::exists(*code) => {
                Self::CardError
            }
            CheckoutStage::Refused { .. } => Self::Refused,
        }
    }

    /// The stable name: `data-screen`, in tests, documents and reports.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Starting => "start",
            Self::Broken => "start.failed",
            Self::Lock => "lock",
            Self::LockForgotten => "lock.forgotten",
            Self::FirstRun(step) => step.id(),
            Self::Inbox => "inbox",
            Self::FirstContact(_) => "first-contact",
            Self::LinkOpened(_) => "link-opened",
            Self::Request(_) => "request",
            Self::PayAlias(_) => "pay.alias",
            Self::PayCode(_) => "pay.code",
            Self::PayVoucher(_) => "pay.voucher",
            Self::BillEnrol(_) => "bill.enrol",
            Self::Card => "card",
            Self::CardChoose => "card.choose",
            Self::CardProblem(..) | Self::CardError => "card.error",
            Self::Pin => "pin",
            Self::Sealing => "sealing",
            Self::Paid => "result.paid",
            Self::Unknown => "result.unknown",
            Self::Refused => "result.refused",
            Self::Numbers => "numbers",
            Self::History => "history",
            Self::Receipt(_) => "receipt",
            Self::Verify => "receipt.verify",
            Self::Settings => "settings",
            Self::SettingsPage(page) => page.id(),
            Self::ReaderTest => "reader.test",
            Self::Sell(place) => place.id(),
        }
    }

    /// The destination it belongs to; none while paying, when there is nothing to navigate to.
    pub const fn section(self) -> Option<Section> {
        match self {
            Self::Inbox | Self::FirstContact(_) | Self::LinkOpened(_) | Self::Request(_) | Self::Numbers => {
                Some(Section::Requests)
            }
            Self::History | Self::Receipt(_) | Self::Verify => Some(Section::History),
            Self::Settings | Self::SettingsPage(_) | Self::ReaderTest | Self::BillEnrol(None) => {
                Some(Section::Settings)
            }
            Self::Sell(place) => match place.section() {
                Some(SellSection::Sell) => Some(Section::Sell),
                Some(SellSection::Sales) => Some(Section::Sales),
                Some(SellSection::Settings) => Some(Section::Settings),
                None => None,
            },
            Self::Starting | Self::Broken | Self::Lock | Self::LockForgotten | Self::FirstRun(_) => None,
            Self::CardProblem(..) | Self::Card | Self::CardChoose | Self::CardError => None,
            Self::PayAlias(_) | Self::PayCode(_) | Self::PayVoucher(_) | Self::BillEnrol(Some(_)) => None,
            Self::Pin | Self::Sealing | Self::Paid | Self::Unknown | Self::Refused => None,
        }
    }

    /// Whether it is a section's own list, and not something chosen from it.
    pub const fn is_top(self) -> bool {
        matches!(self, Self::Inbox | Self::History | Self::Settings | Self::Sell(SellPlace::At(SellScreen::Sales)))
    }

    /// Whether a payment is under way and nothing was sealed yet.
    pub const fn can_stop(self) -> bool {
        matches!(self, Self::Card | Self::CardChoose | Self::Pin)
    }

    /// Whether a secret is typed on it. The PIN pad is the wallet's own, which knows of it by itself.
    pub const fn types_secret(self) -> bool {
        matches!(
            self,
            Self::PayAlias(_)
                | Self::PayCode(_)
                | Self::PayVoucher(_)
                | Self::BillEnrol(_)
                | Self::SettingsPage(SettingsPage::WayAlias)
                | Self::Sell(SellPlace::At(SellScreen::Vouchers))
        )
    }

    /// Whether it shows readers, which come and go without the wallet's doing.
    pub const fn shows_readers(self) -> bool {
        matches!(
            self,
            Self::Request(_)
                | Self::CardProblem(..)
                | Self::Card
                | Self::CardError
                | Self::SettingsPage(SettingsPage::Readers | SettingsPage::Ways | SettingsPage::WayAlias)
        )
    }

    /// The request it shows.
    pub const fn request_id(self) -> Option<RequestId> {
        match self {
            Self::FirstContact(request_id)
            | Self::LinkOpened(request_id)
            | Self::Request(request_id)
            | Self::PayAlias(request_id)
            | Self::PayCode(request_id)
            | Self::PayVoucher(request_id) => Some(request_id),
            Self::BillEnrol(request_id) => request_id,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::ipc::ReadPhase;

    use super::*;

    #[test]
    fn a_checkout_decides_its_own_place() {
        let stage = CheckoutStage::Reading { step: 1, steps: 5, phase: ReadPhase::Directory };
        assert_eq!(Place::of(Screen::Checkout, Some(&stage)), Place::Card);
        assert_eq!(Place::of(Screen::Checkout, Some(&CheckoutStage::AskingBank)), Place::Sealing);
        assert_eq!(Place::of(Screen::Checkout, None), Place::Inbox);
    }

    fn refused(code: ErrorCode, money_moved: MoneyMoved) -> CheckoutStage {
        CheckoutStage::Refused { code, money_moved, pin_tries_left: None, may_retry: false }
    }

    #[test]
    fn a_card_that_failed_is_no_refusal_by_the_bank() {
        let of = |stage: CheckoutStage| Place::of(Screen::Checkout, Some(&stage));
        assert_eq!(of(refused(ErrorCode::CardBlocked, MoneyMoved::No)), Place::CardError);
        assert_eq!(of(refused(ErrorCode::Stopped, MoneyMoved::No)), Place::Refused);
        assert_eq!(of(refused(ErrorCode::NeedsManualReview, MoneyMoved::Unknown)), Place::Refused);
        // Should a server ever say so, what happened to the money comes first.
        assert_eq!(of(refused(ErrorCode::CardUnusable, MoneyMoved::Unknown)), Place::Refused);
    }

    #[test]
    fn a_payment_can_be_stopped_until_it_is_sealed() {
        for place in [Place::Card, Place::CardChoose, Place::Pin] {
            assert!(place.can_stop(), "{}", place.id());
        }
        for place in [Place::Sealing, Place::Paid, Place::Unknown, Place::Refused, Place::CardError, Place::Inbox] {
            assert!(!place.can_stop(), "{}", place.id());
        }
    }

    #[test]
    fn a_person_who_left_the_checkout_is_not_pulled_back() {
        let stage = CheckoutStage::Unknown { deadline_ms: 1 };
        assert_eq!(Place::of(Screen::History, Some(&stage)), Place::History);
    }

    #[test]
    fn there_is_no_navigation_while_paying() {
        for place in [Place::Card, Place::CardChoose, Place::CardError, Place::Pin, Place::Sealing, Place::Unknown] {
            assert_eq!(place.section(), None, "{}", place.id());
        }
    }
}

//! The merchant's screens: where the person went, and what a sale's state makes of it.

use payment::RequestId;

use super::face::SaleFace;

/// What the person navigated to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SellScreen {
    /// How a wallet becomes a till.
    Connect,
    /// The business and what belongs to it.
    Business,
    /// An amount to charge.
    Keypad,
    /// Things to charge for.
    Items,
    /// The things themselves, to be changed.
    Catalogue,
    /// One sale, as the payer in front of the till sees it.
    Pos(RequestId),
    /// The sales.
    Sales,
    /// One sale, as the books see it.
    Sale(RequestId),
    /// A day's totals.
    Day,
    /// The printed codes.
    Counters,
    /// One of them, to be printed.
    Counter,
    /// Where events are sent.
    Webhooks,
    /// One of those, and what was sent there.
    Webhook,
    /// API keys and certificates.
    Access,
    /// The merchant's vouchers.
    Vouchers,
    /// A new batch of them.
    NewBatch,
    /// One batch.
    VoucherBatch,
}

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SellPlace {
    /// The screen itself.
    At(SellScreen),
    /// A sale that waits to be paid.
    PosQr(RequestId),
    /// A sale that is paid.
    PosPaid(RequestId),
    /// A sale whose outcome nobody knows yet.
    PosUnknown(RequestId),
    /// A sale that ended without a payment, or was undone.
    PosRefused(RequestId),
    /// A sale whose time ran out.
    PosExpired(RequestId),
    /// A sale that was withdrawn.
    PosCancelled(RequestId),
}

/// The merchant's destinations of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SellSection {
    /// Selling, and the business behind it.
    Sell,
    /// What was sold.
    Sales,
    /// Becoming a till: it belongs to the settings.
    Settings,
}

impl SellPlace {
    /// The place of a screen, given the face of the sale it shows; none until that was read.
    pub const fn of(screen: SellScreen, face: Option<SaleFace>) -> Self {
        let SellScreen::Pos(request_id) = screen else { return Self::At(screen) };
        match face {
            None | Some(SaleFace::Asking | SaleFace::Sent | SaleFace::Seen | SaleFace::Paying) => {
                Self::PosQr(request_id)
            }
            Some(SaleFace::Paid) => Self::PosPaid(request_id),
            Some(SaleFace::Unknown | SaleFace::Review) => Self::PosUnknown(request_id),
            Some(SaleFace::Rejected | SaleFace::Declined | SaleFace::Reversed | SaleFace::Unreached) => {
                Self::PosRefused(request_id)
            }
            Some(SaleFace::Expired) => Self::PosExpired(request_id),
            Some(SaleFace::Cancelled) => Self::PosCancelled(request_id),
        }
    }

    /// The stable name.
    pub const fn id(self) -> &'static str {
        match self {
            Self::At(SellScreen::Connect) => "merchant.connect",
            Self::At(SellScreen::Business) => "merchant",
            Self::At(SellScreen::Keypad) => "keypad",
            Self::At(SellScreen::Items) => "items",
            Self::At(SellScreen::Catalogue) => "items.edit",
            Self::At(SellScreen::Sales) => "sales",
            Self::At(SellScreen::Sale(_)) => "sale",
            Self::At(SellScreen::Day) => "day",
            Self::At(SellScreen::Counters) => "counters",
            Self::At(SellScreen::Counter) => "counter",
            Self::At(SellScreen::Webhooks) => "webhooks",
            Self::At(SellScreen::Webhook) => "webhook",
            Self::At(SellScreen::Access) => "keys",
            Self::At(SellScreen::Vouchers) => "vouchers",
            Self::At(SellScreen::NewBatch) => "vouchers.new",
            Self::At(SellScreen::VoucherBatch) => "vouchers.batch",
            Self::At(SellScreen::Pos(_)) | Self::PosQr(_) => "pos.qr",
            Self::PosPaid(_) => "pos.paid",
            Self::PosUnknown(_) => "pos.unknown",
            Self::PosRefused(_) => "pos.refused",
            Self::PosExpired(_) => "pos.expired",
            Self::PosCancelled(_) => "pos.cancelled",
        }
    }

    /// The destination it belongs to; none while a payer stands in front of the till.
    pub const fn section(self) -> Option<SellSection> {
        match self {
            Self::At(SellScreen::Pos(_)) => None,
            Self::At(SellScreen::Connect) => Some(SellSection::Settings),
            Self::At(SellScreen::Sales | SellScreen::Sale(_) | SellScreen::Day) => Some(SellSection::Sales),
            Self::At(_) => Some(SellSection::Sell),
            Self::PosQr(_) | Self::PosPaid(_) | Self::PosUnknown(_) => None,
            Self::PosRefused(_) | Self::PosExpired(_) | Self::PosCancelled(_) => None,
        }
    }

    /// How the window is divided.
    pub const fn layout(self) -> &'static str {
        match self {
            Self::At(SellScreen::Keypad | SellScreen::Items) => "till",
            Self::At(SellScreen::Sales) => "list",
            Self::At(SellScreen::Sale(_)) => "detail",
            Self::At(SellScreen::Pos(_)) => "payer",
            Self::At(_) => "single",
            Self::PosQr(_) | Self::PosPaid(_) | Self::PosUnknown(_) => "payer",
            Self::PosRefused(_) | Self::PosExpired(_) | Self::PosCancelled(_) => "payer",
        }
    }

    /// One step back.
    pub const fn back(self) -> Option<SellScreen> {
        match self {
            Self::At(SellScreen::Keypad | SellScreen::Sales | SellScreen::Connect) => None,
            Self::At(SellScreen::Items | SellScreen::Business) => Some(SellScreen::Keypad),
            Self::At(SellScreen::Catalogue) => Some(SellScreen::Items),
            Self::At(SellScreen::Sale(_) | SellScreen::Day) => Some(SellScreen::Sales),
            Self::At(SellScreen::Counters | SellScreen::Webhooks | SellScreen::Access | SellScreen::Vouchers) => {
                Some(SellScreen::Business)
            }
            Self::At(SellScreen::NewBatch | SellScreen::VoucherBatch) => Some(SellScreen::Vouchers),
            Self::At(SellScreen::Counter) => Some(SellScreen::Counters),
            Self::At(SellScreen::Webhook) => Some(SellScreen::Webhooks),
            // The request goes on without the screen; it is found among the sales.
            Self::At(SellScreen::Pos(_)) | Self::PosQr(_) | Self::PosPaid(_) | Self::PosUnknown(_) => {
                Some(SellScreen::Keypad)
            }
            Self::PosRefused(_) | Self::PosExpired(_) | Self::PosCancelled(_) => Some(SellScreen::Keypad),
        }
    }

    /// The sale it shows.
    pub const fn sale(self) -> Option<RequestId> {
        match self {
            Self::At(SellScreen::Pos(id) | SellScreen::Sale(id)) => Some(id),
            Self::At(_) => None,
            Self::PosQr(id) | Self::PosPaid(id) | Self::PosUnknown(id) => Some(id),
            Self::PosRefused(id) | Self::PosExpired(id) | Self::PosCancelled(id) => Some(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> RequestId {
        "0190a7e0-0000-7000-8000-000000000001".parse().unwrap()
    }

    #[test]
    fn a_sale_decides_its_own_place() {
        let place = |face| SellPlace::of(SellScreen::Pos(id()), face).id();
        assert_eq!(place(None), "pos.qr");
        assert_eq!(place(Some(SaleFace::Paying)), "pos.qr");
        assert_eq!(place(Some(SaleFace::Paid)), "pos.paid");
        assert_eq!(place(Some(SaleFace::Unknown)), "pos.unknown");
        assert_eq!(place(Some(SaleFace::Review)), "pos.unknown");
        assert_eq!(place(Some(SaleFace::Declined)), "pos.refused");
        assert_eq!(place(Some(SaleFace::Expired)), "pos.expired");
    }

    #[test]
    fn the_books_show_a_sale_whatever_became_of_it() {
        assert_eq!(SellPlace::of(SellScreen::Sale(id()), Some(SaleFace::Paid)).id(), "sale");
    }

    #[test]
    fn a_code_is_shown_only_while_it_can_be_paid() {
        for face in [SaleFace::Unknown, SaleFace::Review, SaleFace::Paid, SaleFace::Expired, SaleFace::Cancelled] {
            assert_ne!(SellPlace::of(SellScreen::Pos(id()), Some(face)).id(), "pos.qr", "{face:?}");
        }
    }

    #[test]
    fn nothing_distracts_while_a_payer_looks() {
        for face in [SaleFace::Asking, SaleFace::Paid, SaleFace::Unknown, SaleFace::Declined, SaleFace::Cancelled] {
            assert_eq!(SellPlace::of(SellScreen::Pos(id()), Some(face)).section(), None, "{face:?}");
        }
    }
}

//! What to do about a card or a reader that failed before anything was sent: one action for each code.

use protocol::error::ErrorCode;
use protocol::ipc::{CardGesture, ReaderView};

use crate::i18n::Text;
use crate::readers;

/// The one thing to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The same card once more.
    SameCard,
    /// Another card: this one will not do.
    AnotherCard,
    /// The same card, inserted.
    InsertInstead,
    /// Another of the readers.
    OtherReader,
    /// Looking again, once the reader or its service is put right.
    LookAgain,
    /// Nothing on this device.
    Elsewhere,
}

impl Remedy {
    /// What to do about a code, given how the card came and which readers there are; none when neither card nor
    /// reader failed.
    pub fn of(code: ErrorCode, came: Option<CardGesture>, readers: &[ReaderView]) -> Option<Self> {
        Some(match code {
            ErrorCode::NoReader | ErrorCode::ReaderServiceDown | ErrorCode::ReaderFailed | ErrorCode::NfcOff => {
                Self::LookAgain
            }
            ErrorCode::ReaderBusy | ErrorCode::ReaderClaimed if readers::places(readers, None).next().is_some() => {
                Self::OtherReader
            }
            ErrorCode::ReaderBusy | ErrorCode::ReaderClaimed => Self::LookAgain,
            ErrorCode::NfcUnavailable => Self::Elsewhere,
            ErrorCode::CardAbsent
            | ErrorCode::CardRemoved
            | ErrorCode::CardTimeout
            | ErrorCode::SeveralCards
            | ErrorCode::CardSeePhone
            | ErrorCode::CardUnreadable
            | ErrorCode::SwipeUnreadable => Self::SameCard,
            ErrorCode::CardRefused | ErrorCode::CardStripeOverAir | ErrorCode::CardUseChip
                if came != Some(CardGesture::Insert) && readers::places(readers, None).any(readers::may_insert) =>
            {
                Self::InsertInstead
            }
            ErrorCode::CardRefused
            | ErrorCode::CardStripeOverAir
            | ErrorCode::CardUseChip
            | ErrorCode::CardNotPayment
            | ErrorCode::CardBlocked
            | ErrorCode::CardDeclinedOffline
            | ErrorCode::CardUnusable
            | ErrorCode::NoBankForCard
            | ErrorCode::BankAmbiguous => Self::AnotherCard,
            // Everything else is the request's, the server's, the bank's or the wallet's own.
            _ => return None,
        })
    }

    /// Whether a code belongs to a card or a reader.
    pub fn exists(code: ErrorCode) -> bool {
        Self::of(code, None, &[]).is_some()
    }

    /// The stable word for tests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SameCard => "same-card",
            Self::AnotherCard => "another-card",
            Self::InsertInstead => "insert",
            Self::OtherReader => "other-reader",
            Self::LookAgain => "look-again",
            Self::Elsewhere => "elsewhere",
        }
    }

    /// The words on the button; none where no button helps.
    pub const fn action(self) -> Option<Text> {
        match self {
            Self::SameCard | Self::OtherReader => Some(Text::ActionTryAgain),
            Self::AnotherCard => Some(Text::CardAnotherCard),
            Self::InsertInstead => Some(Text::CardInsertInstead),
            Self::LookAgain => Some(Text::CardLookAgain),
            Self::Elsewhere => None,
        }
    }
}

/// Whether it is the reader that failed, and not the card.
pub const fn is_reader_s(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::NoReader
            | ErrorCode::ReaderServiceDown
            | ErrorCode::ReaderBusy
            | ErrorCode::ReaderClaimed
            | ErrorCode::ReaderFailed
            | ErrorCode::NfcOff
            | ErrorCode::NfcUnavailable
    )
}

#[cfg(test)]
mod tests {
    use protocol::error::MoneyMoved;
    use protocol::ipc::ReaderKind;

    use super::*;
    use crate::readers::tests::reader;

    #[test]
    fn a_card_that_will_not_do_asks_for_another() {
        for code in
            [ErrorCode::CardBlocked, ErrorCode::CardNotPayment, ErrorCode::NoBankForCard, ErrorCode::BankAmbiguous]
        {
            assert_eq!(Remedy::of(code, None, &[]), Some(Remedy::AnotherCard), "{code}");
        }
    }

    #[test]
    fn inserting_is_offered_only_where_there_is_a_slot() {
        let slotted = [reader("a", ReaderKind::Pcsc, &[CardGesture::Tap, CardGesture::Insert])];
        let tap_only = [reader("a", ReaderKind::Nfc, &[CardGesture::Tap])];
        for code in [ErrorCode::CardStripeOverAir, ErrorCode::CardRefused, ErrorCode::CardUseChip] {
            let tapped = Some(CardGesture::Tap);
            assert_eq!(Remedy::of(code, tapped, &slotted), Some(Remedy::InsertInstead), "{code}");
            assert_eq!(Remedy::of(code, tapped, &tap_only), Some(Remedy::AnotherCard), "{code}");
            let inserted = Some(CardGesture::Insert);
            assert_eq!(Remedy::of(code, inserted, &slotted), Some(Remedy::AnotherCard), "{code}: it was inserted");
        }
    }

    #[test]
    fn another_reader_is_offered_only_where_there_is_one() {
        let free = [reader("a", ReaderKind::Pcsc, &[CardGesture::Insert])];
        assert_eq!(Remedy::of(ErrorCode::ReaderClaimed, None, &free), Some(Remedy::OtherReader));
        assert_eq!(Remedy::of(ErrorCode::ReaderClaimed, None, &[]), Some(Remedy::LookAgain));
    }

    #[test]
    fn whatever_has_a_remedy_moved_no_money() {
        for code in ErrorCode::ALL.iter().copied().filter(|code| Remedy::exists(*code)) {
            assert_eq!(code.money_moved(), MoneyMoved::No, "{code}");
        }
    }

    #[test]
    fn every_card_and_reader_code_has_a_remedy() {
        let is_meant = |name: &str| {
            ["card_", "reader_", "nfc_"].iter().any(|prefix| name.starts_with(prefix))
                || ["no_reader", "several_cards", "swipe_unreadable"].contains(&name)
        };
        for code in ErrorCode::ALL.iter().copied().filter(|code| is_meant(code.as_str())) {
            assert!(Remedy::exists(code), "{code}");
        }
        assert!(!Remedy::exists(ErrorCode::OutcomeUnknown) && !Remedy::exists(ErrorCode::Stopped));
    }
}

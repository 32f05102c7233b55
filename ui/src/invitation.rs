//! How a person is asked to present the card: what the reader takes decides the picture and the words.

use protocol::ipc::{CardGesture, ReaderKind, ReaderView};

use crate::i18n::Text;
use crate::readers;

/// How a card is to be presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invitation {
    /// Inserted or tapped: nobody can know before a card is there.
    Any,
    /// Put into the slot.
    Insert,
    /// Held to the reader.
    Tap,
    /// Held to the back of this phone.
    Phone,
    /// Pulled through.
    Swipe,
}

impl Invitation {
    /// What to ask for at the reader with this id, or at every usable one; a card that has come settles it.
    pub fn of(readers: &[ReaderView], id: Option<&str>, came: Option<CardGesture>) -> Self {
        let places: Vec<&ReaderView> = readers::places(readers, id).collect();
        let is_phone = !places.is_empty() && places.iter().all(|reader| reader.kind == ReaderKind::Phone);
        let gestures = || places.iter().flat_map(|reader| reader.gestures.iter().copied());
        let is_certain = places.iter().all(|reader| !reader.gestures.is_empty());
        let only = gestures().next().filter(|first| is_certain && gestures().all(|other| other == *first));
        match came.or(only) {
            Some(CardGesture::Insert) => Self::Insert,
            Some(CardGesture::Tap) if is_phone => Self::Phone,
            Some(CardGesture::Tap) => Self::Tap,
            Some(CardGesture::Swipe) => Self::Swipe,
            None => Self::Any,
        }
    }

    /// The stable word for tests and styles.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Insert => "insert",
            Self::Tap => "tap",
            Self::Phone => "phone",
            Self::Swipe => "swipe",
        }
    }

    /// What to do, as a heading.
    pub const fn title(self) -> Text {
        match self {
            Self::Any => Text::CardTitleAny,
            Self::Insert => Text::CardTitleInsert,
            Self::Tap => Text::CardTitleTap,
            Self::Phone => Text::CardTitlePhone,
            Self::Swipe => Text::CardTitleSwipe,
        }
    }

    /// Where exactly.
    pub const fn place(self) -> Text {
        match self {
            Self::Any => Text::CardWhereAny,
            Self::Insert => Text::CardWhereInsert,
            Self::Tap => Text::CardWhereTap,
            Self::Phone => Text::CardWherePhone,
            Self::Swipe => Text::CardWhereSwipe,
        }
    }

    /// What the picture shows.
    pub const fn picture(self) -> Text {
        match self {
            Self::Any | Self::Tap => Text::CardPictureAny,
            Self::Insert => Text::CardPictureInsert,
            Self::Phone => Text::CardPicturePhone,
            Self::Swipe => Text::CardPictureSwipe,
        }
    }

    /// What to do while the card is read; nothing once it was swiped.
    pub const fn hold(self) -> Option<Text> {
        match self {
            Self::Insert => Some(Text::CardHoldInsert),
            Self::Any | Self::Tap | Self::Phone => Some(Text::CardHold),
            Self::Swipe => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::error::ErrorCode;

    use super::*;
    use crate::readers::tests::reader;

    #[test]
    fn one_reader_that_takes_one_gesture_is_plain() {
        let slot = [reader("a", ReaderKind::Pcsc, &[CardGesture::Insert])];
        assert_eq!(Invitation::of(&slot, None, None), Invitation::Insert);
        let stripe = [reader("a", ReaderKind::Stripe, &[CardGesture::Swipe])];
        assert_eq!(Invitation::of(&stripe, None, None), Invitation::Swipe);
        let phone = [reader("phone", ReaderKind::Phone, &[CardGesture::Tap])];
        assert_eq!(Invitation::of(&phone, None, None), Invitation::Phone);
    }

    #[test]
    fn several_gestures_or_an_unknown_one_leave_it_open() {
        let both =
            [reader("a", ReaderKind::Pcsc, &[CardGesture::Insert]), reader("b", ReaderKind::Nfc, &[CardGesture::Tap])];
        assert_eq!(Invitation::of(&both, None, None), Invitation::Any);
        assert_eq!(Invitation::of(&both, Some("b"), None), Invitation::Tap, "the chosen reader decides");
        let unknown = [reader("a", ReaderKind::Pcsc, &[]), reader("b", ReaderKind::Pcsc, &[CardGesture::Insert])];
        assert_eq!(Invitation::of(&unknown, None, None), Invitation::Any);
        assert_eq!(Invitation::of(&[], None, None), Invitation::Any);
    }

    #[test]
    fn a_card_that_came_settles_it() {
        let both = [reader("a", ReaderKind::Pcsc, &[CardGesture::Insert, CardGesture::Tap])];
        assert_eq!(Invitation::of(&both, None, Some(CardGesture::Tap)), Invitation::Tap);
        assert_eq!(Invitation::of(&both, None, Some(CardGesture::Insert)), Invitation::Insert);
    }

    #[test]
    fn a_reader_in_trouble_asks_for_nothing() {
        let mut busy = reader("a", ReaderKind::Pcsc, &[CardGesture::Insert]);
        busy.trouble = Some(ErrorCode::ReaderBusy);
        let readers = [busy, reader("b", ReaderKind::Nfc, &[CardGesture::Tap])];
        assert_eq!(Invitation::of(&readers, None, None), Invitation::Tap);
    }
}

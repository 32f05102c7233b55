//! What a list of readers means: which can be used, what is wrong with the others, and the words for both.

use protocol::error::ErrorCode;
use protocol::ipc::{CardGesture, ReaderKind, ReaderView};

use crate::i18n::Text;

/// The reader with this id, or every reader that can be used.
pub fn places<'a>(readers: &'a [ReaderView], id: Option<&'a str>) -> impl Iterator<Item = &'a ReaderView> {
    readers.iter().filter(move |reader| match id {
        Some(id) => reader.id == id,
        None => reader.trouble.is_none(),
    })
}

/// The reader with this id, if it is still there.
pub fn listed<'a>(readers: &[ReaderView], id: Option<&'a str>) -> Option<&'a str> {
    id.filter(|id| readers.iter().any(|reader| reader.id == *id))
}

/// Why no card can be read: the trouble of the reader with this id, or that of the first when none can be used.
pub fn standing_trouble(readers: &[ReaderView], id: Option<&str>) -> Option<ErrorCode> {
    match id {
        Some(id) => readers.iter().find(|reader| reader.id == id)?.trouble,
        None if readers.iter().any(|reader| reader.trouble.is_none()) => None,
        None => readers.first()?.trouble,
    }
}

/// Whether a card can be inserted, as far as anybody can know before a card is there.
pub fn may_insert(reader: &ReaderView) -> bool {
    reader.gestures.is_empty() || reader.gestures.contains(&CardGesture::Insert)
}

/// What it is.
pub const fn kind_text(kind: ReaderKind) -> Text {
    match kind {
        ReaderKind::Pcsc => Text::ReaderKindPcsc,
        ReaderKind::Nfc => Text::ReaderKindNfc,
        ReaderKind::Stripe => Text::ReaderKindStripe,
        ReaderKind::Phone => Text::ReaderKindPhone,
        ReaderKind::Simulated => Text::ReaderKindSimulated,
        ReaderKind::Replay => Text::ReaderKindReplay,
    }
}

/// What it takes.
pub const fn gesture_text(gesture: CardGesture) -> Text {
    match gesture {
        CardGesture::Insert => Text::ReaderTakesInsert,
        CardGesture::Tap => Text::ReaderTakesTap,
        CardGesture::Swipe => Text::ReaderTakesSwipe,
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A reader without trouble and without a card.
    pub fn reader(id: &str, kind: ReaderKind, gestures: &[CardGesture]) -> ReaderView {
        let (id, name) = (id.to_owned(), id.to_uppercase());
        ReaderView { id, name, kind, gestures: gestures.to_vec(), card_present: false, trouble: None }
    }

    fn in_trouble(id: &str, code: ErrorCode) -> ReaderView {
        ReaderView { trouble: Some(code), ..reader(id, ReaderKind::Pcsc, &[CardGesture::Insert]) }
    }

    #[test]
    fn one_usable_reader_is_enough() {
        let readers = [in_trouble("a", ErrorCode::ReaderBusy), reader("b", ReaderKind::Nfc, &[CardGesture::Tap])];
        assert_eq!(standing_trouble(&readers, None), None);
        assert_eq!(standing_trouble(&readers[..1], None), Some(ErrorCode::ReaderBusy));
        assert_eq!(standing_trouble(&[], None), None, "no reader at all is told in another way");
    }

    #[test]
    fn the_chosen_reader_s_trouble_is_told_though_another_would_do() {
        let readers = [in_trouble("a", ErrorCode::ReaderClaimed), reader("b", ReaderKind::Nfc, &[CardGesture::Tap])];
        assert_eq!(standing_trouble(&readers, Some("a")), Some(ErrorCode::ReaderClaimed));
        assert_eq!(standing_trouble(&readers, Some("b")), None);
        assert_eq!(standing_trouble(&readers, Some("gone")), None);
    }

    #[test]
    fn a_reader_that_was_unplugged_is_not_waited_for() {
        let readers = [reader("a", ReaderKind::Pcsc, &[])];
        assert_eq!(listed(&readers, Some("a")), Some("a"));
        assert_eq!(listed(&readers, Some("gone")), None);
        assert_eq!(listed(&readers, None), None);
    }

    #[test]
    fn a_card_can_be_inserted_where_a_slot_is_known_or_possible() {
        let tap = reader("tap", ReaderKind::Nfc, &[CardGesture::Tap]);
        let unknown = reader("unknown", ReaderKind::Pcsc, &[]);
        let slotted = reader("slot", ReaderKind::Pcsc, &[CardGesture::Tap, CardGesture::Insert]);
        assert!(!may_insert(&tap) && may_insert(&unknown) && may_insert(&slotted));
    }
}

//! Paying with a card at a reader.

use protocol::ErrorCode;
use protocol::ipc::ReaderView;
use protocol::ipc::pay::Method;

/// A card at whichever reader shows one.
pub(super) const fn usual() -> Method {
    Method::Card { reader: None }
}

/// Why no card can be read now: the chosen reader is gone or in trouble, or every one is.
pub(super) fn trouble(readers: &[ReaderView], chosen: Option<&str>) -> Option<ErrorCode> {
    let mut meant = readers.iter().filter(|reader| chosen.is_none_or(|id| reader.id == id)).peekable();
    if meant.peek().is_none() {
        return Some(ErrorCode::NoReader);
    }
    let mut troubles = meant.map(|reader| reader.trouble);
    let first = troubles.next().flatten()?;
    if troubles.any(|trouble| trouble.is_none()) { None } else { Some(first) }
}

#[cfg(test)]
mod tests {
    use protocol::ipc::ReaderKind;

    use super::*;

    fn reader(id: &str, trouble: Option<ErrorCode>) -> ReaderView {
        ReaderView {
            id: id.to_owned(),
            name: id.to_owned(),
            kind: ReaderKind::Pcsc,
            gestures: Vec::new(),
            card_present: false,
            trouble,
        }
    }

    #[test]
    fn one_reader_that_works_is_enough() {
        let readers = [reader("a", Some(ErrorCode::ReaderBusy)), reader("b", None)];
        assert_eq!(trouble(&readers, None), None);
        assert_eq!(trouble(&readers, Some("a")), Some(ErrorCode::ReaderBusy), "but not when the other one was chosen");
        assert_eq!(trouble(&readers, Some("gone")), Some(ErrorCode::NoReader));
        assert_eq!(trouble(&readers[..1], None), Some(ErrorCode::ReaderBusy));
        assert_eq!(trouble(&[], None), Some(ErrorCode::NoReader));
    }
}

//! Data object lists (Book 3 section 5.4): what is built has the length asked for and splits again.

use emv::apdu::COMMAND_DATA_BYTES_MAX;
use emv::dol::{Dol, ENTRIES_MAX};

/// The first byte says how long the terminal's values are, the rest is the list.
pub fn check(bytes: &[u8]) {
    let Some((&length, list)) = bytes.split_first() else { return };
    let Ok(dol) = Dol::parse(list) else { return };
    assert!(dol.entries().len() <= ENTRIES_MAX);
    let asked: usize = dol.entries().iter().map(|entry| usize::from(entry.length)).sum();
    assert!(asked <= COMMAND_DATA_BYTES_MAX, "the data fits a command");
    for value in [None, Some(vec![0x12; usize::from(length)])] {
        let data = dol.build(|_| value.clone());
        assert_eq!(data.bytes.len(), asked, "the data is as long as the list asks");
        let split = dol.split(&data.bytes).expect("what was built splits");
        let kept: Vec<_> = split.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        assert!(kept == data.sent, "the card sees what was sent");
        assert!(data.sent.iter().all(|(tag, _)| dol.asks_for(*tag)));
    }
    let _ = dol.split(list);
}

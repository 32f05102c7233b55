//! A backup's lines, as they come out of its seal: however the bytes are cut, the same lines come, and what is taken reads
//! back as it was.

#[path = "../../../crates/wallet/src/backup/record.rs"]
#[allow(dead_code, reason = "the bounds of a whole backup are the reader's")]
mod record;

use record::{Lines, Record};

/// The lines of a backup.
pub fn check(bytes: &[u8]) {
    let whole = lines(bytes, bytes.len().max(1));
    assert_eq!(whole, lines(bytes, 7), "where the bytes are cut changes nothing");
    for line in whole {
        if let Some(record) = Record::parse(&line) {
            let again = record.to_line();
            assert_eq!(again.last(), Some(&b'\n'));
            assert!(!again[..again.len() - 1].contains(&b'\n'), "a record is one line");
            assert_eq!(Record::parse(&again[..again.len() - 1]), Some(record));
        }
    }
}

fn lines(bytes: &[u8], at_once: usize) -> Vec<Vec<u8>> {
    let mut lines = Lines::default();
    let mut taken = Vec::new();
    for part in bytes.chunks(at_once) {
        if !lines.feed(part) {
            break;
        }
        while let Some(line) = lines.next_line() {
            taken.push(line.to_vec());
        }
    }
    taken
}

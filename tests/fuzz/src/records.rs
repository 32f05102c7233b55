//! File locators and records (Book 3 sections 10.2 and 6.5.11): bounded, and any record leads to an end.

use emv::records::{RECORDS_MAX, parse_afl};

use crate::session::{WAYS, drive};

/// The contactless directory and, over contact, its absence.
const DIRECTORY: &[u8] = b"\x6F\x23\x84\x0E2PAY.SYS.DDF01\xA5\x11\xBF\x0C\x0E\x61\x0C\x4F\x07\xA0\x00\x00\x00\x04\x10\x10\x87\x01\x01\x90\x00";

/// An application without a PDOL.
const APPLICATION: &[u8] = b"\x6F\x10\x84\x07\xA0\x00\x00\x00\x04\x10\x10\xA5\x05\x50\x03MC1\x90\x00";

/// Processing options with one record to read.
const OPTIONS: &[u8] = b"\x77\x0A\x82\x02\x19\x80\x94\x04\x08\x01\x01\x00\x90\x00";

/// A cryptogram in format 1.
const CRYPTOGRAM: &[u8] = b"\x80\x12\x80\x00\x01\x11\x22\x33\x44\x55\x66\x77\x88\x06\x01\x0A\x03\xA0\xA0\x00\x90\x00";

/// The bytes as tag 94, as a record, and as what GET PROCESSING OPTIONS answers.
pub fn check(bytes: &[u8]) {
    if let Ok(records) = parse_afl(bytes) {
        assert!((1..=RECORDS_MAX).contains(&records.len()));
        assert!(records.iter().all(|address| (1..=30).contains(&address.sfi) && address.record > 0));
    }
    let answered = [bytes, &[0x90, 0x00]].concat();
    for way in WAYS {
        drive(way, 0, |c_apdu| answer(c_apdu, OPTIONS, &answered));
        drive(way, 0, |c_apdu| answer(c_apdu, &answered, &answered));
    }
}

fn answer(c_apdu: &[u8], options: &[u8], record: &[u8]) -> Vec<u8> {
    let answer = match c_apdu {
        [_, 0xA4, _, _, _, name @ ..] if name.starts_with(b"2PAY") => DIRECTORY,
        [_, 0xA4, _, _, _, 0xA0, 0x00, 0x00, 0x00, 0x04, 0x10, ..] => APPLICATION,
        [_, 0xA4, ..] => &[0x6A, 0x82],
        [_, 0xA8, ..] => options,
        [_, 0xB2, ..] => record,
        [_, 0xAE, ..] => CRYPTOGRAM,
        _ => &[0x6D, 0x00],
    };
    answer.to_vec()
}

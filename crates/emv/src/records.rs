//! The application file locator: which records hold the application's data (Book 3 section 10.2).

use crate::error::CardError;

/// How many records one application may make the terminal read.
pub const RECORDS_MAX: usize = 64;

/// One record to read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordAddress {
    /// Short file identifier, 1 to 30.
    pub sfi: u8,
    /// Record number, from 1.
    pub record: u8,
    /// Whether offline data authentication covers it.
    pub coverage: Coverage,
}

/// Whether offline data authentication covers a record (Book 3 section 10.2, fourth byte of an AFL entry).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coverage {
    /// It is part of the static data.
    Signed,
    /// It is not.
    Unsigned,
}

/// Parses tag 94 into the records to read, in order.
///
/// # Errors
/// [`CardError::Malformed`] for a length that is no multiple of 4, an SFI of 0 or 31 or with low bits set,
/// a first record of 0, a last record before the first, more signed records than there are, and for more
/// than [`RECORDS_MAX`] records.
pub fn parse_afl(afl: &[u8]) -> Result<Vec<RecordAddress>, CardError> {
    let malformed = CardError::Malformed { at: "application file locator" };
    let (entries, rest) = afl.as_chunks::<4>();
    if !rest.is_empty() || entries.is_empty() {
        return Err(malformed);
    }
    let mut addresses = Vec::new();
    for [file, first, last, signed] in entries.iter().copied() {
        let sfi = file >> 3;
        let valid = file.trailing_zeros() >= 3
            && (1..=30).contains(&sfi)
            && first > 0
            && last >= first
            && signed <= last - first + 1;
        if !valid || addresses.len() + usize::from(last - first) + 1 > RECORDS_MAX {
            return Err(malformed);
        }
        addresses.extend((first..=last).map(|record| {
            let coverage = if record - first < signed { Coverage::Signed } else { Coverage::Unsigned };
            RecordAddress { sfi, record, coverage }
        }));
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_files_in_order() {
        let afl = [0x08, 1, 1, 0, 0x10, 1, 1, 0, 0x18, 3, 4, 0];
        let records: Vec<_> = parse_afl(&afl).unwrap().iter().map(|r| (r.sfi, r.record)).collect();
        assert_eq!(records, [(1, 1), (2, 1), (3, 3), (3, 4)]);
    }

    #[test]
    fn the_first_records_of_a_file_are_signed() {
        let records = parse_afl(&[0x08, 1, 3, 2, 0x10, 1, 1, 0]).unwrap();
        let signed: Vec<_> = records.iter().map(|record| record.coverage == Coverage::Signed).collect();
        assert_eq!(signed, [true, true, false, false]);
    }

    #[test]
    fn refuses_broken_locators() {
        for afl in [
            &[0x09, 2, 2, 0][..],
            &[0x08, 2, 1, 0],
            &[0x08, 0, 1, 0],
            &[0x00, 1, 1, 0],
            &[0xF8, 1, 1, 0],
            &[0x08, 1, 1, 2],
            &[0x08, 1, 1],
            &[0x08, 1, 255, 0],
            &[],
        ] {
            assert!(parse_afl(afl).is_err(), "{afl:02X?}");
        }
    }
}

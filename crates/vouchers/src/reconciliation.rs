//! Comparing a merchant's own list of a batch with its bank's file about it.

use std::collections::BTreeMap;

use payment::VoucherNumber;

use crate::batch::BATCH_VOUCHERS_MAX;
use crate::record::{Difference, VoucherRecord, VoucherRow, differences};

/// Why a bank's file tells nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BankFileError {
    /// It is not such a file.
    #[error("this is no file of a bank's about vouchers: {0}")]
    Malformed(String),
    /// It has more lines than a batch has vouchers, or its sums are beyond any amount.
    #[error("the bank's file is too long")]
    TooLong,
}

/// What came of it, in minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciliation {
    /// How many vouchers the merchant made.
    pub made: usize,
    /// How many lines the bank's file has.
    pub listed: usize,
    /// What buyers paid.
    pub sold_minor: i64,
    /// What was spent, less what reversals undid.
    pub spent_minor: i64,
    /// What is left on the vouchers.
    pub left_minor: i64,
    /// Where the sides differ.
    pub differences: Vec<Difference>,
}

impl Reconciliation {
    /// Compares what was `made`, by number and amount, with the CSV that the bank wrote.
    ///
    /// # Errors
    /// [`BankFileError`].
    pub fn of(made: &BTreeMap<VoucherNumber, i64>, csv: &[u8]) -> Result<Self, BankFileError> {
        let mut records = Vec::new();
        for row in csv::Reader::from_reader(csv).deserialize::<VoucherRow>() {
            if records.len() >= BATCH_VOUCHERS_MAX {
                return Err(BankFileError::TooLong);
            }
            let row = row.map_err(|error| BankFileError::Malformed(error.to_string()))?;
            records.push(VoucherRecord::from(row));
        }
        let sum = |part: fn(&VoucherRecord) -> i64| {
            let sum = records.iter().try_fold(0_i64, |sum, record| sum.checked_add(part(record)));
            sum.ok_or(BankFileError::TooLong)
        };
        Ok(Self {
            made: made.len(),
            listed: records.len(),
            sold_minor: sum(|record| record.counts.paid_in_minor)?,
            spent_minor: sum(|record| record.counts.spent_minor)?,
            left_minor: sum(|record| record.counts.balance_minor)?,
            differences: differences(made, &records),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::VoucherCounts;

    fn record(from: u32, spent_minor: i64) -> VoucherRecord {
        let fixed = "420001".parse().unwrap();
        let counts = VoucherCounts {
            paid_in_minor: 5_000,
            spent_minor,
            balance_minor: 5_000 - spent_minor,
            ..VoucherCounts::default()
        };
        VoucherRecord {
            number: (from..).find_map(|variable| VoucherNumber::from_parts(&fixed, variable)).unwrap(),
            amount_minor: 5_000,
            state: "active".to_owned(),
            counts,
        }
    }

    fn csv_of(records: &[VoucherRecord]) -> Vec<u8> {
        let mut file = csv::Writer::from_writer(Vec::new());
        for record in records {
            file.serialize(record.row()).unwrap();
        }
        file.into_inner().unwrap()
    }

    #[test]
    fn both_sides_agree_or_every_difference_is_named() {
        let bank = [record(1, 1_280), record(500, 0)];
        let mut made: BTreeMap<_, _> = bank.iter().map(|it| (it.number.clone(), it.amount_minor)).collect();
        let agreed = Reconciliation::of(&made, &csv_of(&bank)).unwrap();
        assert_eq!((agreed.made, agreed.listed, agreed.differences.len()), (2, 2, 0));
        assert_eq!((agreed.sold_minor, agreed.spent_minor, agreed.left_minor), (10_000, 1_280, 8_720));
        made.insert(bank[0].number.clone(), 6_000);
        let found = Reconciliation::of(&made, &csv_of(&bank[..1])).unwrap();
        let expected = [Difference::Amount(bank[0].number.clone()), Difference::NotAtBank(bank[1].number.clone())];
        assert_eq!(found.differences, expected);
    }

    #[test]
    fn what_is_no_file_of_a_bank_is_told_and_an_absurd_one_adds_to_nothing() {
        let made = BTreeMap::new();
        for text in ["number\n1\n", "{}\n{}\n", "number,amount_minor\n\u{feff},1\n"] {
            let read = Reconciliation::of(&made, text.as_bytes());
            assert!(matches!(read, Err(BankFileError::Malformed(_))), "{text:?}: {read:?}");
        }
        let mut absurd = [record(1, 0), record(500, 0)];
        for record in &mut absurd {
            record.counts.paid_in_minor = i64::MAX;
        }
        assert_eq!(Reconciliation::of(&made, &csv_of(&absurd)), Err(BankFileError::TooLong));
    }
}

//! What both sides say of the vouchers of a batch, and whether they agree.

use std::collections::BTreeMap;

use payment::VoucherNumber;
use serde::{Deserialize, Serialize};

/// What the bank says of one voucher, for the reconciliation of both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoucherRecord {
    /// Which.
    pub number: VoucherNumber,
    /// What it was made for, in minor units.
    pub amount_minor: i64,
    /// The state it is in at the bank.
    pub state: String,
    /// What moved.
    pub counts: VoucherCounts,
}

/// What moved through one voucher's account, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoucherCounts {
    /// What its buyer paid.
    pub paid_in_minor: i64,
    /// What was spent of it, less what reversals undid.
    pub spent_minor: i64,
    /// What refunds gave back.
    pub refunded_minor: i64,
    /// What went back to the account it was bought from.
    pub returned_minor: i64,
    /// What is on it.
    pub balance_minor: i64,
}

/// A line of the file: CSV has no nested values.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoucherRow {
    number: VoucherNumber,
    amount_minor: i64,
    state: String,
    paid_in_minor: i64,
    spent_minor: i64,
    refunded_minor: i64,
    returned_minor: i64,
    balance_minor: i64,
}

impl VoucherRecord {
    /// Its line in the file.
    pub fn row(&self) -> VoucherRow {
        VoucherRow {
            number: self.number.clone(),
            amount_minor: self.amount_minor,
            state: self.state.clone(),
            paid_in_minor: self.counts.paid_in_minor,
            spent_minor: self.counts.spent_minor,
            refunded_minor: self.counts.refunded_minor,
            returned_minor: self.counts.returned_minor,
            balance_minor: self.counts.balance_minor,
        }
    }

    /// Whether what came equals what went and what is left, and its buyer paid what it was made for, or nothing yet.
    pub fn adds_up(&self) -> bool {
        let VoucherCounts { paid_in_minor, spent_minor, refunded_minor, returned_minor, balance_minor } = self.counts;
        let expected = if self.state == "offered" { 0 } else { self.amount_minor };
        let came = paid_in_minor.checked_add(refunded_minor);
        let went = spent_minor.checked_add(returned_minor).and_then(|went| went.checked_add(balance_minor));
        paid_in_minor == expected && came.is_some() && came == went
    }
}

impl From<VoucherRow> for VoucherRecord {
    fn from(row: VoucherRow) -> Self {
        Self {
            number: row.number,
            amount_minor: row.amount_minor,
            state: row.state,
            counts: VoucherCounts {
                paid_in_minor: row.paid_in_minor,
                spent_minor: row.spent_minor,
                refunded_minor: row.refunded_minor,
                returned_minor: row.returned_minor,
                balance_minor: row.balance_minor,
            },
        }
    }
}

/// Where the sides differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// The merchant made it and the bank does not have it.
    NotAtBank(VoucherNumber),
    /// The bank has it, or has it twice, and the merchant did not make it.
    NotMade(VoucherNumber),
    /// They say other amounts.
    Amount(VoucherNumber),
    /// What the bank says of it does not add up.
    DoesNotAddUp(VoucherNumber),
}

/// Compares what the merchant made, by number and amount, with what the bank says.
pub fn differences(made: &BTreeMap<VoucherNumber, i64>, bank: &[VoucherRecord]) -> Vec<Difference> {
    let mut left = made.clone();
    let mut found = Vec::new();
    for record in bank {
        match left.remove(&record.number) {
            None => found.push(Difference::NotMade(record.number.clone())),
            Some(amount_minor) if amount_minor != record.amount_minor => {
                found.push(Difference::Amount(record.number.clone()));
            }
            Some(_) if !record.adds_up() => found.push(Difference::DoesNotAddUp(record.number.clone())),
            Some(_) => {}
        }
    }
    found.extend(left.into_keys().map(Difference::NotAtBank));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(from: u32, state: &str, counts: [i64; 5]) -> VoucherRecord {
        let fixed = "420001".parse().unwrap();
        let [paid_in_minor, spent_minor, refunded_minor, returned_minor, balance_minor] = counts;
        VoucherRecord {
            number: (from..).find_map(|variable| VoucherNumber::from_parts(&fixed, variable)).unwrap(),
            amount_minor: 5_000,
            state: state.to_owned(),
            counts: VoucherCounts { paid_in_minor, spent_minor, refunded_minor, returned_minor, balance_minor },
        }
    }

    #[test]
    fn what_came_equals_what_went_and_what_is_left() {
        for (state, counts, expected) in [
            ("offered", [0, 0, 0, 0, 0], true),
            ("active", [5_000, 1_200, 200, 0, 4_000], true),
            ("ended", [5_000, 1_200, 0, 3_800, 0], true),
            ("offered", [5_000, 0, 0, 0, 5_000], false),
            ("active", [4_000, 0, 0, 0, 4_000], false),
            ("active", [5_000, 1_200, 0, 0, 3_801], false),
            ("active", [5_000, i64::MAX, 0, 1, 0], false),
        ] {
            assert_eq!(record(1, state, counts).adds_up(), expected, "{state} {counts:?}");
        }
    }

    #[test]
    fn every_difference_is_named() {
        let bank = [
            record(1, "offered", [0; 5]),
            record(500, "active", [5_000, 0, 0, 0, 5_000]),
            record(900, "active", [5_000, 0, 0, 0, 4_999]),
        ];
        let made: BTreeMap<_, _> = bank.iter().map(|record| (record.number.clone(), record.amount_minor)).collect();
        assert_eq!(differences(&made, &bank), [Difference::DoesNotAddUp(bank[2].number.clone())]);
        assert_eq!(differences(&made, &bank[..1]).len(), 2);
        let mut other = made.clone();
        other.insert(bank[0].number.clone(), 6_000);
        other.remove(&bank[1].number);
        let expected = [
            Difference::Amount(bank[0].number.clone()),
            Difference::NotMade(bank[1].number.clone()),
            Difference::DoesNotAddUp(bank[2].number.clone()),
        ];
        assert_eq!(differences(&other, &bank), expected);
        // One that the bank lists twice is once too often.
        let twice = [bank[0].clone(), bank[0].clone()];
        assert!(differences(&made, &twice).contains(&Difference::NotMade(bank[0].number.clone())));
    }
}

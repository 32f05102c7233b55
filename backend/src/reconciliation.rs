//! Reconciliation: what the payment server, the merchant and the bank each say of the same payments, compared.
//!
//! Each party writes its payments and refunds of some business days to a file of its own, one attempt to pay or one
//! refund a line. Nothing but these files is read here: a party that would like to look right cannot.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Serialize;

mod exception;
mod record;

pub use exception::{Exception, Kind};
pub use record::{Record, RecordError, Status, Subject, read, write};

/// The files to compare.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The payment server's payments: `tapseal payments`.
    #[arg(long)]
    server: PathBuf,
    /// The merchant's: `tapseal merchant export`.
    #[arg(long)]
    merchant: PathBuf,
    /// The bank's: `tapseal bank settle --csv`. More than one when there are more days or banks.
    #[arg(long, required = true)]
    bank: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// What was compared, and what does not agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How many payments are in at least one file.
    pub payments: usize,
    /// How many refunds.
    pub refunds: usize,
    /// What each party says was paid, in minor units by currency.
    pub paid: BTreeMap<&'static str, BTreeMap<String, i64>>,
    /// What each party says was given back, in minor units by currency.
    pub refunded: BTreeMap<&'static str, BTreeMap<String, i64>>,
    /// What does not agree, by payment or refund.
    pub exceptions: Vec<Exception>,
}

/// Compares the files and prints the report; whether everything agrees.
///
/// # Errors
/// When a file cannot be read, or holds something else.
pub fn run(options: &Options) -> Result<bool, RecordError> {
    let mut bank = Vec::new();
    for path in &options.bank {
        bank.extend(read(path)?);
    }
    let report = compare(&read(&options.server)?, &read(&options.merchant)?, &bank)?;
    if options.json {
        println!("{}", serde_json::to_string(&report).map_err(|_| RecordError::Sum)?);
    } else {
        print(&report);
    }
    Ok(report.exceptions.is_empty())
}

fn print(report: &Report) {
    for Exception { kind, merchant_id, id, detail, .. } in &report.exceptions {
        println!("{}  {merchant_id}  {id}  {detail}", kind.as_str());
    }
    for (word, parties) in [("paid", &report.paid), ("refunded", &report.refunded)] {
        for (party, sums) in parties {
            let sums: Vec<String> = sums.iter().map(|(currency, minor)| format!("{minor} {currency}")).collect();
            println!("{party} {word}: {}", if sums.is_empty() { "nothing".to_owned() } else { sums.join(", ") });
        }
    }
    println!("{} payments, {} refunds, {} exceptions", report.payments, report.refunds, report.exceptions.len());
}

/// Compares the three parties' payments.
///
/// # Errors
/// When sums leave the range of 64 bits.
pub fn compare(server: &[Record], merchant: &[Record], bank: &[Record]) -> Result<Report, RecordError> {
    let parties = [("server", server), ("merchant", merchant), ("bank", bank)];
    let sums = |status| {
        let of_parties = parties.map(|(party, records)| Ok((party, sums(records, status)?)));
        of_parties.into_iter().collect::<Result<BTreeMap<_, _>, RecordError>>()
    };
    let lines = || parties.into_iter().flat_map(|(_, records)| records);
    let ids: BTreeSet<&str> = lines().map(|record| record.id.as_str()).collect();
    let refunds: BTreeSet<&str> =
        lines().filter(|record| record.subject == Subject::Refund).map(|record| record.id.as_str()).collect();
    let by_id = parties.map(|(_, records)| index(records));
    let mut exceptions = Vec::new();
    for id in &ids {
        let [server, merchant, bank] = by_id.each_ref().map(|index| index.get(id).map_or(&[][..], Vec::as_slice));
        exceptions.extend(exception::of(server, merchant, bank));
    }
    Ok(Report {
        payments: ids.len() - refunds.len(),
        refunds: refunds.len(),
        paid: sums(Status::Paid)?,
        refunded: sums(Status::Refunded)?,
        exceptions,
    })
}

/// How much of this became this, in minor units by currency.
fn sums(records: &[Record], status: Status) -> Result<BTreeMap<String, i64>, RecordError> {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for record in records.iter().filter(|record| record.status == status) {
        let sum = sums.entry(record.currency.clone()).or_default();
        *sum = sum.checked_add(record.amount_minor).ok_or(RecordError::Sum)?;
    }
    Ok(sums)
}

fn index(records: &[Record]) -> BTreeMap<&str, Vec<&Record>> {
    let mut index: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for record in records {
        index.entry(record.id.as_str()).or_default().push(record);
    }
    index
}

#[cfg(test)]
mod tests;

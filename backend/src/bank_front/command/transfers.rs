//! A file of transfers from one account to merchants, such as a telephone operator's settlement: booked once, however often it
//! comes.

use std::path::{Path, PathBuf};

use clap::Args;
use payment::{Amount, Currency, MerchantId};
use serde::Deserialize;
use serde_json::json;

use super::{Folder, print};
use crate::bank_front::account::{self, AccountId, AccountKind};
use crate::bank_front::error::BankError;
use crate::bank_front::ledger::{self, Movement};
use crate::bank_front::open_database;
use crate::clock::{now_ms, signed_ms};
use crate::storage::DbConnection;

/// Most transfers of one file.
const TRANSFERS_MAX: usize = 10_000;
/// Most characters of a reference.
const REFERENCE_CHARS_MAX: usize = 128;

/// Which file, and from which account.
#[derive(Debug, Args)]
pub struct TransferOptions {
    /// Which bank.
    #[command(flatten)]
    folder: Folder,
    /// Whose account pays.
    #[arg(long)]
    from: String,
    /// The file: CSV with `reference`, `merchant_id`, `currency` and `amount_minor`.
    file: PathBuf,
}

/// A line of the file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    reference: String,
    merchant_id: MerchantId,
    currency: Currency,
    amount_minor: i64,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Booked {
    new: usize,
    known: usize,
    total_minor: i64,
}

/// Books what the file has and the books have not, all or none.
pub(super) async fn run(options: &TransferOptions) -> Result<(), BankError> {
    let (from, lines) = (AccountId::named(&options.from), read(&options.file)?);
    let now_ms = signed_ms(now_ms());
    let booked = (open_database(&options.folder.home()).await?)
        .write(move |db_tx| Box::pin(async move { book(db_tx, &from, &lines, now_ms).await }))
        .await?;
    let told = json!({ "booked": booked.new, "known": booked.known, "total_minor": booked.total_minor });
    print(&options.folder, &told, || {
        format!("{} booked, {} were booked before, {} minor units in all", booked.new, booked.known, booked.total_minor)
    });
    Ok(())
}

fn read(path: &Path) -> Result<Vec<Line>, BankError> {
    let malformed = || BankError::Malformed("the file of transfers");
    let mut csv = csv::Reader::from_path(path).map_err(|_| malformed())?;
    let lines: Vec<Line> =
        csv.deserialize().take(TRANSFERS_MAX + 1).collect::<Result<_, _>>().map_err(|_| malformed())?;
    if lines.len() > TRANSFERS_MAX {
        return Err(BankError::TooMany("transfers"));
    }
    let is_reference = |line: &Line| {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        (1..=REFERENCE_CHARS_MAX).contains(&line.reference.len()) && line.reference.chars().all(plain)
    };
    if lines.iter().all(is_reference) { Ok(lines) } else { Err(malformed()) }
}

async fn book(db_tx: &mut DbConnection, from: &AccountId, lines: &[Line], now_ms: i64) -> Result<Booked, BankError> {
    if account::kind_of(db_tx, from).await? != Some(AccountKind::Cardholder) || from.is_of_voucher() {
        return Err(BankError::NoAccount(from.to_string()));
    }
    let mut booked = Booked::default();
    for line in lines {
        let credit = AccountId::of_merchant(&line.merchant_id);
        if account::kind_of(db_tx, &credit).await? != Some(AccountKind::Merchant) {
            return Err(BankError::NoAccount(credit.to_string()));
        }
        let purpose = format!("transfer:{}", line.reference);
        let amount = Amount::new(line.amount_minor, line.currency);
        booked.total_minor = booked.total_minor.checked_add(line.amount_minor).ok_or(BankError::Range)?;
        match amount_booked(db_tx, &purpose).await? {
            Some(known) if known == line.amount_minor => booked.known += 1,
            // The same reference cannot be two amounts: the file is not the one it says.
            Some(_) => return Err(BankError::Malformed("a transfer that was booked with another amount")),
            None => {
                let movement = Movement { debit: from.clone(), credit, amount, purpose, acquirer: None };
                ledger::settle(db_tx, &movement, now_ms).await?;
                booked.new += 1;
            }
        }
    }
    Ok(booked)
}

async fn amount_booked(db_tx: &mut DbConnection, purpose: &str) -> Result<Option<i64>, BankError> {
    let found = sqlx::query_scalar("SELECT amount_minor FROM transfer WHERE purpose = $1 AND phase = 'posted' LIMIT 1")
        .bind(purpose)
        .fetch_optional(db_tx)
        .await?;
    Ok(found)
}

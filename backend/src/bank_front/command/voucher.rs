//! Vouchers: batches taken from merchants, sold, looked after, and told of.
//!
//! Codes are read from standard input and never from the command line, where other people of the machine see them. Those
//! that are printed are printed once.

use std::io::BufRead;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use futures::future::BoxFuture;
use payment::{Amount, AttemptId, FixedPart, VoucherNumber};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::table::{Column, table};
use super::{Folder, print};
use crate::bank_front::account::AccountId;
use crate::bank_front::binding::Address;
use crate::bank_front::error::BankError;
use crate::bank_front::hsm::{self, CodeVerifier, Hsm, VoucherCodes};
use crate::bank_front::merchant::MerchantBook;
use crate::bank_front::voucher::{self, Answered, TakenVoucher, VoucherState, VoucherView, signer};
use crate::bank_front::{file, open_database};
use crate::clock::{now_ms, signed_ms};
use crate::storage::DbConnection;
use vouchers::{BackupCode, BatchError, BatchFile, CodeDigits, VoucherCode, VoucherRecord};

/// What to do with vouchers.
#[derive(Debug, Subcommand)]
pub enum VoucherCommand {
    /// Writes the key that merchants seal their vouchers to, signed by the bank's root. Makes it when there is none yet; a
    /// bank that is serving learns of it when it starts next.
    Key {
        /// Which bank.
        #[command(flatten)]
        folder: Folder,
        /// Where to.
        #[arg(long)]
        out: PathBuf,
    },
    /// Takes a batch that a merchant made: all of it, or nothing.
    Import {
        /// Which bank.
        #[command(flatten)]
        folder: Folder,
        /// The merchant's file.
        file: PathBuf,
    },
    /// Every voucher of a batch: its state, and what moved.
    List(Batch),
    /// Sells a voucher to an account and hands its codes over, once: printed, or sent to a telephone.
    Sell(SellOptions),
    /// Hands over the codes of a voucher that was sold without.
    HandOver(Number),
    /// What is on a voucher. Reads its code from standard input.
    Balance(Number),
    /// Another code for the one on standard input.
    ChangeCode(Number),
    /// Unlocks a voucher by the backup code on standard input; its code stays.
    Unlock(Number),
    /// Another code, for the backup code on standard input: for who forgot the code.
    Recover(Number),
    /// Another backup code, for the holder of the account that bought the voucher: for who forgot that too.
    Backup(Holder),
    /// Both codes anew, at the counter, for a holder whose identity was checked there: the only way after three wrong
    /// backup codes.
    Counter(Holder),
    /// Ends a voucher by the code on standard input; what is on it goes back when the day is closed.
    End(Number),
    /// What happened to a voucher.
    History(Number),
    /// What the payer's device signed for a large payment, checked: for whoever disputes it.
    Proof {
        /// Which bank.
        #[command(flatten)]
        folder: Folder,
        /// The attempt's id, which is on the receipt.
        attempt: AttemptId,
    },
    /// Writes what the bank knows of a batch, for the merchant's `vouchers reconcile`; checks it against the ledger.
    Reconcile {
        /// Which batch.
        #[command(flatten)]
        batch: Batch,
        /// Where to.
        #[arg(long)]
        csv: PathBuf,
    },
}

/// Which batch.
#[derive(Debug, Args)]
pub struct Batch {
    /// Which bank.
    #[command(flatten)]
    folder: Folder,
    /// The six digits its numbers begin with.
    #[arg(long)]
    batch: FixedPart,
}

/// What to sell, and to whom.
#[derive(Debug, Args)]
pub struct SellOptions {
    /// Of which batch.
    #[command(flatten)]
    batch: Batch,
    /// What the voucher is for, in minor units of the batch's currency.
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..=payment::amount::AMOUNT_MINOR_MAX))]
    amount_minor: i64,
    /// The account that pays for it.
    #[arg(long)]
    account: String,
    /// Keep the codes sealed for `hand-over`.
    #[arg(long)]
    later: bool,
    /// A telephone, with + and country code, that number and codes are sent to; nothing is printed then. The bank that is
    /// serving sends them.
    #[arg(long, conflicts_with = "later")]
    to: Option<String>,
    /// The language of what is sent: en or zh-Hans.
    #[arg(long, default_value = "en", value_parser = ["en", "zh-Hans"])]
    language: String,
}

/// Which voucher.
#[derive(Debug, Args)]
pub struct Number {
    /// Which bank.
    #[command(flatten)]
    folder: Folder,
    /// Its sixteen digits.
    number: VoucherNumber,
}

/// Which voucher, and who says it is theirs.
#[derive(Debug, Args)]
pub struct Holder {
    /// Which voucher.
    #[command(flatten)]
    number: Number,
    /// The account it was bought from.
    #[arg(long)]
    account: String,
}

/// The longest line that is read as a code, in bytes.
const CODE_LINE_LEN_MAX: usize = 64;

pub(super) async fn run(command: VoucherCommand) -> Result<(), BankError> {
    match command {
        VoucherCommand::Key { folder, out } => key(&folder, &out),
        VoucherCommand::Import { folder, file } => import(&folder, &file).await,
        VoucherCommand::List(batch) => list(&batch).await,
        VoucherCommand::Sell(options) => sell(&options).await,
        VoucherCommand::HandOver(number) => hand_over(&number).await,
        VoucherCommand::Balance(number) => balance(&number).await,
        VoucherCommand::ChangeCode(number) => change_code(&number).await,
        VoucherCommand::Unlock(number) => unlock(&number).await,
        VoucherCommand::Recover(number) => recover(&number).await,
        VoucherCommand::Backup(holder) => backup(&holder).await,
        VoucherCommand::Counter(holder) => counter(&holder).await,
        VoucherCommand::End(number) => end(&number).await,
        VoucherCommand::History(number) => history(&number).await,
        VoucherCommand::Proof { folder, attempt } => proof(&folder, attempt).await,
        VoucherCommand::Reconcile { batch, csv } => reconcile(&batch, &csv).await,
    }
}

fn key(folder: &Folder, out: &std::path::Path) -> Result<(), BankError> {
    let is_new = hsm::add_voucher_keys(folder.keys())?;
    let hsm = Hsm::load(folder.keys())?;
    let (signed, fingerprint) = (hsm.voucher_sealing_key()?, hsm.voucher_sealing_fingerprint()?);
    file::replace(out, signed.as_bytes())?;
    print(folder, &json!({ "new": is_new, "file": out, "fingerprint": fingerprint }), || {
        let made = if is_new { "made, and written" } else { "written" };
        format!("the key for vouchers was {made} to {}; its fingerprint is {fingerprint}", out.display())
    });
    Ok(())
}

async fn import(folder: &Folder, path: &std::path::Path) -> Result<(), BankError> {
    let json = std::fs::read(path).map_err(|error| BankError::file(path, error))?;
    let batch: BatchFile = serde_json::from_slice(&json).map_err(|_| BatchError::Malformed)?;
    let merchants = MerchantBook::load(folder.home().dir())?;
    let merchant_id = batch.peek_merchant_unverified()?;
    let merchant = merchants.get(&merchant_id).ok_or(BatchError::Signature)?;
    let hsm = Hsm::load(folder.keys())?;
    let (header, vouchers) = hsm.open_vouchers(&batch, &merchant.key)?;
    if header.merchant_id != merchant_id || header.currency != merchant.currency {
        return Err(BatchError::Totals.into());
    }
    let taken: Vec<_> = vouchers.iter().map(|voucher| TakenVoucher::of(&hsm, voucher)).collect::<Result<_, _>>()?;
    drop(vouchers);
    let (fixed, count, total) = (header.fixed_part.clone(), header.vouchers, header.total_minor);
    let currency = header.currency;
    let is_new = write(folder, move |db_tx, now_ms| {
        Box::pin(async move { voucher::import(db_tx, &header, &taken, now_ms).await })
    })
    .await?;
    let json = json!({ "batch": fixed, "vouchers": count, "total_minor": total, "new": is_new });
    print(folder, &json, || {
        let taken = if is_new { "taken" } else { "was taken before" };
        format!("batch {fixed} of {merchant_id}: {count} vouchers, {}; {taken}", Amount::new(total, currency))
    });
    Ok(())
}

async fn list(batch: &Batch) -> Result<(), BankError> {
    let vouchers = vouchers_of(batch).await?;
    print(&batch.folder, &json!(vouchers), || vouchers_table(&vouchers));
    Ok(())
}

async fn vouchers_of(batch: &Batch) -> Result<Vec<VoucherView>, BankError> {
    let db = open_database(&batch.folder.home()).await?;
    let vouchers = voucher::of_batch(&mut *db.reader().acquire().await?, &batch.batch).await?;
    if vouchers.is_empty() { Err(BankError::NoVoucher) } else { Ok(vouchers) }
}

fn vouchers_table(vouchers: &[VoucherView]) -> String {
    let columns = [
        Column::Left("number"),
        Column::Left("state"),
        Column::Right("for"),
        Column::Right("spent"),
        Column::Right("refunded"),
        Column::Right("returned"),
        Column::Right("left"),
    ];
    let rows: Vec<_> = (vouchers.iter())
        .map(|voucher| {
            let counts = &voucher.counts;
            [
                voucher.number.grouped(),
                voucher.state.clone(),
                voucher.amount_minor.to_string(),
                counts.spent_minor.to_string(),
                counts.refunded_minor.to_string(),
                counts.returned_minor.to_string(),
                counts.balance_minor.to_string(),
            ]
        })
        .collect();
    table(&columns, &rows)
}

async fn sell(options: &SellOptions) -> Result<(), BankError> {
    let folder = &options.batch.folder;
    // Before money moves: codes that cannot be handed over are worth nothing.
    let hsm = Hsm::load(folder.keys())?;
    let (fixed, amount_minor) = (options.batch.batch.clone(), options.amount_minor);
    let from = AccountId::named(&options.account);
    let to = options.to.as_deref().map(Address::parse).transpose()?;
    let (telephone, language) = (to.clone(), options.language.clone());
    let number = write(folder, move |db_tx, now_ms| {
        Box::pin(async move {
            let number = voucher::sell(db_tx, &fixed, amount_minor, &from, now_ms).await?;
            if let Some(to) = &to {
                voucher::message::queue(db_tx, &number, to, &language, now_ms).await?;
            }
            Ok(number)
        })
    })
    .await?;
    if let Some(to) = telephone {
        let json = json!({ "number": number, "amount_minor": amount_minor, "to": to.masked() });
        print(folder, &json, || format!("sold {}; its codes go to {}", number.grouped(), to.masked()));
        return Ok(());
    }
    if options.later {
        print(folder, &json!({ "number": number, "amount_minor": amount_minor }), || {
            format!("sold {}; its codes wait for `hand-over`", number.grouped())
        });
        return Ok(());
    }
    hand_over_of(folder, hsm, &number).await
}

async fn hand_over(number: &Number) -> Result<(), BankError> {
    hand_over_of(&number.folder, Hsm::load(number.folder.keys())?, &number.number).await
}

async fn hand_over_of(folder: &Folder, hsm: Hsm, number: &VoucherNumber) -> Result<(), BankError> {
    let of = number.clone();
    let codes =
        write(folder, move |db_tx, now_ms| Box::pin(async move { voucher::hand_over(db_tx, &hsm, &of, now_ms).await }))
            .await?;
    print_codes(folder, number, &codes);
    Ok(())
}

async fn balance(number: &Number) -> Result<(), BankError> {
    let (hsm, of) = number.opened()?;
    let code = verifier::<{ vouchers::CODE_DIGITS }>(&hsm, &of)?;
    let answered = write(&number.folder, move |db_tx, now_ms| {
        Box::pin(async move { voucher::check_code(db_tx, &of, &code, now_ms).await })
    })
    .await?;
    let amount = done(answered)?;
    print(&number.folder, &json!({ "balance_minor": amount.minor(), "currency": amount.currency() }), || {
        format!("{amount} is on the voucher")
    });
    Ok(())
}

async fn change_code(number: &Number) -> Result<(), BankError> {
    let (hsm, of) = number.opened()?;
    let code = verifier::<{ vouchers::CODE_DIGITS }>(&hsm, &of)?;
    let answered = write(&number.folder, move |db_tx, now_ms| {
        Box::pin(async move { voucher::change_code(db_tx, &hsm, &of, &code, now_ms).await })
    })
    .await?;
    print_code(number, &done(answered)?);
    Ok(())
}

async fn unlock(number: &Number) -> Result<(), BankError> {
    let (hsm, of) = number.opened()?;
    let backup = verifier::<{ vouchers::BACKUP_DIGITS }>(&hsm, &of)?;
    let answered = write(&number.folder, move |db_tx, now_ms| {
        Box::pin(async move { voucher::unlock(db_tx, &of, &backup, now_ms).await })
    })
    .await?;
    done(answered)?;
    print(&number.folder, &json!({ "state": "active" }), || "the voucher can be spent again".to_owned());
    Ok(())
}

async fn recover(number: &Number) -> Result<(), BankError> {
    let (hsm, of) = number.opened()?;
    let backup = verifier::<{ vouchers::BACKUP_DIGITS }>(&hsm, &of)?;
    let answered = write(&number.folder, move |db_tx, now_ms| {
        Box::pin(async move { voucher::forgot_code(db_tx, &hsm, &of, &backup, now_ms).await })
    })
    .await?;
    print_code(number, &done(answered)?);
    Ok(())
}

async fn backup(holder: &Holder) -> Result<(), BankError> {
    let (hsm, of) = holder.number.opened()?;
    let account = AccountId::named(&holder.account);
    let backup = write(&holder.number.folder, move |db_tx, now_ms| {
        Box::pin(async move { voucher::replace_backup(db_tx, &hsm, &of, &account, now_ms).await })
    })
    .await?;
    let text = backup.expose_grouped();
    print(&holder.number.folder, &json!({ "backup": text.as_str() }), || format!("backup code: {}", text.as_str()));
    Ok(())
}

async fn counter(holder: &Holder) -> Result<(), BankError> {
    let (hsm, of) = holder.number.opened()?;
    let account = AccountId::named(&holder.account);
    let codes = write(&holder.number.folder, move |db_tx, now_ms| {
        Box::pin(async move { voucher::prove_identity(db_tx, &hsm, &of, &account, now_ms).await })
    })
    .await?;
    print_codes(&holder.number.folder, &holder.number.number, &codes);
    Ok(())
}

async fn end(number: &Number) -> Result<(), BankError> {
    let (hsm, of) = number.opened()?;
    let code = verifier::<{ vouchers::CODE_DIGITS }>(&hsm, &of)?;
    let answered = write(&number.folder, move |db_tx, now_ms| {
        Box::pin(async move { voucher::end(db_tx, &of, &code, now_ms).await })
    })
    .await?;
    let rest = done(answered)?;
    print(&number.folder, &json!({ "rest_minor": rest.minor(), "currency": rest.currency() }), || {
        format!("ended; {rest} goes back to the account it was bought from when the day is closed")
    });
    Ok(())
}

async fn history(number: &Number) -> Result<(), BankError> {
    let db = open_database(&number.folder.home()).await?;
    let lines = voucher::history(&mut *db.reader().acquire().await?, &number.number).await?;
    print(&number.folder, &json!(lines), || {
        let columns = [Column::Left("when"), Column::Left("what"), Column::Right("amount"), Column::Left("other")];
        let rows: Vec<_> = (lines.iter())
            .map(|line| {
                let time = jiff::Timestamp::from_millisecond(line.at_ms).map(|time| time.to_string());
                let minor = line.minor.map(|minor| minor.to_string()).unwrap_or_default();
                [time.unwrap_or_default(), line.what.clone(), minor, line.other.clone().unwrap_or_default()]
            })
            .collect();
        table(&columns, &rows)
    });
    Ok(())
}

async fn proof(folder: &Folder, attempt: AttemptId) -> Result<(), BankError> {
    let (db, hsm) = (open_database(&folder.home()).await?, Hsm::load(folder.keys())?);
    let found = signer::evidence(&mut *db.reader().acquire().await?, &attempt.to_string()).await?;
    let evidence = found.ok_or(BankError::NoProof)?;
    let bank_id = hsm.bank_id();
    evidence.verify(&bank_id)?;
    let mut json = json!(evidence);
    json["bank_id"] = json!(bank_id);
    print(folder, &json, || {
        format!(
            "attempt {attempt} at {bank_id}, from voucher {}: signed by the device with the key {}\n\
             attempt hash  {}\ncard's answer {}\nsignature     {}",
            evidence.number, evidence.device_key, evidence.attempt_hash, evidence.card_hash, evidence.signature
        )
    });
    Ok(())
}

async fn reconcile(batch: &Batch, csv: &std::path::Path) -> Result<(), BankError> {
    let vouchers = vouchers_of(batch).await?;
    let records: Vec<_> = vouchers.iter().map(VoucherView::record).collect();
    let unwritable = |_| BankError::Malformed("the batch");
    let mut written = csv::Writer::from_writer(Vec::new());
    records.iter().try_for_each(|record: &VoucherRecord| written.serialize(record.row())).map_err(unwritable)?;
    let bytes = written.into_inner().map_err(|_| BankError::Malformed("the batch"))?;
    file::replace(csv, &bytes)?;
    let wrong: Vec<_> = records.iter().filter(|record| !record.adds_up()).map(|record| &record.number).collect();
    print(&batch.folder, &json!({ "vouchers": records.len(), "wrong": wrong }), || {
        format!("{} vouchers written to {}; {} do not add up", records.len(), csv.display(), wrong.len())
    });
    if wrong.is_empty() { Ok(()) } else { Err(BankError::Faults(wrong.len())) }
}

impl Number {
    fn opened(&self) -> Result<(Hsm, VoucherNumber), BankError> {
        Ok((Hsm::load(self.folder.keys())?, self.number.clone()))
    }
}

/// One step of the bank's writer, now.
async fn write<T: Send + 'static>(
    folder: &Folder,
    step: impl for<'c> FnOnce(&'c mut DbConnection, i64) -> BoxFuture<'c, Result<T, BankError>> + Send + 'static,
) -> Result<T, BankError> {
    let now_ms = signed_ms(now_ms());
    open_database(&folder.home()).await?.write(move |db_tx| step(db_tx, now_ms)).await
}

/// The code on standard input, as the bank compares it.
fn verifier<const N: usize>(hsm: &Hsm, number: &VoucherNumber) -> Result<CodeVerifier, BankError> {
    let mut line = Zeroizing::new(String::with_capacity(CODE_LINE_LEN_MAX));
    let read = std::io::Read::take(std::io::stdin().lock(), CODE_LINE_LEN_MAX as u64).read_line(&mut line);
    read.map_err(|error| BankError::file(std::path::Path::new("standard input"), error))?;
    let code = CodeDigits::<N>::parse(number, line.trim().as_bytes())?;
    hsm.voucher_verifier(number, &code)
}

fn done<T>(answered: Answered<T>) -> Result<T, BankError> {
    match answered {
        Answered::Done(done) => Ok(done),
        Answered::Wrong => Err(BankError::VoucherRefused("the number or the code is wrong")),
        Answered::Locked(VoucherState::BankLocked) => {
            Err(BankError::VoucherRefused("the voucher is locked; only `counter` opens it"))
        }
        Answered::Locked(_) => Err(BankError::VoucherRefused("the voucher is locked; its backup code opens it")),
        Answered::Ended => Err(BankError::VoucherRefused("the voucher was ended")),
    }
}

fn print_code(number: &Number, code: &VoucherCode) {
    let text = code.expose_grouped();
    print(&number.folder, &json!({ "code": text.as_str() }), || format!("code: {}", text.as_str()));
}

fn print_codes(folder: &Folder, number: &VoucherNumber, codes: &VoucherCodes) {
    let VoucherCodes { code, backup } = codes;
    let (code, backup) = (code.expose_grouped(), BackupCode::expose_grouped(backup));
    let json: Value = json!({ "number": number, "code": code.as_str(), "backup": backup.as_str() });
    print(folder, &json, || {
        format!(
            "number:      {}\ncode:        {}\nbackup code: {}\nThese codes are shown this once.",
            number.grouped(),
            code.as_str(),
            backup.as_str()
        )
    });
}

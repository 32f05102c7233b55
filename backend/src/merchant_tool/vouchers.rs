//! Vouchers of the merchant's own: made in batches, sealed to the bank that sells them, and compared with what it says.
//!
//! The payment server has no part in it: a batch goes from this tool to the bank in a file that only the bank opens. What
//! stays here is a list of numbers, amounts and verifiers, and beside it the key of those verifiers; no code is kept.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use envelope::{Merchant, SigningKey};
use payment::{Amount, FixedPart, MerchantId, VoucherNumber};
use serde::{Deserialize, Serialize};
use serde_json::json;
use vouchers::{BankKey, BatchHeader, Lot, MadeBatch, OwnVoucher, Reconciliation, VerifierKey, VoucherCode};
use zeroize::Zeroizing;

use super::{MerchantToolError, minor_units};
use crate::clock::now_ms;
use crate::keys::{self, DataFolder, MerchantFacts, TrustFile};

/// The key of the verifiers, within the merchant's folder.
const KEY_FILE: &str = "voucher.key";
/// From which amount on a payment by voucher needs a card's proof too, unless it is said, in minor units.
const LARGE_FROM_MINOR: i64 = 50_000;
/// The longest line that is read as a code, in bytes.
const CODE_LINE_LEN_MAX: usize = 64;

/// What to do with vouchers.
#[derive(Debug, clap::Subcommand)]
pub enum VouchersCommand {
    /// Makes a batch: a file for the bank, which only the bank opens, and a list of its own without codes.
    Make(MakeOptions),
    /// Whether a number is of a batch made here, and the code on standard input the one it was made with.
    Check {
        /// Whose.
        #[command(flatten)]
        owner: Owner,
        /// The voucher's sixteen digits.
        number: VoucherNumber,
    },
    /// Compares a batch with the bank's file about it; the exit status is 0 only when they agree.
    Reconcile {
        /// Whose.
        #[command(flatten)]
        owner: Owner,
        /// The six digits its numbers begin with.
        #[arg(long)]
        batch: FixedPart,
        /// What `tapseal bank voucher reconcile` wrote.
        #[arg(long)]
        bank: PathBuf,
    },
}

/// Whose vouchers.
#[derive(Debug, clap::Args)]
pub struct Owner {
    /// The data folder with the merchant's keys.
    #[arg(long)]
    data: PathBuf,
    /// Which merchant.
    #[arg(long)]
    merchant: MerchantId,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A new batch.
#[derive(Debug, clap::Args)]
pub struct MakeOptions {
    /// Whose.
    #[command(flatten)]
    owner: Owner,
    /// The six digits its numbers begin with: no other batch of the bank has them.
    #[arg(long)]
    batch: FixedPart,
    /// How many, and for how much each, as COUNT:AMOUNT such as 100:50.00; may be given more than once.
    #[arg(long = "of", required = true)]
    of: Vec<String>,
    /// From which amount on a payment needs a card's proof besides the code, as a decimal number.
    #[arg(long)]
    large_from: Option<String>,
    /// The bank's key, as `tapseal bank voucher key` wrote it.
    #[arg(long)]
    bank_key: PathBuf,
    /// Where to write the bank's file.
    #[arg(long)]
    out: PathBuf,
}

/// The merchant's own list of a batch.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnList {
    merchant_id: MerchantId,
    batch: FixedPart,
    currency: payment::Currency,
    vouchers: Vec<OwnVoucher>,
}

/// The key of the verifiers in the merchant's folder, made when there is none.
fn verifier_key(folder: &DataFolder, merchant: &MerchantId) -> Result<VerifierKey, MerchantToolError> {
    let path = folder.merchant(merchant, KEY_FILE);
    if !path.exists() {
        let key = VerifierKey::generate();
        let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(key.expose_bytes()));
        keys::write_new(&path, text.as_bytes())?;
    }
    Ok(VerifierKey::from_bytes(&*keys::read_key(&path)?))
}

pub(super) fn run(command: VouchersCommand) -> Result<(), MerchantToolError> {
    match command {
        VouchersCommand::Make(options) => make(&options),
        VouchersCommand::Check { owner, number } => check(&owner, &number),
        VouchersCommand::Reconcile { owner, batch, bank } => reconcile(&owner, &batch, &bank),
    }
}

fn make(options: &MakeOptions) -> Result<(), MerchantToolError> {
    let Owner { data, merchant, json } = &options.owner;
    let folder = DataFolder::new(data);
    let facts: MerchantFacts = keys::read_json(&folder.merchant(merchant, "profile.json"))?;
    let signing: SigningKey<Merchant> =
        SigningKey::from_bytes(&*keys::read_key(&folder.merchant(merchant, "signing.key"))?);
    let trust: TrustFile = keys::read_json(&folder.trust())?;
    let bank_key = keys::read_text(&options.bank_key)?;
    let (bank_id, bank_key) = BankKey::verify(&bank_key, &trust.roots.banks).map_err(argument)?;
    let list_path = list_path(&folder, merchant, &options.batch);
    if list_path.exists() {
        return Err(MerchantToolError::Argument(format!("batch {} was made before", options.batch)));
    }
    if options.out.exists() {
        return Err(MerchantToolError::Argument(format!("{} is there already", options.out.display())));
    }
    let large_from_minor = match &options.large_from {
        Some(text) => minor_units(text, facts.currency)?,
        None => LARGE_FROM_MINOR,
    };
    let lots = options.of.iter().map(|text| lot(text, facts.currency)).collect::<Result<Vec<_>, _>>()?;
    let verifiers = verifier_key(&folder, merchant)?;
    let header = BatchHeader::new(
        facts.merchant_id.clone(),
        bank_id,
        options.batch.clone(),
        facts.currency,
        large_from_minor,
        now_ms(),
    );
    let made = MadeBatch::make(header, &lots, &verifiers, &bank_key, &signing).map_err(argument)?;
    let (count, total) = (made.own.len(), made.total_minor);
    let own = OwnList {
        merchant_id: facts.merchant_id,
        batch: options.batch.clone(),
        currency: facts.currency,
        vouchers: made.own,
    };
    // The own list first: a file at the bank that nobody here knows of could not be reconciled.
    keys::write_new(&list_path, &serde_json::to_vec(&own).expect("strings and numbers are always JSON"))?;
    keys::write_new(&options.out, &serde_json::to_vec(&made.file).expect("strings are always JSON"))?;
    if *json {
        println!("{}", json!({ "batch": options.batch, "vouchers": count, "total_minor": total }));
    } else {
        let worth = Amount::new(total, facts.currency);
        println!("batch {}: {count} vouchers, {worth}; for the bank: {}", options.batch, options.out.display());
    }
    Ok(())
}

/// `COUNT:AMOUNT`, as it is typed.
fn lot(text: &str, currency: payment::Currency) -> Result<Lot, MerchantToolError> {
    let malformed = || MerchantToolError::Argument(format!("{text}: COUNT:AMOUNT such as 100:50.00"));
    let (count, amount) = text.split_once(':').ok_or_else(malformed)?;
    Ok(Lot { count: count.parse().map_err(|_| malformed())?, amount_minor: minor_units(amount, currency)? })
}

fn check(owner: &Owner, number: &VoucherNumber) -> Result<(), MerchantToolError> {
    let folder = DataFolder::new(&owner.data);
    let own = OwnList::read(&folder, &owner.merchant, &number.fixed_part())?;
    let mut line = Zeroizing::new(String::with_capacity(CODE_LINE_LEN_MAX));
    std::io::Read::take(std::io::stdin().lock(), CODE_LINE_LEN_MAX as u64).read_line(&mut line).map_err(argument)?;
    let code = VoucherCode::parse(number, line.trim().as_bytes()).map_err(argument)?;
    let key = verifier_key(&folder, &owner.merchant)?;
    let found = own.vouchers.iter().find(|voucher| voucher.number == *number && voucher.was_made_with(&key, &code));
    let Some(OwnVoucher { amount_minor, .. }) = found else {
        return Err(MerchantToolError::Argument("not a voucher of this merchant with this code".to_owned()));
    };
    if owner.json {
        println!("{}", json!({ "made": true, "amount_minor": amount_minor }));
    } else {
        println!("made for {}; what is on it the bank knows", Amount::new(*amount_minor, own.currency));
    }
    Ok(())
}

fn reconcile(owner: &Owner, batch: &FixedPart, bank: &Path) -> Result<(), MerchantToolError> {
    let own = OwnList::read(&DataFolder::new(&owner.data), &owner.merchant, batch)?;
    let made: BTreeMap<_, _> = own.vouchers.into_iter().map(|voucher| (voucher.number, voucher.amount_minor)).collect();
    let told = Reconciliation::of(&made, &std::fs::read(bank).map_err(argument)?).map_err(argument)?;
    let Reconciliation { sold_minor: sold, spent_minor: spent, left_minor: left, differences: found, .. } = told;
    if owner.json {
        let json = json!({
            "batch": batch, "vouchers": made.len(), "differences": found,
            "sold_minor": sold, "spent_minor": spent, "left_minor": left,
        });
        println!("{json}");
    } else {
        let money = |minor| Amount::new(minor, own.currency);
        let count = made.len();
        println!("batch {batch}: {count} vouchers; sold {}, spent {}, left {}", money(sold), money(spent), money(left));
        for difference in &found {
            println!("not so: {difference:?}");
        }
    }
    if found.is_empty() { Ok(()) } else { Err(MerchantToolError::Argument("the two sides do not agree".to_owned())) }
}

impl OwnList {
    fn read(folder: &DataFolder, merchant: &MerchantId, batch: &FixedPart) -> Result<Self, MerchantToolError> {
        Ok(keys::read_json(&list_path(folder, merchant, batch))?)
    }
}

fn list_path(folder: &DataFolder, merchant: &MerchantId, batch: &FixedPart) -> PathBuf {
    folder.merchant(merchant, &format!("vouchers-{batch}.json"))
}

fn argument(error: impl std::fmt::Display) -> MerchantToolError {
    MerchantToolError::Argument(error.to_string())
}

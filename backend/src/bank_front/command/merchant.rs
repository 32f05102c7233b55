//! Merchants and acquirers as the bank settles them: the terms, shown and set.

use clap::{Args, Subcommand};
use payment::MerchantId;
use serde_json::json;

use super::table::{Column, table};
use super::{Folder, print};
use crate::bank_front::account::AccountId;
use crate::bank_front::error::BankError;
use crate::bank_front::open_database;
use crate::bank_front::settlement::{FeePlan, PayoutSchedule, Terms, settled_accounts, terms};
use crate::clock::{now_ms, signed_ms};

/// What to do with merchants.
#[derive(Debug, Subcommand)]
pub enum MerchantCommand {
    /// Every merchant's and acquirer's terms.
    List(Folder),
    /// Sets terms for sales from now on; what is not named stays as it is.
    Terms(Box<TermsOptions>),
}

/// New terms.
#[derive(Debug, Args)]
pub struct TermsOptions {
    /// Which bank.
    #[command(flatten)]
    folder: Folder,
    /// The merchant's id, or the name of an acquirer's account such as acquirer:1:USD.
    merchant: String,
    /// Taken of each sale, in hundredths of a percent. A half of a minor unit goes to the merchant.
    #[arg(long, value_parser = clap::value_parser!(u16).range(0..=10_000))]
    fee_basis_points: Option<u16>,
    /// Taken for each sale, in minor units of the account's currency.
    #[arg(long, value_parser = clap::value_parser!(i64).range(0..))]
    fee_fixed_minor: Option<i64>,
    /// daily, weekly:1 (Monday) to weekly:7, monthly:1 to monthly:28, or never.
    #[arg(long)]
    payout: Option<PayoutSchedule>,
    /// The least that is paid out, in minor units.
    #[arg(long, value_parser = clap::value_parser!(i64).range(0..))]
    payout_least_minor: Option<i64>,
}

pub(super) async fn run(command: MerchantCommand) -> Result<(), BankError> {
    match command {
        MerchantCommand::List(folder) => list(&folder).await,
        MerchantCommand::Terms(options) => set(*options).await,
    }
}

async fn list(folder: &Folder) -> Result<(), BankError> {
    let db = open_database(&folder.home()).await?;
    let mut connection = db.reader().acquire().await?;
    let mut all = Vec::new();
    for account_id in settled_accounts(&mut connection).await? {
        let terms = terms::current(&mut connection, &account_id).await?;
        all.push((account_id, terms));
    }
    let views: Vec<_> =
        all.iter().map(|(account_id, terms)| json!({ "account": account_id, "terms": terms })).collect();
    print(folder, &json!(views), || {
        let columns = [
            Column::Left("account"),
            Column::Right("basis points"),
            Column::Right("fixed"),
            Column::Left("payout"),
            Column::Right("least"),
        ];
        let rows: Vec<_> = (all.iter())
            .map(|(account_id, Terms { fee, payout, payout_least_minor })| {
                let FeePlan { basis_points, fixed_minor } = fee;
                [
                    account_id.to_string(),
                    basis_points.to_string(),
                    fixed_minor.to_string(),
                    payout.to_string(),
                    payout_least_minor.to_string(),
                ]
            })
            .collect();
        table(&columns, &rows)
    });
    Ok(())
}

async fn set(options: TermsOptions) -> Result<(), BankError> {
    let unknown = || BankError::NoAccount(options.merchant.clone());
    let account_id = match options.merchant.parse::<MerchantId>() {
        Ok(merchant_id) => AccountId::of_merchant(&merchant_id),
        Err(_) if options.merchant.contains(':') => AccountId::named(&options.merchant),
        Err(_) => return Err(unknown()),
    };
    let now_ms = signed_ms(now_ms());
    let TermsOptions { folder, fee_basis_points, fee_fixed_minor, payout, payout_least_minor, .. } = options;
    (open_database(&folder.home()).await?)
        .write(move |db_tx| {
            Box::pin(async move {
                let known = terms::current(db_tx, &account_id).await?;
                let changed = Terms {
                    fee: FeePlan {
                        basis_points: fee_basis_points.unwrap_or(known.fee.basis_points),
                        fixed_minor: fee_fixed_minor.unwrap_or(known.fee.fixed_minor),
                    },
                    payout: payout.unwrap_or(known.payout),
                    payout_least_minor: payout_least_minor.unwrap_or(known.payout_least_minor),
                };
                terms::set(db_tx, &account_id, changed, now_ms).await
            })
        })
        .await?;
    list(&folder).await
}

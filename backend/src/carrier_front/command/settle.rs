//! Settling merchants: terms, runs, and the file that the bank is given.

use std::path::{Path, PathBuf};

use clap::Args;
use payment::MerchantId;
use serde_json::json;

use super::{Folder, print};
use crate::carrier_front::error::CarrierError;
use crate::carrier_front::settlement::{self, Route, Settled};
use crate::clock::{now_ms, signed_ms};
use crate::front::merchant::MerchantBook;

/// What a merchant agreed to.
#[derive(Debug, Args)]
pub struct TermsOptions {
    /// Which operator.
    #[command(flatten)]
    folder: Folder,
    /// The merchant.
    merchant: MerchantId,
    /// The operator's share, in hundredths of a percent.
    #[arg(long)]
    share_basis_points: i64,
    /// On which way the merchant gets its money.
    #[arg(long, value_enum, default_value_t = Route::Bank)]
    route: Route,
}

/// A run.
#[derive(Debug, Args)]
pub struct SettleOptions {
    /// Which operator.
    #[command(flatten)]
    folder: Folder,
    /// Where to write the file of transfers for the bank.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// Earlier runs.
#[derive(Debug, Args)]
pub struct SettlementsOptions {
    /// Which operator.
    #[command(flatten)]
    folder: Folder,
    /// Where to write the file of transfers again; the bank books none of them twice.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Only runs from this time on, in milliseconds since the Unix epoch.
    #[arg(long, default_value_t = 0)]
    from_ms: i64,
}

pub(super) async fn agree(options: TermsOptions) -> Result<(), CarrierError> {
    let TermsOptions { folder, merchant, share_basis_points, route } = options;
    if MerchantBook::load(folder.home()?.dir())?.get(&merchant).is_none() {
        return Err(CarrierError::NoMerchant);
    }
    let told = json!({ "merchant_id": merchant, "share_basis_points": share_basis_points, "route": route.as_str() });
    let db = folder.db().await?;
    db.write(move |db_tx| {
        Box::pin(async move { settlement::agree(db_tx, &merchant, share_basis_points, route).await })
    })
    .await?;
    print(&folder, &told, || "agreed".to_owned());
    Ok(())
}

pub(super) async fn settle(options: &SettleOptions) -> Result<(), CarrierError> {
    let (db, operator_id, now_ms) =
        (options.folder.db().await?, options.folder.home()?.id().to_string(), signed_ms(now_ms()));
    let settled =
        db.write(move |db_tx| Box::pin(async move { settlement::run(db_tx, &operator_id, now_ms).await })).await?;
    tell(&options.folder, &settled, options.out.as_deref())
}

pub(super) async fn list(options: &SettlementsOptions) -> Result<(), CarrierError> {
    let db = options.folder.db().await?;
    let settled = settlement::since(&mut *db.reader().acquire().await?, options.from_ms).await?;
    tell(&options.folder, &settled, options.out.as_deref())
}

fn tell(folder: &Folder, settled: &[Settled], out: Option<&Path>) -> Result<(), CarrierError> {
    if let Some(out) = out {
        std::fs::write(out, settlement::transfers_csv(settled)?).map_err(|error| CarrierError::file(out, error))?;
    }
    print(folder, &json!({ "settlements": settled }), || {
        let line = |one: &Settled| {
            format!(
                "{} {}: {} of {} minor units, {} the operator's share, by {}\n",
                one.settlement_id, one.currency, one.net_minor, one.gross_minor, one.share_minor, one.route
            )
        };
        if settled.is_empty() { "nothing to settle".to_owned() } else { settled.iter().map(line).collect() }
    });
    Ok(())
}

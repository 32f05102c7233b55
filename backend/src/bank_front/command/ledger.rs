//! The ledger, shown and audited.

use clap::Args;
use serde_json::json;

use super::account::accounts_table;
use super::{Folder, print};
use crate::bank_front::error::BankError;
use crate::bank_front::ledger::{self, LedgerView};
use crate::bank_front::{open_database, settlement};

/// How to look at the ledger.
#[derive(Debug, Args)]
pub struct LedgerOptions {
    /// Which bank.
    #[command(flatten)]
    pub folder: Folder,
    /// Check every rule of the books against every row; the exit status is 0 only when none is broken.
    #[arg(long)]
    pub check: bool,
}

pub(super) async fn run(options: &LedgerOptions) -> Result<(), BankError> {
    if options.check { check(&options.folder).await } else { show(&options.folder).await }
}

async fn show(folder: &Folder) -> Result<(), BankError> {
    let db = open_database(&folder.home()).await?;
    let view = LedgerView::read(&mut *db.reader().acquire().await?).await?;
    print(folder, &json!(view), || {
        let sums = view.sums.iter().map(|(currency, sum)| format!("sum {currency} {sum}\n"));
        accounts_table(&view) + &sums.collect::<String>()
    });
    Ok(())
}

async fn check(folder: &Folder) -> Result<(), BankError> {
    let db = open_database(&folder.home()).await?;
    let mut connection = db.reader().acquire().await?;
    let mut faults = ledger::audit(&mut connection).await?;
    faults.extend(settlement::audit(&mut connection).await?);
    print(folder, &json!({ "faults": faults }), || match faults.as_slice() {
        [] => "the books are sound".to_owned(),
        faults => {
            let lines: Vec<String> =
                faults.iter().map(|fault| format!("not so: {}: {}", fault.rule, fault.at)).collect();
            lines.join("\n")
        }
    });
    if faults.is_empty() { Ok(()) } else { Err(BankError::Faults(faults.len())) }
}

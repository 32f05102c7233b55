//! The ledger, shown.

use super::{Folder, print};
use crate::bank_front::error::BankError;
use crate::bank_front::ledger::LedgerView;
use crate::bank_front::open_database;

pub(super) async fn show_ledger(folder: &Folder) -> Result<(), BankError> {
    let view = read_ledger(folder).await?;
    print(folder, &serde_json::json!(view), || {
        let sums = view.sums.iter().map(|(currency, sum)| format!("{:<28} {currency} {sum:>14} posted\n", "sum"));
        account_lines(&view).chain(sums).collect()
    });
    Ok(())
}

pub(super) async fn show_accounts(folder: &Folder) -> Result<(), BankError> {
    let view = read_ledger(folder).await?;
    print(folder, &serde_json::json!(view.accounts), || account_lines(&view).collect());
    Ok(())
}

async fn read_ledger(folder: &Folder) -> Result<LedgerView, BankError> {
    let db = open_database(&folder.home()).await?;
    let mut connection = db.reader().acquire().await?;
    LedgerView::read(&mut connection).await
}

fn account_lines(view: &LedgerView) -> impl Iterator<Item = String> {
    view.accounts.iter().map(|account| {
        format!(
            "{:<28} {} {:>14} posted {:>14} pending\n",
            account.account, account.currency, account.posted_minor, account.pending_minor
        )
    })
}

//! The commands about a merchant's own vouchers. Where the bank's file goes, the person says in the system's own dialog.

use protocol::ipc::history::ExportView;
use protocol::ipc::vouchers as ipc;
use tauri::{AppHandle, Runtime, State};

use super::Answer;
use crate::chooser::{self, Destination};
use crate::shell::Shell;

#[tauri::command]
pub(crate) async fn voucher_batches(shell: State<'_, Shell>, args: ipc::VoucherBatches) -> Answer<ipc::VoucherBatches> {
    let ipc::VoucherBatches {} = args;
    shell.wallet().await?.voucher_batches().await
}

#[tauri::command]
pub(crate) async fn voucher_bank_key(
    shell: State<'_, Shell>,
    args: ipc::VoucherBankKey,
) -> Answer<ipc::VoucherBankKey> {
    let ipc::VoucherBankKey { file } = args;
    shell.wallet().await?.voucher_bank_key(file).await
}

#[tauri::command]
pub(crate) async fn voucher_batch_make(
    shell: State<'_, Shell>,
    args: ipc::VoucherBatchMake,
) -> Answer<ipc::VoucherBatchMake> {
    let ipc::VoucherBatchMake { batch, lots, large_from, bank_key } = args;
    shell.wallet().await?.voucher_batch_make(batch, lots, large_from, bank_key).await
}

#[tauri::command]
pub(crate) async fn voucher_batch_save<R: Runtime>(
    app: AppHandle<R>,
    shell: State<'_, Shell>,
    args: ipc::VoucherBatchSave,
) -> Answer<ipc::VoucherBatchSave> {
    let ipc::VoucherBatchSave { batch, path } = args;
    match chooser::destination(&app, path, &wallet::voucher_file_name(&batch)).await {
        Destination::Dropped => Ok(ExportView::Dropped),
        Destination::To(path) => shell.wallet().await?.voucher_batch_save(batch, path).await,
    }
}

#[tauri::command]
pub(crate) async fn voucher_check(shell: State<'_, Shell>, args: ipc::VoucherCheck) -> Answer<ipc::VoucherCheck> {
    let ipc::VoucherCheck { number, code } = args;
    shell.wallet().await?.voucher_check(number, code).await
}

#[tauri::command]
pub(crate) async fn voucher_reconcile(
    shell: State<'_, Shell>,
    args: ipc::VoucherReconcile,
) -> Answer<ipc::VoucherReconcile> {
    let ipc::VoucherReconcile { batch, file } = args;
    shell.wallet().await?.voucher_reconcile(batch, file).await
}

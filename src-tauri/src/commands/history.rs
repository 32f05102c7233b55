//! The commands of the history. Where a file goes, the person says in the system's own dialog.

use protocol::ipc::history as ipc;
use tauri::{AppHandle, Runtime, State};

use super::Answer;
use crate::chooser::{self, Destination};
use crate::shell::Shell;

#[tauri::command]
pub(crate) async fn history(shell: State<'_, Shell>, args: ipc::History) -> Answer<ipc::History> {
    let ipc::History { query } = args;
    shell.wallet().await?.history(query).await
}

#[tauri::command]
pub(crate) async fn history_lines(shell: State<'_, Shell>, args: ipc::HistoryLines) -> Answer<ipc::HistoryLines> {
    let ipc::HistoryLines { query, from, count } = args;
    shell.wallet().await?.history_lines(query, from, count).await
}

#[tauri::command]
pub(crate) async fn history_choices(shell: State<'_, Shell>, args: ipc::HistoryChoices) -> Answer<ipc::HistoryChoices> {
    let ipc::HistoryChoices {} = args;
    shell.wallet().await?.history_choices().await
}

#[tauri::command]
pub(crate) async fn history_export<R: Runtime>(
    app: AppHandle<R>,
    shell: State<'_, Shell>,
    args: ipc::HistoryExport,
) -> Answer<ipc::HistoryExport> {
    let ipc::HistoryExport { query, format, language, path } = args;
    match chooser::destination(&app, path, &wallet::list_name(format)).await {
        Destination::Dropped => Ok(ipc::ExportView::Dropped),
        Destination::To(path) => shell.wallet().await?.history_export(query, format, language, path).await,
    }
}

#[tauri::command]
pub(crate) async fn receipt_export<R: Runtime>(
    app: AppHandle<R>,
    shell: State<'_, Shell>,
    args: ipc::ReceiptExport,
) -> Answer<ipc::ReceiptExport> {
    let ipc::ReceiptExport { attempt_id, format, language, path } = args;
    match chooser::destination(&app, path, &wallet::receipt_name(attempt_id, format)).await {
        Destination::Dropped => Ok(ipc::ExportView::Dropped),
        Destination::To(path) => shell.wallet().await?.receipt_export(attempt_id, format, language, path).await,
    }
}

#[tauri::command]
pub(crate) async fn check_receipt(shell: State<'_, Shell>, args: ipc::CheckReceipt) -> Answer<ipc::CheckReceipt> {
    let ipc::CheckReceipt { given } = args;
    shell.wallet().await?.check_receipt(given).await
}

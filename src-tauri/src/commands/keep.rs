//! The commands about what a person keeps: devices, senders, trust, readers that trouble, backups, exports.

use protocol::ipc::keep as ipc;
use tauri::{AppHandle, Runtime, State};

use super::Answer;
use crate::chooser::{self, Wanted};
use crate::shell::Shell;

#[tauri::command]
pub(crate) async fn devices(shell: State<'_, Shell>, args: ipc::Devices) -> Answer<ipc::Devices> {
    let ipc::Devices {} = args;
    shell.wallet().await?.devices().await
}

#[tauri::command]
pub(crate) async fn device_rename(shell: State<'_, Shell>, args: ipc::DeviceRename) -> Answer<ipc::DeviceRename> {
    let ipc::DeviceRename { device_id, name } = args;
    shell.wallet().await?.device_rename(device_id, name).await
}

#[tauri::command]
pub(crate) async fn device_remove(shell: State<'_, Shell>, args: ipc::DeviceRemove) -> Answer<ipc::DeviceRemove> {
    let ipc::DeviceRemove { device_id } = args;
    shell.wallet().await?.device_remove(device_id).await
}

#[tauri::command]
pub(crate) async fn former_dismiss(shell: State<'_, Shell>, args: ipc::FormerDismiss) -> Answer<ipc::FormerDismiss> {
    let ipc::FormerDismiss { identifier } = args;
    shell.wallet().await?.former_dismiss(identifier).await
}

#[tauri::command]
pub(crate) async fn accepted(shell: State<'_, Shell>, args: ipc::Accepted) -> Answer<ipc::Accepted> {
    let ipc::Accepted {} = args;
    shell.wallet().await?.accepted().await
}

#[tauri::command]
pub(crate) async fn sender_block(shell: State<'_, Shell>, args: ipc::SenderBlock) -> Answer<ipc::SenderBlock> {
    let ipc::SenderBlock { merchant_id } = args;
    shell.wallet().await?.sender_block(merchant_id).await
}

#[tauri::command]
pub(crate) async fn trust(shell: State<'_, Shell>, args: ipc::Trust) -> Answer<ipc::Trust> {
    let ipc::Trust {} = args;
    shell.wallet().await?.trust().await
}

#[tauri::command]
pub(crate) async fn reader_diagnosis(
    shell: State<'_, Shell>,
    args: ipc::ReaderDiagnosis,
) -> Answer<ipc::ReaderDiagnosis> {
    let ipc::ReaderDiagnosis {} = args;
    shell.wallet().await?.reader_diagnosis().await
}

#[tauri::command]
pub(crate) async fn diagnosis(shell: State<'_, Shell>, args: ipc::Diagnosis) -> Answer<ipc::Diagnosis> {
    let ipc::Diagnosis {} = args;
    shell.wallet().await?.diagnosis().await
}

#[tauri::command]
pub(crate) async fn backup_status(shell: State<'_, Shell>, args: ipc::BackupStatus) -> Answer<ipc::BackupStatus> {
    let ipc::BackupStatus {} = args;
    shell.wallet().await?.backup_state().await
}

#[tauri::command]
pub(crate) async fn clear_ended(shell: State<'_, Shell>, args: ipc::ClearEnded) -> Answer<ipc::ClearEnded> {
    let ipc::ClearEnded {} = args;
    shell.wallet().await?.clear_ended().await
}

#[tauri::command]
pub(crate) async fn licences(shell: State<'_, Shell>, args: ipc::Licences) -> Answer<ipc::Licences> {
    let ipc::Licences {} = args;
    shell.wallet().await?.licences().await
}

#[tauri::command]
pub(crate) async fn licence_text(shell: State<'_, Shell>, args: ipc::LicenceText) -> Answer<ipc::LicenceText> {
    let ipc::LicenceText { name, version } = args;
    shell.wallet().await?.licence_text(name, version).await
}

#[tauri::command]
pub(crate) async fn backup_make<R: Runtime>(
    app: AppHandle<R>,
    shell: State<'_, Shell>,
    args: ipc::BackupMake,
) -> Answer<ipc::BackupMake> {
    let ipc::BackupMake { passphrase, path } = args;
    let wallet = shell.wallet().await?;
    let Ok(path) = chooser::path(&app, path, Wanted::NewBackup).await else { return Ok(None) };
    Ok(Some(wallet.backup_make(passphrase, path).await?))
}

#[tauri::command]
pub(crate) async fn backup_restore<R: Runtime>(
    app: AppHandle<R>,
    shell: State<'_, Shell>,
    args: ipc::BackupRestore,
) -> Answer<ipc::BackupRestore> {
    let ipc::BackupRestore { passphrase, path } = args;
    let wallet = shell.wallet().await?;
    let Ok(path) = chooser::path(&app, path, Wanted::Backup).await else { return Ok(None) };
    Ok(Some(wallet.backup_restore(passphrase, path).await?))
}

#[tauri::command]
pub(crate) async fn export_all<R: Runtime>(
    app: AppHandle<R>,
    shell: State<'_, Shell>,
    args: ipc::ExportAll,
) -> Answer<ipc::ExportAll> {
    let ipc::ExportAll { path } = args;
    let wallet = shell.wallet().await?;
    let Ok(path) = chooser::path(&app, path, Wanted::NewExport).await else { return Ok(None) };
    Ok(Some(wallet.export_all(path).await?))
}

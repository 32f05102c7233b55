//! The commands around an alias.

use protocol::ipc::{alias, history};
use tauri::{AppHandle, Runtime, State};

use super::Answer;
use crate::chooser::{self, Destination};
use crate::shell::Shell;

#[tauri::command]
pub(crate) async fn alias_pay(shell: State<'_, Shell>, args: alias::AliasPay) -> Answer<alias::AliasPay> {
    let alias::AliasPay { request_id, vault_id, name, password, code, place } = args;
    shell.wallet().await?.alias_pay(request_id, vault_id, name, password, code, place).await
}

#[tauri::command]
pub(crate) async fn alias_state(shell: State<'_, Shell>, args: alias::AliasState) -> Answer<alias::AliasState> {
    let alias::AliasState {} = args;
    shell.wallet().await?.alias_state().await
}

#[tauri::command]
pub(crate) async fn alias_begin(shell: State<'_, Shell>, args: alias::AliasBegin) -> Answer<alias::AliasBegin> {
    let alias::AliasBegin { vault_id, name, password } = args;
    shell.wallet().await?.alias_begin(vault_id, name, password).await
}

#[tauri::command]
pub(crate) async fn alias_read_card(
    shell: State<'_, Shell>,
    args: alias::AliasReadCard,
) -> Answer<alias::AliasReadCard> {
    let alias::AliasReadCard { label, limit, reader } = args;
    shell.wallet().await?.alias_read_card(label, limit, reader).await
}

#[tauri::command]
pub(crate) async fn alias_factor(shell: State<'_, Shell>, args: alias::AliasFactor) -> Answer<alias::AliasFactor> {
    let alias::AliasFactor {} = args;
    shell.wallet().await?.alias_factor().await
}

#[tauri::command]
pub(crate) async fn alias_enrol(shell: State<'_, Shell>, args: alias::AliasEnrol) -> Answer<alias::AliasEnrol> {
    let alias::AliasEnrol { code } = args;
    shell.wallet().await?.alias_enrol_read(code).await
}

#[tauri::command]
pub(crate) async fn alias_sign_in(shell: State<'_, Shell>, args: alias::AliasSignIn) -> Answer<alias::AliasSignIn> {
    let alias::AliasSignIn { vault_id, name, password, code } = args;
    shell.wallet().await?.alias_sign_in(vault_id, name, password, code).await
}

#[tauri::command]
pub(crate) async fn alias_change(shell: State<'_, Shell>, args: alias::AliasChange) -> Answer<alias::AliasChange> {
    let alias::AliasChange { deed, code } = args;
    shell.wallet().await?.alias_change(deed, code).await
}

#[tauri::command]
pub(crate) async fn alias_export<R: Runtime>(
    app: AppHandle<R>,
    shell: State<'_, Shell>,
    args: alias::AliasExport,
) -> Answer<alias::AliasExport> {
    let alias::AliasExport { path } = args;
    match chooser::destination(&app, path, wallet::ALIAS_EXPORT_NAME).await {
        Destination::Dropped => Ok(history::ExportView::Dropped),
        Destination::To(path) => shell.wallet().await?.alias_export(path).await,
    }
}

#[tauri::command]
pub(crate) async fn alias_remember(
    shell: State<'_, Shell>,
    args: alias::AliasRemember,
) -> Answer<alias::AliasRemember> {
    let alias::AliasRemember { is_remembered } = args;
    shell.wallet().await?.alias_remember(is_remembered).await
}

#[tauri::command]
pub(crate) async fn alias_leave(shell: State<'_, Shell>, args: alias::AliasLeave) -> Answer<alias::AliasLeave> {
    let alias::AliasLeave {} = args;
    shell.wallet().await?.alias_leave().await
}

//! The bridge's commands: each hands its typed arguments to the wallet and its answer back.
//!
//! The list of names is the protocol's; permissions, the isolation page and this file are compared with it by tests.

use protocol::Problem;
use protocol::ipc::{self, Command};
use tauri::{AppHandle, Runtime, State};

use crate::screen;
use crate::shell::Shell;

pub(crate) mod alias;
pub(crate) mod carrier;
pub(crate) mod history;
pub(crate) mod keep;
pub(crate) mod lock;
pub(crate) mod means;
pub(crate) mod merchant;
pub(crate) mod pay;
pub(crate) mod payer;
pub(crate) mod shell;
pub(crate) mod vouchers;

/// What a command answers: its own view, or the one kind of error.
type Answer<C> = Result<<C as Command>::Answer, Problem>;

/// After a failure this also tries to open the wallet again: the screens ask it when a person presses "try again".
#[tauri::command]
pub(crate) async fn status(shell: State<'_, Shell>, args: ipc::Status) -> Answer<ipc::Status> {
    let ipc::Status {} = args;
    shell.reopened().await?.status().await
}

#[tauri::command]
pub(crate) async fn watch(shell: State<'_, Shell>, args: ipc::Watch) -> Answer<ipc::Watch> {
    let ipc::Watch { after } = args;
    shell.even_locked().await?.watch(after).await
}

#[tauri::command]
pub(crate) async fn inbox(shell: State<'_, Shell>, args: ipc::Inbox) -> Answer<ipc::Inbox> {
    let ipc::Inbox {} = args;
    shell.wallet().await?.inbox().await
}

#[tauri::command]
pub(crate) async fn show(shell: State<'_, Shell>, args: ipc::Show) -> Answer<ipc::Show> {
    let ipc::Show { request_id } = args;
    shell.wallet().await?.show(request_id).await
}

#[tauri::command]
pub(crate) async fn open_link(shell: State<'_, Shell>, args: ipc::OpenLink) -> Answer<ipc::OpenLink> {
    let ipc::OpenLink { link } = args;
    shell.wallet().await?.open_link(link).await
}

#[tauri::command]
pub(crate) async fn reject(shell: State<'_, Shell>, args: ipc::Reject) -> Answer<ipc::Reject> {
    let ipc::Reject { request_id } = args;
    shell.wallet().await?.reject(request_id).await
}

#[tauri::command]
pub(crate) async fn postpone(shell: State<'_, Shell>, args: ipc::Postpone) -> Answer<ipc::Postpone> {
    let ipc::Postpone { request_id } = args;
    shell.wallet().await?.postpone(request_id).await
}

#[tauri::command]
pub(crate) async fn block_merchant(shell: State<'_, Shell>, args: ipc::BlockMerchant) -> Answer<ipc::BlockMerchant> {
    let ipc::BlockMerchant { request_id } = args;
    shell.wallet().await?.block_merchant(request_id).await
}

#[tauri::command]
pub(crate) async fn readers(shell: State<'_, Shell>, args: ipc::Readers) -> Answer<ipc::Readers> {
    let ipc::Readers {} = args;
    shell.wallet().await?.readers().await
}

#[tauri::command]
pub(crate) async fn reader_test_start(
    shell: State<'_, Shell>,
    args: ipc::ReaderTestStart,
) -> Answer<ipc::ReaderTestStart> {
    let ipc::ReaderTestStart { reader } = args;
    shell.wallet().await?.reader_test_start(reader).await
}

#[tauri::command]
pub(crate) async fn reader_test_stop(
    shell: State<'_, Shell>,
    args: ipc::ReaderTestStop,
) -> Answer<ipc::ReaderTestStop> {
    let ipc::ReaderTestStop {} = args;
    shell.wallet().await?.reader_test_stop().await
}

#[tauri::command]
pub(crate) async fn checkout_start(shell: State<'_, Shell>, args: ipc::CheckoutStart) -> Answer<ipc::CheckoutStart> {
    let ipc::CheckoutStart { request_id, reader } = args;
    shell.wallet().await?.checkout_start(request_id, reader).await
}

#[tauri::command]
pub(crate) async fn checkout_choose(shell: State<'_, Shell>, args: ipc::CheckoutChoose) -> Answer<ipc::CheckoutChoose> {
    let ipc::CheckoutChoose { index } = args;
    shell.wallet().await?.checkout_choose(index).await
}

#[tauri::command]
pub(crate) async fn pin_pad<R: Runtime>(
    app: AppHandle<R>,
    shell: State<'_, Shell>,
    args: ipc::PinPad,
) -> Answer<ipc::PinPad> {
    let layout = screen::layout_for(&app, args.layout).await;
    shell.wallet().await?.pin_pad(layout).await
}

#[tauri::command]
pub(crate) async fn pin_press(shell: State<'_, Shell>, args: ipc::PinPress) -> Answer<ipc::PinPress> {
    let ipc::PinPress { position } = args;
    shell.wallet().await?.pin_press(position).await
}

#[tauri::command]
pub(crate) async fn pin_erase(shell: State<'_, Shell>, args: ipc::PinErase) -> Answer<ipc::PinErase> {
    let ipc::PinErase {} = args;
    shell.wallet().await?.pin_erase().await
}

#[tauri::command]
pub(crate) async fn pin_submit(shell: State<'_, Shell>, args: ipc::PinSubmit) -> Answer<ipc::PinSubmit> {
    let ipc::PinSubmit {} = args;
    shell.wallet().await?.pin_submit().await
}

#[tauri::command]
pub(crate) async fn checkout_stop(shell: State<'_, Shell>, args: ipc::CheckoutStop) -> Answer<ipc::CheckoutStop> {
    let ipc::CheckoutStop {} = args;
    shell.wallet().await?.checkout_stop().await
}

#[tauri::command]
pub(crate) async fn checkout_done(shell: State<'_, Shell>, args: ipc::CheckoutDone) -> Answer<ipc::CheckoutDone> {
    let ipc::CheckoutDone {} = args;
    shell.wallet().await?.checkout_done().await
}

#[tauri::command]
pub(crate) async fn show_receipt(shell: State<'_, Shell>, args: ipc::ShowReceipt) -> Answer<ipc::ShowReceipt> {
    let ipc::ShowReceipt { attempt_id } = args;
    shell.wallet().await?.show_receipt(attempt_id).await
}

#[tauri::command]
pub(crate) async fn claim_start(shell: State<'_, Shell>, args: ipc::ClaimStart) -> Answer<ipc::ClaimStart> {
    let ipc::ClaimStart { identifier } = args;
    shell.wallet().await?.claim_start(identifier).await
}

#[tauri::command]
pub(crate) async fn claim_confirm(shell: State<'_, Shell>, args: ipc::ClaimConfirm) -> Answer<ipc::ClaimConfirm> {
    let ipc::ClaimConfirm { identifier, code } = args;
    shell.wallet().await?.claim_confirm(identifier, code).await
}

#[tauri::command]
pub(crate) async fn save_settings(shell: State<'_, Shell>, args: ipc::SaveSettings) -> Answer<ipc::SaveSettings> {
    let ipc::SaveSettings { settings } = args;
    shell.wallet().await?.save_settings(settings).await
}

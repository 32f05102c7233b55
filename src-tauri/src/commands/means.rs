//! The commands that pay without a card.

use protocol::ipc::means;
use tauri::State;

use super::Answer;
use crate::shell::Shell;

#[tauri::command]
pub(crate) async fn voucher_banks(shell: State<'_, Shell>, args: means::VoucherBanks) -> Answer<means::VoucherBanks> {
    let means::VoucherBanks {} = args;
    shell.wallet().await?.voucher_banks().await
}

#[tauri::command]
pub(crate) async fn voucher_pay(shell: State<'_, Shell>, args: means::VoucherPay) -> Answer<means::VoucherPay> {
    let means::VoucherPay { request_id, bank_id, number, code } = args;
    shell.wallet().await?.voucher_pay(request_id, bank_id, number, code).await
}

#[tauri::command]
pub(crate) async fn code_begin(shell: State<'_, Shell>, args: means::CodeBegin) -> Answer<means::CodeBegin> {
    let means::CodeBegin { request_id, identity_code, password } = args;
    shell.wallet().await?.code_begin(request_id, identity_code, password).await
}

#[tauri::command]
pub(crate) async fn code_entry(shell: State<'_, Shell>, args: means::CodeEntry) -> Answer<means::CodeEntry> {
    let means::CodeEntry { request_id } = args;
    shell.wallet().await?.code_entry(request_id).await
}

#[tauri::command]
pub(crate) async fn code_send(shell: State<'_, Shell>, args: means::CodeSend) -> Answer<means::CodeSend> {
    let means::CodeSend { terminal, account, address } = args;
    shell.wallet().await?.code_send(terminal, account, address).await
}

#[tauri::command]
pub(crate) async fn code_confirm(shell: State<'_, Shell>, args: means::CodeConfirm) -> Answer<means::CodeConfirm> {
    let means::CodeConfirm { code } = args;
    shell.wallet().await?.code_confirm_address(code).await
}

#[tauri::command]
pub(crate) async fn code_pay(shell: State<'_, Shell>, args: means::CodePay) -> Answer<means::CodePay> {
    let means::CodePay { code } = args;
    shell.wallet().await?.code_pay(code).await
}

#[tauri::command]
pub(crate) async fn code_stop(shell: State<'_, Shell>, args: means::CodeStop) -> Answer<means::CodeStop> {
    let means::CodeStop {} = args;
    shell.wallet().await?.code_stop().await
}

#[tauri::command]
pub(crate) async fn code_forget(shell: State<'_, Shell>, args: means::CodeForget) -> Answer<means::CodeForget> {
    let means::CodeForget {} = args;
    shell.wallet().await?.code_forget().await
}

#[tauri::command]
pub(crate) async fn code_terminals(
    shell: State<'_, Shell>,
    args: means::CodeTerminals,
) -> Answer<means::CodeTerminals> {
    let means::CodeTerminals {} = args;
    shell.wallet().await?.code_terminals().await
}

//! The commands around paying: the ways to pay, putting a request off, what became of a receipt's request.

use protocol::ipc::pay;
use tauri::State;

use super::Answer;
use crate::shell::Shell;

#[tauri::command]
pub(crate) async fn payment_methods(shell: State<'_, Shell>, args: pay::PaymentMethods) -> Answer<pay::PaymentMethods> {
    let pay::PaymentMethods {} = args;
    shell.wallet().await?.payment_methods().await
}

#[tauri::command]
pub(crate) async fn choose_method(shell: State<'_, Shell>, args: pay::ChooseMethod) -> Answer<pay::ChooseMethod> {
    let pay::ChooseMethod { method } = args;
    shell.wallet().await?.choose_method(method).await
}

#[tauri::command]
pub(crate) async fn postpone_until(shell: State<'_, Shell>, args: pay::PostponeUntil) -> Answer<pay::PostponeUntil> {
    let pay::PostponeUntil { request_id, until_ms } = args;
    shell.wallet().await?.postpone_until(request_id, until_ms).await
}

#[tauri::command]
pub(crate) async fn bring_back(shell: State<'_, Shell>, args: pay::BringBack) -> Answer<pay::BringBack> {
    let pay::BringBack { request_id } = args;
    shell.wallet().await?.bring_back(request_id).await
}

#[tauri::command]
pub(crate) async fn request_of_receipt(
    shell: State<'_, Shell>,
    args: pay::RequestOfReceipt,
) -> Answer<pay::RequestOfReceipt> {
    let pay::RequestOfReceipt { attempt_id } = args;
    shell.wallet().await?.request_of_receipt(attempt_id).await
}

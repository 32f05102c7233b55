//! The commands about phone bills.

use protocol::ipc::carrier;
use tauri::State;

use super::Answer;
use crate::shell::Shell;

#[tauri::command]
pub(crate) async fn operators(shell: State<'_, Shell>, args: carrier::Operators) -> Answer<carrier::Operators> {
    let carrier::Operators {} = args;
    shell.wallet().await?.operators().await
}

#[tauri::command]
pub(crate) async fn phone_bills(shell: State<'_, Shell>, args: carrier::PhoneBills) -> Answer<carrier::PhoneBills> {
    let carrier::PhoneBills {} = args;
    shell.wallet().await?.bill_views().await
}

#[tauri::command]
pub(crate) async fn bill_ask(shell: State<'_, Shell>, args: carrier::BillAsk) -> Answer<carrier::BillAsk> {
    let carrier::BillAsk { operator, number, name, typed } = args;
    shell.wallet().await?.bill_ask(operator, number, name, typed).await
}

#[tauri::command]
pub(crate) async fn bill_entry(shell: State<'_, Shell>, args: carrier::BillEntry) -> Answer<carrier::BillEntry> {
    let carrier::BillEntry {} = args;
    shell.wallet().await?.bill_entry().await
}

#[tauri::command]
pub(crate) async fn bill_again(shell: State<'_, Shell>, args: carrier::BillAgain) -> Answer<carrier::BillAgain> {
    let carrier::BillAgain {} = args;
    shell.wallet().await?.bill_again().await
}

#[tauri::command]
pub(crate) async fn bill_enrol(shell: State<'_, Shell>, args: carrier::BillEnrol) -> Answer<carrier::BillEnrol> {
    let carrier::BillEnrol { code } = args;
    shell.wallet().await?.bill_enrol(code).await
}

#[tauri::command]
pub(crate) async fn bill_stop(shell: State<'_, Shell>, args: carrier::BillStop) -> Answer<carrier::BillStop> {
    let carrier::BillStop {} = args;
    shell.wallet().await?.bill_stop().await
}

#[tauri::command]
pub(crate) async fn bill_forget(shell: State<'_, Shell>, args: carrier::BillForget) -> Answer<carrier::BillForget> {
    let carrier::BillForget { operator, number } = args;
    shell.wallet().await?.bill_forget(operator, number).await
}

#[tauri::command]
pub(crate) async fn bill_pay(shell: State<'_, Shell>, args: carrier::BillPay) -> Answer<carrier::BillPay> {
    let carrier::BillPay { request_id, operator, number } = args;
    shell.wallet().await?.bill_pay(request_id, operator, number).await
}

#[tauri::command]
pub(crate) async fn bill_find(shell: State<'_, Shell>, args: carrier::BillFind) -> Answer<carrier::BillFind> {
    let carrier::BillFind { confirmation } = args;
    shell.wallet().await?.bill_find(confirmation).await
}

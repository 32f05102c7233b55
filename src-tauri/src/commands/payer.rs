//! The commands about the payer themself: identifiers, payment numbers, and who may ask them for money.

use protocol::ipc::payer;
use tauri::State;

use super::Answer;
use crate::shell::Shell;

#[tauri::command]
pub(crate) async fn claim_transfer(
    shell: State<'_, Shell>,
    args: payer::ClaimTransfer,
) -> Answer<payer::ClaimTransfer> {
    let payer::ClaimTransfer { identifier, code } = args;
    shell.wallet().await?.claim_transfer(identifier, code).await
}

#[tauri::command]
pub(crate) async fn claim_release(shell: State<'_, Shell>, args: payer::ClaimRelease) -> Answer<payer::ClaimRelease> {
    let payer::ClaimRelease { identifier } = args;
    shell.wallet().await?.claim_release(identifier).await
}

#[tauri::command]
pub(crate) async fn payment_numbers(
    shell: State<'_, Shell>,
    args: payer::PaymentNumbers,
) -> Answer<payer::PaymentNumbers> {
    let payer::PaymentNumbers {} = args;
    shell.wallet().await?.payment_numbers().await
}

#[tauri::command]
pub(crate) async fn payment_number_create(
    shell: State<'_, Shell>,
    args: payer::PaymentNumberCreate,
) -> Answer<payer::PaymentNumberCreate> {
    let payer::PaymentNumberCreate { max, merchant_id, minutes } = args;
    shell.wallet().await?.payment_number_create(max, merchant_id, minutes).await
}

#[tauri::command]
pub(crate) async fn payment_number_revoke(
    shell: State<'_, Shell>,
    args: payer::PaymentNumberRevoke,
) -> Answer<payer::PaymentNumberRevoke> {
    let payer::PaymentNumberRevoke { id } = args;
    shell.wallet().await?.payment_number_revoke(id).await
}

#[tauri::command]
pub(crate) async fn accept_sender(shell: State<'_, Shell>, args: payer::AcceptSender) -> Answer<payer::AcceptSender> {
    let payer::AcceptSender { request_id } = args;
    shell.wallet().await?.accept_sender(request_id).await
}

#[tauri::command]
pub(crate) async fn senders(shell: State<'_, Shell>, args: payer::Senders) -> Answer<payer::Senders> {
    let payer::Senders {} = args;
    shell.wallet().await?.senders().await
}

#[tauri::command]
pub(crate) async fn blocked(shell: State<'_, Shell>, args: payer::Blocked) -> Answer<payer::Blocked> {
    let payer::Blocked {} = args;
    shell.wallet().await?.blocked().await
}

#[tauri::command]
pub(crate) async fn unblock(shell: State<'_, Shell>, args: payer::Unblock) -> Answer<payer::Unblock> {
    let payer::Unblock { merchant_id } = args;
    shell.wallet().await?.unblock(merchant_id).await
}

#[tauri::command]
pub(crate) async fn report_request(
    shell: State<'_, Shell>,
    args: payer::ReportRequest,
) -> Answer<payer::ReportRequest> {
    let payer::ReportRequest { request_id, reason, note } = args;
    shell.wallet().await?.report_request(request_id, reason, note).await
}

//! The commands of a merchant's till: each hands its typed arguments to the wallet and its answer back.

use protocol::ipc::merchant as ipc;
use tauri::{AppHandle, Runtime, State};

use super::Answer;
use crate::chooser;
use crate::shell::Shell;

#[tauri::command]
pub(crate) async fn merchant(shell: State<'_, Shell>, args: ipc::Merchant) -> Answer<ipc::Merchant> {
    let ipc::Merchant {} = args;
    shell.wallet().await?.merchant().await
}

#[tauri::command]
pub(crate) async fn merchant_connect<R: Runtime>(
    app: AppHandle<R>,
    shell: State<'_, Shell>,
    args: ipc::MerchantConnect,
) -> Answer<ipc::MerchantConnect> {
    let wallet = shell.wallet().await?;
    wallet.merchant_connect(chooser::access_file(&app, args.path).await).await
}

#[tauri::command]
pub(crate) async fn merchant_disconnect(
    shell: State<'_, Shell>,
    args: ipc::MerchantDisconnect,
) -> Answer<ipc::MerchantDisconnect> {
    let ipc::MerchantDisconnect {} = args;
    shell.wallet().await?.merchant_disconnect().await
}

#[tauri::command]
pub(crate) async fn sell(shell: State<'_, Shell>, args: ipc::Sell) -> Answer<ipc::Sell> {
    let ipc::Sell { sale } = args;
    shell.wallet().await?.sell(sale).await
}

#[tauri::command]
pub(crate) async fn sale(shell: State<'_, Shell>, args: ipc::Sale) -> Answer<ipc::Sale> {
    let ipc::Sale { request_id } = args;
    shell.wallet().await?.sale(request_id).await
}

#[tauri::command]
pub(crate) async fn sales(shell: State<'_, Shell>, args: ipc::Sales) -> Answer<ipc::Sales> {
    let ipc::Sales { filter, cursor } = args;
    shell.wallet().await?.sales(filter, cursor).await
}

#[tauri::command]
pub(crate) async fn sales_csv(shell: State<'_, Shell>, args: ipc::SalesCsv) -> Answer<ipc::SalesCsv> {
    let ipc::SalesCsv { filter } = args;
    shell.wallet().await?.sales_csv(filter).await
}

#[tauri::command]
pub(crate) async fn sale_cancel(shell: State<'_, Shell>, args: ipc::SaleCancel) -> Answer<ipc::SaleCancel> {
    let ipc::SaleCancel { request_id } = args;
    shell.wallet().await?.sale_cancel(request_id).await
}

#[tauri::command]
pub(crate) async fn sale_resend(shell: State<'_, Shell>, args: ipc::SaleResend) -> Answer<ipc::SaleResend> {
    let ipc::SaleResend { request_id, channel } = args;
    shell.wallet().await?.sale_resend(request_id, channel).await
}

#[tauri::command]
pub(crate) async fn sale_refund(shell: State<'_, Shell>, args: ipc::SaleRefund) -> Answer<ipc::SaleRefund> {
    let ipc::SaleRefund { request_id, amount, reason } = args;
    shell.wallet().await?.sale_refund(request_id, amount, reason).await
}

#[tauri::command]
pub(crate) async fn day_close(shell: State<'_, Shell>, args: ipc::DayClose) -> Answer<ipc::DayClose> {
    let ipc::DayClose { date } = args;
    shell.wallet().await?.day_close(date).await
}

#[tauri::command]
pub(crate) async fn catalogue(shell: State<'_, Shell>, args: ipc::Catalogue) -> Answer<ipc::Catalogue> {
    let ipc::Catalogue {} = args;
    shell.wallet().await?.catalogue().await
}

#[tauri::command]
pub(crate) async fn save_catalogue(shell: State<'_, Shell>, args: ipc::SaveCatalogue) -> Answer<ipc::SaveCatalogue> {
    let ipc::SaveCatalogue { items } = args;
    shell.wallet().await?.save_catalogue(items).await
}

#[tauri::command]
pub(crate) async fn counters(shell: State<'_, Shell>, args: ipc::Counters) -> Answer<ipc::Counters> {
    let ipc::Counters {} = args;
    shell.wallet().await?.counters().await
}

#[tauri::command]
pub(crate) async fn counter_create(shell: State<'_, Shell>, args: ipc::CounterCreate) -> Answer<ipc::CounterCreate> {
    let ipc::CounterCreate { name } = args;
    shell.wallet().await?.counter_create(name).await
}

#[tauri::command]
pub(crate) async fn webhooks(shell: State<'_, Shell>, args: ipc::Webhooks) -> Answer<ipc::Webhooks> {
    let ipc::Webhooks {} = args;
    shell.wallet().await?.webhooks().await
}

#[tauri::command]
pub(crate) async fn webhook_create(shell: State<'_, Shell>, args: ipc::WebhookCreate) -> Answer<ipc::WebhookCreate> {
    let ipc::WebhookCreate { url, events } = args;
    shell.wallet().await?.webhook_create(url, events).await
}

#[tauri::command]
pub(crate) async fn webhook_rotate(shell: State<'_, Shell>, args: ipc::WebhookRotate) -> Answer<ipc::WebhookRotate> {
    let ipc::WebhookRotate { webhook_id } = args;
    shell.wallet().await?.webhook_rotate(webhook_id).await
}

#[tauri::command]
pub(crate) async fn webhook_delete(shell: State<'_, Shell>, args: ipc::WebhookDelete) -> Answer<ipc::WebhookDelete> {
    let ipc::WebhookDelete { webhook_id } = args;
    shell.wallet().await?.webhook_delete(webhook_id).await
}

#[tauri::command]
pub(crate) async fn webhook_test(shell: State<'_, Shell>, args: ipc::WebhookTest) -> Answer<ipc::WebhookTest> {
    let ipc::WebhookTest { webhook_id } = args;
    shell.wallet().await?.webhook_test(webhook_id).await
}

#[tauri::command]
pub(crate) async fn webhook_deliveries(
    shell: State<'_, Shell>,
    args: ipc::WebhookDeliveries,
) -> Answer<ipc::WebhookDeliveries> {
    let ipc::WebhookDeliveries { webhook_id, cursor } = args;
    shell.wallet().await?.webhook_deliveries(webhook_id, cursor).await
}

#[tauri::command]
pub(crate) async fn webhook_redeliver(
    shell: State<'_, Shell>,
    args: ipc::WebhookRedeliver,
) -> Answer<ipc::WebhookRedeliver> {
    let ipc::WebhookRedeliver { webhook_id, delivery_id } = args;
    shell.wallet().await?.webhook_redeliver(webhook_id, delivery_id).await
}

#[tauri::command]
pub(crate) async fn access(shell: State<'_, Shell>, args: ipc::Access) -> Answer<ipc::Access> {
    let ipc::Access {} = args;
    shell.wallet().await?.access().await
}

#[tauri::command]
pub(crate) async fn api_key_create(shell: State<'_, Shell>, args: ipc::ApiKeyCreate) -> Answer<ipc::ApiKeyCreate> {
    let ipc::ApiKeyCreate { name, scopes } = args;
    shell.wallet().await?.api_key_create(name, scopes).await
}

#[tauri::command]
pub(crate) async fn api_key_revoke(shell: State<'_, Shell>, args: ipc::ApiKeyRevoke) -> Answer<ipc::ApiKeyRevoke> {
    let ipc::ApiKeyRevoke { key_id } = args;
    shell.wallet().await?.api_key_revoke(key_id).await
}

#[tauri::command]
pub(crate) async fn scan_image(shell: State<'_, Shell>, args: ipc::ScanImage) -> Answer<ipc::ScanImage> {
    let ipc::ScanImage { image } = args;
    shell.wallet().await?.scan_image(image).await
}

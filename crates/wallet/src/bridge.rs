//! The commands by name, with JSON in and out: what a window's bridge calls.

use protocol::ipc::{
    self, Command, alias, carrier, history, keep, lock, means, merchant, passphrase, pay, payer, shell, vouchers,
};
use protocol::{ErrorCode, Problem};
use serde_json::Value;

use crate::wallet::Wallet;

macro_rules! route {
    ($wallet:ident, $name:ident, $args:ident, $module:ident,
     { $($command:ident { $($field:ident),* } => $method:ident;)* } _ => $otherwise:expr) => {
        match $name {
            $(<$module::$command as Command>::NAME => {
                let $module::$command { $($field),* } = arguments($args)?;
                answer(&$wallet.$method($($field),*).await?)
            })*
            _ => $otherwise,
        }
    };
}

/// Does one command. `args` is the command's JSON object; the answer is its answer's JSON.
///
/// # Errors
/// [`ErrorCode::InvalidInput`] for an unknown command or arguments that do not fit, [`ErrorCode::Locked`] for nearly all
/// of them while the wallet is locked; else the command's own.
pub async fn dispatch(wallet: &Wallet, name: &str, args: Value) -> Result<Value, Problem> {
    if !ipc::ANSWERED_WHILE_LOCKED.contains(&name) {
        wallet.unlocked()?;
    }
    route! {
        wallet, name, args, ipc,
        {
            Status {} => status;
            Watch { after } => watch;
            Inbox {} => inbox;
            Show { request_id } => show;
            OpenLink { link } => open_link;
            Reject { request_id } => reject;
            Postpone { request_id } => postpone;
            BlockMerchant { request_id } => block_merchant;
            Readers {} => readers;
            ReaderTestStart { reader } => reader_test_start;
            ReaderTestStop {} => reader_test_stop;
            CheckoutStart { request_id, reader } => checkout_start;
            CheckoutChoose { index } => checkout_choose;
            PinPad { layout } => pin_pad;
            PinPress { position } => pin_press;
            PinErase {} => pin_erase;
            PinSubmit {} => pin_submit;
            CheckoutStop {} => checkout_stop;
            CheckoutDone {} => checkout_done;
            ShowReceipt { attempt_id } => show_receipt;
            ClaimStart { identifier } => claim_start;
            ClaimConfirm { identifier, code } => claim_confirm;
            SaveSettings { settings } => save_settings;
        }
        _ => dispatch_payers(wallet, name, args).await
    }
}

/// The same for the commands about the payer themself.
async fn dispatch_payers(wallet: &Wallet, name: &str, args: Value) -> Result<Value, Problem> {
    route! {
        wallet, name, args, payer,
        {
            ClaimTransfer { identifier, code } => claim_transfer;
            ClaimRelease { identifier } => claim_release;
            PaymentNumbers {} => payment_numbers;
            PaymentNumberCreate { max, merchant_id, minutes } => payment_number_create;
            PaymentNumberRevoke { id } => payment_number_revoke;
            AcceptSender { request_id } => accept_sender;
            Senders {} => senders;
            Blocked {} => blocked;
            Unblock { merchant_id } => unblock;
            ReportRequest { request_id, reason, note } => report_request;
        }
        _ => dispatch_merchants(wallet, name, args).await
    }
}

/// The same for the commands of a merchant's till.
async fn dispatch_merchants(wallet: &Wallet, name: &str, args: Value) -> Result<Value, Problem> {
    route! {
        wallet, name, args, merchant,
        {
            Merchant {} => merchant;
            MerchantConnect { path } => merchant_connect;
            MerchantDisconnect {} => merchant_disconnect;
            Sell { sale } => sell;
            Sale { request_id } => sale;
            Sales { filter, cursor } => sales;
            SalesCsv { filter } => sales_csv;
            SaleCancel { request_id } => sale_cancel;
            SaleResend { request_id, channel } => sale_resend;
            SaleRefund { request_id, amount, reason } => sale_refund;
            DayClose { date } => day_close;
            Catalogue {} => catalogue;
            SaveCatalogue { items } => save_catalogue;
            Counters {} => counters;
            CounterCreate { name } => counter_create;
            Webhooks {} => webhooks;
            WebhookCreate { url, events } => webhook_create;
            WebhookRotate { webhook_id } => webhook_rotate;
            WebhookDelete { webhook_id } => webhook_delete;
            WebhookTest { webhook_id } => webhook_test;
            WebhookDeliveries { webhook_id, cursor } => webhook_deliveries;
            WebhookRedeliver { webhook_id, delivery_id } => webhook_redeliver;
            Access {} => access;
            ApiKeyCreate { name, scopes } => api_key_create;
            ApiKeyRevoke { key_id } => api_key_revoke;
            ScanImage { image } => scan_image;
        }
        _ => dispatch_pay(wallet, name, args).await
    }
}

/// The same for the commands around paying.
async fn dispatch_pay(wallet: &Wallet, name: &str, args: Value) -> Result<Value, Problem> {
    route! {
        wallet, name, args, pay,
        {
            PaymentMethods {} => payment_methods;
            ChooseMethod { method } => choose_method;
            PostponeUntil { request_id, until_ms } => postpone_until;
            BringBack { request_id } => bring_back;
            RequestOfReceipt { attempt_id } => request_of_receipt;
        }
        _ => dispatch_shells(wallet, name, args).await
    }
}

/// The same for the commands about what surrounds the wallet.
async fn dispatch_shells(wallet: &Wallet, name: &str, args: Value) -> Result<Value, Problem> {
    route! {
        wallet, name, args, shell,
        {
            Abilities {} => abilities;
            ScanCamera {} => scan_camera;
            ScanCameraStop {} => scan_camera_stop;
            Haptic { touch } => haptic;
            ScreenHolds { holds } => screen_holds;
            NoticeExample {} => notice_example;
        }
        _ => dispatch_keep(wallet, name, args).await
    }
}

/// The same for the commands about what a person keeps.
async fn dispatch_keep(wallet: &Wallet, name: &str, args: Value) -> Result<Value, Problem> {
    route! {
        wallet, name, args, keep,
        {
            Devices {} => devices;
            DeviceRename { device_id, name } => device_rename;
            DeviceRemove { device_id } => device_remove;
            FormerDismiss { identifier } => former_dismiss;
            Accepted {} => accepted;
            SenderBlock { merchant_id } => sender_block;
            Trust {} => trust;
            ReaderDiagnosis {} => reader_diagnosis;
            Diagnosis {} => diagnosis;
            BackupStatus {} => backup_state;
            BackupMake { passphrase, path } => backup_make;
            BackupRestore { passphrase, path } => backup_restore;
            ExportAll { path } => export_all;
            ClearEnded {} => clear_ended;
            Licences {} => licences;
            LicenceText { name, version } => licence_text;
        }
        _ => dispatch_history(wallet, name, args).await
    }
}

/// The same for the commands of the history.
async fn dispatch_history(wallet: &Wallet, name: &str, args: Value) -> Result<Value, Problem> {
    route! {
        wallet, name, args, history,
        {
            History { query } => history;
            HistoryLines { query, from, count } => history_lines;
            HistoryChoices {} => history_choices;
            HistoryExport { query, format, language, path } => history_export;
            ReceiptExport { attempt_id, format, language, path } => receipt_export;
            CheckReceipt { given } => check_receipt;
        }
        _ => dispatch_locks(wallet, name, args).await
    }
}

/// The same for the commands of the lock and the first run.
async fn dispatch_locks(wallet: &Wallet, name: &str, args: Value) -> Result<Value, Problem> {
    route! {
        wallet, name, args, lock,
        {
            Lock {} => lock;
            LockNow {} => lock_now;
            Presence { sign } => presence;
            StartAnew { word } => start_anew;
            Introduced {} => introduced;
        }
        _ => dispatch_passphrases(wallet, name, args).await
    }
}

/// The same for the commands that carry a passphrase.
async fn dispatch_passphrases(wallet: &Wallet, name: &str, args: Value) -> Result<Value, Problem> {
    route! {
        wallet, name, args, passphrase,
        {
            Unlock { passphrase } => unlock;
            LockTurnOn { passphrase } => lock_turn_on;
            LockChange { present, passphrase } => lock_change;
            LockTurnOff { present } => lock_turn_off;
        }
        _ => dispatch_means(wallet, name, args).await
    }
}

/// The same for the commands that pay without a card.
async fn dispatch_means(wallet: &Wallet, name: &str, args: Value) -> Result<Value, Problem> {
    route! {
        wallet, name, args, means,
        {
            VoucherBanks {} => voucher_banks;
            VoucherPay { request_id, bank_id, number, code } => voucher_pay;
            CodeBegin { request_id, identity_code, password } => code_begin;
            CodeEntry { request_id } => code_entry;
            CodeSend { terminal, account, address } => code_send;
            CodeConfirm { code } => code_confirm_address;
            CodePay { code } => code_pay;
            CodeStop {} => code_stop;
            CodeForget {} => code_forget;
            CodeTerminals {} => code_terminals;
        }
        _ => dispatch_carrier(wallet, name, args).await
    }
}

/// The same for the commands about phone bills.
async fn dispatch_carrier(wallet: &Wallet, name: &str, args: Value) -> Result<Value, Problem> {
    route! {
        wallet, name, args, carrier,
        {
            Operators {} => operators;
            PhoneBills {} => bill_views;
            BillAsk { operator, number, name, typed } => bill_ask;
            BillEntry {} => bill_entry;
            BillAgain {} => bill_again;
            BillEnrol { code } => bill_enrol;
            BillStop {} => bill_stop;
            BillForget { operator, number } => bill_forget;
            BillPay { request_id, operator, number } => bill_pay;
            BillFind { confirmation } => bill_find;
        }
        _ => dispatch_alias(wallet, name, args).await
    }
}

/// The same for the commands around an alias.
async fn dispatch_alias(wallet: &Wallet, name: &str, args: Value) -> Result<Value, Problem> {
    route! {
        wallet, name, args, alias,
        {
            AliasPay { request_id, vault_id, name, password, code, place } => alias_pay;
            AliasState {} => alias_state;
            AliasBegin { vault_id, name, password } => alias_begin;
            AliasReadCard { label, limit, reader } => alias_read_card;
            AliasFactor {} => alias_factor;
            AliasEnrol { code } => alias_enrol_read;
            AliasSignIn { vault_id, name, password, code } => alias_sign_in;
            AliasChange { deed, code } => alias_change;
            AliasExport { path } => alias_export;
            AliasRemember { is_remembered } => alias_remember;
            AliasLeave {} => alias_leave;
        }
        _ => dispatch_vouchers(wallet, name, args).await
    }
}

/// The same for the commands about a merchant's own vouchers.
async fn dispatch_vouchers(wallet: &Wallet, name: &str, args: Value) -> Result<Value, Problem> {
    route! {
        wallet, name, args, vouchers,
        {
            VoucherBatches {} => voucher_batches;
            VoucherBankKey { file } => voucher_bank_key;
            VoucherBatchMake { batch, lots, large_from, bank_key } => voucher_batch_make;
            VoucherBatchSave { batch, path } => voucher_batch_save;
            VoucherCheck { number, code } => voucher_check;
            VoucherReconcile { batch, file } => voucher_reconcile;
        }
        _ => Err(Problem::new(ErrorCode::InvalidInput).with_detail("there is no such command"))
    }
}

/// A command's arguments; none at all stand for an empty object.
fn arguments<C: Command>(args: Value) -> Result<C, Problem> {
    let args = if args.is_null() { Value::Object(serde_json::Map::new()) } else { args };
    serde_json::from_value(args).map_err(|error| Problem::new(ErrorCode::InvalidInput).with_detail(error.to_string()))
}

fn answer<T: serde::Serialize>(answer: &T) -> Result<Value, Problem> {
    serde_json::to_value(answer).map_err(|_| Problem::new(ErrorCode::Internal))
}

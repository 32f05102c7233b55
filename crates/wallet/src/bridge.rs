//! The commands by name, with JSON in and out: what a window's bridge calls.

use protocol::ipc::{self, Command};
use protocol::{ErrorCode, Problem};
use serde_json::Value;

use crate::wallet::Wallet;

/// Does one command. `args` is the command's JSON object; the answer is its answer's JSON.
///
/// # Errors
/// [`ErrorCode::InvalidInput`] for an unknown command or arguments that do not fit; else the command's own.
pub async fn dispatch(wallet: &Wallet, name: &str, args: Value) -> Result<Value, Problem> {
    macro_rules! route {
        ($($command:ident { $($field:ident),* } => $method:ident;)*) => {
            match name {
                $(<ipc::$command as Command>::NAME => {
                    let ipc::$command { $($field),* } = arguments(args)?;
                    answer(&wallet.$method($($field),*).await?)
                })*
                _ => Err(Problem::new(ErrorCode::InvalidInput).with_detail("there is no such command")),
            }
        };
    }
    route! {
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
        Receipts {} => receipts;
        ShowReceipt { attempt_id } => show_receipt;
        VerifyReceipt { receipt } => verify_receipt;
        ClaimStart { identifier } => claim_start;
        ClaimConfirm { identifier, code } => claim_confirm;
        SaveSettings { settings } => save_settings;
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

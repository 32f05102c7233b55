//! What a payer reads on its terminal: the code first, then what it pays, so that a changed page is noticed here.

use payment::Order;

/// How many characters of a payee's name are told: a long one must not push the rest out of sight.
const PAYEE_CHARACTERS_MAX: usize = 40;

/// The code that pays.
pub(super) fn paying(code: &str, order: &Order, language: &str) -> String {
    let (payee, amount) = (payee(order), order.amount);
    if language.starts_with("zh") {
        format!("验证码 {code}：向「{payee}」支付 {amount}，5 分钟内有效。切勿告诉他人。")
    } else {
        format!("Code {code} pays {amount} to {payee}. Valid for 5 minutes. Tell it to nobody.")
    }
}

/// The code that lets the code that pays go to another terminal.
pub(super) fn confirming(code: &str, order: &Order, masked: &str, language: &str) -> String {
    let (payee, amount) = (payee(order), order.amount);
    if language.starts_with("zh") {
        format!("验证码 {code}：允许将「{payee}」{amount} 的支付验证码发往 {masked}。非本人操作请勿输入。")
    } else {
        format!("Code {code} sends the code for {amount} to {payee} to {masked}. Not you? Do not type it.")
    }
}

fn payee(order: &Order) -> String {
    order.payee_name.chars().take(PAYEE_CHARACTERS_MAX).collect()
}

//! What comes with the codes of a change: the code first, then what it allows, so that a changed page is noticed here.

use payment::Amount;

use super::Deed;
use crate::bank_front::binding::TerminalKind;

/// The longest account that is named, in characters: a long one must not push the rest out of sight.
const ACCOUNT_CHARACTERS_MAX: usize = 30;

/// The code that allows a change. Limits are told in the currency of the accounts.
pub(super) fn confirming(code: &str, deed: &Deed, currency: payment::Currency, language: &str) -> String {
    let is_chinese = language.starts_with("zh");
    let what = if is_chinese { in_chinese(deed, currency) } else { in_english(deed, currency) };
    if is_chinese {
        format!("验证码 {code}：{what}。非本人操作请勿输入，切勿告诉他人。")
    } else {
        format!("Code {code} allows this: {what}. Not you? Tell it to nobody.")
    }
}

/// The code that shows that a terminal is in its owner's hand.
pub(super) fn registering(code: &str, kind: TerminalKind, language: &str) -> String {
    match (language.starts_with("zh"), kind) {
        (true, TerminalKind::Mail) => {
            format!("验证码 {code}：将此邮箱登记为接收支付验证码的终端。非本人操作请勿输入。")
        }
        (true, _) => format!("验证码 {code}：将此手机登记为接收支付验证码的终端。非本人操作请勿输入。"),
        (false, _) => format!("Code {code} registers this terminal for payment codes. Not you? Tell it to nobody."),
    }
}

/// The code that signs somebody in.
pub(in crate::bank_front) fn signing_in(code: &str, language: &str) -> String {
    if language.starts_with("zh") {
        format!("验证码 {code}：登录银行网页，5 分钟内有效。切勿告诉他人。")
    } else {
        format!("Code {code} signs you in to your bank's page. Valid for 5 minutes. Tell it to nobody.")
    }
}

/// The code that activates access to the bank's page.
pub(in crate::bank_front) fn activating(code: &str, language: &str) -> String {
    if language.starts_with("zh") {
        format!("激活码 {code}：开通银行网页，24 小时内有效。切勿告诉他人。")
    } else {
        format!("Code {code} activates your access to your bank's page. Valid for 24 hours. Tell it to nobody.")
    }
}

fn in_english(deed: &Deed, currency: payment::Currency) -> String {
    match deed {
        Deed::Open { .. } => "paying by code".to_owned(),
        Deed::AddAccount(account) => format!("paying by code from {} too", short(account.as_str())),
        Deed::AddTerminal(address) => format!("payment codes go to {} too", address.masked()),
        Deed::RemoveTerminal(place) => format!("no more codes to terminal {place}"),
        Deed::Limits { payment_minor, day_minor } => {
            let [payment, day] = [*payment_minor, *day_minor].map(|minor| Amount::new(minor, currency));
            format!("by code up to {payment} at once, {day} a day")
        }
        Deed::Password(_) => "another payment password".to_owned(),
        Deed::Unlock => "paying by code is unlocked".to_owned(),
        Deed::End => "paying by code ends".to_owned(),
    }
}

fn in_chinese(deed: &Deed, currency: payment::Currency) -> String {
    match deed {
        Deed::Open { .. } => "开通验证码支付".to_owned(),
        Deed::AddAccount(account) => format!("添加付款账户 {}", short(account.as_str())),
        Deed::AddTerminal(address) => format!("添加接收终端 {}", address.masked()),
        Deed::RemoveTerminal(place) => format!("移除第 {place} 个接收终端"),
        Deed::Limits { payment_minor, day_minor } => {
            let [payment, day] = [*payment_minor, *day_minor].map(|minor| Amount::new(minor, currency));
            format!("限额改为单笔 {payment}、每日 {day}")
        }
        Deed::Password(_) => "更改支付密码".to_owned(),
        Deed::Unlock => "解锁验证码支付".to_owned(),
        Deed::End => "关闭验证码支付".to_owned(),
    }
}

/// An account without the kind in front.
fn short(account: &str) -> String {
    let name = account.split_once(':').map_or(account, |(_, name)| name);
    name.chars().take(ACCOUNT_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank_front::account::AccountId;
    use crate::bank_front::binding::Address;
    use crate::password::PasswordVerifier;

    #[test]
    fn a_code_and_what_it_allows_fit_a_text_message() {
        let usd = "USD".parse().unwrap();
        let deeds = [
            Deed::AddAccount(AccountId::named("visa-0050")),
            Deed::AddTerminal(Address::parse("+12025550143").unwrap()),
            Deed::RemoveTerminal(12),
            Deed::Limits { payment_minor: 5_000_000, day_minor: 8_000_000 },
            Deed::Password(PasswordVerifier::of_nobody()),
            Deed::Unlock,
            Deed::End,
        ];
        let mut texts: Vec<(String, String)> = deeds
            .iter()
            .map(|deed| (confirming("123456", deed, usd, "en"), confirming("123456", deed, usd, "zh-Hans")))
            .collect();
        for kind in [TerminalKind::Sms, TerminalKind::Mail] {
            texts.push((registering("123456", kind, "en"), registering("123456", kind, "zh-Hans")));
        }
        texts.push((signing_in("123456", "en"), signing_in("123456", "zh-Hans")));
        texts.push((activating("12345678", "en"), activating("12345678", "zh-Hans")));
        for (english, chinese) in texts {
            // The dots of a masked number are no letters of the GSM alphabet: such a text is sent in UCS-2, in parts.
            assert!(english.chars().count() <= 134, "{english}");
            assert!(chinese.encode_utf16().count() <= 70, "{chinese}");
        }
    }
}

//! What people are told by mail and SMS, in English and Simplified Chinese.
//!
//! **Invariant:** no text of a merchant's and no amount stands in a message, only the payee's verified name and the link: a
//! stranger cannot write to payers through us, and who carries the message does not learn what it asks for.

use protocol::merchant_api::PayerIdentifier;

/// What a message says.
pub(super) enum Message<'a> {
    /// Somebody asks to be paid.
    Request {
        /// The payee's verified name.
        payee: &'a str,
        /// Link for a browser.
        link: &'a str,
        /// Link for the wallet.
        deep_link: &'a str,
        /// Whether it was said before.
        again: bool,
    },
    /// A device claims the address.
    Claim {
        /// Six digits.
        code: &'a str,
    },
}

/// The language for somebody of whom no device is known: by the number's country, else by the merchant's.
pub(super) fn language_for(identifier: &PayerIdentifier, merchant_country: &str) -> &'static str {
    let chinese = match identifier {
        PayerIdentifier::Phone(number) => number.starts_with("+86"),
        PayerIdentifier::Email(_) | PayerIdentifier::PaymentNumber(_) | PayerIdentifier::Counter(_) => {
            merchant_country == "CN"
        }
    };
    if chinese { "zh-Hans" } else { "en" }
}

fn is_chinese(language: &str) -> bool {
    language == "zh" || language.starts_with("zh-")
}

impl Message<'_> {
    /// Subject and text of a mail.
    pub(super) fn mail(&self, language: &str) -> (String, String) {
        match (self, is_chinese(language)) {
            (Self::Request { payee, link, deep_link, again }, false) => (
                format!("{}Payment request from {payee}", if *again { "Reminder: " } else { "" }),
                format!(
                    "{payee} {} you for a payment.\n\nOpen it in the Tapseal wallet:\n{deep_link}\n\nOr copy this \
                     address into the wallet:\n{link}\n\nOpening a link pays nothing. Pay only what you expect.\n",
                    if *again { "still asks" } else { "asks" }
                ),
            ),
            (Self::Request { payee, link, deep_link, again }, true) => (
                format!("{}{payee} 的付款请求", if *again { "提醒：" } else { "" }),
                format!(
                    "{payee} {}请您付款。\n\n在 Tapseal 钱包中打开：\n{deep_link}\n\n或将此地址复制到钱包中：\n{link}\n\n\
                     打开链接不会付款。请只支付您预期的款项。\n",
                    if *again { "仍" } else { "" }
                ),
            ),
            (Self::Claim { code }, false) => (
                "Your Tapseal code".to_owned(),
                format!(
                    "{code}\n\nType this code into the wallet that asked for it, within ten minutes. Tell it to nobody.\n"
                ),
            ),
            (Self::Claim { code }, true) => (
                "您的 Tapseal 验证码".to_owned(),
                format!("{code}\n\n请在十分钟内将此验证码输入请求它的钱包。不要告诉任何人。\n"),
            ),
        }
    }

    /// The text of a text message: one part where the payee's name lets it.
    pub(super) fn sms(&self, language: &str) -> String {
        match (self, is_chinese(language)) {
            (Self::Request { payee, link, again, .. }, false) => {
                format!("{payee} {} you for a payment: {link}", if *again { "still asks" } else { "asks" })
            }
            (Self::Request { payee, link, again, .. }, true) => {
                format!("{payee} {}请您付款：{link}", if *again { "仍" } else { "" })
            }
            (Self::Claim { code }, false) => format!("Tapseal code: {code}. Valid for ten minutes. Tell it to nobody."),
            (Self::Claim { code }, true) => format!("Tapseal 验证码：{code}，十分钟内有效。不要告诉任何人。"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_numbers_or_the_merchants() {
        let phone = |number: &str| PayerIdentifier::Phone(number.to_owned());
        assert_eq!(language_for(&phone("+8613800138000"), "US"), "zh-Hans");
        assert_eq!(language_for(&phone("+12025550100"), "CN"), "en");
        let email = PayerIdentifier::Email("ann@example.org".to_owned());
        assert_eq!(language_for(&email, "CN"), "zh-Hans");
        assert_eq!(language_for(&email, "US"), "en");
    }

    #[test]
    fn a_code_fits_one_part_in_both_languages() {
        let message = Message::Claim { code: "123456" };
        assert!(message.sms("en").len() <= 160 && message.sms("en").is_ascii());
        assert!(message.sms("zh-Hans").encode_utf16().count() <= 70);
    }

    #[test]
    fn a_request_in_english_fits_one_part_with_an_ordinary_name() {
        // A token of 16 bytes and a key of 32, base64url.
        let link = format!("https://pay.example.com/r/{}#{}", "t".repeat(22), "k".repeat(43));
        let message = Message::Request { payee: "Blue Door Coffee", link: &link, deep_link: "", again: true };
        assert!(message.sms("en").len() <= 160, "{}", message.sms("en").len());
    }
}

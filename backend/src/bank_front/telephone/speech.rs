//! What the menu says, as text for a voice: numbers digit by digit, money in words that a voice reads right.

use payment::Amount;
use zeroize::Zeroizing;

use super::menu::{Call, Errand, Language, Menu, Refusal, Remark, Told};

/// What the caller hears: a remark on what was, and the question that the call stands at. It may hold codes.
pub(super) fn speech(call: &Call, remark: &Remark) -> Zeroizing<String> {
    let (first, then) = (remarked(remark, call.language), asked(call));
    let between = if first.is_empty() || then.is_empty() { "" } else { " " };
    Zeroizing::new([first.as_str(), between, then.as_str()].concat())
}

/// Digits one by one: a pause between them, and a longer one after each group of four.
fn spelled(digits: &str, language: Language) -> Zeroizing<String> {
    let (pause, long) = match language {
        Language::English => (" ", ", "),
        Language::Chinese => (" ", "，"),
    };
    let mut text = Zeroizing::new(String::with_capacity(digits.len() * 4));
    for (place, digit) in digits.chars().filter(char::is_ascii_digit).enumerate() {
        if place > 0 {
            text.push_str(if place % payment::voucher::GROUP_DIGITS == 0 { long } else { pause });
        }
        text.push(digit);
    }
    text
}

/// An amount: its currency in words where it is a common one, else its three letters.
fn money(amount: Amount, language: Language) -> String {
    let decimal = amount.to_decimal();
    let code = amount.currency().code();
    let word = match (language, code) {
        (Language::English, "USD") => "US dollars",
        (Language::English, "EUR") => "euros",
        (Language::English, "CNY") => "yuan",
        (Language::Chinese, "USD") => "美元",
        (Language::Chinese, "EUR") => "欧元",
        (Language::Chinese, "CNY") => "元",
        _ => return format!("{decimal} {}", code.chars().map(String::from).collect::<Vec<_>>().join(" ")),
    };
    format!("{decimal} {word}")
}

fn remarked(remark: &Remark, language: Language) -> String {
    let english = language == Language::English;
    let text = match remark {
        Remark::Nothing => "",
        Remark::NotUnderstood if english => "That was not understood. Please try again.",
        Remark::NotUnderstood => "输入有误，请重试。",
        Remark::TooManyMistakes if english => "There were too many wrong entries. No money moved. Goodbye.",
        Remark::TooManyMistakes => "错误次数过多，未发生扣款。再见。",
        Remark::Balance(amount) => {
            let amount = money(*amount, language);
            return if english {
                format!("{amount} is on the voucher.")
            } else {
                format!("预付凭证余额为 {amount}。")
            };
        }
        Remark::Refused(refusal) => refused(*refusal, language),
    };
    text.to_owned()
}

const fn refused(refusal: Refusal, language: Language) -> &'static str {
    match (refusal, language) {
        (Refusal::NotLetIn, Language::English) => {
            "Identity code and PIN do not belong together, or buying by telephone is locked. No money moved. Your bank's \
             counter helps."
        }
        (Refusal::NotLetIn, Language::Chinese) => {
            "身份码与电话密码不符，或电话购买已锁定。未发生扣款，请联系银行柜台。"
        }
        (Refusal::NothingOffered, Language::English) => "There are no vouchers with these digits. No money moved.",
        (Refusal::NothingOffered, Language::Chinese) => "没有该批次的预付凭证，未发生扣款。",
        (Refusal::Limit, Language::English) => "That is above your limit. No money moved.",
        (Refusal::Limit, Language::Chinese) => "超出您的限额，未发生扣款。",
        (Refusal::NotEnough, Language::English) => "Your account does not hold enough. No money moved.",
        (Refusal::NotEnough, Language::Chinese) => "账户余额不足，未发生扣款。",
        (Refusal::WrongCode, Language::English) => {
            "Number and code do not belong together. After three wrong codes a voucher is locked."
        }
        (Refusal::WrongCode, Language::Chinese) => "预付凭证号码与支付密码不符。连续三次输错将被锁定。",
        (Refusal::Locked, Language::English) => "This voucher is locked. Its backup code opens it, at your bank.",
        (Refusal::Locked, Language::Chinese) => "该预付凭证已锁定，请凭备用密码到银行解锁。",
        (Refusal::BankLocked, Language::English) => {
            "This voucher is locked. Your bank's counter opens it, with your identity document."
        }
        (Refusal::BankLocked, Language::Chinese) => "该预付凭证已锁定，请携带身份证件到银行柜台解锁。",
        (Refusal::Ended, Language::English) => "This voucher has ended.",
        (Refusal::Ended, Language::Chinese) => "该预付凭证已终止。",
        (Refusal::Unavailable, Language::English) => {
            "Your bank cannot do this now. If you were buying, ask your bank before you try again. "
        }
        (Refusal::Unavailable, Language::Chinese) => "银行暂时无法办理。如正在购买，请先向银行查询再重试。",
    }
}

/// The question that a call stands at.
fn asked(call: &Call) -> Zeroizing<String> {
    let language = call.language;
    let english = language == Language::English;
    let text = match &call.menu {
        Menu::Main if english => {
            "To buy a voucher, press 1. To hear what is on a voucher, press 2. To change a voucher's code, press 3. For \
             Chinese, press 9."
        }
        Menu::Main => "购买预付凭证请按 1。查询余额请按 2。更改支付密码请按 3。For English, press 9。",
        Menu::Identity if english => "Enter the twelve digits of your identity code.",
        Menu::Identity => "请输入十二位身份码。",
        Menu::Pin(_) if english => "Enter your six digit telephone PIN.",
        Menu::Pin(_) => "请输入六位电话密码。",
        Menu::Batch(_) if english => "Enter the six digits of the voucher you want. The merchant shows them.",
        Menu::Batch(_) => "请输入所购预付凭证的六位批次号，由商户公布。",
        Menu::Number(Errand::Balance | Errand::ChangeCode) if english => {
            "Enter the sixteen digits of the voucher's number."
        }
        Menu::Number(Errand::Balance | Errand::ChangeCode) => "请输入十六位预付凭证号码。",
        Menu::Code(..) if english => "Enter the ten digits of its code.",
        Menu::Code(..) => "请输入十位支付密码。",
        Menu::LettingIn | Menu::LookingUp(_) | Menu::Buying | Menu::Asking | Menu::Over => "",
        Menu::Amount(_, offer) => {
            let choice = |(place, amount): (usize, &Amount)| {
                let (key, amount) = (place + 1, money(*amount, language));
                if english { format!("For {amount}, press {key}.") } else { format!("{amount}请按 {key}。") }
            };
            return Zeroizing::new(offer.amounts.iter().enumerate().map(choice).collect::<Vec<_>>().join(" "));
        }
        Menu::Confirm(_, offer, amount) => {
            let (payee, amount) = (&offer.payee, money(*amount, language));
            return Zeroizing::new(if english {
                format!(
                    "{amount} will be taken from your account for a voucher that is good at {payee}. To buy it, press 1. To \
                     go back, press 2."
                )
            } else {
                format!("将从您的账户扣款 {amount}，购买可在{payee}使用的预付凭证。确认购买请按 1，返回请按 2。")
            });
        }
        Menu::Told(told) => return heard(told, language),
    };
    Zeroizing::new(text.to_owned())
}

fn heard(told: &Told, language: Language) -> Zeroizing<String> {
    let english = language == Language::English;
    Zeroizing::new(match told {
        Told::Sold(number, codes) => {
            let number = spelled(number.as_str(), language);
            let (code, backup) = (codes.code.expose_grouped(), codes.backup.expose_grouped());
            let (code, backup) = (spelled(&code, language), spelled(&backup, language));
            let (number, code, backup) = (number.as_str(), code.as_str(), backup.as_str());
            if english {
                format!(
                    "Your voucher is bought. Its number is {number}. Its code is {code}. Its backup code is {backup}. To \
                     hear this again, press 1. For the menu, press 2. After this call nobody can tell you the codes again."
                )
            } else {
                format!(
                    "购买成功。预付凭证号码：{number}。支付密码：{code}。备用密码：{backup}。重听请按 1，返回菜单请按 2。\
                     通话结束后，密码将无法再次告知。"
                )
            }
        }
        Told::Changed(number, code) => {
            let last_four = spelled(number.last_four(), language);
            let code = spelled(&code.expose_grouped(), language);
            let (last_four, code) = (last_four.as_str(), code.as_str());
            if english {
                format!(
                    "The voucher ending in {last_four} has another code. It is {code}. To hear this again, press 1. For \
                     the menu, press 2."
                )
            } else {
                format!("尾号 {last_four} 的预付凭证已更改支付密码，新密码：{code}。重听请按 1，返回菜单请按 2。")
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_spoken_one_by_one() {
        assert_eq!(spelled("1234 5678 90", Language::English).as_str(), "1 2 3 4, 5 6 7 8, 9 0");
        assert_eq!(spelled("123456", Language::Chinese).as_str(), "1 2 3 4，5 6");
        let amount = |code: &str| Amount::new(5_000, code.parse().unwrap());
        assert_eq!(money(amount("USD"), Language::English), "50.00 US dollars");
        assert_eq!(money(amount("GBP"), Language::Chinese), "50.00 G B P");
    }
}

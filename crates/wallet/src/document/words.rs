//! What a document says, in its reader's language.

use jiff::tz::TimeZone;
use payment::Amount;
use protocol::ipc::Language;

use crate::history::calendar;
use crate::history::entry::grouped;

/// The names of the card schemes, and of other ways to pay: code, English, Chinese.
const SCHEMES: [(&str, &str, &str); 17] = [
    ("visa", "Visa", "Visa"),
    ("mastercard", "Mastercard", "万事达卡"),
    ("amex", "American Express", "美国运通"),
    ("unionpay", "UnionPay", "银联"),
    ("discover", "Discover", "Discover"),
    ("diners", "Diners Club", "大来卡"),
    ("jcb", "JCB", "JCB"),
    ("interac", "Interac", "Interac"),
    ("cb", "Cartes Bancaires", "Cartes Bancaires"),
    ("eftpos", "eftpos", "eftpos"),
    ("girocard", "girocard", "girocard"),
    ("rupay", "RuPay", "RuPay"),
    ("stripe", "Magnetic stripe", "磁条"),
    ("alias", "Username", "用户名"),
    ("code", "Code", "验证码"),
    ("voucher", "Voucher", "预付凭证"),
    ("phone bill", "Phone bill", "话费账单"),
];

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $english:literal, $chinese:literal;)*) => {
        impl Words {
            $($(#[$doc])* pub const fn $name(self) -> &'static str {
                match self { Self::English => $english, Self::Chinese => $chinese }
            })*
        }
    };
}

/// The language of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// English.
    English,
    /// Simplified Chinese.
    Chinese,
}

words! {
    /// What a receipt is called.
    receipt = "Receipt", "收据";
    /// What a list is called.
    payments = "Payments", "付款记录";
    /// Paid.
    paid = "Paid", "已付";
    /// The merchant's reference.
    order = "Order", "订单";
    /// What was paid with.
    card = "Card", "卡片";
    /// The bank.
    bank = "Bank", "银行";
    /// The telephone operator, of a phone bill.
    operator = "Operator", "运营商";
    /// Its approval.
    approval = "Approval", "授权号";
    /// Its reference.
    reference = "Bank reference", "银行参考号";
    /// The attempt.
    attempt = "Payment", "付款编号";
    /// Given back.
    refunded = "Given back", "已退";
    /// Paid and not given back.
    left = "Left", "实付";
    /// A day.
    date = "Date", "日期";
    /// Whom.
    payee = "Payee", "收款方";
    /// How much.
    amount = "Amount", "金额";
    /// All of it.
    total = "Total", "合计";
    /// The merchant's seal.
    merchant_seal = "The shop's signature verifies", "商家签名已验证";
    /// The bank's seal.
    bank_seal = "The bank's signature verifies", "银行签名已验证";
    /// Under which root.
    operator_root = "Vouched for by the operator's root", "由运营方根密钥担保";
    /// Under which root.
    bank_root = "Vouched for by the bank's root", "由银行根密钥担保";
    /// What the code is.
    code = "Scan in Tapseal to check the bank's signature.", "用 Tapseal 扫码，即可核验银行签名。";
    /// What is attached.
    attached = "The receipt itself is attached to this document. Choose the document in Tapseal, under \"Check a receipt\", to check both signatures without a network.",
        "本文件附有收据原件。在 Tapseal 的“核验收据”中选择本文件，无需联网即可核验两个签名。";
    /// What a list is not.
    list_note = "A list for your own records. Each payment has a receipt that anyone can check.",
        "本清单供自行留存。每笔付款都有一张任何人都能核验的收据。";
    /// Its tag.
    tag = "en", "zh-Hans";
}

impl Words {
    /// The language that was asked for, or this system's.
    pub fn of(language: Language) -> Self {
        match language {
            Language::English => Self::English,
            Language::Chinese => Self::Chinese,
            Language::System => {
                let named = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(|name| std::env::var(name).ok());
                let first = named.into_iter().find(|value| !value.is_empty());
                if first.is_some_and(|value| value.starts_with("zh")) { Self::Chinese } else { Self::English }
            }
        }
    }

    /// An amount, its currency by code: a document may be read anywhere.
    pub fn money(amount: Amount) -> String {
        format!("{} {}", amount.currency(), grouped(&amount.to_decimal()))
    }

    /// What was paid with.
    pub fn method(self, card_label: &str) -> String {
        // A username shows no digit of its card.
        let (code, digits) = card_label.rsplit_once(' ').unwrap_or((card_label, ""));
        let known = SCHEMES.iter().find(|(known, ..)| *known == code);
        let name = known.map_or(code, |(_, english, chinese)| match self {
            Self::English => *english,
            Self::Chinese => *chinese,
        });
        format!("{name} {digits}").trim_end().to_owned()
    }

    /// A moment, with its distance from UTC.
    pub fn moment(self, time_ms: u64, zone: &TimeZone) -> String {
        let format = match self {
            Self::English => "%-d %B %Y, %H:%M (UTC%:z)",
            Self::Chinese => "%Y年%-m月%-d日 %H:%M (UTC%:z)",
        };
        calendar::written(time_ms, zone, format)
    }

    /// A day.
    pub fn day(self, time_ms: u64, zone: &TimeZone) -> String {
        let format = match self {
            Self::English => "%-d %b %Y",
            Self::Chinese => "%Y年%-m月%-d日",
        };
        calendar::written(time_ms, zone, format)
    }

    /// A month.
    pub fn month(self, time_ms: u64, zone: &TimeZone) -> String {
        let format = match self {
            Self::English => "%B %Y",
            Self::Chinese => "%Y年%-m月",
        };
        calendar::written(time_ms, zone, format)
    }

    /// How many payments.
    pub fn count(self, count: u32) -> String {
        match self {
            Self::English if count == 1 => "1 payment".to_owned(),
            Self::English => format!("{count} payments"),
            Self::Chinese => format!("{count} 笔付款"),
        }
    }

    /// Which page of how many.
    pub fn page(self, page: usize, pages: usize) -> String {
        match self {
            Self::English => format!("Page {page} of {pages}"),
            Self::Chinese => format!("第 {page} 页，共 {pages} 页"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_speaks_its_readers_language() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let time_ms = 1_795_320_240_000;
        assert_eq!(Words::English.moment(time_ms, &zone), "22 November 2026, 12:04 (UTC+08:00)");
        assert_eq!(Words::Chinese.moment(time_ms, &zone), "2026年11月22日 12:04 (UTC+08:00)");
        assert_eq!(Words::Chinese.method("unionpay ••0050"), "银联 ••0050");
        assert_eq!(Words::English.method("••0050"), "••0050");
        assert_eq!(Words::money(Amount::new(128_000, "USD".parse().unwrap())), "USD 1,280.00");
        assert_eq!(Words::English.count(1), "1 payment");
    }
}

//! What the history keeps of a receipt: its line in the list, and what it is found by.

use jiff::tz::TimeZone;
use payment::{Amount, AttemptId, MerchantId, RequestId};

use super::{calendar, terms};
use crate::receipt::VerifiedReceipt;

/// How many digits stand between two separators of a large number.
const GROUP: usize = 3;
/// What a scheme is called besides its code, for whoever searches by it.
const SCHEME_WORDS: [(&str, &str); 6] = [
    ("unionpay", "银联 union pay"),
    ("mastercard", "万事达"),
    ("amex", "american express 美国运通 运通"),
    ("diners", "diners club 大来"),
    ("stripe", "magnetic stripe 磁条"),
    ("alias", "username 用户名"),
];

/// A receipt's entry. It is made of a receipt that verified, and of nothing else.
#[derive(Clone, Debug)]
pub struct HistoryEntry {
    /// The attempt it proves.
    pub attempt_id: AttemptId,
    /// The request.
    pub request_id: RequestId,
    /// When the bank decided.
    pub decided_ms: u64,
    /// The month, as [`calendar::month_number`] counts.
    pub month: i64,
    /// How much.
    pub amount: Amount,
    /// The merchant.
    pub merchant_id: MerchantId,
    /// Its name.
    pub payee: String,
    /// The merchant's own reference.
    pub order_number: String,
    /// Scheme and last four digits.
    pub card_label: String,
    /// What it is found by, folded.
    pub text: String,
}

impl HistoryEntry {
    /// The entry of a receipt, dated where this device is.
    pub fn of(receipt: &VerifiedReceipt, zone: &TimeZone) -> Self {
        let (order, outcome) = (receipt.order(), receipt.outcome());
        let mut words = vec![order.payee_name.clone(), order.order_number.clone(), outcome.card_label.clone()];
        words.extend(order.items.iter().map(|item| item.name.clone()));
        words.extend(scheme_words(&outcome.card_label).map(str::to_owned));
        words.extend(amount_words(outcome.amount));
        words.extend(date_words(outcome.decided_ms, zone));
        Self {
            attempt_id: outcome.attempt_id,
            request_id: outcome.request_id,
            decided_ms: outcome.decided_ms,
            month: calendar::month_number(outcome.decided_ms, zone),
            amount: outcome.amount,
            merchant_id: outcome.merchant_id.clone(),
            payee: order.payee_name.clone(),
            order_number: order.order_number.clone(),
            card_label: outcome.card_label.clone(),
            text: terms::fold(&words.join("\n")),
        }
    }
}

fn scheme_words(card_label: &str) -> Option<&'static str> {
    let scheme = card_label.split(' ').next()?;
    SCHEME_WORDS.iter().find(|(code, _)| *code == scheme).map(|(_, words)| *words)
}

/// A sum as people write it: with and without separators, and its currency.
fn amount_words(amount: Amount) -> Vec<String> {
    let plain = amount.to_decimal();
    let grouped = grouped(&plain);
    let mut words = vec![amount.currency().code().to_owned(), plain.clone()];
    if grouped != plain {
        words.push(grouped);
    }
    words
}

/// A decimal number with its thousands set apart.
pub fn grouped(decimal: &str) -> String {
    let (sign, digits) = decimal.strip_prefix('-').map_or(("", decimal), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let mut written = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(GROUP) {
            written.push(',');
        }
        written.push(digit);
    }
    if let Some(fraction) = fraction {
        written.push('.');
        written.push_str(fraction);
    }
    written
}

/// A day as people write it in both languages.
fn date_words(time_ms: u64, zone: &TimeZone) -> [String; 3] {
    ["%Y-%m-%d", "%-d %B %Y", "%Y年%-m月%-d日"].map(|format| calendar::written(time_ms, zone, format))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (plain, written) in [
            ("0.05", "0.05"),
            ("999", "999"),
            ("1000", "1,000"),
            ("-1234567.89", "-1,234,567.89"),
            ("12345.678", "12,345.678"),
        ] {
            assert_eq!(grouped(plain), written);
        }
    }

    #[test]
    fn a_day_is_found_in_both_languages() {
        let zone = TimeZone::get("Europe/London").unwrap();
        assert_eq!(date_words(1_795_348_800_000, &zone), ["2026-11-22", "22 November 2026", "2026年11月22日"]);
    }

    #[test]
    fn a_sum_is_found_as_it_is_written() {
        let amount = Amount::new(128_000, "CNY".parse().unwrap());
        assert_eq!(amount_words(amount), ["CNY", "1280.00", "1,280.00"]);
    }
}

//! Amounts that are typed as text, such as a price or a part to give back: read exactly, or not at all.

use payment::{AMOUNT_MINOR_MAX, Amount, Currency};

/// The amount a text names: digits with at most as many decimals as the currency has, after a point or a comma.
/// Grouping is not read: `1,234` is one and a bit in dinar, and nothing in dollars.
pub fn amount_of(text: &str, currency: Currency) -> Option<Amount> {
    let text = text.trim();
    let exponent = usize::from(currency.exponent());
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let has_point = whole.len() != text.len();
    if whole.is_empty() || !are_digits(whole) || !are_digits(fraction) || fraction.len() > exponent {
        return None;
    }
    if has_point && fraction.is_empty() {
        return None;
    }
    let minor: i64 = format!("{whole}{fraction:0<exponent$}").parse().ok()?;
    (minor > 0 && minor <= AMOUNT_MINOR_MAX).then(|| Amount::new(minor, currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minor(text: &str, currency: &str) -> Option<i64> {
        amount_of(text, currency.parse().unwrap()).map(Amount::minor)
    }

    #[test]
    fn decimals_are_read_exactly() {
        assert_eq!(minor("12.80", "USD"), Some(1280));
        assert_eq!(minor("12,8", "EUR"), Some(1280));
        assert_eq!(minor(" 12 ", "USD"), Some(1200));
        assert_eq!(minor("500", "JPY"), Some(500));
        assert_eq!(minor("1.234", "KWD"), Some(1234));
        assert_eq!(minor("0.01", "USD"), Some(1));
    }

    #[test]
    fn what_is_not_exactly_an_amount_is_refused() {
        for text in ["", "0", "0.00", "-1", "+1", "1.234", "1,234", "1.2.3", "1e3", "12.", ".5", "１２", "1 2"] {
            assert_eq!(minor(text, "USD"), None, "{text:?}");
        }
        assert_eq!(minor("1.0", "JPY"), None, "a yen has no parts");
        assert_eq!(minor("10000000000.00", "USD"), None, "more than an order may ask for");
        assert_eq!(minor("99999999999999999999", "USD"), None);
    }
}

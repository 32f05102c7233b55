//! Money: an integer number of minor units and its ISO 4217 currency, in one type.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The largest amount one order may ask for, in minor units: twelve digits, the width of ISO 8583 DE 4.
pub const AMOUNT_MINOR_MAX: i64 = 999_999_999_999;

/// Why two amounts cannot be combined, or a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// The two amounts are in different currencies.
    #[error("the currencies differ")]
    CurrencyMismatch,
    /// The result does not fit, or is outside what the use allows.
    #[error("the amount is out of range")]
    OutOfRange,
    /// The text is not a decimal number of the currency.
    #[error("not a decimal amount of this currency")]
    NotDecimal,
    /// The text is not an ISO 4217 alphabetic code, or has no minor unit.
    #[error("unknown currency")]
    UnknownCurrency,
}

/// An ISO 4217 currency that has a minor-unit exponent.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The alphabetic code, such as `USD` (ISO 4217).
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// The numeric code, such as 840: ISO 8583 DE 49 and EMV tag 5F2A.
    pub fn numeric(self) -> u16 {
        self.0.numeric()
    }

    /// How many decimal digits the minor unit stands for: 2 for USD, 0 for JPY, 3 for KWD.
    pub fn exponent(self) -> u8 {
        u8::try_from(self.0.exponent().unwrap_or(0)).unwrap_or(0)
    }

    /// The currency with this numeric code.
    pub fn from_numeric(numeric: u16) -> Result<Self, AmountError> {
        Self::with_exponent(iso_currency::Currency::from_numeric(numeric))
    }

    fn with_exponent(currency: Option<iso_currency::Currency>) -> Result<Self, AmountError> {
        match currency {
            Some(currency) if currency.exponent().is_some() => Ok(Self(currency)),
            Some(_) | None => Err(AmountError::UnknownCurrency),
        }
    }
}

impl FromStr for Currency {
    type Err = AmountError;

    fn from_str(code: &str) -> Result<Self, AmountError> {
        Self::with_exponent(iso_currency::Currency::from_code(code))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        code.parse().map_err(serde::de::Error::custom)
    }
}

/// An amount of money in minor units. Arithmetic is checked and never mixes currencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amount {
    minor: i64,
    currency: Currency,
}

impl Amount {
    /// An amount of `minor` minor units.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// The number of minor units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether a merchant may ask for it: above zero and at most [`AMOUNT_MINOR_MAX`].
    pub const fn is_payable(self) -> bool {
        self.minor > 0 && self.minor <= AMOUNT_MINOR_MAX
    }

    /// The sum of two amounts of one currency.
    pub fn checked_add(self, other: Self) -> Result<Self, AmountError> {
        self.require_same_currency(other)?;
        let minor = self.minor.checked_add(other.minor);
        minor.map(|minor| Self { minor, ..self }).ok_or(AmountError::OutOfRange)
    }

    /// The difference of two amounts of one currency.
    pub fn checked_sub(self, other: Self) -> Result<Self, AmountError> {
        self.require_same_currency(other)?;
        let minor = self.minor.checked_sub(other.minor);
        minor.map(|minor| Self { minor, ..self }).ok_or(AmountError::OutOfRange)
    }

    fn require_same_currency(self, other: Self) -> Result<(), AmountError> {
        if self.currency == other.currency { Ok(()) } else { Err(AmountError::CurrencyMismatch) }
    }

    /// The amount that plain decimal digits stand for, such as `12.80`; the inverse of [`Amount::to_decimal`]. There is
    /// no rounding: a fraction longer than the currency's is refused.
    pub fn from_decimal(text: &str, currency: Currency) -> Result<Self, AmountError> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let exponent = usize::from(currency.exponent());
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let has_point = digits.contains('.');
        if whole.is_empty() || fraction.len() > exponent || (has_point && fraction.is_empty()) {
            return Err(AmountError::NotDecimal);
        }
        if !all_digits(whole) || !all_digits(fraction) {
            return Err(AmountError::NotDecimal);
        }
        let minor: i64 = format!("{whole}{fraction:0<exponent$}").parse().map_err(|_| AmountError::OutOfRange)?;
        Ok(Self { minor: sign * minor, currency })
    }

    /// The amount as plain decimal digits without a currency sign, such as `12.80`, `500` or `1.234`.
    ///
    /// For machines and logs; people's screens format by locale.
    pub fn to_decimal(self) -> String {
        let exponent = usize::from(self.currency.exponent());
        let digits = format!("{:0>width$}", self.minor.unsigned_abs(), width = exponent + 1);
        let (whole, fraction) = digits.split_at(digits.len() - exponent);
        let sign = if self.minor < 0 { "-" } else { "" };
        if exponent == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.currency, self.to_decimal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(minor: i64, code: &str) -> Amount {
        Amount::new(minor, code.parse().unwrap())
    }

    #[test]
    fn decimals_follow_the_currency() {
        assert_eq!(amount(1280, "USD").to_decimal(), "12.80");
        assert_eq!(amount(5, "USD").to_decimal(), "0.05");
        assert_eq!(amount(-5, "EUR").to_decimal(), "-0.05");
        assert_eq!(amount(500, "JPY").to_decimal(), "500");
        assert_eq!(amount(1234, "KWD").to_decimal(), "1.234");
    }

    #[test]
    fn decimals_are_read_as_they_are_written() {
        let read = |text: &str, code: &str| Amount::from_decimal(text, code.parse().unwrap()).map(Amount::minor);
        assert_eq!(read("12.80", "USD"), Ok(1280));
        assert_eq!(read("12.8", "USD"), Ok(1280));
        assert_eq!(read("-0.05", "USD"), Ok(-5));
        assert_eq!(read("500", "JPY"), Ok(500));
        assert_eq!(read("1.234", "KWD"), Ok(1234));
        for bad in ["", "1.234", ".5", "5.", "1,20", "1e3", "+5", "--5", "1.-5"] {
            assert_eq!(read(bad, "USD"), Err(AmountError::NotDecimal), "{bad}");
        }
        assert_eq!(read("99999999999999999999", "USD"), Err(AmountError::OutOfRange));
    }

    #[test]
    fn arithmetic_is_checked() {
        let a = amount(i64::MAX, "USD");
        assert_eq!(a.checked_add(amount(1, "USD")), Err(AmountError::OutOfRange));
        assert_eq!(a.checked_add(amount(1, "EUR")), Err(AmountError::CurrencyMismatch));
        assert_eq!(amount(3, "USD").checked_sub(amount(5, "USD")), Ok(amount(-2, "USD")));
    }

    #[test]
    fn currencies_without_a_minor_unit_are_refused() {
        assert_eq!("XAU".parse::<Currency>(), Err(AmountError::UnknownCurrency));
        assert_eq!("usd".parse::<Currency>(), Err(AmountError::UnknownCurrency));
        assert_eq!(Currency::from_numeric(840).map(Currency::code), Ok("USD"));
    }

    #[test]
    fn what_a_merchant_may_ask() {
        assert!(!amount(0, "USD").is_payable());
        assert!(!amount(-1, "USD").is_payable());
        assert!(amount(AMOUNT_MINOR_MAX, "USD").is_payable());
        assert!(!amount(AMOUNT_MINOR_MAX + 1, "USD").is_payable());
    }
}

//! The ways to pay, by the names that orders, keysets and the API use.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A way to pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A username that stands for a card, which a vault keeps and releases to the bank.
    Alias,
    /// A payment card at a reader of the payer's.
    Card,
    /// A phone bill.
    Carrier,
    /// A code that comes by another channel than the page.
    Code,
    /// A prepaid voucher.
    Voucher,
}

impl Method {
    /// Every one, in the alphabetical order of their names: the order in which a list of them is written.
    pub const ALL: &'static [Self] = &[Self::Alias, Self::Card, Self::Carrier, Self::Code, Self::Voucher];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alias => "alias",
            Self::Card => "card",
            Self::Carrier => "carrier",
            Self::Code => "code",
            Self::Voucher => "voucher",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text names no way to pay, or no list of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ways to pay are named once each, in alphabetical order")]
pub struct MethodError;

impl FromStr for Method {
    type Err = MethodError;

    fn from_str(text: &str) -> Result<Self, MethodError> {
        Self::ALL.iter().copied().find(|method| method.as_str() == text).ok_or(MethodError)
    }
}

/// Some ways to pay. Written as a list there is one spelling of each set, and a list that is read has at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Methods(u8);

impl Methods {
    /// Every way there is.
    pub fn all() -> Self {
        Method::ALL.iter().copied().collect()
    }

    /// Those among these names that are known; the others are somebody newer's.
    pub fn known<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        names.into_iter().filter_map(|name| name.parse::<Method>().ok()).collect()
    }

    /// Whether this way is one of them.
    pub fn contains(self, method: Method) -> bool {
        self.0 & bit(method) != 0
    }

    /// Those that are in both; there may be none.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Each of them, in the order in which they are written.
    pub fn iter(self) -> impl Iterator<Item = Method> {
        Method::ALL.iter().copied().filter(move |method| self.contains(*method))
    }
}

const fn bit(method: Method) -> u8 {
    1 << method as u8
}

impl FromIterator<Method> for Methods {
    fn from_iter<I: IntoIterator<Item = Method>>(methods: I) -> Self {
        Self(methods.into_iter().fold(0, |bits, method| bits | bit(method)))
    }
}

impl fmt::Display for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, method) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{method}")?;
        }
        Ok(())
    }
}

impl FromStr for Methods {
    type Err = MethodError;

    /// Reads names with commas between them.
    fn from_str(text: &str) -> Result<Self, MethodError> {
        Self::written(&text.split(',').map(str::parse).collect::<Result<Vec<Method>, _>>()?)
    }
}

impl Methods {
    /// The set that a list in its one spelling is.
    fn written(list: &[Method]) -> Result<Self, MethodError> {
        let set: Self = list.iter().copied().collect();
        if !list.is_empty() && set.iter().eq(list.iter().copied()) { Ok(set) } else { Err(MethodError) }
    }
}

impl Serialize for Methods {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Methods {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::written(&Vec::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_has_its_name_and_its_place() {
        let names: Vec<_> = Method::ALL.iter().map(|method| method.as_str()).collect();
        assert!(names.is_sorted());
        for method in Method::ALL {
            assert_eq!(method.as_str().parse(), Ok(*method));
            assert_eq!(serde_json::to_string(method).unwrap(), format!("\"{method}\""));
        }
        assert_eq!(Methods::all().iter().count(), Method::ALL.len());
    }

    #[test]
    fn a_set_has_one_spelling() {
        let set: Methods = [Method::Voucher, Method::Card].into_iter().collect();
        assert_eq!(serde_json::to_string(&set).unwrap(), r#"["card","voucher"]"#);
        assert_eq!(serde_json::from_str::<Methods>(r#"["card","voucher"]"#).unwrap(), set);
        assert_eq!(set.to_string().parse(), Ok(set));
        for other in [r#"["voucher","card"]"#, r#"["card","card"]"#, "[]", r#"["cash"]"#, r#""card""#] {
            assert!(serde_json::from_str::<Methods>(other).is_err(), "{other}");
        }
        for other in ["", "voucher,card", "card,card", "card,", "cash"] {
            assert_eq!(other.parse::<Methods>(), Err(MethodError), "{other}");
        }
    }

    #[test]
    fn what_somebody_newer_names_is_left_out() {
        let known = Methods::known(["card", "teleport"]);
        assert!(known.contains(Method::Card) && known.iter().count() == 1);
        assert_eq!(known.and([Method::Code].into_iter().collect()).iter().count(), 0);
    }
}

//! What cards in the field do that the standard does not foresee, or leaves open.

use serde::{Deserialize, Serialize};

/// One habit of a card. Readers have to get along with all of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quirk {
    /// It has no directory: PSE and PPSE are answered with 6A82.
    NoDirectory,
    /// It answers the selection of a directory with 6700.
    DirectoryRefused,
    /// Its FCI has no label.
    NoLabel,
    /// Its label is filled up with spaces.
    PaddedLabel,
    /// Its FCI names a longer application identifier than was selected.
    LongerName,
    /// Its records are template 77 instead of 70.
    RecordsIn77,
    /// Its locator names one record more than it has.
    MissingRecord,
    /// Its card number is filled up with F to ten bytes.
    PaddedNumber,
    /// It answers GET DATA with 6A88, whatever is asked for.
    NoGetData,
    /// Its first application answers GET PROCESSING OPTIONS with 6985.
    FirstRefuses,
    /// A phone that is locked: its first payment is answered with 6986, and after that it is unlocked.
    LockedOnce,
}

impl Quirk {
    /// Every quirk.
    pub const ALL: [Self; 11] = [
        Self::NoDirectory,
        Self::DirectoryRefused,
        Self::NoLabel,
        Self::PaddedLabel,
        Self::LongerName,
        Self::RecordsIn77,
        Self::MissingRecord,
        Self::PaddedNumber,
        Self::NoGetData,
        Self::FirstRefuses,
        Self::LockedOnce,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_about_cards_names_every_quirk_as_a_profile_does() {
        let page = include_str!("../../../../docs/cards.md");
        for quirk in Quirk::ALL {
            let name = toml::Value::try_from(quirk).unwrap();
            assert!(page.contains(&format!("`{}`", name.as_str().unwrap())), "{quirk:?}");
        }
        for (name, _) in crate::BUILT_IN {
            assert!(page.contains(&format!("| `{name}` |")), "{name}");
        }
    }
}

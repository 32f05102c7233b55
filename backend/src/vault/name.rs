//! The name of an alias: of any script, chosen by its owner, never a card number; the same however it is typed.
//!
//! It is prepared after RFC 8265, section 3.3 (`UsernameCaseMapped`): width and form are Unicode's NFKC, and two names are one
//! when their case-folded forms are the same. Letters, marks and digits are taken, with single spaces and `.`, `-`, `_`
//! between them; letters of scripts that look alike are not mixed (Unicode Technical Standard 39, section 5.2).

use payment::hides_card_number;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::keys::mixes_scripts;

/// The fewest and the most characters of a name.
const CHARACTERS: std::ops::RangeInclusive<usize> = 3..=64;

/// A name that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AliasName {
    shown: String,
    folded: String,
}

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NameFault {
    /// Too short or too long.
    #[error("a name has 3 to 64 characters")]
    Length,
    /// Something else than letters and digits, or at the wrong place.
    #[error("a name is made of letters and digits, with single spaces, dots, hyphens or underscores between them")]
    Letters,
    /// Letters that look alike of more than one script.
    #[error("a name does not mix scripts whose letters look alike")]
    Scripts,
    /// The digits are those of a card.
    #[error("a card number cannot be a name")]
    CardNumber,
}

impl AliasName {
    /// The name that somebody typed.
    pub(super) fn parse(text: &str) -> Result<Self, NameFault> {
        let shown: String = text.trim().nfkc().collect();
        if !CHARACTERS.contains(&shown.chars().count()) {
            return Err(NameFault::Length);
        }
        let is_letter = |letter: char| letter.is_alphanumeric() || is_combining_mark(letter);
        let is_between = |letter: char| matches!(letter, ' ' | '.' | '-' | '_');
        let ends = [shown.chars().next(), shown.chars().next_back()];
        let ends_well = !ends.into_iter().flatten().any(is_between) && !shown.starts_with(is_combining_mark);
        let doubled = shown.chars().zip(shown.chars().skip(1)).any(|(one, next)| is_between(one) && is_between(next));
        if !shown.chars().all(|letter| is_letter(letter) || is_between(letter)) || !ends_well || doubled {
            return Err(NameFault::Letters);
        }
        if hides_card_number(&shown) {
            return Err(NameFault::CardNumber);
        }
        if mixes_scripts(&shown) {
            return Err(NameFault::Scripts);
        }
        Ok(Self { folded: folded(&shown), shown })
    }

    /// As it was chosen.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// What is compared.
    pub(super) fn folded(&self) -> &str {
        &self.folded
    }
}

/// Capital first, so that ß is ss and every sigma is one.
fn folded(shown: &str) -> String {
    let capital = shown.chars().flat_map(char::to_uppercase);
    capital.flat_map(char::to_lowercase).nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded_of(text: &str) -> String {
        AliasName::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}")).folded
    }

    #[test]
    fn names_of_many_scripts_are_taken() {
        for name in [
            "John_Wang",
            "王小明",
            "Ольга-77",
            "نورة",
            "प्रिया",
            "ทองดี",
            "ひまわり 3",
            "김민준",
            "Zoë O",
            "Ελένη",
            "אורי",
        ] {
            assert_eq!(AliasName::parse(name).map(|name| name.shown), Ok(name.nfkc().collect()), "{name}");
        }
    }

    #[test]
    fn a_name_is_the_same_however_it_is_typed() {
        for (one, other) in [
            ("John_Wang", " john_wang "),
            ("Zoë", "ZOE\u{308}"),
            ("Straße", "STRASSE"),
            ("ＡＢＣ１２３", "abc123"),
            ("ΟΔΥΣΣΕΥΣ", "Οδυσσευς"),
        ] {
            assert_eq!(folded_of(one), folded_of(other), "{one} {other}");
        }
        assert_ne!(folded_of("anna"), folded_of("anna1"));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for (text, fault) in [
            ("", NameFault::Length),
            ("ab", NameFault::Length),
            ("   a   ", NameFault::Length),
            (&"x".repeat(65), NameFault::Length),
            ("anna  maria", NameFault::Letters),
            ("_anna", NameFault::Letters),
            ("anna-", NameFault::Letters),
            ("an\u{200B}na", NameFault::Letters),
            ("an\u{202E}na", NameFault::Letters),
            ("anna\n1", NameFault::Letters),
            ("anna@example", NameFault::Letters),
            ("pаypal", NameFault::Scripts),
            ("4761340000000050", NameFault::CardNumber),
            ("４７６１ ３４００ ００００ ００５０", NameFault::CardNumber),
            ("Card 4761-3400-0000-0050", NameFault::CardNumber),
        ] {
            assert_eq!(AliasName::parse(text), Err(fault), "{text:?}");
        }
    }
}

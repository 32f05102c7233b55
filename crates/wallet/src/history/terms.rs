//! Words to search by, and what a text is found by.
//!
//! Both sides are folded alike: compatibility forms (full-width digits and letters) become plain, accents and letter
//! case do not count. A word of three characters or more is found anywhere in a text. A shorter one is found where a
//! word begins, and in scripts without spaces (Chinese, Japanese, Korean) anywhere.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use protocol::ipc::history::SEARCH_CHARS_MAX;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The most words that are searched for at once.
const WORDS_MAX: usize = 8;
/// The shortest word that the index of three characters finds.
const LONG_CHARS_MIN: usize = 3;
/// Where the scripts begin that write without spaces.
const WIDE_FROM: char = '\u{2e80}';
/// What may stand around words of several words.
const QUOTES: [char; 3] = ['"', '\u{201c}', '\u{201d}'];

/// What is searched for: every one of it has to be found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    long: Vec<String>,
    short: Vec<String>,
}

impl Terms {
    /// The words of a text as a person types it; what is quoted stays together.
    pub fn parse(text: &str) -> Self {
        let text: String = fold(text).chars().take(SEARCH_CHARS_MAX).collect();
        let mut terms = Self::default();
        for (index, part) in text.split(QUOTES).enumerate() {
            // Between an odd quote and the next one, or the end, is a word of several words.
            if index % 2 == 1 {
                terms.add(&part.split_whitespace().collect::<Vec<_>>().join(" "));
            } else {
                part.split_whitespace().for_each(|word| terms.add(word));
            }
        }
        terms
    }

    fn add(&mut self, word: &str) {
        // A sum is kept without its sign.
        let unsigned = word.trim_start_matches(is_currency_sign);
        let word = if unsigned.is_empty() { word } else { unsigned };
        if word.chars().count() >= LONG_CHARS_MIN {
            add_to(&mut self.long, word);
            return;
        }
        // What is no letter and no digit begins no word.
        let word = word.trim_matches(|letter: char| !letter.is_alphanumeric());
        if !word.is_empty() {
            add_to(&mut self.short, word);
        }
    }

    /// The expression for the index of three characters; none when no word is long enough.
    pub fn long_expression(&self) -> Option<String> {
        let quoted = self.long.iter().map(|word| format!("\"{}\"", word.replace('"', "\"\"")));
        joined(quoted)
    }

    /// The expression for the index of shorter words; none when every word is long enough.
    pub fn short_expression(&self) -> Option<String> {
        joined(self.short.iter().map(|word| token(word)))
    }
}

fn add_to(words: &mut Vec<String>, word: &str) {
    if words.len() < WORDS_MAX && !words.iter().any(|known| known == word) {
        words.push(word.to_owned());
    }
}

fn joined(expressions: impl Iterator<Item = String>) -> Option<String> {
    let expressions: Vec<String> = expressions.collect();
    (!expressions.is_empty()).then(|| expressions.join(" AND "))
}

/// A text as both sides are compared.
pub fn fold(text: &str) -> String {
    let plain = |text: &str| text.nfkd().filter(|letter| !is_combining_mark(*letter)).collect::<String>();
    // Some letters have a mark again once they are small: İ becomes i with a dot above.
    let small: String = plain(text).chars().flat_map(char::to_lowercase).collect();
    plain(&small).nfc().collect()
}

/// What the index of shorter words keeps of a folded text: a token each, with a space between them.
pub fn grams(folded: &str) -> String {
    let letters: Vec<char> = folded.chars().collect();
    let at = |index: usize| letters.get(index).copied().filter(|letter| letter.is_alphanumeric());
    let mut tokens = BTreeSet::new();
    for (index, letter) in letters.iter().copied().enumerate().filter(|(_, letter)| letter.is_alphanumeric()) {
        let before = index.checked_sub(1).and_then(at);
        let begins = is_wide(letter) || before.is_none_or(is_wide);
        if !begins {
            continue;
        }
        tokens.insert(token(&String::from(letter)));
        if let Some(next) = at(index + 1) {
            tokens.insert(token(&String::from_iter([letter, next])));
        }
    }
    tokens.into_iter().collect::<Vec<_>>().join(" ")
}

fn is_wide(letter: char) -> bool {
    letter >= WIDE_FROM
}

fn is_currency_sign(letter: char) -> bool {
    matches!(letter, '$' | '\u{a2}'..='\u{a5}' | '\u{20a0}'..='\u{20cf}')
}

/// A word as a token that no tokenizer takes apart.
fn token(word: &str) -> String {
    word.bytes().fold(String::from("x"), |mut token, byte| {
        write!(token, "{byte:02x}").expect("a string takes everything");
        token
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> (Vec<String>, Vec<String>) {
        let Terms { long, short } = Terms::parse(text);
        (long, short)
    }

    fn finds_short(text: &str, word: &str) -> bool {
        let wanted = token(&fold(word));
        grams(&fold(text)).split(' ').any(|token| token == wanted)
    }

    #[test]
    fn words_are_folded_and_told_apart_by_their_length() {
        assert_eq!(words("  Café DOOR 12 "), (vec!["cafe".into(), "door".into()], vec!["12".into()]));
        assert_eq!(words("１２．８０"), (vec!["12.80".into()], vec![]), "full-width digits");
        assert_eq!(words("¥88.00 $5"), (vec!["88.00".into()], vec!["5".into()]), "a sum without its sign");
        assert_eq!(words("咖啡 蓝门咖啡"), (vec!["蓝门咖啡".into()], vec!["咖啡".into()]));
        assert_eq!(words("\"blue  door\" x"), (vec!["blue door".into()], vec!["x".into()]));
        assert_eq!(words("“blue door"), (vec!["blue door".into()], vec![]), "a quote that is not closed yet");
        assert_eq!(Terms::parse(" - ! \"\" "), Terms::default());
        assert_eq!(words("a a A á").1, ["a"], "the same word once");
    }

    #[test]
    fn a_quote_in_a_word_ends_no_expression() {
        assert_eq!(Terms::parse("it's OR NEAR(").long_expression().unwrap(), "\"it's\" AND \"near(\"");
        assert_eq!(Terms::parse("ab").long_expression(), None);
    }

    #[test]
    fn short_words_are_found_where_words_begin_and_anywhere_in_chinese() {
        let text = "蓝门咖啡 Blue Door Café 11月 拿铁A套餐";
        for word in ["蓝", "门咖", "咖啡", "啡", "b", "BL", "do", "ca", "11", "月", "铁a", "a套", "套餐"] {
            assert!(finds_short(text, word), "{word}");
        }
        for word in ["lu", "oo", "门啡", "1月", "é"] {
            assert!(!finds_short(text, word), "{word}");
        }
    }

    #[test]
    fn letters_of_every_script_have_their_tokens() {
        for (text, word) in [("Дверь", "дв"), ("青い扉", "い扉"), ("한글 가게", "글"), ("ÅSA", "as"), ("ﬁne", "fi")]
        {
            assert!(finds_short(text, word), "{text}: {word}");
        }
    }

    proptest! {
        #[test]
        fn what_is_typed_never_breaks_an_expression(text in "\\PC{0,160}") {
            let terms = Terms::parse(&text);
            for expression in [terms.long_expression(), terms.short_expression()].into_iter().flatten() {
                // Quotes come in pairs: what is inside is a word, whatever it is.
                prop_assert_eq!(expression.matches('"').count() % 2, 0);
            }
            prop_assert!(terms.long.len() <= WORDS_MAX && terms.short.len() <= WORDS_MAX);
        }

        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,60}") {
            prop_assert_eq!(fold(&fold(&text)), fold(&text));
        }

        #[test]
        fn every_pair_of_chinese_letters_is_found(text in "[\\x{4e00}-\\x{9fa5}]{2,20}", at in 0usize..18) {
            let letters: Vec<char> = text.chars().collect();
            let at = at % (letters.len() - 1);
            prop_assert!(finds_short(&text, &String::from(letters[at])));
            prop_assert!(finds_short(&text, &String::from_iter([letters[at], letters[at + 1]])));
        }
    }
}

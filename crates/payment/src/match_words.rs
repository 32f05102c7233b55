//! Two words drawn from the order hash, shown by the shop and by the wallet for a person to compare.

use std::sync::LazyLock;

use crate::hash::OrderHash;

/// How many words each list has: one byte of the hash chooses one.
const WORDS: usize = 256;

static ENGLISH: LazyLock<Vec<&'static str>> = LazyLock::new(|| include_str!("match_words/en.txt").lines().collect());
static CHINESE: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("match_words/zh_hans.txt").lines().collect());

/// The two match words of one order.
///
/// Sixteen bits: enough for two people to notice a swapped request, not a cryptographic check, which
/// is the merchant's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatchWords {
    first: u8,
    second: u8,
}

impl MatchWords {
    /// The words of this order: the first two bytes of its hash.
    pub const fn of(order: &OrderHash) -> Self {
        let [first, second, ..] = *order.as_bytes();
        Self { first, second }
    }

    /// In English.
    pub fn english(self) -> [&'static str; 2] {
        self.pick(&ENGLISH)
    }

    /// In Simplified Chinese.
    pub fn chinese(self) -> [&'static str; 2] {
        self.pick(&CHINESE)
    }

    fn pick(self, list: &[&'static str]) -> [&'static str; 2] {
        debug_assert_eq!(list.len(), WORDS);
        [list[usize::from(self.first)], list[usize::from(self.second)]]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn lists_are_full_and_distinct() {
        for list in [&ENGLISH, &CHINESE] {
            assert_eq!(list.len(), WORDS);
            assert_eq!(list.iter().collect::<HashSet<_>>().len(), WORDS);
        }
    }

    #[test]
    fn words_come_from_the_first_two_bytes() {
        let mut bytes = [0; 32];
        bytes[1] = 255;
        let words = MatchWords::of(&OrderHash::from_bytes(bytes));
        assert_eq!(words.english(), [ENGLISH[0], ENGLISH[255]]);
        bytes[2] = 1;
        assert_eq!(MatchWords::of(&OrderHash::from_bytes(bytes)), words);
    }
}

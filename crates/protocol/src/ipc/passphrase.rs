//! The commands that carry a passphrase, and how good one is.
//!
//! **Invariant:** a passphrase has no `Debug`, `Display`, `Clone` or `==`, and its memory is wiped when it is dropped.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::{Zeroize, Zeroizing};

use super::Command;
use super::lock::LockView;

/// The fewest characters of a passphrase. A letter of a script with thousands of them counts as two.
pub const PASSPHRASE_CHARS_MIN: u32 = 8;
/// The longest passphrase, in bytes of UTF-8.
pub const PASSPHRASE_BYTES_MAX: usize = 1_024;

/// What opens the lock, as the person typed it.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes over a text; the caller keeps no copy.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for whoever derives a key of it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl Serialize for Passphrase {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Passphrase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = String::deserialize(deserializer)?;
        if text.len() > PASSPHRASE_BYTES_MAX {
            text.zeroize();
            return Err(serde::de::Error::custom("the passphrase is too long"));
        }
        Ok(Self::new(text))
    }
}

macro_rules! secret_commands {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident),* } = $wire:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub struct $name { $($(#[$field_doc])* pub $field: Passphrase),* }

            impl Command for $name {
                const NAME: &'static str = $wire;
                type Answer = LockView;
            }
        )*

        /// The names of this module's commands.
        pub(super) const NAMES: &[&str] = &[$($wire),*];
    };
}

secret_commands! {
    /// Opens the lock.
    Unlock {
        /// The present passphrase.
        passphrase
    } = "unlock";
    /// Gives the wallet a lock.
    LockTurnOn {
        /// What opens it from now on.
        passphrase
    } = "lock_turn_on";
    /// Changes what opens the lock.
    LockChange {
        /// The present passphrase.
        present,
        /// The next one.
        passphrase
    } = "lock_change";
    /// Takes the lock away.
    LockTurnOff {
        /// The present passphrase.
        present
    } = "lock_turn_off";
}

/// How long a passphrase would stand against somebody who has the sealed keys and tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Fewer than [`PASSPHRASE_CHARS_MIN`]; not taken.
    Short,
    /// Among the first that anybody tries; not taken.
    Guessable,
    /// Taken.
    Fair,
    /// Hours for many machines.
    Good,
    /// Out of reach.
    Strong,
}

impl Strength {
    /// An estimate. It sees repetitions, runs such as `abcd` and the commonest passwords, and no dictionary.
    pub fn of(passphrase: &str) -> Self {
        let weight: u32 = passphrase.chars().map(|letter| worth(letter).0).sum();
        let decibits = decibits(passphrase);
        if weight < PASSPHRASE_CHARS_MIN {
            Self::Short
        } else if decibits < GUESSABLE_DECIBITS || is_common(passphrase) {
            Self::Guessable
        } else if decibits < FAIR_DECIBITS {
            Self::Fair
        } else if decibits < GOOD_DECIBITS {
            Self::Good
        } else {
            Self::Strong
        }
    }

    /// Whether the wallet takes it.
    pub fn is_enough(self) -> bool {
        self >= Self::Fair
    }
}

/// A tenth of a bit for a letter that only goes on a run, ten times over.
const RUN_DECIBITS: u32 = 5;
/// Below this anybody guesses.
const GUESSABLE_DECIBITS: u32 = 240;
/// Below this it is fair.
const FAIR_DECIBITS: u32 = 500;
/// Below this it is good.
const GOOD_DECIBITS: u32 = 700;

/// How hard a text is to guess, in tenths of a bit.
fn decibits(text: &str) -> u32 {
    let mut before = None;
    let of_letter = |letter| {
        let is_run = before.is_some_and(|before| follows(before, letter));
        before = Some(letter);
        if is_run { RUN_DECIBITS } else { worth(letter).1 }
    };
    text.chars().map(of_letter).sum()
}

/// How many characters a letter counts as, and what it adds, in tenths of a bit. People choose letters unevenly, so each
/// is worth less than the logarithm of its alphabet.
fn worth(letter: char) -> (u32, u32) {
    match letter {
        '0'..='9' => (1, 28),
        'a'..='z' | ' ' => (1, 36),
        'A'..='Z' => (1, 45),
        '\0'..='\u{7f}' => (1, 55),
        // Kana, ideographs, Hangul: each stands for a syllable or a word.
        '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{20000}'..='\u{3ffff}' => {
            (2, 90)
        }
        _ => (1, 50),
    }
}

/// Whether a letter is the one before again, or its neighbour in the alphabet.
fn follows(before: char, letter: char) -> bool {
    u32::from(before).abs_diff(u32::from(letter)) <= 1
}

/// Beginnings and wholes of the passwords that every list of leaked ones begins with.
const COMMON: [&str; 24] = [
    "password", "passw0rd", "p@ssw0rd", "p@ssword", "qwerty", "qwertz", "azerty", "1q2w3e4r", "1qaz2wsx", "iloveyou",
    "letmein", "welcome", "admin", "football", "baseball", "princess", "sunshine", "superman", "trustno1", "woaini",
    "tapseal", "changeme", "asdfgh", "zxcvbn",
];

/// Whether it is a common password, or one with something behind it that would be guessed alone.
fn is_common(passphrase: &str) -> bool {
    let lower = Zeroizing::new(passphrase.to_lowercase());
    let mut rests = COMMON.iter().filter_map(|common| lower.strip_prefix(common));
    rests.any(|rest| decibits(rest) < GUESSABLE_DECIBITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_common_ones_are_not_taken() {
        for short in ["", "abc", "1234567", "密码三"] {
            assert_eq!(Strength::of(short), Strength::Short, "{short}");
        }
        for guessable in ["aaaaaaaaaaaaaaaa", "12345678", "abcdefghijkl", "Password1!", "qwertyuiop", "Tapseal2026!"] {
            assert_eq!(Strength::of(guessable), Strength::Guessable, "{guessable}");
        }
    }

    #[test]
    fn longer_and_more_mixed_ones_are_better_in_any_script() {
        assert_eq!(Strength::of("lamp 7 tu"), Strength::Fair);
        assert_eq!(Strength::of("amber lantern bo"), Strength::Good);
        assert_eq!(Strength::of("amber lantern boat seven"), Strength::Strong);
        assert_eq!(Strength::of("青灯古渡"), Strength::Fair);
        assert_eq!(Strength::of("青灯古渡夜行船"), Strength::Good);
        assert_eq!(Strength::of("青灯古渡夜行船旧雨"), Strength::Strong);
        assert!(!Strength::Guessable.is_enough() && Strength::Fair.is_enough());
    }

    #[test]
    fn a_passphrase_of_absurd_length_is_refused_when_it_is_read() {
        let long = serde_json::json!({ "passphrase": "x".repeat(PASSPHRASE_BYTES_MAX + 1) });
        assert!(serde_json::from_value::<Unlock>(long).is_err());
        let right = serde_json::json!({ "passphrase": " é " });
        assert_eq!(serde_json::from_value::<Unlock>(right).unwrap().passphrase.expose(), " é ");
    }
}

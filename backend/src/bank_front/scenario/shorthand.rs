//! Scenarios of one word, each the script it stands for.

use super::script::Script;
use crate::bank_front::error::BankError;

/// How long `slow` waits when it does not say.
const SLOW_DEFAULT_MS: &str = "5000";

/// What stands for whole scripts, and the rules of each.
const WORDS: &[(&str, &str)] = &[
    ("silent", "[[rule]]\ndo = \"silent\"\n"),
    ("debit_lost", "[[rule]]\nwhen = { message = \"debit\" }\ndo = \"silent\"\n"),
    ("debit_then_silent", "[[rule]]\nwhen = { message = \"debit\" }\ndo = \"unanswered\"\n"),
    (
        "debit_then_deaf",
        "[[rule]]\nwhen = { message = \"debit\" }\ndo = \"unanswered\"\n\n\
         [[rule]]\nwhen = { message = \"inquiry\" }\ndo = \"silent\"\n",
    ),
    (
        "roll_key",
        "[[rule]]\nwhen = { message = [\"debit\", \"inquiry\", \"reversal\", \"network\"], times = 1 }\ndo = \"roll_key\"\n",
    ),
    ("duplicate", "[[rule]]\ndo = \"twice\"\n"),
    ("approve_after_reversal", "[[rule]]\nwhen = { message = \"debit\" }\ndo = \"approve_after_reversal\"\n"),
    ("cut", "[[rule]]\nwhen = { message = \"debit\" }\ndo = \"cut\"\n"),
    ("wrong_key", "[[rule]]\nwhen = { message = \"debit\" }\ndo = \"wrong_key\"\n"),
];

/// Words that need something said behind a colon, and the rule with a place for it.
const WORDS_WITH_A_VALUE: &[(&str, &str)] = &[
    ("slow", "[[rule]]\nwhen = { message = \"debit\" }\ndo = \"slow\"\nms = {}\n"),
    ("script", "[[rule]]\nwhen = { message = \"debit\" }\ndo = \"card_order\"\norder = \"{}\"\n"),
    ("malformed", "[[rule]]\nwhen = { message = \"debit\" }\ndo = \"malformed\"\nkind = \"{}\"\n"),
    ("decline", "[[rule]]\nwhen = { message = \"debit\" }\ndo = \"decline\"\ncode = \"{}\"\n"),
    ("busy", "[[rule]]\nwhen = { message = \"debit\" }\ndo = \"busy\"\nresponse_code = \"{}\"\n"),
    ("reversal_lost", "[[rule]]\nwhen = { message = \"reversal\", times = {} }\ndo = \"silent\"\n"),
    ("clock", "clock_skew_ms = {}\n"),
];

/// The script that a word stands for, as TOML.
pub(super) fn script_of(word: &str) -> Result<String, BankError> {
    let unknown = || BankError::UnknownScenario(word.to_owned());
    if let Some((_, text)) = WORDS.iter().find(|(known, _)| *known == word) {
        return Ok((*text).to_owned());
    }
    let (name, value) = word.split_once(':').unwrap_or((word, ""));
    let value = if word == "slow" { SLOW_DEFAULT_MS } else { value };
    let (_, template) = WORDS_WITH_A_VALUE.iter().find(|(known, _)| *known == name).ok_or_else(unknown)?;
    // Nothing but a word or a number: a value cannot become another rule.
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    if value.is_empty() || !value.chars().all(is_plain) {
        return Err(unknown());
    }
    let text = template.replace("{}", value);
    Script::parse(&text).map(|_| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_a_script() {
        for (word, text) in WORDS {
            assert_eq!(script_of(word).unwrap(), *text);
            Script::parse(text).unwrap();
        }
        let values = ["slow", "slow:5", "script:unblock_pin", "malformed:noise", "busy:91", "reversal_lost:3"];
        for word in values.into_iter().chain(["decline:declined_insufficient_funds", "clock:-60000"]) {
            script_of(word).unwrap();
        }
    }

    #[test]
    fn a_word_that_stands_for_nothing_is_refused() {
        for wrong in ["sleepy", "slow:", "slow:900000", "", "script:", "script:eject", "busy:00", "malformed:x\"\n"] {
            assert!(script_of(wrong).is_err(), "{wrong}");
        }
    }
}

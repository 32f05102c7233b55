//! What notifications say, in the language of the screens.

use protocol::ipc::Language;
use serde::Deserialize;

const ENGLISH: &str = include_str!("../../locales/notices.en.json");
const CHINESE: &str = include_str!("../../locales/notices.zh-Hans.json");

/// The texts of one language. `{amount}` stands for an amount.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    pub(crate) request_title: String,
    pub(crate) request_body: String,
    pub(crate) stranger_title: String,
    pub(crate) stranger_body: String,
    pub(crate) full_request_body: String,
    pub(crate) outcome_title: String,
    pub(crate) outcome_body: String,
    pub(crate) full_paid_body: String,
    pub(crate) full_unpaid_body: String,
    pub(crate) example_title: String,
    pub(crate) example_body: String,
}

impl Words {
    /// The texts in the person's language; `system` is what their system speaks, as `zh_CN.UTF-8` or `zh-Hans-CN`.
    pub(crate) fn of(choice: Language, system: &str) -> Self {
        let text = match choice {
            Language::Chinese => CHINESE,
            Language::System if speaks_chinese(system) => CHINESE,
            Language::English | Language::System => ENGLISH,
        };
        serde_json::from_str(text).expect("a test reads both languages")
    }
}

fn speaks_chinese(system: &str) -> bool {
    system.split(['_', '-', '.']).next().is_some_and(|language| language.eq_ignore_ascii_case("zh"))
}

/// The language of the system, as POSIX says it: the first of three variables that is set.
pub(crate) fn system_language(variable: impl Fn(&str) -> Option<String>) -> String {
    let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
    ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_say_everything_and_each_in_its_own_words() {
        let (english, chinese) = (Words::of(Language::English, ""), Words::of(Language::Chinese, ""));
        assert_ne!(english.request_title, chinese.request_title);
        for words in [english, chinese] {
            for text in [&words.full_request_body, &words.full_paid_body, &words.full_unpaid_body] {
                assert!(text.contains("{amount}"), "{text}");
            }
            for text in [&words.request_body, &words.stranger_body, &words.outcome_body, &words.example_body] {
                assert!(!text.contains('{') && !text.contains('!'), "{text}");
            }
        }
    }

    #[test]
    fn the_systems_language_is_the_first_that_is_set() {
        let of = |set: &[(&str, &str)]| {
            system_language(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(of(&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "")]), "zh_CN.UTF-8");
        assert_eq!(of(&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "en_GB")]), "en_GB");
        assert_eq!(of(&[]), "");
        for (system, is_chinese) in [("zh_CN.UTF-8", true), ("zh", true), ("zh-Hans-CN", true), ("C", false)] {
            assert_eq!(speaks_chinese(system), is_chinese, "{system}");
        }
    }
}

//! The texts of the screens in English and Simplified Chinese, made from `locales/*.json` when the crate is built.
//!
//! **Invariant:** a text that is missing in one language, or has other placeholders there, does not compile.

use protocol::error::{ErrorCode, MoneyMoved};
use protocol::ipc::Language;

include!(concat!(env!("OUT_DIR"), "/texts.rs"));

/// A language the screens are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// English.
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Lang {
    /// The language to show: the person's choice, or the nearest to the system's BCP 47 tag.
    pub fn of(choice: Language, system_tag: &str) -> Self {
        let is_chinese = system_tag == "zh" || system_tag.starts_with("zh-");
        match choice {
            Language::English => Self::English,
            Language::Chinese => Self::Chinese,
            Language::System if is_chinese => Self::Chinese,
            Language::System => Self::English,
        }
    }

    /// Its BCP 47 tag, for `<html lang>` and the browser's formatters.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-Hans",
        }
    }
}

impl Text {
    /// The text in a language.
    pub const fn in_language(self, lang: Lang) -> &'static str {
        match lang {
            Lang::English => self.english(),
            Lang::Chinese => self.chinese(),
        }
    }

    /// The text with its placeholders filled: `{name}` by the value given for `name`.
    pub fn filled(self, lang: Lang, values: &[(&str, &str)]) -> String {
        values
            .iter()
            .fold(self.in_language(lang).to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    /// The name of a card scheme.
    pub fn scheme(code: &str) -> Self {
        Self::with_key(&format!("scheme.{code}")).unwrap_or(Self::SchemeOther)
    }

    /// What an event of a sale is called; none for one this version does not know.
    pub fn happened(kind: &str) -> Option<Self> {
        Self::with_key(&format!("happened.{kind}"))
    }

    /// Why a delivery failed or waits; none for a code this version does not know.
    pub fn reason(code: &str) -> Option<Self> {
        Self::with_key(&format!("reason.{code}"))
    }

    /// What happened.
    pub fn error_title(code: ErrorCode) -> Self {
        Self::with_key(&format!("error.{code}.title")).unwrap_or(Self::ErrorInternalTitle)
    }

    /// What to do.
    pub fn error_next(code: ErrorCode) -> Self {
        Self::with_key(&format!("error.{code}.next")).unwrap_or(Self::ErrorInternalNext)
    }

    /// Whether money moved; nothing where no payment is at stake.
    pub const fn money(code: ErrorCode, moved: MoneyMoved) -> Option<Self> {
        match (code, moved) {
            (ErrorCode::ReceiptInvalid, _) => None,
            (ErrorCode::RequestAlreadyPaid | ErrorCode::CapsuleReplayed, MoneyMoved::No) => {
                Some(Self::MoneyNothingFurther)
            }
            (_, MoneyMoved::No) => Some(Self::MoneyNo),
            (_, MoneyMoved::Yes) => Some(Self::MoneyYes),
            (_, MoneyMoved::Unknown) => Some(Self::MoneyUnknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use payment::DeclineCode;

    use super::*;

    fn every_code() -> impl Iterator<Item = ErrorCode> {
        let declines = DeclineCode::ALL.iter().copied().map(ErrorCode::Declined);
        ErrorCode::ALL.iter().copied().chain(declines)
    }

    fn locale_keys() -> Vec<String> {
        let parts = [include_str!("../locales/en.json"), include_str!("../locales/merchant.en.json")];
        let locale = |json| serde_json::from_str::<std::collections::BTreeMap<String, String>>(json).unwrap();
        parts.into_iter().flat_map(locale).map(|(key, _)| key).collect()
    }

    #[test]
    fn every_error_has_its_own_words_in_both_languages() {
        for code in every_code() {
            for part in ["title", "next"] {
                let text = Text::with_key(&format!("error.{code}.{part}"));
                let text = text.unwrap_or_else(|| panic!("error.{code}.{part} is not in the locale files"));
                assert_ne!(text.english(), text.chinese(), "{code}");
                assert!(text.chinese().chars().any(|letter| letter > '\u{2fff}'), "{code} is not Chinese");
            }
        }
    }

    #[test]
    fn every_error_text_belongs_to_a_code() {
        let codes: Vec<String> = every_code().map(|code| code.to_string()).collect();
        for key in locale_keys().iter().filter_map(|key| key.strip_prefix("error.")) {
            let (code, _) = key.rsplit_once('.').unwrap();
            assert!(codes.iter().any(|known| known == code), "{code}");
        }
    }

    #[test]
    fn every_text_is_used_by_a_screen() {
        let mut sources = String::new();
        let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    sources.push_str(&std::fs::read_to_string(path).unwrap());
                }
            }
        }
        let looked_up = ["error.", "scheme.", "happened.", "reason."];
        for key in locale_keys().iter().filter(|key| !looked_up.iter().any(|prefix| key.starts_with(prefix))) {
            let name = format!("{:?}", Text::with_key(key).unwrap());
            let is_used =
                sources.split(&format!("::{name}")).skip(1).any(|rest| !rest.starts_with(char::is_alphanumeric));
            assert!(is_used, "{key} is used nowhere");
        }
    }

    #[test]
    fn errors_say_whether_money_moved() {
        let says = |code: ErrorCode| Text::money(code, code.money_moved());
        assert_eq!(says(ErrorCode::NoReader), Some(Text::MoneyNo));
        assert_eq!(says(ErrorCode::OutcomeUnknown), Some(Text::MoneyUnknown));
        assert_eq!(says(ErrorCode::RequestAlreadyPaid), Some(Text::MoneyNothingFurther));
        assert_eq!(says(ErrorCode::ReceiptInvalid), None);
    }

    #[test]
    fn the_system_decides_only_when_asked_to() {
        assert_eq!(Lang::of(Language::System, "zh-CN"), Lang::Chinese);
        assert_eq!(Lang::of(Language::System, "zha"), Lang::English);
        assert_eq!(Lang::of(Language::English, "zh"), Lang::English);
        assert_eq!(Lang::of(Language::Chinese, "en-GB"), Lang::Chinese);
    }

    #[test]
    fn placeholders_are_filled() {
        let filled = Text::CardReading.filled(Lang::English, &[("step", "3"), ("steps", "5"), ("phase", "amount")]);
        assert_eq!(filled, "Reading chip, 3 of 5: amount");
    }

    #[test]
    fn schemes_have_their_own_names() {
        assert_eq!(Text::scheme("amex").english(), "American Express");
        assert_eq!(Text::scheme("unionpay").chinese(), "银联");
        assert_eq!(Text::scheme("a-later-one"), Text::SchemeOther);
    }
}

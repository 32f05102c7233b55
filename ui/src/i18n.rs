//! The texts of the screens in English and Simplified Chinese, made from `locales/*.json` when the crate is built.
//!
//! In the window the texts are files beside the module, handed over once before anything is drawn.
//!
//! **Invariant:** a text that is missing in one language, or has other placeholders there, does not compile.

use std::sync::OnceLock;

use protocol::error::{ErrorCode, MoneyMoved};
use protocol::ipc::Language;

#[cfg(feature = "workbench")]
mod pseudo;

/// One text of the screens: its place in every language's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text(u16);

include!(concat!(env!("OUT_DIR"), "/texts.rs"));

/// The texts in English, and in Chinese.
static TEXTS: OnceLock<[Vec<&'static str>; 2]> = OnceLock::new();

/// Takes the languages' files. They stay as long as the page.
///
/// # Panics
/// When a file is not the one that was made with this module: no screen could be trusted to say what it means.
pub fn load(english: String, chinese: String) {
    let lines = |file: String| {
        let lines: Vec<&str> = file.leak().split('\n').collect();
        assert!(lines.len() == COUNT, "the texts are of another version");
        lines
    };
    // A second call finds the same texts there.
    let _ = TEXTS.set([lines(english), lines(chinese)]);
}

/// The texts of both languages.
#[cfg(target_family = "wasm")]
fn texts() -> &'static [Vec<&'static str>; 2] {
    TEXTS.get().expect("the page hands the texts over before it starts the screens")
}

/// The texts of both languages, from the files that go beside the module.
#[cfg(not(target_family = "wasm"))]
fn texts() -> &'static [Vec<&'static str>; 2] {
    if TEXTS.get().is_none() {
        load(
            include_str!(concat!(env!("OUT_DIR"), "/texts/en.txt")).to_owned(),
            include_str!(concat!(env!("OUT_DIR"), "/texts/zh-Hans.txt")).to_owned(),
        );
    }
    TEXTS.get().expect("they were just loaded")
}

/// A language the screens are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// English.
    English,
    /// Simplified Chinese.
    Chinese,
    /// English in disguise, which shows what is not from the table of texts, and what has no room to grow.
    #[cfg(feature = "workbench")]
    Pseudo,
}

impl Lang {
    /// The language to show: the person's choice, or the nearest to the system's BCP 47 tag.
    pub fn of(choice: Language, system_tag: &str) -> Self {
        #[cfg(feature = "workbench")]
        if choice == Language::System && system_tag == pseudo::TAG {
            return Self::Pseudo;
        }
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
            #[cfg(feature = "workbench")]
            Self::Pseudo => pseudo::TAG,
        }
    }

    /// What the browser's formatters take it for: its own tag, or of English the one that suits.
    pub const fn or_english(self, english: &'static str) -> &'static str {
        match self {
            Self::English => english,
            Self::Chinese => self.tag(),
            #[cfg(feature = "workbench")]
            Self::Pseudo => english,
        }
    }

    /// Of two wordings that the wallet has at hand, this language's.
    pub fn pick<T>(self, english: T, chinese: T) -> T {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
            #[cfg(feature = "workbench")]
            Self::Pseudo => english,
        }
    }

    /// Words that the browser wrote, as this language shows them.
    pub fn written(self, words: String) -> String {
        #[cfg(feature = "workbench")]
        if self == Self::Pseudo {
            return pseudo::bracketed(&words);
        }
        words
    }
}

impl Text {
    /// The text in a language.
    pub fn in_language(self, lang: Lang) -> &'static str {
        match lang {
            Lang::English => self.english(),
            Lang::Chinese => self.chinese(),
            #[cfg(feature = "workbench")]
            Lang::Pseudo => pseudo::disguised(self.english()),
        }
    }

    fn english(self) -> &'static str {
        texts()[0][usize::from(self.0)]
    }

    fn chinese(self) -> &'static str {
        texts()[1][usize::from(self.0)]
    }

    /// The text with this key in the locale files, for the keys that are looked up.
    fn with_key(key: &str) -> Option<Self> {
        let place = KEYS.binary_search_by_key(&key, |(known, _)| known).ok()?;
        Some(KEYS[place].1)
    }

    /// The text with its placeholders filled: `{name}` by the value given for `name`.
    pub fn filled(self, lang: Lang, values: &[(&str, &str)]) -> String {
        values
            .iter()
            .fold(self.in_language(lang).to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    /// The name of a card scheme.
    pub fn scheme(code: &str) -> Self {
        Self::known_scheme(code).unwrap_or(Self::SchemeOther)
    }

    /// The same, where it is known; of other ways to pay too that have a label.
    pub fn known_scheme(code: &str) -> Option<Self> {
        Self::with_key(&format!("scheme.{code}"))
    }

    /// What an event of a sale is called; none for one this version does not know.
    pub fn happened(kind: &str) -> Option<Self> {
        Self::with_key(&format!("happened.{kind}"))
    }

    /// What was done with an alias; none for a word this version does not know.
    pub fn alias_event(what: &str) -> Option<Self> {
        Self::with_key(&format!("alias_event.{what}"))
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
        for key in EVERY_KEY.iter().filter_map(|key| key.strip_prefix("error.")) {
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
        let is_looked_up = |key: &str| LOOKED_UP.iter().any(|beginning| key.starts_with(beginning));
        for (key, name) in EVERY_KEY.iter().zip(NAMES).filter(|(key, _)| !is_looked_up(key)) {
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
    fn every_text_is_found_at_its_number() {
        let english: std::collections::BTreeMap<String, String> =
            serde_json::from_str(include_str!("../locales/en.json")).unwrap();
        for (key, wanted) in english {
            let number = EVERY_KEY.iter().position(|known| *known == key).unwrap();
            assert_eq!(Text(u16::try_from(number).unwrap()).in_language(Lang::English), wanted, "{key}");
        }
    }

    #[test]
    fn schemes_have_their_own_names() {
        assert_eq!(Text::scheme("amex").english(), "American Express");
        assert_eq!(Text::scheme("unionpay").chinese(), "银联");
        assert_eq!(Text::scheme("a-later-one"), Text::SchemeOther);
    }
}

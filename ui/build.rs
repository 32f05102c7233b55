//! Turns `locales/*.json` into the `Text` table: a key or a placeholder missing in one language stops the build.
//! A language's texts are the files `LANGUAGE.json` and `PART.LANGUAGE.json`, with no key in two of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::{env, fs, path::Path};

type Locale = BTreeMap<String, String>;

/// What stands before a language's name in its files.
const PARTS: [&str; 9] = ["", "components.", "merchant.", "payer.", "lock.", "pay.", "history.", "settings.", "shell."];

fn main() {
    let english = read("en");
    let chinese = read("zh-Hans");
    check(&english, &chinese);
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join("texts.rs"), table(&english, &chinese)).expect("OUT_DIR is writable");
}

fn read(language: &str) -> Locale {
    let mut locale = Locale::new();
    // The catalogue's samples are texts too, and are in no bundle but its own.
    let samples = env::var_os("CARGO_FEATURE_WORKBENCH").map(|_| "workbench.");
    for part in PARTS.into_iter().chain(samples) {
        let path = format!("locales/{part}{language}.json");
        println!("cargo::rerun-if-changed={path}");
        let json = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let texts: Locale = serde_json::from_str(&json).unwrap_or_else(|error| panic!("{path}: {error}"));
        for (key, text) in texts {
            assert!(locale.insert(key.clone(), text).is_none(), "{path}: {key} is in another file too");
        }
    }
    locale
}

fn check(english: &Locale, chinese: &Locale) {
    for key in english.keys().chain(chinese.keys()) {
        let (Some(en), Some(zh)) = (english.get(key), chinese.get(key)) else {
            panic!("{key} is in one language only")
        };
        assert!(!en.trim().is_empty() && !zh.trim().is_empty(), "{key} is empty");
        assert_eq!(placeholders(en), placeholders(zh), "{key} has other placeholders in the other language");
    }
}

/// The names between braces.
fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).map(|rest| rest.split_once('}').expect("every brace is closed").0).collect()
}

fn table(english: &Locale, chinese: &Locale) -> String {
    let mut variants = String::new();
    let mut en = String::new();
    let mut zh = String::new();
    let mut keys = String::new();
    for (key, text) in english {
        let name = variant(key);
        writeln!(variants, "    /// `{key}`\n    {name},").expect("a string takes everything");
        writeln!(en, "            Self::{name} => {text:?},").expect("a string takes everything");
        writeln!(zh, "            Self::{name} => {:?},", chinese[key]).expect("a string takes everything");
        writeln!(keys, "            {key:?} => Self::{name},").expect("a string takes everything");
    }
    format!(
        "/// One text of the screens.\n#[derive(Clone, Copy, Debug, PartialEq, Eq)]\npub enum Text {{\n{variants}}}\n\n\
         impl Text {{\n    /// In English.\n    #[expect(clippy::too_many_lines, reason = \"a table\")]\n    const fn english(self) -> &'static str {{\n        match self {{\n{en}        }}\n    }}\n\n\
         \x20   /// In Simplified Chinese.\n    #[expect(clippy::too_many_lines, reason = \"a table\")]\n    const fn chinese(self) -> &'static str {{\n        match self {{\n{zh}        }}\n    }}\n\n\
         \x20   /// The text with this key in the locale files.\n    #[expect(clippy::too_many_lines, reason = \"a table\")]\n    fn with_key(key: &str) -> Option<Self> {{\n        Some(match key {{\n{keys}            _ => return None,\n        }})\n    }}\n}}\n"
    )
}

/// `request.items_one` becomes `RequestItemsOne`.
fn variant(key: &str) -> String {
    let words = key.split(['.', '_']);
    words.flat_map(|word| word[..1].to_uppercase().chars().chain(word[1..].chars()).collect::<Vec<_>>()).collect()
}

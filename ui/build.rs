//! Turns `locales/*.json` into the `Text` table: a key or a placeholder missing in one language stops the build.
//! A language's texts are the files `LANGUAGE.json` and `PART.LANGUAGE.json`, with no key in two of them.
//!
//! The table holds a number for each key. The texts themselves are files beside the module, one text a line in the
//! order of the numbers: they would make the module larger, and the window reads both at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::{env, fs, path::Path};

type Locale = BTreeMap<String, String>;

/// What stands before a language's name in its files.
const PARTS: [&str; 12] = [
    "",
    "components.",
    "merchant.",
    "payer.",
    "lock.",
    "pay.",
    "methods.",
    "alias.",
    "carrier.",
    "history.",
    "settings.",
    "shell.",
];

/// The languages, as their files are named.
const LANGUAGES: [&str; 2] = ["en", "zh-Hans"];
/// Beginnings of keys that are looked up by a code at run time. Of no other key the module knows the name.
const LOOKED_UP: [&str; 5] = ["error.", "scheme.", "happened.", "reason.", "alias_event."];

fn main() {
    if env::var("CARGO_CFG_TARGET_FAMILY").is_ok_and(|family| family == "wasm") {
        // The module is cut into parts, which needs to be told where functions and constants are named.
        println!("cargo::rustc-link-arg-cdylib=--emit-relocs");
    }
    let locales = LANGUAGES.map(read);
    check(&locales[0], &locales[1]);
    let out = env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    let texts = Path::new(&out).join("texts");
    fs::create_dir_all(&texts).expect("OUT_DIR is writable");
    for (language, locale) in LANGUAGES.iter().zip(&locales) {
        let lines: Vec<&str> = locale.values().map(String::as_str).collect();
        fs::write(texts.join(format!("{language}.txt")), lines.join("\n")).expect("OUT_DIR is writable");
    }
    fs::write(Path::new(&out).join("texts.rs"), table(&locales[0])).expect("OUT_DIR is writable");
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
        assert!(!en.contains('\n') && !zh.contains('\n'), "{key} has more than one line");
        assert_eq!(placeholders(en), placeholders(zh), "{key} has other placeholders in the other language");
    }
}

/// The names between braces.
fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split('{').skip(1).map(|rest| rest.split_once('}').expect("every brace is closed").0).collect()
}

fn table(locale: &Locale) -> String {
    let mut numbers = String::new();
    let mut names = String::new();
    let mut keys = String::new();
    let mut every_key = String::new();
    for (number, key) in locale.keys().enumerate() {
        let name = variant(key);
        writeln!(numbers, "    /// `{key}`\n    pub const {name}: Self = Self({number});")
            .expect("a string takes everything");
        writeln!(names, "    {name:?},").expect("a string takes everything");
        writeln!(every_key, "    {key:?},").expect("a string takes everything");
        if LOOKED_UP.iter().any(|beginning| key.starts_with(beginning)) {
            writeln!(keys, "    ({key:?}, Text::{name}),").expect("a string takes everything");
        }
    }
    let count = locale.len();
    format!(
        "#[allow(non_upper_case_globals, reason = \"they read as the variants of an enum\")]\nimpl Text {{\n{numbers}}}\n\n\
         /// How many texts there are.\nconst COUNT: usize = {count};\n\n\
         /// The texts that are looked up by their keys, in order.\nstatic KEYS: &[(&str, Text)] = &[\n{keys}];\n\n\
         /// What the names of the texts are, in order.\n#[cfg(test)]\nstatic NAMES: [&str; COUNT] = [\n{names}];\n\n\
         /// The keys of all texts, in order.\n#[cfg(test)]\nstatic EVERY_KEY: [&str; COUNT] = [\n{every_key}];\n\n\
         /// Beginnings of the keys that are looked up.\n#[cfg(test)]\nconst LOOKED_UP: [&str; {}] = {LOOKED_UP:?};\n",
        LOOKED_UP.len()
    )
}

/// `request.items_one` becomes `RequestItemsOne`.
fn variant(key: &str) -> String {
    let words = key.split(['.', '_']);
    words.flat_map(|word| word[..1].to_uppercase().chars().chain(word[1..].chars()).collect::<Vec<_>>()).collect()
}

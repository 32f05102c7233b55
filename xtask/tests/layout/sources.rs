//! What may not stand in source files, and how files look.

use std::path::Path;

/// The only kinds of file whose text is read.
const TEXTS: &[&str] =
    &["rs", "toml", "md", "sql", "json", "html", "css", "js", "kt", "kts", "swift", "xml", "sh", "yml", ""];

/// Folders of generated files, by name.
const GENERATED: &[&str] = &["target", "dist", "node_modules", "gen", ".gradle", ".build"];

/// Words that say nothing about a file.
const BANNED_NAMES: &[&str] = &["manager", "helper", "helpers", "util", "utils", "common", "misc", "mod"];

/// A file and its text.
pub struct SourceFile {
    /// The path below the root, with `/` between its parts.
    pub path: String,
    /// What is in it.
    pub text: String,
}

impl SourceFile {
    #[cfg(test)]
    fn synthetic(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        name.split('.').next().unwrap_or(name)
    }

    /// The lines of code, with their numbers: comments do not count.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line.trim_start()));
        lines.filter(|(_, line)| !line.starts_with("//"))
    }

    /// Every line of code that holds one of these as a whole word.
    fn naming<'f>(&'f self, words: &'f [&str]) -> impl Iterator<Item = String> + 'f {
        self.code().filter_map(move |(number, line)| {
            let word = words.iter().find(|word| has_word(line, word))?;
            Some(format!("{}:{number}: {word}", self.path))
        })
    }
}

/// Whether a word stands in a line and is not part of a longer name.
fn has_word(line: &str, word: &str) -> bool {
    let is_name = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    line.match_indices(word)
        .any(|(at, _)| !is_name(line[..at].chars().next_back()) && !is_name(line[at + word.len()..].chars().next()))
}

/// Every Rust file below these folders.
pub fn below(root: &Path, folders: &[&str]) -> Vec<SourceFile> {
    let mut files = texts_below(root, folders);
    files.retain(|file| Path::new(&file.path).extension().is_some_and(|extension| extension == "rs"));
    files
}

/// Every text file below these folders.
pub fn texts_below(root: &Path, folders: &[&str]) -> Vec<SourceFile> {
    let mut files = Vec::new();
    for folder in folders {
        collect(root, &root.join(folder), &mut files);
    }
    files
}

/// The text files of the top folder itself.
pub fn texts_at(root: &Path) -> Vec<SourceFile> {
    let entries = std::fs::read_dir(root).expect("the root can be read").flatten();
    // A second work tree has a file of this name that says where the first one is.
    entries.filter(|entry| entry.file_name() != ".git").filter_map(|entry| read(root, &entry.path())).collect()
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<SourceFile>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            if !GENERATED.contains(&name) {
                collect(root, &path, files);
            }
        } else {
            files.extend(read(root, &path));
        }
    }
}

fn read(root: &Path, path: &Path) -> Option<SourceFile> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if !TEXTS.contains(&extension) || !path.is_file() {
        return None;
    }
    let text = std::fs::read_to_string(path).ok()?;
    let path = path.strip_prefix(root).ok()?.to_str()?.replace('\\', "/");
    Some(SourceFile { path, text })
}

/// Times are arguments in the pure crates, and so are random bytes.
pub fn clocks_and_randomness(files: &[SourceFile]) -> Vec<String> {
    let banned =
        &["SystemTime", "Instant", "getrandom", "rand", "OsRng", "thread_rng", "now_v7", "new_v4", "Timestamp"];
    files.iter().flat_map(|file| file.naming(banned)).collect()
}

/// A type of the wire that could hold a PAN or a PIN.
pub fn card_data_types(files: &[SourceFile]) -> Vec<String> {
    let mut breaches = Vec::new();
    for file in files {
        for (number, line) in file.code() {
            let declares = ["struct ", "enum ", "type "].iter().find_map(|keyword| line.split(keyword).nth(1));
            let name = declares.map(|rest| rest.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or(""));
            if name.is_some_and(|name| matches!(name, "Pan" | "Pin" | "PinBlock" | "Track2" | "CardData")) {
                breaches.push(format!("{}:{number}: {line}", file.path));
            }
            let field = line.strip_prefix("pub ").unwrap_or(line).split(':').next().unwrap_or("").trim();
            if matches!(field, "pan" | "pin" | "pin_block" | "track2" | "card_number") {
                breaches.push(format!("{}:{number}: {line}", file.path));
            }
        }
    }
    breaches
}

/// Servers of the backend that import each other.
pub fn neighbours_imported(files: &[SourceFile]) -> Vec<String> {
    let servers = ["payment_server", "bank_front", "carrier_front", "vault"];
    let mut breaches = Vec::new();
    for server in servers {
        let neighbours = servers.iter().copied().filter(|&other| other != server).collect::<Vec<_>>();
        let inside = files.iter().filter(|file| is_part_of(file, server));
        breaches.extend(inside.flat_map(|file| file.naming(&neighbours).collect::<Vec<_>>()));
    }
    breaches
}

/// The type that opens the inner seal, within reach of the payment server's code.
pub fn bank_secrets_named(files: &[SourceFile]) -> Vec<String> {
    let secrets = &["BankSealingKeySecret", "BankSealingSecret"];
    let inside = files.iter().filter(|file| is_part_of(file, "payment_server"));
    inside.flat_map(|file| file.naming(secrets).collect::<Vec<_>>()).collect()
}

/// Card reading in the backend outside the bank front.
pub fn emv_outside_the_bank(files: &[SourceFile]) -> Vec<String> {
    let outside = files.iter().filter(|file| !is_part_of(file, "bank_front"));
    let uses = |line: &str| line.contains("emv::") || line.starts_with("use emv");
    outside
        .flat_map(|file| {
            file.code().filter(|(_, line)| uses(line)).map(|(number, _)| (file, number)).collect::<Vec<_>>()
        })
        .map(|(file, number)| format!("{}:{number}: uses emv", file.path))
        .collect()
}

fn is_part_of(file: &SourceFile, module: &str) -> bool {
    file.path.split('/').any(|part| part == module || part.strip_suffix(".rs") == Some(module))
}

/// Rust files whose first line is not a sentence of purpose.
pub fn without_purpose(files: &[SourceFile]) -> Vec<String> {
    let opens_well = |file: &&SourceFile| !file.text.starts_with("//! ");
    files.iter().filter(opens_well).map(|file| format!("{}: does not open with //!", file.path)).collect()
}

/// File names that say nothing.
pub fn banned_names(files: &[SourceFile]) -> Vec<String> {
    let says_nothing = |file: &&SourceFile| file.stem().split('_').any(|word| BANNED_NAMES.contains(&word));
    files.iter().filter(says_nothing).map(|file| format!("{}: a banned name", file.path)).collect()
}

/// Declarations that say left or right: a mirrored page would not follow them.
pub fn physical_sides(files: &[SourceFile]) -> Vec<String> {
    let names_a_side = |declaration: &str| {
        let (property, value) = declaration.split_once(':').unwrap_or((declaration, ""));
        let is_side = |word: &str| matches!(word.trim_end_matches(';'), "left" | "right");
        let is_of_words = matches!(property, "text-align" | "float" | "clear");
        property.split('-').any(is_side) || (is_of_words && value.split_whitespace().any(is_side))
    };
    let breaches = files.iter().flat_map(|file| {
        let named = file.text.lines().enumerate().filter(move |(_, line)| names_a_side(line.trim()));
        named.map(|(index, line)| format!("{}:{}: {}", file.path, index + 1, line.trim()))
    });
    breaches.collect()
}

/// Paths that exist on one machine only.
pub fn machine_paths(files: &[SourceFile]) -> Vec<String> {
    // Put together here, so that this file does not name them itself.
    let banned = ["work", "farm", "root", "home"].map(|top| format!("/{top}/"));
    let mut breaches = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            if banned.iter().any(|path| starts_a_path(line, path)) {
                breaches.push(format!("{}:{}: {}", file.path, index + 1, line.trim()));
            }
        }
    }
    breaches
}

/// Whether an absolute path begins in this line: `"/x/y`, and not `a/x/y` or `https://host/x/y`.
fn starts_a_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|letter| {
            !letter.is_alphanumeric() && !matches!(letter, '/' | '.' | '-' | '_' | '}' | '~' | '$')
        })
    })
}

#[cfg(test)]
fn one(path: &str, text: &str) -> [SourceFile; 1] {
    [SourceFile::synthetic(path, text)]
}

#[test]
fn a_clock_is_caught_and_a_comment_about_one_is_not() {
    assert_eq!(clocks_and_randomness(&one("a.rs", "let now = Instant::now();")), ["a.rs:1: Instant"]);
    assert!(clocks_and_randomness(&one("a.rs", "// No Instant here.\nlet operand = Instants;")).is_empty());
}

#[test]
fn a_card_number_on_the_wire_is_caught() {
    assert_eq!(card_data_types(&one("a.rs", "pub struct Pan(String);")).len(), 1);
    assert_eq!(card_data_types(&one("a.rs", "    pub pan: String,")).len(), 1);
    assert!(card_data_types(&one("a.rs", "pub struct PinPadView {\n    pub panel: u8,")).is_empty());
}

#[test]
fn a_server_that_imports_its_neighbour_is_caught() {
    let inside = one("backend/src/payment_server/bank.rs", "use crate::bank_front::ledger;");
    assert_eq!(neighbours_imported(&inside), ["backend/src/payment_server/bank.rs:1: bank_front"]);
    let top = one("backend/src/bank_front.rs", "use crate::payment_server;");
    assert_eq!(neighbours_imported(&top).len(), 1);
    assert!(neighbours_imported(&one("backend/src/main.rs", "use tapseal::{bank_front, payment_server};")).is_empty());
}

#[test]
fn a_bank_secret_in_the_payment_server_is_caught() {
    let text = "fn open(key: &BankSealingKeySecret) {}";
    assert_eq!(bank_secrets_named(&one("backend/src/payment_server/x.rs", text)).len(), 1);
    assert!(bank_secrets_named(&one("backend/src/bank_front/x.rs", text)).is_empty());
}

#[test]
fn emv_in_the_payment_server_is_caught() {
    assert_eq!(emv_outside_the_bank(&one("backend/src/payment_server.rs", "use emv::tlv;")).len(), 1);
    assert!(emv_outside_the_bank(&one("backend/src/bank_front/check.rs", "use emv::tlv;")).is_empty());
}

#[test]
fn a_file_without_purpose_and_a_name_without_meaning_are_caught() {
    assert_eq!(without_purpose(&one("a.rs", "use std::fs;")).len(), 1);
    assert!(without_purpose(&one("a.rs", "//! Reads cards.\n")).is_empty());
    for bad in ["src/util.rs", "src/card_helper.rs", "src/readers/mod.rs", "src/session_manager.rs"] {
        assert_eq!(banned_names(&one(bad, "")).len(), 1, "{bad}");
    }
    assert!(banned_names(&one("src/commonwealth.rs", "")).is_empty());
}

#[test]
fn a_side_in_a_style_sheet_is_caught() {
    for bad in ["  margin-left: 1rem;", "left: 0;", "text-align: right;", "border-right-width: 1px;"] {
        assert_eq!(physical_sides(&one("a.css", bad)).len(), 1, "{bad}");
    }
    for good in ["margin-inline-start: 1rem;", "text-align: start;", "/* left alone */", ".copyright {"] {
        assert!(physical_sides(&one("a.css", good)).is_empty(), "{good}");
    }
}

#[test]
fn a_path_of_one_machine_is_caught() {
    let path = format!("see {}", ["", "work", "main", "x"].join("/"));
    assert_eq!(machine_paths(&one("a.md", &path)).len(), 1);
    assert!(machine_paths(&one("a.md", "https://example.org/home/page, src/worker/x")).is_empty());
}

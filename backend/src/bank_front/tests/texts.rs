//! What reached telephones and mailboxes of a bench's bank, which writes files.

use super::support::{Bench, home};

/// Every message to this address, whole.
pub async fn texts_to(bench: &Bench, address: &str) -> Vec<String> {
    bench.front.gateways.handed_over().await;
    let Ok(files) = std::fs::read_dir(home(&bench.folder).dir().join("codes")) else { return Vec::new() };
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let read = |file: std::path::PathBuf| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
    };
    let messages = files.into_iter().map(read).filter(|message| message["to"] == address);
    messages.map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

/// The one code to this address whose message says this, and that was not seen before.
pub async fn code_to(bench: &Bench, address: &str, says: &str, seen: &mut Vec<String>) -> String {
    let mut new: Vec<_> = texts_to(bench, address).await;
    new.retain(|text| text.contains(says) && !seen.contains(text));
    assert_eq!(new.len(), 1, "{says} to {address}: {new:?}");
    let text = new.remove(0);
    let mut numbers = text.split(|letter: char| !letter.is_ascii_digit());
    let code = numbers.find(|digits| [6, 8].contains(&digits.len())).unwrap().to_owned();
    seen.push(text);
    code
}

/// Asserts that none of these stands in any file of the bank's, but for those that stand for its gateways.
pub fn assert_kept_nowhere(bench: &Bench, secrets: &[String]) {
    let mut searched = 0;
    let mut folders = vec![bench.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
            if file.is_dir() {
                folders.extend(Some(file).filter(|folder| !folder.ends_with("codes")));
                continue;
            }
            let bytes = std::fs::read(&file).unwrap();
            searched += bytes.len();
            for secret in secrets {
                let is_here = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!is_here, "{secret}: {}", file.display());
            }
        }
    }
    assert!(searched > 100_000, "the database was searched: {searched}");
}

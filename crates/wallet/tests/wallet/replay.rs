//! Recorded cards through the replay reader: every transcript of the card-reading crate, as the command shows it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The fewest transcripts that must be there, so that an empty folder is noticed.
const TRANSCRIPTS_MIN: usize = 30;

fn transcripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../emv/tests/data/traces");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files
}

fn card_read(path: &Path) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_tapseal-wallet"))
        .args(["--json", "card", "read", "--card-wait-s", "5", "--reader"])
        .arg(format!("replay:{}", path.display()))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1, "one line: {}", path.display());
    serde_json::from_slice(&output.stdout).unwrap()
}

/// First six and last four digits, as the command masks a number.
fn masked(pan: &str) -> String {
    let head = if pan.len() >= 12 { 6 } else { 0 };
    format!("{}{}{}", &pan[..head], "*".repeat(pan.len() - head - 4), &pan[pan.len() - 4..])
}

#[test]
fn every_transcript_shows_what_its_source_asserts() {
    let files = transcripts();
    assert!(files.len() >= TRANSCRIPTS_MIN, "{} transcripts", files.len());
    let mut compared = 0;
    for path in files {
        let transcript: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let name = transcript["name"].as_str().unwrap();
        let expected = &transcript["expected"];
        let read = card_read(&path);
        // A card that only tells its number in a file no payment application names.
        let outside_the_application = name == "devnied_GeldKartePpse";
        if let Some(pan) = expected["pan"].as_str().filter(|_| !outside_the_application) {
            assert_eq!(read["pan_masked"], masked(pan), "{name}: {read}");
            compared += 1;
        }
        // 5F24 wins over Track 2; this source asserts Track 2's date.
        let track2_differs = name == "devnied_VisaCardPpse3";
        if let Some(date) = expected["expiry"].as_str().filter(|_| !track2_differs) {
            assert_eq!(read["expiry"], date[2..].replace('-', ""), "{name}: {read}");
        }
        if name.contains("connection_lost") {
            assert_eq!(read["outcome"], "card_removed", "{name}");
            compared += 1;
        }
        let text = read.to_string();
        for pan in [&expected["pan"], &transcript["derived"]["pan"]] {
            let shown = pan.as_str().is_some_and(|pan| text.contains(pan));
            assert!(!shown, "{name}: the whole number is shown");
        }
    }
    assert!(compared >= 20, "{compared} transcripts were compared");
}

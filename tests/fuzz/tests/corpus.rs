//! Every kept input through the check it was kept for, without the engine.

use std::path::{Path, PathBuf};

use fuzz::TARGETS;

/// All corpora together: they are in every checkout.
const CORPORA_BYTES_MAX: u64 = 1024 * 1024;

fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.expect("a folder can be listed").path()).collect()
}

#[test]
fn every_kept_input_passes_its_check() {
    for target in TARGETS {
        let inputs = corpus(target.name);
        assert!(!inputs.is_empty(), "{} has no corpus", target.name);
        for path in inputs {
            let bytes = std::fs::read(&path).expect("a kept input can be read");
            // What fails names the input: the panic itself only names the promise.
            let checked = std::panic::catch_unwind(|| (target.check)(&bytes));
            assert!(checked.is_ok(), "{} breaks a promise of {}", path.display(), target.name);
        }
    }
}

#[test]
fn the_corpora_stay_small() {
    let paths = TARGETS.iter().flat_map(|target| corpus(target.name));
    let bytes: u64 = paths.map(|path| path.metadata().expect("a kept input has a size").len()).sum();
    assert!(bytes < CORPORA_BYTES_MAX, "the corpora have grown to {bytes} bytes: minimise them");
}

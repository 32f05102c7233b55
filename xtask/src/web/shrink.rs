//! Shrinks the module with binaryen's `wasm-opt`, when one is installed; a bundle without it works as well.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{WebError, order, run};
use crate::setup::binaryen;

/// The first `wasm-opt` that reads what today's compiler writes; Debian 12 has 108.
const WASM_OPT_VERSION_MIN: u32 = 116;

/// What makes the module smaller and its compressed form too. All of `-Oz` makes it a quarter smaller, and what gzip
/// makes of it larger: it undoes the likeness of functions that were made from one.
const STEPS: &[&str] = &[
    "--remove-unused-module-elements",
    "--duplicate-function-elimination",
    "--dae-optimizing",
    "--optimize-instructions",
    "--remove-unused-brs",
    "--code-folding",
    "--merge-blocks",
    "--rse",
    "--dae-optimizing",
    "--duplicate-function-elimination",
    "--vacuum",
    "--remove-unused-module-elements",
    "-o",
];
/// What the module may be written with: what the compiler uses and every web view reads. `--all-features` writes an
/// encoding of imports that no browser reads without being told to.
const FEATURES: &[&str] = &[
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Rewrites the module in place.
pub fn shrink(target: &Path, module: &Path) -> Result<(), WebError> {
    let Some(wasm_opt) = recent_wasm_opt(target) else {
        eprintln!("wasm-opt {WASM_OPT_VERSION_MIN} or newer is not installed (npm has it): the module stays larger");
        return Ok(());
    };
    let again = || {
        let mut again = Command::new(wasm_opt.get_program());
        again.args(FEATURES);
        again
    };
    run(again().args(STEPS).arg(module).arg(module))?;
    order::sort(again(), module)
}

fn recent_wasm_opt(target: &Path) -> Option<Command> {
    let candidates = [binaryen::program(target), PathBuf::from("wasm-opt")];
    candidates.into_iter().find_map(|program| {
        let output = Command::new(&program).arg("--version").output().ok()?;
        // "wasm-opt version 132 (version_132)"
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version: u32 = text.split_whitespace().find_map(|word| word.parse().ok())?;
        (version >= WASM_OPT_VERSION_MIN).then(|| Command::new(program))
    })
}

//! Shrinks the module with binaryen's `wasm-opt`, when one is installed; a bundle without it works as well.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{WebError, run};
use crate::setup::binaryen;

/// The first `wasm-opt` that reads what today's compiler writes; Debian 12 has 108.
const WASM_OPT_VERSION_MIN: u32 = 116;

/// Everything for size, but for one step: functions stay beside those they were written with. Sorted by how often they
/// are called, as `-Oz` would, what is alike stands far apart, and the compressed module is larger than before.
const STEPS: &[&str] = &["-Oz", "--all-features", "--skip-pass=reorder-functions", "-o"];

/// Rewrites the module in place.
pub fn shrink(target: &Path, module: &Path) -> Result<(), WebError> {
    let Some(mut wasm_opt) = recent_wasm_opt(target) else {
        eprintln!("wasm-opt {WASM_OPT_VERSION_MIN} or newer is not installed (npm has it): the module stays larger");
        return Ok(());
    };
    wasm_opt.args(STEPS).arg(module).arg(module);
    run(&mut wasm_opt)
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

//! Programs from crates.io that check or drive ours, in the versions the checks were written for.

use crate::failure::Failure;
use crate::invocation::{find, run};
use crate::progress::Progress;
use crate::repository::{cargo, target_folder};

/// A program, and the version installed when it is missing.
struct Tool {
    name: &'static str,
    version: &'static str,
}

const TOOLS: [Tool; 3] = [
    Tool { name: "tauri-driver", version: "2.1.0" },
    Tool { name: "cargo-deny", version: "0.20.2" },
    Tool { name: "cargo-audit", version: "0.22.2" },
];

/// Installs the tools that are not there yet.
pub fn install() -> Result<(), Failure> {
    TOOLS.iter().filter(|tool| find(tool.name).is_none()).try_for_each(install_one)
}

fn install_one(tool: &Tool) -> Result<(), Failure> {
    let versioned = format!("{}@{}", tool.name, tool.version);
    let progress = Progress::start(format!("cargo install --locked {versioned}"));
    let mut install = cargo(["install", "--locked", &versioned]);
    // One folder for all of them, so that what they share is built once.
    install.arg("--target-dir").arg(target_folder()?.join("tools"));
    let done = run(install, &progress);
    progress.end(if done.is_ok() { "ok" } else { "FAILED" });
    done.map(|_| ())
}

//! What the tests take from npm, each in a folder of cargo's target folder: a short message centre, and axe-core.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::invocation::{command, run};
use crate::progress::Progress;
use crate::repository::{root, target_folder};

/// A file in its folder that holds what it was made of.
const INSTALLED: &str = "installed";

/// Something that is installed with npm, from its folder in `tests/clients`.
#[derive(Clone, Copy)]
pub struct Client {
    name: &'static str,
    sources: &'static [&'static str],
}

/// The short message centre, npm's `smpp`.
pub const SMPP: Client = Client { name: "smpp", sources: &["package.json", "smsc.js"] };

/// What examines the screens, npm's `axe-core`.
pub const AXE: Client = Client { name: "axe", sources: &["package.json"] };

impl Client {
    /// Where it is with its libraries, once it is installed.
    pub fn folder(self) -> Result<PathBuf, Failure> {
        Ok(target_folder()?.join(self.name))
    }

    /// Installs it unless it is there as it should be.
    pub fn install(self) -> Result<(), Failure> {
        let folder = self.folder()?;
        std::fs::create_dir_all(&folder).map_err(Failure::file(&folder))?;
        let mut wanted = Vec::new();
        for name in self.sources {
            let source = root().join("tests/clients").join(self.name).join(name);
            let text = std::fs::read(&source).map_err(Failure::file(&source))?;
            let copy = folder.join(name);
            std::fs::write(&copy, &text).map_err(Failure::file(&copy))?;
            wanted.extend(text);
        }
        let stamp = folder.join(INSTALLED);
        if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(());
        }
        let progress = Progress::start(format!("npm install {}", self.name));
        let mut npm = command("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]);
        npm.current_dir(&folder);
        let done = run(npm, &progress);
        progress.end(if done.is_ok() { "ok" } else { "FAILED" });
        done?;
        std::fs::write(&stamp, wanted).map_err(Failure::file(&stamp))
    }
}

//! How large the module is as a web server would send it: compressed by `gzip --best`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{PACKAGE, WebError, at};

/// What the module is to come to, compressed.
const COMPRESSED_BYTES_GOAL: usize = 400_000;
/// The most it may have until then, so that it does not grow unseen. What makes it smaller lowers this too.
const COMPRESSED_BYTES_MAX: usize = 590_000;

/// The module's sizes.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    bytes: u64,
    compressed_bytes: usize,
}

/// Of the bundle in `ui/dist` below `root`.
///
/// # Errors
/// When there is no bundle, or no `gzip`.
pub fn of_bundle(root: &Path) -> Result<Size, WebError> {
    let module = module(root);
    let bytes = module.metadata().map_err(at(&module))?.len();
    let compressed = Command::new("gzip").args(["--best", "--stdout"]).arg(&module).output();
    let compressed = compressed.map_err(|source| WebError::Start { program: "gzip".into(), source })?;
    if !compressed.status.success() {
        return Err(WebError::Failed { program: "gzip".into(), status: compressed.status });
    }
    Ok(Size { bytes, compressed_bytes: compressed.stdout.len() })
}

impl Size {
    /// Keeps the module from growing unseen.
    ///
    /// # Errors
    /// When it is larger than it may be.
    pub fn check(self) -> Result<(), WebError> {
        if self.compressed_bytes <= COMPRESSED_BYTES_MAX {
            return Ok(());
        }
        Err(WebError::TooLarge { bytes: self.compressed_bytes, bytes_max: COMPRESSED_BYTES_MAX })
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, compressed_bytes } = self;
        write!(
            f,
            "{PACKAGE}_bg.wasm: {bytes} bytes, {compressed_bytes} by gzip; goal {COMPRESSED_BYTES_GOAL}, at most {COMPRESSED_BYTES_MAX}"
        )
    }
}

fn module(root: &Path) -> PathBuf {
    root.join("ui/dist").join(format!("{PACKAGE}_bg.wasm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_too_many_is_too_large() {
        let size = |compressed_bytes| Size { bytes: 0, compressed_bytes };
        assert!(size(COMPRESSED_BYTES_MAX).check().is_ok());
        assert!(size(COMPRESSED_BYTES_MAX + 1).check().is_err());
    }
}

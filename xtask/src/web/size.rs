//! How large the modules are as a web server would send them: compressed by `gzip --best`.

use std::fmt;
use std::path::Path;
use std::process::Command;

use super::{PACKAGE, WebError, at};

/// What the first module is to come to at most, compressed: what is read and compiled before the requests are shown.
const COMPRESSED_BYTES_GOAL: usize = 400_000;
/// The most it may have, so that it does not grow unseen. What makes it smaller lowers this too.
const COMPRESSED_BYTES_MAX: usize = 275_000;
/// The same of all modules together, each compressed by itself.
const COMPRESSED_BYTES_TOGETHER_MAX: usize = 870_000;

/// The modules' sizes.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    bytes: u64,
    compressed_bytes: usize,
    compressed_bytes_together: usize,
}

/// Of the bundle in `ui/dist` below `root`.
///
/// # Errors
/// When there is no bundle, or no `gzip`.
pub fn of_bundle(root: &Path) -> Result<Size, WebError> {
    let dist = root.join("ui/dist");
    let first = dist.join(format!("{PACKAGE}_bg.wasm"));
    let mut compressed_bytes_together = 0;
    for entry in dist.read_dir().map_err(at(&dist))? {
        let module = entry.map_err(at(&dist))?.path();
        if module.extension().is_some_and(|extension| extension == "wasm") {
            compressed_bytes_together += compressed_bytes(&module)?;
        }
    }
    let bytes = first.metadata().map_err(at(&first))?.len();
    Ok(Size { bytes, compressed_bytes: compressed_bytes(&first)?, compressed_bytes_together })
}

fn compressed_bytes(module: &Path) -> Result<usize, WebError> {
    let compressed = Command::new("gzip").args(["--best", "--stdout"]).arg(module).output();
    let compressed = compressed.map_err(|source| WebError::Start { program: "gzip".into(), source })?;
    if !compressed.status.success() {
        return Err(WebError::Failed { program: "gzip".into(), status: compressed.status });
    }
    Ok(compressed.stdout.len())
}

impl Size {
    /// Keeps the modules from growing unseen.
    ///
    /// # Errors
    /// When the first is larger than it may be, or all are.
    pub fn check(self) -> Result<(), WebError> {
        let bounds = [
            (self.compressed_bytes, COMPRESSED_BYTES_MAX),
            (self.compressed_bytes_together, COMPRESSED_BYTES_TOGETHER_MAX),
        ];
        match bounds.into_iter().find(|(bytes, bytes_max)| bytes > bytes_max) {
            None => Ok(()),
            Some((bytes, bytes_max)) => Err(WebError::TooLarge { bytes, bytes_max }),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, compressed_bytes, compressed_bytes_together } = self;
        write!(
            f,
            "{PACKAGE}_bg.wasm: {bytes} bytes, {compressed_bytes} by gzip; goal {COMPRESSED_BYTES_GOAL}, at most \
             {COMPRESSED_BYTES_MAX}. With the parts loaded later: {compressed_bytes_together} by gzip, at most \
             {COMPRESSED_BYTES_TOGETHER_MAX}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_too_many_is_too_large() {
        let size = |compressed_bytes, compressed_bytes_together| Size {
            bytes: 0,
            compressed_bytes,
            compressed_bytes_together,
        };
        let (first, together) = (COMPRESSED_BYTES_MAX, COMPRESSED_BYTES_TOGETHER_MAX);
        assert!(size(first, together).check().is_ok());
        assert!(size(first + 1, together).check().is_err());
        assert!(size(first, together + 1).check().is_err());
    }
}

//! The bank's private files, with the bank's own word for what went wrong.

use std::path::Path;

use super::error::BankError;
use crate::private_file;

pub use crate::private_file::OWNER_ONLY;

/// Writes `bytes` to `path` durably: a crash leaves the old content or the new, never a part.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), BankError> {
    private_file::replace(path, bytes).map_err(|error| BankError::file(path, error))
}

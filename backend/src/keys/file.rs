//! Files of keys and of what belongs to them: whole, private, and never written over.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use zeroize::Zeroizing;

use super::KeysError;

/// A 32-byte key in base64url from a file.
pub fn read_key(path: &Path) -> Result<Zeroizing<[u8; 32]>, KeysError> {
    let text = Zeroizing::new(read_text(path)?);
    decode_key(text.trim()).ok_or_else(|| KeysError::Malformed { path: path.to_owned(), what: "not a key of 32 bytes" })
}

pub(crate) fn decode_key(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
    Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
}

/// A whole text file.
pub fn read_text(path: &Path) -> Result<String, KeysError> {
    std::fs::read_to_string(path).map_err(|source| KeysError::File { path: path.to_owned(), source })
}

/// A whole JSON file.
pub fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, KeysError> {
    let text = Zeroizing::new(read_text(path)?);
    serde_json::from_str(&text)
        .map_err(|_| KeysError::Malformed { path: path.to_owned(), what: "not the JSON expected here" })
}

/// Writes a value as JSON that only its owner can read. A file that exists is left as it is.
pub(super) fn write_json<T: Serialize + ?Sized>(path: &Path, value: &T) -> Result<(), KeysError> {
    let json = Zeroizing::new(serde_json::to_vec_pretty(value).expect("strings and integers are always JSON"));
    write_new(path, &json)
}

/// Writes a file that only its owner can read in place of the one that is there.
pub(crate) fn replace_json<T: Serialize + ?Sized>(path: &Path, value: &T) -> Result<(), KeysError> {
    let beside = path.with_extension("new");
    let failed = |source| KeysError::File { path: path.to_owned(), source };
    if beside.exists() {
        // Left by a run that was killed; nobody reads it.
        std::fs::remove_file(&beside).map_err(failed)?;
    }
    write_json(&beside, value)?;
    std::fs::rename(&beside, path).map_err(failed)
}

/// Writes a file only its owner can read. A file that exists is left as it is.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), KeysError> {
    let failed = |source| KeysError::File { path: path.to_owned(), source };
    if let Some(parent) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed)?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

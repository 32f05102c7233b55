//! What can go wrong inside the vault; a refusal is not an error but an answer.

use std::path::PathBuf;

/// Every error of the vault. None holds a name, a card or a key.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The database refused or failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// A file of the deployment's lists or keys could not be used.
    #[error(transparent)]
    Folder(#[from] crate::keys::KeysError),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// The key file does not open.
    #[error("the key file does not open: the passphrase is another one, or the file was changed")]
    Passphrase,
    /// Others can read the passphrase.
    #[error("{0}: others can read or change the passphrase; make the file private (mode 0600)")]
    PassphraseExposed(PathBuf),
    /// A folder that has a vault already.
    #[error("there is a vault in {0} already")]
    Exists(PathBuf),
    /// A stored value does not mean anything to this version of the program, or does not open.
    #[error("the stored {0} has no meaning")]
    Stored(&'static str),
    /// A row that must have changed did not.
    #[error("{0} changed underneath")]
    Conflict(&'static str),
    /// Something could not be sealed.
    #[error(transparent)]
    Seal(#[from] envelope::SealError),
    /// TLS could not be set up.
    #[error(transparent)]
    Tls(#[from] crate::tls::TlsError),
    /// The audit log was changed.
    #[error("the audit log is broken at entry {0}")]
    Audit(i64),
    /// No alias as asked for.
    #[error("no such alias")]
    NoAlias,
    /// The process is ending.
    #[error("the vault is stopping")]
    Stopped,
    /// A socket failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl VaultError {
    /// A file error, with the file's name.
    pub(super) fn file(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }
}

//! Where a bank's keys are, and where the passphrase that opens them is.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use super::{FILE_NAME, PASSPHRASE_FILE_NAME};
use crate::bank_front::error::BankError;
use crate::bank_front::file;

/// Fewest bytes of a passphrase.
const PASSPHRASE_LEN_MIN: usize = 12;
/// Most bytes of a passphrase.
const PASSPHRASE_LEN_MAX: usize = 1_024;
/// Random bytes of a passphrase that is made.
const MADE_LEN: usize = 24;
/// Who may not touch a passphrase's file: others at all, and the group but for reading, as secrets are mounted.
const MODE_FORBIDDEN: u32 = 0o037;

/// A bank's folder of keys. Of a path alone it is that folder with its own passphrase file, [`PASSPHRASE_FILE_NAME`].
#[derive(Debug, Clone)]
pub struct KeyFolder {
    dir: PathBuf,
    passphrase_file: PathBuf,
}

impl<P: AsRef<Path>> From<P> for KeyFolder {
    fn from(dir: P) -> Self {
        let dir = dir.as_ref().to_owned();
        Self { passphrase_file: dir.join(PASSPHRASE_FILE_NAME), dir }
    }
}

impl KeyFolder {
    /// The same with its passphrase in another file, if one is named.
    #[must_use]
    pub fn with_passphrase_file(mut self, file: Option<&Path>) -> Self {
        if let Some(file) = file {
            file.clone_into(&mut self.passphrase_file);
        }
        self
    }

    /// The folder.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The key file.
    pub(super) fn key_file(&self) -> PathBuf {
        self.dir.join(FILE_NAME)
    }

    /// The passphrase: what is in its file, without the end of the line.
    ///
    /// # Errors
    /// When the file cannot be read, others can read it too, or what is in it is too short or too long.
    pub(super) fn passphrase(&self) -> Result<Zeroizing<Vec<u8>>, BankError> {
        let fail = |error| BankError::file(&self.passphrase_file, error);
        let file = File::open(&self.passphrase_file).map_err(fail)?;
        if file.metadata().map_err(fail)?.permissions().mode() & MODE_FORBIDDEN != 0 {
            return Err(BankError::PassphraseExposed(self.passphrase_file.clone()));
        }
        let mut passphrase = Zeroizing::new(Vec::with_capacity(PASSPHRASE_LEN_MAX + 2));
        let most = u64::try_from(PASSPHRASE_LEN_MAX + 2).expect("a short length");
        file.take(most).read_to_end(&mut passphrase).map_err(fail)?;
        while passphrase.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            passphrase.pop();
        }
        if (PASSPHRASE_LEN_MIN..=PASSPHRASE_LEN_MAX).contains(&passphrase.len()) {
            Ok(passphrase)
        } else {
            Err(BankError::Malformed("the passphrase, which has 12 to 1024 bytes,"))
        }
    }

    /// The passphrase, made and written down first when there is none: a test deployment has nobody to ask.
    ///
    /// # Errors
    /// As [`Self::passphrase`].
    pub(super) fn passphrase_or_new(&self) -> Result<Zeroizing<Vec<u8>>, BankError> {
        if !self.passphrase_file.exists() {
            let mut bytes = Zeroizing::new([0; MADE_LEN]);
            getrandom::fill(&mut *bytes).expect("the operating system has randomness");
            let text = Zeroizing::new(format!("{}\n", *Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes))));
            file::replace(&self.passphrase_file, text.as_bytes())?;
        }
        self.passphrase()
    }

    /// Waits for one's turn to read, change and replace the key file: a serving bank renews its epochs
    /// while its staff add issuers. The turn ends when the handle is dropped, at the latest with the
    /// process; whoever has it only writes a small file.
    pub(super) fn turn(&self) -> Result<File, BankError> {
        let path = self.key_file().with_extension("lock");
        let fail = |error| BankError::file(&path, error);
        let handle = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(file::OWNER_ONLY)
            .open(&path)
            .map_err(fail)?;
        handle.lock().map_err(fail)?;
        Ok(handle)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::*;

    #[test]
    fn a_passphrase_is_made_once_and_is_the_owners() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFolder::from(folder.path());
        assert!(keys.passphrase().is_err());
        let made = keys.passphrase_or_new().unwrap();
        assert!(*made == *keys.passphrase_or_new().unwrap() && made.len() == 32);
        let path = folder.path().join(PASSPHRASE_FILE_NAME);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, file::OWNER_ONLY);
        for (mode, allowed) in [(0o400, true), (0o440, true), (0o604, false), (0o620, false), (0o644, false)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let found = keys.passphrase();
            assert_eq!(found.is_ok(), allowed, "{mode:o}");
            assert!(allowed || matches!(found, Err(BankError::PassphraseExposed(_))));
        }
    }

    #[test]
    fn a_passphrase_ends_with_its_line_and_has_bounds() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = folder.path().join("elsewhere");
        let keys = KeyFolder::from(folder.path()).with_passphrase_file(Some(&elsewhere));
        for (content, expected) in [
            ("twelve bytes\n".to_owned(), Some("twelve bytes".to_owned())),
            ("twelve bytes\r\n".to_owned(), Some("twelve bytes".to_owned())),
            (" spaces count ".to_owned(), Some(" spaces count ".to_owned())),
            ("x".repeat(1_024), Some("x".repeat(1_024))),
            ("x".repeat(1_025), None),
            ("eleven byte".to_owned(), None),
            (String::new(), None),
        ] {
            file::replace(&elsewhere, content.as_bytes()).unwrap();
            let found = keys.passphrase().ok().map(|found| String::from_utf8(found.to_vec()).unwrap());
            assert_eq!(found, expected);
        }
    }
}

//! Backup and restore: everything a person would miss, in one sealed file, without a key.
//!
//! In it are receipts, attempts, requests, choices, decided senders and the names of claimed identifiers. A restored wallet
//! is a new device: its keys are made anew, identifiers are claimed again, and what the old device had under way is asked
//! about through the request and not through the attempt, which only the old device may see.
//!
//! **Invariant:** a file is read to its end, and every line of it checked, before anything is merged.
//! **Invariant:** merging adds, and never replaces by what is older; doing it twice is doing it once.
//! **Invariant:** an attempt of another device never becomes "not sent" here: that word is for who sent it.

mod container;
mod gather;
mod merge;
pub(crate) mod record;

use std::path::PathBuf;

use protocol::ipc::keep::{BackupMade, BackupState, Restored};
use protocol::{ErrorCode, Problem};
use unicode_normalization::UnicodeNormalization;

use crate::clock;
use crate::error::{Result, WalletError};
use crate::history;
use crate::wallet::Wallet;
use container::Passphrase;

/// The shortest passphrase, in characters: whoever has the file can guess as long as they like.
const PASSPHRASE_CHARS_MIN: usize = 12;
/// The longest, in bytes.
const PASSPHRASE_BYTES_MAX: usize = 1_024;
/// How old the last backup may be before a reminder, in milliseconds: 90 days.
const OLD_AFTER_MS: u64 = 90 * 24 * 60 * 60 * 1_000;
/// So many receipts that are in no backup are worth one.
const NEW_RECEIPTS_MIN: u64 = 20;
/// When the last backup was made, and when its newest receipt was decided.
const SETTING_LAST: &str = "backup_made_ms";
/// The folder in the wallet's own, for backups without a chosen place.
const FOLDER: &str = "backups";
/// What a backup's name ends with.
pub const EXTENSION: &str = "tapseal-backup";

impl Wallet {
    /// When the last backup was made, and whether it is time for one.
    pub async fn backup_state(&self) -> std::result::Result<BackupState, Problem> {
        let store = &self.core.store;
        let last_ms: Option<u64> = store.setting(SETTING_LAST).await?.and_then(|text| text.parse().ok());
        let (receipts, new_receipts) = store.count_receipts(last_ms.unwrap_or(0)).await?;
        let is_old = last_ms.is_none_or(|last_ms| clock::now_ms().saturating_sub(last_ms) > OLD_AFTER_MS);
        let is_due = is_old && new_receipts >= NEW_RECEIPTS_MIN;
        Ok(BackupState { last_ms, receipts, new_receipts, is_due, file_name: file_name() })
    }

    /// Writes a backup, and opens it again before it counts.
    pub async fn backup_make(
        &self,
        passphrase: String,
        path: Option<String>,
    ) -> std::result::Result<BackupMade, Problem> {
        let passphrase = checked(passphrase)?;
        if passphrase.chars() < PASSPHRASE_CHARS_MIN {
            return Err(Problem::new(ErrorCode::BackupPassphraseShort));
        }
        let path = self.place(path, ErrorCode::BackupNotWritten)?;
        let made_ms = clock::now_ms();
        let written = gather::write(self, &path, passphrase.bytes, made_ms).await?;
        self.core.store.save_setting(SETTING_LAST, &made_ms.to_string()).await?;
        Ok(BackupMade { path: path.display().to_string(), made_ms, ..written })
    }

    /// Merges a backup into this wallet.
    pub async fn backup_restore(
        &self,
        passphrase: String,
        path: Option<String>,
    ) -> std::result::Result<Restored, Problem> {
        let passphrase = checked(passphrase)?;
        let path = match path {
            Some(path) => PathBuf::from(path),
            None => self.newest()?,
        };
        let restored = merge::restore(self, path, passphrase.bytes).await?;
        self.core.changes.inbox_changed();
        // What was brought is entered in the history beside whatever comes next.
        drop(tokio::spawn(history::run(self.clone())));
        Ok(restored)
    }

    /// The chosen place, or a file of today in the wallet's own folder.
    pub(crate) fn place(&self, path: Option<String>, code: ErrorCode) -> Result<PathBuf> {
        if let Some(path) = path {
            return Ok(PathBuf::from(path));
        }
        let folder = self.core.config.home.join(FOLDER);
        std::fs::create_dir_all(&folder).map_err(|error| WalletError::Detailed(code, error.to_string()))?;
        Ok(folder.join(file_name()))
    }

    /// The newest backup in the wallet's own folder.
    fn newest(&self) -> Result<PathBuf> {
        let none = || WalletError::Detailed(ErrorCode::BackupUnreadable, "there is no backup here".to_owned());
        let folder = std::fs::read_dir(self.core.config.home.join(FOLDER)).map_err(|_| none())?;
        let paths = folder.flatten().map(|entry| entry.path());
        let backups = paths.filter(|path| path.extension().is_some_and(|extension| extension == EXTENSION));
        backups.max_by_key(|path| path.metadata().and_then(|data| data.modified()).ok()).ok_or_else(none)
    }
}

/// A passphrase in one form, however a keyboard composes its letters.
struct Checked {
    bytes: Passphrase,
}

impl Checked {
    fn chars(&self) -> usize {
        String::from_utf8_lossy(&self.bytes).chars().count()
    }
}

fn checked(passphrase: String) -> Result<Checked> {
    let passphrase = zeroize::Zeroizing::new(passphrase);
    let bytes: Passphrase = passphrase.nfc().collect::<String>().into_bytes().into();
    if bytes.is_empty() || bytes.len() > PASSPHRASE_BYTES_MAX {
        return Err(WalletError::Code(ErrorCode::BackupPassphraseShort));
    }
    Ok(Checked { bytes })
}

/// The name of a backup made today.
pub fn file_name() -> String {
    format!("Tapseal-{}.{EXTENSION}", jiff::Zoned::now().strftime("%Y-%m-%d"))
}

//! The key file: every key of the security module, sealed with a passphrase.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use envelope::keyset::Dated;
use envelope::{BankOutcome, BankRoot, BankSealingKeySecret, SigningKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::issuer_key::IssuerKey;
use super::key::{KeyKind, Secret, StoredKey};
use super::key_folder::KeyFolder;
use super::pin_key::PinKeys;
use super::sealed_file::{self, Cost, FileKey};
use super::voucher::StoredVoucherKeys;
use super::zone::{self, SharedKey, StoredZone, ZONES_MAX, ZoneKeyKind, ZoneSetup};
use super::{EPOCH_BACKDATE_MS, EPOCH_LAST_ARRIVAL_MS, EPOCH_LIFE_MS, EPOCH_RENEW_BEFORE_MS};
use crate::bank_front::error::BankError;
use crate::bank_front::file;
use crate::keys::BankEntry;

/// The key file within the bank's folder.
pub const FILE_NAME: &str = "hsm.keys";
/// Where its passphrase is, unless it is said to be elsewhere.
pub const PASSPHRASE_FILE_NAME: &str = "hsm-passphrase";
/// The seed of the bank's root within the bank's folder.
pub const ROOT_FILE_NAME: &str = "root.key";

/// Life of the outcome key, in milliseconds: a year.
const OUTCOME_KEY_LIFE_MS: i64 = 365 * 24 * 60 * 60 * 1_000;
/// How far before now the outcome key becomes valid, in milliseconds.
const OUTCOME_KEY_BACKDATE_MS: i64 = 60 * 60 * 1_000;
/// Most issuers of one bank, as a certificate names no more card ranges.
const ISSUERS_MAX: usize = 1_000;
/// The index of the one Visa PIN verification key.
const PVV_KEY_INDEX: u8 = 1;

/// A sealing key and its time.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredEpoch {
    secret: StoredKey,
    not_before_ms: i64,
    not_after_ms: i64,
}

impl StoredEpoch {
    fn starting(now_ms: i64) -> Self {
        let secret = BankSealingKeySecret::generate();
        let not_before_ms = now_ms - EPOCH_BACKDATE_MS;
        Self {
            secret: StoredKey::of(KeyKind::Sealing, secret.expose_bytes()),
            not_before_ms,
            not_after_ms: not_before_ms + EPOCH_LIFE_MS,
        }
    }

    pub(super) fn load(&self) -> Result<Dated<BankSealingKeySecret>, BankError> {
        Ok(Dated {
            key: BankSealingKeySecret::from_bytes(&*self.secret.expose(KeyKind::Sealing)?),
            not_before_ms: self.not_before_ms,
            not_after_ms: self.not_after_ms,
        })
    }
}

/// What is shown of a key.
#[derive(Debug, Serialize)]
pub(super) struct ListedKey {
    /// Its kind and whose it is.
    pub(super) id: String,
    pub(super) kind: &'static str,
    /// Its usage as other modules name it (ANSI X9.143).
    pub(super) usage: &'static str,
    pub(super) check_value: String,
}

impl ListedKey {
    fn of(owner: &str, key: &StoredKey) -> Result<Self, BankError> {
        let kind = key.kind();
        let id = format!("{}/{owner}", kind.as_str());
        Ok(Self { id, kind: kind.as_str(), usage: kind.usage(), check_value: key.check_value()? })
    }
}

/// Everything in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyFile {
    pub(super) bank_id: String,
    pub(super) bank_name: String,
    pub(super) certificate_version: u64,
    pub(super) certificate_issued_ms: i64,
    pub(super) outcome_key: StoredKey,
    pub(super) outcome_key_not_before_ms: i64,
    pub(super) outcome_key_not_after_ms: i64,
    pub(super) pan_reference_key: StoredKey,
    pvv_key: StoredKey,
    pvv_key_index: u8,
    pin_offset_key: StoredKey,
    /// None in the file of a bank that was set up before there were vouchers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) voucher_keys: Option<StoredVoucherKeys>,
    pub(super) issuers: Vec<IssuerKey>,
    pub(super) zones: Vec<StoredZone>,
    pub(super) epochs: Vec<StoredEpoch>,
}

impl KeyFile {
    /// Opens the file with the passphrase in the folder's passphrase file.
    pub(super) fn load(folder: &KeyFolder) -> Result<(Self, FileKey), BankError> {
        let (file, key) = Self::open(folder, None)?;
        Ok((file, key.ok_or(BankError::Passphrase)?))
    }

    /// Opens the file again with the key it was opened with; with the passphrase when that was changed meanwhile.
    pub(super) fn reload(folder: &KeyFolder, key: &mut FileKey) -> Result<Self, BankError> {
        let (file, changed) = Self::open(folder, Some(key))?;
        if let Some(changed) = changed {
            *key = changed;
        }
        Ok(file)
    }

    fn open(folder: &KeyFolder, known: Option<&FileKey>) -> Result<(Self, Option<FileKey>), BankError> {
        let path = folder.key_file();
        let sealed = std::fs::read(&path).map_err(|error| BankError::file(&path, error))?;
        let (json, key) = sealed_file::open(&sealed, known, || folder.passphrase())?;
        Ok((Self::parse(&json)?, key))
    }

    fn parse(json: &[u8]) -> Result<Self, BankError> {
        let file: Self = serde_json::from_slice(json).map_err(|_| BankError::Malformed(FILE_NAME))?;
        let digits =
            |issuer: &IssuerKey| (6..=8).contains(&issuer.iin.len()) && issuer.iin.bytes().all(|c| c.is_ascii_digit());
        if file.pvv_key_index > 9 || !file.issuers.iter().all(digits) {
            return Err(BankError::Malformed(FILE_NAME));
        }
        Ok(file)
    }

    pub(super) fn save(&self, folder: &KeyFolder, key: &FileKey) -> Result<(), BankError> {
        let json = Zeroizing::new(serde_json::to_vec(self).map_err(|_| BankError::Malformed(FILE_NAME))?);
        file::replace(&folder.key_file(), &key.seal(&json)?)
    }

    /// Writes the file of a serving bank: issuers and acquirers that its staff added meanwhile are kept.
    pub(super) fn save_over(&mut self, folder: &KeyFolder, key: &mut FileKey) -> Result<(), BankError> {
        let _turn = folder.turn()?;
        let stored = Self::reload(folder, key)?;
        self.issuers = stored.issuers;
        self.voucher_keys = stored.voucher_keys;
        for zone in stored.zones {
            match self.zones.iter_mut().find(|known| known.acquirer == zone.acquirer) {
                Some(known) => known.add_missing(zone),
                None => self.zones.push(zone),
            }
        }
        // Adding an issuer raised the version: a wallet that has seen the higher one takes no lower.
        self.certificate_version = self.certificate_version.max(stored.certificate_version + 1);
        self.save(folder, key)
    }

    pub(super) fn expose_pin_keys(&self) -> Result<PinKeys, BankError> {
        Ok(PinKeys {
            pvv: self.pvv_key.expose(KeyKind::PinVerification)?,
            pvv_index: self.pvv_key_index,
            offset: self.pin_offset_key.expose(KeyKind::PinOffset)?,
        })
    }

    /// Every key by id, kind and check value.
    pub(super) fn listed(&self) -> Result<Vec<ListedKey>, BankError> {
        let of_bank = [&self.outcome_key, &self.pan_reference_key, &self.pvv_key, &self.pin_offset_key];
        let of_vouchers = self.voucher_keys.iter().flat_map(StoredVoucherKeys::keys);
        let of_bank = of_bank.into_iter().chain(of_vouchers).map(|key| (self.bank_id.as_str(), key));
        let of_issuers = self.issuers.iter().flat_map(|issuer| issuer.keys().map(|key| (issuer.iin.as_str(), key)));
        let of_zones = self.zones.iter().flat_map(|zone| zone.keys.iter().map(|key| (zone.acquirer.as_str(), key)));
        let known = of_bank.chain(of_issuers).chain(of_zones).map(|(owner, key)| ListedKey::of(owner, key));
        let epochs = self.epochs.iter().map(|epoch| ListedKey::of(epoch.load()?.key.kid(), &epoch.secret));
        known.chain(epochs).collect()
    }

    /// Puts a working key of an acquirer in the place of the one before.
    pub(super) fn set_zone_key(&mut self, acquirer: &str, kind: ZoneKeyKind, key: &[u8; 16]) -> Result<(), BankError> {
        let name = zone::acquirer_name(acquirer);
        let zone = self.zones.iter_mut().find(|zone| Some(zone.acquirer.as_str()) == name);
        zone.ok_or(BankError::NoZoneKey("zone master"))?.set(kind, key);
        Ok(())
    }

    /// Adds an issuer unless it is known; whether it, or a key of it, is new.
    fn add_issuer(&mut self, issuer: IssuerKey) -> Result<bool, BankError> {
        // The longest known prefix is the one that a card's cryptogram is checked by.
        let known = self.issuers.iter_mut().filter(|known| issuer.iin.starts_with(&known.iin));
        if let Some(known) = known.max_by_key(|known| known.iin.len()) {
            return known.complete(issuer);
        }
        if self.issuers.len() >= ISSUERS_MAX {
            return Err(BankError::TooMany("issuers"));
        }
        self.issuers.push(issuer);
        Ok(true)
    }

    /// Whether a new epoch must be made, or an old one forgotten.
    pub(super) fn is_due(&self, now_ms: i64) -> bool {
        let newest = self.epochs.iter().map(|epoch| epoch.not_after_ms).max();
        newest.is_none_or(|ends_ms| ends_ms - now_ms < EPOCH_RENEW_BEFORE_MS)
            || self.epochs.iter().any(|epoch| epoch.is_over(now_ms))
    }

    /// Forgets the epochs whose last capsule may have arrived, and starts a new one when the newest
    /// is half through; whether anything changed.
    pub(super) fn renew(&mut self, now_ms: i64) -> bool {
        if !self.is_due(now_ms) {
            return false;
        }
        self.epochs.retain(|epoch| !epoch.is_over(now_ms));
        let newest = self.epochs.iter().map(|epoch| epoch.not_after_ms).max();
        if newest.is_none_or(|ends_ms| ends_ms - now_ms < EPOCH_RENEW_BEFORE_MS) {
            self.epochs.push(StoredEpoch::starting(now_ms));
        }
        self.certificate_version += 1;
        self.certificate_issued_ms = now_ms;
        true
    }
}

impl StoredEpoch {
    fn is_over(&self, now_ms: i64) -> bool {
        now_ms >= self.not_after_ms + EPOCH_LAST_ARRIVAL_MS
    }
}

/// Makes the bank's keys in its folder, where they are missing; whether a key file was made. The
/// root is made too unless it is there, and is returned in public; so is the passphrase.
pub fn init(
    folder: impl Into<KeyFolder>,
    bank: &BankEntry,
    issuers: Vec<IssuerKey>,
    now_ms: i64,
) -> Result<bool, BankError> {
    let folder = folder.into();
    std::fs::create_dir_all(folder.dir()).map_err(|error| BankError::file(folder.dir(), error))?;
    let root_path = folder.dir().join(ROOT_FILE_NAME);
    if !root_path.exists() {
        let root = SigningKey::<BankRoot>::generate();
        let seed = Zeroizing::new(URL_SAFE_NO_PAD.encode(root.expose_bytes()));
        file::replace(&root_path, seed.as_bytes())?;
    }
    if folder.key_file().exists() {
        return Ok(false);
    }
    // The passphrase first: a key file that nobody can open would be worse than none.
    let file_key = FileKey::new(&folder.passphrase_or_new()?, Cost::of_new_files())?;
    let outcome_key = SigningKey::<BankOutcome>::generate();
    let not_before_ms = now_ms - OUTCOME_KEY_BACKDATE_MS;
    let mut keys = KeyFile {
        bank_id: bank.id.to_string(),
        bank_name: bank.name.clone(),
        certificate_version: 0,
        certificate_issued_ms: now_ms,
        outcome_key: StoredKey::of(KeyKind::OutcomeSigning, outcome_key.expose_bytes()),
        outcome_key_not_before_ms: not_before_ms,
        outcome_key_not_after_ms: not_before_ms + OUTCOME_KEY_LIFE_MS,
        pan_reference_key: StoredKey::generate::<32>(KeyKind::PanReference),
        pvv_key: StoredKey::generate::<16>(KeyKind::PinVerification),
        pvv_key_index: PVV_KEY_INDEX,
        pin_offset_key: StoredKey::generate::<16>(KeyKind::PinOffset),
        voucher_keys: Some(StoredVoucherKeys::generate()),
        issuers,
        zones: Vec::new(),
        epochs: Vec::new(),
    };
    keys.renew(now_ms);
    keys.save(&folder, &file_key)?;
    Ok(true)
}

/// Adds issuers to the keys of a bank's folder, durably, and all or none; how many are new. A bank
/// that is serving learns of them when it starts next.
pub fn add_issuers(folder: impl Into<KeyFolder>, issuers: Vec<IssuerKey>, now_ms: i64) -> Result<usize, BankError> {
    let folder = folder.into();
    let _turn = folder.turn()?;
    let (mut keys, file_key) = KeyFile::load(&folder)?;
    let mut new = 0;
    for issuer in issuers {
        new += usize::from(keys.add_issuer(issuer)?);
    }
    if new > 0 {
        keys.certificate_version += 1;
        keys.certificate_issued_ms = now_ms;
        keys.save(&folder, &file_key)?;
    }
    Ok(new)
}

/// Adds an acquirer with its zone master key to the keys of a bank's folder, durably; as [`share_key`].
pub fn add_zone(folder: impl Into<KeyFolder>, setup: &ZoneSetup<'_>) -> Result<(), BankError> {
    share_key(folder, setup.acquirer, &SharedKey::Master(setup.master))
}

/// Adds a key shared with an acquirer, durably, and the acquirer when it is new. A bank that is serving learns of it
/// when it starts next.
pub fn share_key(folder: impl Into<KeyFolder>, acquirer: &str, key: &SharedKey<'_>) -> Result<(), BankError> {
    let folder = folder.into();
    let _turn = folder.turn()?;
    let (mut keys, file_key) = KeyFile::load(&folder)?;
    let mut zone = StoredZone::new(acquirer)?;
    if let Some(known) = keys.zones.iter().position(|known| known.acquirer == zone.acquirer) {
        zone = keys.zones.swap_remove(known);
    } else if keys.zones.len() >= ZONES_MAX {
        return Err(BankError::TooMany("acquirers"));
    }
    zone.share(key)?;
    keys.zones.push(zone);
    keys.save(&folder, &file_key)
}

/// Seals the key file with the passphrase in another file, which becomes the one to open it with.
///
/// # Errors
/// When either passphrase cannot be read, or the old one does not open the file.
pub fn change_passphrase(folder: impl Into<KeyFolder>, new: &Path) -> Result<(), BankError> {
    let folder = folder.into();
    let _turn = folder.turn()?;
    let (keys, _) = KeyFile::load(&folder)?;
    let passphrase = folder.clone().with_passphrase_file(Some(new)).passphrase()?;
    keys.save(&folder, &FileKey::new(&passphrase, Cost::of_new_files())?)
}

/// The bank's root, which certifies its sealing keys.
pub(super) fn root(folder: &KeyFolder) -> Result<SigningKey<BankRoot>, BankError> {
    let path = folder.dir().join(ROOT_FILE_NAME);
    let text = Zeroizing::new(std::fs::read_to_string(&path).map_err(|error| BankError::file(&path, error))?);
    let seed = Secret::of_text(text.trim()).expose().map_err(|_| BankError::Malformed(ROOT_FILE_NAME))?;
    Ok(SigningKey::from_bytes(&seed))
}

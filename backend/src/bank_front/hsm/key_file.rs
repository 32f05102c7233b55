//! The key file: every key of the security module, readable by its owner only.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use envelope::keyset::Dated;
use envelope::{BankOutcome, BankRoot, BankSealingKeySecret, Pan, SigningKey};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::key::{KeyKind, Secret, StoredKey};
use super::pin_key::PinKeys;
use super::zone::{self, SharedKey, StoredZone, ZONES_MAX, ZoneKeyKind, ZoneSetup};
use super::{EPOCH_BACKDATE_MS, EPOCH_LAST_ARRIVAL_MS, EPOCH_LIFE_MS, EPOCH_RENEW_BEFORE_MS};
use crate::bank_front::error::BankError;
use crate::bank_front::file;
use crate::keys::BankEntry;

/// The key file within the bank's folder.
pub const FILE_NAME: &str = "hsm.json";
/// The seed of the bank's root within the bank's folder.
pub const ROOT_FILE_NAME: &str = "root.key";

/// Life of the outcome key, in milliseconds: a year.
const OUTCOME_KEY_LIFE_MS: i64 = 365 * 24 * 60 * 60 * 1_000;
/// How far before now the outcome key becomes valid, in milliseconds.
const OUTCOME_KEY_BACKDATE_MS: i64 = 60 * 60 * 1_000;
/// Most issuers of one bank, as a certificate names no more card ranges.
const ISSUERS_MAX: usize = 1_000;
/// Digits of the prefix by which a new issuer is known.
const IIN_DIGITS: usize = 6;
/// The index of the one Visa PIN verification key.
const PVV_KEY_INDEX: u8 = 1;

/// An issuer's master key for application cryptograms, and the cards it is for.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerKey {
    /// Issuer prefix, six to eight digits.
    pub(super) iin: String,
    master_key: StoredKey,
    /// The issuer's key for the MACs of scripts; the one for cryptograms when it has no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    script_key: Option<StoredKey>,
    /// The key of the values on the issuer's stripes; an issuer without one has no stripes that can pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verification_key: Option<StoredKey>,
}

impl IssuerKey {
    /// A key that was given by the scheme or by a test card.
    pub fn new(iin: &str, master_key: &[u8; 16]) -> Self {
        let master_key = StoredKey::of(KeyKind::IssuerCryptogram, master_key);
        Self { iin: iin.to_owned(), master_key, script_key: None, verification_key: None }
    }

    /// The key of the issuer of this card number, known by the number's first six digits.
    pub fn of_card(pan: &Pan, master_key: &[u8; 16]) -> Result<Self, BankError> {
        let iin = pan.expose_ascii().get(..IIN_DIGITS).and_then(|iin| std::str::from_utf8(iin).ok());
        Ok(Self::new(iin.ok_or(BankError::Malformed("a card number"))?, master_key))
    }

    /// The same issuer with the key of its stripes (CVK).
    #[must_use]
    pub fn with_verification_key(mut self, key: &[u8; 16]) -> Self {
        self.verification_key = Some(StoredKey::of(KeyKind::CardVerification, key));
        self
    }

    /// The same issuer with a key for scripts.
    #[must_use]
    pub fn with_script_key(mut self, key: &[u8; 16]) -> Self {
        self.script_key = Some(StoredKey::of(KeyKind::IssuerScript, key));
        self
    }

    pub(super) fn expose_script_key(&self) -> Result<[u8; 16], BankError> {
        match &self.script_key {
            Some(key) => key.expose(KeyKind::IssuerScript),
            None => self.master_key.expose(KeyKind::IssuerCryptogram),
        }
        .map(|key| *key)
    }

    pub(super) fn expose_verification_key(&self) -> Result<Option<Zeroizing<[u8; 16]>>, BankError> {
        self.verification_key.as_ref().map(|key| key.expose(KeyKind::CardVerification)).transpose()
    }

    /// Takes over the keys it has not yet; whether there were any. One that it has must be the same.
    fn complete(&mut self, other: Self) -> Result<bool, BankError> {
        let Self { iin, script_key, verification_key, .. } = other;
        let mut any = false;
        let scripts = (KeyKind::IssuerScript, &mut self.script_key, script_key);
        let stripes = (KeyKind::CardVerification, &mut self.verification_key, verification_key);
        for (kind, known, key) in [scripts, stripes] {
            match (known.as_ref(), key) {
                (_, None) => {}
                (None, key) => {
                    *known = key;
                    any = true;
                }
                (Some(known), Some(key)) => {
                    let same = known.expose::<16>(kind)?.ct_eq(&*key.expose::<16>(kind)?);
                    if !bool::from(same) {
                        return Err(BankError::IssuerKnown(iin));
                    }
                }
            }
        }
        Ok(any)
    }

    pub(super) fn expose_key(&self) -> Result<[u8; 16], BankError> {
        self.master_key.expose(KeyKind::IssuerCryptogram).map(|key| *key)
    }
}

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
    pub(super) issuers: Vec<IssuerKey>,
    pub(super) zones: Vec<StoredZone>,
    pub(super) epochs: Vec<StoredEpoch>,
}

impl KeyFile {
    pub(super) fn load(path: &Path) -> Result<Self, BankError> {
        let json = Zeroizing::new(std::fs::read(path).map_err(|error| BankError::file(path, error))?);
        let file: Self = serde_json::from_slice(&json).map_err(|_| BankError::Malformed(FILE_NAME))?;
        let digits =
            |issuer: &IssuerKey| (6..=8).contains(&issuer.iin.len()) && issuer.iin.bytes().all(|c| c.is_ascii_digit());
        if file.pvv_key_index > 9 || !file.issuers.iter().all(digits) {
            return Err(BankError::Malformed(FILE_NAME));
        }
        Ok(file)
    }

    pub(super) fn save(&self, path: &Path) -> Result<(), BankError> {
        let json = serde_json::to_vec_pretty(self).map_err(|_| BankError::Malformed(FILE_NAME))?;
        file::replace(path, &Zeroizing::new(json))
    }

    /// Writes the file of a serving bank: issuers and acquirers that its staff added meanwhile are kept.
    pub(super) fn save_over(&mut self, path: &Path) -> Result<(), BankError> {
        let _turn = turn(path)?;
        let stored = Self::load(path)?;
        self.issuers = stored.issuers;
        for zone in stored.zones {
            match self.zones.iter_mut().find(|known| known.acquirer == zone.acquirer) {
                Some(known) => known.add_missing(zone),
                None => self.zones.push(zone),
            }
        }
        // Adding an issuer raised the version: a wallet that has seen the higher one takes no lower.
        self.certificate_version = self.certificate_version.max(stored.certificate_version + 1);
        self.save(path)
    }

    pub(super) fn expose_pin_keys(&self) -> Result<PinKeys, BankError> {
        Ok(PinKeys {
            pvv: self.pvv_key.expose(KeyKind::PinVerification)?,
            pvv_index: self.pvv_key_index,
            offset: self.pin_offset_key.expose(KeyKind::PinOffset)?,
        })
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
            let kind = KeyKind::IssuerCryptogram;
            let same = known.master_key.expose::<16>(kind)?.ct_eq(&*issuer.master_key.expose::<16>(kind)?);
            return if same.into() { known.complete(issuer) } else { Err(BankError::IssuerKnown(issuer.iin)) };
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
/// root is made too unless it is there, and is returned in public.
pub fn init(bank_dir: &Path, bank: &BankEntry, issuers: Vec<IssuerKey>, now_ms: i64) -> Result<bool, BankError> {
    std::fs::create_dir_all(bank_dir).map_err(|error| BankError::file(bank_dir, error))?;
    let root_path = bank_dir.join(ROOT_FILE_NAME);
    if !root_path.exists() {
        let root = SigningKey::<BankRoot>::generate();
        let seed = Zeroizing::new(URL_SAFE_NO_PAD.encode(root.expose_bytes()));
        file::replace(&root_path, seed.as_bytes())?;
    }
    let path = bank_dir.join(FILE_NAME);
    if path.exists() {
        return Ok(false);
    }
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
        issuers,
        zones: Vec::new(),
        epochs: Vec::new(),
    };
    keys.renew(now_ms);
    keys.save(&path)?;
    Ok(true)
}

/// Adds issuers to the keys of a bank's folder, durably, and all or none; how many are new. A bank
/// that is serving learns of them when it starts next.
pub fn add_issuers(bank_dir: &Path, issuers: Vec<IssuerKey>, now_ms: i64) -> Result<usize, BankError> {
    let path = bank_dir.join(FILE_NAME);
    let _turn = turn(&path)?;
    let mut keys = KeyFile::load(&path)?;
    let mut new = 0;
    for issuer in issuers {
        new += usize::from(keys.add_issuer(issuer)?);
    }
    if new > 0 {
        keys.certificate_version += 1;
        keys.certificate_issued_ms = now_ms;
        keys.save(&path)?;
    }
    Ok(new)
}

/// Adds an acquirer with its zone master key to the keys of a bank's folder, durably; as [`share_key`].
pub fn add_zone(bank_dir: &Path, setup: &ZoneSetup<'_>) -> Result<(), BankError> {
    share_key(bank_dir, setup.acquirer, &SharedKey::Master(setup.master))
}

/// Adds a key shared with an acquirer, durably, and the acquirer when it is new. A bank that is serving learns of it
/// when it starts next.
pub fn share_key(bank_dir: &Path, acquirer: &str, key: &SharedKey<'_>) -> Result<(), BankError> {
    let path = bank_dir.join(FILE_NAME);
    let _turn = turn(&path)?;
    let mut keys = KeyFile::load(&path)?;
    let mut zone = StoredZone::new(acquirer)?;
    if let Some(known) = keys.zones.iter().position(|known| known.acquirer == zone.acquirer) {
        zone = keys.zones.swap_remove(known);
    } else if keys.zones.len() >= ZONES_MAX {
        return Err(BankError::TooMany("acquirers"));
    }
    zone.share(key)?;
    keys.zones.push(zone);
    keys.save(&path)
}

/// Waits for one's turn to read, change and replace the key file: a serving bank renews its epochs
/// while its staff add issuers. The turn ends when the handle is dropped, at the latest with the
/// process; whoever has it only writes a small file.
fn turn(path: &Path) -> Result<File, BankError> {
    let path = path.with_extension("lock");
    let fail = |error| BankError::file(&path, error);
    let handle =
        File::options().write(true).create(true).truncate(false).mode(file::OWNER_ONLY).open(&path).map_err(fail)?;
    handle.lock().map_err(fail)?;
    Ok(handle)
}

/// The bank's root, which certifies its sealing keys.
pub(super) fn root(bank_dir: &Path) -> Result<SigningKey<BankRoot>, BankError> {
    let path = bank_dir.join(ROOT_FILE_NAME);
    let text = Zeroizing::new(std::fs::read_to_string(&path).map_err(|error| BankError::file(&path, error))?);
    let seed = Secret::of_text(text.trim()).expose().map_err(|_| BankError::Malformed(ROOT_FILE_NAME))?;
    Ok(SigningKey::from_bytes(&seed))
}

//! Keys shared with one other system, an acquirer (DE 32): the zone master key that other keys travel under, and the
//! working keys of PIN blocks and messages, which change while the bank serves.
//!
//! After a change the working key from before still opens what is on its way, until the new one has been right once.

use std::sync::{Mutex, PoisonError};

use emv::issuer::{Padding, SessionKey};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::dukpt::{AesBase, TdesBase};
use super::key::{KeyKind, StoredKey};
use super::key_block::{self, Attributes, PROTECTION_KEY_LEN};
use super::tdes::{self, KCV_LEN};
use super::terminals::Terminals;
use crate::bank_front::error::BankError;

/// Most acquirers with keys of their own.
pub(super) const ZONES_MAX: usize = 1_000;
/// Most digits of an acquirer's number (DE 32).
const ACQUIRER_LEN_MAX: usize = 11;
/// Length of a MAC, in bytes (DE 64, DE 128).
pub const MAC_LEN: usize = 8;

/// Which working key is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZoneKeyKind {
    /// For PIN blocks of formats 0 and 3.
    Pin,
    /// For PIN blocks of format 4.
    PinAes,
    /// For the MACs of messages.
    Mac,
}

impl ZoneKeyKind {
    fn key_kind(self) -> KeyKind {
        match self {
            Self::Pin => KeyKind::ZonePin,
            Self::PinAes => KeyKind::ZonePinAes,
            Self::Mac => KeyKind::ZoneMac,
        }
    }

    fn attributes(self) -> Attributes {
        let usage = self.key_kind().usage();
        match self {
            Self::Pin => Attributes { usage, algorithm: 'T', mode: 'B', key_len_max: 24 },
            Self::PinAes => Attributes { usage, algorithm: 'A', mode: 'B', key_len_max: 32 },
            Self::Mac => Attributes { usage, algorithm: 'T', mode: 'C', key_len_max: 24 },
        }
    }
}

/// A new working key on its way to the acquirer.
pub struct ZoneKeyUnderMaster {
    /// The key under the zone master key: a key block (ANSI X9.143, version D, its characters) when that is an AES key;
    /// otherwise each half of the key enciphered by itself.
    pub cryptogram: Vec<u8>,
    /// Its key check value, by which the acquirer knows that it has the same key.
    pub kcv: [u8; KCV_LEN],
}

/// The zone master key of a new acquirer.
pub struct ZoneSetup<'a> {
    /// DE 32.
    pub acquirer: &'a str,
    /// The zone master key.
    pub master: &'a [u8; 16],
}

/// A key that people exchange with an acquirer: in life in components, by hand.
pub enum SharedKey<'a> {
    /// A zone master key of triple DES.
    Master(&'a [u8; 16]),
    /// A zone master key of AES, for key blocks.
    MasterAes(&'a [u8; PROTECTION_KEY_LEN]),
    /// A base derivation key of triple DES.
    Base(&'a [u8; 16]),
    /// A base derivation key of AES, 16 or 32 bytes.
    BaseAes(&'a [u8]),
}

/// What the key file holds of an acquirer.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredZone {
    pub(super) acquirer: String,
    pub(super) keys: Vec<StoredKey>,
}

impl StoredZone {
    /// An acquirer that shares no key yet.
    pub(super) fn new(acquirer: &str) -> Result<Self, BankError> {
        let acquirer = acquirer_name(acquirer).ok_or(BankError::Malformed("the acquirer's number"))?;
        Ok(Self { acquirer: acquirer.to_owned(), keys: Vec::new() })
    }

    /// Adds a key that was exchanged. There is one of each kind, and one zone master key.
    pub(super) fn share(&mut self, key: &SharedKey<'_>) -> Result<(), BankError> {
        let two_halves = |key: &[u8; 16]| if tdes::has_two_halves(key) { Ok(()) } else { Err(BankError::WeakKey) };
        let key = match key {
            SharedKey::Master(key) => two_halves(key).map(|()| StoredKey::of(KeyKind::ZoneMaster, *key)),
            SharedKey::MasterAes(key) => Ok(StoredKey::of(KeyKind::ZoneMasterAes, *key)),
            SharedKey::Base(key) => two_halves(key).map(|()| StoredKey::of(KeyKind::BaseDerivation, *key)),
            SharedKey::BaseAes(key) if AesBase::new(key).is_none() => Err(BankError::Malformed("the key's length")),
            SharedKey::BaseAes(key) => Ok(StoredKey::of(KeyKind::BaseDerivationAes, key)),
        }?;
        let is_master = |kind| matches!(kind, KeyKind::ZoneMaster | KeyKind::ZoneMasterAes);
        let collides =
            |known: &StoredKey| known.kind() == key.kind() || is_master(known.kind()) && is_master(key.kind());
        if self.keys.iter().any(collides) {
            return Err(BankError::ZoneKnown(self.acquirer.clone()));
        }
        self.keys.push(key);
        Ok(())
    }

    /// Takes over the keys of kinds that it has none of.
    pub(super) fn add_missing(&mut self, other: Self) {
        let known: Vec<_> = self.keys.iter().map(StoredKey::kind).collect();
        self.keys.extend(other.keys.into_iter().filter(|key| !known.contains(&key.kind())));
    }

    pub(super) fn load(&self) -> Result<Zone, BankError> {
        let of_kind = |kind| self.keys.iter().find(|key| key.kind() == kind);
        let short = |kind| of_kind(kind).map(|key| key.expose::<16>(kind)).transpose();
        let kind = KeyKind::ZoneMasterAes;
        let master = match of_kind(kind) {
            Some(key) => Some(Master::KeyBlock(key.expose(kind)?)),
            None => short(KeyKind::ZoneMaster)?.map(Master::Tdes),
        };
        let kind = KeyKind::BaseDerivationAes;
        let base_aes = of_kind(kind).map(|key| key.expose_any(kind)).transpose()?;
        Ok(Zone {
            master,
            pin: WorkingKey::starting_with(short(KeyKind::ZonePin)?),
            pin_aes: WorkingKey::starting_with(short(KeyKind::ZonePinAes)?),
            mac: WorkingKey::starting_with(short(KeyKind::ZoneMac)?),
            base: short(KeyKind::BaseDerivation)?.map(TdesBase::new),
            base_aes: base_aes.as_deref().and_then(|key| AesBase::new(key)),
            terminals: Terminals::default(),
        })
    }

    /// Puts a new working key in the place of the one before.
    pub(super) fn set(&mut self, kind: ZoneKeyKind, key: &tdes::Key) {
        let kind = kind.key_kind();
        self.keys.retain(|known| known.kind() != kind);
        self.keys.push(StoredKey::of(kind, key));
    }
}

/// An acquirer's number without leading zeros, by which its keys are found.
pub(super) fn acquirer_name(de32: &str) -> Option<&str> {
    let is_number = (1..=ACQUIRER_LEN_MAX).contains(&de32.len()) && de32.bytes().all(|digit| digit.is_ascii_digit());
    let name = de32.trim_start_matches('0');
    (is_number && !name.is_empty()).then_some(name)
}

/// The keys of an acquirer, ready for use.
pub(super) struct Zone {
    master: Option<Master>,
    pub(super) pin: WorkingKey,
    pub(super) pin_aes: WorkingKey,
    mac: WorkingKey,
    pub(super) base: Option<TdesBase>,
    pub(super) base_aes: Option<AesBase>,
    pub(super) terminals: Terminals,
}

/// What working keys travel under.
enum Master {
    Tdes(Zeroizing<tdes::Key>),
    KeyBlock(Zeroizing<[u8; PROTECTION_KEY_LEN]>),
}

impl Zone {
    /// A new working key, and how the acquirer is sent it.
    ///
    /// # Errors
    /// [`BankError::NoZoneKey`] when no zone master key is shared that this kind of key may travel under.
    pub(super) fn generate(&self, kind: ZoneKeyKind) -> Result<(Zeroizing<tdes::Key>, ZoneKeyUnderMaster), BankError> {
        let (key, kcv) = match kind {
            ZoneKeyKind::Pin | ZoneKeyKind::Mac => {
                let key = tdes::generate();
                let kcv = tdes::kcv(&key);
                (key, kcv)
            }
            ZoneKeyKind::PinAes => {
                let mut key = Zeroizing::new([0; 16]);
                getrandom::fill(&mut *key).expect("the operating system has randomness");
                let kcv = key_block::kcv(&*key).ok_or(BankError::WeakKey)?;
                (key, kcv)
            }
        };
        let cryptogram = match (&self.master, kind) {
            (Some(Master::KeyBlock(master)), _) => key_block::wrap(master, kind.attributes(), &*key),
            (Some(Master::Tdes(master)), ZoneKeyKind::Pin | ZoneKeyKind::Mac) => {
                tdes::encipher_key(master, &key).to_vec()
            }
            // An AES key under triple DES would be worth no more than that.
            (Some(Master::Tdes(_)), ZoneKeyKind::PinAes) => return Err(BankError::NoZoneKey("AES zone master")),
            (None, _) => return Err(BankError::NoZoneKey("zone master")),
        };
        Ok((key, ZoneKeyUnderMaster { cryptogram, kcv }))
    }

    /// Takes a new working key into use.
    pub(super) fn change(&self, kind: ZoneKeyKind, key: Zeroizing<tdes::Key>) {
        match kind {
            ZoneKeyKind::Pin => self.pin.change(key),
            ZoneKeyKind::PinAes => self.pin_aes.change(key),
            ZoneKeyKind::Mac => self.mac.change(key),
        }
    }

    /// The MAC of a message under the key in use.
    pub(super) fn mac(&self, message: &[u8]) -> Option<[u8; MAC_LEN]> {
        self.mac.current().map(|key| retail_mac(&key, message))
    }

    /// Whether the MAC of a message is right.
    pub(super) fn has_right_mac(&self, message: &[u8], mac: [u8; MAC_LEN]) -> bool {
        let is_right = |key: &tdes::Key| bool::from(retail_mac(key, message).ct_eq(&mac)).then_some(());
        self.mac.try_each(is_right).is_some()
    }
}

/// ISO/IEC 9797-1 algorithm 3 with padding method 1, as ANSI X9.19 authenticates messages.
fn retail_mac(key: &tdes::Key, message: &[u8]) -> [u8; MAC_LEN] {
    SessionKey::new(*key).mac(message, Padding::Method1)
}

/// The key in use, and the one before it while that may still be on its way.
pub(super) struct WorkingKey(Mutex<InUse>);

#[derive(Default)]
struct InUse {
    current: Option<Zeroizing<tdes::Key>>,
    previous: Option<Zeroizing<tdes::Key>>,
}

impl WorkingKey {
    fn starting_with(current: Option<Zeroizing<tdes::Key>>) -> Self {
        Self(Mutex::new(InUse { current, previous: None }))
    }

    /// The key in use.
    pub(super) fn current(&self) -> Option<Zeroizing<tdes::Key>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).current.clone()
    }

    fn change(&self, key: Zeroizing<tdes::Key>) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let replaced = keys.current.replace(key);
        // A key that was never right replaces nothing: the acquirer may not have it.
        if keys.previous.is_none() {
            keys.previous = replaced;
        }
    }

    /// What `open` makes of the key in use, or else of the one before.
    pub(super) fn try_each<T>(&self, open: impl Fn(&tdes::Key) -> Option<T>) -> Option<T> {
        let (current, previous) = {
            let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            (keys.current.clone(), keys.previous.clone())
        };
        let current = current?;
        let Some(previous) = previous else { return open(&current) };
        let Some(opened) = open(&current) else { return open(&previous) };
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Unless it was changed again meanwhile.
        if keys.current.as_ref().is_some_and(|now| bool::from(now.ct_eq(&*current))) {
            keys.previous = None;
        }
        Some(opened)
    }
}

#[cfg(test)]
mod tests;

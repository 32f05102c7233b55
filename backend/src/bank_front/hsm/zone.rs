//! Keys shared with one other system, an acquirer (DE 32): the zone master key that other keys travel under, and the
//! working keys of PIN blocks and messages, which change while the bank serves.
//!
//! After a change the working key from before still opens what is on its way, until the new one has been right once.

use std::sync::{Mutex, PoisonError};

use emv::issuer::{Padding, SessionKey};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::key::{KeyKind, StoredKey};
use super::tdes::{self, KCV_LEN};
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
}

/// A new working key on its way to the acquirer.
pub struct ZoneKeyUnderMaster {
    /// The key under the zone master key: each half of a triple DES key enciphered by itself.
    pub cryptogram: Vec<u8>,
    /// Its key check value, by which the acquirer knows that it has the same key.
    pub kcv: [u8; KCV_LEN],
}

/// The keys of a new acquirer, exchanged by people: in life in components, by hand.
pub struct ZoneSetup<'a> {
    /// DE 32.
    pub acquirer: &'a str,
    /// The zone master key.
    pub master: &'a [u8; 16],
}

/// What the key file holds of an acquirer.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredZone {
    pub(super) acquirer: String,
    master: StoredKey,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pin: Option<StoredKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mac: Option<StoredKey>,
}

impl StoredZone {
    /// An acquirer that shares its zone master key and no working key yet.
    pub(super) fn new(setup: &ZoneSetup<'_>) -> Result<Self, BankError> {
        let acquirer = acquirer_name(setup.acquirer).ok_or(BankError::Malformed("the acquirer's number"))?;
        if !tdes::has_two_halves(setup.master) {
            return Err(BankError::WeakKey);
        }
        Ok(Self {
            acquirer: acquirer.to_owned(),
            master: StoredKey::of(KeyKind::ZoneMaster, setup.master),
            pin: None,
            mac: None,
        })
    }

    pub(super) fn load(&self) -> Result<Zone, BankError> {
        let working = |key: &Option<StoredKey>, kind| {
            key.as_ref().map(|key| key.expose(kind)).transpose().map(WorkingKey::starting_with)
        };
        Ok(Zone {
            master: self.master.expose(KeyKind::ZoneMaster)?,
            pin: working(&self.pin, KeyKind::ZonePin)?,
            mac: working(&self.mac, KeyKind::ZoneMac)?,
        })
    }

    /// Puts a new working key in the place of the one before.
    pub(super) fn set(&mut self, kind: ZoneKeyKind, key: &tdes::Key) -> Result<(), BankError> {
        let place = match kind {
            ZoneKeyKind::Pin => &mut self.pin,
            ZoneKeyKind::Mac => &mut self.mac,
            ZoneKeyKind::PinAes => return Err(BankError::NoZoneKey("AES zone master")),
        };
        *place = Some(StoredKey::of(kind.key_kind(), key));
        Ok(())
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
    master: Zeroizing<tdes::Key>,
    pub(super) pin: WorkingKey,
    pub(super) mac: WorkingKey,
}

impl Zone {
    /// A new working key as the acquirer is sent it.
    pub(super) fn under_master(&self, key: &tdes::Key) -> ZoneKeyUnderMaster {
        ZoneKeyUnderMaster { cryptogram: tdes::encipher_key(&self.master, key).to_vec(), kcv: tdes::kcv(key) }
    }

    /// Takes a new working key into use.
    pub(super) fn change(&self, kind: ZoneKeyKind, key: Zeroizing<tdes::Key>) {
        match kind {
            ZoneKeyKind::Pin => self.pin.change(key),
            ZoneKeyKind::Mac => self.mac.change(key),
            ZoneKeyKind::PinAes => {}
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

//! Which keys are real: the operator's signed keyset, each bank's own certificate, and the roots that vouch for them.
//!
//! The two are apart on purpose. The operator vouches for the payment server, the vault and the merchants; each
//! bank vouches for its own sealing keys under a root of its own, so that a payment server gone bad
//! cannot slip the wallet a false bank key.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

mod bank_certificate;
mod trust_roots;
mod vault_profile;

pub use bank_certificate::{BANK_EPOCH_MS_MAX, BankCertificate, Claim, FrontKind, IinRange};
pub use trust_roots::{BankTrust, TrustRoots};
pub use vault_profile::VaultProfile;

pub use crate::error::KeysetError;
use crate::jwk::Jwk;
use crate::jws::{self, TYP_KEYSET};
use crate::sealing_key::{PaymentServerSealingKey, VaultSealingKey};
use crate::signing_key::{Merchant, OperatorRoot, SigningKey, SigningRole, VerifyingKey};

/// Most keys in a keyset.
pub const KEYSET_KEYS_MAX: usize = 5_000;
/// How much later than now something may have been issued, in milliseconds: clocks differ.
pub const ISSUED_SKEW_MS_MAX: i64 = 5 * 60 * 1000;
/// Longest merchant and bank identifier, in bytes.
pub const IDENTIFIER_LEN_MAX: usize = 64;
/// Most ways to pay that a merchant's profile names, and the longest of their names, in bytes.
pub const METHODS_MAX: usize = 16;
/// Longest display name, in characters.
pub const DISPLAY_NAME_LEN_MAX: usize = 64;

/// A key and the time it may be used in: from `not_before_ms` on, until before `not_after_ms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dated<K> {
    /// The key.
    pub key: K,
    /// First millisecond of validity.
    pub not_before_ms: i64,
    /// First millisecond after it.
    pub not_after_ms: i64,
}

impl<K> Dated<K> {
    /// Whether the key may be used at `at_ms`.
    pub fn covers(&self, at_ms: i64) -> bool {
        (self.not_before_ms..self.not_after_ms).contains(&at_ms)
    }
}

/// What a payer is told about a merchant, vetted by the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MerchantProfile {
    /// The identifier orders carry.
    pub merchant_id: String,
    /// The name shown to the payer.
    pub display_name: String,
    /// Merchant category code, four digits (ISO 18245).
    pub mcc: String,
    /// ISO 3166-1, two letters.
    pub country: String,
    /// The ways to pay it takes, by their names in alphabetical order; none when it takes every way there is. A name
    /// that a reader does not know is somebody newer's.
    pub methods: Option<Vec<String>>,
}

/// A key of the keyset, with what its role adds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "nearly every key of a keyset is a merchant's, the largest variant")]
pub enum KeysetKey {
    /// Opens the outer seal.
    PaymentServer(PaymentServerSealingKey),
    /// Opens what a payer sends the vault.
    Vault {
        /// The key.
        key: VaultSealingKey,
        /// Whose it is.
        profile: VaultProfile,
    },
    /// Signs a merchant's orders.
    Merchant {
        /// The key.
        key: VerifyingKey<Merchant>,
        /// Whose it is.
        profile: MerchantProfile,
    },
}

impl KeysetKey {
    /// The key's identifier.
    pub fn kid(&self) -> &str {
        match self {
            Self::PaymentServer(key) => key.kid(),
            Self::Vault { key, .. } => key.kid(),
            Self::Merchant { key, .. } => key.kid(),
        }
    }
}

/// One entry of the keyset.
pub type KeysetEntry = Dated<KeysetKey>;

/// The operator's list of keys: a JWK set (RFC 7517, section 5) with members of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyset {
    /// Counts up; a wallet never goes back below what it accepted.
    pub version: u64,
    /// When it was issued.
    pub issued_ms: i64,
    /// When it stops being acceptable.
    pub expires_ms: i64,
    /// The keys.
    pub keys: Vec<KeysetEntry>,
}

impl Keyset {
    /// Signs the keyset. Nothing is checked here; [`Keyset::validate`] says whether anybody would accept it.
    pub fn sign(&self, root: &SigningKey<OperatorRoot>) -> String {
        let wire = KeysetWire {
            version: self.version,
            issued_ms: self.issued_ms,
            expires_ms: self.expires_ms,
            keys: self.keys.iter().map(EntryWire::of).collect(),
        };
        let payload = serde_json::to_vec(&wire).expect("strings and integers are always JSON");
        jws::sign(root, TYP_KEYSET, &payload)
    }

    /// The keyset in `jws`, if a pinned root signed it, it is valid now, and it is not older than
    /// `version_floor`, the highest version accepted so far.
    pub fn verify(
        jws: &str,
        roots: &[VerifyingKey<OperatorRoot>],
        now_ms: i64,
        version_floor: u64,
    ) -> Result<Self, KeysetError> {
        let keyset = Self::verify_at(jws, roots, now_ms)?;
        check_version(keyset.version, version_floor)?;
        Ok(keyset)
    }

    /// The same for a receipt: validity is judged at a past time, and there is no floor, since a receipt
    /// keeps the keyset of its day.
    pub fn verify_at(jws: &str, roots: &[VerifyingKey<OperatorRoot>], at_ms: i64) -> Result<Self, KeysetError> {
        let root = signing_root(jws, roots)?;
        let payload = jws::verify(root, TYP_KEYSET, jws)?;
        let wire: KeysetWire = serde_json::from_slice(&payload).map_err(|_| KeysetError::Malformed("the JSON"))?;
        if wire.keys.len() > KEYSET_KEYS_MAX {
            return Err(KeysetError::Malformed("the number of keys"));
        }
        let keyset = Self {
            version: wire.version,
            issued_ms: wire.issued_ms,
            expires_ms: wire.expires_ms,
            keys: wire.keys.into_iter().map(EntryWire::parse).collect::<Result<_, _>>()?,
        };
        keyset.validate()?;
        check_time(keyset.issued_ms, keyset.expires_ms, at_ms)?;
        Ok(keyset)
    }

    /// The rules a keyset keeps whatever the time: identifiers are unique, periods have a length, what is told of
    /// merchants and vaults has its form, and one merchant has one profile.
    pub fn validate(&self) -> Result<(), KeysetError> {
        if self.keys.len() > KEYSET_KEYS_MAX {
            return Err(KeysetError::Malformed("the number of keys"));
        }
        check_period(self.issued_ms, self.expires_ms)?;
        check_unique(self.keys.iter().map(|entry| entry.key.kid()))?;
        let mut profiles: HashMap<&str, &MerchantProfile> = HashMap::new();
        for entry in &self.keys {
            check_period(entry.not_before_ms, entry.not_after_ms)?;
            if let KeysetKey::Merchant { profile, .. } = &entry.key {
                profile.validate()?;
                let first = profiles.entry(&profile.merchant_id).or_insert(profile);
                if *first != profile {
                    return Err(KeysetError::Malformed("two profiles of one merchant"));
                }
            }
            if let KeysetKey::Vault { profile, .. } = &entry.key {
                profile.validate()?;
            }
        }
        Ok(())
    }

    /// The payment server's key to seal to now: of those valid, the one that became valid last.
    pub fn payment_server_sealing_key(&self, now_ms: i64) -> Option<&PaymentServerSealingKey> {
        newest(&self.keys, now_ms, |key| match key {
            KeysetKey::PaymentServer(key) => Some(key),
            KeysetKey::Vault { .. } | KeysetKey::Merchant { .. } => None,
        })
    }

    /// The key of this vault to seal to now, and where it is; of the only vault when none is named.
    pub fn vault(&self, vault_id: Option<&str>, now_ms: i64) -> Option<(&VaultSealingKey, &VaultProfile)> {
        let entries = self.keys.iter().filter(|entry| entry.covers(now_ms));
        let vaults = entries.filter_map(|entry| match &entry.key {
            KeysetKey::Vault { key, profile } => Some((entry.not_before_ms, key, profile)),
            KeysetKey::PaymentServer(_) | KeysetKey::Merchant { .. } => None,
        });
        let named: Vec<_> = vaults.filter(|(_, _, profile)| vault_id.is_none_or(|id| id == profile.vault_id)).collect();
        let is_one = named.windows(2).all(|two| two[0].2.vault_id == two[1].2.vault_id);
        let newest = named.into_iter().max_by_key(|(not_before_ms, ..)| *not_before_ms);
        newest.filter(|_| is_one).map(|(_, key, profile)| (key, profile))
    }

    /// The vaults that can be sealed to now, each once.
    pub fn vaults(&self, now_ms: i64) -> Vec<&VaultProfile> {
        let entries = self.keys.iter().filter(|entry| entry.covers(now_ms));
        let mut vaults: Vec<&VaultProfile> = Vec::new();
        for entry in entries {
            if let KeysetKey::Vault { profile, .. } = &entry.key
                && vaults.iter().all(|known| known.vault_id != profile.vault_id)
            {
                vaults.push(profile);
            }
        }
        vaults
    }

    /// What is known of a merchant.
    pub fn merchant(&self, merchant_id: &str) -> Option<&MerchantProfile> {
        self.keys.iter().find_map(|entry| match &entry.key {
            KeysetKey::Merchant { profile, .. } if profile.merchant_id == merchant_id => Some(profile),
            _ => None,
        })
    }

    /// The merchant key `kid`, if it was valid at `at_ms`, and whose it is.
    pub fn merchant_key(&self, kid: &str, at_ms: i64) -> Option<(&VerifyingKey<Merchant>, &MerchantProfile)> {
        self.keys.iter().find_map(|entry| match &entry.key {
            KeysetKey::Merchant { key, profile } if key.kid() == kid && entry.covers(at_ms) => Some((key, profile)),
            _ => None,
        })
    }
}

impl MerchantProfile {
    fn validate(&self) -> Result<(), KeysetError> {
        if !is_identifier(&self.merchant_id) {
            return Err(KeysetError::Malformed("a merchant id"));
        }
        if !is_display_name(&self.display_name) {
            return Err(KeysetError::Malformed("a merchant's name"));
        }
        if self.mcc.len() != 4 || !self.mcc.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(KeysetError::Malformed("a merchant category code"));
        }
        if self.country.len() != 2 || !self.country.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(KeysetError::Malformed("a merchant's country"));
        }
        if self.methods.as_deref().is_some_and(|methods| !are_method_names(methods)) {
            return Err(KeysetError::Malformed("a merchant's ways to pay"));
        }
        Ok(())
    }
}

/// The root among `roots` whose `kid` the JWS names.
fn signing_root<'a, R: SigningRole>(
    jws: &str,
    roots: &'a [VerifyingKey<R>],
) -> Result<&'a VerifyingKey<R>, KeysetError> {
    let kid = jws::peek_kid(jws)?;
    roots.iter().find(|root| root.kid() == kid).ok_or(KeysetError::UnknownRoot)
}

fn check_version(found: u64, floor: u64) -> Result<(), KeysetError> {
    if found < floor {
        return Err(KeysetError::VersionBelowFloor { found, floor });
    }
    Ok(())
}

fn check_time(issued_ms: i64, expires_ms: i64, at_ms: i64) -> Result<(), KeysetError> {
    if issued_ms > at_ms.saturating_add(ISSUED_SKEW_MS_MAX) {
        return Err(KeysetError::NotYetValid);
    }
    if at_ms >= expires_ms {
        return Err(KeysetError::Expired);
    }
    Ok(())
}

pub(crate) fn check_period(from_ms: i64, until_ms: i64) -> Result<(), KeysetError> {
    if from_ms < 0 || until_ms <= from_ms {
        return Err(KeysetError::Malformed("a period"));
    }
    Ok(())
}

fn check_unique<'a>(kids: impl Iterator<Item = &'a str>) -> Result<(), KeysetError> {
    let mut seen = HashSet::new();
    for kid in kids {
        if !seen.insert(kid) {
            return Err(KeysetError::DuplicateKid);
        }
    }
    Ok(())
}

/// Of the entries valid at `at_ms` that `pick` wants, the one that became valid last.
fn newest<'a, K, T>(keys: &'a [Dated<K>], at_ms: i64, pick: impl Fn(&'a K) -> Option<&'a T>) -> Option<&'a T> {
    keys.iter()
        .filter(|entry| entry.covers(at_ms))
        .filter_map(|entry| Some((entry.not_before_ms, pick(&entry.key)?)))
        .max_by_key(|(not_before_ms, _)| *not_before_ms)
        .map(|(_, key)| key)
}

fn is_identifier(text: &str) -> bool {
    (1..=IDENTIFIER_LEN_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// Whether these are names, once each and in order. To take no way at all is to be left out of the keyset.
fn are_method_names(names: &[String]) -> bool {
    let is_name = |name: &String| {
        (1..=METHODS_MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    (1..=METHODS_MAX).contains(&names.len())
        && names.iter().all(is_name)
        && names.is_sorted_by(|one, other| one < other)
}

fn is_display_name(text: &str) -> bool {
    (1..=DISPLAY_NAME_LEN_MAX).contains(&text.chars().count())
        && text.trim() == text
        && !text.chars().any(|character| {
            character.is_control() || matches!(character, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
        })
}

#[derive(Serialize, Deserialize)]
struct KeysetWire {
    version: u64,
    issued_ms: i64,
    expires_ms: i64,
    keys: Vec<EntryWire>,
}

#[derive(Serialize, Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum RoleWire {
    PaymentServer,
    Vault,
    Merchant,
}

#[derive(Serialize, Deserialize)]
struct EntryWire {
    #[serde(flatten)]
    jwk: Jwk,
    role: RoleWire,
    not_before_ms: i64,
    not_after_ms: i64,
    #[serde(flatten)]
    profile: ProfileWire,
}

#[derive(Serialize, Deserialize, Default)]
struct ProfileWire {
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mcc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vault_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_ca_pem: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    methods: Option<Vec<String>>,
}

impl EntryWire {
    fn of(entry: &KeysetEntry) -> Self {
        let (jwk, role, profile) = match &entry.key {
            KeysetKey::PaymentServer(key) => (key.to_jwk(), RoleWire::PaymentServer, ProfileWire::default()),
            KeysetKey::Vault { key, profile } => (key.to_jwk(), RoleWire::Vault, ProfileWire::of_vault(profile)),
            KeysetKey::Merchant { key, profile } => (key.to_jwk(), RoleWire::Merchant, ProfileWire::of(profile)),
        };
        Self { jwk, role, not_before_ms: entry.not_before_ms, not_after_ms: entry.not_after_ms, profile }
    }

    fn parse(self) -> Result<KeysetEntry, KeysetError> {
        let key = match self.role {
            RoleWire::PaymentServer => KeysetKey::PaymentServer(PaymentServerSealingKey::from_jwk(&self.jwk)?),
            RoleWire::Vault => {
                KeysetKey::Vault { key: VaultSealingKey::from_jwk(&self.jwk)?, profile: self.profile.parse_vault()? }
            }
            RoleWire::Merchant => {
                KeysetKey::Merchant { key: VerifyingKey::from_jwk(&self.jwk)?, profile: self.profile.parse()? }
            }
        };
        Ok(Dated { key, not_before_ms: self.not_before_ms, not_after_ms: self.not_after_ms })
    }
}

impl ProfileWire {
    fn of(profile: &MerchantProfile) -> Self {
        Self {
            merchant_id: Some(profile.merchant_id.clone()),
            display_name: Some(profile.display_name.clone()),
            mcc: Some(profile.mcc.clone()),
            country: Some(profile.country.clone()),
            methods: profile.methods.clone(),
            ..Self::default()
        }
    }

    fn of_vault(profile: &VaultProfile) -> Self {
        Self {
            vault_id: Some(profile.vault_id.clone()),
            display_name: Some(profile.display_name.clone()),
            url: Some(profile.url.clone()),
            tls_ca_pem: Some(profile.tls_ca_pem.clone()),
            ..Self::default()
        }
    }

    fn parse_vault(self) -> Result<VaultProfile, KeysetError> {
        let present = |member: Option<String>| member.ok_or(KeysetError::Malformed("a vault without its profile"));
        Ok(VaultProfile {
            vault_id: present(self.vault_id)?,
            display_name: present(self.display_name)?,
            url: present(self.url)?,
            tls_ca_pem: present(self.tls_ca_pem)?,
        })
    }

    fn parse(self) -> Result<MerchantProfile, KeysetError> {
        let present = |member: Option<String>| member.ok_or(KeysetError::Malformed("a merchant without its profile"));
        Ok(MerchantProfile {
            merchant_id: present(self.merchant_id)?,
            display_name: present(self.display_name)?,
            mcc: present(self.mcc)?,
            country: present(self.country)?,
            methods: self.methods,
        })
    }
}

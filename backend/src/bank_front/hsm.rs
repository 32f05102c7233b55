//! The security module: the only place where the bank's keys live and where a card number or a PIN
//! is in clear.
//!
//! It takes capsules and gives back references and verdicts: a card's HMAC, whether its cryptogram
//! is right, the PIN's verification value. No key, no card number and no PIN leaves it.
//! Nothing here waits: a lock is held for the length of a pointer copy and never across an await.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use emv::issuer::IssuerMasterKey;
use envelope::keyset::{BankCertificate, Dated, FrontKind, IinRange};
use envelope::{BankOutcome, BankRoot, BankSealingKeySecret, Pan, Pin, SigningKey, jws};
use hmac::{Hmac, KeyInit, Mac};
use payment::{Outcome, RefundOutcome};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::card::{PanReference, PinValue};
use super::error::BankError;

mod brand;
mod card_order;
mod clear;
mod clear_pin;
pub mod command;
mod device;
mod dukpt;
mod examine;
mod issuer_key;
mod kept_card;
mod key;
mod key_block;
mod key_file;
mod key_folder;
mod large_voucher;
mod new_card;
mod payer;
mod pin_block;
mod pin_key;
mod sealed_file;
mod stripe;
mod tdes;
mod terminal;
mod terminals;
mod translation;
mod voucher;
mod zone;

pub use card_order::CardOrder;
pub use clear::{ClearEntry, ClearPresentation};
pub use clear_pin::ClearPin;
pub use examine::{Examined, IssuerAnswer, Presentation, Refused, Source};
pub use issuer_key::IssuerKey;
pub use kept_card::{ALIAS_LABEL, ReleasedCard};
pub use key::KeyKind;
pub use key_file::{
    FILE_NAME, PASSPHRASE_FILE_NAME, ROOT_FILE_NAME, add_issuers, add_zone, change_passphrase, init, share_key,
};
use key_file::{KeyFile, StoredEpoch};
pub use key_folder::KeyFolder;
pub use large_voucher::ProvenVoucher;
pub use new_card::CardSecrets;
pub use pin_block::PinFormat;
use pin_key::PinKeys;
use sealed_file::FileKey;
pub use translation::{PinDestination, PinSource, TranslationRefused};
pub use voucher::{CodeVerifier, VoucherCodes, add_voucher_keys};
pub use zone::{MAC_LEN, SharedKey, ZoneKeyKind, ZoneKeyUnderMaster, ZoneSetup};

/// How long a sealing key opens capsules, in milliseconds: at most what wallets accept (24 hours).
const EPOCH_LIFE_MS: i64 = envelope::keyset::BANK_EPOCH_MS_MAX;
/// How far before now a new epoch starts, in milliseconds, for wallets whose clocks are behind.
const EPOCH_BACKDATE_MS: i64 = 5 * 60 * 1_000;
/// A new epoch is made when the newest has less than this left, in milliseconds.
const EPOCH_RENEW_BEFORE_MS: i64 = 12 * 60 * 60 * 1_000;
/// How long after its end a key is kept for capsules still on their way, in milliseconds.
const EPOCH_LAST_ARRIVAL_MS: i64 = 15 * 60 * 1_000;

/// What the key of message digests is derived with.
const MESSAGE_DIGEST_LABEL: &[u8] = b"tapseal/1 message digest";

/// The security module.
pub struct Hsm {
    folder: KeyFolder,
    root: SigningKey<BankRoot>,
    outcome_key: SigningKey<BankOutcome>,
    pan_reference_key: Hmac<Sha256>,
    pin_keys: PinKeys,
    voucher_keys: Option<voucher::VoucherKeys>,
    issuers: Vec<LoadedIssuer>,
    zones: BTreeMap<String, zone::Zone>,
    epochs: RwLock<Epochs>,
}

struct LoadedIssuer {
    iin: String,
    key: IssuerMasterKey,
    script_key: IssuerMasterKey,
    verification_key: Option<Zeroizing<[u8; 16]>>,
}

/// The sealing keys of now, and the certificate that names them.
struct Epochs {
    file: KeyFile,
    file_key: FileKey,
    keys: Vec<Arc<Epoch>>,
    certificate: Arc<str>,
}

impl Epochs {
    fn save(&mut self, folder: &KeyFolder) -> Result<(), BankError> {
        self.file.save_over(folder, &mut self.file_key)
    }
}

struct Epoch {
    secret: BankSealingKeySecret,
    not_after_ms: i64,
}

/// What the bank stores of a card and its PIN.
pub struct Personalised {
    /// The card's stored name.
    pub pan_reference: PanReference,
    /// Its last four digits.
    pub last_four: String,
    /// What verifies its PIN.
    pub pin_value: PinValue,
}

impl Hsm {
    /// Loads the keys of a bank's folder and renews the sealing keys if it is time. For the one
    /// process that serves; others take [`Hsm::load`].
    pub fn open(folder: impl Into<KeyFolder>, now_ms: i64) -> Result<Self, BankError> {
        let hsm = Self::load(folder)?;
        hsm.renew(now_ms, Renewal::WhenDue)?;
        Ok(hsm)
    }

    /// Loads the keys of a bank's folder and changes nothing: no capsule opens until the sealing
    /// keys are asked for.
    pub fn load(folder: impl Into<KeyFolder>) -> Result<Self, BankError> {
        let folder = folder.into();
        let (file, file_key) = KeyFile::load(&folder)?;
        let issuers = file.issuers.iter().map(|issuer| {
            Ok(LoadedIssuer {
                iin: issuer.iin.clone(),
                key: IssuerMasterKey::new(issuer.expose_key()?),
                script_key: IssuerMasterKey::new(issuer.expose_script_key()?),
                verification_key: issuer.expose_verification_key()?,
            })
        });
        let zones = file.zones.iter().map(|zone| Ok((zone.acquirer.clone(), zone.load()?)));
        Ok(Self {
            zones: zones.collect::<Result<_, BankError>>()?,
            root: key_file::root(&folder)?,
            outcome_key: SigningKey::from_bytes(&*file.outcome_key.expose(KeyKind::OutcomeSigning)?),
            pan_reference_key: Hmac::new_from_slice(&*file.pan_reference_key.expose::<32>(KeyKind::PanReference)?)
                .map_err(|_| BankError::Malformed(FILE_NAME))?,
            pin_keys: file.expose_pin_keys()?,
            voucher_keys: file.voucher_keys.as_ref().map(voucher::StoredVoucherKeys::load).transpose()?,
            issuers: issuers.collect::<Result<_, BankError>>()?,
            epochs: RwLock::new(Epochs { file, file_key, keys: Vec::new(), certificate: Arc::from("") }),
            folder,
        })
    }

    /// The bank's id.
    pub fn bank_id(&self) -> String {
        self.epochs.read().unwrap_or_else(PoisonError::into_inner).file.bank_id.clone()
    }

    /// The certificate of the sealing keys, signed by the bank's root; renews them when it is time.
    pub fn certificate(&self, now_ms: i64) -> Result<Arc<str>, BankError> {
        self.renew(now_ms, Renewal::WhenDue)?;
        Ok(Arc::clone(&self.epochs.read().unwrap_or_else(PoisonError::into_inner).certificate))
    }

    /// Forgets every sealing key and makes a new one: what is sealed to the old ones never opens.
    pub fn roll(&self, now_ms: i64) -> Result<(), BankError> {
        self.renew(now_ms, Renewal::Now)
    }

    /// Signs the bank's word on an attempt.
    pub fn sign_outcome(&self, outcome: &Outcome) -> String {
        jws::sign(&self.outcome_key, jws::TYP_OUTCOME, &outcome.canonical())
    }

    /// Signs the bank's word on a refund.
    pub fn sign_refund_outcome(&self, outcome: &RefundOutcome) -> String {
        jws::sign(&self.outcome_key, jws::TYP_REFUND_OUTCOME, &outcome.canonical())
    }

    /// Makes a new working key for an acquirer and takes it into use, durably.
    ///
    /// # Errors
    /// [`BankError::NoZoneKey`] when no zone master key is shared with the acquirer.
    pub fn new_zone_key(&self, acquirer: &str, kind: ZoneKeyKind) -> Result<ZoneKeyUnderMaster, BankError> {
        let zone = self.zone(acquirer).ok_or(BankError::NoZoneKey("zone master"))?;
        let (key, sent) = zone.generate(kind)?;
        {
            let mut epochs = self.epochs.write().unwrap_or_else(PoisonError::into_inner);
            epochs.file.set_zone_key(acquirer, kind, &key)?;
            // On disk before the acquirer has it: a key lost in a crash would open nothing it sends.
            epochs.save(&self.folder)?;
        }
        zone.change(kind, key);
        Ok(sent)
    }

    /// The MAC of a message to this acquirer (DE 64 or 128).
    ///
    /// # Errors
    /// [`BankError::NoZoneKey`] when no such key is shared with it.
    pub fn mac(&self, acquirer: &str, message: &[u8]) -> Result<[u8; MAC_LEN], BankError> {
        let mac = self.zone(acquirer).and_then(|zone| zone.mac(message));
        mac.ok_or(BankError::NoZoneKey("message authentication"))
    }

    /// Whether this is the MAC of a message from this acquirer; it is not when no such key is shared with it.
    pub fn check_mac(&self, acquirer: &str, message: &[u8], mac: &[u8; MAC_LEN]) -> bool {
        self.zone(acquirer).is_some_and(|zone| zone.has_right_mac(message, *mac))
    }

    /// What to store of a new card.
    pub fn personalise(&self, pan: &Pan, pin: &Pin) -> Personalised {
        Personalised {
            pan_reference: self.reference(pan),
            last_four: pan.last_four(),
            pin_value: self.pin_keys.value(pan, pin),
        }
    }

    /// By which the same message is known again, in hexadecimal. Its card number has so few digits that a hash without a
    /// key would tell it.
    pub fn message_digest(&self, message: &[u8]) -> String {
        // A key of its own, derived: what names cards names nothing else.
        let key = self.pan_reference_key.clone().chain_update(MESSAGE_DIGEST_LABEL).finalize().into_bytes();
        let keyed = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
        hex::encode(keyed.chain_update(message).finalize().into_bytes())
    }

    fn reference(&self, pan: &Pan) -> PanReference {
        let mac = self.pan_reference_key.clone().chain_update(pan.expose_ascii()).finalize();
        PanReference::from_hmac(&mac.into_bytes())
    }

    /// The issuer of a card, by the longest issuer prefix that fits.
    fn issuer(&self, pan: &Pan) -> Option<&LoadedIssuer> {
        let fits = |issuer: &&LoadedIssuer| pan.expose_ascii().starts_with(issuer.iin.as_bytes());
        self.issuers.iter().filter(fits).max_by_key(|issuer| issuer.iin.len())
    }

    /// The keys shared with an acquirer.
    fn zone(&self, acquirer: &str) -> Option<&zone::Zone> {
        self.zones.get(zone::acquirer_name(acquirer)?)
    }

    /// The sealing key a capsule names, if it may still be used.
    fn epoch(&self, kid: &str, now_ms: i64) -> Option<Arc<Epoch>> {
        let epochs = self.epochs.read().unwrap_or_else(PoisonError::into_inner);
        let open =
            |epoch: &&Arc<Epoch>| epoch.secret.kid() == kid && now_ms < epoch.not_after_ms + EPOCH_LAST_ARRIVAL_MS;
        epochs.keys.iter().find(open).cloned()
    }

    fn renew(&self, now_ms: i64, renewal: Renewal) -> Result<(), BankError> {
        if renewal == Renewal::WhenDue {
            let epochs = self.epochs.read().unwrap_or_else(PoisonError::into_inner);
            if !epochs.certificate.is_empty() && !epochs.file.is_due(now_ms) {
                return Ok(());
            }
        }
        let mut epochs = self.epochs.write().unwrap_or_else(PoisonError::into_inner);
        if renewal == Renewal::Now {
            epochs.file.epochs.clear();
        }
        if epochs.file.renew(now_ms) {
            // On disk before anybody may seal to it: a key lost in a crash opens nothing.
            epochs.save(&self.folder)?;
        }
        let keys: Vec<_> = epochs.file.epochs.iter().map(StoredEpoch::load).collect::<Result<_, _>>()?;
        epochs.certificate = self.certify(&epochs.file, &keys).into();
        epochs.keys = keys
            .into_iter()
            .map(|dated| Arc::new(Epoch { secret: dated.key, not_after_ms: dated.not_after_ms }))
            .collect();
        Ok(())
    }

    fn certify(&self, file: &KeyFile, epochs: &[Dated<BankSealingKeySecret>]) -> String {
        let sealing_keys: Vec<_> = epochs
            .iter()
            .map(|epoch| Dated {
                key: epoch.key.public().clone(),
                not_before_ms: epoch.not_before_ms,
                not_after_ms: epoch.not_after_ms,
            })
            .collect();
        let outcome_key = Dated {
            key: self.outcome_key.public().clone(),
            not_before_ms: file.outcome_key_not_before_ms,
            not_after_ms: file.outcome_key_not_after_ms,
        };
        let iin_range = |issuer: &LoadedIssuer| IinRange { from: issuer.iin.clone(), to: issuer.iin.clone() };
        let certificate = BankCertificate {
            bank_id: file.bank_id.clone(),
            bank_name: file.bank_name.clone(),
            kind: FrontKind::Bank,
            version: file.certificate_version,
            issued_ms: file.certificate_issued_ms,
            expires_ms: epochs.iter().map(|epoch| epoch.not_after_ms).max().unwrap_or_default(),
            iin_ranges: self.issuers.iter().map(iin_range).collect(),
            sealing_keys,
            outcome_keys: vec![outcome_key],
        };
        certificate.sign(&self.root)
    }
}

/// When sealing keys are renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Renewal {
    /// When the newest is half through.
    WhenDue,
    /// At once, forgetting the others.
    Now,
}

#[cfg(test)]
mod independent;
#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;

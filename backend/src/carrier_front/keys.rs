//! The operator's keys: what opens capsules, signs outcomes, certifies subscribers and verifies PINs.
//!
//! They are a file of their own that only the operator's account can read, beside the root. A stolen database holds no
//! key: PINs and codes are there as HMACs, which tell nothing without it.

use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use envelope::inner::{self, Content};
use envelope::keyset::{BANK_EPOCH_MS_MAX, BankCertificate, Dated, FrontKind};
use envelope::means::Means;
use envelope::means::carrier::Carrier;
use envelope::subscriber::{SERIAL_LEN, SubscriberCertificate};
use envelope::{BankOutcome, BankRoot, BankSealingKeySecret, Capsule, SigningKey, Subscriber, VerifyingKey, jws};
use hmac::{Hmac, KeyInit, Mac};
use payment::{DeclineCode, Outcome, RefundOutcome};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::error::CarrierError;
use crate::keys::{self, BankEntry, BankHome, KeysError};
use crate::mac::{self, MacKey};

/// The key file within the operator's folder.
const FILE_NAME: &str = "operator.keys";
/// The seed of the operator's root there.
const ROOT_FILE_NAME: &str = "root.key";
/// How far before now a new key becomes valid, in milliseconds, for wallets whose clocks are behind.
const BACKDATE_MS: i64 = 5 * 60 * 1_000;
/// A new sealing key is made when the newest has less than this left, in milliseconds.
const RENEW_BEFORE_MS: i64 = 12 * 60 * 60 * 1_000;
/// How long after its end a sealing key is kept for capsules still on their way, in milliseconds.
const LAST_ARRIVAL_MS: i64 = 15 * 60 * 1_000;
/// Life of the outcome key and of a subscriber's certificate, in milliseconds: a year.
const YEAR_MS: i64 = 365 * 24 * 60 * 60 * 1_000;

const PIN_LABEL: &[u8] = b"tapseal/1 subscriber pin";
const CODE_LABEL: &[u8] = b"tapseal/1 enrolment code";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    operator_id: String,
    operator_name: String,
    outcome_key: Zeroizing<String>,
    outcome_not_before_ms: i64,
    outcome_not_after_ms: i64,
    /// What the keys of HMACs are derived from.
    verification_key: Zeroizing<String>,
    certificate_version: u64,
    certificate_issued_ms: i64,
    epochs: Vec<StoredEpoch>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredEpoch {
    secret: Zeroizing<String>,
    not_before_ms: i64,
    not_after_ms: i64,
}

impl StoredEpoch {
    fn starting(now_ms: i64) -> Self {
        let secret = BankSealingKeySecret::generate();
        let not_before_ms = now_ms - BACKDATE_MS;
        let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(secret.expose_bytes()));
        Self { secret, not_before_ms, not_after_ms: not_before_ms + BANK_EPOCH_MS_MAX }
    }

    fn is_over(&self, now_ms: i64) -> bool {
        now_ms >= self.not_after_ms + LAST_ARRIVAL_MS
    }
}

impl KeyFile {
    fn is_due(&self, now_ms: i64) -> bool {
        let newest = self.epochs.iter().map(|epoch| epoch.not_after_ms).max();
        newest.is_none_or(|ends_ms| ends_ms - now_ms < RENEW_BEFORE_MS)
            || self.epochs.iter().any(|epoch| epoch.is_over(now_ms))
    }

    /// Forgets the sealing keys that are over, and starts one when the newest is half through.
    fn renew(&mut self, now_ms: i64) {
        self.epochs.retain(|epoch| !epoch.is_over(now_ms));
        if self.epochs.iter().all(|epoch| epoch.not_after_ms - now_ms < RENEW_BEFORE_MS) {
            self.epochs.push(StoredEpoch::starting(now_ms));
        }
        self.certificate_version += 1;
        self.certificate_issued_ms = now_ms;
    }
}

/// Makes the operator's keys in its folder, where they are missing; whether any were made.
///
/// # Errors
/// When a file cannot be written.
pub fn init(home: &BankHome, operator: &BankEntry, now_ms: i64) -> Result<bool, KeysError> {
    let path = home.file(FILE_NAME);
    if path.exists() {
        return Ok(false);
    }
    let outcome_key = SigningKey::<BankOutcome>::generate();
    let mut file = KeyFile {
        operator_id: operator.id.to_string(),
        operator_name: operator.name.clone(),
        outcome_key: Zeroizing::new(URL_SAFE_NO_PAD.encode(outcome_key.expose_bytes())),
        outcome_not_before_ms: now_ms - BACKDATE_MS,
        outcome_not_after_ms: now_ms - BACKDATE_MS + YEAR_MS,
        verification_key: Zeroizing::new(URL_SAFE_NO_PAD.encode(Zeroizing::new(keys::random::<32>()).as_slice())),
        certificate_version: 0,
        certificate_issued_ms: now_ms,
        epochs: Vec::new(),
    };
    file.renew(now_ms);
    keys::replace_json(&path, &file)?;
    Ok(true)
}

/// The operator's keys, in use.
pub struct OperatorKeys {
    home: BankHome,
    operator_id: String,
    operator_name: String,
    root: SigningKey<BankRoot>,
    outcome_key: SigningKey<BankOutcome>,
    verification_key: Hmac<Sha256>,
    in_force: RwLock<InForce>,
}

/// The sealing keys of now, and the certificate that names them.
struct InForce {
    file: KeyFile,
    epochs: Vec<Arc<Dated<BankSealingKeySecret>>>,
    certificate: Arc<str>,
}

impl OperatorKeys {
    /// Loads the keys of an operator's folder.
    ///
    /// # Errors
    /// When a file is missing or malformed.
    pub fn load(home: &BankHome) -> Result<Self, CarrierError> {
        let path = home.file(FILE_NAME);
        let file: KeyFile = keys::read_json(&path)?;
        let key = |text: &str| {
            keys::decode_key(text).ok_or(KeysError::Malformed { path: path.clone(), what: "not a key of 32 bytes" })
        };
        let verification_key = Hmac::new_from_slice(&*key(&file.verification_key)?)
            .map_err(|_| CarrierError::Malformed("the key of verifiers"))?;
        Ok(Self {
            home: home.clone(),
            operator_id: file.operator_id.clone(),
            operator_name: file.operator_name.clone(),
            root: keys::signing_key(&home.file(ROOT_FILE_NAME))?,
            outcome_key: SigningKey::from_bytes(&*key(&file.outcome_key)?),
            verification_key,
            in_force: RwLock::new(InForce { file, epochs: Vec::new(), certificate: Arc::from("") }),
        })
    }

    /// The operator's id.
    pub fn operator_id(&self) -> &str {
        &self.operator_id
    }

    /// Its name, for subscribers.
    pub fn operator_name(&self) -> &str {
        &self.operator_name
    }

    /// The certificate of the sealing keys, signed by the operator's root; renews them when it is time.
    ///
    /// # Errors
    /// When new keys cannot be written.
    pub fn certificate(&self, now_ms: i64) -> Result<Arc<str>, CarrierError> {
        {
            let in_force = self.in_force.read().unwrap_or_else(PoisonError::into_inner);
            if !in_force.certificate.is_empty() && !in_force.file.is_due(now_ms) {
                return Ok(Arc::clone(&in_force.certificate));
            }
        }
        let mut in_force = self.in_force.write().unwrap_or_else(PoisonError::into_inner);
        if in_force.file.is_due(now_ms) {
            in_force.file.renew(now_ms);
            // On disk before anybody may seal to it: a key lost in a crash opens nothing.
            keys::replace_json(&self.home.file(FILE_NAME), &in_force.file)?;
        }
        let load = |epoch: &StoredEpoch| {
            let secret = keys::decode_key(&epoch.secret).ok_or(CarrierError::Stored("sealing key"))?;
            let (not_before_ms, not_after_ms) = (epoch.not_before_ms, epoch.not_after_ms);
            Ok(Arc::new(Dated { key: BankSealingKeySecret::from_bytes(&secret), not_before_ms, not_after_ms }))
        };
        let epochs = in_force.file.epochs.iter().map(load).collect::<Result<Vec<_>, CarrierError>>()?;
        in_force.certificate = self.certify(&in_force.file, &epochs).into();
        in_force.epochs = epochs;
        Ok(Arc::clone(&in_force.certificate))
    }

    fn certify(&self, file: &KeyFile, epochs: &[Arc<Dated<BankSealingKeySecret>>]) -> String {
        let public = |epoch: &Arc<Dated<BankSealingKeySecret>>| Dated {
            key: epoch.key.public().clone(),
            not_before_ms: epoch.not_before_ms,
            not_after_ms: epoch.not_after_ms,
        };
        let outcome_key = Dated {
            key: self.outcome_key.public().clone(),
            not_before_ms: file.outcome_not_before_ms,
            not_after_ms: file.outcome_not_after_ms,
        };
        let certificate = BankCertificate {
            bank_id: self.operator_id.clone(),
            bank_name: self.operator_name.clone(),
            kind: FrontKind::Operator,
            version: file.certificate_version,
            issued_ms: file.certificate_issued_ms,
            expires_ms: epochs.iter().map(|epoch| epoch.not_after_ms).max().unwrap_or_default(),
            iin_ranges: Vec::new(),
            sealing_keys: epochs.iter().map(public).collect(),
            outcome_keys: vec![outcome_key],
        };
        certificate.sign(&self.root)
    }

    /// What a capsule holds, if it was sealed to this operator for this attempt or enrolment.
    ///
    /// # Errors
    /// The refusal. It does not say what was wrong with a capsule.
    pub fn open(&self, capsule: &[u8], hash: &[u8; 32], now_ms: i64) -> Result<Carrier, DeclineCode> {
        let capsule = Capsule::from_bytes(capsule).map_err(|_| DeclineCode::OrderMismatch)?;
        let epoch = {
            let in_force = self.in_force.read().unwrap_or_else(PoisonError::into_inner);
            let fits = |epoch: &&Arc<Dated<BankSealingKeySecret>>| {
                epoch.key.kid() == capsule.kid && now_ms < epoch.not_after_ms + LAST_ARRIVAL_MS
            };
            in_force.epochs.iter().find(fits).cloned().ok_or(DeclineCode::RetiredKey)?
        };
        match inner::open_any(&epoch.key, hash, &capsule) {
            Ok(Content::Means(Means::Carrier(carrier))) => Ok(carrier),
            Ok(Content::Means(_) | Content::Card(_) | Content::LargeVoucher(_)) | Err(_) => {
                Err(DeclineCode::OrderMismatch)
            }
        }
    }

    /// Signs the operator's word on an attempt.
    pub fn sign_outcome(&self, outcome: &Outcome) -> String {
        jws::sign(&self.outcome_key, jws::TYP_OUTCOME, &outcome.canonical())
    }

    /// Signs the operator's word on a refund.
    pub fn sign_refund_outcome(&self, outcome: &RefundOutcome) -> String {
        jws::sign(&self.outcome_key, jws::TYP_REFUND_OUTCOME, &outcome.canonical())
    }

    /// Certifies a subscriber's key for a year, under a serial drawn now.
    pub fn certify_subscriber(&self, key: VerifyingKey<Subscriber>, now_ms: i64) -> SubscriberKey {
        let serial = SubscriberCertificate::serial_text(&keys::random::<SERIAL_LEN>());
        let certificate = SubscriberCertificate {
            operator_id: self.operator_id.clone(),
            serial: serial.clone(),
            key,
            not_before_ms: now_ms - BACKDATE_MS,
            not_after_ms: now_ms - BACKDATE_MS + YEAR_MS,
        };
        SubscriberKey { serial, certificate: certificate.sign(&self.root) }
    }

    /// The certificate in a JWS of ours, if it is valid now.
    pub fn subscriber_certificate(&self, certificate: &str, now_ms: i64) -> Option<SubscriberCertificate> {
        let root = envelope::keyset::BankTrust { bank_id: self.operator_id.clone(), key: self.root.public().clone() };
        SubscriberCertificate::verify_at(certificate, &[root], now_ms).ok()
    }

    /// What verifies a subscriber's PIN, in hexadecimal. It has too few digits for a hash without a key.
    pub fn pin_verifier(&self, subscriber_id: &str, pin: &[u8]) -> String {
        self.verifier(PIN_LABEL, subscriber_id, pin)
    }

    /// Whether this is the PIN that the verifier was made of.
    pub fn is_pin(&self, subscriber_id: &str, pin: &[u8], verifier: &str) -> bool {
        self.pin_verifier(subscriber_id, pin).as_bytes().ct_eq(verifier.as_bytes()).into()
    }

    /// The HMAC of an enrolment code, in hexadecimal.
    pub fn code_mac(&self, subscriber_id: &str, code: &[u8]) -> String {
        self.verifier(CODE_LABEL, subscriber_id, code)
    }

    /// Whether this is the code that the HMAC was made of.
    pub fn is_code(&self, subscriber_id: &str, code: &[u8], mac: &str) -> bool {
        self.code_mac(subscriber_id, code).as_bytes().ct_eq(mac.as_bytes()).into()
    }

    /// A key for each purpose, derived (NIST SP 800-108, HMAC in one block), and an HMAC under it.
    fn verifier(&self, label: &[u8], subscriber_id: &str, secret: &[u8]) -> String {
        let key =
            Zeroizing::new(<[u8; 32]>::from(self.verification_key.clone().chain_update(label).finalize().into_bytes()));
        let key = MacKey::new_from_slice(&*key).expect("HMAC takes keys of any length");
        hex::encode(mac::tag(&key, &[subscriber_id.as_bytes(), &[0], secret]))
    }
}

/// A key that was certified.
pub struct SubscriberKey {
    /// The certificate's serial, in base64url.
    pub serial: String,
    /// The certificate.
    pub certificate: String,
}

//! `tapseal keys init`: makes every key, certificate and trust file of a small deployment in one folder.
//!
//! In life the operator's root, each merchant's keys and the bank's keys are made by different parties at
//! different places; here they are made together, each in a folder of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use envelope::keyset::{BankTrust, Dated, Keyset, KeysetKey, MerchantProfile, TrustRoots};
use envelope::{BankRoot, Merchant, OperatorRoot, PaymentServerSealingKeySecret, SigningKey, SigningRole};
use payment::{Currency, MerchantId, Methods};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::clock::{now_ms, signed_ms};

mod bank;
mod certificates;
mod file;
mod folder;
pub mod issuer_register;
mod names;
mod vault_entry;

pub use bank::{BankEntry, BankHome, BankId, front_host_name};
pub use certificates::make_outsider;
use file::write_json;
pub(crate) use file::{decode_key, replace_json};
pub use file::{read_json, read_key, read_text, write_new};
pub use folder::DataFolder;
pub use names::mixes_scripts;
pub use vault_entry::{VaultEntry, list_vault};

/// How far before now a new key becomes valid, in milliseconds: clocks differ.
const BACKDATE_MS: i64 = 60 * 60 * 1_000;
/// A day, in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Life of the payment server's sealing key.
const SERVER_KEY_LIFE_MS: i64 = 90 * DAY_MS;
/// Life of the keyset and of the merchants' keys.
const KEYSET_LIFE_MS: i64 = 365 * DAY_MS;
/// Bytes of an API key.
const API_KEY_BYTES: usize = 32;

/// Why keys could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{path}: {what}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong; never the content.
        what: &'static str,
    },
    /// A certificate could not be made.
    #[error(transparent)]
    Certificate(#[from] rcgen::Error),
    /// The keyset would not be accepted by anybody.
    #[error(transparent)]
    Keyset(#[from] envelope::KeysetError),
    /// Another bank issues cards under this prefix.
    #[error("cards that begin with {prefix} are the bank {holder}'s")]
    PrefixTaken {
        /// The prefix as it stands in the register.
        prefix: String,
        /// Whose it is.
        holder: String,
    },
    /// A bank and an operator cannot share an id.
    #[error("there is a front called {0} already, and it is not of this kind")]
    FrontTaken(String),
    /// A merchant's name could be taken for another's.
    #[error("the name {name} {what}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The folder is complete, and other merchants are asked for.
    #[error("{0} is not in this folder, which is complete; use a new folder")]
    Complete(String),
}

/// What a wallet pins: where the server is, who signs its TLS certificate, and the trust roots.
#[derive(Debug, Serialize, Deserialize)]
pub struct TrustFile {
    /// The payment server's address.
    pub server_url: String,
    /// The certificate that signs the payment server's, in PEM.
    pub tls_ca_pem: String,
    /// The operator's and the banks' roots.
    #[serde(flatten)]
    pub roots: TrustRoots,
}

/// A merchant's facts: `profile.json` in the merchant's folder, and pinned by the bank at onboarding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MerchantFacts {
    /// The merchant's name on the wire.
    pub merchant_id: MerchantId,
    /// The name shown to payers.
    pub display_name: String,
    /// Merchant category code (ISO 18245).
    pub mcc: String,
    /// ISO 3166-1, two letters.
    pub country: String,
    /// What the merchant is settled in.
    pub currency: Currency,
    /// The ways to pay it takes; none for every way there is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub methods: Option<Methods>,
}

impl FromStr for MerchantFacts {
    type Err = String;

    /// Reads `id:display name:mcc:country:currency`, and the ways to pay after one more colon, such as `card,code`.
    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let (facts, methods) = match parts.split_at_checked(5) {
            Some((facts, [])) => (facts, None),
            Some((facts, [methods])) => (facts, Some(methods)),
            Some(_) | None => (&[][..], None),
        };
        let &[id, name, mcc, country, currency] = facts else {
            return Err(
                "a merchant is id:display name:mcc:country:currency, and :methods if it takes only some".to_owned()
            );
        };
        Ok(Self {
            merchant_id: id.parse().map_err(|error| format!("{id}: {error}"))?,
            display_name: name.to_owned(),
            mcc: mcc.to_owned(),
            country: country.to_owned(),
            currency: currency.parse().map_err(|error| format!("{currency}: {error}"))?,
            methods: methods
                .map(|methods| methods.parse().map_err(|error| format!("{methods}: {error}")))
                .transpose()?,
        })
    }
}

/// `merchants.json` of a bank, by merchant id: what the bank pinned when it took the merchant on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PinnedMerchant {
    /// The merchant's Ed25519 public key, base64url.
    pub signing_key: String,
    /// Its key id.
    pub kid: String,
    /// The merchant's facts.
    #[serde(flatten)]
    pub facts: MerchantFacts,
}

/// `signing.json` in the merchant's folder: the public half of its signing key.
#[derive(Serialize, Deserialize)]
struct SigningFacts {
    kid: String,
    signing_key: String,
}

/// `payment-server/merchants.json`, by merchant id: the API key as its SHA-256 in hexadecimal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApiKeyHash {
    /// SHA-256 of the API key, in hexadecimal.
    pub api_key_sha256: String,
}

/// One entry of `payment-server/sealing.json`.
#[derive(Serialize, Deserialize)]
struct SealingKeyEntry {
    kid: String,
    secret: Zeroizing<String>,
    not_before_ms: i64,
    not_after_ms: i64,
}

/// What `keys init` shall make.
#[derive(Debug, clap::Args)]
pub struct InitOptions {
    /// The folder to make.
    #[arg(long)]
    pub dir: PathBuf,
    /// Names and addresses the servers are reached under.
    #[arg(long = "host", default_values = ["127.0.0.1", "localhost"])]
    pub hosts: Vec<String>,
    /// A merchant, as id:display name:mcc:country:currency. The ways to pay it takes may follow, such as :card,code.
    #[arg(long = "merchant", default_values = ["blue-door:Blue Door Café:5814:US:USD"])]
    pub merchants: Vec<MerchantFacts>,
    /// A bank, as id or id:name. A folder that is complete takes further banks.
    #[arg(long = "bank", default_values = ["first"])]
    pub banks: Vec<BankEntry>,
    /// A telephone operator, as id:name. A folder that is complete takes further operators.
    #[arg(long = "operator", value_parser = operator_entry)]
    pub operators: Vec<BankEntry>,
    /// The address of the payment server that links and the trust file carry.
    #[arg(long, default_value = "https://127.0.0.1:8443")]
    pub public_url: String,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// An operator is told to people by its name, so it has one.
fn operator_entry(text: &str) -> Result<BankEntry, String> {
    if text.contains(':') { text.parse() } else { Err(format!("{text:?}: an operator is id:name")) }
}

/// Makes what is missing in the folder and leaves what is there; a complete folder takes only further banks.
/// Whether anything was made.
pub fn init(options: &InitOptions) -> Result<bool, KeysError> {
    let folder = DataFolder::new(&options.dir);
    if folder.trust().exists() {
        let missing = options.merchants.iter().find(|m| !folder.merchant(&m.merchant_id, "profile.json").exists());
        return match missing {
            Some(facts) => Err(KeysError::Complete(facts.merchant_id.to_string())),
            None => add_banks(&folder, options),
        };
    }
    names::check(&options.merchants)?;
    certificates::make(&folder, &options.hosts)?;
    let operator: SigningKey<OperatorRoot> = signing_key(&folder.path().join("operator/root.key"))?;
    let mut keyset = Keyset {
        version: 1,
        issued_ms: signed_ms(now_ms()),
        expires_ms: signed_ms(now_ms()) + KEYSET_LIFE_MS,
        keys: vec![make_server_key(&folder)?],
    };
    make_merchants(&folder, &options.merchants, &mut keyset)?;
    keyset.validate()?;
    write_new(&folder.payment_server("keyset.jws"), keyset.sign(&operator).as_bytes())?;
    let public_url = options.public_url.trim_end_matches('/').to_owned();
    write_new(&folder.payment_server("public-url"), public_url.as_bytes())?;
    write_new(&folder.payment_server("claim.key"), URL_SAFE_NO_PAD.encode(random::<32>()).as_bytes())?;
    let mut banks: Vec<BankTrust> = Vec::new();
    make_fronts(&folder, options, &mut banks)?;
    // The trust file comes last: a folder that has it is complete.
    let trust = TrustFile {
        server_url: public_url,
        tls_ca_pem: read_text(&folder.tls_ca())?,
        roots: TrustRoots { operator: vec![operator.public().clone()], banks },
    };
    write_json(&folder.trust(), &trust)?;
    Ok(true)
}

/// Makes the banks that a complete folder has not, and then adds their roots to the trust file. Wallets that
/// pinned the file before do not know them.
fn add_banks(folder: &DataFolder, options: &InitOptions) -> Result<bool, KeysError> {
    let mut trust: TrustFile = read_json(&folder.trust())?;
    let before = trust.roots.banks.len();
    make_fronts(folder, options, &mut trust.roots.banks)?;
    if trust.roots.banks.len() == before {
        return Ok(false);
    }
    replace_json(&folder.trust(), &trust)?;
    Ok(true)
}

/// The fronts that are asked for and not known yet. Banks and operators share one list of ids: a name means one of them.
fn make_fronts(folder: &DataFolder, options: &InitOptions, known: &mut Vec<BankTrust>) -> Result<(), KeysError> {
    let banks = options.banks.iter().map(|bank| folder.bank_home(&bank.id));
    let operators = options.operators.iter().map(|operator| folder.operator_home(&operator.id));
    for home in banks.chain(operators) {
        if known.iter().all(|known| known.bank_id != home.id().as_str()) {
            known.push(make_front(folder, &home, &options.hosts)?);
        } else if !home.dir().exists() {
            return Err(KeysError::FrontTaken(home.id().to_string()));
        }
    }
    Ok(())
}

/// A front's root, its end of the line, and the merchants it takes on: every one of the deployment.
fn make_front(folder: &DataFolder, home: &BankHome, hosts: &[String]) -> Result<BankTrust, KeysError> {
    let id = home.id();
    let root: SigningKey<BankRoot> = signing_key(&home.file("root.key"))?;
    certificates::make_front(folder, home, hosts)?;
    write_json(&home.file("merchants.json"), &pinned_merchants(folder)?)?;
    Ok(BankTrust { bank_id: id.to_string(), key: root.public().clone() })
}

/// What each merchant of the deployment shows a bank that takes it on.
fn pinned_merchants(folder: &DataFolder) -> Result<BTreeMap<MerchantId, PinnedMerchant>, KeysError> {
    let dir = folder.path().join("merchants");
    let failed = |source| KeysError::File { path: dir.clone(), source };
    let mut pinned = BTreeMap::new();
    for entry in std::fs::read_dir(&dir).map_err(failed)? {
        let merchant = entry.map_err(failed)?.path();
        let facts: MerchantFacts = read_json(&merchant.join("profile.json"))?;
        let SigningFacts { kid, signing_key } = read_json(&merchant.join("signing.json"))?;
        pinned.insert(facts.merchant_id.clone(), PinnedMerchant { signing_key, kid, facts });
    }
    Ok(pinned)
}

fn make_server_key(folder: &DataFolder) -> Result<Dated<KeysetKey>, KeysError> {
    let secret = PaymentServerSealingKeySecret::generate();
    let not_before_ms = signed_ms(now_ms()) - BACKDATE_MS;
    let entry = SealingKeyEntry {
        kid: secret.kid().to_owned(),
        secret: Zeroizing::new(URL_SAFE_NO_PAD.encode(secret.expose_bytes())),
        not_before_ms,
        not_after_ms: not_before_ms + SERVER_KEY_LIFE_MS,
    };
    let key = KeysetKey::PaymentServer(secret.public().clone());
    let dated = Dated { key, not_before_ms, not_after_ms: entry.not_after_ms };
    write_json(&folder.payment_server("sealing.json"), &[entry])?;
    Ok(dated)
}

fn make_merchants(folder: &DataFolder, merchants: &[MerchantFacts], keyset: &mut Keyset) -> Result<(), KeysError> {
    let mut api_keys = BTreeMap::new();
    for facts in merchants {
        let id = &facts.merchant_id;
        let key: SigningKey<Merchant> = signing_key(&folder.merchant(id, "signing.key"))?;
        let signing = SigningFacts { kid: key.kid().to_owned(), signing_key: key.public().to_base64url() };
        write_json(&folder.merchant(id, "signing.json"), &signing)?;
        write_json(&folder.merchant(id, "profile.json"), facts)?;
        let api_key = Zeroizing::new(format!("tapseal_{}", URL_SAFE_NO_PAD.encode(random::<API_KEY_BYTES>())));
        write_new(&folder.merchant(id, "api-key"), api_key.as_bytes())?;
        let stored = read_text(&folder.merchant(id, "api-key"))?;
        api_keys.insert(id.clone(), ApiKeyHash { api_key_sha256: hex::encode(Sha256::digest(stored.trim())) });
        let not_before_ms = signed_ms(now_ms()) - BACKDATE_MS;
        keyset.keys.push(Dated {
            key: KeysetKey::Merchant {
                key: key.public().clone(),
                profile: MerchantProfile {
                    merchant_id: id.to_string(),
                    display_name: facts.display_name.clone(),
                    mcc: facts.mcc.clone(),
                    country: facts.country.clone(),
                    methods: facts
                        .methods
                        .map(|methods| methods.iter().map(|method| method.as_str().to_owned()).collect()),
                },
            },
            not_before_ms,
            not_after_ms: not_before_ms + KEYSET_LIFE_MS,
        });
    }
    write_json(&folder.payment_server("merchants.json"), &api_keys)
}

/// The Ed25519 key whose seed is in the file, made first when there is none.
pub fn signing_key<R: SigningRole>(path: &Path) -> Result<SigningKey<R>, KeysError> {
    if !path.exists() {
        let key = SigningKey::<R>::generate();
        let seed = Zeroizing::new(URL_SAFE_NO_PAD.encode(key.expose_bytes()));
        write_new(path, seed.as_bytes())?;
    }
    Ok(SigningKey::from_bytes(&*read_key(path)?))
}

/// The payment server's secret sealing keys.
pub fn sealing_keys(folder: &DataFolder) -> Result<Vec<PaymentServerSealingKeySecret>, KeysError> {
    let path = folder.payment_server("sealing.json");
    let entries: Vec<SealingKeyEntry> = read_json(&path)?;
    let malformed = || KeysError::Malformed { path: path.clone(), what: "not a sealing key" };
    let decode = |entry: &SealingKeyEntry| {
        let bytes = decode_key(&entry.secret).ok_or_else(malformed)?;
        let secret = PaymentServerSealingKeySecret::from_bytes(&bytes);
        if secret.kid() == entry.kid { Ok(secret) } else { Err(malformed()) }
    };
    entries.iter().map(decode).collect()
}

/// Bytes from the operating system's generator.
///
/// # Panics
/// When the operating system has no randomness to give: nothing here is safe without it.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system's random generator answers");
    bytes
}

/// A new row's id: a UUIDv7, so that ids sort by their time.
pub fn new_id(now_ms: u64) -> String {
    uuid::Builder::from_unix_timestamp_millis(now_ms, &random()).into_uuid().to_string()
}

#[cfg(test)]
mod tests;

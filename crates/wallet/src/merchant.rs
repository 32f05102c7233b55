//! The wallet as a merchant's till: it signs orders, follows what becomes of them, and gives money back.
//!
//! The merchant's signing key and API key come from an access file and rest in the key store beside the device's own
//! keys. What the till keeps in the wallet's database is no secret, or sealed under a third key that only the key store
//! has: the links of open requests, so that their code survives a restart, and those of printed counters.
//!
//! **Invariants:** an order is written down before it is sent, and sent again only as the same bytes; no view holds a
//! key, but for the links that are shown to be scanned.

mod access_file;
mod api;
mod counters;
mod day;
pub(crate) mod follow;
mod link;
mod number;
mod refund;
mod sales;
mod sell;
mod settings;
mod table;
mod view;
pub(crate) mod vouchers;

use std::path::Path;
use std::sync::{Arc, RwLock};

use envelope::{Merchant, RestKey, SigningKey};
use payment::{Currency, MerchantId};
use protocol::ipc::merchant::MerchantView;
use protocol::merchant_api::Scope;
use protocol::{ErrorCode, Problem};
use tokio::sync::watch;
use zeroize::Zeroizing;

use access_file::AccessFile;
pub(crate) use access_file::trust_in;
use api::MerchantApi;

use crate::changes::Changes;
use crate::clock::signed;
use crate::error::{Result, WalletError};
use crate::keystore::SecretName;
use crate::store::Store;
use crate::wallet::Wallet;

/// Length of a key in the till's secret, in bytes.
const KEY_LEN: usize = 32;

/// What is known of the merchant, and is no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantFacts {
    /// Its id.
    pub merchant_id: MerchantId,
    /// The name payers see.
    pub display_name: String,
    /// ISO 3166-1, two letters.
    pub country: String,
    /// Merchant category code, four digits (ISO 18245).
    pub mcc: String,
    /// The city, for codes that must name one.
    pub city: String,
    /// What it sells in.
    pub currency: Currency,
    /// The merchant API's address.
    pub server: String,
    /// The authority of its TLS certificate, in PEM.
    pub tls_ca_pem: String,
    /// The signing key's id.
    pub kid: String,
    /// What the API key may do.
    pub scopes: Vec<Scope>,
}

/// The merchant's keys, as the key store has them.
struct TillKeys {
    signing: SigningKey<Merchant>,
    /// Seals what the till keeps for itself.
    rest: RestKey,
    api_key: Zeroizing<String>,
}

impl TillKeys {
    /// Signing seed, rest key, and the rest is the API key.
    fn from_secret(secret: &[u8]) -> Result<Self> {
        let damaged = || WalletError::KeyFile("the merchant's keys are damaged".to_owned());
        let (seed, rest) = secret.split_first_chunk::<KEY_LEN>().ok_or_else(damaged)?;
        let (rest, api_key) = rest.split_first_chunk::<KEY_LEN>().ok_or_else(damaged)?;
        let api_key = std::str::from_utf8(api_key).map_err(|_| damaged())?;
        Ok(Self {
            signing: SigningKey::from_bytes(seed),
            rest: RestKey::from_bytes(rest),
            api_key: Zeroizing::new(api_key.to_owned()),
        })
    }

    fn to_secret(&self) -> Zeroizing<Vec<u8>> {
        let mut secret = Zeroizing::new(Vec::with_capacity(2 * KEY_LEN + self.api_key.len()));
        secret.extend_from_slice(self.signing.expose_bytes());
        secret.extend_from_slice(self.rest.expose_bytes());
        secret.extend_from_slice(self.api_key.as_bytes());
        secret
    }
}

/// A till that is connected.
pub(crate) struct Till {
    facts: MerchantFacts,
    signing: SigningKey<Merchant>,
    rest: RestKey,
    api: MerchantApi,
    /// One sale at a time: the next number is one more than the last.
    selling: tokio::sync::Mutex<()>,
    /// One batch of vouchers at a time.
    making: tokio::sync::Mutex<()>,
}

impl Till {
    fn new(facts: MerchantFacts, keys: TillKeys, changes: &Arc<Changes>) -> Result<Self> {
        let TillKeys { signing, rest, api_key } = keys;
        let api = MerchantApi::new(&facts.server, &facts.tls_ca_pem, api_key, Arc::clone(changes))?;
        let (selling, making) = (tokio::sync::Mutex::new(()), tokio::sync::Mutex::new(()));
        Ok(Self { facts, signing, rest, api, selling, making })
    }

    fn view(&self) -> MerchantView {
        MerchantView {
            merchant_id: self.facts.merchant_id.to_string(),
            display_name: self.facts.display_name.clone(),
            currency: self.facts.currency.code().to_owned(),
            currencies: vec![self.facts.currency.code().to_owned()],
            server: self.facts.server.trim_start_matches("https://").trim_end_matches('/').to_owned(),
            scopes: self.facts.scopes.clone(),
        }
    }
}

/// The till, if this wallet is one.
pub(crate) struct TillSlot {
    till: RwLock<Option<Arc<Till>>>,
    /// Wakes the task that follows the merchant's journal.
    connected: watch::Sender<u64>,
}

impl TillSlot {
    /// No till, or none whose keys are at hand.
    pub fn empty() -> Self {
        Self { till: RwLock::new(None), connected: watch::Sender::new(0) }
    }

    /// The till this wallet was before, given its keys. One whose keys were removed from the key store is none any more.
    pub async fn load(&self, store: &Store, secret: Option<&[u8]>, changes: &Arc<Changes>) -> Result<()> {
        match (store.till().await?, secret) {
            (Some(facts), Some(secret)) => {
                self.put(Some(Till::new(facts, TillKeys::from_secret(secret)?, changes)?));
            }
            (Some(facts), None) => {
                tracing::warn!(merchant = %facts.merchant_id, "the merchant's keys are gone from the key store");
            }
            (None, _) => {}
        }
        Ok(())
    }

    /// Lets the till's keys go; they are wiped when the last call under way ends.
    pub fn lock(&self) {
        self.put(None);
    }

    /// The till, if this wallet is one.
    pub fn get(&self) -> Option<Arc<Till>> {
        self.till.read().expect("no panic while it is held").clone()
    }

    fn put(&self, till: Option<Till>) {
        *self.till.write().expect("no panic while it is held") = till.map(Arc::new);
        self.connected.send_modify(|times| *times += 1);
    }
}

impl Wallet {
    /// The till, or that there is none.
    pub(crate) fn till(&self) -> Result<Arc<Till>> {
        self.core.till.get().ok_or(WalletError::Code(ErrorCode::NoMerchant))
    }

    /// The merchant this wallet takes payments for; none when it is a payer's only.
    #[allow(clippy::unused_async, reason = "every command is called alike, whether or not it waits")]
    pub async fn merchant(&self) -> std::result::Result<Option<MerchantView>, Problem> {
        Ok(self.core.till.get().map(|till| till.view()))
    }

    /// Makes this wallet a merchant's till, from an access file. Without a path there is nothing to read, and what was
    /// stays.
    pub async fn merchant_connect(&self, path: Option<String>) -> std::result::Result<Option<MerchantView>, Problem> {
        if let Some(path) = path {
            let file = AccessFile::read(Path::new(&path))?;
            self.connect(file).await?;
        }
        self.merchant().await
    }

    /// Forgets the merchant and its keys.
    pub async fn merchant_disconnect(&self) -> std::result::Result<(), Problem> {
        let core = &self.core;
        core.till.put(None);
        core.store.remove_till().await?;
        self.forget_voucher_key().await?;
        core.key_store.remove(SecretName::Till(core.device.id())).await?;
        core.changes.sales_changed();
        Ok(())
    }

    async fn connect(&self, file: AccessFile) -> Result<()> {
        let core = &self.core;
        if !file.trusts(&core.trust) {
            return Err(unusable("it is of an operator or server that this wallet does not trust"));
        }
        let (facts, signing, api_key) = file.into_parts()?;
        self.check_in_keyset(&facts).await?;
        // What this till sealed as the same merchant's still opens afterwards.
        let before = self.load_secret(SecretName::Till(core.device.id())).await?;
        let rest = match before.map(|secret| TillKeys::from_secret(&secret)).transpose()? {
            Some(keys) => keys.rest,
            None => RestKey::generate(),
        };
        let keys = TillKeys { signing, rest, api_key };
        let secret = keys.to_secret();
        let till = Till::new(facts, keys, &core.changes)?;
        let end = till.api.end_of_events().await?;
        if core.store.till().await?.is_some_and(|kept| kept.merchant_id != till.facts.merchant_id) {
            core.store.remove_till().await?;
            self.forget_voucher_key().await?;
        }
        self.keep_secret(SecretName::Till(core.device.id()), secret).await?;
        follow::save_place(&core.store, &till.facts.merchant_id, end).await?;
        core.store.save_till(&till.facts, core.server.now_ms()).await?;
        core.till.put(Some(till));
        core.changes.sales_changed();
        Ok(())
    }

    /// Whether payers' wallets will believe this till's orders.
    async fn check_in_keyset(&self, facts: &MerchantFacts) -> Result<()> {
        let core = &self.core;
        let keys = core.keys.refresh(&core.server).await?;
        let known = keys.keyset.merchant_key(&facts.kid, signed(core.server.now_ms()));
        match known {
            Some((_, profile))
                if profile.merchant_id == facts.merchant_id.as_str() && profile.display_name == facts.display_name =>
            {
                Ok(())
            }
            Some(_) => Err(WalletError::Merchant("the keyset knows this key under another merchant or name")),
            None => Err(WalletError::Merchant("the signing key is not in the keyset")),
        }
    }
}

/// An access file that cannot be used.
fn unusable(why: &str) -> WalletError {
    WalletError::Detailed(ErrorCode::AccessFileInvalid, why.to_owned())
}

/// An idempotency key for a call that nothing else names.
fn new_key() -> String {
    let mut random = [0; 16];
    getrandom::fill(&mut random).expect("the operating system's random generator answers");
    hex::encode(random)
}

//! Which keys the wallet accepts: the operator's keyset and the banks' certificates, verified against the pinned
//! roots, never older than what was accepted before.

use std::sync::{Arc, RwLock};

use envelope::keyset::{BankCertificate, Claim, Keyset, KeysetError, TrustRoots};
use protocol::ErrorCode;
use protocol::wallet_api::KeysetView;

use crate::clock::signed;
use crate::error::{Result, WalletError};
use crate::server::Server;
use crate::store::Store;

/// Whose version floor the keyset's is.
const SIGNER_OPERATOR: &str = "operator";
/// The setting that keeps the last accepted answer, so that the inbox can be verified without a network.
const SETTING_KEYS: &str = "keys";
/// How many bank certificates one answer may bring.
const BANKS_MAX: usize = 1_000;

/// Keys that were verified.
pub struct Keys {
    /// The operator's keyset.
    pub keyset: Keyset,
    /// The keyset as signed.
    pub keyset_jws: String,
    banks: Vec<(BankCertificate, String)>,
}

impl Keys {
    /// The one bank that answers for this issuer prefix, with its certificate as signed. Two banks that claim it are
    /// an error: the card is sealed to nobody.
    pub fn bank_for(&self, iin: &str) -> Result<(&BankCertificate, &str)> {
        match Claim::to(iin, self.banks.iter().map(|(bank, _)| bank)) {
            Claim::One(bank) => {
                let jws = self.bank_certificate(&bank.bank_id).ok_or(WalletError::Code(ErrorCode::NoBankForCard))?;
                Ok((bank, jws))
            }
            Claim::Nobody => Err(WalletError::Code(ErrorCode::NoBankForCard)),
            Claim::Several(one, other) => {
                tracing::error!(one = one.bank_id, other = other.bank_id, "two banks claim the same card");
                Err(WalletError::Code(ErrorCode::BankAmbiguous))
            }
        }
    }

    /// The front with this id, with its certificate as signed.
    pub fn front(&self, id: &str) -> Option<(&BankCertificate, &str)> {
        self.banks.iter().find(|(bank, _)| bank.bank_id == id).map(|(bank, jws)| (bank, jws.as_str()))
    }

    /// Every bank's certificate, as signed.
    pub fn bank_certificates(&self) -> Vec<String> {
        self.banks.iter().map(|(_, jws)| jws.clone()).collect()
    }

    /// Every front.
    pub fn fronts(&self) -> impl Iterator<Item = &BankCertificate> {
        self.banks.iter().map(|(bank, _)| bank)
    }

    /// The certificate of this bank, as signed.
    pub fn bank_certificate(&self, bank_id: &str) -> Option<&str> {
        self.banks.iter().find(|(bank, _)| bank.bank_id == bank_id).map(|(_, jws)| jws.as_str())
    }
}

/// The keys in force, and where they come from.
pub struct KeyCache {
    roots: TrustRoots,
    store: Store,
    current: RwLock<Option<Arc<Keys>>>,
}

impl KeyCache {
    /// Nothing is known yet.
    pub fn new(roots: TrustRoots, store: Store) -> Self {
        Self { roots, store, current: RwLock::new(None) }
    }

    /// The pinned roots.
    pub fn roots(&self) -> &TrustRoots {
        &self.roots
    }

    /// The keys in force: those in memory, else those kept, else those of the server. What has expired
    /// meanwhile is fetched anew.
    pub async fn keys(&self, server: &Server) -> Result<Arc<Keys>> {
        match self.kept(server.now_ms()).await? {
            Some(keys) => Ok(keys),
            None => self.refresh(server).await,
        }
    }

    /// The keys in force as far as this device has them, without a network.
    pub async fn kept(&self, now_ms: u64) -> Result<Option<Arc<Keys>>> {
        let current = self.current.read().expect("no panic while it is held").clone();
        if let Some(keys) = current.filter(|keys| signed(now_ms) < keys.keyset.expires_ms) {
            return Ok(Some(keys));
        }
        let Some(kept) = self.store.setting(SETTING_KEYS).await? else { return Ok(None) };
        let Ok(view) = serde_json::from_str(&kept) else { return Ok(None) };
        Ok(self.verify(&view, now_ms).await.ok().map(|keys| self.put(keys)))
    }

    /// The server's keys of this moment. A payment begins with this, so that it never seals to a key that
    /// was retired meanwhile.
    pub async fn refresh(&self, server: &Server) -> Result<Arc<Keys>> {
        let view = server.keyset().await?;
        let keys = self.verify(&view, server.now_ms()).await?;
        self.store.raise_version_floor(SIGNER_OPERATOR, keys.keyset.version).await?;
        for (bank, _) in &keys.banks {
            self.store.raise_version_floor(&signer_of_bank(&bank.bank_id), bank.version).await?;
        }
        let kept = serde_json::to_string(&view).expect("wire types are always JSON");
        self.store.save_setting(SETTING_KEYS, &kept).await?;
        Ok(self.put(keys))
    }

    fn put(&self, keys: Keys) -> Arc<Keys> {
        let keys = Arc::new(keys);
        *self.current.write().expect("no panic while it is held") = Some(Arc::clone(&keys));
        keys
    }

    async fn verify(&self, view: &KeysetView, now_ms: u64) -> Result<Keys> {
        let now_ms = signed(now_ms);
        let floor = self.store.version_floor(SIGNER_OPERATOR).await?;
        let keyset = Keyset::verify(&view.keyset, &self.roots.operator, now_ms, floor)?;
        if view.bank_certificates.len() > BANKS_MAX {
            return Err(KeysetError::Malformed("the number of banks").into());
        }
        let mut banks = Vec::new();
        for jws in &view.bank_certificates {
            match BankCertificate::verify_at(jws, &self.roots.banks, now_ms) {
                Ok(bank) => {
                    let found = bank.version;
                    let floor = self.store.version_floor(&signer_of_bank(&bank.bank_id)).await?;
                    if found < floor {
                        return Err(KeysetError::VersionBelowFloor { found, floor }.into());
                    }
                    if banks.iter().any(|(other, _): &(BankCertificate, _)| other.bank_id == bank.bank_id) {
                        return Err(KeysetError::Malformed("two certificates of one bank").into());
                    }
                    banks.push((bank, jws.clone()));
                }
                // A bank this wallet has no root of, or one that has been away for too long: its cards cannot be used
                // here and now, others can. Anything else is a lie about a bank, and nothing is believed.
                Err(reason @ (KeysetError::UnknownRoot | KeysetError::Expired)) => {
                    tracing::info!(%reason, "a bank certificate was passed over");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Keys { keyset, keyset_jws: view.keyset.clone(), banks })
    }
}

fn signer_of_bank(bank_id: &str) -> String {
    format!("bank:{bank_id}")
}

//! The bank front: a simulator that stands where a bank's front-end processor stands.
//!
//! It listens for ISO 8583 messages over mutual TLS, opens the inner seal, decides, moves money in a
//! double-entry ledger and signs what became of each attempt. `docs/iso8583.md` is its profile.
//!
//! A payment, step by step: [`link`] cuts a message from the stream; [`message`] reads it, checks the
//! merchant's signature with the key pinned in [`merchant`] and derives the attempt's hash; [`hsm`]
//! opens the capsule and checks cryptogram and PIN, with no lock held and no database asked; then one
//! step of the writer asks [`decision`], consumes the card's counter, moves the money in [`ledger`]
//! and stores the signed outcome and the answer; and only then the answer leaves.
//!
//! **Invariant:** card, ledger, outcome and answer of an attempt are written in one database transaction.
//!
//! **Invariant:** a card number or a PIN is in clear only inside [`hsm`], and in no row, log or error.

use std::sync::Arc;

use crate::keys::BankHome;
use crate::storage::{Address, Db};

pub mod account;
pub mod alias;
pub mod binding;
mod calendar;
pub mod card;
pub mod channel;
pub mod code;
pub mod command;
pub mod customer;
pub mod decision;
mod error;
mod file;
pub mod gateways;
pub mod hold_expiry;
pub mod hsm;
mod https;
pub mod ledger;
pub mod link;
pub mod message;
pub mod online;
pub mod personalisation;
pub mod scenario;
pub mod seed;
pub mod settlement;
pub mod statement;
pub mod telephone;
pub mod voucher;

pub use crate::front::merchant;
pub use error::BankError;

/// The bank's schema.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/bank_front");

/// Where the bank front takes its time from, in milliseconds since the Unix epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// A bank front, ready to answer messages.
pub struct BankFront {
    db: Db,
    hsm: hsm::Hsm,
    merchants: merchant::MerchantBook,
    scenario: scenario::Switch,
    gateways: Arc<gateways::Gateways>,
    clock: Clock,
}

impl BankFront {
    /// Opens the bank at home here: its keys, its merchants, its database.
    pub async fn open(home: &BankHome, clock: Clock) -> Result<Arc<Self>, BankError> {
        Self::open_with(home, home.dir().into(), gateways::Gateways::files(home.dir()), clock).await
    }

    /// The same with the passphrase of its keys kept elsewhere, and with gateways to its payers.
    pub async fn open_with(
        home: &BankHome,
        keys: hsm::KeyFolder,
        gateways: gateways::Gateways,
        clock: Clock,
    ) -> Result<Arc<Self>, BankError> {
        let now_ms = clock();
        let front = Self {
            db: open_database(home).await?,
            hsm: hsm::Hsm::open(keys, now_ms)?,
            merchants: merchant::MerchantBook::load(home.dir())?,
            scenario: scenario::Switch::of(home.dir()),
            gateways: Arc::new(gateways),
            clock,
        };
        front.open_merchant_accounts(now_ms).await?;
        Ok(Arc::new(front))
    }

    /// Every merchant has an account from the start, so that a payment never has to open one.
    async fn open_merchant_accounts(&self, now_ms: i64) -> Result<(), BankError> {
        let merchants: Vec<_> = self
            .merchants
            .iter()
            .map(|(id, merchant)| (account::AccountId::of_merchant(id), merchant.currency))
            .collect();
        self.db
            .write(move |db_tx| {
                Box::pin(async move {
                    for (id, currency) in &merchants {
                        account::open(db_tx, id, account::AccountKind::Merchant, *currency, now_ms).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Now by the bank's clock, which a script may have set wrong, in milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        (self.clock)().saturating_add(self.scenario.clock_skew_ms())
    }

    /// The bank's database.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The switch for scripted misfortune.
    pub fn scenario(&self) -> &scenario::Switch {
        &self.scenario
    }
}

/// Opens a bank's database and brings its schema up to date.
pub async fn open_database(home: &BankHome) -> Result<Db, BankError> {
    Ok(Db::open(&Address::File(home.database().to_owned()), &MIGRATIONS).await?)
}

#[cfg(test)]
mod tests;

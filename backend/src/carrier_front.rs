//! The operator front: a telephone company that puts payments on its subscribers' bills.
//!
//! To the payment server it is a front like a bank's: an id, a root that certifies its keys, an ISO 8583 line over mutual
//! TLS, signed outcomes. Behind it are subscribers with a number, a name, a PIN, a key of their own and a credit limit
//! instead of cards and accounts.
//!
//! A payment, step by step: [`link`] cuts a message from the stream; [`message`] reads it and checks the merchant's
//! signature; [`keys`] opens the capsule; then one step of the writer checks the subscriber's signature, identity and
//! credit in [`subscriber`], puts the purchase on the bill in [`ledger`], stores what proves it, and the signed answer; and
//! only then the answer leaves. The subscriber is told by [`texting`].
//!
//! **Invariant:** credit check, posting, evidence, outcome and answer of a purchase are one database step.
//!
//! **Invariant:** nothing goes on a bill without the signature of a key that the operator certified for this subscriber.
//!
//! **Invariant:** PIN and enrolment code are in clear only inside [`keys`] and on their way to it.

use std::sync::Arc;

use crate::front::merchant::MerchantBook;
use crate::keys::BankHome;
use crate::storage::{Address, Db};

pub mod bill;
pub mod command;
pub mod enrolment;
mod error;
pub mod keys;
pub mod ledger;
pub mod link;
pub mod message;
pub mod month;
pub mod proof;
pub mod purchase;
pub mod settlement;
pub mod subscriber;
pub mod texting;

pub use error::CarrierError;

/// The operator's schema.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/carrier_front");

/// Where the front takes its time from, in milliseconds since the Unix epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// An operator's front, ready to answer messages.
pub struct CarrierFront {
    db: Db,
    keys: keys::OperatorKeys,
    merchants: MerchantBook,
    texting: Arc<texting::Texting>,
    clock: Clock,
}

impl CarrierFront {
    /// Opens the operator at home here: its keys, its merchants, its database.
    ///
    /// # Errors
    /// When one of them cannot be opened.
    pub async fn open(home: &BankHome, texting: texting::Texting, clock: Clock) -> Result<Arc<Self>, CarrierError> {
        let keys = keys::OperatorKeys::load(home)?;
        keys.certificate(clock())?;
        let merchants = MerchantBook::load(home.dir())?;
        Ok(Arc::new(Self { db: open_database(home).await?, keys, merchants, texting: Arc::new(texting), clock }))
    }

    /// Now by the operator's clock, in milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    /// The operator's database.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The operator's keys.
    pub fn keys(&self) -> &keys::OperatorKeys {
        &self.keys
    }
}

/// Opens an operator's database and brings its schema up to date.
///
/// # Errors
/// As [`Db::open`].
pub async fn open_database(home: &BankHome) -> Result<Db, CarrierError> {
    Ok(Db::open(&Address::File(home.database().to_owned()), &MIGRATIONS).await?)
}

#[cfg(test)]
mod tests;

//! The vault: keeps payers' cards for them under a name, and releases one to its bank when its owner says so.
//!
//! It is run by a party that is neither merchant, payment server nor bank, with its own database, keys and TLS identity. A
//! wallet talks to it directly and everything it says is sealed to it; the payment server learns that an alias pays and
//! by which bank, and the vault learns of an order no more than its hash and amount.
//!
//! ```text
//! wallet ── name, password, code, order's hash ──► vault ── card, signed, sealed to the bank ──► wallet
//! wallet ── that capsule, in an ordinary attempt ──► payment server ──► bank
//! ```
//!
//! [`calls`] opens a call and has its sender proved ([`door`]); [`deeds`] does what was asked in one step of the writer;
//! [`key_ring`] has the keys, [`at_rest`] what is under them, [`rotation`] moves it to a new master key while payments go
//! on; [`Guard`] counts failures; [`audit`] tells what was done.
//!
//! **Invariant:** nothing in the database tells a name, a card or a second factor without the key file.
//!
//! **Invariant:** a card leaves the vault only sealed to a key that its own bank's root has certified, for one attempt.
//!
//! **Invariant:** an unknown name, a wrong password, a wrong code and a locked alias are answered alike, after the same work.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use envelope::keyset::BankTrust;
use tokio::sync::Semaphore;

use crate::guard::Guard;
use crate::storage::{Address, Db};

mod at_rest;
mod audit;
mod calls;
pub mod command;
mod deeds;
mod door;
mod error;
mod home;
mod key_ring;
mod name;
mod record;
mod release;
mod rotation;
mod serve;

pub use error::VaultError;
pub use home::VaultHome;
use key_ring::KeyRing;

/// The vault's schema.
static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/vault");

/// Passwords that are hashed at once: each takes 64 MiB, and whoever floods the vault with guesses waits in line.
const HASHING_AT_ONCE: usize = 4;

/// Where the vault takes its time from, in milliseconds since the Unix epoch.
type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Where the process kills itself, so that tests can look at what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum CrashPoint {
    /// Everything was decided; nothing of it is stored.
    BeforeCommit,
    /// It is stored; the wallet has no answer.
    AfterCommit,
}

/// A vault, ready to answer.
struct Vault {
    db: Db,
    id: String,
    keys: KeyRing,
    banks: Vec<BankTrust>,
    guard: Guard,
    hashing: Semaphore,
    /// How many passwords were hashed: what shows that the unknown cost what the known do.
    hashed: AtomicU64,
    clock: Clock,
    crash_at: Option<CrashPoint>,
}

impl Vault {
    /// Opens the vault at home here.
    async fn open(home: &VaultHome, clock: Clock, crash_at: Option<CrashPoint>) -> Result<Arc<Self>, VaultError> {
        let db = open_database(home).await?;
        audit::verify_chain(&db).await?;
        Ok(Arc::new(Self {
            id: home.entry()?.vault_id,
            keys: KeyRing::open(home)?,
            banks: home.banks()?,
            guard: Guard::default(),
            hashing: Semaphore::new(HASHING_AT_ONCE),
            hashed: AtomicU64::new(0),
            clock,
            crash_at,
            db,
        }))
    }

    fn now_ms(&self) -> i64 {
        (self.clock)()
    }

    /// Runs what takes a tenth of a second of one core where it holds up nobody else.
    async fn hash<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, VaultError> {
        let _turn = self.hashing.acquire().await.map_err(|_| VaultError::Stopped)?;
        self.hashed.fetch_add(1, Ordering::Relaxed);
        tokio::task::spawn_blocking(work).await.map_err(|_| VaultError::Stopped)
    }

    /// Aborts the process when a test asked for it here.
    fn crash_point(&self, point: CrashPoint) {
        if self.crash_at == Some(point) {
            tracing::warn!(?point, "aborting on request");
            std::process::abort();
        }
    }
}

/// Opens a vault's database and brings its schema up to date.
async fn open_database(home: &VaultHome) -> Result<Db, VaultError> {
    Ok(Db::open(&Address::File(home.database()), &MIGRATIONS).await?)
}

#[cfg(test)]
mod tests;

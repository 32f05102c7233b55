//! Access to the bank's page: opened at the counter, activated with a code that came to the telephone on file, locked by wrong
//! tries.
//!
//! ```text
//! opened ──activated──► active ──wrong tries──► locked
//!    └────wrong tries────► locked       └──────┬──┘
//!    ▲────────renewed at the counter───────────┘      any ──ended──► ended
//! ```

use payment::InvalidTransition;

use crate::bank_front::BankFront;
use crate::bank_front::binding::{JournalEntry, Notice, Said, note_texts, text};
use crate::bank_front::customer::Customer;
use crate::bank_front::error::BankError;
use crate::bank_front::gateways::Sending;
use crate::bank_front::hsm::Hsm;
use crate::password::PasswordVerifier;
use crate::storage::DbConnection;

/// Wrong passwords, activation codes, and sign-in codes that were guessed at until they were spoilt, that lock an access. They
/// are forgiven by a completed sign-in.
pub const ACCESS_TRIES_MAX: u8 = 5;
/// Digits of an access number.
pub const ACCESS_NUMBER_DIGITS: usize = 10;
/// How long an activation code can be used, in milliseconds.
const ACTIVATION_LIFE_MS: i64 = 24 * 60 * 60 * 1_000;
/// How many activation codes there are: all of eight digits.
const ACTIVATION_CODES: u64 = 100_000_000;
/// The most activation codes sent in one look.
const AT_ONCE_MAX: i64 = 16;

/// How an access stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessState {
    /// It waits for its activation code.
    Opened,
    /// Its customer signs in.
    Active,
    /// Too many wrong tries; the counter gives another activation code.
    Locked,
    /// It was taken away; the counter may open it anew.
    Ended,
}

/// What happens to an access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessChange {
    /// The right activation code, and a password.
    Activated,
    /// A wrong try.
    WrongTry,
    /// A sign-in was completed.
    SignedIn,
    /// The counter has seen who it is.
    Renewed,
    /// The counter takes it away.
    Ended,
}

impl AccessChange {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Activated => "activated",
            Self::WrongTry => "wrong_try",
            Self::SignedIn => "signed_in",
            Self::Renewed => "renewed",
            Self::Ended => "ended",
        }
    }
}

impl AccessState {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Active => "active",
            Self::Locked => "locked",
            Self::Ended => "ended",
        }
    }

    fn parse(text: &str) -> Result<Self, BankError> {
        [Self::Opened, Self::Active, Self::Locked, Self::Ended]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(BankError::Stored("online_access.state"))
    }

    /// State and tries left after a change.
    fn apply(self, tries_left: u8, change: AccessChange) -> Result<(Self, u8), InvalidTransition> {
        match (self, change) {
            (Self::Opened, AccessChange::Activated) | (Self::Active, AccessChange::SignedIn) => {
                Ok((Self::Active, ACCESS_TRIES_MAX))
            }
            (Self::Opened | Self::Active, AccessChange::WrongTry) => {
                let left = tries_left.saturating_sub(1);
                Ok((if left == 0 { Self::Locked } else { self }, left))
            }
            (Self::Locked | Self::Ended, AccessChange::WrongTry) => Ok((self, tries_left)),
            (_, AccessChange::Renewed) => Ok((Self::Opened, ACCESS_TRIES_MAX)),
            (Self::Opened | Self::Active | Self::Locked, AccessChange::Ended) => Ok((Self::Ended, 0)),
            (Self::Active | Self::Locked | Self::Ended, AccessChange::Activated)
            | (Self::Opened | Self::Locked | Self::Ended, AccessChange::SignedIn)
            | (Self::Ended, AccessChange::Ended) => {
                Err(InvalidTransition { state: self.as_str(), event: change.as_str() })
            }
        }
    }
}

/// An access.
pub struct Access {
    /// Whose.
    pub customer: String,
    /// What it types to sign in, with its password.
    pub access_number: String,
    /// How it stands.
    pub state: AccessState,
    /// Wrong tries left.
    pub tries_left: u8,
    /// What verifies its sign-in password.
    pub(super) password: Option<PasswordVerifier>,
    activation_mac: Option<String>,
    activation_expires_ms: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    customer: String,
    access_number: String,
    state: String,
    tries_left: i64,
    password: Option<String>,
    activation_mac: Option<String>,
    activation_expires_ms: i64,
}

impl TryFrom<Row> for Access {
    type Error = BankError;

    fn try_from(row: Row) -> Result<Self, BankError> {
        let password = |text: &str| PasswordVerifier::parse(text).ok_or(BankError::Stored("online_access.password"));
        Ok(Self {
            customer: row.customer,
            access_number: row.access_number,
            state: AccessState::parse(&row.state)?,
            tries_left: u8::try_from(row.tries_left).map_err(|_| BankError::Stored("online_access.tries_left"))?,
            password: row.password.as_deref().map(password).transpose()?,
            activation_mac: row.activation_mac,
            activation_expires_ms: row.activation_expires_ms,
        })
    }
}

impl Access {
    /// Opens an access for a customer on file, or gives it another activation code: it keeps its number. The code is drawn
    /// and sent by the bank that serves.
    pub async fn open(db_tx: &mut DbConnection, customer: &Customer) -> Result<Self, BankError> {
        if let Some(access) = Self::of_customer(db_tx, &customer.name).await? {
            access.change(db_tx, AccessChange::Renewed).await?;
            sqlx::query(
                "UPDATE online_access SET activation_mac = NULL, activation_expires_ms = 0 WHERE customer = $1",
            )
            .bind(&customer.name)
            .execute(&mut *db_tx)
            .await?;
        } else {
            sqlx::query(
                "INSERT INTO online_access (customer, access_number, state, activation_expires_ms, tries_left)
                 VALUES ($1, $2, $3, 0, $4)",
            )
            .bind(&customer.name)
            .bind(draw(10_u64.pow(10), ACCESS_NUMBER_DIGITS))
            .bind(AccessState::Opened.as_str())
            .bind(i64::from(ACCESS_TRIES_MAX))
            .execute(&mut *db_tx)
            .await?;
        }
        Self::of_customer(db_tx, &customer.name).await?.ok_or(BankError::NoAccess)
    }

    /// Takes an access away.
    ///
    /// # Errors
    /// [`BankError::NoAccess`] when the customer has none.
    pub async fn end(db_tx: &mut DbConnection, customer: &Customer, now_ms: i64) -> Result<(), BankError> {
        let access = Self::of_customer(db_tx, &customer.name).await?.ok_or(BankError::NoAccess)?;
        access.change(db_tx, AccessChange::Ended).await?;
        Notice::queue(db_tx, &customer.telephone, &customer.language, Said::OnlineEnded, now_ms).await
    }

    /// The access of a customer.
    pub async fn of_customer(connection: &mut DbConnection, customer: &str) -> Result<Option<Self>, BankError> {
        Self::find(connection, "customer", customer).await
    }

    /// The access with this number.
    pub(super) async fn of_number(connection: &mut DbConnection, number: &str) -> Result<Option<Self>, BankError> {
        Self::find(connection, "access_number", number).await
    }

    async fn find(connection: &mut DbConnection, column: &str, value: &str) -> Result<Option<Self>, BankError> {
        let statement = format!(
            "SELECT customer, access_number, state, tries_left, password, activation_mac, activation_expires_ms
             FROM online_access WHERE {column} = $1"
        );
        let row: Option<Row> =
            sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(value).fetch_optional(connection).await?;
        row.map(Self::try_from).transpose()
    }

    /// Whether this is the activation code, in its time.
    pub(super) fn is_activated_by(&self, hsm: &Hsm, code: &str, now_ms: i64) -> bool {
        let is_code = hsm.is_code(&occasion(&self.customer), code, self.activation_mac.as_deref().unwrap_or_default());
        is_code && self.state == AccessState::Opened && now_ms < self.activation_expires_ms
    }

    /// Activates it with a password; its code is used up.
    pub(super) async fn activate(
        &self,
        db_tx: &mut DbConnection,
        password: &PasswordVerifier,
        now_ms: i64,
    ) -> Result<(), BankError> {
        let customer = Customer::named(db_tx, &self.customer).await?;
        sqlx::query("UPDATE online_access SET password = $2, activation_mac = NULL WHERE customer = $1")
            .bind(&self.customer)
            .bind(password.to_text())
            .execute(&mut *db_tx)
            .await?;
        self.change(db_tx, AccessChange::Activated).await?;
        JournalEntry::append(db_tx, (super::PAGE, &self.customer), ("page_activated", ""), now_ms).await?;
        Notice::queue(db_tx, &customer.telephone, &customer.language, Said::OnlineActivated, now_ms).await
    }

    /// A wrong try. The one that locks is told to the customer.
    pub(super) async fn wrong_try(&self, db_tx: &mut DbConnection, now_ms: i64) -> Result<(), BankError> {
        let is = self.change(db_tx, AccessChange::WrongTry).await?;
        if is == AccessState::Locked && self.state != AccessState::Locked {
            let customer = Customer::named(db_tx, &self.customer).await?;
            JournalEntry::append(db_tx, (super::PAGE, &self.customer), ("page_locked", ""), now_ms).await?;
            Notice::queue(db_tx, &customer.telephone, &customer.language, Said::OnlineLocked, now_ms).await?;
        }
        Ok(())
    }

    /// Applies a change to the stored state; what it is now.
    pub(super) async fn change(
        &self,
        db_tx: &mut DbConnection,
        change: AccessChange,
    ) -> Result<AccessState, BankError> {
        // The record may be older than the row: what was done meanwhile counts.
        let stored = Self::of_customer(db_tx, &self.customer).await?.ok_or(BankError::NoAccess)?;
        let applied = stored.state.apply(stored.tries_left, change);
        let (state, tries_left) = applied.map_err(|_| BankError::Conflict("an access"))?;
        sqlx::query("UPDATE online_access SET state = $2, tries_left = $3 WHERE customer = $1")
            .bind(&self.customer)
            .bind(state.as_str())
            .bind(i64::from(tries_left))
            .execute(db_tx)
            .await?;
        Ok(state)
    }
}

/// Draws and sends the activation codes that are due. One that was drawn before a crash and never sent is worth nothing; the
/// counter gives another.
pub(in crate::bank_front) async fn send_due(front: &std::sync::Arc<BankFront>) -> Result<(), BankError> {
    const DUE: &str = "SELECT customer FROM online_access
                       WHERE state = 'opened' AND activation_mac IS NULL ORDER BY customer LIMIT $1";
    // Mostly there is nothing, and then nothing is written.
    let waiting: Vec<String> = sqlx::query_scalar(DUE).bind(AT_ONCE_MAX).fetch_all(front.db.reader()).await?;
    if waiting.is_empty() {
        return Ok(());
    }
    let (writing, now_ms) = (std::sync::Arc::clone(front), front.now_ms());
    let sendings = front
        .db
        .write(move |db_tx| {
            Box::pin(async move {
                let due: Vec<String> = sqlx::query_scalar(DUE).bind(AT_ONCE_MAX).fetch_all(&mut *db_tx).await?;
                let mut sendings = Vec::new();
                for name in due {
                    let customer = Customer::named(db_tx, &name).await?;
                    if !note_texts(db_tx, std::iter::once(&customer.telephone), now_ms).await? {
                        continue;
                    }
                    let code = draw(ACTIVATION_CODES, 8);
                    sqlx::query(
                        "UPDATE online_access SET activation_mac = $2, activation_expires_ms = $3 WHERE customer = $1",
                    )
                    .bind(&name)
                    .bind(writing.hsm.code_mac(&occasion(&name), &code))
                    .bind(now_ms.saturating_add(ACTIVATION_LIFE_MS))
                    .execute(&mut *db_tx)
                    .await?;
                    let text = text::activating(&code, &customer.language);
                    sendings.push(Sending::new(customer.telephone, text));
                }
                Ok::<_, BankError>(sendings)
            })
        })
        .await?;
    for sending in sendings {
        front.gateways.send_soon(sending);
    }
    Ok(())
}

/// What the HMAC of an activation code is bound to, beside the code.
fn occasion(customer: &str) -> String {
    format!("activation {customer}")
}

/// Digits that nobody can foretell; the bias of a remainder is below one in a thousand million.
fn draw(of: u64, digits: usize) -> String {
    let mut random = [0; 8];
    getrandom::fill(&mut random).expect("the operating system has randomness");
    format!("{:0digits$}", u64::from_be_bytes(random) % of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_tries_lock_and_only_the_counter_unlocks() {
        for begun in [AccessState::Opened, AccessState::Active] {
            let mut access = (begun, ACCESS_TRIES_MAX);
            for _ in 0..ACCESS_TRIES_MAX {
                assert_eq!(access.0, begun);
                access = access.0.apply(access.1, AccessChange::WrongTry).unwrap();
            }
            assert_eq!(access, (AccessState::Locked, 0));
            for change in [AccessChange::Activated, AccessChange::SignedIn] {
                assert!(access.0.apply(access.1, change).is_err(), "{change:?}");
            }
            assert_eq!(access.0.apply(0, AccessChange::WrongTry).unwrap(), access);
            let renewed = access.0.apply(0, AccessChange::Renewed).unwrap();
            assert_eq!(renewed, (AccessState::Opened, ACCESS_TRIES_MAX));
        }
        assert_eq!(AccessState::Active.apply(1, AccessChange::SignedIn).unwrap().1, ACCESS_TRIES_MAX);
        assert!(AccessState::Ended.apply(0, AccessChange::SignedIn).is_err());
    }
}

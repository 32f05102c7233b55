//! The payer's record: state, password, limits, accounts.

use payment::{Amount, Currency, IdentityCode, InvalidTransition};

use super::event;
use super::notice::{Notice, Said};
use super::terminal::{Address, Terminal};
use crate::bank_front::account::{self, AccountId, AccountKind};
use crate::bank_front::error::BankError;
use crate::password::PasswordVerifier;
use crate::storage::DbConnection;

/// Wrong passwords, and codes guessed at until they were spoilt, after which a payer is locked. They are forgiven by a
/// completed payment, not by a right password: whoever has the password only does not get more guesses at codes.
pub const PAYER_TRIES_MAX: u8 = 5;
/// The most accounts of one payer.
const ACCOUNTS_MAX: usize = 16;
/// The most characters of what the bank calls a person.
const CUSTOMER_CHARACTERS_MAX: usize = 64;

/// How a payer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PayerState {
    /// It may pay.
    Active,
    /// Too many wrong tries; it may again once the bank has seen who it is.
    Locked,
    /// It was taken off. Final.
    Ended,
}

/// What happens to a payer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bank_front) enum PayerChange {
    /// A wrong password, or a code that was guessed at until it was spoilt.
    WrongTry,
    /// A payment was completed.
    Paid,
    /// The bank has seen who it is, or given it another password.
    Unlocked,
    /// It does not want to pay by code any more.
    Ended,
}

impl PayerChange {
    const fn as_str(self) -> &'static str {
        match self {
            Self::WrongTry => "wrong_try",
            Self::Paid => "paid",
            Self::Unlocked => "unlocked",
            Self::Ended => "ended",
        }
    }
}

impl PayerState {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Locked => "locked",
            Self::Ended => "ended",
        }
    }

    fn parse(text: &str) -> Result<Self, BankError> {
        [Self::Active, Self::Locked, Self::Ended]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(BankError::Stored("payer.state"))
    }

    /// State and tries left after a change.
    pub(in crate::bank_front) fn apply(
        self,
        tries_left: u8,
        change: PayerChange,
    ) -> Result<(Self, u8), InvalidTransition> {
        match (self, change) {
            (Self::Active, PayerChange::WrongTry) => {
                let left = tries_left.saturating_sub(1);
                Ok((if left == 0 { Self::Locked } else { Self::Active }, left))
            }
            // A locked payer loses nothing more: what is tried at it changes nothing.
            (Self::Locked, PayerChange::WrongTry) => Ok((Self::Locked, 0)),
            (Self::Active, PayerChange::Paid) | (Self::Active | Self::Locked, PayerChange::Unlocked) => {
                Ok((Self::Active, PAYER_TRIES_MAX))
            }
            (Self::Active | Self::Locked, PayerChange::Ended) => Ok((Self::Ended, tries_left)),
            (Self::Locked, PayerChange::Paid) | (Self::Ended, _) => {
                Err(InvalidTransition { state: self.as_str(), event: change.as_str() })
            }
        }
    }
}

/// A payer by code.
pub struct Payer {
    /// Its id at the bank.
    pub payer_id: String,
    /// What the bank calls the person.
    pub customer: String,
    /// What everybody else calls it.
    pub identity_code: IdentityCode,
    /// How it stands.
    pub state: PayerState,
    /// Wrong tries left.
    pub tries_left: u8,
    /// The language it is written to in.
    pub language: String,
    /// The most one payment may take.
    pub payment_limit: Amount,
    /// The most one UTC day may take.
    pub day_limit: Amount,
    /// What verifies its password.
    pub(in crate::bank_front) password: PasswordVerifier,
}

/// A payer to be.
pub struct NewPayer {
    /// What the bank calls the person.
    pub customer: String,
    /// The language it is written to in: `en` or `zh-Hans`.
    pub language: String,
    /// The accounts it pays from, the usual one first; all in one currency.
    pub accounts: Vec<AccountId>,
    /// Where codes reach it; a device can be added later.
    pub terminals: Vec<Address>,
    /// What is stored of its password.
    pub password: PasswordVerifier,
    /// The most one payment may take, in minor units of the accounts' currency.
    pub payment_limit_minor: i64,
    /// The most one UTC day may take.
    pub day_limit_minor: i64,
}

#[derive(sqlx::FromRow)]
struct PayerRow {
    payer_id: String,
    customer: String,
    identity_code: String,
    state: String,
    password: String,
    tries_left: i64,
    language: String,
    currency: String,
    payment_limit_minor: i64,
    day_limit_minor: i64,
}

impl TryFrom<PayerRow> for Payer {
    type Error = BankError;

    fn try_from(row: PayerRow) -> Result<Self, BankError> {
        let currency: Currency = row.currency.parse().map_err(|_| BankError::Stored("payer.currency"))?;
        Ok(Self {
            payer_id: row.payer_id,
            customer: row.customer,
            identity_code: row.identity_code.parse().map_err(|_| BankError::Stored("payer.identity_code"))?,
            state: PayerState::parse(&row.state)?,
            tries_left: u8::try_from(row.tries_left).map_err(|_| BankError::Stored("payer.tries_left"))?,
            language: row.language,
            payment_limit: Amount::new(row.payment_limit_minor, currency),
            day_limit: Amount::new(row.day_limit_minor, currency),
            password: PasswordVerifier::parse(&row.password).ok_or(BankError::Stored("payer.password"))?,
        })
    }
}

/// Every column of a payer that is read.
const COLUMNS: &str = "payer_id, customer, identity_code, state, password, tries_left, language, currency, \
                       payment_limit_minor, day_limit_minor";

impl Payer {
    /// Binds a person: its record, accounts and terminals, and what others must know of it.
    ///
    /// # Errors
    /// [`BankError::PayerKnown`] when the person is bound already and has not ended it, [`BankError::NoAccount`] for an account that is no
    /// cardholder's, [`BankError::AccountCurrency`] when they differ in currency.
    pub async fn bind(db_tx: &mut DbConnection, new: &NewPayer, now_ms: i64) -> Result<Self, BankError> {
        if new.customer.is_empty() || new.customer.chars().count() > CUSTOMER_CHARACTERS_MAX {
            return Err(BankError::Malformed("the customer: 1 to 64 characters"));
        }
        match Self::find(db_tx, "customer", &new.customer).await? {
            Some(former) if former.state == PayerState::Ended => former.give_name_free(db_tx).await?,
            Some(_) => return Err(BankError::PayerKnown),
            None => {}
        }
        let currency = currency_of_all(db_tx, &new.accounts).await?;
        let payer_id = hex::encode(random::<16>());
        sqlx::query(
            "INSERT INTO payer (payer_id, customer, identity_code, state, password, tries_left, language, currency,
             payment_limit_minor, day_limit_minor, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(&payer_id)
        .bind(&new.customer)
        .bind(IdentityCode::from_random(&random()).as_str())
        .bind(PayerState::Active.as_str())
        .bind(new.password.to_text())
        .bind(i64::from(PAYER_TRIES_MAX))
        .bind(&new.language)
        .bind(currency.code())
        .bind(new.payment_limit_minor)
        .bind(new.day_limit_minor)
        .bind(now_ms)
        .execute(&mut *db_tx)
        .await?;
        for account in &new.accounts {
            add_account(db_tx, &payer_id, account).await?;
        }
        for address in &new.terminals {
            Terminal::add(db_tx, &payer_id, Some(address)).await?;
        }
        let payer = Self::of_customer(db_tx, &new.customer).await?;
        payer.changed(db_tx, Said::Bound, now_ms).await?;
        Ok(payer)
    }

    /// The payer with this identity code.
    pub async fn of_identity(connection: &mut DbConnection, code: &IdentityCode) -> Result<Option<Self>, BankError> {
        Self::find(connection, "identity_code", code.as_str()).await
    }

    /// The payer that the bank calls so.
    ///
    /// # Errors
    /// [`BankError::NoPayer`] when nobody is called so.
    pub async fn of_customer(connection: &mut DbConnection, customer: &str) -> Result<Self, BankError> {
        Self::find(connection, "customer", customer).await?.ok_or(BankError::NoPayer)
    }

    /// What a customer pays by code as, unless it does not, or no more.
    pub async fn bound_to(connection: &mut DbConnection, customer: &str) -> Result<Option<Self>, BankError> {
        let payer = Self::find(connection, "customer", customer).await?;
        Ok(payer.filter(|payer| payer.state != PayerState::Ended))
    }

    /// Who ended paying by code may begin anew: the record of before keeps its payments, under a name with its identity code.
    async fn give_name_free(&self, db_tx: &mut DbConnection) -> Result<(), BankError> {
        sqlx::query("UPDATE payer SET customer = $2 WHERE payer_id = $1")
            .bind(&self.payer_id)
            .bind(format!("{}/{}", self.customer, self.identity_code))
            .execute(db_tx)
            .await?;
        Ok(())
    }

    /// The payer with this id.
    pub(in crate::bank_front) async fn of_id(connection: &mut DbConnection, id: &str) -> Result<Self, BankError> {
        Self::find(connection, "payer_id", id).await?.ok_or(BankError::Stored("payer"))
    }

    async fn find(connection: &mut DbConnection, column: &str, value: &str) -> Result<Option<Self>, BankError> {
        let statement = format!("SELECT {COLUMNS} FROM payer WHERE {column} = $1");
        let row: Option<PayerRow> =
            sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(value).fetch_optional(connection).await?;
        row.map(Self::try_from).transpose()
    }

    /// Everybody, by what the bank calls them.
    pub async fn all(connection: &mut DbConnection) -> Result<Vec<Self>, BankError> {
        const PAYERS_MAX: i64 = 100_000;
        let statement = format!("SELECT {COLUMNS} FROM payer ORDER BY customer LIMIT $1");
        let rows: Vec<PayerRow> =
            sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(PAYERS_MAX).fetch_all(connection).await?;
        rows.into_iter().map(Self::try_from).collect()
    }

    /// The accounts it pays from, the usual one first.
    pub async fn accounts(&self, connection: &mut DbConnection) -> Result<Vec<AccountId>, BankError> {
        let accounts = sqlx::query_scalar("SELECT account_id FROM payer_account WHERE payer_id = $1 ORDER BY place")
            .bind(&self.payer_id)
            .fetch_all(connection)
            .await?;
        Ok(accounts)
    }

    /// Its registered terminals.
    pub async fn terminals(&self, connection: &mut DbConnection) -> Result<Vec<Terminal>, BankError> {
        Terminal::all(connection, &self.payer_id).await
    }

    /// Lets it pay from one more account.
    pub async fn add_account(
        &self,
        db_tx: &mut DbConnection,
        account: &AccountId,
        now_ms: i64,
    ) -> Result<(), BankError> {
        let accounts = self.accounts(db_tx).await?;
        if accounts.len() >= ACCOUNTS_MAX {
            return Err(BankError::TooMany("accounts of a payer"));
        }
        let currency = currency_of_all(db_tx, std::slice::from_ref(account)).await?;
        if currency != self.payment_limit.currency() {
            return Err(BankError::AccountCurrency);
        }
        if accounts.contains(account) {
            return Ok(());
        }
        add_account(db_tx, &self.payer_id, account).await?;
        self.changed(db_tx, Said::Changed, now_ms).await
    }

    /// Adds a terminal, or a device when there is no address; its place.
    pub async fn add_terminal(
        &self,
        db_tx: &mut DbConnection,
        address: Option<&Address>,
        now_ms: i64,
    ) -> Result<i64, BankError> {
        // What was there already is told first: whoever adds a terminal of its own cannot keep that from the payer.
        let place = Terminal::add(db_tx, &self.payer_id, address).await?;
        self.changed(db_tx, Said::TerminalAdded, now_ms).await?;
        Ok(place)
    }

    /// Removes a terminal; it is told too.
    pub async fn remove_terminal(&self, db_tx: &mut DbConnection, place: i64, now_ms: i64) -> Result<(), BankError> {
        let removed = Terminal::remove(db_tx, &self.payer_id, place).await?;
        if let Some(address) = &removed.address {
            Notice::queue(db_tx, address, &self.language, Said::TerminalRemoved, now_ms).await?;
        }
        self.changed(db_tx, Said::TerminalRemoved, now_ms).await
    }

    /// Sets another password; a locked payer may pay again.
    pub async fn set_password(
        &self,
        db_tx: &mut DbConnection,
        password: &PasswordVerifier,
        now_ms: i64,
    ) -> Result<(), BankError> {
        sqlx::query("UPDATE payer SET password = $2 WHERE payer_id = $1")
            .bind(&self.payer_id)
            .bind(password.to_text())
            .execute(&mut *db_tx)
            .await?;
        self.change(db_tx, PayerChange::Unlocked).await?;
        self.changed(db_tx, Said::PasswordChanged, now_ms).await
    }

    /// Sets the limits that are named, in minor units.
    pub async fn set_limits(
        &self,
        db_tx: &mut DbConnection,
        payment_minor: Option<i64>,
        day_minor: Option<i64>,
        now_ms: i64,
    ) -> Result<(), BankError> {
        sqlx::query("UPDATE payer SET payment_limit_minor = $2, day_limit_minor = $3 WHERE payer_id = $1")
            .bind(&self.payer_id)
            .bind(payment_minor.unwrap_or(self.payment_limit.minor()))
            .bind(day_minor.unwrap_or(self.day_limit.minor()))
            .execute(&mut *db_tx)
            .await?;
        self.changed(db_tx, Said::Changed, now_ms).await
    }

    /// The bank has seen who it is.
    pub async fn unlock(&self, db_tx: &mut DbConnection, now_ms: i64) -> Result<(), BankError> {
        self.change(db_tx, PayerChange::Unlocked).await?;
        self.changed(db_tx, Said::Unlocked, now_ms).await
    }

    /// Takes the payer off: no code is made for it any more, and none that was made is worth anything.
    pub async fn end(&self, db_tx: &mut DbConnection, now_ms: i64) -> Result<(), BankError> {
        self.change(db_tx, PayerChange::Ended).await?;
        self.changed(db_tx, Said::Ended, now_ms).await
    }

    /// A wrong password, or a code guessed at until it was spoilt. The one that locks is told to the payer.
    pub(in crate::bank_front) async fn wrong_try(
        &self,
        db_tx: &mut DbConnection,
        now_ms: i64,
    ) -> Result<(), BankError> {
        let was = self.state;
        let is = self.change(db_tx, PayerChange::WrongTry).await?;
        if is == PayerState::Locked && was == PayerState::Active {
            self.changed(db_tx, Said::Locked, now_ms).await?;
        }
        Ok(())
    }

    /// Applies a change to the stored state; what it is now.
    pub(in crate::bank_front) async fn change(
        &self,
        db_tx: &mut DbConnection,
        change: PayerChange,
    ) -> Result<PayerState, BankError> {
        // The record may be older than the row: what was done meanwhile counts.
        let stored = Self::of_id(db_tx, &self.payer_id).await?;
        let (state, tries_left) =
            stored.state.apply(stored.tries_left, change).map_err(|_| BankError::Conflict("a payer"))?;
        sqlx::query("UPDATE payer SET state = $2, tries_left = $3 WHERE payer_id = $1")
            .bind(&self.payer_id)
            .bind(state.as_str())
            .bind(i64::from(tries_left))
            .execute(db_tx)
            .await?;
        Ok(state)
    }

    /// Says what changed: to the payment server what it must know, to the payer on each of its terminals what was done.
    pub(super) async fn changed(&self, db_tx: &mut DbConnection, said: Said, now_ms: i64) -> Result<(), BankError> {
        let payer = Self::of_id(db_tx, &self.payer_id).await?;
        let terminals = payer.terminals(db_tx).await?;
        event::append(db_tx, &payer, &terminals).await?;
        for address in terminals.iter().filter_map(|terminal| terminal.address.as_ref()) {
            Notice::queue(db_tx, address, &payer.language, said, now_ms).await?;
        }
        Ok(())
    }
}

async fn add_account(db_tx: &mut DbConnection, payer_id: &str, account: &AccountId) -> Result<(), BankError> {
    sqlx::query(
        "INSERT INTO payer_account (payer_id, place, account_id)
         SELECT $1, COALESCE(MAX(place), 0) + 1, $2 FROM payer_account WHERE payer_id = $1",
    )
    .bind(payer_id)
    .bind(account)
    .execute(db_tx)
    .await?;
    Ok(())
}

/// The one currency of these cardholders' accounts.
pub(super) async fn currency_of_all(db_tx: &mut DbConnection, accounts: &[AccountId]) -> Result<Currency, BankError> {
    let mut currencies = Vec::new();
    for account_id in accounts {
        let unknown = || BankError::NoAccount(account_id.to_string());
        if account::kind_of(db_tx, account_id).await? != Some(AccountKind::Cardholder) {
            return Err(unknown());
        }
        currencies.push(account::currency_of(db_tx, account_id).await?.ok_or_else(unknown)?);
    }
    match currencies.split_first() {
        Some((first, rest)) if rest.iter().all(|currency| currency == first) => Ok(*first),
        Some(_) => Err(BankError::AccountCurrency),
        None => Err(BankError::NoAccount("at all".to_owned())),
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has randomness");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_tries_lock_and_only_the_bank_unlocks() {
        let mut payer = (PayerState::Active, PAYER_TRIES_MAX);
        for _ in 0..PAYER_TRIES_MAX {
            assert_eq!(payer.0, PayerState::Active);
            payer = payer.0.apply(payer.1, PayerChange::WrongTry).unwrap();
        }
        assert_eq!(payer, (PayerState::Locked, 0));
        assert_eq!(payer.0.apply(payer.1, PayerChange::WrongTry).unwrap(), payer);
        assert!(payer.0.apply(payer.1, PayerChange::Paid).is_err());
        assert_eq!(payer.0.apply(0, PayerChange::Unlocked).unwrap(), (PayerState::Active, PAYER_TRIES_MAX));
    }

    #[test]
    fn a_payment_forgives_and_an_end_is_final() {
        assert_eq!(PayerState::Active.apply(1, PayerChange::Paid).unwrap(), (PayerState::Active, PAYER_TRIES_MAX));
        for state in [PayerState::Active, PayerState::Locked] {
            assert_eq!(state.apply(0, PayerChange::Ended).unwrap().0, PayerState::Ended);
        }
        for change in [PayerChange::WrongTry, PayerChange::Paid, PayerChange::Unlocked, PayerChange::Ended] {
            assert!(PayerState::Ended.apply(0, change).is_err());
        }
    }
}

//! Customers as their bank knows them: by a name of the bank's own, with the accounts they hold and a telephone on file.
//!
//! Whoever comes by a channel may bind only accounts that are on file as its own. The telephone confirms and is told before any
//! terminal is registered; only the counter writes it down.

use super::account::{self, AccountId, AccountKind};
use super::binding::{Address, TerminalKind};
use super::error::BankError;
use crate::storage::DbConnection;

/// The most accounts of one customer.
const ACCOUNTS_MAX: usize = 16;
/// The most characters of what the bank calls a person.
const NAME_CHARACTERS_MAX: usize = 64;

/// A customer.
#[derive(Debug, Clone)]
pub struct Customer {
    /// What the bank calls the person.
    pub name: String,
    /// The telephone on file.
    pub telephone: Address,
    /// The language it is written to in: `en` or `zh-Hans`.
    pub language: String,
}

impl Customer {
    /// Writes a customer down, or changes what is on file of it: accounts are added, and never taken away here.
    ///
    /// # Errors
    /// [`BankError::Malformed`] for a name or telephone that is none, [`BankError::NoAccount`] for an account that is no
    /// cardholder's, [`BankError::AccountHeld`] for one that is somebody else's.
    pub async fn open(
        db_tx: &mut DbConnection,
        new: &Self,
        accounts: &[AccountId],
        now_ms: i64,
    ) -> Result<(), BankError> {
        let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.');
        if !(1..=NAME_CHARACTERS_MAX).contains(&new.name.chars().count()) || !new.name.chars().all(is_name) {
            return Err(BankError::Malformed("the customer: 1 to 64 letters, digits, -, _ and ."));
        }
        if new.telephone.kind() != TerminalKind::Sms {
            return Err(BankError::Malformed("the telephone on file"));
        }
        sqlx::query(
            "INSERT INTO customer (customer, telephone, language, opened_ms) VALUES ($1, $2, $3, $4)
             ON CONFLICT (customer) DO UPDATE SET telephone = excluded.telephone, language = excluded.language",
        )
        .bind(&new.name)
        .bind(new.telephone.as_str())
        .bind(&new.language)
        .bind(now_ms)
        .execute(&mut *db_tx)
        .await?;
        for account_id in accounts {
            new.take_account(db_tx, account_id).await?;
        }
        Ok(())
    }

    async fn take_account(&self, db_tx: &mut DbConnection, account_id: &AccountId) -> Result<(), BankError> {
        if account::kind_of(db_tx, account_id).await? != Some(AccountKind::Cardholder) {
            return Err(BankError::NoAccount(account_id.to_string()));
        }
        match Self::holder_of(db_tx, account_id).await? {
            Some(holder) if holder.name == self.name => return Ok(()),
            Some(_) => return Err(BankError::AccountHeld(account_id.to_string())),
            None => {}
        }
        if self.accounts(db_tx).await?.len() >= ACCOUNTS_MAX {
            return Err(BankError::TooMany("accounts of a customer"));
        }
        sqlx::query(
            "INSERT INTO customer_account (account_id, customer, place)
             SELECT $1, $2, COALESCE(MAX(place), 0) + 1 FROM customer_account WHERE customer = $2",
        )
        .bind(account_id)
        .bind(&self.name)
        .execute(db_tx)
        .await?;
        Ok(())
    }

    /// The customer of this name.
    ///
    /// # Errors
    /// [`BankError::NoCustomer`] when nobody is called so.
    pub async fn named(connection: &mut DbConnection, name: &str) -> Result<Self, BankError> {
        Self::find(connection, name).await?.ok_or(BankError::NoCustomer)
    }

    /// The customer of this name, if there is one.
    pub async fn find(connection: &mut DbConnection, name: &str) -> Result<Option<Self>, BankError> {
        let row: Option<(String, String, String)> =
            sqlx::query_as("SELECT customer, telephone, language FROM customer WHERE customer = $1")
                .bind(name)
                .fetch_optional(connection)
                .await?;
        Ok(row.map(Self::of_row))
    }

    /// Whose an account is, if it is anybody's.
    pub async fn holder_of(connection: &mut DbConnection, account_id: &AccountId) -> Result<Option<Self>, BankError> {
        let row: Option<(String, String, String)> = sqlx::query_as(
            "SELECT customer.customer, customer.telephone, customer.language FROM customer
             JOIN customer_account ON customer_account.customer = customer.customer
             WHERE customer_account.account_id = $1",
        )
        .bind(account_id)
        .fetch_optional(connection)
        .await?;
        Ok(row.map(Self::of_row))
    }

    /// The accounts it holds, in the order they were written down.
    pub async fn accounts(&self, connection: &mut DbConnection) -> Result<Vec<AccountId>, BankError> {
        let accounts = sqlx::query_scalar("SELECT account_id FROM customer_account WHERE customer = $1 ORDER BY place")
            .bind(&self.name)
            .fetch_all(connection)
            .await?;
        Ok(accounts)
    }

    fn of_row((name, telephone, language): (String, String, String)) -> Self {
        Self { name, telephone: Address::stored(TerminalKind::Sms, telephone), language }
    }
}

//! Begin, commit, roll back, with savepoints inside.

use sqlx::{Error, SqlStr};
use sqlx_core::transaction::TransactionManager;

use super::database::{DbConnection, Link, Servers};

/// Begins and ends database transactions.
#[derive(Debug)]
pub struct DbTransactions;

impl TransactionManager for DbTransactions {
    type Database = Servers;

    async fn begin(connection: &mut DbConnection, statement: Option<SqlStr>) -> Result<(), Error> {
        match &mut connection.link {
            Link::Sqlite(file) => file.begin(statement),
            Link::Postgres(session) => session.begin(statement).await,
        }
    }

    async fn commit(connection: &mut DbConnection) -> Result<(), Error> {
        match &mut connection.link {
            Link::Sqlite(file) => file.commit(),
            Link::Postgres(session) => session.commit().await,
        }
    }

    async fn rollback(connection: &mut DbConnection) -> Result<(), Error> {
        match &mut connection.link {
            Link::Sqlite(file) => file.roll_back(),
            Link::Postgres(session) => session.roll_back().await,
        }
    }

    fn start_rollback(connection: &mut DbConnection) {
        match &mut connection.link {
            Link::Sqlite(file) => {
                if let Err(error) = file.roll_back() {
                    // SQLite has rolled back by itself after some failures; then there is nothing left to undo.
                    tracing::debug!(%error, "nothing was rolled back");
                }
            }
            Link::Postgres(session) => session.start_roll_back(),
        }
    }

    fn get_transaction_depth(connection: &DbConnection) -> usize {
        match &connection.link {
            Link::Sqlite(file) => file.transaction_depth(),
            Link::Postgres(session) => session.transaction_depth(),
        }
    }
}

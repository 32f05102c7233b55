//! Begin, commit, roll back, with savepoints inside.

use sqlx::{Error, SqlStr};
use sqlx_core::transaction::TransactionManager;

use super::{Sqlite, SqliteConnection};

/// Begins and ends database transactions.
#[derive(Debug)]
pub struct SqliteTransactions;

impl TransactionManager for SqliteTransactions {
    type Database = Sqlite;

    async fn begin(connection: &mut SqliteConnection, statement: Option<SqlStr>) -> Result<(), Error> {
        let depth = connection.transaction_depth;
        match statement {
            Some(_) if depth > 0 => return Err(Error::InvalidSavePointStatement),
            Some(statement) => connection.command(statement.as_str())?,
            None if depth == 0 => connection.command("BEGIN")?,
            None => connection.command(&format!("SAVEPOINT nested_{depth}"))?,
        }
        connection.transaction_depth += 1;
        Ok(())
    }

    async fn commit(connection: &mut SqliteConnection) -> Result<(), Error> {
        match connection.transaction_depth {
            0 => return Ok(()),
            1 => connection.command("COMMIT")?,
            depth => connection.command(&format!("RELEASE nested_{}", depth - 1))?,
        }
        connection.transaction_depth -= 1;
        Ok(())
    }

    async fn rollback(connection: &mut SqliteConnection) -> Result<(), Error> {
        roll_back(connection)
    }

    fn start_rollback(connection: &mut SqliteConnection) {
        if let Err(error) = roll_back(connection) {
            // SQLite has rolled back by itself after some failures; then there is nothing left to undo.
            tracing::debug!(%error, "nothing was rolled back");
        }
    }

    fn get_transaction_depth(connection: &SqliteConnection) -> usize {
        connection.transaction_depth
    }
}

fn roll_back(connection: &mut SqliteConnection) -> Result<(), Error> {
    let undone = match connection.transaction_depth {
        0 => return Ok(()),
        1 if connection.handle.is_autocommit() => Ok(()),
        1 => connection.command("ROLLBACK"),
        depth => connection.command(&format!("ROLLBACK TO nested_{0}; RELEASE nested_{0}", depth - 1)),
    };
    connection.transaction_depth -= 1;
    undone
}

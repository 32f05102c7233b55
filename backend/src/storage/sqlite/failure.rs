//! SQLite's result codes as errors of sqlx.

use std::borrow::Cow;

use rusqlite::ffi;
use sqlx::Error;
use sqlx::error::{DatabaseError, ErrorKind};

/// A result code and what SQLite says about it; never what was bound.
#[derive(Debug, thiserror::Error)]
#[error("(code: {extended_code}) {message}")]
struct SqliteFailure {
    /// The extended result code; its low byte is the primary one (SQLite, "Result Codes").
    extended_code: i32,
    message: String,
}

/// The error of sqlx for an error of SQLite.
pub(super) fn of(error: rusqlite::Error) -> Error {
    match error {
        rusqlite::Error::SqliteFailure(ffi::Error { extended_code, .. }, message) => {
            let message = message.unwrap_or_else(|| ffi::code_to_str(extended_code).to_owned());
            Error::Database(Box::new(SqliteFailure { extended_code, message }))
        }
        other => Error::Protocol(other.to_string()),
    }
}

impl DatabaseError for SqliteFailure {
    fn message(&self) -> &str {
        &self.message
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.extended_code.to_string().into())
    }

    fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        match self.extended_code {
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => ErrorKind::UniqueViolation,
            ffi::SQLITE_CONSTRAINT_FOREIGNKEY => ErrorKind::ForeignKeyViolation,
            ffi::SQLITE_CONSTRAINT_NOTNULL => ErrorKind::NotNullViolation,
            ffi::SQLITE_CONSTRAINT_CHECK => ErrorKind::CheckViolation,
            _ => ErrorKind::Other,
        }
    }
}

/// Whether the same call may succeed later: result codes BUSY, LOCKED, FULL and IOERR.
pub(in crate::storage) fn is_passing(error: &Error) -> bool {
    let Error::Database(error) = error else { return false };
    let failure = error.try_downcast_ref::<SqliteFailure>();
    failure.is_some_and(|failure| matches!(failure.extended_code & 0xff, 5 | 6 | 10 | 13))
}

//! PostgreSQL's errors as both databases report them, and what each means for whoever waits.

use std::borrow::Cow;

use sqlx::Error;
use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::postgres::PgDatabaseError;

/// An error's code (PostgreSQL, appendix A) and what the server says about it; never what was bound.
#[derive(Debug, thiserror::Error)]
#[error("(code: {code}) {message}")]
struct PostgresFailure {
    code: String,
    message: String,
}

/// The same error without what was bound. A refused row is told of in SQLite's words: by table and columns.
pub(super) fn of(error: Error) -> Error {
    let Error::Database(error) = &error else { return error };
    let Some(error) = error.try_downcast_ref::<PgDatabaseError>() else {
        return Error::Protocol("an error of another database".to_owned());
    };
    let code = error.code().to_owned();
    let message = if code == UNIQUE_VIOLATION { refused_row(error) } else { error.message().to_owned() };
    Error::Database(Box::new(PostgresFailure { code, message }))
}

/// Codes of appendix A.
const UNIQUE_VIOLATION: &str = "23505";
const FOREIGN_KEY_VIOLATION: &str = "23503";
const NOT_NULL_VIOLATION: &str = "23502";
const CHECK_VIOLATION: &str = "23514";

/// The detail reads `Key (a, b)=(…) already exists.`; what stands behind the equals sign is not ours to repeat.
fn refused_row(error: &PgDatabaseError) -> String {
    let table = error.table().unwrap_or_default();
    let key = error.detail().and_then(|detail| detail.strip_prefix("Key (")).and_then(|rest| rest.split_once(")="));
    let columns: Vec<String> =
        key.map_or("", |(columns, _)| columns).split(", ").map(|column| format!("{table}.{column}")).collect();
    format!("UNIQUE constraint failed: {}", columns.join(", "))
}

fn code(error: &Error) -> Option<&str> {
    let Error::Database(error) = error else { return None };
    error.try_downcast_ref::<PostgresFailure>().map(|failure| failure.code.as_str())
}

/// Whether the session is of no more use: the connection broke, or the server ends it (classes 08 and 57P).
pub(in crate::storage) fn is_lost(error: &Error) -> bool {
    match error {
        Error::Io(_) | Error::Tls(_) | Error::Protocol(_) | Error::PoolTimedOut | Error::PoolClosed => true,
        _ => code(error).is_some_and(|code| code.starts_with("08") || code.starts_with("57P") || code == "25P03"),
    }
}

/// Whether a failed commit may have happened all the same. When the server itself said why it refused, it has not.
pub(in crate::storage) fn leaves_commit_unknown(error: &Error) -> bool {
    is_lost(error) || code(error).is_none()
}

/// Whether the same call may succeed later: besides a lost session, a lock that was not had in time, a server that is
/// full, starting, stopping or standing by (classes 53, 55P03, 57014, 40, and 25006 of a server demoted meanwhile).
pub(in crate::storage) fn is_passing(error: &Error) -> bool {
    let passes = |code: &str| {
        code.starts_with("53") || code.starts_with("40") || matches!(code, "55P03" | "57014" | "25006" | "25P02")
    };
    is_lost(error) || code(error).is_some_and(passes)
}

impl DatabaseError for PostgresFailure {
    fn message(&self) -> &str {
        &self.message
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.code.as_str().into())
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
        match self.code.as_str() {
            UNIQUE_VIOLATION => ErrorKind::UniqueViolation,
            FOREIGN_KEY_VIOLATION => ErrorKind::ForeignKeyViolation,
            NOT_NULL_VIOLATION => ErrorKind::NotNullViolation,
            CHECK_VIOLATION => ErrorKind::CheckViolation,
            _ => ErrorKind::Other,
        }
    }
}
